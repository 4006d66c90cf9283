//! What CEL has and this dialect does not: messages, enums and extensions.
//!
//! Promises that it is refused under its own name, with what to write instead.
//! Deliberately knows no protobuf.

use crate::lang::ast;
use crate::lang::codes;
use crate::lang::hir;

use super::checker::Checker;

impl<'a> Checker<'a> {
    /// `pkg.Message{field: value}`.
    pub fn message(
        &mut self,
        from: &'a ast::Expr,
        name: &'a ast::Name,
        fields: &'a [ast::MessageField],
    ) -> Box<hir::Expr> {
        let message = format!("messages cannot be made here: `{}{{…}}`", name.text);
        let found = codes::NOT_AVAILABLE
            .at(name.span, message)
            .help(instead_of(&name.text));
        self.report(found);
        for field in fields {
            self.expr(&field.value);
        }
        self.unknown(from.span)
    }

    /// Functions for extensions of protobuf messages.
    pub fn extension(
        &mut self,
        from: &'a ast::Expr,
        name: &str,
        args: &'a [ast::Expr],
    ) -> Box<hir::Expr> {
        let message = format!("`{name}` is not available: values here have no extensions");
        let shown = args.first().map_or("x".into(), |arg| self.quote(arg));
        let help = match name {
            "proto.hasExt" => format!("ask for a field: `has({shown}.field)`"),
            _ => format!("read a field: `{shown}.field`"),
        };
        self.report(codes::NOT_AVAILABLE.at(from.span, message).help(help));
        self.unknown(from.span)
    }
}

/// Whether a function is for extensions of messages.
pub(super) fn is_extension(name: &str) -> bool {
    matches!(name, "proto.getExt" | "proto.hasExt")
}

fn instead_of(message: &str) -> &'static str {
    match message.trim_start_matches('.') {
        "google.protobuf.Timestamp" => "write `timestamp(\"2026-01-02T03:04:05Z\")`",
        "google.protobuf.Duration" => "write `duration(\"90s\")`",
        "google.protobuf.Struct" => "write a map: `{\"key\": value}`",
        "google.protobuf.ListValue" => "write a list: `[a, b]`",
        name if wrapper(name) => "write the value itself",
        _ => "compare fields one by one, or write a map: `{\"key\": value}`",
    }
}

fn wrapper(name: &str) -> bool {
    matches!(
        name.strip_prefix("google.protobuf."),
        Some(
            "BoolValue"
                | "BytesValue"
                | "DoubleValue"
                | "FloatValue"
                | "Int32Value"
                | "Int64Value"
                | "StringValue"
                | "UInt32Value"
                | "UInt64Value"
                | "Value"
                | "Any"
        )
    )
}

/// What to write for a name of protobuf's own, if `name` is one.
pub(super) fn constant(name: &str) -> Option<&'static str> {
    match name {
        "google.protobuf.NullValue.NULL_VALUE" | "NULL_VALUE" => Some("write `null`"),
        name if name.starts_with("google.") => {
            Some("there are no enums and messages here; compare with the text or number itself")
        }
        _ => None,
    }
}

/// Whether the last part of a name is in upper case, as values of enums are.
pub(super) fn is_enum_like(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    last.len() > 1 && last.chars().all(upper)
}
