//! Reads the fields of a mapping: their names in any letter case, each of the
//! type that it must have.
//!
//! Promises that an unknown, misplaced, repeated or wrongly typed field is
//! reported, never ignored. Deliberately does not know what the fields mean.

use super::codes;
use super::document::{Entry, Kind, Node, Value};
use super::findings::{Findings, listed, nearest};
use crate::diagnostic::{Diagnostic, Fix, Span, Spanned};

/// The fields that a mapping may have.
pub struct Shape {
    /// What the mapping is, for messages: `a secondary rule`.
    pub what: &'static str,
    /// Its fields, in the order in which people write them.
    pub fields: &'static [&'static str],
    /// Fields that exist elsewhere or later, with what to say of them.
    pub refused: &'static [Refused],
}

/// A field that is known but cannot stand here.
pub struct Refused {
    /// Its name.
    pub name: &'static str,
    /// What is wrong with it, after its name.
    pub why: &'static str,
    /// What to do.
    pub help: &'static str,
}

/// A mapping whose field names have been checked.
pub struct Fields<'a> {
    /// The whole mapping.
    pub span: Span,
    /// A place to point at for what is missing.
    pub head: Span,
    what: &'static str,
    found: Vec<(&'static str, &'a Entry)>,
    /// What unknown fields were probably meant to be.
    meant: Vec<&'static str>,
}

/// Checks the names of `node`'s fields; `None` if it is no mapping.
pub fn read<'a>(node: &'a Node, shape: &Shape, findings: &mut Findings) -> Option<Fields<'a>> {
    let entries = match &node.value {
        Value::Mapping(entries) => entries,
        Value::Refused => return None,
        _ => {
            findings.push(not_a_mapping(node, shape));
            return None;
        }
    };
    let (span, head, what) = (node.span, node.head(), shape.what);
    let (found, meant) = (Vec::new(), Vec::new());
    let mut fields = Fields {
        span,
        head,
        what,
        found,
        meant,
    };
    for entry in entries {
        match field_name(entry, shape, findings) {
            Name::Known(name) => fields.add(name, entry, findings),
            Name::Meant(name) => fields.meant.push(name),
            Name::Unknown => {}
        }
    }
    Some(fields)
}

/// What the name of a field turned out to be.
enum Name {
    Known(&'static str),
    /// Unknown, but near to this one.
    Meant(&'static str),
    Unknown,
}

fn not_a_mapping(node: &Node, shape: &Shape) -> Diagnostic {
    let message = match node.is_null() {
        true => format!("{} is empty", shape.what),
        false => format!("{} must be a mapping, not {}", shape.what, node.describe()),
    };
    let help = format!(
        "write `field: value` lines; its fields are {}",
        listed(shape.fields.iter().copied())
    );
    codes::WRONG_TYPE.at(node.head(), message).help(help)
}

/// The field that `entry` is, in its own spelling.
fn field_name(entry: &Entry, shape: &Shape, findings: &mut Findings) -> Name {
    let written = entry.key.value.as_str();
    let known = shape
        .fields
        .iter()
        .find(|name| name.eq_ignore_ascii_case(written));
    if let Some(name) = known {
        if *name != written {
            findings.push(other_case(entry, name));
        }
        return Name::Known(name);
    }
    let refused = shape
        .refused
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case(written));
    if let Some(refused) = refused {
        let message = format!("`{}` {}", refused.name, refused.why);
        findings.push(
            codes::MISPLACED_FIELD
                .at(entry.key.span, message)
                .help(refused.help),
        );
        return Name::Unknown;
    }
    let near = nearest(written, shape.fields.iter().copied());
    findings.push(unknown(entry, near, shape));
    near.map_or(Name::Unknown, Name::Meant)
}

fn other_case(entry: &Entry, name: &str) -> Diagnostic {
    let message = format!("`{}` is read as `{name}`", entry.key.value);
    codes::FIELD_CASE
        .at(entry.key.span, message)
        .help(format!("write `{name}`"))
        .fix(Fix::replace(entry.key.span, name))
}

fn unknown(entry: &Entry, near: Option<&str>, shape: &Shape) -> Diagnostic {
    let message = match entry.key.value.as_str() {
        "" => format!("a field of {} has no name", shape.what),
        written => format!("unknown field `{written}` in {}", shape.what),
    };
    let help = format!("known fields: {}", listed(shape.fields.iter().copied()));
    let unknown = codes::UNKNOWN_FIELD.at(entry.key.span, message).help(help);
    match near {
        Some(near) => unknown.label(format!("did you mean `{near}`?")),
        None => unknown,
    }
}

impl<'a> Fields<'a> {
    fn add(&mut self, name: &'static str, entry: &'a Entry, findings: &mut Findings) {
        if let Some((_, first)) = self.found.iter().find(|(found, _)| *found == name) {
            let message = format!("the field `{name}` is written twice, in different letter case");
            findings.push(
                codes::FIELD_TWICE
                    .at(entry.key.span, message)
                    .also(first.key.span, "first written here")
                    .help("keep one of them"),
            );
            return;
        }
        self.found.push((name, entry));
    }

    /// The field as written, empty or not.
    pub fn entry(&self, name: &str) -> Option<&'a Entry> {
        self.found
            .iter()
            .find(|(found, _)| *found == name)
            .map(|(_, entry)| *entry)
    }

    /// The field's value, unless it is left out or empty.
    pub fn value(&self, name: &str) -> Option<&'a Node> {
        self.entry(name)
            .map(|entry| &entry.value)
            .filter(|value| !value.is_null())
    }

    /// The field's text, unless it is left out, empty or `""`.
    pub fn non_empty_text(&self, name: &str, findings: &mut Findings) -> Option<Spanned<String>> {
        self.text(name, findings)
            .filter(|text| !text.value.is_empty())
    }

    /// The field's text, unless it is left out or empty.
    pub fn text(&self, name: &str, findings: &mut Findings) -> Option<Spanned<String>> {
        text(self.value(name)?, &format!("`{name}`"), findings)
    }

    /// The entries of a list, none where it is left out or empty.
    pub fn list(&self, name: &str, findings: &mut Findings) -> &'a [Node] {
        let Some(node) = self.value(name) else {
            return &[];
        };
        match &node.value {
            Value::Sequence(items) => items,
            Value::Refused => &[],
            _ => {
                let message = format!("`{name}` must be a list, not {}", node.describe());
                findings.push(
                    codes::WRONG_TYPE
                        .at(node.head(), message)
                        .help("begin each of its entries with `- `"),
                );
                &[]
            }
        }
    }

    /// Whether there is something that `entry` will be silent about because
    /// it has been reported.
    pub fn is_refused(&self, name: &str) -> bool {
        self.entry(name)
            .is_some_and(|entry| matches!(entry.value.value, Value::Refused))
    }

    /// Reports that `name` is missing, at the place where it stands empty or
    /// at the start of the mapping.
    pub fn missing(&self, name: &str, help: &str, findings: &mut Findings) {
        if self.is_refused(name) || self.meant.contains(&name) {
            return;
        }
        let place = self.entry(name).map_or(self.head, |entry| entry.key.span);
        let message = match self.entry(name) {
            Some(_) => format!("`{name}` is empty in {}", self.what),
            None => format!("`{name}` is missing in {}", self.what),
        };
        findings.push(codes::MISSING_FIELD.at(place, message).help(help));
    }
}

/// Booleans and whole numbers of which only one text can be meant: etcd-carry
/// reads them as that text.
fn is_plain(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let number = digits == "0"
        || !digits.starts_with('0')
            && !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit());
    number || matches!(text, "true" | "false")
}

/// A node's text; what is something else to YAML is reported.
pub fn text(node: &Node, what: &str, findings: &mut Findings) -> Option<Spanned<String>> {
    match &node.value {
        Value::Refused => None,
        Value::Scalar(scalar) if scalar.kind() == Kind::String => {
            Some(Spanned::new(scalar.text.clone(), node.span))
        }
        Value::Scalar(scalar) if scalar.kind() != Kind::Null && is_plain(&scalar.text) => {
            let message = format!(
                "YAML reads `{}` as {}; it is taken as text",
                scalar.text,
                node.describe()
            );
            let help = format!(
                "quote it, as other readers of YAML may refuse it: `\"{}\"`",
                scalar.text
            );
            let fix = Fix::replace(node.span, format!("\"{}\"", scalar.text));
            findings.push(codes::UNQUOTED.at(node.span, message).help(help).fix(fix));
            Some(Spanned::new(scalar.text.clone(), node.span))
        }
        Value::Scalar(scalar) if scalar.kind() != Kind::Null => {
            let message = format!(
                "{what} must be text, but YAML reads `{}` as {}",
                scalar.text,
                node.describe()
            );
            let quoted = format!("\"{}\"", scalar.text);
            let help = format!("quote it: `{quoted}`");
            let fix = Fix::replace(node.span, quoted);
            findings.push(codes::WRONG_TYPE.at(node.span, message).help(help).fix(fix));
            None
        }
        Value::Scalar(_) => {
            let help = "write a value, or `\"\"` for the empty text";
            findings.push(
                codes::EMPTY_VALUE
                    .at(node.span, format!("{what} is empty"))
                    .help(help),
            );
            None
        }
        Value::Sequence(_) | Value::Mapping(_) => {
            let message = format!("{what} must be text, not {}", node.describe());
            findings.push(
                codes::WRONG_TYPE
                    .at(node.head(), message)
                    .help("write one value, without brackets and without `- `"),
            );
            None
        }
    }
}
