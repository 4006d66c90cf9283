//! Why a key is or is not selected: every rule, condition by condition, with
//! the values compared, and of conditions in CEL every part with its value.
//!
//! Promises that it says what `decide` decides: both read the same slots of the
//! same plan, and a test compares them over every conformance case. Never
//! shows Secret data. Deliberately returns data; `cli` puts it into words and
//! prints it.

mod condition;
mod expression;
mod policies;
mod tracer;
mod truth;

use zeroize::Zeroizing;

use crate::k8s::crypto::Provider;
use crate::k8s::{Field, Key, Path, Record, Step};
use crate::lang::Value;

use super::candidates::{CandidateSet, Found};
use super::compiled::CompiledRule;
use super::decide::Judge;
use super::evaluate::{asked, fill};
use super::member::Member;
use super::namespaces::Namespaces;
use super::plain::{self, Document};
use super::policy::Policy;
use super::rule_set::{Leases, RuleId};

pub use condition::{Actual, Compared, Condition, Join};
pub use expression::{Expression, Traced};
pub use truth::Truth;

use tracer::Tracer;

pub use super::kept_out::why;
pub use super::marks::NOT_BY_HAND;
pub use policies::POLICIES;

/// What one rule says of a value.
#[derive(Clone, Debug)]
pub struct RuleTrace {
    /// The rule.
    pub rule: RuleId,
    /// Its name.
    pub name: String,
    /// Where it stands in the file: `secondary[0]`, which is its name too
    /// where it was given none.
    pub place: String,
    /// The rule itself as a condition; `None` where the key alone says that it
    /// selects other resources.
    pub condition: Option<Condition>,
    /// The policies that take away what it selects, as a condition that fails;
    /// see [`Judge::trace_policies`].
    pub policies: Option<Condition>,
    /// Why policies do not keep it out that keep out most objects of its kind.
    pub spared: Option<(Policy, &'static str)>,
}

/// How near a rule came to selecting a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nearness {
    /// How many of its conditions hold.
    pub held: usize,
    /// How many it has.
    pub conditions: usize,
    /// Whether it would select but for an exclude, or for the key's lease.
    pub barred: bool,
}

impl RuleTrace {
    /// How near it came; nothing of a rule that selects other resources.
    pub fn nearness(&self) -> Option<Nearness> {
        let parts = &self.condition.as_ref()?.parts;
        let holds = |part: &&Condition| part.truth == Truth::Holds;
        let mut missed = parts.iter().filter(|part| !holds(part));
        let bars = |part: &Condition| {
            matches!(part.name.as_str(), "excludes" | "leases" | POLICIES)
                && part.truth == Truth::Fails
        };
        Some(Nearness {
            held: parts.iter().filter(holds).count(),
            conditions: parts.len(),
            barred: missed.next().is_some_and(bars) && missed.next().is_none(),
        })
    }
}

impl Nearness {
    /// Nearest first: what only an exclude or a lease keeps from being
    /// selected, then by how many conditions hold, then by how few do not.
    pub fn rank(self) -> impl Ord {
        let missed = self.conditions.saturating_sub(self.held);
        (!self.barred, std::cmp::Reverse(self.held), missed)
    }
}

/// What a stored value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its own apiVersion.
    pub api_version: String,
    /// Its own kind.
    pub kind: String,
    /// `metadata.name`, where it has one.
    pub name: Option<String>,
    /// `metadata.namespace`, where it has one.
    pub namespace: Option<String>,
    /// How it was encrypted, for people.
    pub encryption: String,
}

impl Judge {
    /// Says what a stored value is.
    ///
    /// # Errors
    ///
    /// Why it cannot be read.
    pub fn identify(&self, key: &[u8], value: &[u8]) -> Result<Identity, String> {
        self.with_record(key, value, |_, record, provider| {
            Ok(Identity {
                api_version: record.api_version().to_owned(),
                kind: record.kind().to_owned(),
                name: text(record, "name"),
                namespace: text(record, "namespace"),
                encryption: provider.to_string(),
            })
        })
    }

    /// Decrypts and parses a value, and looks at it.
    pub(in crate::rules) fn with_record<T>(
        &self,
        key: &[u8],
        value: &[u8],
        look: impl FnOnce(&Key<'_>, &Record<'_>, &Provider) -> Result<T, String>,
    ) -> Result<T, String> {
        let place = self.place(key).map_err(|_| NOT_KUBERNETES.to_owned())?;
        let mut plain = Zeroizing::default();
        let keyrings = self.keyrings();
        let opened = keyrings
            .source
            .open(place.group(), place.plural(), key, value, &mut plain);
        let opened = opened.map_err(|error| error.to_string())?;
        let record = Record::parse(opened.plain).map_err(|error| error.to_string())?;
        look(&place, &record, &opened.provider)
    }

    /// The Namespaces whose labels may be asked for: the one that the key
    /// names, and where it differs the one that the object itself names.
    pub fn namespaces_of(&self, key: &[u8], value: &[u8]) -> Vec<String> {
        let by_key = self
            .place(key)
            .ok()
            .and_then(|place| place.namespace.map(str::to_owned));
        let by_value = self.identify(key, value).ok().and_then(|own| own.namespace);
        let mut names: Vec<String> = by_key.into_iter().chain(by_value).collect();
        names.dedup();
        names
    }

    /// The names of the rules that the key alone does not rule out.
    pub fn candidates(&self, key: &[u8]) -> Vec<&str> {
        if self.is_outside_kubernetes(key) {
            let evaluator = self.evaluator();
            let rules = evaluator.over_key(key).map(|(at, _)| at);
            let names = rules.filter_map(|at| self.plan().rules().get(at));
            return names.map(|rule| rule.name.as_str()).collect();
        }
        let Ok(place) = self.place(key) else {
            return Vec::new();
        };
        let rules = self.plan().rules().iter();
        rules
            .filter(|rule| rule.reach.covers(&place))
            .map(|rule| rule.name.as_str())
            .collect()
    }

    /// Adds to traces that the key is attached to an etcd lease, which rules
    /// select that ask for it and no others.
    pub fn trace_lease(&self, traces: &mut [RuleTrace]) {
        for trace in traces {
            let rule = self.plan().rules().get(trace.rule.0 as usize);
            if let (Some(rule), Some(condition)) = (rule, trace.condition.take()) {
                trace.condition = Some(with_lease(rule, condition));
            }
        }
    }

    /// Adds to traces which policies take away what the rules select.
    pub fn trace_policies(&self, traces: &mut [RuleTrace]) {
        for trace in traces {
            let (Some(policies), Some(condition)) = (trace.policies.take(), &mut trace.condition)
            else {
                continue;
            };
            if condition.truth != Truth::Fails {
                condition.truth = policies.truth;
            }
            condition.parts.push(policies);
            condition.mark_deciding();
        }
    }

    /// Traces every rule over one value; `show_secrets` shows what Secrets
    /// hold as well.
    ///
    /// # Errors
    ///
    /// Why the value cannot be judged at all.
    pub fn trace(
        &self,
        key: &[u8],
        value: &[u8],
        namespaces: &Namespaces,
        show_secrets: bool,
    ) -> Result<Vec<RuleTrace>, String> {
        if self.is_outside_kubernetes(key) {
            return Ok(self.trace_plain(key, value, show_secrets));
        }
        self.with_record(key, value, |place, record, _| {
            let plan = self.plan();
            let set = plan
                .candidates
                .of(&place.resource, plan.rules(), &mut Found::new());
            let (mut fields, mut values) = (Vec::new(), Vec::new());
            fill(&set, (key, record), namespaces, &mut fields, &mut values)?;
            let redact = record.kind() == "Secret" && !show_secrets;
            let traced = plan.rules().iter().enumerate().map(|(at, rule)| {
                let Some(member) = member(&set, at) else {
                    return traced(at, rule, None);
                };
                let condition = tracer(rule, &values, &member.binding, redact).whole();
                let asked = asked(plan, rule, &set, &values);
                let asked = asked.map(|(own, binding)| {
                    let tracer = Tracer {
                        predicate: &own.predicate,
                        sources: &own.sources,
                        conditions: &[],
                        values: &values,
                        binding,
                        redact,
                    };
                    (own.policy, own.name, tracer)
                });
                let asked: Vec<_> = asked.collect();
                RuleTrace {
                    spared: policies::sparing(&asked),
                    policies: policies::acting(asked, rule.span),
                    ..traced(at, rule, Some(condition))
                }
            });
            Ok(traced.collect())
        })
    }
}

impl Judge {
    /// Traces every rule over a value outside of Kubernetes.
    fn trace_plain(&self, key: &[u8], value: &[u8], show_secrets: bool) -> Vec<RuleTrace> {
        let evaluator = self.evaluator();
        let document = Document::of(value, evaluator.over_key(key).map(|(_, rule)| rule));
        let rules = self.plan().rules().iter().enumerate();
        let traced = rules.map(|(at, rule)| {
            let concerned = evaluator.over_key(key).any(|(own, _)| own == at);
            let values = plain::values(rule, key, value, &document);
            let member = Member::alone(at, values.len());
            let tracer = tracer(rule, &values, &member.binding, !show_secrets);
            traced(at, rule, concerned.then(|| tracer.whole()))
        });
        traced.collect()
    }
}

fn tracer<'t, 'v>(
    rule: &'t CompiledRule,
    values: &'t [Value<'v>],
    binding: &'t [u16],
    redact: bool,
) -> Tracer<'t, 'v> {
    Tracer {
        predicate: &rule.predicate,
        sources: &rule.sources,
        conditions: &rule.conditions,
        values,
        binding,
        redact,
    }
}

fn traced(at: usize, rule: &CompiledRule, condition: Option<Condition>) -> RuleTrace {
    RuleTrace {
        rule: RuleId(u32::try_from(at).unwrap_or(u32::MAX)),
        name: rule.name.clone(),
        place: rule.place(),
        condition,
        policies: None,
        spared: None,
    }
}

/// The same condition, and what the rule says of leases.
fn with_lease(rule: &CompiledRule, mut whole: Condition) -> Condition {
    let (title, truth) = match rule.leases {
        Leases::Mirror => ("leases: mirror", Truth::Holds),
        Leases::Skip => ("leases: skip", Truth::Fails),
    };
    let lease = Condition {
        actual: Some(Actual::Value("attached to a lease".to_owned())),
        ..Condition::new("leases", title.to_owned(), rule.span, truth)
    };
    whole.parts.insert(0, lease);
    if truth == Truth::Fails {
        whole.truth = truth;
    }
    whole.mark_deciding();
    whole
}

const NOT_KUBERNETES: &str = "the key is not that of a Kubernetes object under the key prefix";

fn text(record: &Record<'_>, field: &str) -> Option<String> {
    let path = Path::new(vec![
        Step::Field("metadata".into()),
        Step::Field(field.into()),
    ]);
    match record.get(&path) {
        Ok(Field::String(text)) if !text.is_empty() => Some(text.into_owned()),
        _ => None,
    }
}

fn member(set: &CandidateSet, rule: usize) -> Option<&Member> {
    set.members.iter().find(|member| member.rule == rule)
}
