//! Why a key is or is not selected: every rule, condition by condition, with
//! the values compared.
//!
//! Promises that it says what `decide` decides: both read the same slots of the
//! same plan, and a test compares them over every conformance case. Never
//! shows Secret data. Deliberately returns data; `cli` prints it.

use zeroize::Zeroizing;

use crate::diagnostic::Span;
use crate::k8s::crypto::Provider;
use crate::k8s::{Field, Key, Path, Record, Step};
use crate::lang::hir::{Expr, ExprKind, Node, NodeKind, SlotId};
use crate::lang::{Value, listing, oracle};

use super::candidates::{CandidateSet, Found};
use super::compiled::CompiledRule;
use super::decide::Judge;
use super::evaluate::fill;
use super::member::{Member, bind};
use super::namespaces::Namespaces;
use super::plain::{self, Document};
use super::rule_set::{Leases, RuleId};
use super::shown::{self, NOT_SHOWN};
use super::slots::SlotSource;

/// How a condition came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// It depends on something that could not be read.
    Faults,
}

/// One condition of a rule.
#[derive(Clone, Debug)]
pub struct Condition {
    /// What users call it (`labelSelectors`), or the comparison itself.
    pub title: String,
    /// Where it stands in the rules file.
    pub span: Span,
    /// How it came out.
    pub truth: Truth,
    /// What the object has in the place that is compared; `None` for
    /// conditions that join others.
    pub actual: Option<String>,
    /// The conditions that it joins.
    pub parts: Vec<Condition>,
}

/// What one rule says of a value.
#[derive(Clone, Debug)]
pub struct RuleTrace {
    /// The rule.
    pub rule: RuleId,
    /// Its name.
    pub name: String,
    /// The rule itself as a condition; `None` where the key alone says that it
    /// selects other resources.
    pub condition: Option<Condition>,
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
    pub(super) fn with_record<T>(
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
            let traced = plan.rules().iter().enumerate().map(|(at, rule)| RuleTrace {
                rule: RuleId(u32::try_from(at).unwrap_or(u32::MAX)),
                name: rule.name.clone(),
                condition: member(&set, at).map(|member| {
                    let tracer = Tracer {
                        rule,
                        values: &values,
                        member,
                        redact,
                    };
                    tracer.condition(&rule.predicate.root)
                }),
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
            let tracer = Tracer {
                rule,
                values: &values,
                member: &member,
                redact: !show_secrets,
            };
            RuleTrace {
                rule: RuleId(u32::try_from(at).unwrap_or(u32::MAX)),
                name: rule.name.clone(),
                condition: concerned.then(|| tracer.condition(&rule.predicate.root)),
            }
        });
        traced.collect()
    }
}

/// The same condition, and what the rule says of leases.
fn with_lease(rule: &CompiledRule, condition: Condition) -> Condition {
    let (title, truth) = match rule.leases {
        Leases::Mirror => ("leases: mirror", Truth::Holds),
        Leases::Skip => ("leases: skip", Truth::Fails),
    };
    let lease = Condition {
        title: title.to_owned(),
        span: rule.span,
        truth,
        actual: Some("attached to a lease".to_owned()),
        parts: Vec::new(),
    };
    let mut whole = match condition.title.ends_with(ALL_OF) {
        true => condition,
        false => Condition {
            title: ALL_OF.to_owned(),
            span: condition.span,
            truth: condition.truth,
            actual: None,
            parts: vec![condition],
        },
    };
    whole.parts.insert(0, lease);
    if truth == Truth::Fails {
        whole.truth = truth;
    }
    whole
}

const ALL_OF: &str = "all of";

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

struct Tracer<'t, 'v> {
    rule: &'t CompiledRule,
    values: &'t [Value<'v>],
    member: &'t Member,
    redact: bool,
}

impl Tracer<'_, '_> {
    /// A list of one, without a name of its own, is its only part.
    fn condition(&self, node: &Node) -> Condition {
        if let NodeKind::All(parts) | NodeKind::Any(parts) = &node.kind
            && let [only] = parts.as_slice()
            && node.title.is_empty()
        {
            return self.condition(only);
        }
        let truth = match oracle::truth(node, &bind(self.values, &self.member.binding)) {
            Ok(true) => Truth::Holds,
            Ok(false) => Truth::Fails,
            Err(_) => Truth::Faults,
        };
        Condition {
            title: self.title(node),
            span: node.span,
            truth,
            actual: self.actual(node),
            parts: self.parts(node),
        }
    }

    /// A negated comparison reads better as one line.
    fn parts(&self, node: &Node) -> Vec<Condition> {
        match &node.kind {
            NodeKind::Not(part) if !joins(part) => Vec::new(),
            // `excludes` is "none of"; its parts are the entries.
            NodeKind::Not(part) => part
                .parts()
                .iter()
                .map(|part| self.condition(part))
                .collect(),
            _ => node
                .parts()
                .iter()
                .map(|part| self.condition(part))
                .collect(),
        }
    }

    fn title(&self, node: &Node) -> String {
        let own = match &node.kind {
            NodeKind::Const(true) => "any".to_owned(),
            NodeKind::Const(false) => "none".to_owned(),
            NodeKind::Test { slot, test } => {
                let name = self
                    .rule
                    .sources
                    .get(usize::from(slot.0))
                    .map(SlotSource::to_string);
                listing::comparison(&name.unwrap_or_default(), test)
            }
            NodeKind::Not(part) if !joins(part) => {
                format!("not ({})", self.title(part))
            }
            NodeKind::Not(_) => "none of".to_owned(),
            NodeKind::All(_) => ALL_OF.to_owned(),
            NodeKind::Any(_) => "any of".to_owned(),
            _ => listing::on_one_line(node, &self.rule.predicate.slots),
        };
        match node.title.as_str() {
            "" => own,
            title => format!("{title}: {own}"),
        }
    }

    fn actual(&self, node: &Node) -> Option<String> {
        let slot = match &node.kind {
            NodeKind::Not(part) => compared_slot(part)?,
            _ => compared_slot(node)?,
        };
        let at = usize::from(slot.0);
        let source = self.rule.sources.get(at)?;
        let value = self
            .values
            .get(usize::from(*self.member.binding.get(at)?))?;
        Some(if self.redact && is_private(source) && value.is_present() {
            NOT_SHOWN.to_owned()
        } else {
            show(value)
        })
    }
}

/// The slot that a condition compares, where it compares but one.
fn compared_slot(node: &Node) -> Option<SlotId> {
    let expr = match &node.kind {
        NodeKind::Test { slot, .. } => return Some(*slot),
        NodeKind::Compare { of, .. } => of,
        NodeKind::Holds(expr) => expr,
        _ => return None,
    };
    read_slot(expr)
}

fn read_slot(expr: &Expr) -> Option<SlotId> {
    match &expr.kind {
        ExprKind::Slot(slot)
        | ExprKind::HasSlot { slot, .. }
        | ExprKind::OptionalSlot { slot, .. } => Some(*slot),
        ExprKind::OptionalOr { target, .. } => read_slot(target),
        _ => None,
    }
}

/// Whether a condition is one of other conditions.
fn joins(node: &Node) -> bool {
    matches!(
        node.kind,
        NodeKind::All(_) | NodeKind::Any(_) | NodeKind::Not(_)
    )
}

/// A value as people read it.
fn show(value: &Value<'_>) -> String {
    match value {
        Value::Absent => "absent".to_owned(),
        Value::Null => "null".to_owned(),
        Value::String(text) => format!("{:?}", &**text),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::Fault(_) => "could not be read".to_owned(),
        _ => "present, with fields of its own".to_owned(),
    }
}

/// Nobody can tell what a value outside of Kubernetes is.
fn is_private(source: &SlotSource) -> bool {
    if matches!(source, SlotSource::Value(_)) {
        return true;
    }
    let SlotSource::Field(path) = source else {
        return false;
    };
    let mut names = path.steps().iter().map(Step::name);
    let top = names.next().flatten().unwrap_or_default();
    shown::is_private(top, names.next().flatten())
}
