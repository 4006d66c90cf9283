//! Conditions as a tree for people: how each came out, what it compares, what
//! the object has, and which one decided.
//!
//! Promises one line for each condition, and the lines of those in CEL below
//! theirs. Deliberately wraps nothing but those.

use std::fmt::Write as _;

use crate::diagnostic::SourceText;
use crate::rules::trace::{Actual, Condition, POLICIES, RuleTrace, Truth};

use super::expression::{DECIDES, draw};
use super::{mark, place};

/// What trees are drawn with.
pub(super) struct Tree<'s> {
    pub source: &'s SourceText,
    pub width: usize,
    /// What stands for what is not shown.
    pub private: &'static str,
}

impl Tree<'_> {
    /// One rule.
    pub fn rule(&self, out: &mut String, rule: &RuleTrace) {
        let Some(condition) = &rule.condition else {
            let _ = writeln!(out, "  - {}: selects other resources", rule.name);
            return;
        };
        let says = match condition.truth {
            Truth::Holds => "selects it".to_owned(),
            Truth::Fails if is_kept_out(condition) => {
                "selects it, and a policy keeps it out".to_owned()
            }
            Truth::Fails => format!("does not select it{}", nearness(rule)),
            Truth::Faults => "cannot be evaluated".to_owned(),
        };
        let place = place(self.source, condition.span);
        let mark = mark(condition.truth);
        let _ = writeln!(out, "  {mark} {}: {says}  ({place})", rule.name);
        self.parts(out, condition, 2);
    }

    fn parts(&self, out: &mut String, condition: &Condition, depth: usize) {
        for part in &condition.parts {
            self.condition(out, part, depth);
        }
    }

    fn condition(&self, out: &mut String, condition: &Condition, depth: usize) {
        let indent = depth * 2;
        let mark = mark(condition.truth);
        let _ = write!(out, "{:indent$}{mark} {}", "", condition.title);
        if let Some(actual) = &condition.actual {
            let _ = match actual {
                Actual::Private => write!(out, "  — {}", self.private),
                Actual::Unreadable => write!(out, "  — it {actual}"),
                actual => write!(out, "  — it is {actual}"),
            };
        }
        if condition.decides {
            let _ = write!(out, "  {DECIDES}");
        }
        out.push('\n');
        if let Some(expression) = &condition.expression {
            let indent = indent + 4;
            let width = self.width.saturating_sub(indent);
            for line in draw(expression, self.source, width) {
                let _ = writeln!(out, "{:indent$}{line}", "");
            }
        }
        self.parts(out, condition, depth + 1);
    }
}

/// Whether all of a rule holds, and policies alone keep the object out.
fn is_kept_out(rule: &Condition) -> bool {
    let mut failing = rule.parts.iter().filter(|part| part.truth != Truth::Holds);
    failing.next().is_some_and(|part| part.name == POLICIES) && failing.next().is_none()
}

/// How many of its conditions hold, where it has several.
fn nearness(rule: &RuleTrace) -> String {
    match rule.nearness() {
        Some(near) if near.conditions > 1 => {
            format!(", {} of {} conditions hold", near.held, near.conditions)
        }
        _ => String::new(),
    }
}
