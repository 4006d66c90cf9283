//! Which members of a large set can select an event at all.
//!
//! Promises that every member which may select it is found, and that the cost
//! of those which compare a namespace or one field with another constant does
//! not grow with their number. Small sets are tried one by one.

use std::collections::HashMap;

use crate::lang::Value;
use crate::lang::hir::{Comparison, ExprKind, NodeKind, Test};

use super::compiled::CompiledRule;
use super::member::Member;
use super::shared::parts;
use super::slots::SlotSource;

/// A set of fewer members is not worth an index.
const FEW: usize = 16;

/// Members by what they compare with constants.
#[derive(Debug, Default)]
pub struct MemberIndex {
    /// Those that name their namespaces.
    by_namespace: HashMap<Box<str>, Vec<u32>>,
    /// The slot that most of the others compare, and those by its text.
    slot: u16,
    by_text: HashMap<Box<str>, Vec<u32>>,
    /// All of `by_text`.
    indexed: Vec<u32>,
    /// Those of them that fault where the slot has no value, rather than not
    /// match.
    faulting: Vec<u32>,
    /// Those that have to be tried always.
    rest: Vec<u32>,
}

impl MemberIndex {
    /// The index of a set's members.
    pub fn new(rules: &[CompiledRule], members: &[Member], sources: &[SlotSource]) -> MemberIndex {
        let mut index = MemberIndex::default();
        let numbered = || (0_u32..).zip(members);
        if members.len() < FEW {
            index.rest = numbered().map(|(number, _)| number).collect();
            return index;
        }
        let slot = most_compared(rules, members, sources);
        index.slot = slot.unwrap_or(u16::MAX);
        for (number, member) in numbered() {
            index.add(number, member, rules.get(member.rule));
        }
        index
    }

    fn add(&mut self, number: u32, member: &Member, rule: Option<&CompiledRule>) {
        if let Some(names) = rule.and_then(|rule| rule.reach.namespaces()) {
            for name in names {
                push(&mut self.by_namespace, name, number);
            }
            return;
        }
        let compared = rule.and_then(|rule| compared_with(rule, member, self.slot));
        match compared {
            Some(compared) => {
                self.indexed.push(number);
                if compared.faults {
                    self.faulting.push(number);
                }
                for text in compared.texts {
                    push(&mut self.by_text, text, number);
                }
            }
            None => self.rest.push(number),
        }
    }

    /// Those that may select an object in `namespace` (empty for
    /// cluster-scoped ones), but for those that depend on the value.
    pub fn by_key(&self, namespace: &str, out: &mut Vec<u32>) {
        out.clear();
        out.extend(&self.rest);
        out.extend(self.by_namespace.get(namespace).into_iter().flatten());
    }

    /// All that depend on the value.
    pub fn by_any_value(&self) -> &[u32] {
        &self.indexed
    }

    /// Adds those that may select an object with these values of the set's
    /// slots; `out` is in order then.
    pub fn by_value(&self, values: &[Value<'_>], out: &mut Vec<u32>) {
        if !self.indexed.is_empty()
            && let Some(value) = values.get(usize::from(self.slot))
        {
            value.with_text(|text| {
                out.extend(self.by_text.get(text).into_iter().flatten());
                true
            });
            if value.present().is_err() {
                out.extend(&self.faulting);
            }
        }
        out.sort_unstable();
        out.dedup();
    }
}

fn push(map: &mut HashMap<Box<str>, Vec<u32>>, key: &str, number: u32) {
    let numbers = map.entry(key.into()).or_default();
    if numbers.last() != Some(&number) {
        numbers.push(number);
    }
}

/// The field that most members compare with constants.
fn most_compared(
    rules: &[CompiledRule],
    members: &[Member],
    sources: &[SlotSource],
) -> Option<u16> {
    let mut counts: HashMap<u16, usize> = HashMap::new();
    for member in members {
        let Some(rule) = rules.get(member.rule) else {
            continue;
        };
        for part in parts(&rule.folded) {
            if let Some(compared) = Compared::of(&part.kind)
                && let Some(&slot) = member.binding.get(usize::from(compared.slot))
            {
                *counts.entry(slot).or_default() += 1;
            }
        }
    }
    let is_field =
        |slot: &u16| matches!(sources.get(usize::from(*slot)), Some(SlotSource::Field(_)));
    let fields = counts.into_iter().filter(|(slot, _)| is_field(slot));
    let most = fields.max_by_key(|(slot, count)| (*count, std::cmp::Reverse(*slot)));
    most.filter(|(_, count)| *count >= FEW / 2)
        .map(|(slot, _)| slot)
}

/// A part of a rule that is false for all texts of a slot but these.
struct Compared<'r> {
    /// The rule's own.
    slot: u16,
    texts: Vec<&'r str>,
    /// Whether it faults where the slot has no value.
    faults: bool,
}

impl<'r> Compared<'r> {
    fn of(kind: &'r NodeKind) -> Option<Compared<'r>> {
        match kind {
            NodeKind::Test { slot, test } => Some(Compared {
                slot: slot.0,
                texts: match test {
                    Test::Equals(text) => vec![text],
                    Test::OneOf(texts) => texts.iter().map(|text| &**text).collect(),
                    _ => return None,
                },
                faults: false,
            }),
            NodeKind::Compare { of, with } => match &of.kind {
                ExprKind::Slot(slot) => Some(Compared {
                    slot: slot.0,
                    texts: texts(with)?,
                    faults: true,
                }),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The texts that a comparison is true of. What else it is true of is no text
/// of a string, so members that compare with other values are not indexed.
fn texts(with: &Comparison) -> Option<Vec<&str>> {
    fn text<'v>(value: &'v Value<'static>) -> Option<&'v str> {
        match value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }
    match with {
        Comparison::Equal(value) => Some(vec![text(value)?]),
        Comparison::In(members) => members.iter().map(text).collect(),
        _ => None,
    }
}

/// What a member compares the set's slot with.
fn compared_with<'r>(rule: &'r CompiledRule, member: &Member, slot: u16) -> Option<Compared<'r>> {
    let of_slot = |own: u16| member.binding.get(usize::from(own)) == Some(&slot);
    let mut compared = parts(&rule.folded)
        .iter()
        .filter_map(|part| Compared::of(&part.kind));
    compared.find(|compared| of_slot(compared.slot))
}
