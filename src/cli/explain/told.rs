//! What is printed in the end, and places where two objects differ as people
//! read them.
//!
//! Promises that what is told to people and to programs is the same. Deliberately
//! prints nothing itself.

use serde_json::{Value, json};

use crate::rules::difference::Difference;

/// More places than anybody reads; programs are told all.
const MOST_PLACES: usize = 40;
/// Longer values are cut.
const LONGEST: usize = 120;

/// Everything about one key or file.
pub struct Told {
    /// For people.
    pub human: String,
    /// For programs.
    pub json: Value,
    /// Whether there was anything to explain.
    pub found: bool,
}

/// One line for each place, with a sign in front of it.
pub fn places(differences: &[Difference], prefix: &str) -> Vec<String> {
    let shown = differences.iter().take(MOST_PLACES);
    let mut lines: Vec<String> = shown.map(|own| place(own, prefix)).collect();
    if differences.len() > MOST_PLACES {
        let rest = differences.len() - MOST_PLACES;
        lines.push(format!("… and {rest} more places: `--output json` has all"));
    }
    lines
}

fn place(own: &Difference, prefix: &str) -> String {
    let path = format!("{prefix}{}", own.path);
    match (&own.before, &own.after) {
        (Some(_), Some(_)) if own.hidden => {
            format!("~ {path}: another value (not shown: it belongs to a Secret)")
        }
        (Some(before), Some(after)) => format!("~ {path}: {} → {}", short(before), short(after)),
        (None, Some(after)) => format!("+ {path}: {}", short(after)),
        (Some(before), None) => format!("- {path}: {}", short(before)),
        (None, None) => path,
    }
}

/// A value on one line.
fn short(value: &Value) -> String {
    let text = match value {
        // What stands for a Secret's.
        Value::String(text) if text.starts_with("(not shown") => text.clone(),
        value => value.to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        None => text,
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// The same for programs.
pub fn places_json(differences: &[Difference]) -> Value {
    let places = differences.iter();
    let places = places.map(|own| {
        json!({
            "path": own.path,
            "before": own.before,
            "after": own.after,
        })
    });
    places.collect()
}
