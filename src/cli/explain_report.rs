//! What `explain` found, as text for people and as JSON for programs.
//!
//! Promises that both say the same. Deliberately prints nothing itself, and
//! holds values only of what may be shown.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::diagnostic::{SourceText, Span};
use crate::k8s::crypto::describe;
use crate::rules::RuleId;
use crate::rules::decide::{Decision, SkipReason};
use crate::rules::trace::{Condition, Identity, RuleTrace, Truth};
use crate::source::Item;

/// How the value would be written.
pub struct ToWrite {
    /// The key at the destination.
    pub key: String,
    /// Whether that is another key than at the source.
    pub moved: bool,
    /// With what it would be encrypted; `None` where it is written as it is.
    pub reencrypted: Option<String>,
}

/// What the destination has.
pub struct There {
    /// The value.
    pub item: Item,
    /// The source has the very same bytes.
    pub same_bytes: bool,
    /// What the source has needs no write.
    pub same_content: bool,
    /// How it is encrypted, or why the destination's apiserver could not
    /// decrypt it.
    pub encryption: Result<String, String>,
}

/// What the destination has under the key.
pub enum AtDestination {
    /// No destination was given.
    NotAsked,
    /// What it has, if anything.
    Read(Option<There>),
}

/// Everything about one key.
pub struct Report {
    /// The key.
    pub key: String,
    /// What the source has, if anything.
    pub item: Option<Item>,
    /// What that is, or why it cannot be read.
    pub identity: Option<Result<Identity, String>>,
    /// Whether it is a key outside of Kubernetes, which rules with `keys` are
    /// for.
    pub outside: bool,
    /// The names of all rules.
    pub rule_names: Vec<String>,
    /// The rules that the key alone does not rule out.
    pub candidates: Vec<String>,
    /// What becomes of it.
    pub decision: Decision,
    /// How it would be written, where it would be.
    pub to_write: Option<ToWrite>,
    /// Each rule's say, or why there is none.
    pub rules: Option<Result<Vec<RuleTrace>, String>>,
    /// What the destination has.
    pub destination: AtDestination,
    /// The whole object, where it was asked for and can be read.
    pub object: Option<Value>,
}

impl ToWrite {
    fn human(&self) -> String {
        let how = match &self.reencrypted {
            None => "as it is stored".to_owned(),
            Some(with) => format!("re-encrypted ({with})"),
        };
        match self.moved {
            true => format!("to be written: {how}, under `{}`", self.key),
            false => format!("to be written: {how}"),
        }
    }
}

impl Report {
    /// Whether the source has the key.
    pub fn exists(&self) -> bool {
        self.item.is_some()
    }

    /// For people.
    pub fn human(&self, source: &SourceText) -> String {
        let mut out = format!("{}\n", self.key);
        for line in self.facts() {
            let _ = writeln!(out, "  {line}");
        }
        let _ = writeln!(out, "\n{}", self.verdict());
        if let Some(to_write) = &self.to_write {
            let _ = writeln!(out, "{}", to_write.human());
        }
        if let Some(line) = self.at_destination() {
            let _ = writeln!(out, "destination: {line}");
        }
        match &self.rules {
            Some(Ok(rules)) => {
                out.push_str("\nrules, in the order in which they are tried:\n");
                rules
                    .iter()
                    .for_each(|rule| show_rule(&mut out, rule, source));
            }
            Some(Err(_)) | None => self.list_candidates(&mut out),
        }
        if let Some(yaml) = self
            .object
            .as_ref()
            .and_then(|own| serde_yaml::to_string(own).ok())
        {
            let _ = write!(out, "\nobject, as it is stored:\n---\n{yaml}");
        }
        out
    }

    fn list_candidates(&self, out: &mut String) {
        let list = match self.candidates.as_slice() {
            [] => "none of the rules can select a key of this resource".to_owned(),
            some => format!(
                "rules that may select a key of this resource: {}",
                some.join(", ")
            ),
        };
        let _ = writeln!(out, "{list}");
    }

    fn facts(&self) -> Vec<String> {
        let (Some(item), Some(identity)) = (&self.item, &self.identity) else {
            return vec!["the source has no such key".to_owned()];
        };
        let mut facts = Vec::new();
        match identity {
            Ok(identity) => {
                facts.push(object(identity));
                facts.push(format!(
                    "{} bytes, {}",
                    item.value.len(),
                    identity.encryption
                ));
            }
            Err(_) if self.outside => {
                facts.push("a key outside of Kubernetes".to_owned());
                facts.push(format!("{} bytes", item.value.len()));
            }
            Err(why) => {
                facts.push(format!("cannot be read: {why}"));
                let how = describe(&item.value);
                facts.push(format!("{} bytes, {how}", item.value.len()));
            }
        }
        facts.push(format!("last changed at source revision {}", item.revision));
        if item.lease != 0 {
            facts.push(format!("attached to etcd lease {:x}", item.lease));
        }
        facts
    }

    /// The reason in one sentence.
    fn verdict(&self) -> String {
        match &self.decision {
            Decision::Put { rule } => format!("mirrored: selected by {}", self.rule_name(*rule)),
            Decision::Hold {
                rule: Some(rule),
                reason,
                ..
            } => {
                let rule = self.rule_name(*rule);
                format!("held, neither written nor deleted: {rule} cannot be evaluated: {reason}")
            }
            Decision::Hold {
                rule: None, reason, ..
            } => {
                format!("held, neither written nor deleted: {reason}")
            }
            Decision::Skip(reason) => self.skipped(*reason),
            Decision::Delete(_) => "removed from the destination".to_owned(),
        }
    }

    fn rule_name(&self, rule: RuleId) -> String {
        let name = self.rule_names.get(rule.0 as usize);
        format!("`{}`", name.map_or("?", String::as_str))
    }

    fn skipped(&self, reason: SkipReason) -> String {
        match reason {
            SkipReason::Gone => "not mirrored: the source has no such key".to_owned(),
            SkipReason::Outside => {
                "not mirrored: the key is outside the key prefix (see --kube-prefix)".to_owned()
            }
            SkipReason::ClusterLocal => {
                "never mirrored, whatever the rules say: the key belongs to one cluster alone"
                    .to_owned()
            }
            SkipReason::Leased => {
                "not mirrored: the key is attached to an etcd lease (a heartbeat or an event), and no rule with `leases: mirror` selects it"
                    .to_owned()
            }
            SkipReason::NoCandidate => {
                "not mirrored: no rule can select a key of this resource".to_owned()
            }
            SkipReason::NotSelected => format!("not mirrored: {}", self.nearest_miss()),
        }
    }

    /// The rule of which the fewest conditions fail.
    fn nearest_miss(&self) -> String {
        let Some(Ok(rules)) = &self.rules else {
            return "no rule selects it".to_owned();
        };
        let misses = rules
            .iter()
            .filter_map(|rule| Some((rule, rule.condition.as_ref()?)));
        let misses = misses.map(|(rule, condition)| {
            let failing = condition
                .parts
                .iter()
                .filter(|part| part.truth != Truth::Holds);
            (rule, failing.collect::<Vec<_>>())
        });
        let Some((rule, failing)) = misses.min_by_key(|(_, failing)| failing.len()) else {
            return "no rule selects it".to_owned();
        };
        let names: Vec<String> = failing.iter().map(|part| blame(part)).collect();
        format!(
            "no rule selects it; the nearest, `{}`, fails at {}",
            rule.name,
            names.join(", ")
        )
    }

    fn at_destination(&self) -> Option<String> {
        let AtDestination::Read(there) = &self.destination else {
            return None;
        };
        let Some(there) = there else {
            return Some("does not have the key".to_owned());
        };
        let (bytes, since) = (there.item.value.len(), there.item.revision);
        let how = match &there.encryption {
            Ok(how) => how.clone(),
            Err(why) => format!("its apiserver cannot decrypt them: {why}"),
        };
        let has = match &self.item {
            Some(_) if there.same_bytes => "the same bytes".to_owned(),
            Some(_) if there.same_content => format!("the same content ({how})"),
            Some(_) => format!("other bytes ({bytes}, {how})"),
            None => format!("the key ({bytes} bytes, {how})"),
        };
        Some(format!("has {has}, since its revision {since}"))
    }

    /// How the source has encrypted it.
    fn encryption(&self) -> Option<String> {
        let identity = self.identity.as_ref()?.as_ref().ok()?;
        Some(identity.encryption.clone())
    }

    /// For programs.
    pub fn json(&self, source: &SourceText) -> Value {
        json!({
            "key": self.key,
            "source": self.item.as_ref().map(|item| json!({
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
            })),
            "destination": match &self.destination {
                AtDestination::NotAsked => Value::Null,
                AtDestination::Read(None) => json!({"exists": false, "equal": false}),
                AtDestination::Read(Some(there)) => json!({
                    "exists": true,
                    "equal": there.same_bytes || there.same_content,
                    "sameBytes": there.same_bytes,
                    "encryption": there.encryption.as_ref().ok(),
                    "revision": there.item.revision.0,
                }),
            },
            "value": self.object,
            "rules": match &self.rules {
                Some(Ok(rules)) => rules.iter().map(|rule| rule_json(rule, source)).collect(),
                _ => Value::Null,
            },
        })
    }

    fn decision_word(&self) -> &'static str {
        match self.decision {
            Decision::Put { .. } => "put",
            Decision::Delete(_) => "delete",
            Decision::Skip(_) => "skip",
            Decision::Hold { .. } => "hold",
        }
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

fn object(identity: &Identity) -> String {
    let mut text = format!("{} ({})", identity.kind, identity.api_version);
    if let Some(name) = &identity.name {
        let _ = write!(text, " `{name}`");
    }
    if let Some(namespace) = &identity.namespace {
        let _ = write!(text, " in namespace `{namespace}`");
    }
    text
}

/// Which condition it was; of excludes, the entry that applied.
fn blame(part: &Condition) -> String {
    let word = |title: &str| title.split(':').next().unwrap_or_default().to_owned();
    let applied = part
        .parts
        .iter()
        .find(|inner| inner.truth == Truth::Holds && inner.title.starts_with("excludes["));
    format!("`{}`", word(&applied.unwrap_or(part).title))
}

fn show_rule(out: &mut String, rule: &RuleTrace, source: &SourceText) {
    match &rule.condition {
        None => {
            let _ = writeln!(out, "  - {}: selects other resources", rule.name);
        }
        Some(condition) => {
            let place = place(source, condition.span);
            let says = match condition.truth {
                Truth::Holds => "selects it",
                Truth::Fails => "does not select it",
                Truth::Faults => "cannot be evaluated",
            };
            let mark = mark(condition.truth);
            let _ = writeln!(out, "  {mark} {}: {says}  ({place})", rule.name);
            condition.parts.iter().for_each(|part| show(out, part, 2));
        }
    }
}

fn show(out: &mut String, condition: &Condition, depth: usize) {
    let _ = write!(
        out,
        "{:1$}{2} {3}",
        "",
        depth * 2,
        mark(condition.truth),
        condition.title
    );
    let _ = match &condition.actual {
        Some(actual) => writeln!(out, "  — it is {actual}"),
        None => writeln!(out),
    };
    condition
        .parts
        .iter()
        .for_each(|part| show(out, part, depth + 1));
}

fn mark(truth: Truth) -> char {
    match truth {
        Truth::Holds => '✓',
        Truth::Fails => '✗',
        Truth::Faults => '?',
    }
}

fn place(source: &SourceText, span: Span) -> String {
    format!("{}:{}", source.name, source.line_column(span.start).0)
}

fn rule_json(rule: &RuleTrace, source: &SourceText) -> Value {
    json!({
        "name": rule.name,
        "candidate": rule.condition.is_some(),
        "condition": rule.condition.as_ref().map(|own| condition_json(own, source)),
    })
}

fn condition_json(condition: &Condition, source: &SourceText) -> Value {
    json!({
        "title": condition.title,
        "place": place(source, condition.span),
        "holds": match condition.truth {
            Truth::Holds => Value::Bool(true),
            Truth::Fails => Value::Bool(false),
            Truth::Faults => Value::Null,
        },
        "actual": condition.actual,
        "parts": condition.parts.iter().map(|part| condition_json(part, source)).collect::<Vec<_>>(),
    })
}
