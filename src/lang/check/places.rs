//! Places of fields, which of them are known to be present, and which are
//! read.
//!
//! Promises that knowledge of a place holds for everything on the way to it.
//! Deliberately reports nothing (see `capabilities`).

use std::ops::Range;

use crate::diagnostic::Span;
use crate::lang::ast;
use crate::lang::hir::LocalId;
use crate::lang::ty::Type;

/// No condition is known to imply more than this many places: knowing less is
/// safe.
const MAX_FACTS: usize = 256;

/// No more reads than this are looked at: by then there are warnings enough.
const MAX_READS: usize = 1_000;

/// Where a path begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Root<'a> {
    /// A variable of the scheme.
    Variable(String),
    /// A variable of a loop or macro.
    Local(LocalId),
    /// The value of an expression; the same for the same text.
    Value(&'a ast::Expr),
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part<'a> {
    /// A field, or the key of a map.
    Name(&'a str),
    /// What is at the value of an expression.
    At(&'a ast::Expr),
}

/// A path from a variable or value to a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place<'a> {
    pub root: Root<'a>,
    pub parts: Vec<Part<'a>>,
}

impl Place<'_> {
    /// Whether `self` is `other`, or on the way to it.
    fn leads_to(&self, other: &Place<'_>) -> bool {
        other.parts.len() >= self.parts.len()
            && self.parts.iter().zip(&other.parts).all(|(a, b)| a == b)
            && self.root == other.root
    }
}

/// The places that are present if a condition holds, and if it does not.
#[derive(Default)]
pub(super) struct Facts<'a> {
    pub yes: Vec<Place<'a>>,
    pub no: Vec<Place<'a>>,
}

impl<'a> Facts<'a> {
    /// What is known of the opposite.
    pub fn negated(self) -> Facts<'a> {
        Facts {
            yes: self.no,
            no: self.yes,
        }
    }

    /// What is known where all of `parts` hold.
    pub fn all(parts: Vec<Facts<'a>>) -> Facts<'a> {
        let mut joined = Facts::default();
        for (at, part) in parts.into_iter().enumerate() {
            joined.yes.extend(part.yes);
            if at == 0 {
                joined.no = part.no;
            } else {
                joined.no.retain(|place| part.no.contains(place));
            }
        }
        joined.yes.truncate(MAX_FACTS);
        joined.no.truncate(MAX_FACTS);
        joined
    }
}

/// One step of a read, that there is nothing at may be.
pub(super) struct Need<'a> {
    pub place: Place<'a>,
    /// The selection that it is.
    pub node: &'a ast::Expr,
    /// Where the field is named.
    pub span: Span,
}

/// A chain of selections, some of which nothing may be at.
pub(super) struct Read<'a> {
    pub needs: Vec<Need<'a>>,
    /// The whole chain.
    pub chain: &'a ast::Expr,
    /// Its type.
    pub ty: Type,
    /// Whether the chain is the argument of `has`.
    pub tested: bool,
}

/// The reads that no guard is known for, so far.
#[derive(Default)]
pub(super) struct Reads<'a>(Vec<Read<'a>>);

impl<'a> Reads<'a> {
    /// The place after the last one.
    pub fn mark(&self) -> usize {
        self.0.len()
    }

    pub fn add(&mut self, read: Read<'a>) {
        if self.0.len() < MAX_READS && !read.needs.is_empty() {
            self.0.push(read);
        }
    }

    /// The reads in `within` happen only where `present` are.
    pub fn discharge(&mut self, within: Range<usize>, present: &[Place<'a>]) {
        for read in self.0.get_mut(within).unwrap_or_default() {
            let known = |need: &Need<'a>| present.iter().any(|fact| need.place.leads_to(fact));
            read.needs.retain(|need| !known(need));
        }
    }

    pub fn into_unguarded(self) -> impl Iterator<Item = Read<'a>> {
        self.0.into_iter().filter(|read| !read.needs.is_empty())
    }
}
