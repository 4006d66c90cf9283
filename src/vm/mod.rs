//! Runs verified programs over slots.
//!
//! Promises that every run ends, within its fuel, and that a predicate over
//! strings, numbers and labels allocates nothing. Deliberately knows nothing of
//! where slots come from. Imports `lang`, never the reverse.

mod builder;
mod check;
mod dispatch;
mod machine;
mod notes;

pub use dispatch::{eval, evaluate};
