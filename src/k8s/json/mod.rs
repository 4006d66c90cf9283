//! JSON values: checked once, then read where a path leads.
//!
//! Promises that a value is one well-formed object before anything is read
//! from it, that of a repeated key the last counts, and that nothing is
//! copied but strings with escapes. Deliberately builds no tree.

mod cursor;
mod labels;
mod malformed;
mod plan;
mod scan;
mod string;
mod validate;

pub(super) use labels::labels;
pub(super) use malformed::Malformed;
pub(super) use plan::Plan;
pub(super) use scan::{scan, type_meta};
pub(super) use validate::validate;
