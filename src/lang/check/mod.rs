//! From a tree to meaning: names, types, macros, overloads and slots.
//!
//! Promises every error and warning of an expression at once, each at its
//! place, and HIR only for expressions without an error. Deliberately folds
//! nothing and evaluates nothing.
//!
//! Types are checked as the specification's reference checker does, with three
//! differences: numbers of different types may be compared for equality,
//! objects pass for maps from strings, and fields that may be absent are
//! reported where they are read without a guard.
//!
//! ```
//! use carry::lang::check::{self, Options};
//! use carry::lang::scheme::{FieldInfo, Fields, Scheme, UnknownField};
//! use carry::lang::{Type, parse};
//!
//! struct Names;
//!
//! impl Scheme for Names {
//!     fn variable(&self, name: &str) -> Option<Type> {
//!         (name == "key").then_some(Type::String)
//!     }
//!     fn variables(&self) -> Vec<String> {
//!         vec!["key".into()]
//!     }
//!     fn field(&self, _: u32, _: &str) -> Result<FieldInfo, UnknownField> {
//!         Err(UnknownField { suggestion: None })
//!     }
//!     fn describe(&self, _: u32) -> String {
//!         String::new()
//!     }
//! }
//!
//! let ast = parse::parse("kye + 1 == ''").unwrap();
//! let mut slots = Fields::default();
//! let checked = check::predicate(&ast, &Names, &mut slots, &Options::default());
//! assert!(checked.value.is_none());
//! assert_eq!(checked.diagnostics[0].message, "unknown variable `kye`");
//! ```

// Values are passed in boxes so that the functions which recurse do not hold
// them in their stack frames.
#![allow(clippy::boxed_local)]

mod absent;
mod advice;
mod calls;
mod capabilities;
mod chain;
mod checker;
mod conditions;
mod fixes;
mod habits;
mod literals;
mod loops;
mod macro_table;
mod macros;
mod mismatch;
mod names;
mod nesting;
mod operators;
mod overloads;
mod places;
mod refused;
mod settle;
mod suggest;
mod unify;
mod walk;

use crate::diagnostic::{Diagnostic, Level};

use super::ast;
use super::hir;
use super::scheme::{Scheme, SlotTable};
use super::ty::Type;

use checker::Checker;
use conditions::Want;

/// What was found of an expression.
#[derive(Clone, Debug)]
pub struct Checked<T> {
    /// Its meaning; `None` where there is an error.
    pub value: Option<T>,
    /// Its type, `dyn` where that is not known.
    pub ty: Type,
    /// Errors and warnings, by their places.
    pub diagnostics: Vec<Diagnostic>,
}

/// How an expression is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether types, names and functions are checked. Without, everything may
    /// be anything, and what nobody has declared is a fault once it is
    /// evaluated.
    pub check: bool,
    /// Whether macros are expanded. Without, they are functions that nobody
    /// has declared.
    pub macros: bool,
    /// Whether variables and fields of type `dyn` hold JSON, so that a path of
    /// names leads through them to a slot.
    pub json_paths: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            check: true,
            macros: true,
            json_paths: false,
        }
    }
}

/// The meaning of an expression. Trees are as deep as the parser allows.
pub fn expression(
    ast: &ast::Expr,
    scheme: &dyn Scheme,
    slots: &mut dyn SlotTable,
    options: &Options,
) -> Checked<hir::Expr> {
    if let Some(found) = nesting::objection(ast) {
        return refused(found);
    }
    let mut checker = Checker::new(scheme, slots, *options);
    let mut value = checker.expr(ast);
    settle::expr(&checker.types, &mut value);
    let ty = value.ty.clone();
    finish(checker, *value, ty)
}

/// The meaning of an expression that is a condition: of type `bool`, or `dyn`.
pub fn predicate(
    ast: &ast::Expr,
    scheme: &dyn Scheme,
    slots: &mut dyn SlotTable,
    options: &Options,
) -> Checked<hir::Node> {
    if let Some(found) = nesting::objection(ast) {
        return refused(found);
    }
    let mut checker = Checker::new(scheme, slots, *options);
    let mut node = checker.node(ast, Want::Whole).node;
    settle::node(&checker.types, &mut node);
    finish(checker, node, Type::Bool)
}

fn refused<T>(found: Diagnostic) -> Checked<T> {
    Checked {
        value: None,
        ty: Type::Dyn,
        diagnostics: vec![found],
    }
}

fn finish<T>(checker: Checker<'_>, value: T, ty: Type) -> Checked<T> {
    let mut diagnostics = checker.finish();
    // Stable: what was found first at one place stays first.
    diagnostics.sort_by_key(|found| found.labels.first().map(|label| label.span));
    let refused = diagnostics.iter().any(|found| found.level == Level::Error);
    Checked {
        value: (!refused).then_some(value),
        ty,
        diagnostics,
    }
}
