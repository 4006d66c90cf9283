//! One line of a table: a key and what was decided of it.
//!
//! Promises the decision that a whole explanation would show. Deliberately
//! finds out why only where that is to be shown: it takes far longer than to
//! decide.

use serde_json::{Value, json};

use super::imagined::is_unsigned;
use super::judged::{by_key_in_short, last_look};
use crate::cli::args::Only;
use crate::cli::explain_report::{nearest_miss, unsigned};
use crate::rules::RuleId;
use crate::rules::decide::{Decision, Event, Judge, Scratch, SkipReason};
use crate::rules::namespaces::Namespaces;
use crate::rules::outgoing::OutgoingScratch;
use crate::source::Item;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The whole key.
    pub key: String,
    /// What was decided.
    pub decided: Only,
    /// The rule that selects it, or that could not be evaluated.
    pub rule: Option<String>,
    /// Why, where that is not the rule.
    pub why: String,
}

impl Row {
    /// As a single explanation calls it.
    pub fn json(&self) -> Value {
        json!({
            "key": self.key,
            "decision": decision_word(self.decided),
            "rule": self.rule,
            "reason": self.why,
        })
    }
}

/// What programs are told.
pub fn decision_word(decided: Only) -> &'static str {
    match decided {
        Only::Mirrored => "put",
        Only::Skipped => "skip",
        Only::Held => "hold",
    }
}

/// Judges one key after the other.
pub struct Rows<'a> {
    judge: &'a Judge,
    namespaces: &'a Namespaces,
    /// Whether values are those of an etcd, and would be written.
    stored: bool,
    scratch: Scratch,
    outgoing: OutgoingScratch,
}

/// What was decided of a key.
pub struct Decided {
    /// In short.
    pub word: Only,
    /// The rule that it is counted under.
    pub rule: Option<RuleId>,
    decision: Decision,
}

impl<'a> Rows<'a> {
    /// By this judge, in these Namespaces.
    pub fn new(judge: &'a Judge, namespaces: &'a Namespaces, stored: bool) -> Rows<'a> {
        Rows {
            judge,
            namespaces,
            stored,
            scratch: Scratch::default(),
            outgoing: OutgoingScratch::default(),
        }
    }

    /// Decides.
    pub fn decide(&mut self, item: &Item) -> Decided {
        let event = Event {
            key: &item.key,
            value: Some(&item.value),
            leased: item.lease != 0,
            owned: false,
        };
        let mut decision = self
            .judge
            .decide(&event, self.namespaces, &mut self.scratch);
        if self.stored {
            decision = last_look(self.judge, &event, decision, &mut self.outgoing).0;
        }
        let (word, rule) = match &decision {
            Decision::Put { rule } => (Only::Mirrored, Some(*rule)),
            Decision::Hold { rule, .. } => (Only::Held, *rule),
            Decision::Skip(_) | Decision::Delete(_) | Decision::Disown(_) => (Only::Skipped, None),
        };
        Decided {
            word,
            rule,
            decision,
        }
    }

    /// The line.
    pub fn row(&self, item: &Item, decided: &Decided) -> Row {
        Row {
            key: String::from_utf8_lossy(&item.key).into_owned(),
            decided: decided.word,
            rule: decided
                .rule
                .map(|rule| self.judge.rule_name(rule).to_owned()),
            why: self.why(item, &decided.decision),
        }
    }

    fn why(&self, item: &Item, decision: &Decision) -> String {
        let reason = match decision {
            Decision::Put { .. } => return String::new(),
            Decision::Hold { reason, .. } => return reason.clone(),
            Decision::Delete(_) => SkipReason::NotSelected,
            Decision::Disown(policy) => SkipReason::KeptOut(*policy),
            Decision::Skip(reason) => *reason,
        };
        match reason {
            SkipReason::Gone => "it is gone",
            SkipReason::Outside => "outside the key prefix",
            SkipReason::ClusterLocal => "belongs to one cluster alone",
            SkipReason::Leased => "attached to an etcd lease",
            SkipReason::NoCandidate => "no rule is for this resource",
            SkipReason::KeptOut(policy) => {
                let kept = format!("kept out by the policy `{policy}`");
                return match self.unsigned(item) {
                    Some(decides) => format!("{kept}: {decides}"),
                    None => kept,
                };
            }
            SkipReason::NotSelected => {
                return self.not_selected(item);
            }
        }
        .to_owned()
    }

    /// What decides about an object of a file that a policy keeps out, where the
    /// file does not say it.
    fn unsigned(&self, item: &Item) -> Option<&'static str> {
        let object = serde_json::from_slice(&item.value);
        if self.stored || !object.is_ok_and(|object| is_unsigned(&object)) {
            return None;
        }
        let traced = self
            .judge
            .trace(&item.key, &item.value, self.namespaces, false);
        let mut rules = traced.ok()?;
        self.judge.trace_policies(&mut rules);
        unsigned(&rules)
    }

    fn not_selected(&self, item: &Item) -> String {
        let traced = self
            .judge
            .trace(&item.key, &item.value, self.namespaces, false);
        let nearest = match &traced {
            Ok(rules) => Some(nearest_miss(rules)),
            // It cannot be read, and need not be: the key says enough.
            Err(_) => by_key_in_short(&self.judge.prospects(&item.key, self.namespaces)),
        };
        nearest.unwrap_or_else(|| "no rule selects it".to_owned())
    }
}
