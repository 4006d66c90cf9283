//! The language: from the text of a CEL expression, or the meaning of a
//! structural selector, to verified bytecode.
//!
//! Promises that a [`Program`] exists only if `verify` passed it, so that the
//! VM may rely on its jumps, constants and slots; and that an expression is as
//! the [CEL specification] says, without protobuf messages, enums and
//! extensions. Deliberately knows nothing of etcd or of rules; of Kubernetes it
//! knows views of stored bytes and quantities, as values to compute with.
//!
//! The route: text → [`parse`] → [`ast`] → [`check`] (names, types, macros,
//! slots) → [`hir`] → [`fold`] → codegen → verify → [`Program`], which
//! `vm::evaluate` runs. [`listing`] prints the stages, [`oracle`] evaluates the
//! HIR by walking it.
//!
//! An expression over data of one's own takes a [`scheme`] (which names there
//! are), and a [`Source`] (their values):
//!
//! ```
//! use carry::lang::scheme::Variables;
//! use carry::lang::{Expression, Source, Type, Value};
//! use carry::vm;
//!
//! struct Request {
//!     path: String,
//!     size: u64,
//! }
//!
//! impl Source for Request {
//!     fn variable(&self, name: &str) -> Value<'_> {
//!         match name {
//!             "path" => Value::str(&self.path),
//!             "size" => Value::Uint(self.size),
//!             _ => Value::Absent,
//!         }
//!     }
//! }
//!
//! let scheme = Variables::new([("path", Type::String), ("size", Type::Uint)]);
//! let rule = Expression::compile("path.matches('^/v[0-9]+/') && size < 1024u", &scheme).unwrap();
//!
//! let request = Request { path: "/v2/items".into(), size: 17 };
//! let value = vm::evaluate(rule.program(), &rule.read(&request)[..]);
//! assert!(matches!(value, Ok(Value::Bool(true))));
//!
//! // What is wrong is said before anything runs, and where.
//! let errors = Expression::compile("path.size() > '3'", &scheme).unwrap_err();
//! assert_eq!(errors.len(), 1);
//! ```
//!
//! Objects with fields of known types come from a [`scheme::Scheme`] of one's
//! own; lists and maps that are too large to convert are read where they lie
//! through [`Object`]. Evaluation is bounded: see [`FUEL`] and [`MAX_TEXT`].
//!
//! [CEL specification]: https://github.com/google/cel-spec

mod ast_text;
mod calendar;
mod codegen;
mod constants;
mod expression;
mod fault;
mod fold;
mod program;
mod value;
mod verify;

pub mod access;
pub mod ast;
pub mod check;
pub mod codes;
pub mod compare;
pub mod container;
pub mod function;
pub mod hir;
pub mod inspect;
pub mod library;
pub mod listing;
pub mod opaque;
pub mod oracle;
pub mod parse;
pub mod pattern;
pub mod scheme;
pub mod solve;
pub mod ty;
pub mod walk;
pub mod watch;

pub use codegen::CompileError;
pub use constants::{Members, Set};
pub use expression::{Expression, Source, field_name};
pub use fault::{Budget, FUEL, Fault, FaultKind, MAX_TEXT, Verdict};
pub use fold::{fold, fold_and_report, fold_expression};
pub use program::{Check, MAX_LEVELS, NO_PARENT, Op, Operand, Operands, Place, Program, Region};
pub use ty::{OpaqueType, Type, TypeName};
pub use value::{Blob, Map, Object, Slots, Text, Timestamp, Value};

/// Compiles a predicate as it stands (see [`fold`] for making it smaller
/// first).
///
/// # Errors
///
/// When the predicate is too large for the bytecode's fields.
pub fn compile(predicate: &hir::Predicate) -> Result<Program, CompileError> {
    verify::verify(codegen::predicate(predicate)?).map_err(CompileError::Unverified)
}

/// Compiles an expression over `slots` as it stands.
///
/// # Errors
///
/// As [`compile`].
pub fn compile_expression(root: &hir::Expr, slots: &[hir::Slot]) -> Result<Program, CompileError> {
    verify::verify(codegen::expression(root, slots)?).map_err(CompileError::Unverified)
}
