//! A condition in CEL with the value that each part of it had.
//!
//! Promises that it comes out as the rule's own condition did: where it does
//! not, since it ran out of steps at another place, it has no parts.
//! Deliberately knows nothing of layout.

use crate::diagnostic::Span;
use crate::lang::Slots;
use crate::lang::hir::SlotId;
use crate::lang::inspect::{Part, breaks, inspect};

use super::super::written::Written;
use super::truth::Truth;

/// A condition in CEL as it was written, part by part.
#[derive(Clone, Debug)]
pub struct Expression {
    /// Its text.
    pub text: String,
    /// Where each line of the text begins in the rules file.
    pub lines: Vec<Span>,
    /// Where the text may be broken, each with how deep within it that is.
    pub breaks: Vec<(u32, usize)>,
    /// Its parts, in the order of the places where their values are shown.
    pub parts: Vec<Traced>,
    /// The part that decided by itself, as a place in the text; none where
    /// several were needed.
    pub deciding: Option<Span>,
}

/// A part of an expression.
#[derive(Clone, Debug)]
pub struct Traced {
    /// What it is, with places in the text.
    pub part: Part,
    /// Where it stands in the rules file.
    pub place: Span,
}

impl Expression {
    /// Evaluates a condition; `truth` is how it came out.
    pub(super) fn of<'a>(
        written: &Written,
        slots: &(impl Slots<'a> + ?Sized),
        private: &dyn Fn(SlotId) -> bool,
        truth: Truth,
    ) -> Expression {
        let source = (written.text.as_str(), &written.tree);
        let found = inspect(source, &written.node, slots, private);
        let same = Truth::from(found.truth) == truth;
        let traced = |part: Part| Traced {
            place: written.in_file(part.span),
            part,
        };
        let parts = found.parts.into_iter().filter(|_| same);
        Expression {
            text: written.text.clone(),
            lines: written.lines.clone(),
            breaks: breaks(&written.tree),
            parts: parts.map(traced).collect(),
            deciding: found.deciding.filter(|_| same),
        }
    }

    /// What is written at a place in the text.
    pub fn written(&self, span: Span) -> &str {
        let range = span.start as usize..span.end as usize;
        self.text.get(range).unwrap_or_default()
    }
}
