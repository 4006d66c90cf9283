//! What is said of constants that a function can never use.
//!
//! Promises for each such function how its constant is written. Deliberately
//! evaluates nothing: that it has no value is known here.

use crate::diagnostic::{Diagnostic, Span};
use crate::lang::ast::{Expr, ExprKind};
use crate::lang::{Fault, FaultKind};

use super::codes;

/// A part of constants that has no value: what cannot be read by anybody is an
/// error, what might be meant never to be reached a warning.
pub fn never_works(fault: &Fault, tree: &Expr) -> Diagnostic {
    let known = function_at(tree, fault.span).and_then(expected);
    let message = match known {
        Some((what, _)) => format!("this can never be evaluated: it is no {what}"),
        None => format!("this can never be evaluated: {}", fault.kind),
    };
    match (fault.kind, known) {
        (FaultKind::InvalidArgument | FaultKind::BadConversion, Some((_, help))) => {
            codes::CONSTANT_WITHOUT_VALUE
                .at(fault.span, message)
                .help(help)
        }
        (FaultKind::InvalidArgument | FaultKind::BadConversion, None) => {
            codes::CONSTANT_WITHOUT_VALUE
                .at(fault.span, message)
                .help("write the constant as the function expects it, or leave the part out")
        }
        _ => {
            let message = format!("this can never be evaluated: {}", fault.kind);
            codes::NEVER_EVALUATED
                .at(fault.span, message)
                .help("whatever depends on it cannot be judged: leave the part out")
        }
    }
}

/// The name of the function that is called at `span`, or with an argument
/// there.
fn function_at(tree: &Expr, span: Span) -> Option<&str> {
    let mut open = vec![tree];
    while let Some(next) = open.pop() {
        if let ExprKind::Call { function, args, .. } = &next.kind
            && (next.span == span || args.iter().any(|arg| arg.span == span))
        {
            return Some(&function.text);
        }
        open.extend(next.parts());
    }
    None
}

/// What a function expects, and how that is written.
fn expected(function: &str) -> Option<(&'static str, &'static str)> {
    Some(match function {
        "matches" | "find" | "findAll" | "extract" | "extractAll" => (
            "regular expression",
            "write one as RE2 reads it, without look-around and back-references; any characters are `.*`, and `\\\\(` is a bracket",
        ),
        "timestamp" => (
            "time",
            "write a whole one with its time zone: `timestamp(\"2026-01-31T12:00:00Z\")`",
        ),
        "duration" => (
            "duration",
            "write numbers with units from `ns` to `h`: `168h`, `1h30m`, `0.5s`",
        ),
        "quantity" => (
            "quantity",
            "write it as Kubernetes does: `500m`, `10G`, `10Gi`",
        ),
        "ip" => (
            "IP address",
            "write one address without leading zeros or a prefix: `10.0.0.1`, `fd00::1`",
        ),
        "cidr" => (
            "network",
            "write an address and the length of the prefix: `10.0.0.0/8`, `fd00::/8`",
        ),
        "semver" => (
            "version",
            "write three numbers, and no `v`: `1.2.3`; to take `v1.2` for `1.2.0` write `semver(\"v1.2\", true)`",
        ),
        "url" => ("URL", "write a whole one: `https://example.com/path`"),
        "int" | "uint" | "double" => ("number", "write the number itself, without quotes"),
        "bool" => ("truth value", "write `true` or `false`, without quotes"),
        "decode" => ("base64", "write padded base64: `YWJj`, `YWI=`"),
        "string" => ("UTF-8", "compare the bytes themselves"),
        "format" => (
            "format",
            "clauses are `%s`, `%d`, `%f`, `%e`, `%b`, `%x`, `%X` and `%o`, for values of their kind; `%%` is one `%`",
        ),
        _ => return None,
    })
}
