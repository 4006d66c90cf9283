//! One key at both sides: what it should be, what it is.
//!
//! Promises the mirror's own judgement: `decide` says whether a key belongs at
//! the destination, `is_there` whether what is there will do. Deliberately
//! reads nothing: it is handed what each side has.

use std::collections::HashMap;

use super::error::MirrorError;
use super::judging::{Judging, empty_value, is_copy};
use super::sealing::blocking;
use super::verified::Verdict;
use crate::rules::RuleId;
use crate::rules::decide::{Decision, Event, Scratch};
use crate::rules::namespaces::Namespaces;
use crate::rules::outgoing::{OutgoingScratch, Unfit};
use crate::rules::policy::OnConflict;
use crate::source::Item;
use crate::state::{HeldKey, LedgerEntry, StateStore};

/// One key at both sides and in the ledger.
pub struct Pair<'a> {
    /// The whole key.
    pub key: &'a [u8],
    /// What the source has.
    pub item: Option<&'a Item>,
    /// What the destination has.
    pub there: Option<&'a [u8]>,
    /// What the ledger has.
    pub entry: Option<&'a LedgerEntry>,
}

/// What was found, and the rule that it is counted under; `None` where neither
/// side has anything to do with it.
pub type Finding = Option<(Option<String>, Verdict)>;

/// Compares single keys.
pub struct Comparer<'a, J> {
    judge: &'a J,
    /// Whether the ledger knows what is ours.
    ledger: bool,
    lenient: bool,
    scratch: Scratch,
    outgoing: OutgoingScratch,
    /// What the mirror holds: for what the destination lacks, for one.
    held: HashMap<Vec<u8>, HeldKey>,
}

impl<'a, J: Judging> Comparer<'a, J> {
    /// By these rules. Where `lenient`, what a cluster's own controllers write
    /// into objects is no difference.
    pub fn new(
        judge: &'a J,
        store: &impl StateStore,
        ledger: bool,
        lenient: bool,
    ) -> Result<Comparer<'a, J>, MirrorError> {
        let held = match ledger {
            true => store.held()?,
            false => Vec::new(),
        };
        let held = held.into_iter().map(|own| (own.key.clone(), own));
        Ok(Comparer {
            judge,
            ledger,
            lenient,
            scratch: Scratch::default(),
            outgoing: OutgoingScratch::default(),
            held: held.collect(),
        })
    }

    /// Compares one key.
    pub fn compare(&mut self, pair: &Pair<'_>, namespaces: &Namespaces) -> Finding {
        blocking(self.judge.may_block(), || self.look(pair, namespaces))
    }

    fn look(&mut self, pair: &Pair<'_>, namespaces: &Namespaces) -> Finding {
        let Some(item) = pair.item else {
            return self.gone(pair, namespaces);
        };
        let event = Event {
            key: pair.key,
            value: Some(&item.value),
            leased: item.lease != 0,
            owned: pair.entry.is_some_and(|entry| !entry.retired),
        };
        let decision = self.judge.decide(&event, namespaces, &mut self.scratch);
        match decision {
            Decision::Put { rule } => {
                let name = self.judge.rule_name(rule).to_owned();
                Some((Some(name), self.selected(item, rule, pair)))
            }
            Decision::Hold { rule, reason, .. } => {
                let name = rule.map(|rule| self.judge.rule_name(rule).to_owned());
                Some((name, Verdict::Held(reason)))
            }
            Decision::Delete(_) => pair.there.and(extra(pair.entry)),
            Decision::Disown(_) => pair.there.map(|_| (None, Verdict::Foreign)),
            Decision::Skip(_) => self.unselected(pair, item),
        }
    }

    fn selected(&mut self, item: &Item, rule: RuleId, pair: &Pair<'_>) -> Verdict {
        let there = pair.there;
        if item.value.is_empty() && !self.judge.may_be_empty(&item.key) {
            return Verdict::Held(empty_value().reason);
        }
        let outgoing = &mut self.outgoing;
        let judge = self.judge;
        let is_there =
            |there: &[u8]| judge.is_there(&item.key, &item.value, there, Some(rule), outgoing);
        if there.is_some_and(is_there) {
            return Verdict::Equal;
        }
        if let (Some(there), None) = (there, pair.entry)
            && judge.on_conflict(Some(rule), &item.key) == OnConflict::Keep
        {
            match is_copy(judge, &item.key, &item.value, there) {
                Ok(true) => {}
                Ok(false) => return Verdict::Foreign,
                Err(unfit) => return Verdict::Held(unfit.reason),
            }
        }
        let outgoing = &mut self.outgoing;
        let is_same = |there: &[u8]| {
            let (key, value) = (&item.key, &item.value);
            judge.drift(key, value, there, rule, outgoing).is_none()
        };
        if self.lenient && there.is_some_and(is_same) {
            return Verdict::Equal;
        }
        match judge.outgoing(&item.key, &item.value, Some(rule), &mut self.outgoing) {
            Err(Unfit { reason, .. }) => Verdict::Held(reason),
            Ok(_) => match (self.held.get(&item.key), there) {
                (Some(held), _) => noted(held),
                (None, Some(_)) => Verdict::Different,
                (None, None) => Verdict::Missing,
            },
        }
    }

    /// The source has it, and no rule selects it.
    fn unselected(&mut self, pair: &Pair<'_>, item: &Item) -> Finding {
        let there = pair.there?;
        Some((
            None,
            match pair.entry {
                // Owned keys would be deleted: this one is retired.
                Some(_) => Verdict::Retired,
                None if self.ledger => Verdict::Foreign,
                // What looks like a copy may well be one of ours.
                None => match self.judge.is_there(
                    pair.key,
                    &item.value,
                    there,
                    None,
                    &mut self.outgoing,
                ) {
                    true => Verdict::Unclear,
                    false => Verdict::Foreign,
                },
            },
        ))
    }

    /// The source does not have it.
    fn gone(&mut self, pair: &Pair<'_>, namespaces: &Namespaces) -> Finding {
        let there = pair.there?;
        match pair.entry {
            Some(entry) if entry.retired => Some((None, Verdict::Retired)),
            Some(_) => extra(pair.entry),
            None if self.ledger => Some((None, Verdict::Foreign)),
            None => {
                let event = Event {
                    key: pair.key,
                    value: Some(there),
                    leased: false,
                    owned: false,
                };
                let decision = self.judge.decide(&event, namespaces, &mut self.scratch);
                let verdict = match decision {
                    Decision::Skip(_) => Verdict::Foreign,
                    _ => Verdict::Unclear,
                };
                Some((None, verdict))
            }
        }
    }
}

/// What the mirror found at the destination.
fn noted(held: &HeldKey) -> Verdict {
    match (&held.reason, held.left_out) {
        (reason, Some(policy)) => Verdict::LeftOut(policy, reason.clone().unwrap_or_default()),
        (Some(reason), None) => Verdict::Held(reason.clone()),
        (None, None) => Verdict::Held("the mirror held it: `carry explain` says why".to_owned()),
    }
}

fn extra(entry: Option<&LedgerEntry>) -> Finding {
    // What was written over stays.
    if entry.is_some_and(|entry| entry.borrowed) {
        return Some((None, Verdict::Foreign));
    }
    Some((entry.map(|entry| entry.rule.clone()), Verdict::Extra))
}
