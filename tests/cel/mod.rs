//! CEL: every stage by itself.

mod check;
mod evaluation;
mod generated;
mod inspected;
pub mod library;
mod library_properties;
mod parse;
mod parse_bounds;
mod parse_errors;
mod trees;

/// What the fuzz targets use too.
#[path = "../../fuzz/src/expressions/mod.rs"]
mod expressions;
