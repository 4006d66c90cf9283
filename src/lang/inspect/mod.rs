//! A condition with the value that each part of it had, as people ask for who
//! want to know why it came out as it did.
//!
//! Promises the values of the evaluation itself: the oracle evaluates, and is
//! only looked on. What a private slot holds, and what is computed of it, is in
//! no part; only the truth of conditions that `&&`, `||` and `!` join is.
//! Deliberately lays nothing out.

mod parts;
mod record;
mod short;
mod sites;

use crate::diagnostic::Span;

use super::ast;
use super::fault::FaultKind;
use super::hir::{Node, SlotId};
use super::oracle;
use super::value::Slots;

pub use parts::breaks;
pub use short::short;

use record::Recorder;
use sites::Sites;

/// A condition that was evaluated.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// What it came to.
    pub truth: Result<bool, FaultKind>,
    /// Its parts, in the order of the places where their values are shown.
    pub parts: Vec<Part>,
    /// The part that decided by itself, which no other part of it did; none
    /// where several parts were needed.
    pub deciding: Option<Span>,
}

/// A part of a condition: anything in it that has a value, but for constants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where it stands in the text.
    pub span: Span,
    /// Where in the text its value is best shown: at the name of a field or
    /// function, at an operator.
    pub at: u32,
    /// Whether it is all of the condition.
    pub whole: bool,
    /// Whether it joins others with `&&` or `||`.
    pub joins: bool,
    /// Whether it decided what the part around it came to, whatever the other
    /// parts are: of `&&` the first that is false, of `||` the first that is
    /// true, of a fault the one that faulted.
    pub decides: bool,
    /// What it came to.
    pub found: Found,
}

/// What a part came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// True or false; of a macro also the element that decided.
    Truth(bool, Option<String>),
    /// Any other value, shortened.
    Value(String),
    /// It has no value; of a macro also at which element.
    Fault(FaultKind, Option<String>),
    /// What was known already decided.
    NotLookedAt,
    /// It is private, or computed of what is.
    Private,
}

/// Evaluates a condition: `tree` as it was written in `text`, `node` as `check`
/// understood it, unfolded, with places in `text`. `private` says of which slots
/// nothing may be shown.
pub fn inspect<'a>(
    (text, tree): (&str, &ast::Expr),
    node: &Node,
    slots: &(impl Slots<'a> + ?Sized),
    private: &dyn Fn(SlotId) -> bool,
) -> Inspected {
    let mut recorder = Recorder::default();
    let truth = oracle::watched(node, slots, &mut recorder).map_err(|fault| fault.kind);
    let record = recorder.finish();
    let (decides, deciding) = parts::deciding(node, &record);
    let sites = Sites::of(node, private);
    Inspected {
        truth,
        parts: parts::parts((text, tree), &sites, &record, &decides),
        deciding,
    }
}
