//! Runs verified programs over slots.
//!
//! Promises to end after at most as many steps as the program has instructions,
//! and to allocate nothing. Deliberately knows nothing of where slots come
//! from. Imports `lang`, never the reverse.

mod dispatch;
mod notes;

pub use dispatch::eval;
