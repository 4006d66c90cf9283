//! What a comparison of both sides came to.
//!
//! Promises exact counts, in all and per rule, and no more examples than asked
//! for. Deliberately holds no values.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::rules::policy::Policy;

/// What was found of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Selected, and the destination has it.
    Equal,
    /// Selected, and the destination does not have it.
    Missing,
    /// Selected, and the destination has something else.
    Different,
    /// Ours and not selected, and the destination has it still.
    Extra,
    /// It cannot be judged or written, for this reason.
    Held(String),
    /// A policy leaves it out for what the destination lacks, for this reason.
    LeftOut(Policy, String),
    /// Ours and not selected since the rules have changed: kept on purpose.
    Retired,
    /// At the destination, and not ours.
    Foreign,
    /// At the destination, and without a ledger nobody can say whose it is.
    Unclear,
    /// It changed at the source whenever it was looked at.
    Unsettled,
}

impl Verdict {
    /// Whether the destination is not as it should be.
    pub fn is_difference(&self) -> bool {
        matches!(self, Verdict::Missing | Verdict::Different | Verdict::Extra)
    }
}

/// How many keys there are of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Keys that a rule selects and that can be written.
    pub selected: u64,
    /// Selected, and the same at the destination.
    pub equal: u64,
    /// Selected, and not at the destination.
    pub missing: u64,
    /// Selected, and other at the destination.
    pub different: u64,
    /// At the destination, ours, and not selected.
    pub extra: u64,
    /// Could not be judged, read or encrypted, or wait for something at the
    /// destination.
    pub held: u64,
    /// Left out by a policy for what the destination lacks.
    pub left_out: u64,
    /// Changed faster than they could be compared.
    pub unsettled: u64,
}

impl Counts {
    /// Missing, different and extra keys together.
    pub fn differences(&self) -> u64 {
        self.missing + self.different + self.extra
    }

    fn count(&mut self, verdict: &Verdict) {
        let (selected, each) = match verdict {
            Verdict::Equal => (true, &mut self.equal),
            Verdict::Missing => (true, &mut self.missing),
            Verdict::Different => (true, &mut self.different),
            Verdict::Extra => (false, &mut self.extra),
            Verdict::Held(_) => (false, &mut self.held),
            Verdict::LeftOut(..) => (false, &mut self.left_out),
            Verdict::Unsettled => (false, &mut self.unsettled),
            Verdict::Retired | Verdict::Foreign | Verdict::Unclear => return,
        };
        *each += 1;
        self.selected += u64::from(selected);
    }
}

/// One key that is worth a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Example {
    /// The whole key as the source has it; bytes that are not UTF-8 are
    /// replaced.
    pub key: String,
    /// The rule that selects it, or did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Why it is held, or left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The first keys of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Examples {
    /// Selected, and not at the destination.
    pub missing: Vec<Example>,
    /// Selected, and other at the destination.
    pub different: Vec<Example>,
    /// At the destination, ours, and not selected.
    pub extra: Vec<Example>,
    /// Could not be judged, read or encrypted, or wait for something at the
    /// destination.
    pub held: Vec<Example>,
    /// Left out by a policy for what the destination lacks.
    pub left_out: Vec<Example>,
    /// Nobody can say whose.
    pub unclear: Vec<Example>,
}

/// What a comparison came to. `/status` and this never hold values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// Whether nothing is missing, different or extra.
    pub equal: bool,
    /// The source revision that was compared; where it was compacted meanwhile,
    /// the one that the end was compared at.
    pub revision: i64,
    /// Whether a ledger said which keys are ours.
    pub ledger: bool,
    /// In all.
    pub counts: Counts,
    /// Keys at the destination that are not ours.
    pub foreign: u64,
    /// Keys at the destination of which nobody can say whose they are.
    pub unclear: u64,
    /// Keys that are kept though no rule selects them any more.
    pub retired: u64,
    /// Keys that policies leave out for what the destination lacks, by policy.
    pub left_out_by: BTreeMap<&'static str, u64>,
    /// Per rule.
    pub rules: BTreeMap<String, Counts>,
    /// The first of each kind.
    pub examples: Examples,
    #[serde(skip)]
    most: usize,
}

impl Verified {
    /// Of nothing yet, with at most `examples` of each kind.
    pub fn new(examples: usize) -> Verified {
        Verified {
            equal: true,
            most: examples,
            ..Verified::default()
        }
    }

    /// Takes in what was found of one key.
    pub fn note(&mut self, key: &[u8], rule: Option<&str>, verdict: Verdict) {
        self.equal &= !verdict.is_difference();
        self.counts.count(&verdict);
        if let Some(rule) = rule {
            match self.rules.get_mut(rule) {
                Some(counts) => counts.count(&verdict),
                None => self
                    .rules
                    .entry(rule.to_owned())
                    .or_default()
                    .count(&verdict),
            }
        }
        match &verdict {
            Verdict::Foreign => self.foreign += 1,
            Verdict::Unclear => self.unclear += 1,
            Verdict::Retired => self.retired += 1,
            Verdict::LeftOut(policy, _) => {
                *self.left_out_by.entry(policy.name()).or_default() += 1;
            }
            _ => {}
        }
        let Examples {
            missing,
            different,
            extra,
            held,
            left_out,
            unclear,
        } = &mut self.examples;
        let (examples, reason) = match verdict {
            Verdict::Missing => (missing, None),
            Verdict::Different => (different, None),
            Verdict::Extra => (extra, None),
            Verdict::Held(reason) => (held, Some(reason)),
            Verdict::LeftOut(_, reason) => (left_out, Some(reason)),
            Verdict::Unclear => (unclear, None),
            _ => return,
        };
        if examples.len() < self.most {
            examples.push(Example {
                key: String::from_utf8_lossy(key).into_owned(),
                rule: rule.map(str::to_owned),
                reason,
            });
        }
    }
}
