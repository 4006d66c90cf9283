//! An explanation for programs.
//!
//! Promises the fields of the README's reference, and every rule, however far
//! from selecting. Deliberately without layout.

use serde_json::{Value, json};

use crate::diagnostic::{SourceText, Span};
use crate::k8s::crypto::describe;
use crate::lang::inspect::Found;
use crate::rules::decide::Decision;
use crate::rules::trace::{Actual, Condition, Expression, RuleTrace, Traced, Truth};

use super::{AtDestination, Changed, Conflict, Need, Report, ToWrite, Whence, place};

impl Report {
    /// For programs.
    pub fn json(&self, source: &SourceText) -> Value {
        let shown = Shown {
            source,
            private: self.private_note(),
        };
        json!({
            "key": self.key,
            "source": self.item.as_ref().filter(|_| self.whence != Whence::Imagined).map(|item| json!({
                "revision": item.revision.0,
                "bytes": item.value.len(),
                "encryption": describe(&item.value),
                "lease": item.lease,
            })),
            "object": self.identity.as_ref().and_then(|own| own.as_ref().ok()).map(|own| json!({
                "apiVersion": own.api_version,
                "kind": own.kind,
                "name": own.name,
                "namespace": own.namespace,
                "encryption": own.encryption,
            })),
            "error": self.identity.as_ref().and_then(|own| own.as_ref().err()),
            "decision": self.decision_word(),
            "rule": self.deciding_rule(),
            "reason": self.verdict(),
            "candidates": self.candidates,
            "write": self.to_write.as_ref().map(|own| json!({
                "key": own.key,
                "reencrypted": own.reencrypted.is_some(),
                "encryption": own.reencrypted.clone().or_else(|| self.encryption()),
                "rewritten": own.changed.iter().map(Changed::json).collect::<Vec<_>>(),
                "along": own.along,
                "needed": self.is_needed(own),
            })),
            "destination": self.destination_json(),
            "conflict": self.conflict.map(Conflict::json),
            "value": self.object,
            "rules": match &self.rules {
                Some(Ok(rules)) => rules.iter().map(|rule| shown.rule(rule)).collect(),
                _ => Value::Null,
            },
        })
    }

    fn destination_json(&self) -> Value {
        match &self.destination {
            AtDestination::NotAsked => Value::Null,
            AtDestination::Read(None) => json!({"exists": false, "equal": false}),
            AtDestination::Read(Some(there)) => json!({
                "exists": true,
                "equal": there.is_same(),
                "sameBytes": there.same_bytes,
                "encryption": there.encryption.as_ref().ok(),
                "revision": there.item.revision.0,
            }),
        }
    }

    /// Whether it is going to be written; `None` where nobody has asked whom that
    /// depends on.
    fn is_needed(&self, to_write: &ToWrite) -> Option<bool> {
        let conflict = self.conflict.filter(|own| own.stays());
        match (conflict, to_write.need) {
            (Some(Conflict { is_ours: None, .. }), _) | (None, Need::Unknown) => None,
            _ => Some(self.writes()),
        }
    }

    /// How the source has encrypted it.
    fn encryption(&self) -> Option<String> {
        let identity = self.identity.as_ref()?.as_ref().ok()?;
        Some(identity.encryption.clone())
    }

    fn deciding_rule(&self) -> Option<&String> {
        let rule = match &self.decision {
            Decision::Put { rule }
            | Decision::Hold {
                rule: Some(rule), ..
            } => rule,
            _ => return None,
        };
        self.rule_names.get(rule.0 as usize)
    }
}

struct Shown<'s> {
    source: &'s SourceText,
    private: &'static str,
}

impl Shown<'_> {
    fn rule(&self, rule: &RuleTrace) -> Value {
        json!({
            "name": rule.name,
            "list": rule.place,
            "candidate": rule.condition.is_some(),
            "nearness": rule.nearness().map(|own| json!({
                "held": own.held,
                "conditions": own.conditions,
            })),
            "condition": rule.condition.as_ref().map(|own| self.condition(own)),
        })
    }

    fn condition(&self, condition: &Condition) -> Value {
        let parts = condition.parts.iter().map(|part| self.condition(part));
        let expressions = condition.expression.as_ref();
        json!({
            "title": condition.title,
            "place": place(self.source, condition.span),
            "holds": match condition.truth {
                Truth::Holds => Value::Bool(true),
                Truth::Fails => Value::Bool(false),
                Truth::Faults => Value::Null,
            },
            "decides": condition.decides,
            "actual": condition.actual.as_ref().map(|own| match own {
                Actual::Private => self.private.to_owned(),
                own => own.to_string(),
            }),
            "expressions": expressions.map_or_else(Vec::new, |own| self.expressions(own)),
            "parts": parts.collect::<Vec<_>>(),
        })
    }

    fn expressions(&self, of: &Expression) -> Vec<Value> {
        let parts = of.parts.iter();
        parts.map(|part| self.expression(of, part)).collect()
    }

    fn expression(&self, of: &Expression, traced: &Traced) -> Value {
        let (mut value, mut truth, mut fault, mut because) = (None, None, None, None);
        match &traced.part.found {
            Found::Truth(holds, why) => {
                truth = Some(*holds);
                value = Some(holds.to_string());
                because = why.clone();
            }
            Found::Value(text) => value = Some(text.clone()),
            Found::Fault(kind, at) => {
                fault = Some(kind.to_string());
                because = at.clone();
            }
            Found::Private => value = Some(self.private.to_owned()),
            Found::NotLookedAt => {}
        }
        json!({
            "text": of.written(traced.part.span),
            "place": self.line_column(traced.place),
            "value": value,
            "truth": truth,
            "fault": fault,
            "because": because,
            "lookedAt": traced.part.found != Found::NotLookedAt,
            "decides": traced.part.decides,
        })
    }

    fn line_column(&self, span: Span) -> Value {
        let (line, column) = self.source.line_column(span.start);
        json!({"line": line, "column": column})
    }
}
