//! What is found in expressions, by code. See `rules::catalogue` for what each
//! means.
//!
//! Promises that a code keeps its meaning. Deliberately holds names alone.

use crate::diagnostic::Code;

/// The text is no CEL expression.
pub const SYNTAX: Code = Code::new("E100");
/// Something that other languages write and CEL does not.
pub const FOREIGN_SYNTAX: Code = Code::new("E101");
/// A number, string or escape that is none.
pub const BAD_LITERAL: Code = Code::new("E102");
/// The expression is too long, too deep or has too many variables.
pub const TOO_LARGE: Code = Code::new("E103");
/// A name that means nothing here.
pub const UNKNOWN_NAME: Code = Code::new("E104");
/// A part of CEL that carry leaves out: messages, enums, extensions.
pub const NOT_AVAILABLE: Code = Code::new("E105");
/// A function that does not exist.
pub const UNKNOWN_FUNCTION: Code = Code::new("E106");
/// A function or macro with arguments that it does not take.
pub const WRONG_ARGUMENTS: Code = Code::new("E107");
/// A field that the kind does not have.
pub const UNKNOWN_FIELD: Code = Code::new("E108");
/// A field or element of what has none, or an index of the wrong type.
pub const NO_SUCH_PART: Code = Code::new("E109");
/// A macro whose parts are not what it needs.
pub const BAD_MACRO: Code = Code::new("E110");
/// An optional where there can be none, or the other way round.
pub const BAD_OPTIONAL: Code = Code::new("E111");
/// Operands whose types do not fit each other.
pub const OPERANDS_DIFFER: Code = Code::new("E112");
/// A value where a condition must stand.
pub const NO_CONDITION: Code = Code::new("E113");
/// A key that no map can have.
pub const BAD_MAP_KEY: Code = Code::new("E114");
/// A field is read that may be absent, which is an error then.
pub const MAY_BE_ABSENT: Code = Code::new("W100");
/// An optional is compared with `null`.
pub const NEVER_NULL: Code = Code::new("W101");

/// All of them, in their order.
pub const ALL: &[Code] = &[
    SYNTAX,
    FOREIGN_SYNTAX,
    BAD_LITERAL,
    TOO_LARGE,
    UNKNOWN_NAME,
    NOT_AVAILABLE,
    UNKNOWN_FUNCTION,
    WRONG_ARGUMENTS,
    UNKNOWN_FIELD,
    NO_SUCH_PART,
    BAD_MACRO,
    BAD_OPTIONAL,
    OPERANDS_DIFFER,
    NO_CONDITION,
    BAD_MAP_KEY,
    MAY_BE_ABSENT,
    NEVER_NULL,
];
