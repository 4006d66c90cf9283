//! The text of an expression's tree.
//!
//! Promises that the text of a tree that `parse` can produce parses to an
//! equal tree, with parentheses only where they are needed or where leaving
//! them out would mislead (`(-5).f()`). Deliberately forgets comments, spaces
//! and the way literals were spelled.

use std::fmt::{self, Display, Formatter, Write as _};

use super::ast::{BinaryOp, Element, Entry, Expr, ExprKind, Field, Literal, MessageField, UnaryOp};
use super::parse::is_field;

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_expr(f, self)
    }
}

/// How tightly a node holds together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Conditional,
    Or,
    And,
    Relation,
    Additive,
    Multiplicative,
    Unary,
    Member,
}

impl Rank {
    fn of(expr: &Expr) -> Rank {
        match &expr.kind {
            ExprKind::Conditional { .. } => Rank::Conditional,
            ExprKind::Binary { op, .. } => Rank::of_binary(*op),
            ExprKind::Unary { .. } => Rank::Unary,
            ExprKind::Literal(literal) if is_negative(literal) => Rank::Unary,
            _ => Rank::Member,
        }
    }

    fn of_binary(op: BinaryOp) -> Rank {
        match op {
            BinaryOp::Or => Rank::Or,
            BinaryOp::And => Rank::And,
            BinaryOp::Add | BinaryOp::Subtract => Rank::Additive,
            BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo => Rank::Multiplicative,
            _ => Rank::Relation,
        }
    }

    /// The next tighter one.
    fn above(self) -> Rank {
        match self {
            Rank::Conditional => Rank::Or,
            Rank::Or => Rank::And,
            Rank::And => Rank::Relation,
            Rank::Relation => Rank::Additive,
            Rank::Additive => Rank::Multiplicative,
            Rank::Multiplicative => Rank::Unary,
            Rank::Unary | Rank::Member => Rank::Member,
        }
    }
}

fn is_negative(literal: &Literal) -> bool {
    match literal {
        Literal::Int(value) => *value < 0,
        Literal::Double(value) => value.is_sign_negative(),
        _ => false,
    }
}

/// In parentheses unless it holds together at least as tightly as `least`.
fn write_at(f: &mut Formatter<'_>, expr: &Expr, least: Rank) -> fmt::Result {
    if Rank::of(expr) >= least {
        write_expr(f, expr)
    } else {
        write_in_parentheses(f, expr)
    }
}

fn write_in_parentheses(f: &mut Formatter<'_>, expr: &Expr) -> fmt::Result {
    f.write_str("(")?;
    write_expr(f, expr)?;
    f.write_str(")")
}

fn write_expr(f: &mut Formatter<'_>, expr: &Expr) -> fmt::Result {
    match &expr.kind {
        ExprKind::Literal(literal) => write_literal(f, literal),
        ExprKind::Ident { name, rooted } => write_ident(f, name, *rooted),
        ExprKind::Select {
            operand,
            field,
            optional,
        } => write_select(f, operand, field, *optional),
        ExprKind::Index {
            operand,
            index,
            optional,
        } => write_index(f, operand, index, *optional),
        ExprKind::Call {
            target,
            function,
            args,
        } => write_call(f, target.as_deref(), &function.text, args),
        ExprKind::List(elements) => write_between(f, "[", elements, "]", write_element),
        ExprKind::Map(entries) => write_between(f, "{", entries, "}", write_entry),
        ExprKind::Message { name, fields } => {
            f.write_str(&name.text)?;
            write_between(f, "{", fields, "}", write_message_field)
        }
        ExprKind::Unary { op, operand } => write_unary(f, *op, operand),
        ExprKind::Binary {
            op, left, right, ..
        } => write_binary(f, *op, left, right),
        ExprKind::Conditional { condition, yes, no } => write_choice(f, condition, yes, no),
    }
}

fn write_ident(f: &mut Formatter<'_>, name: &str, rooted: bool) -> fmt::Result {
    if rooted {
        f.write_str(".")?;
    }
    f.write_str(name)
}

fn write_select(
    f: &mut Formatter<'_>,
    operand: &Expr,
    field: &Field,
    optional: bool,
) -> fmt::Result {
    write_at(f, operand, Rank::Member)?;
    f.write_str(if optional { ".?" } else { "." })?;
    write_field(f, field)
}

fn write_field(f: &mut Formatter<'_>, field: &Field) -> fmt::Result {
    if field.quoted || !is_field(&field.name) {
        write!(f, "`{}`", field.name)
    } else {
        f.write_str(&field.name)
    }
}

fn write_index(f: &mut Formatter<'_>, operand: &Expr, index: &Expr, optional: bool) -> fmt::Result {
    write_at(f, operand, Rank::Member)?;
    f.write_str(if optional { "[?" } else { "[" })?;
    write_expr(f, index)?;
    f.write_str("]")
}

fn write_call(
    f: &mut Formatter<'_>,
    target: Option<&Expr>,
    function: &str,
    args: &[Expr],
) -> fmt::Result {
    if let Some(target) = target {
        write_at(f, target, Rank::Member)?;
        f.write_str(".")?;
    }
    f.write_str(function)?;
    write_between(f, "(", args, ")", write_expr)
}

fn write_between<T>(
    f: &mut Formatter<'_>,
    open: &str,
    parts: &[T],
    close: &str,
    write_one: impl Fn(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    f.write_str(open)?;
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            f.write_str(", ")?;
        }
        write_one(f, part)?;
    }
    f.write_str(close)
}

fn write_optional(f: &mut Formatter<'_>, optional: bool) -> fmt::Result {
    f.write_str(if optional { "?" } else { "" })
}

fn write_element(f: &mut Formatter<'_>, element: &Element) -> fmt::Result {
    write_optional(f, element.optional)?;
    write_expr(f, &element.value)
}

fn write_entry(f: &mut Formatter<'_>, entry: &Entry) -> fmt::Result {
    write_optional(f, entry.optional)?;
    write_expr(f, &entry.key)?;
    f.write_str(": ")?;
    write_expr(f, &entry.value)
}

fn write_message_field(f: &mut Formatter<'_>, field: &MessageField) -> fmt::Result {
    write_optional(f, field.optional)?;
    write_field(f, &field.field)?;
    f.write_str(": ")?;
    write_expr(f, &field.value)
}

fn write_unary(f: &mut Formatter<'_>, op: UnaryOp, operand: &Expr) -> fmt::Result {
    f.write_str(match op {
        UnaryOp::Not => "!",
        UnaryOp::Negate => "-",
    })?;
    let apart = match &operand.kind {
        ExprKind::Unary { op: inner, .. } => *inner != op,
        _ => op == UnaryOp::Negate && begins_with_number(operand),
    };
    if apart {
        write_in_parentheses(f, operand)
    } else {
        write_at(f, operand, Rank::Unary)
    }
}

/// Whether a minus directly before it would belong to a number.
fn begins_with_number(expr: &Expr) -> bool {
    let mut first = expr;
    loop {
        first = match &first.kind {
            ExprKind::Select { operand, .. } | ExprKind::Index { operand, .. } => operand,
            ExprKind::Call {
                target: Some(target),
                ..
            } => target,
            ExprKind::Literal(literal @ (Literal::Int(_) | Literal::Double(_))) => {
                return !is_negative(literal);
            }
            _ => return false,
        };
    }
}

fn write_binary(f: &mut Formatter<'_>, op: BinaryOp, left: &Expr, right: &Expr) -> fmt::Result {
    let rank = Rank::of_binary(op);
    write_at(f, left, rank)?;
    write!(f, " {} ", op.text())?;
    write_at(f, right, rank.above())
}

fn write_choice(f: &mut Formatter<'_>, condition: &Expr, yes: &Expr, no: &Expr) -> fmt::Result {
    write_at(f, condition, Rank::Or)?;
    f.write_str(" ? ")?;
    write_at(f, yes, Rank::Or)?;
    f.write_str(" : ")?;
    write_expr(f, no)
}

fn write_literal(f: &mut Formatter<'_>, literal: &Literal) -> fmt::Result {
    match literal {
        Literal::Null => f.write_str("null"),
        Literal::Bool(value) => write!(f, "{value}"),
        Literal::Int(value) => write!(f, "{value}"),
        Literal::Uint(value) => write!(f, "{value}u"),
        // With a point or an exponent, and as many digits as tell it apart.
        Literal::Double(value) => write!(f, "{value:?}"),
        Literal::String(value) => write_string(f, value),
        Literal::Bytes(value) => write_bytes(f, value),
    }
}

fn write_string(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if is_hidden(c) => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_str("\"")
}

/// Characters that show nothing, or show other characters in another order.
/// All are below U+10000.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn write_bytes(f: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    f.write_str("b\"")?;
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => write!(f, "\\{}", char::from(byte))?,
            b' '..=b'~' => f.write_char(char::from(byte))?,
            _ => write!(f, "\\x{byte:02x}")?,
        }
    }
    f.write_str("\"")
}
