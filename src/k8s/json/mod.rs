//! JSON values, read where a path leads.
//!
//! Promises that a value is one object with its brackets and quotes in pairs,
//! that what is handed out has been checked, that of a repeated key the last
//! counts, and that nothing is copied but strings with escapes. Deliberately
//! does not look into what nobody asks for: [`validate()`] does.

mod block;
mod cursor;
mod labels;
mod malformed;
mod object;
mod scalar;
mod scan;
mod string;
mod text;
mod validate;
mod value;

pub(super) use labels::labels;
pub(super) use malformed::Malformed;
pub(super) use object::Object;
pub(super) use scan::{scan, type_meta};
pub(super) use text::{Items, Text, embedded};
pub(super) use validate::validate;
