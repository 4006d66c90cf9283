//! What other languages write and CEL does not: `=`, `and`, `?.`, `$x`.
//!
//! Promises, where it recognizes something, what CEL writes instead.
//! Deliberately only a list of habits: a text that none fits is explained by
//! its structure (`explain`).

use crate::diagnostic::{Diagnostic, Fix, Span};
use crate::lang::codes;

use super::found::Found;
use super::scan::Kind;
use super::spelling;

/// An explanation, where it fits.
pub(super) type Check = fn(&Found<'_>) -> Option<Diagnostic>;

pub(super) const CHECKS: &[Check] = &[
    template, character, comment, optional, mark, prefix, word, negation,
];

/// `{{ x }}` and `${x}`.
fn template(found: &Found<'_>) -> Option<Diagnostic> {
    let help = "write the expression alone: text around it is no template";
    if found.joined_after() == "${" {
        let start = found.token?.start;
        return Some(
            codes::FOREIGN_SYNTAX
                .at(Span::new(start, start + 2), "`${` is not part of CEL")
                .help(help),
        );
    }
    let (inner, outer) = (found.level().bracket?, found.outer_bracket()?);
    let doubled = inner.text == "{" && outer.text == "{" && outer.end() == inner.start;
    let span = Span::new(outer.start, inner.end());
    doubled.then(|| {
        codes::FOREIGN_SYNTAX
            .at(span, "`{{` is not part of CEL")
            .help(help)
    })
}

/// Characters that CEL does not know.
fn character(found: &Found<'_>) -> Option<Diagnostic> {
    let token = found.token.filter(|token| token.kind == Kind::Wrong)?;
    let c = token.text.chars().next()?;
    let shown = if c.is_control() {
        format!("U+{:04X}", u32::from(c))
    } else {
        c.to_string()
    };
    let error = |what: &str| codes::FOREIGN_SYNTAX.at(token.span(), format!("`{shown}` {what}"));
    Some(match c {
        '“' | '”' | '„' | '«' | '»' => {
            error("is no quote that CEL knows").help("write `\"`")
        }
        '‘' | '’' | '‚' | '´' => {
            error("is no quote that CEL knows").help("write `'` or `\"`")
        }
        '$' => error("is not part of CEL").help("write the name alone, without `$`"),
        '@' => error("is not part of CEL").help("write the name alone, without `@`"),
        '#' => error("is not part of CEL").help("write a comment as `// …`"),
        '\\' => error("is not part of CEL outside of strings")
            .help("an expression may go on in the next line without it"),
        '–' | '—' | '−' => error("is no minus that CEL knows").help("write `-`"),
        '≠' | '≤' | '≥' => error("is no operator of CEL").help("write `!=`, `<=` or `>=`"),
        '\u{a0}' | '\u{feff}' | '\u{200b}'..='\u{200d}' => {
            let hidden = format!(
                "the invisible character U+{:04X} is not part of CEL",
                u32::from(c)
            );
            codes::FOREIGN_SYNTAX
                .at(token.span(), hidden)
                .help("delete it, or write a space")
        }
        c if c.is_alphabetic() => error("cannot be part of a name")
            .help("names have ASCII letters, digits and `_`; write other keys as `x[\"key\"]`"),
        _ => error("is not part of CEL"),
    })
}

/// `/* … */`.
fn comment(found: &Found<'_>) -> Option<Diagnostic> {
    (found.joined_before() == "/*").then(|| {
        let start = found.last(0).map_or(0, |token| token.start);
        codes::FOREIGN_SYNTAX
            .at(Span::new(start, start + 2), "`/*` begins no comment in CEL")
            .help("write comments as `// …`, up to the end of the line")
    })
}

/// `x?.y`, which CEL reads as the begin of a choice, and `x ?? y`.
fn optional(found: &Found<'_>) -> Option<Diagnostic> {
    if found.joined_before() == "??" {
        let start = found.last(0)?.start;
        return Some(no_operator(
            Span::new(start, start + 2),
            "??",
            "write `x.?y.orValue(z)` for a field that may be absent, or `has(x.y) ? x.y : z`",
        ));
    }
    let question = found.level().questions.last().copied()?;
    let rest = found.text.get(question.end()..)?;
    let span = Span::new(question.start, question.end() + 1);
    if rest.starts_with('.') {
        let help = "CEL writes an optional field as `x.?y`";
        return Some(no_operator(span, "?.", help));
    }
    (rest.starts_with('[') && found.token_text() != ":").then(|| {
        codes::FOREIGN_SYNTAX
            .at(question.span(), "this choice has no `:`")
            .help("write a choice as `condition ? yes : no`, and an optional index as `x[?index]`")
    })
}

fn no_operator(span: Span, operator: &str, help: &str) -> Diagnostic {
    let found = codes::FOREIGN_SYNTAX
        .at(span, format!("`{operator}` is no operator of CEL"))
        .help(help);
    match same_in_cel(operator) {
        Some(own) => found.fix(Fix::replace(span, own)),
        None => found,
    }
}

/// Operators that only look different.
fn same_in_cel(operator: &str) -> Option<&'static str> {
    Some(match operator.to_ascii_lowercase().as_str() {
        "=" | "===" | "eq" | "equals" => "==",
        "!==" | "<>" | "ne" => "!=",
        "=<" | "le" => "<=",
        "lt" => "<",
        "ge" => ">=",
        "gt" => ">",
        "&" | "and" => "&&",
        "|" | "or" => "||",
        _ => return None,
    })
}

/// Operators of other languages.
fn mark(found: &Found<'_>) -> Option<Diagnostic> {
    let token = found.token.filter(|token| token.kind == Kind::Mark)?;
    let before = found.last(0).map_or(0, |token| token.start);
    let candidates = [
        (found.joined_before(), before),
        (found.joined_after(), token.start),
        (token.text, token.start),
    ];
    candidates.into_iter().find_map(|(written, start)| {
        let help = operator(written)?;
        Some(no_operator(
            Span::new(start, start + written.len()),
            written,
            help,
        ))
    })
}

fn operator(written: &str) -> Option<&'static str> {
    Some(match written {
        "=" | "===" | ":=" => "compare with `==`",
        "!==" | "<>" => "compare with `!=`",
        "=<" => "compare with `<=`",
        "&" => "write \"and\" as `&&`",
        "|" => "write \"or\" as `||`",
        "=~" | "~" | "~=" => "match a regular expression with `text.matches(\"…\")`",
        "!~" => "match a regular expression with `!text.matches(\"…\")`",
        "^" => "write \"either, but not both\" of two booleans as `a != b`",
        "**" | "<<" | ">>" => "CEL has `+`, `-`, `*`, `/` and `%`",
        "++" | "+=" | "-=" => "CEL changes nothing: write the value that is meant",
        "?:" => "write a choice as `condition ? yes : no`",
        "=>" | "->" => "write the variable as an argument: `list.all(x, x > 0)`",
        "::" => "write `.` between names",
        ";" => "write one expression, without `;`",
        _ => return None,
    })
}

/// `rb"…"`, `f"…"`.
fn prefix(found: &Found<'_>) -> Option<Diagnostic> {
    let (word, text) = (found.token?, found.after?);
    let quote = matches!(text.kind, Kind::Text | Kind::Unclosed) && !text.text.starts_with('`');
    if word.kind != Kind::Word || !quote || word.end() != text.start || found.behind_operand() {
        return None;
    }
    let message = format!("`{}` cannot stand before a string", word.text);
    let help = if word.text.eq_ignore_ascii_case("rb") {
        "write raw bytes as `br\"…\"`"
    } else {
        "strings may have `r` (raw), `b` (bytes) or `br` before them"
    };
    Some(codes::FOREIGN_SYNTAX.at(word.span(), message).help(help))
}

/// Words between two operands.
fn word(found: &Found<'_>) -> Option<Diagnostic> {
    let token = found.token.filter(|token| token.kind == Kind::Word)?;
    if !found.behind_operand() || found.last(0).is_some_and(|token| token.text == "not") {
        return None;
    }
    let follows = found.after.map_or("", |after| after.text);
    let help = match token.text.to_ascii_lowercase().as_str() {
        "and" => "write \"and\" as `&&`",
        "or" => "write \"or\" as `||`",
        "xor" => "write \"either, but not both\" of two booleans as `a != b`",
        "not" if follows == "in" => "write `!(x in list)`",
        "is" | "eq" | "equals" => "compare with `==`",
        "ne" | "not" | "isnt" => "compare with `!=`",
        "lt" => "compare with `<`",
        "le" => "compare with `<=`",
        "gt" => "compare with `>`",
        "ge" => "compare with `>=`",
        "mod" => "write the remainder as `%`",
        "like" | "matches" | "regex" => "match a regular expression with `text.matches(\"…\")`",
        "contains" | "has" => "write `text.contains(\"part\")` or `element in list`",
        "startswith" => "write `text.startsWith(\"begin\")`",
        "endswith" => "write `text.endsWith(\"end\")`",
        "if" | "then" | "else" => "write a choice as `condition ? yes : no`",
        "for" => "CEL has no loops; use `list.filter(x, …)` or `list.map(x, …)`",
        _ => return None,
    };
    Some(no_operator(token.span(), token.text, help))
}

/// `not x`, `if x`: a word where an operator before an operand should be.
fn negation(found: &Found<'_>) -> Option<Diagnostic> {
    let word = found.last(0).filter(|token| token.kind == Kind::Word)?;
    if found.last_text(1) == "." {
        return None;
    }
    if word.text.eq_ignore_ascii_case("not") {
        return Some(no_operator(word.span(), word.text, "write \"not\" as `!`"));
    }
    let advice = spelling::advice(word.text)?;
    let message = format!("`{}` is not part of CEL", word.text);
    Some(codes::FOREIGN_SYNTAX.at(word.span(), message).help(advice))
}
