//! JSON text as a kube-apiserver writes it.
//!
//! Promises what Go's `json.Encoder` makes of the same value by default:
//! no spaces, object keys sorted, `<`, `>` and `&` escaped. Deliberately does
//! not end in a newline: that belongs to the document.

use serde_json::{Map, Number, Value};

/// The text of `value`.
pub(super) fn write(value: &Value) -> String {
    let mut out = String::new();
    append(value, &mut out);
    out
}

fn append(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(value) => number(value, out),
        Value::String(value) => string(value, out),
        Value::Array(items) => array(items, out),
        Value::Object(members) => object(members, out),
    }
}

fn array(items: &[Value], out: &mut String) {
    out.push('[');
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        append(item, out);
    }
    out.push(']');
}

fn object(members: &Map<String, Value>, out: &mut String) {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|(key, _)| *key);
    out.push('{');
    for (place, (key, value)) in members.into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        string(key, out);
        out.push(':');
        append(value, out);
    }
    out.push('}');
}

/// Whole numbers as they are, others as Go does: no fraction where there is
/// none, an exponent only for the very large and the very small.
fn number(value: &Number, out: &mut String) {
    let text = match value.as_f64().filter(|_| value.is_f64()) {
        None => value.to_string(),
        Some(float) if float == 0.0 || (1e-6..1e21).contains(&float.abs()) => float.to_string(),
        Some(float) => {
            let text = format!("{float:e}");
            match text.contains("e-") {
                true => text,
                false => text.replace('e', "e+"),
            }
        }
    };
    out.push_str(&text);
}

/// Appends a string with its quotes.
pub(super) fn string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
