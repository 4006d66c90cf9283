//! Values as people read them at a glance.
//!
//! Promises one short line without control characters, whatever the value.
//! Deliberately leaves out most of long texts, lists and maps.

use super::super::calendar::{print_duration, print_timestamp};
use super::super::container;
use super::super::ty::TypeName;
use super::super::value::Value;

/// More characters of a text are not shown.
const TEXT: usize = 32;

/// Lists and maps that take more columns are cut.
const CONTAINER: usize = 40;

/// More elements or entries are not looked at.
const TRIED: usize = 16;

/// A value on one line: texts in quotes, cut where they are long; of lists and
/// maps as much as is short.
pub fn short(value: &Value<'_>) -> String {
    shortened(value, true)
}

fn shortened(value: &Value<'_>, outermost: bool) -> String {
    match value {
        Value::Absent => "absent".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => format!("{value}u"),
        Value::Double(value) => format!("{value:?}"),
        Value::String(text) => quoted(text),
        Value::Bytes(bytes) => counted(bytes.len(), "byte"),
        Value::Timestamp(at) => print_timestamp(*at),
        Value::Duration(nanos) => print_duration(*nanos),
        Value::Type(name) => name.name().to_owned(),
        Value::Optional(None) => "optional.none()".to_owned(),
        Value::Optional(Some(held)) => format!("optional.of({})", shortened(held, outermost)),
        Value::Opaque(opaque) => {
            // As the function that makes it of a text.
            let name = opaque.type_name().name();
            let name = name.rsplit('.').next().unwrap_or_default().to_lowercase();
            format!("{name}({})", quoted(&opaque.to_string()))
        }
        Value::Fault(_) => "could not be read".to_owned(),
        Value::List(_) | Value::Map(_) | Value::View(_) | Value::Object(_) => {
            held(value, outermost).unwrap_or_else(|| "could not be read".to_owned())
        }
    }
}

/// One, or several.
fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

fn quoted(text: &str) -> String {
    let end = text.char_indices().nth(TEXT).map(|(at, _)| at);
    match end.and_then(|end| text.get(..end)) {
        None => format!("{text:?}"),
        Some(start) => {
            let mut cut = format!("{start:?}");
            cut.pop();
            cut + "…\""
        }
    }
}

/// Nothing where it cannot be read.
fn held(value: &Value<'_>, outermost: bool) -> Option<String> {
    let is_list = value.type_name() == TypeName::List;
    let count = container::size(value).ok().flatten()?;
    match (is_list, count) {
        (true, 0) => return Some("[]".to_owned()),
        (false, 0) => return Some("{}".to_owned()),
        (true, _) if !outermost => return Some(format!("[{}]", counted(count, "item"))),
        (false, _) if !outermost => return Some("{…}".to_owned()),
        _ => {}
    }
    let (mut shown, mut width, mut all) = (Vec::new(), 2, true);
    for entry in container::entries(value).ok()?.take(TRIED) {
        let (key, value) = entry.ok()?;
        let one = match is_list {
            true if holds_values(&value) => {
                all = false;
                break;
            }
            true => shortened(&value, false),
            false => format!("{}: {}", name(&key), shortened(&value, false)),
        };
        let columns = one.chars().count() + 2;
        if width + columns <= CONTAINER {
            width += columns;
            shown.push(one);
        } else {
            all = false;
        }
    }
    let all = all && count <= TRIED;
    Some(match (is_list, all) {
        (true, true) => format!("[{}]", shown.join(", ")),
        (true, false) => format!("[{}]", counted(count, "item")),
        (false, true) => format!("{{{}}}", shown.join(", ")),
        (false, false) if shown.is_empty() => match count {
            1 => "{1 entry}".to_owned(),
            count => format!("{{{count} entries}}"),
        },
        (false, false) => format!("{{{}, …}}", shown.join(", ")),
    })
}

/// Whether it is a list or map.
fn holds_values(value: &Value<'_>) -> bool {
    matches!(value.type_name(), TypeName::List | TypeName::Map)
}

/// A key without quotes where it is an identifier.
fn name(key: &Value<'_>) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match key {
        Value::String(text)
            if !text.is_empty() && text.len() <= TEXT && text.chars().all(plain) =>
        {
            text.to_string()
        }
        key => shortened(key, false),
    }
}
