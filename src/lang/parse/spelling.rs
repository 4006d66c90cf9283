//! Names that are none, and forms that the grammar lets pass but CEL does not.
//!
//! Promises a diagnostic that says how it is written instead. Deliberately
//! knows only the words of the language, no function and no variable.

use crate::diagnostic::{Diagnostic, Span};
use crate::lang::codes;

/// Words that are literals or operators: no names anywhere.
const KEYWORDS: &[&str] = &["false", "in", "null", "true"];

/// Words that CEL keeps for the languages around it: names of fields only.
const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "namespace",
    "package",
    "return",
    "var",
    "void",
    "while",
];

/// Whether `name` can be a field's name without backticks.
pub(in crate::lang) fn is_field(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let mut bytes = name.bytes();
    bytes.next().is_some_and(letter)
        && bytes.all(|byte| letter(byte) || byte.is_ascii_digit())
        && !KEYWORDS.contains(&name)
}

/// Refuses what is not the name of a variable or function.
pub(super) fn check_name(name: &str, span: Span) -> Result<(), Diagnostic> {
    if KEYWORDS.contains(&name) {
        return Err(codes::SYNTAX
            .at(span, format!("a value is missing before `{name}`"))
            .help("`in` stands between a value and a list or map: `x in [1, 2]`"));
    }
    if !RESERVED.contains(&name) {
        return Ok(());
    }
    let error = codes::SYNTAX.at(
        span,
        format!("`{name}` is a reserved word and cannot be a name"),
    );
    Err(match advice(name).filter(|_| name == "if") {
        Some(advice) => error.help(advice),
        None => error.help(format!(
            "reserved words can be names of fields only, after a dot: `x.{name}`"
        )),
    })
}

/// What reserved words of other languages are in CEL.
pub(super) fn advice(word: &str) -> Option<&'static str> {
    Some(match word {
        "if" | "else" | "then" => "write a choice as `condition ? yes : no`",
        "for" | "while" | "loop" => {
            "CEL has no loops; use `list.all(x, …)`, `list.exists(x, …)`, `list.filter(x, …)` or \
             `list.map(x, …)`"
        }
        "return" => "write the value alone, without `return`",
        _ => return None,
    })
}

/// Refuses what cannot follow a dot.
pub(super) fn check_field(name: &str, span: Span) -> Result<(), Diagnostic> {
    if !KEYWORDS.contains(&name) {
        return Ok(());
    }
    let message = format!("`{name}` cannot be the name of a field");
    Err(codes::SYNTAX
        .at(span, message)
        .help(format!("put it in backticks: `` .`{name}` ``")))
}

/// `!-x`, `-!x`.
pub(super) fn mixed_signs(span: Span, text: &str) -> Diagnostic {
    let written = text.get(span.start as usize..span.end as usize);
    let (sign, rest) = written
        .and_then(|written| written.split_at_checked(1))
        .unwrap_or(("!", "x"));
    let signs = Span::new(span.start as usize, span.start as usize + 1);
    codes::SYNTAX
        .at(signs, "`!` and `-` cannot follow each other")
        .help(format!(
            "put parentheses between them: `{sign}({})`",
            rest.trim()
        ))
}

/// `a.?f()`.
pub(super) fn optional_call(name: &str, span: Span) -> Diagnostic {
    codes::SYNTAX
        .at(span, format!("the call of `{name}` cannot be optional"))
        .help(format!(
            "write `.{name}(…)`; only fields are read with `.?`"
        ))
}

/// `true(x)`.
pub(super) fn no_function(span: Span, text: &str) -> Diagnostic {
    let written = text.get(span.start as usize..span.end as usize);
    let message = format!("`{}` is no function", written.unwrap_or_default());
    codes::SYNTAX.at(span, message)
}

/// `f(x){}`.
pub(super) fn no_message(before: Span, fields: Span) -> Diagnostic {
    codes::SYNTAX
        .at(fields, "`{` cannot follow this")
        .label("a map or a message begins here")
        .also(before, "this is no name of a message")
        .help("an operator or `,` is missing between the two")
}
