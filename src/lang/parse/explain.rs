//! Why a text is no expression, and what to do.
//!
//! Promises one diagnostic for every text that the grammar refuses, at the
//! token where it goes wrong. Deliberately only looks at the tokens around that
//! place: the grammar has already decided.

use crate::diagnostic::{Diagnostic, Span};
use crate::lang::codes;

use super::foreign::{self, Check};
use super::found::Found;
use super::scan::{Kind, Token};

/// The structure, after the habits of other languages are ruled out.
const CHECKS: &[Check] = &[
    digit_after_dot,
    after_dot,
    closing,
    missing_operand,
    colon,
    no_colon,
    entry,
    open_bracket,
    call,
    missing_operator,
];

/// `at` is the furthest place that the grammar reached.
pub(super) fn syntax(text: &str, at: usize) -> Diagnostic {
    let found = Found::new(text, at);
    let first: &[Check] = &[empty, unclosed];
    let mut checks = first.iter().chain(foreign::CHECKS).chain(CHECKS);
    checks
        .find_map(|check| check(&found))
        .unwrap_or_else(|| unexpected(&found))
}

fn unexpected(found: &Found<'_>) -> Diagnostic {
    codes::SYNTAX.at(
        found.span(),
        format!("{} is not expected here", name(found.token)),
    )
}

fn name(token: Option<Token<'_>>) -> String {
    token.map_or_else(
        || "the end".to_owned(),
        |token| format!("`{}`", shortened(token.text)),
    )
}

/// A long string in a message says no more than its begin.
fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.len() == text.len() && line.chars().count() <= 40 {
        return line.to_owned();
    }
    line.chars().take(39).chain(['…']).collect()
}

fn empty(found: &Found<'_>) -> Option<Diagnostic> {
    (found.token.is_none() && found.last(0).is_none()).then(|| {
        codes::SYNTAX
            .at(found.span(), "the expression is empty")
            .help("write a condition, for example `name == \"a\" && size > 1`")
    })
}

fn unclosed(found: &Found<'_>) -> Option<Diagnostic> {
    let token = found.token.filter(|token| token.kind == Kind::Unclosed)?;
    let quotes = token.text.trim_start_matches(['b', 'B', 'r', 'R']);
    let three = quotes.starts_with("\"\"\"") || quotes.starts_with("'''");
    let quote = quotes.get(..if three { 3 } else { 1 })?;
    let begin = token.end() - quotes.len();
    let opening = Span::new(begin, begin + quote.len());
    let end = Span::new(token.end(), token.end());
    if quote == "`" {
        return Some(
            codes::SYNTAX
                .at(end, "the name in backticks is not closed")
                .label("a backtick is missing")
                .also(opening, "it begins here"),
        );
    }
    let error = codes::SYNTAX
        .at(end, "the string is not closed")
        .label(format!("`{quote}` is missing"))
        .also(opening, "it begins here");
    let escaped = format!("\\{quote}");
    Some(if token.end() < found.text.len() {
        error.help("a string over several lines begins and ends with three quotes: `\"\"\"`")
    } else if quotes.ends_with(&escaped) {
        error.help(format!(
            "`{escaped}` is part of the string; write a backslash at its end as `\\\\`"
        ))
    } else {
        error
    })
}

/// `a.0`, which reads as `a` and the number `.0`.
fn digit_after_dot(found: &Found<'_>) -> Option<Diagnostic> {
    let number = found.token.filter(|token| token.kind == Kind::Number)?;
    let digits = number.text.strip_prefix('.')?;
    found.behind_operand().then(|| {
        codes::SYNTAX
            .at(number.span(), "a field's name cannot begin with a digit")
            .help(format!(
                "write an element of a list as `[{digits}]`, a key as `[\"{digits}\"]`"
            ))
    })
}

/// What cannot follow a dot.
fn after_dot(found: &Found<'_>) -> Option<Diagnostic> {
    let dot = found.last(0).filter(|token| token.text == ".")?;
    if found
        .last(1)
        .is_some_and(|token| token.kind == Kind::Number)
    {
        let digits = found.last_text(1);
        return Some(
            codes::SYNTAX
                .at(dot.span(), "digits are missing after the `.`")
                .help(format!("write the double `{digits}.0`")),
        );
    }
    let error = codes::SYNTAX.at(found.span(), "a field's name is missing after `.`");
    Some(match found.token_text().chars().next() {
        Some('[') => error.help("write an index without the dot: `x[0]`"),
        Some('"' | '\'') => error.help("write a key in brackets, without the dot: `x[\"key\"]`"),
        Some('-') => error.help("put a name with `-` in backticks: `` x.`a-b` ``"),
        Some('*') => error.help("name one field, or use `list.exists(x, …)` for any element"),
        Some('`') => codes::SYNTAX.at(found.span(), "this cannot be a name in backticks").help(
            "names in backticks have ASCII letters, digits, `_`, `.`, `-`, `/` and spaces; write \
             other keys as `x[\"key\"]`",
        ),
        _ => error,
    })
}

/// A bracket that closes nothing, or another one.
fn closing(found: &Found<'_>) -> Option<Diagnostic> {
    let token = found.token.filter(|token| token.kind == Kind::Close)?;
    let Some(open) = found.level().bracket else {
        let message = format!("`{}` closes nothing", token.text);
        return Some(
            codes::SYNTAX
                .at(token.span(), message)
                .help("remove it, or open the bracket before it"),
        );
    };
    let wanted = partner(open.text);
    (wanted != token.text).then(|| {
        let message = format!("`{}` is closed by `{}`", open.text, token.text);
        codes::SYNTAX
            .at(token.span(), message)
            .label(format!("`{wanted}` is expected"))
            .also(open.span(), "opened here")
    })
}

fn partner(open: &str) -> &'static str {
    match open {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}

/// Nothing where an operand should be.
fn missing_operand(found: &Found<'_>) -> Option<Diagnostic> {
    if found.behind_operand() || found.token.is_some_and(begins_operand) {
        return None;
    }
    let here = found.token;
    if here.is_some_and(|token| token.kind == Kind::Quoted) {
        return Some(quoted_alone(found.span()));
    }
    let place = match (found.last(0), here) {
        (Some(before), None) if before.kind == Kind::Open => return None,
        (Some(before), None) => format!("after `{}`", before.text),
        (None, here) => format!("before {}", name(here)),
        (Some(before), here) => format!("between `{}` and {}", before.text, name(here)),
    };
    let error = codes::SYNTAX.at(found.span(), format!("a value is missing {place}"));
    Some(match (found.last_text(0), found.token_text()) {
        ("[", "*") => {
            error.help("use `list.exists(x, …)` for any element, `list.all(x, …)` for all")
        }
        ("(", "/") => {
            error.help("a regular expression is a text in quotes: `text.matches(\"^a\")`")
        }
        _ => error,
    })
}

fn quoted_alone(span: Span) -> Diagnostic {
    codes::SYNTAX
        .at(span, "a name in backticks cannot stand alone")
        .help(
            "names of fields may be in backticks, after a dot: `` x.`a-b` ``; strings are in `\"`",
        )
}

fn begins_operand(token: Token<'_>) -> bool {
    match token.kind {
        Kind::Word => token.text != "in",
        Kind::Number | Kind::Text | Kind::Open => true,
        _ => matches!(token.text, "." | "!" | "-"),
    }
}

/// A choice without its `:`.
fn no_colon(found: &Found<'_>) -> Option<Diagnostic> {
    let question = found.level().questions.last().copied()?;
    let ends = found
        .token
        .is_none_or(|token| matches!(token.kind, Kind::Close) || matches!(token.text, "," | "?"));
    if !ends {
        return None;
    }
    let error = codes::SYNTAX
        .at(found.span(), "this choice has no `:`")
        .label("`:` is missing")
        .also(question.span(), "it begins here");
    Some(if found.token_text() == "?" {
        error.help("put a choice inside a choice in parentheses: `a ? (b ? c : d) : e`")
    } else {
        error.help("write a choice as `condition ? yes : no`")
    })
}

/// A `:` that belongs to nothing.
fn colon(found: &Found<'_>) -> Option<Diagnostic> {
    let token = found.token.filter(|token| token.text == ":")?;
    let error = codes::SYNTAX.at(token.span(), "`:` is not expected here");
    let level = found.level();
    Some(match level.bracket.map(|open| open.text) {
        Some("[") => error.help("CEL has no slices; write a map in braces: `{\"key\": 1}`"),
        Some("{") if level.colon => error.help("write `,` between the entries of a map"),
        _ => error
            .help("`:` belongs to a choice (`condition ? yes : no`) or to a map (`{\"key\": 1}`)"),
    })
}

/// An entry of a map or message without its `:`.
fn entry(found: &Found<'_>) -> Option<Diagnostic> {
    let level = found.level();
    let open = level.bracket.filter(|open| open.text == "{")?;
    let ends = found
        .token
        .is_some_and(|token| matches!(token.text, "," | "}"));
    if level.colon || !ends || !found.behind_operand() {
        return None;
    }
    Some(
        codes::SYNTAX
            .at(found.span(), "`:` and a value are missing in this entry")
            .also(open.span(), "the map begins here")
            .help("write a map as `{\"key\": 1}`, a list as `[1, 2]`"),
    )
}

/// The text ends within a bracket.
fn open_bracket(found: &Found<'_>) -> Option<Diagnostic> {
    let open = found.level().bracket?;
    found.token.is_none().then(|| {
        codes::SYNTAX
            .at(found.span(), format!("`{}` is not closed", open.text))
            .label(format!("`{}` is missing", partner(open.text)))
            .also(open.span(), "opened here")
    })
}

/// `(` behind what is no name.
fn call(found: &Found<'_>) -> Option<Diagnostic> {
    let token = found.token.filter(|token| token.text == "(")?;
    let before = found.last(0)?;
    let message = match before.kind {
        Kind::Quoted => "a name in backticks is a field and cannot be called",
        Kind::Close | Kind::Number | Kind::Text => {
            "`(` cannot follow this: only a name can be called"
        }
        _ => return None,
    };
    Some(
        codes::SYNTAX
            .at(token.span(), message)
            .help("write a call as `function(x)` or `x.function()`, or an operator before `(`"),
    )
}

/// Two operands side by side.
fn missing_operator(found: &Found<'_>) -> Option<Diagnostic> {
    let (before, token) = (found.last(0)?, found.token?);
    if found.behind_operand() && token.kind == Kind::Quoted {
        return Some(quoted_alone(token.span()));
    }
    if !found.behind_operand() || !begins_operand(token) {
        return None;
    }
    let what = match found.level().bracket {
        Some(_) => "an operator or `,`",
        None => "an operator",
    };
    let message = format!(
        "{what} is missing between `{}` and `{}`",
        shortened(before.text),
        shortened(token.text)
    );
    let error = codes::SYNTAX.at(token.span(), message);
    Some(match token.text {
        "!" if found.after.is_some_and(|after| after.text == "in") => {
            error.help("write `!(x in list)`")
        }
        "!" => error.help("write \"is not equal\" as `!=`"),
        _ if before.text == "if" || found.last_opens("if") => {
            error.help("write a choice as `condition ? yes : no`")
        }
        _ if before.text == "let" || before.text == "var" => {
            error.help("name a value with `cel.bind(name, value, expression)`")
        }
        _ if before.kind == Kind::Number && before.end() == token.start => {
            error.help("numbers have no units: write `quantity(\"10Gi\")`, `duration(\"10s\")`")
        }
        _ => error,
    })
}
