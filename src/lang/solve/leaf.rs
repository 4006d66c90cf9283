//! Conditions over one slot: what is understood of them.
//!
//! Promises a shape for every comparison of a slot with constants, and for
//! sizes. Deliberately leaves out what reads several slots (see `translate`).

use std::sync::Arc;

use super::super::fold::folded_condition;
use super::super::function::Function;
use super::super::hir::{Comparison, Expr, ExprKind, Node, NodeKind, SlotId, Test};
use super::super::ty::Type;
use super::super::value::Value;
use super::automaton::Order;
use super::language::Language;
use super::outcome::Wanted;
use super::probe::Probe;
use super::shape::{OfSized, OfText, Shape};

/// The longest text of which the number of characters is understood.
const MAX_LENGTH: usize = 4096;

/// A test of a slot.
pub fn test(node: &Node, slot: SlotId, test: &Test) -> Shape {
    let texts = match test {
        Test::Present | Test::Matches(_) => &[][..],
        Test::Equals(text) => std::slice::from_ref(text),
        Test::OneOf(texts) => texts,
    };
    let constants = texts.iter().flat_map(|text| numbers_of(text)).collect();
    let set = || OfText::HoldsIn(Arc::new(Language::set(texts.iter().cloned())));
    let failing = match test {
        Test::Present => Wanted::HOLDS,
        _ => Wanted::FAILS,
    };
    Shape {
        probe: Arc::new(Probe::new(node.clone(), slot, constants)),
        numbers: !matches!(test, Test::Matches(_)),
        text: match test {
            Test::Present => OfText::Always(Wanted::HOLDS),
            Test::Equals(_) | Test::OneOf(_) => set(),
            Test::Matches(pattern) => OfText::HoldsIn(Arc::new(Language::glob(pattern))),
        },
        sized: OfSized::Within(failing, failing),
        pin: (!texts.is_empty()).then(|| texts.into()),
    }
}

/// The numbers whose text this is.
fn numbers_of(text: &str) -> Vec<Value<'static>> {
    let mut numbers = Vec::new();
    numbers.extend(text.parse().ok().map(Value::Int));
    numbers.extend(text.parse().ok().map(Value::Uint));
    numbers.extend(text.parse().ok().map(Value::Double));
    numbers
}

/// A slot as a condition.
pub fn holds(node: &Node, slot: SlotId) -> Shape {
    Shape {
        probe: Arc::new(Probe::new(node.clone(), slot, Vec::new())),
        numbers: true,
        text: OfText::Always(Wanted::FAULTS),
        sized: OfSized::Within(Wanted::FAULTS, Wanted::FAULTS),
        pin: None,
    }
}

/// A comparison of a slot with constants.
pub fn compare(node: &Node, slot: SlotId, with: &Comparison) -> Shape {
    let texts = texts_of(with);
    Shape {
        probe: Arc::new(Probe::new(node.clone(), slot, numbers(with))),
        numbers: true,
        pin: texts.clone().map(Into::into),
        text: of_text(with),
        sized: of_sized(with),
    }
}

/// The texts that a comparison holds for, where it holds for nothing else.
fn texts_of(with: &Comparison) -> Option<Vec<Box<str>>> {
    let constants = match with {
        Comparison::Equal(value) => std::slice::from_ref(value),
        Comparison::In(values) => values,
        _ => return None,
    };
    let texts = constants.iter().map(|value| match value {
        Value::String(text) => Some((**text).into()),
        _ => None,
    });
    texts.collect()
}

fn numbers(with: &Comparison) -> Vec<Value<'static>> {
    let is_number =
        |value: &&Value<'_>| matches!(value, Value::Int(_) | Value::Uint(_) | Value::Double(_));
    match with {
        Comparison::Equal(value)
        | Comparison::Less(value)
        | Comparison::LessEqual(value)
        | Comparison::Greater(value)
        | Comparison::GreaterEqual(value) => {
            Some(value).into_iter().filter(is_number).cloned().collect()
        }
        Comparison::In(values) => values.iter().filter(is_number).cloned().collect(),
        _ => Vec::new(),
    }
}

fn of_text(with: &Comparison) -> OfText {
    let order = |value: &Value<'_>, less, equal, greater| match value {
        Value::String(text) => {
            let order = Order {
                less,
                equal,
                greater,
            };
            OfText::HoldsIn(Arc::new(Language::ordered(order, text)))
        }
        _ => OfText::Always(Wanted::FAULTS),
    };
    let among = |values: &[Value<'_>]| {
        let texts = values.iter().filter_map(|value| match value {
            Value::String(text) => Some((**text).into()),
            _ => None,
        });
        OfText::HoldsIn(Arc::new(Language::set(texts)))
    };
    let language = |language| OfText::HoldsIn(Arc::new(language));
    match with {
        Comparison::Equal(value) => among(std::slice::from_ref(value)),
        Comparison::In(values) => among(values),
        Comparison::Less(value) => order(value, true, false, false),
        Comparison::LessEqual(value) => order(value, true, true, false),
        Comparison::Greater(value) => order(value, false, false, true),
        Comparison::GreaterEqual(value) => order(value, false, true, true),
        Comparison::StartsWith(part) => language(Language::starts_with(part)),
        Comparison::EndsWith(part) => language(Language::ends_with(part)),
        Comparison::Contains(part) => language(Language::contains(part)),
        Comparison::Matches(regex) => language(Language::matches(regex)),
    }
}

/// Comparing a list or map with another may fault: it may be nested too deeply.
fn of_sized(with: &Comparison) -> OfSized {
    let equal = |values: &[Value<'_>]| {
        let any = |found: fn(&Value<'_>) -> bool| values.iter().any(found);
        let containers = any(|value| {
            !matches!(
                value,
                Value::Null
                    | Value::Bool(_)
                    | Value::Int(_)
                    | Value::Uint(_)
                    | Value::Double(_)
                    | Value::String(_)
                    | Value::Bytes(_)
            )
        });
        let bytes = any(|value| matches!(value, Value::Bytes(_)));
        let unless = |possible: bool, otherwise| match possible {
            true => Wanted::ANY,
            false => otherwise,
        };
        OfSized::Within(
            unless(containers, Wanted::FAILS),
            unless(bytes, Wanted::FAILS),
        )
    };
    match with {
        Comparison::Equal(value) => equal(std::slice::from_ref(value)),
        Comparison::In(values) => equal(values),
        Comparison::Less(value)
        | Comparison::LessEqual(value)
        | Comparison::Greater(value)
        | Comparison::GreaterEqual(value) => OfSized::Within(
            Wanted::FAULTS,
            match value {
                Value::Bytes(_) => Wanted::ANY,
                _ => Wanted::FAULTS,
            },
        ),
        _ => OfSized::Within(Wanted::FAULTS, Wanted::FAULTS),
    }
}

/// A comparison of a slot's size with numbers.
pub fn size(node: &Node, slot: SlotId, with: &Comparison) -> Option<Shape> {
    let constants = numbers(with);
    let largest = constants.iter().map(largest).max().unwrap_or(0);
    if constants.is_empty() || largest > MAX_LENGTH {
        return None;
    }
    // The number itself stands in the slot's place.
    let count = Expr::new(ExprKind::Slot(slot), node.span, Type::Int);
    let kind = NodeKind::Compare {
        of: Box::new(count),
        with: with.clone(),
    };
    let by_size = Probe::new(Node::new(kind, node.span), slot, constants);
    let text = Language::length(by_size.clone(), largest + 2);
    Some(Shape {
        probe: Arc::new(Probe::new(node.clone(), slot, Vec::new())),
        numbers: true,
        text: OfText::HoldsIn(Arc::new(text)),
        sized: OfSized::BySize(Arc::new(by_size)),
        pin: None,
    })
}

fn largest(constant: &Value<'_>) -> usize {
    match constant {
        Value::Int(value) => usize::try_from(*value).unwrap_or(0),
        Value::Uint(value) => usize::try_from(*value).unwrap_or(usize::MAX),
        // Saturates.
        Value::Double(value) => value.ceil() as usize,
        _ => 0,
    }
}

/// The slot whose size an expression is.
pub fn sized_slot(of: &Expr) -> Option<SlotId> {
    match &of.kind {
        ExprKind::Call {
            function: Function::Size,
            args,
        } => match args.as_slice() {
            [
                Expr {
                    kind: ExprKind::Slot(slot),
                    ..
                },
            ] => Some(*slot),
            _ => None,
        },
        _ => None,
    }
}

/// An expression as a condition: within others, comparisons are still calls.
pub fn as_condition(expr: &Expr) -> Node {
    folded_condition(expr)
        .unwrap_or_else(|| Node::new(NodeKind::Holds(Box::new(expr.clone())), expr.span))
}
