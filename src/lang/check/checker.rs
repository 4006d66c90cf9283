//! What is known while an expression is checked.
//!
//! Promises unique numbers for the variables of loops and macros.
//! Deliberately looks at no expression: the other files of this folder do,
//! each for its kinds of node.

use crate::diagnostic::{Diagnostic, Span};
use crate::lang::codes;
use crate::lang::hir::{self, LocalId};
use crate::lang::scheme::{Scheme, SlotTable};
use crate::lang::ty::Type;

use super::Options;
use super::places::{Place, Reads};
use super::unify::Unifier;

/// A variable of a loop or macro.
pub(super) struct Local<'a> {
    pub name: &'a str,
    pub id: LocalId,
    pub ty: Type,
    /// What it is another name for. A variable of a loop stands for itself.
    pub place: Option<Place<'a>>,
}

/// The state of one check.
pub(super) struct Checker<'a> {
    pub scheme: &'a dyn Scheme,
    pub slots: &'a mut dyn SlotTable,
    pub options: Options,
    pub types: Unifier,
    /// The variables of the loops around, the innermost last.
    pub scope: Vec<Local<'a>>,
    pub reads: Reads<'a>,
    pub diagnostics: Vec<Diagnostic>,
    locals: u32,
}

impl<'a> Checker<'a> {
    pub fn new(
        scheme: &'a dyn Scheme,
        slots: &'a mut dyn SlotTable,
        options: Options,
    ) -> Checker<'a> {
        Checker {
            scheme,
            slots,
            options,
            types: Unifier::default(),
            scope: Vec::new(),
            reads: Reads::default(),
            diagnostics: Vec::new(),
            locals: 0,
        }
    }

    pub fn report(&mut self, found: Diagnostic) {
        self.diagnostics.push(found);
    }

    /// Reports what is only an error where types and names are checked.
    pub fn object_to(&mut self, found: impl FnOnce(&mut Checker<'a>) -> Diagnostic) {
        if self.options.check {
            let found = found(self);
            self.report(found);
        }
    }

    /// The number of a new variable.
    pub fn new_local(&mut self, span: Span) -> LocalId {
        let number = self.locals;
        self.locals += 1;
        if number == u32::from(u16::MAX) {
            let message = "the loops of this expression have more than 65,535 variables";
            self.report(
                codes::TOO_LARGE
                    .at(span, message)
                    .help("split it into several rules"),
            );
        }
        LocalId(u16::try_from(number).unwrap_or(u16::MAX))
    }

    /// What stands for an expression that has an error, or that nobody knows:
    /// it fits everywhere, so that one mistake is reported once.
    pub fn unknown(&self, span: Span) -> Box<hir::Expr> {
        make(hir::ExprKind::Undeclared, span, Type::Dyn)
    }

    /// A type as messages show it.
    pub fn show(&self, ty: &Type) -> String {
        match self.types.resolve(ty) {
            // It stands in backticks itself.
            Type::Object(object) => self.scheme.describe(object).replace('`', ""),
            Type::List(element) => format!("list({})", self.show(&element)),
            Type::Map(key, value) => format!("map({}, {})", self.show(&key), self.show(&value)),
            Type::Optional(value) => format!("optional({})", self.show(&value)),
            other => other.to_string(),
        }
    }
}

/// An expression on the heap, so that the functions that walk trees need
/// little stack.
pub(super) fn make(kind: hir::ExprKind, span: Span, ty: Type) -> Box<hir::Expr> {
    Box::new(hir::Expr::new(kind, span, ty))
}
