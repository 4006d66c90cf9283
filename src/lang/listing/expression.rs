//! Expressions and constants on one line. Deliberately no CEL that could be
//! parsed again: variables of loops have numbers.

use super::super::function::Function;
use super::super::hir::{Element, Entry, Expr, ExprKind, Loop, Makes, Slot};
use super::super::value::Value;
use super::{on_one_line, variables};

/// An expression as people read it: functions by their names, variables of
/// loops by number.
pub fn expression(from: &Expr, slots: &[Slot]) -> String {
    let nested = |expr: &Expr| expression(expr, slots);
    let slot = |number: u16| {
        let slot = slots.get(usize::from(number));
        slot.map_or("?", |slot| slot.name.as_str())
    };
    match &from.kind {
        ExprKind::Const(value) => shown(value),
        ExprKind::Slot(number) => slot(number.0).to_owned(),
        ExprKind::Local(local) => format!("@{}", local.0),
        ExprKind::Field { of, name } => format!("{}.{}", nested(of), quoted(name)),
        ExprKind::OptionalField { of, name } => format!("{}.?{}", nested(of), quoted(name)),
        ExprKind::Has { of, name } => format!("has({}.{})", nested(of), quoted(name)),
        ExprKind::HasSlot {
            slot: number,
            parent,
        } => format!(
            "has({}{})",
            slot(number.0),
            within(parent.map(|own| slot(own.0)))
        ),
        ExprKind::OptionalSlot {
            slot: number,
            parent,
        } => format!(
            "optional({}{})",
            slot(number.0),
            within(parent.map(|own| slot(own.0)))
        ),
        ExprKind::Call { function, args } => {
            let args: Vec<String> = args.iter().map(nested).collect();
            call(*function, &args)
        }
        ExprKind::Truth(node) => on_one_line(node, slots),
        ExprKind::If { condition, yes, no } => {
            format!(
                "({} ? {} : {})",
                on_one_line(condition, slots),
                nested(yes),
                nested(no)
            )
        }
        ExprKind::List(elements) => list_literal(elements, slots),
        ExprKind::Map(entries) => map_literal(entries, slots),
        ExprKind::Loop(own) => comprehension(own, slots),
        ExprKind::Bind { local, value, body } => {
            format!("(@{} = {}: {})", local.0, nested(value), nested(body))
        }
        ExprKind::OptionalMap {
            target,
            local,
            body,
            flat,
        } => {
            let name = if *flat { "optFlatMap" } else { "optMap" };
            format!("{}.{name}(@{}, {})", nested(target), local.0, nested(body))
        }
        ExprKind::OptionalOr {
            target,
            other,
            value,
        } => {
            let name = if *value { "orValue" } else { "or" };
            format!("{}.{name}({})", nested(target), nested(other))
        }
        ExprKind::Undeclared => "undeclared".to_owned(),
    }
}

/// What holds a slot, where its absence is a fault.
fn within(parent: Option<&str>) -> String {
    parent.map_or(String::new(), |parent| format!(" within {parent}"))
}

/// A name that is no identifier in backticks.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match name.chars().all(plain) {
        true => name.to_owned(),
        false => format!("`{name}`"),
    }
}

/// Operators as they are written, and members on their first argument.
fn call(function: Function, args: &[String]) -> String {
    let label = function.label();
    let infix = label
        .strip_prefix('_')
        .and_then(|rest| rest.strip_suffix('_'));
    match (label, args) {
        ("_[_]", [of, index]) => format!("{of}[{index}]"),
        ("_[?_]", [of, index]) => format!("{of}[?{index}]"),
        ("-_", [of]) => format!("-{of}"),
        ("@in", [item, of]) => format!("{item} in {of}"),
        (_, [left, right]) if infix.is_some() => {
            format!("({left} {} {right})", infix.unwrap_or_default())
        }
        (_, [of, rest @ ..]) if function.is_member() => {
            format!("{of}.{label}({})", rest.join(", "))
        }
        _ => format!("{label}({})", args.join(", ")),
    }
}

fn list_literal(elements: &[Element], slots: &[Slot]) -> String {
    let elements = elements.iter().map(|element| {
        let mark = if element.optional { "?" } else { "" };
        format!("{mark}{}", expression(&element.value, slots))
    });
    format!("[{}]", elements.collect::<Vec<_>>().join(", "))
}

fn map_literal(entries: &[Entry], slots: &[Slot]) -> String {
    let entries = entries.iter().map(|entry| {
        let mark = if entry.optional { "?" } else { "" };
        let (key, value) = (
            expression(&entry.key, slots),
            expression(&entry.value, slots),
        );
        format!("{mark}{key}: {value}")
    });
    format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
}

fn comprehension(own: &Loop, slots: &[Slot]) -> String {
    let (name, item) = match &own.makes {
        Makes::List(item) => ("list", item),
        Makes::Values(item) => ("map", item),
        Makes::Entries(item) => ("join", item),
    };
    let filter = own.filter.as_ref();
    let filter = filter.map_or(String::new(), |node| {
        format!(" if {}", on_one_line(node, slots))
    });
    let (item, source) = (expression(item, slots), expression(&own.source, slots));
    format!(
        "{name}({item} for {} of {source}{filter})",
        variables(own.vars)
    )
}

/// A constant as it may be written.
pub fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => format!("{value}u"),
        Value::Double(value) => format!("{value:?}"),
        Value::String(text) => format!("{:?}", &**text),
        Value::Bytes(bytes) => format!("b\"{}\"", bytes.escape_ascii()),
        Value::List(items) => list(items),
        Value::Map(map) => {
            let entries = map.entries().iter();
            let entries = entries.map(|(key, value)| format!("{}: {}", shown(key), shown(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::Type(name) => name.name().to_owned(),
        Value::Optional(None) => "optional.none()".to_owned(),
        Value::Optional(Some(value)) => format!("optional.of({})", shown(value)),
        Value::Timestamp(at) => format!("timestamp({}.{:09}s)", at.seconds, at.nanos),
        Value::Duration(nanos) => format!("duration({nanos}ns)"),
        Value::Opaque(opaque) => format!("{}({:?})", opaque.type_name().name(), opaque.to_string()),
        other => format!("{other:?}"),
    }
}

pub(super) fn list(items: &[Value<'_>]) -> String {
    let items: Vec<String> = items.iter().map(shown).collect();
    format!("[{}]", items.join(", "))
}
