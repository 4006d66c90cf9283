//! Who looks on while the oracle evaluates.
//!
//! Promises to change nothing of it: what is told is borrowed. Deliberately
//! knows nothing of what is made of it.

use crate::diagnostic::Span;

use super::fault::FaultKind;
use super::hir::{Expr, Node};
use super::value::Value;

/// Looks on while something is evaluated. What is told of a place comes after
/// what is told of its parts.
pub trait Watch<'a> {
    /// An expression had a value, or none.
    fn value(&mut self, of: &Expr, found: Result<&Value<'a>, FaultKind>);

    /// A condition had a truth, or none.
    fn truth(&mut self, of: &Node, found: Result<bool, FaultKind>);

    /// The macro at `span` begins to go over what it is called on, until it
    /// meets an element of which its condition is `seeks`; over all where
    /// there is no such truth.
    fn enter(&mut self, span: Span, seeks: Option<bool>);

    /// It comes to an element, with its index or key.
    fn element(&mut self, key: &Value<'a>, value: &Value<'a>);

    /// What its condition, or what it makes, came to for that element.
    fn judged(&mut self, found: Result<bool, FaultKind>);

    /// It is done.
    fn leave(&mut self);
}

/// Nobody looks on.
pub(super) struct Unwatched;

impl<'a> Watch<'a> for Unwatched {
    fn value(&mut self, _: &Expr, _: Result<&Value<'a>, FaultKind>) {}
    fn truth(&mut self, _: &Node, _: Result<bool, FaultKind>) {}
    fn enter(&mut self, _: Span, _: Option<bool>) {}
    fn element(&mut self, _: &Value<'a>, _: &Value<'a>) {}
    fn judged(&mut self, _: Result<bool, FaultKind>) {}
    fn leave(&mut self) {}
}
