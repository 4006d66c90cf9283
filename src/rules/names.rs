//! What Kubernetes accepts as names of groups, kinds, labels and objects.
//!
//! Promises the same verdicts as kube-apiserver's own validation. Deliberately
//! does not know which names exist.

/// Why a name is not accepted, to be put after the name.
pub type Verdict = Result<(), String>;

/// `what` and the name, unless that is empty, and what is said of it.
pub fn sentence(what: &str, name: &str, why: &str) -> String {
    match name {
        "" => format!("{what} {why}"),
        name => format!("{what} `{name}` {why}"),
    }
}

const MAX_LABEL: usize = 63;
const MAX_SUBDOMAIN: usize = 253;

/// A DNS label in lower case, as Namespaces have.
pub fn dns_label(text: &str) -> Verdict {
    length(text, MAX_LABEL)?;
    let allowed = |c: char| lower_alphanumeric(c) || c == '-';
    characters(text, allowed, "lower-case letters, digits and `-`")?;
    ends(text, lower_alphanumeric, "a lower-case letter or digit")
}

/// DNS labels with points between them, as groups have.
pub fn dns_subdomain(text: &str) -> Verdict {
    length(text, MAX_SUBDOMAIN)?;
    let allowed = |c: char| lower_alphanumeric(c) || c == '-' || c == '.';
    characters(text, allowed, "lower-case letters, digits, `-` and `.`")?;
    for part in text.split('.') {
        if part.is_empty() {
            return Err("has nothing before, between or after its points".into());
        }
        ends(
            part,
            lower_alphanumeric,
            "a lower-case letter or digit, in each part between points",
        )?;
    }
    Ok(())
}

/// A version such as `v1` or `v1beta1`.
pub fn version(text: &str) -> Verdict {
    dns_label(text)?;
    starts_with_letter(text)
}

/// A kind such as `ConfigMap`: a DNS label once in lower case.
pub fn kind(text: &str) -> Verdict {
    length(text, MAX_LABEL)?;
    characters(
        text,
        |c| c.is_ascii_alphanumeric() || c == '-',
        "letters, digits and `-`",
    )?;
    ends(text, |c| c.is_ascii_alphanumeric(), "a letter or digit")?;
    starts_with_letter(text)
}

/// A label key: a name, with or without a DNS subdomain and `/` before it.
pub fn label_key(text: &str) -> Verdict {
    let name = match text.split_once('/') {
        Some((_, name)) if name.contains('/') => return Err("contains more than one `/`".into()),
        Some(("", _)) => return Err("has nothing before its `/`".into()),
        Some((prefix, name)) => {
            dns_subdomain(prefix)
                .map_err(|why| format!("has the prefix `{prefix}`, which {why}"))?;
            name
        }
        None => text,
    };
    if name.is_empty() {
        return Err(if text.is_empty() {
            "is empty"
        } else {
            "has nothing after its `/`"
        }
        .into());
    }
    label_text(name).map_err(|why| match name == text {
        true => why,
        false => format!("has the name `{name}`, which {why}"),
    })
}

/// A label value; may be empty.
pub fn label_value(text: &str) -> Verdict {
    if text.is_empty() {
        Ok(())
    } else {
        label_text(text)
    }
}

/// A part of a URL's path, which is all that every object name is.
pub fn object_name(text: &str) -> Verdict {
    if text == "." || text == ".." {
        return Err("is not a name".into());
    }
    length(text, MAX_SUBDOMAIN)?;
    match text
        .chars()
        .find(|&c| matches!(c, '/' | '%') || c.is_control() || c.is_whitespace())
    {
        Some(wrong) => Err(format!("contains {}, which no name does", shown(wrong))),
        None => Ok(()),
    }
}

fn label_text(text: &str) -> Verdict {
    length(text, MAX_LABEL)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    characters(text, allowed, "letters, digits, `-`, `_` and `.`")?;
    ends(text, |c| c.is_ascii_alphanumeric(), "a letter or digit")
}

fn lower_alphanumeric(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

fn starts_with_letter(text: &str) -> Verdict {
    match text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        true => Ok(()),
        false => Err("must start with a letter".into()),
    }
}

fn length(text: &str, limit: usize) -> Verdict {
    match text.len() {
        0 => Err("is empty".into()),
        len if len > limit => Err(format!(
            "is {len} characters long, at most {limit} are allowed"
        )),
        _ => Ok(()),
    }
}

fn characters(text: &str, allowed: impl Fn(char) -> bool, what: &str) -> Verdict {
    match text.chars().find(|&c| !allowed(c)) {
        Some(wrong) => Err(format!("contains {}; allowed are {what}", shown(wrong))),
        None => Ok(()),
    }
}

/// A character in a message, by number where nobody could see it.
fn shown(c: char) -> String {
    let invisible = c.is_control() || c.is_whitespace() || !c.is_ascii() && !c.is_alphanumeric();
    match c {
        ' ' => "a space".to_owned(),
        c if invisible => format!("the character U+{:04X}", c as u32),
        c => format!("`{c}`"),
    }
}

fn ends(text: &str, allowed: impl Fn(char) -> bool, what: &str) -> Verdict {
    match text.starts_with(&allowed) && text.ends_with(&allowed) {
        true => Ok(()),
        false => Err(format!("must start and end with {what}")),
    }
}
