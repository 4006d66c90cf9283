//! What would be decided if an object, or its Namespace, were changed.
//!
//! Promises both verdicts, and the explanation of the second. Deliberately
//! holds no opinion on whether the change could be made.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::change::Whose;
use super::imagined::Imagined;
use super::told::{self, Told};
use crate::cli::explain_report::{Look, Report};
use crate::diagnostic::SourceText;
use crate::rules::difference::Difference;

/// Says both.
pub fn told(
    (now, then): (&Report, &Report),
    imagined: &Imagined,
    source: &SourceText,
    look: Look,
) -> Told {
    let mut human = format!("{}\n", now.key);
    let _ = writeln!(human, "  now: {}", now.verdict());
    let _ = writeln!(human, "  with these changes: {}", then.verdict());
    let of = |whose: Whose| {
        let places = imagined.changes.iter().filter(|(own, _)| *own == whose);
        places
            .map(|(_, place)| place.clone())
            .collect::<Vec<Difference>>()
    };
    let (object, namespace) = (of(Whose::Object), of(Whose::Namespace));
    let mut lines = told::places(&object, "");
    lines.extend(told::places(&namespace, "namespace."));
    if lines.is_empty() {
        lines.push("none: it is so already".to_owned());
    }
    for line in lines {
        let _ = writeln!(human, "    {line}");
    }
    let _ = write!(
        human,
        "\nwith these changes:\n\n{}",
        then.human(source, look)
    );
    let mut json = now.json(source);
    if let Value::Object(members) = &mut json {
        members.insert(
            "whatIf".to_owned(),
            json!({
                "changes": told::places_json(&object),
                "namespaceChanges": told::places_json(&namespace),
                "result": then.json(source),
            }),
        );
    }
    Told {
        human,
        json,
        found: true,
    }
}
