//! Kubernetes' named formats: what texts may look like.
//!
//! Promises the rules that Kubernetes checks names, labels and dates by.
//! Deliberately never shows the text that breaks a rule.

use std::fmt;

use crate::lang::calendar;

use super::url::Url;

/// A named format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A label of a DNS name: `my-app-1`.
    Dns1123Label,
    /// A DNS name: `my-app.example.com`.
    Dns1123Subdomain,
    /// A label that begins with a letter.
    Dns1035Label,
    /// A name after an optional DNS name: `example.com/my_name`.
    QualifiedName,
    /// What a label may begin with.
    Dns1123LabelPrefix,
    /// What a DNS name may begin with.
    Dns1123SubdomainPrefix,
    /// What a label that begins with a letter may begin with.
    Dns1035LabelPrefix,
    /// The value of a Kubernetes label.
    LabelValue,
    /// An absolute URI or path.
    Uri,
    /// A UUID, with or without hyphens.
    Uuid,
    /// Base64.
    Byte,
    /// `2009-02-13`
    Date,
    /// A time of RFC 3339.
    Datetime,
}

const ALL: [(&str, Format); 13] = [
    ("dns1123Label", Format::Dns1123Label),
    ("dns1123Subdomain", Format::Dns1123Subdomain),
    ("dns1035Label", Format::Dns1035Label),
    ("qualifiedName", Format::QualifiedName),
    ("dns1123LabelPrefix", Format::Dns1123LabelPrefix),
    ("dns1123SubdomainPrefix", Format::Dns1123SubdomainPrefix),
    ("dns1035LabelPrefix", Format::Dns1035LabelPrefix),
    ("labelValue", Format::LabelValue),
    ("uri", Format::Uri),
    ("uuid", Format::Uuid),
    ("byte", Format::Byte),
    ("date", Format::Date),
    ("datetime", Format::Datetime),
];

const LABEL: usize = 63;
const NAME: usize = 253;

impl Format {
    /// The format of this name.
    pub fn by_name(name: &str) -> Option<Format> {
        let mut all = ALL.into_iter();
        all.find(|(own, _)| *own == name).map(|(_, format)| format)
    }

    /// Which rules the text breaks, in words; none where it is of the format.
    pub fn broken(self, text: &str) -> Vec<String> {
        match self {
            Format::Dns1123Label => label(text, LABEL),
            Format::Dns1123Subdomain => subdomain(text),
            Format::Dns1035Label => letter_label(text),
            Format::QualifiedName => qualified_name(text),
            Format::Dns1123LabelPrefix => label(&completed(text), LABEL),
            Format::Dns1123SubdomainPrefix => subdomain(&completed(text)),
            Format::Dns1035LabelPrefix => letter_label(&completed(text)),
            Format::LabelValue => label_value(text),
            Format::Uri => rule(Url::parse(text).is_ok(), "must be an absolute URI or path"),
            Format::Uuid => rule(is_uuid(text), "must be a UUID"),
            Format::Byte => rule(is_base64(text), "must be base64"),
            Format::Date => rule(calendar::is_date(text), "must be a date like 2009-02-13"),
            Format::Datetime => rule(
                calendar::is_datetime(text),
                "must be a time of RFC 3339 like 2009-02-13T23:31:30Z",
            ),
        }
    }
}

/// Its name.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = ALL.into_iter();
        let name = all.find(|(_, own)| own == self).map(|(name, _)| name);
        f.write_str(name.unwrap_or_default())
    }
}

fn rule(holds: bool, text: &str) -> Vec<String> {
    match holds {
        true => Vec::new(),
        false => vec![text.to_owned()],
    }
}

fn length(text: &str, most: usize) -> Vec<String> {
    rule(
        text.len() <= most,
        &format!("must be no more than {most} bytes"),
    )
}

/// A prefix may end in a hyphen, because something follows it.
fn completed(text: &str) -> String {
    match text.strip_suffix('-') {
        Some(before) if !before.is_empty() => format!("{before}a"),
        _ => text.to_owned(),
    }
}

fn is_small(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// Whether the text is not empty, of bytes that fit or stand in `inner`, and
/// neither begins nor ends with one of the latter.
fn is_framed(text: &str, fits: fn(u8) -> bool, inner: &[u8]) -> bool {
    let ends = [text.bytes().next(), text.bytes().next_back()];
    ends.into_iter().all(|end| end.is_some_and(fits))
        && text.bytes().all(|byte| fits(byte) || inner.contains(&byte))
}

fn label(text: &str, most: usize) -> Vec<String> {
    let shape = rule(
        is_framed(text, is_small, b"-"),
        "must be of lower case letters, digits and hyphens, and begin and end with a letter or digit",
    );
    [length(text, most), shape].concat()
}

fn subdomain(text: &str) -> Vec<String> {
    let mut labels = text.split('.');
    let shape = rule(
        labels.all(|label| is_framed(label, is_small, b"-")),
        "must be labels with dots between them, each of lower case letters, digits and hyphens, \
         and beginning and ending with a letter or digit",
    );
    [length(text, NAME), shape].concat()
}

fn letter_label(text: &str) -> Vec<String> {
    let fits = is_framed(text, is_small, b"-")
        && text.starts_with(|first: char| first.is_ascii_lowercase());
    let shape = rule(
        fits,
        "must be of lower case letters, digits and hyphens, begin with a letter and end with a \
         letter or digit",
    );
    [length(text, LABEL), shape].concat()
}

fn is_name(text: &str) -> bool {
    is_framed(text, |byte| byte.is_ascii_alphanumeric(), b"-_.")
}

const NAME_SHAPE: &str = "must be of letters, digits, `-`, `_` and `.`, and begin and end with a \
                          letter or digit";

fn label_value(text: &str) -> Vec<String> {
    let shape = rule(text.is_empty() || is_name(text), NAME_SHAPE);
    [length(text, LABEL), shape].concat()
}

fn qualified_name(text: &str) -> Vec<String> {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    let before = prefix.map(subdomain).unwrap_or_default();
    let shape = rule(is_name(name), NAME_SHAPE);
    [before, length(name, LABEL), shape].concat()
}

/// 8, 4, 4, 4 and 12 hexadecimal digits; hyphens between them may be missing.
fn is_uuid(text: &str) -> bool {
    let mut rest = text;
    for (at, count) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if at > 0 {
            rest = rest.strip_prefix('-').unwrap_or(rest);
        }
        let Some((digits, after)) = rest.split_at_checked(count) else {
            return false;
        };
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    !text.is_empty()
        && text.len().is_multiple_of(4)
        && text.len() - digits.len() <= 2
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}
