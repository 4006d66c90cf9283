//! Values outside of Kubernetes against the rules over keys.
//!
//! Promises that a value is parsed once, and only where a condition reads it.
//! What is neither a JSON nor a YAML list or mapping is bytes: a plain text may
//! well look like a number to YAML, and must not change its type with its
//! content.

use serde_json::Value as Json;

use crate::lang::{Blob, Value, Verdict, container};
use crate::vm;

use super::compiled::CompiledRule;
use super::evaluate::Evaluator;
use super::rule_set::RuleId;
use super::selection::{Selection, SkipReason};
use super::slots::SlotSource;

/// Larger values are not taken for YAML: parsing would take too long.
const MAX_YAML: usize = 1 << 20;

/// A value outside of Kubernetes.
pub(super) enum Document {
    /// A list or mapping.
    Parsed(Json),
    /// Anything else.
    Bytes,
}

impl Document {
    /// Looks at `value` if any of `rules` reads it.
    pub(super) fn of<'r>(value: &[u8], mut rules: impl Iterator<Item = &'r CompiledRule>) -> Self {
        let reads = |source: &SlotSource| matches!(source, SlotSource::Value(_));
        match rules.any(|rule| rule.sources.iter().any(reads)) {
            true => Document::parse(value),
            false => Document::Bytes,
        }
    }

    fn parse(value: &[u8]) -> Document {
        let is_container = |json: &Json| json.is_object() || json.is_array();
        if let Ok(json) = serde_json::from_slice::<Json>(value) {
            return match is_container(&json) {
                true => Document::Parsed(json),
                false => Document::Bytes,
            };
        }
        if value.len() > MAX_YAML {
            return Document::Bytes;
        }
        let yaml = serde_yaml::from_slice::<Json>(value);
        yaml.ok()
            .filter(is_container)
            .map_or(Document::Bytes, Document::Parsed)
    }

    fn value<'v>(&'v self, bytes: &'v [u8]) -> Value<'v> {
        match self {
            Document::Parsed(json) => Value::from(json),
            Document::Bytes => Value::Bytes(Blob::Borrowed(bytes)),
        }
    }
}

/// The values of a rule's slots.
pub(super) fn values<'v>(
    rule: &CompiledRule,
    key: &'v [u8],
    bytes: &'v [u8],
    document: &'v Document,
) -> Vec<Value<'v>> {
    let sources = rule.sources.iter();
    sources
        .map(|source| match source {
            SlotSource::Key => Value::str(std::str::from_utf8(key).unwrap_or_default()),
            SlotSource::Value(path) => container::at(document.value(bytes), path),
            _ => Value::Absent,
        })
        .collect()
}

impl Evaluator<'_> {
    /// The rules over keys that may select `key`, in order.
    pub(super) fn over_key<'e>(
        &'e self,
        key: &'e [u8],
    ) -> impl Iterator<Item = (usize, &'e CompiledRule)> {
        let rules = self.plan.key_rules().iter();
        let rules = rules.filter_map(|&at| Some((at, self.plan.rules().get(at)?)));
        rules.filter(|(_, rule)| rule.reach.keys().is_some_and(|keys| keys.matches(key)))
    }

    /// What the rules over keys say of a value outside of Kubernetes.
    pub(super) fn evaluate_plain(&self, key: &[u8], value: &[u8]) -> Selection {
        let mut rules: Vec<_> = self.over_key(key).collect();
        if rules.is_empty() {
            return Selection::Not(SkipReason::NoCandidate);
        }
        rules.retain(|(_, rule)| self.may_select(rule));
        let document = Document::of(value, rules.iter().map(|(_, rule)| *rule));
        let mut held = None;
        for (at, rule) in rules {
            let id = RuleId(u32::try_from(at).unwrap_or(u32::MAX));
            let slots = values(rule, key, value, &document);
            match vm::eval(&rule.program, &slots[..]) {
                Ok(Verdict::Match) => return Selection::Selected(id),
                Ok(Verdict::NoMatch) => {}
                Err(fault) if self.holds(at) => held = held.or(Some((id, fault))),
                Err(_) => {}
            }
        }
        match held {
            Some((rule, fault)) => Selection::Unknown {
                rule: Some(rule),
                reason: fault.kind.to_string(),
                transient: false,
            },
            None => Selection::Not(self.no_rule()),
        }
    }
}
