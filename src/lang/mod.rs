//! Predicates: from meaning (HIR) to verified bytecode.
//!
//! Promises that a [`Program`] exists only if `verify` passed it, so that the
//! VM may rely on its jumps, constants and slots. Deliberately knows nothing of
//! Kubernetes or etcd: what a predicate reads are numbered slots, and what they
//! stand for is the embedder's business.
//!
//! The route: [`hir::Predicate`] → `fold` → [`compile`] (codegen, verify) →
//! [`Program`]; [`listing`] prints the stages, [`oracle`] evaluates the HIR by
//! walking it.

mod codegen;
mod constants;
mod fault;
mod fold;
mod program;
mod value;
mod verify;

pub mod hir;
pub mod listing;
pub mod oracle;
pub mod pattern;

pub use codegen::CompileError;
pub use constants::Set;
pub use fault::{Fault, FaultKind, Verdict};
pub use fold::fold;
pub use program::{MAX_LEVELS, Op, Operands, Program};
pub use value::{Slots, Value};

/// Compiles a predicate as it stands (see [`fold`] for making it smaller
/// first).
///
/// # Errors
///
/// When the predicate is too large for the bytecode's 16-bit fields.
pub fn compile(predicate: &hir::Predicate) -> Result<Program, CompileError> {
    verify::verify(codegen::generate(predicate)?).map_err(CompileError::Unverified)
}
