//! Evaluates HIR by walking it: slow, short, and what the VM is compared with
//! in tests and fuzzing.
//!
//! Promises that who looks on ([`Watch`]) sees every value in the order in which
//! they are computed, and changes none.

use std::sync::Arc;

use crate::diagnostic::Span;

use super::fault::{Budget, Fault, FaultKind, Verdict};
use super::hir::{
    Comparison, Expr, ExprKind, LocalId, Loop, LoopVars, Makes, Node, NodeKind, Predicate,
    Quantified, SlotId, Test,
};
use super::ty::TypeName;
use super::value::Map;
use super::value::{Slots, Value};
use super::watch::{Unwatched, Watch};
use super::{access, compare, container, library};

/// What `predicate` says of `slots`.
///
/// # Errors
///
/// A fault where the verdict depends on what has no value.
pub fn evaluate<'a>(
    predicate: &Predicate,
    slots: &(impl Slots<'a> + ?Sized),
) -> Result<Verdict, Fault> {
    truth(&predicate.root, slots).map(Verdict::from)
}

/// The truth of one condition.
///
/// # Errors
///
/// As [`evaluate`].
pub fn truth<'a>(node: &Node, slots: &(impl Slots<'a> + ?Sized)) -> Result<bool, Fault> {
    Walker::new(slots, &mut Unwatched).truth(node)
}

/// The same, and who looks on is told of everything on the way.
///
/// # Errors
///
/// As [`evaluate`].
pub fn watched<'a>(
    node: &Node,
    slots: &(impl Slots<'a> + ?Sized),
    watch: &mut impl Watch<'a>,
) -> Result<bool, Fault> {
    Walker::new(slots, watch).truth(node)
}

/// The value of an expression.
///
/// # Errors
///
/// A fault where it has none.
pub fn value<'a>(expr: &Expr, slots: &(impl Slots<'a> + ?Sized)) -> Result<Value<'a>, Fault> {
    Walker::new(slots, &mut Unwatched).value(expr)
}

struct Walker<'s, 'a, S: ?Sized, W> {
    slots: &'s S,
    watch: &'s mut W,
    locals: Vec<(LocalId, Value<'a>)>,
    budget: Budget,
}

impl<'s, 'a, S: Slots<'a> + ?Sized, W: Watch<'a>> Walker<'s, 'a, S, W> {
    fn new(slots: &'s S, watch: &'s mut W) -> Self {
        Walker {
            slots,
            watch,
            locals: Vec::new(),
            budget: Budget::default(),
        }
    }

    fn truth(&mut self, node: &Node) -> Result<bool, Fault> {
        let found = self.truth_of(node);
        self.watch.truth(node, found.map_err(|fault| fault.kind));
        found
    }

    fn truth_of(&mut self, node: &Node) -> Result<bool, Fault> {
        match &node.kind {
            NodeKind::Const(value) => Ok(*value),
            NodeKind::Test { slot, test } => at(node.span, self.test(test, *slot)),
            NodeKind::Not(part) => self.truth(part).map(|holds| !holds),
            NodeKind::All(parts) => self.join(parts, false),
            NodeKind::Any(parts) => self.join(parts, true),
            NodeKind::Holds(expr) => self.holds(expr),
            NodeKind::Compare { of, with } => {
                let value = self.value(of)?;
                at(node.span, compare_with(&value, with, &mut self.budget))
            }
            NodeKind::Every(over) => {
                self.round(node.span, Some(false), |own| own.quantified(over, false))
            }
            NodeKind::Some(over) => {
                self.round(node.span, Some(true), |own| own.quantified(over, true))
            }
            NodeKind::One(over) => self.round(node.span, None, |own| own.exactly_one(over)),
        }
    }

    fn test(&self, test: &Test, slot: SlotId) -> Result<bool, FaultKind> {
        let value = self.slots.value(slot.0);
        if let Value::Fault(kind) = value {
            return Err(*kind);
        }
        Ok(match test {
            Test::Present => value.is_present(),
            Test::Equals(text) => value.with_text(|own| own == &**text),
            Test::OneOf(texts) => value.with_text(|own| texts.iter().any(|text| own == &**text)),
            Test::Matches(pattern) => value.with_text(|own| pattern.matches(own)),
        })
    }

    fn holds(&mut self, expr: &Expr) -> Result<bool, Fault> {
        match self.value(expr)? {
            Value::Bool(value) => Ok(value),
            _ => Err(fault(FaultKind::NoSuchOverload, expr.span)),
        }
    }

    /// The first part that is `decisive` decides, whatever faulted before it.
    fn join(&mut self, parts: &[Node], decisive: bool) -> Result<bool, Fault> {
        let mut first_fault = None;
        for part in parts {
            match self.truth(part) {
                Ok(holds) if holds == decisive => return Ok(decisive),
                Ok(_) => {}
                Err(fault) => first_fault = first_fault.or(Some(fault)),
            }
        }
        first_fault.map_or(Ok(!decisive), Err)
    }

    /// One macro that goes over elements.
    fn round<T>(
        &mut self,
        span: Span,
        seeks: Option<bool>,
        go: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.watch.enter(span, seeks);
        let found = go(self);
        self.watch.leave();
        found
    }

    fn quantified(&mut self, over: &Quantified, decisive: bool) -> Result<bool, Fault> {
        let source = self.searched(&over.source)?;
        let mut first_fault = None;
        for entry in at(over.source.span, container::entries(&source))? {
            let entry = at(over.source.span, entry)?;
            match self.within(over.vars, &source, entry, |own| own.body(&over.body)) {
                Ok(holds) if holds == decisive => return Ok(decisive),
                Ok(_) => {}
                Err(fault) => first_fault = first_fault.or(Some(fault)),
            }
        }
        first_fault.map_or(Ok(!decisive), Err)
    }

    fn exactly_one(&mut self, over: &Quantified) -> Result<bool, Fault> {
        let source = self.searched(&over.source)?;
        let mut count = 0_usize;
        for entry in at(over.source.span, container::entries(&source))? {
            let entry = at(over.source.span, entry)?;
            let holds = self.within(over.vars, &source, entry, |own| own.body(&over.body))?;
            count += usize::from(holds);
        }
        Ok(count == 1)
    }

    fn body(&mut self, body: &Node) -> Result<bool, Fault> {
        let found = self.truth(body);
        self.watch.judged(found.map_err(|fault| fault.kind));
        found
    }

    /// With the variables of a loop.
    fn within<T>(
        &mut self,
        vars: LoopVars,
        source: &Value<'a>,
        (key, value): (Value<'a>, Value<'a>),
        look: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let outside = self.locals.len();
        self.watch.element(&key, &value);
        match vars {
            LoopVars::One(local) if source.type_name() == TypeName::Map => {
                self.locals.push((local, key));
            }
            LoopVars::One(local) => self.locals.push((local, value)),
            LoopVars::Two(first, second) => self.locals.extend([(first, key), (second, value)]),
        }
        let result = look(self);
        self.locals.truncate(outside);
        result
    }

    fn value(&mut self, expr: &Expr) -> Result<Value<'a>, Fault> {
        let found = self.value_of(expr);
        self.watch
            .value(expr, found.as_ref().map_err(|fault| fault.kind));
        found
    }

    fn value_of(&mut self, expr: &Expr) -> Result<Value<'a>, Fault> {
        at(expr.span, self.budget.spend(1))?;
        let span = expr.span;
        match &expr.kind {
            ExprKind::Const(value) => Ok(value.clone()),
            ExprKind::Slot(slot) => at(span, self.slots.value(slot.0).present().cloned()),
            ExprKind::Local(local) => at(span, self.local(*local)),
            ExprKind::Field { of, name } => {
                let of = self.searched(of)?;
                at(span, access::field(&of, name))
            }
            ExprKind::OptionalField { of, name } => {
                let of = self.searched(of)?;
                at(span, access::optional_field(&of, name))
            }
            ExprKind::Has { of, name } => {
                let of = self.searched(of)?;
                at(span, access::has_field(&of, name)).map(Value::Bool)
            }
            ExprKind::HasSlot { slot, parent } => {
                at(span, self.found(*slot, *parent)).map(|found| Value::Bool(found.is_some()))
            }
            ExprKind::OptionalSlot { slot, parent } => {
                let found = at(span, self.found(*slot, *parent))?;
                Ok(Value::Optional(found.map(Arc::new)))
            }
            ExprKind::Call { function, args } => {
                let args = self.values(args)?;
                let args: Vec<&Value<'a>> = args.iter().collect();
                at(span, library::call(*function, &args, &mut self.budget))
            }
            ExprKind::Truth(node) => self.truth(node).map(Value::Bool),
            ExprKind::If { condition, yes, no } => match self.truth(condition)? {
                true => self.value(yes),
                false => self.value(no),
            },
            ExprKind::Undeclared => Err(fault(FaultKind::Undeclared, span)),
            _ => self.composed(expr),
        }
    }

    /// A value in which something is looked for.
    fn searched(&mut self, expr: &Expr) -> Result<Value<'a>, Fault> {
        let value = self.value(expr)?;
        at(expr.span, self.budget.spend(container::cost(&value)))?;
        Ok(value)
    }

    fn values(&mut self, args: &[Expr]) -> Result<Vec<Value<'a>>, Fault> {
        args.iter().map(|arg| self.value(arg)).collect()
    }

    fn local(&self, local: LocalId) -> Result<Value<'a>, FaultKind> {
        let found = self.locals.iter().rev().find(|(own, _)| *own == local);
        found.map_or(Err(FaultKind::Undeclared), |(_, value)| Ok(value.clone()))
    }

    fn found(&self, slot: SlotId, parent: Option<SlotId>) -> Result<Option<Value<'a>>, FaultKind> {
        access::found(
            self.slots.value(slot.0),
            parent.map(|parent| self.slots.value(parent.0)),
        )
        .map(|found| found.cloned())
    }

    fn composed(&mut self, expr: &Expr) -> Result<Value<'a>, Fault> {
        match &expr.kind {
            ExprKind::List(elements) => {
                let mut items = Vec::new();
                for element in elements {
                    let value = self.value(&element.value)?;
                    items.extend(at(element.value.span, taken(value, element.optional))?);
                }
                Ok(Value::list(items))
            }
            ExprKind::Map(entries) => {
                let mut map = Map::default();
                for entry in entries {
                    let (key, value) = (self.value(&entry.key)?, self.value(&entry.value)?);
                    let span = entry.key.span;
                    if let Some(value) = at(span, taken(value, entry.optional))? {
                        at(span, map.insert(key, value))?;
                    }
                }
                Ok(Value::Map(Arc::new(map)))
            }
            ExprKind::Loop(own) => self.round(expr.span, None, |walker| {
                walker.comprehension(own, expr.span)
            }),
            ExprKind::Bind { local, value, body } => {
                let value = self.value(value)?;
                self.bound(*local, value, body)
            }
            ExprKind::OptionalMap {
                target,
                local,
                body,
                flat,
            } => match self.unwrapped(target)? {
                None => Ok(Value::Optional(None)),
                Some(value) => {
                    let mapped = self.bound(*local, value, body)?;
                    Ok(if *flat { mapped } else { Value::some(mapped) })
                }
            },
            ExprKind::OptionalOr {
                target,
                other,
                value,
            } => match self.unwrapped(target)? {
                Some(found) if *value => Ok(found),
                Some(found) => Ok(Value::some(found)),
                None => self.value(other),
            },
            _ => Err(fault(FaultKind::Undeclared, expr.span)),
        }
    }

    fn bound(&mut self, local: LocalId, value: Value<'a>, body: &Expr) -> Result<Value<'a>, Fault> {
        self.locals.push((local, value));
        let result = self.value(body);
        self.locals.pop();
        result
    }

    fn unwrapped(&mut self, target: &Expr) -> Result<Option<Value<'a>>, Fault> {
        match self.value(target)? {
            Value::Optional(value) => Ok(value.map(|value| (*value).clone())),
            _ => Err(fault(FaultKind::NoSuchOverload, target.span)),
        }
    }

    fn comprehension(&mut self, own: &Loop, span: Span) -> Result<Value<'a>, Fault> {
        let source = self.searched(&own.source)?;
        let (mut items, mut map) = (Vec::new(), Map::default());
        for entry in at(own.source.span, container::entries(&source))? {
            let entry = at(own.source.span, entry)?;
            let key = match (own.vars, source.type_name()) {
                (LoopVars::One(_), TypeName::List) => entry.1.clone(),
                _ => entry.0.clone(),
            };
            self.within(own.vars, &source, entry, |walker| {
                let made = walker.made(own, key, &mut items, &mut map);
                let told = made.map(|()| true);
                walker.watch.judged(told.map_err(|fault| fault.kind));
                made
            })?;
        }
        at(span, self.budget.spend(items.len() as u64))?;
        Ok(match own.makes {
            Makes::List(_) => Value::list(items),
            Makes::Values(_) | Makes::Entries(_) => Value::Map(Arc::new(map)),
        })
    }

    fn made(
        &mut self,
        own: &Loop,
        key: Value<'a>,
        items: &mut Vec<Value<'a>>,
        map: &mut Map<'a>,
    ) -> Result<(), Fault> {
        if let Some(filter) = &own.filter
            && !self.truth(filter)?
        {
            return Ok(());
        }
        match &own.makes {
            Makes::List(item) => items.push(self.value(item)?),
            Makes::Values(item) => {
                let value = self.value(item)?;
                at(item.span, map.insert(key, value))?;
            }
            Makes::Entries(entries) => {
                let made = self.searched(entries)?;
                let count = at(entries.span, container::size(&made))?.unwrap_or(0);
                at(entries.span, self.budget.spend(count as u64))?;
                at(entries.span, insert_all(map, &made))?;
            }
        }
        Ok(())
    }
}

/// The value of an optional element, if it has one; any other as it is.
fn taken(value: Value<'_>, optional: bool) -> Result<Option<Value<'_>>, FaultKind> {
    match value {
        Value::Optional(value) if optional => Ok(value.map(|value| (*value).clone())),
        _ if optional => Err(FaultKind::NoSuchOverload),
        value => Ok(Some(value)),
    }
}

fn insert_all<'a>(map: &mut Map<'a>, from: &Value<'a>) -> Result<(), FaultKind> {
    if from.type_name() != TypeName::Map {
        return Err(FaultKind::NoSuchOverload);
    }
    for entry in container::entries(from)? {
        let (key, value) = entry?;
        map.insert(key, value)?;
    }
    Ok(())
}

fn compare_with(
    value: &Value<'_>,
    with: &Comparison,
    budget: &mut Budget,
) -> Result<bool, FaultKind> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let order = |other| compare::order(value, other);
    Ok(match with {
        Comparison::Equal(other) => library::equal(value, other, budget)?,
        Comparison::Less(other) => order(other)? == Some(Less),
        Comparison::LessEqual(other) => matches!(order(other)?, Some(Less | Equal)),
        Comparison::Greater(other) => order(other)? == Some(Greater),
        Comparison::GreaterEqual(other) => matches!(order(other)?, Some(Greater | Equal)),
        Comparison::In(all) => is_one_of(all, value, budget)?,
        Comparison::StartsWith(part) => text(value, budget)?.starts_with(&**part),
        Comparison::EndsWith(part) => text(value, budget)?.ends_with(&**part),
        Comparison::Contains(part) => text(value, budget)?.contains(&**part),
        Comparison::Matches(regex) => regex.is_match(text(value, budget)?),
    })
}

fn is_one_of(all: &[Value<'_>], value: &Value<'_>, budget: &mut Budget) -> Result<bool, FaultKind> {
    for other in all {
        if library::equal(value, other, budget)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn text<'v>(value: &'v Value<'_>, budget: &mut Budget) -> Result<&'v str, FaultKind> {
    match value {
        Value::String(text) => {
            budget.spend_bytes(text.len())?;
            Ok(text)
        }
        _ => Err(FaultKind::NoSuchOverload),
    }
}

fn fault(kind: FaultKind, span: Span) -> Fault {
    Fault { kind, at: 0, span }
}

fn at<T>(span: Span, result: Result<T, FaultKind>) -> Result<T, Fault> {
    result.map_err(|kind| fault(kind, span))
}
