//! What `explain` found, as text for people and as JSON for programs.
//!
//! Promises that both say the same. Deliberately prints nothing itself, and
//! holds values only of what may be shown.

mod changed;
mod expression;
mod json;
mod nearest;
mod phrases;
mod sentence;
mod standing;
mod tree;

use std::fmt::Write as _;

use serde_json::Value;

use crate::diagnostic::{SourceText, Span};
use crate::etcd::SourceRevision;
use crate::k8s::crypto::describe;
use crate::mirror::numbered;
use crate::rules::decide::{Decision, SkipReason};
use crate::rules::policy::Policy;
use crate::rules::trace::{Identity, RuleTrace, Truth};
use crate::source::Item;

pub use changed::{Changed, at};
pub use sentence::{nearest_miss, unsigned};
pub use standing::{Conflict, Differs, Need};

use nearest::{Shown, shown};

/// How an explanation is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns to fit into.
    pub width: usize,
    /// Whether every rule is shown, and not only those that came near.
    pub all: bool,
}

/// How the value would be written.
pub struct ToWrite {
    /// The key at the destination.
    pub key: String,
    /// Whether that is another key than at the source.
    pub moved: bool,
    /// With what it would be encrypted; `None` where it is written as it is.
    pub reencrypted: Option<String>,
    /// The fields that policies change in it.
    pub changed: Vec<Changed>,
    /// What policies write in one transaction with it: the keys.
    pub along: Vec<String>,
    /// Whether it is to be written.
    pub need: Need,
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

/// Where what is explained is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whence {
    /// An etcd.
    Source,
    /// A snapshot file.
    Snapshot,
    /// Nothing that is stored: a manifest, or an object as it might be.
    Imagined,
}

impl Whence {
    /// What to call it.
    pub fn who(self) -> &'static str {
        match self {
            Whence::Source => "the source",
            Whence::Snapshot => "the snapshot",
            Whence::Imagined => "the input",
        }
    }
}

/// Everything about one key.
pub struct Report {
    /// Where it is from.
    pub whence: Whence,
    /// The revision that was asked for, where it is not the newest.
    pub past: Option<SourceRevision>,
    /// What else is to be said of it, beneath what it is.
    pub notes: Vec<String>,
    /// What else is known of the key, beneath what the destination has.
    pub asides: Vec<String>,
    /// What the key alone says of each rule, where there is no value.
    pub by_key: Vec<String>,
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
    /// Why a policy leaves it out, where that depends on what the destination
    /// has.
    pub left_out: Option<String>,
    /// How it would be written, where it would be.
    pub to_write: Option<ToWrite>,
    /// What that depends on, at the destination.
    pub depends: Vec<String>,
    /// Each rule's say, or why there is none.
    pub rules: Option<Result<Vec<RuleTrace>, String>>,
    /// What the destination has.
    pub destination: AtDestination,
    /// Whether that is another object.
    pub conflict: Option<Conflict>,
    /// Where it differs, if it does.
    pub difference: Option<Differs>,
    /// The whole object, where it was asked for and can be read.
    pub object: Option<Value>,
    /// Whether it does not say who has written it, since no cluster has stored
    /// it.
    pub unsigned: bool,
}

impl There {
    /// Whether the source's value needs no write.
    pub fn is_same(&self) -> bool {
        self.same_content
    }
}

impl ToWrite {
    fn human(&self, conflict: Option<Conflict>) -> String {
        let under = match self.moved {
            true => format!(", under `{}`", self.key),
            false => String::new(),
        };
        let how = match &self.reencrypted {
            None => format!("as it is stored{under}"),
            Some(with) => format!("re-encrypted ({with}){under}"),
        };
        let and = match (&self.reencrypted, self.changed.as_slice()) {
            (_, []) => "",
            (None, _) => ", but",
            (Some(_), _) => ", and",
        };
        let heading = match (self.need, conflict.filter(|own| own.stays())) {
            (_, Some(Conflict { is_ours: None, .. })) => {
                "to be written, if carry has written what is there:"
            }
            (_, Some(_)) => "not to be written while something else is there:",
            (Need::Nothing, None) => "nothing to be written: it is there",
            (Need::Settled, None) => "nothing to be written: carry has written it",
            (Need::Write | Need::Unknown, None) => "to be written:",
        };
        format!("{heading} {how}{and}")
    }
}

impl Report {
    /// Whether the source has the key.
    pub fn exists(&self) -> bool {
        self.item.is_some()
    }

    /// The reason in one sentence.
    pub fn verdict(&self) -> String {
        sentence::verdict(self)
    }

    /// That there is no such key, or was none.
    fn lacking(&self) -> String {
        let who = self.whence.who();
        match self.past {
            Some(at) => format!("{who} had no such key at revision {at}"),
            None => format!("{who} has no such key"),
        }
    }

    /// The decision in one word.
    pub fn decision_word(&self) -> &'static str {
        match self.decision {
            Decision::Put { .. } => "put",
            Decision::Delete(_) => "delete",
            // It is left alone there.
            Decision::Disown(_) => "skip",
            Decision::Skip(_) => "skip",
            Decision::Hold { .. } => "hold",
        }
    }

    /// For people.
    pub fn human(&self, source: &SourceText, look: Look) -> String {
        let mut out = format!("{}\n{}\n\n", self.key, self.verdict());
        for line in self.facts() {
            let _ = writeln!(out, "  {line}");
        }
        if let Some(to_write) = &self.to_write {
            let _ = writeln!(out, "  {}", to_write.human(self.conflict));
            for own in &to_write.changed {
                let _ = writeln!(out, "    {}", own.human());
            }
            for key in &to_write.along {
                let _ = writeln!(
                    out,
                    "    together with `{key}` (policy `{}`)",
                    Policy::Services
                );
            }
        }
        let is_selected = matches!(self.decision, Decision::Put { .. });
        for line in self.depends.iter().filter(|_| is_selected) {
            let _ = writeln!(out, "    {line}");
        }
        if let Some(line) = self.at_destination() {
            let _ = writeln!(out, "  destination: {line}");
        }
        if let Some(conflict) = self.conflict {
            let _ = writeln!(out, "    {}", conflict.human());
        }
        for line in self.differs() {
            let _ = writeln!(out, "    {line}");
        }
        for line in &self.asides {
            let _ = writeln!(out, "  {line}");
        }
        match &self.rules {
            Some(Ok(rules)) => {
                let shown = shown(self, rules, look.all);
                self.show_rules(&mut out, &shown, source, look);
            }
            Some(Err(_)) | None => self.list_candidates(&mut out),
        }
        let yaml = self.object.as_ref().map(serde_yaml::to_string);
        if let Some(Ok(yaml)) = yaml {
            let how = match self.whence {
                Whence::Imagined => "would be",
                _ => "is",
            };
            let _ = write!(out, "\nobject, as it {how} stored:\n---\n{yaml}");
        }
        out
    }

    fn differs(&self) -> Vec<String> {
        let difference = self.difference.iter();
        difference
            .flat_map(|own| own.lines(self.writes()))
            .collect()
    }

    /// Whether it is going to be written, as far as that is known.
    pub fn writes(&self) -> bool {
        let stays = self.conflict.is_some_and(Conflict::stays);
        let need = self.to_write.as_ref().map(|own| own.need);
        !stays && matches!(need, Some(Need::Write | Need::Unknown))
    }

    fn show_rules(&self, out: &mut String, shown: &Shown<'_>, source: &SourceText, look: Look) {
        if !shown.rules.is_empty() {
            let _ = writeln!(out, "\n{}:", shown.heading);
        }
        let tree = tree::Tree {
            source,
            width: look.width,
            private: self.private_note(),
        };
        shown.rules.iter().for_each(|rule| tree.rule(out, rule));
        if let Some(more) = shown.more() {
            let _ = writeln!(out, "\n{more}");
        }
    }

    /// What stands in the place of what is not shown.
    fn private_note(&self) -> &'static str {
        match self.outside {
            true => "(not shown: it may be secret)",
            false => "(not shown: it belongs to a Secret)",
        }
    }

    fn list_candidates(&self, out: &mut String) {
        if !self.by_key.is_empty() {
            out.push_str("\nwhat the key alone says of the rules:\n");
            for line in &self.by_key {
                let _ = writeln!(out, "  {line}");
            }
            return;
        }
        let list = match self.candidates.as_slice() {
            [] => "none of the rules can select a key of this resource".to_owned(),
            some => format!(
                "rules that may select a key of this resource: {}",
                some.join(", ")
            ),
        };
        let _ = writeln!(out, "\n{list}");
    }

    fn facts(&self) -> Vec<String> {
        let (Some(item), Some(identity)) = (&self.item, &self.identity) else {
            let mut facts = match self.decision {
                // That is the reason, which has been said.
                Decision::Skip(SkipReason::Gone) => Vec::new(),
                _ => vec![self.lacking()],
            };
            facts.extend(self.notes.iter().cloned());
            return facts;
        };
        let mut facts = Vec::new();
        if let (Whence::Imagined, Ok(identity)) = (self.whence, identity) {
            facts.push(object(identity));
            facts.extend(self.notes.iter().cloned());
            return facts;
        }
        let size = numbered(item.value.len(), "byte");
        match identity {
            Ok(identity) => {
                facts.push(object(identity));
                facts.push(format!("{size}, {}", identity.encryption));
            }
            Err(_) if self.outside => {
                facts.push("a key outside of Kubernetes".to_owned());
                facts.push(size);
            }
            Err(why) => {
                facts.push(format!("cannot be read: {why}"));
                let how = describe(&item.value);
                facts.push(format!("{size}, {how}"));
            }
        }
        facts.push(format!("last changed at source revision {}", item.revision));
        if item.lease != 0 {
            facts.push(format!("attached to etcd lease {:x}", item.lease));
        }
        facts.extend(self.notes.iter().cloned());
        facts
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
            None => format!("the key ({}, {how})", numbered(bytes, "byte")),
        };
        Some(format!("has {has}, since its revision {since}"))
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
