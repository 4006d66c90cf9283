//! One condition of a rule, and how it came out.
//!
//! Promises that at each level at most one part is marked as the one that
//! decides. Deliberately knows nothing of how conditions are evaluated.

use std::fmt;

use crate::diagnostic::Span;
use crate::lang::hir::Test;

use super::super::shown::NOT_SHOWN;
use super::super::slots::SlotSource;
use super::expression::Expression;
use super::truth::Truth;

/// How a condition joins others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// It holds where all of them do.
    All,
    /// It holds where any of them does.
    Any,
    /// It holds where none of them does.
    None,
}

/// What a condition compares.
#[derive(Clone, Debug)]
pub struct Compared {
    /// What is compared.
    pub what: SlotSource,
    /// With what.
    pub test: Test,
    /// Whether it must come out the other way.
    pub negated: bool,
}

/// What an object has in the place that is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actual {
    /// Nothing.
    Absent,
    /// A text, cut if it is longer than any name may be.
    Text(String),
    /// Anything else, in short.
    Value(String),
    /// Something of a Secret.
    Private,
    /// Something that could not be read.
    Unreadable,
}

impl fmt::Display for Actual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actual::Absent => f.write_str("absent"),
            Actual::Text(text) => write!(f, "{text:?}"),
            Actual::Value(text) => f.write_str(text),
            Actual::Private => f.write_str(NOT_SHOWN),
            Actual::Unreadable => f.write_str("could not be read"),
        }
    }
}

/// One condition of a rule.
#[derive(Clone, Debug)]
pub struct Condition {
    /// What users call it (`labelSelectors`, `excludes[0]`); empty for what has
    /// no name of its own.
    pub name: String,
    /// Its name and what it asks.
    pub title: String,
    /// Where it stands in the rules file.
    pub span: Span,
    /// How it came out.
    pub truth: Truth,
    /// How it joins its parts; `None` for conditions without any.
    pub joins: Option<Join>,
    /// What it compares, if it is a comparison.
    pub compares: Option<Compared>,
    /// What the object has in the place that is compared.
    pub actual: Option<Actual>,
    /// A condition in CEL, part by part.
    pub expression: Option<Expression>,
    /// Whether it decided what the condition around it came to, whatever its
    /// other parts are: the first that fails of those that must all hold, the
    /// first that holds of alternatives, the one that faulted.
    pub decides: bool,
    /// The conditions that it joins.
    pub parts: Vec<Condition>,
}

impl Condition {
    /// A condition without parts.
    pub(super) fn new(name: &str, title: String, span: Span, truth: Truth) -> Condition {
        Condition {
            name: name.to_owned(),
            title,
            span,
            truth,
            joins: None,
            compares: None,
            actual: None,
            expression: None,
            decides: false,
            parts: Vec::new(),
        }
    }

    /// The part that decided, if one did by itself.
    pub fn deciding(&self) -> Option<&Condition> {
        self.parts.iter().find(|part| part.decides)
    }

    /// Marks what decides, from here down to where several conditions are
    /// needed.
    pub(super) fn mark_deciding(&mut self) {
        let wanted = match (self.joins, self.truth) {
            (None, _) => None,
            (_, Truth::Faults) => Some(Truth::Faults),
            (Some(Join::All), Truth::Fails) => Some(Truth::Fails),
            (Some(Join::Any), Truth::Holds) | (Some(Join::None), Truth::Fails) => {
                Some(Truth::Holds)
            }
            _ => None,
        };
        self.parts.iter_mut().for_each(Condition::unmark);
        let mut parts = self.parts.iter_mut();
        let chosen = wanted.and_then(|wanted| parts.find(|part| part.truth == wanted));
        if let Some(chosen) = chosen {
            chosen.decides = true;
            chosen.mark_deciding();
        }
    }

    fn unmark(&mut self) {
        self.decides = false;
        self.parts.iter_mut().for_each(Condition::unmark);
    }
}
