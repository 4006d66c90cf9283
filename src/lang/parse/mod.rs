//! From the text of a CEL expression to its tree.
//!
//! Promises one diagnostic at the exact place for a text that is no
//! expression, and bounds for every text: its length, and the depth of its
//! tree, so that whatever walks the tree may recurse. Deliberately knows no
//! types, functions or macros: `check` does.

mod build;
mod explain;
mod foreign;
mod found;
mod literal;
mod scan;
mod spelling;

use pest::Parser as _;
use pest::error::{ErrorVariant, InputLocation};

use crate::diagnostic::{Diagnostic, Span};
use crate::lang::codes;

use super::ast::Expr;

pub use scan::comments;
pub(super) use spelling::is_field;

/// The longest text that is parsed, in bytes.
pub const MAX_BYTES: usize = 100_000;

/// How many levels deep a tree may be, and how many brackets and operators may
/// be open at any place of the text.
pub const MAX_DEPTH: usize = 250;

/// How many of those may be brackets, for which the parser needs more of the
/// stack.
pub const MAX_BRACKETS: usize = 50;

// The derive makes an enum of the grammar's rules.
#[allow(missing_docs)]
mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "../grammar/cel.pest"]
    pub struct Grammar;
}

/// The tree of an expression. Places in it, and in the diagnostic, are byte
/// offsets in `text`.
///
/// # Errors
///
/// The first thing that is wrong with it: it is no CEL, a literal has no
/// value, a reserved word is used as a name, it is longer than [`MAX_BYTES`]
/// or deeper than [`MAX_DEPTH`].
pub fn parse(text: &str) -> Result<Expr, Diagnostic> {
    if text.len() > MAX_BYTES {
        return Err(too_long(text));
    }
    scan::check_depth(text)?;
    let pairs =
        grammar::Grammar::parse(grammar::Rule::cel, text).map_err(|error| wrong(text, &error))?;
    build::tree(text, pairs)
}

fn too_long(text: &str) -> Diagnostic {
    let message = format!("the expression is too long: {} bytes", text.len());
    codes::TOO_LARGE
        .at(Span::new(0, 0), message)
        .help(format!("at most {MAX_BYTES} are allowed"))
}

fn wrong(text: &str, error: &pest::error::Error<grammar::Rule>) -> Diagnostic {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    match error.variant {
        // Only where the thread's stack is nearly used up already.
        ErrorVariant::CustomError { .. } => scan::too_deep(at..at),
        ErrorVariant::ParsingError { .. } => explain::syntax(text, at),
    }
}
