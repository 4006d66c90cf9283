//! Names that were probably meant, and the text of expressions in messages.
//!
//! Promises short texts. Deliberately reports nothing.

use crate::lang::ast::{Expr, ExprKind, Literal};

use super::checker::Checker;

/// Longer names are not compared, and longer texts not shown.
const MAX_TEXT: usize = 80;

/// With more findings than this nobody reads suggestions, which take time.
const MAX_SUGGESTIONS: usize = 100;

/// How many names a list of them shows.
const MAX_NAMES: usize = 12;

impl Checker<'_> {
    /// The most similar of `names`, if one is similar enough.
    pub fn nearest<'n>(&self, name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
        if self.diagnostics.len() > MAX_SUGGESTIONS || name.len() > MAX_TEXT {
            return None;
        }
        let lower = name.to_lowercase();
        // Any two short names are similar.
        let allowed = (name.chars().count() / 3).min(3);
        names
            .map(|own| {
                let distance = strsim::damerau_levenshtein(&lower, &own.to_lowercase());
                (distance, own)
            })
            .filter(|(distance, own)| *distance <= allowed && *own != name)
            .min()
            .map(|(_, own)| own)
    }

    /// An expression as messages show it; `…` where it is long.
    pub fn quote(&self, from: &Expr) -> String {
        let operand = match &from.kind {
            ExprKind::Unary { .. } | ExprKind::Binary { .. } | ExprKind::Conditional { .. } => true,
            ExprKind::Literal(Literal::Int(value)) => *value < 0,
            ExprKind::Literal(Literal::Double(value)) => *value < 0.0,
            _ => false,
        };
        match (self.text(from), operand) {
            (text, true) if text != "…" => format!("({text})"),
            (text, _) => text,
        }
    }

    /// The same without parentheses around it.
    pub fn text(&self, from: &Expr) -> String {
        if (from.span.end - from.span.start.min(from.span.end)) as usize > MAX_TEXT {
            return "…".into();
        }
        from.to_string()
    }
}

/// Names for a message: `` `a`, `b` or `c` ``.
pub(super) fn either(names: &[String]) -> String {
    let quoted: Vec<_> = names
        .iter()
        .take(MAX_NAMES)
        .map(|name| format!("`{name}`"))
        .collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        _ if names.len() > MAX_NAMES => format!("{}, …", quoted.join(", ")),
        [before @ .., last] => format!("{} or {last}", before.join(", ")),
    }
}
