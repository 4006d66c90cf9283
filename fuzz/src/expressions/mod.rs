//! Random expressions, and whether everything that evaluates them agrees.
//!
//! Promises that one series of decisions yields one expression, so that tests
//! (from a seed) and fuzzing (from bytes) share it. Deliberately depends on
//! nothing but carry: `tests/cel/generated.rs` includes this folder by its path.

pub mod agree;
pub mod choices;
pub mod coverage;
pub mod generator;
mod literals;
mod macros;
pub mod predicates;
pub mod rows;
pub mod sources;
