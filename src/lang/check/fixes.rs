//! How operands of different types are made to fit.
//!
//! Promises texts that can be put in place of what was written. Deliberately
//! reports nothing (see `mismatch`).

use crate::lang::ast::{BinaryOp, Expr, ExprKind, Literal};
use crate::lang::ty::{Type, TypeName};

use super::checker::Checker;
use super::unify::is_number;

/// An operand: as written, and its type.
pub(super) struct Operand<'c> {
    pub from: &'c Expr,
    pub ty: Type,
}

impl Checker<'_> {
    /// What to write instead of `one op other`.
    pub fn fix(&self, op: BinaryOp, one: &Operand<'_>, other: &Operand<'_>) -> Option<String> {
        if op == BinaryOp::In {
            return self.fix_in(one, other);
        }
        if let Some(fixed) = self
            .fix_key(op, one, other)
            .or_else(|| self.fix_chain(op, one, other))
        {
            return Some(fixed);
        }
        self.fix_side(op, one, other)
            .or_else(|| self.fix_side(op, other, one))
            .or_else(|| self.fix_order(op, one, other))
    }

    fn fix_in(&self, one: &Operand<'_>, other: &Operand<'_>) -> Option<String> {
        let (needle, hay) = (self.text(one.from), self.quote(other.from));
        if let (Type::Optional(held), Type::List(_) | Type::Map(..)) = (&one.ty, &other.ty) {
            let (needle, empty) = (self.quote(one.from), empty(held).unwrap_or("…"));
            return Some(format!(
                "say what it is where there is no value: `{needle}.orValue({empty}) in {hay}`"
            ));
        }
        Some(match &other.ty {
            Type::String => format!("look for a part of a text: `{hay}.contains({needle})`"),
            Type::Optional(_) => {
                let needle = self.quote(one.from);
                format!("say what it is where there is no value: `{needle} in {hay}.orValue([])`")
            }
            Type::List(element) if **element == Type::String => {
                format!("convert it: `string({needle}) in {hay}`")
            }
            Type::List(_) | Type::Map(..) | Type::Object(_) => return None,
            _ => "`in` looks into a list or map; to compare two values write `==`".into(),
        })
    }

    /// `labels.a-b`, which reads as a difference.
    fn fix_key(&self, op: BinaryOp, one: &Operand<'_>, other: &Operand<'_>) -> Option<String> {
        let (ExprKind::Select { operand, field, .. }, ExprKind::Ident { name, .. }) =
            (&one.from.kind, &other.from.kind)
        else {
            return None;
        };
        let adjacent = one.from.span.end + 1 == other.from.span.start;
        (op == BinaryOp::Subtract && one.ty == Type::String && adjacent).then(|| {
            let map = self.quote(operand);
            format!(
                "a key with `-` stands in brackets: `{map}[\"{}-{name}\"]`",
                field.name
            )
        })
    }

    /// `1 < x < 3`.
    fn fix_chain(&self, op: BinaryOp, one: &Operand<'_>, other: &Operand<'_>) -> Option<String> {
        let ExprKind::Binary { op: own, right, .. } = &one.from.kind else {
            return None;
        };
        (is_order(op) && is_order(*own)).then(|| {
            let (middle, last) = (self.text(right), self.text(other.from));
            let first = self.text(one.from);
            format!("write `{first} && {middle} {} {last}`", op.text())
        })
    }

    /// A change to `one` that makes it fit `other`.
    fn fix_side(&self, op: BinaryOp, one: &Operand<'_>, other: &Operand<'_>) -> Option<String> {
        let text = self.text(one.from);
        Some(match (&one.ty, &other.ty) {
            (Type::Null, _) => self.never_null(other),
            (Type::Optional(held), _) => {
                let quoted = self.quote(one.from);
                let empty = empty(held).or_else(|| empty(&other.ty)).unwrap_or("…");
                format!("say what it is where there is no value: `{quoted}.orValue({empty})`")
            }
            (Type::String, Type::Timestamp) => format!("convert it: `timestamp({text})`"),
            (Type::String, Type::Duration) => format!("convert it: `duration({text})`"),
            (Type::String, Type::Opaque(opaque)) => {
                format!("convert it: `{}({text})`", opaque_function(opaque.name()))
            }
            (Type::String, Type::Bool) if op != BinaryOp::Add && !is_literal(one.from) => {
                format!("convert it: `bool({text})`")
            }
            (Type::String, number)
                if is_number(number) && op != BinaryOp::Add && !is_literal(one.from) =>
            {
                let shown = self.text(other.from);
                format!("convert one side: `{number}({text})` or `string({shown})`")
            }
            (ty, Type::String) if op != BinaryOp::Add && literal_of(ty, other.from).is_some() => {
                let bare = literal_of(ty, other.from).unwrap_or_default();
                format!("leave out the quotes: `{bare}`")
            }
            (Type::Bytes, Type::String) if op != BinaryOp::Add => {
                let other = self.text(other.from);
                format!(
                    "convert one side: `string({text})`, or `base64.decode({other})` if that is base64"
                )
            }
            (ty, Type::String) if is_number(ty) || matches!(ty, Type::Bool | Type::Bytes) => {
                format!("convert it: `string({text})`")
            }
            (Type::Int | Type::Uint, Type::Double) => format!("convert it: `double({text})`"),
            (Type::Uint, Type::Int) => format!("convert it: `int({text})`"),
            (element, Type::List(_)) if op == BinaryOp::Add && !is_list(element) => {
                format!("put it into a list: `[{text}]`")
            }
            (element, Type::List(inner)) if element == &**inner => {
                let list = self.quote(other.from);
                format!("ask whether the list has it: `{text} in {list}`")
            }
            _ => return None,
        })
    }

    fn never_null(&self, other: &Operand<'_>) -> String {
        let ty = self.show(&other.ty);
        match &other.from.kind {
            ExprKind::Select { .. } => {
                let text = self.text(other.from);
                format!("`{ty}` is never null; ask whether it is there: `has({text})`")
            }
            _ => format!("`{ty}` is never null: leave the comparison out"),
        }
    }

    /// Values that are ordered by functions.
    fn fix_order(&self, op: BinaryOp, one: &Operand<'_>, other: &Operand<'_>) -> Option<String> {
        let (Type::Opaque(a), Type::Opaque(b)) = (&one.ty, &other.ty) else {
            return None;
        };
        let ordered = matches!(a.name(), "kubernetes.Quantity" | "kubernetes.Semver");
        (a == b && ordered && is_order(op)).then(|| {
            let (one, other) = (self.quote(one.from), self.text(other.from));
            format!("write `{one}.compareTo({other}) {} 0`", op.text())
        })
    }
}

fn is_order(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Less | BinaryOp::LessEqual | BinaryOp::Greater | BinaryOp::GreaterEqual
    )
}

fn is_list(ty: &Type) -> bool {
    matches!(ty, Type::List(_) | Type::Dyn)
}

fn is_literal(from: &Expr) -> bool {
    matches!(from.kind, ExprKind::Literal(_))
}

/// What stands in the quotes of `from`, if that is a value of type `ty`.
fn literal_of<'e>(ty: &Type, from: &'e Expr) -> Option<&'e str> {
    let ExprKind::Literal(Literal::String(text)) = &from.kind else {
        return None;
    };
    let is_one = match ty {
        Type::Int => text.parse::<i64>().is_ok(),
        Type::Double => text.parse::<f64>().is_ok_and(f64::is_finite) && text.contains('.'),
        Type::Bool => text == "true" || text == "false",
        Type::Type => TypeName::by_name(text).is_some(),
        _ => false,
    };
    is_one.then_some(text)
}

/// A value of the type that stands for nothing.
pub(super) fn empty(ty: &Type) -> Option<&'static str> {
    Some(match ty {
        Type::Bool => "false",
        Type::Int => "0",
        Type::Uint => "0u",
        Type::Double => "0.0",
        Type::String => "\"\"",
        Type::Bytes => "b\"\"",
        Type::List(_) => "[]",
        Type::Map(..) => "{}",
        Type::Duration => "duration(\"0s\")",
        _ => return None,
    })
}

pub(super) fn opaque_function(name: &str) -> &'static str {
    match name {
        "kubernetes.Quantity" => "quantity",
        "net.IP" => "ip",
        "net.CIDR" => "cidr",
        "kubernetes.URL" => "url",
        "kubernetes.Semver" => "semver",
        _ => "format.named",
    }
}
