//! Owners: what becomes of what refers to them, by the policy, and what must
//! hold of it.
//!
//! The word `uid:<n>` says which object a value is of, `of:<key>#<n>` to which
//! another belongs. Who leaves a key and comes again may be another one.

use std::collections::{BTreeMap, BTreeSet};

use carry::destination::Op;
use carry::rules::landing::{Guard, Obstacle, Seen};
use carry::rules::outgoing::Unfit;
use carry::rules::policy::{Owners, Policy};

use super::dice::Dice;
use super::life::Said;
use super::model::Want;
use super::rules::opened;
use super::services::told;
use super::witness::Witness;

/// Those that others may belong to.
pub const OWNERS: [&str; 3] = ["/r/plain/a", "/r/first/a", "/r/config/n/a"];

/// To whom an object belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference<'v> {
    pub key: &'v str,
    uid: &'v str,
}

/// The owners of a value of `key`. Nothing waits for itself.
pub fn references<'v>(key: &str, value: &'v str) -> Vec<Reference<'v>> {
    let words = value.split(' ').filter_map(reference);
    words.filter(|own| own.key != key).collect()
}

fn reference(word: &str) -> Option<Reference<'_>> {
    let (key, uid) = word.strip_prefix("of:")?.split_once('#')?;
    Some(Reference { key, uid })
}

/// Which object it is; none is another than any.
pub fn uid(value: &str) -> &str {
    let mut words = value.split(' ');
    words
        .find_map(|word| word.strip_prefix("uid:"))
        .unwrap_or_default()
}

/// The value without these references.
pub fn without(value: &str, gone: &[Reference<'_>]) -> String {
    let stays = |word: &&str| reference(word).is_none_or(|own| !gone.contains(&own));
    let words: Vec<&str> = value.split(' ').filter(stays).collect();
    words.join(" ")
}

/// Whether `there` is the value, but for references that it lacks.
pub fn is_stripped(there: &str, value: &str) -> bool {
    let has: BTreeSet<&str> = there.split(' ').collect();
    let lacks = |word: &str| reference(word).is_some() && !has.contains(word);
    let left: Vec<&str> = value.split(' ').filter(|word| !lacks(word)).collect();
    left.join(" ") == there
}

/// Words of a value in a world of owners.
pub fn draw(key: &str, dice: &mut Dice) -> String {
    let mut words = String::new();
    let number = |dice: &mut Dice| if dice.chance(85) { 1 } else { 2 };
    if OWNERS.contains(&key) {
        words.push_str(&format!(" uid:{}", number(dice)));
    }
    for percent in [25, 10] {
        let uid = number(dice);
        if dice.chance(percent) {
            let owner = *dice.pick(&OWNERS);
            let word = format!(" of:{owner}#{uid}");
            if !words.contains(&word) {
                words.push_str(&word);
            }
        }
    }
    words
}

/// What is left of a value for a destination of which `seen` is known.
pub fn landing(
    policy: Owners,
    key: &str,
    words: &str,
    seen: &Seen,
    guards: &mut Vec<Guard>,
) -> Result<Option<String>, Obstacle> {
    let (mut looks, mut gone, mut absent) = (Vec::new(), Vec::new(), Vec::new());
    for own in references(key, words) {
        let owner = own.key.as_bytes().to_vec();
        match seen.get(&owner) {
            None => looks.push(owner),
            Some(None) => {
                gone.push(own);
                absent.push(Guard::Absent(owner));
            }
            Some(Some(there)) if uid(&told(own.key, opened(&there.value))) != own.uid => {
                gone.push(own);
                absent.push(Guard::Unchanged {
                    key: owner,
                    mod_revision: there.mod_revision,
                });
            }
            Some(Some(there)) => guards.push(Guard::Lives {
                key: owner,
                create_revision: there.create_revision,
            }),
        }
    }
    let Some(first) = gone.first().filter(|_| looks.is_empty()) else {
        return match looks.is_empty() {
            true => Ok(None),
            false => Err(Obstacle::Look(looks)),
        };
    };
    let unfit = Unfit {
        awaits: Some(first.key.as_bytes().to_vec()),
        ..Unfit::new("its owner is not there".to_owned(), true)
    };
    match policy {
        Owners::Skip => {
            // It may only come later.
            let why = match seen.early {
                true => unfit,
                false => unfit.by(Policy::Owners),
            };
            Err(Obstacle::Skip(Policy::Owners, Some(why)))
        }
        Owners::Strip if !seen.early => {
            guards.extend(absent);
            Ok(Some(without(words, &gone)))
        }
        _ => Err(Obstacle::Unfit(unfit)),
    }
}

/// What is known of owners, and of those that wait.
#[derive(Default)]
pub struct Known {
    /// Counts what happens.
    now: u64,
    /// By key at the destination: which object it is, and since when.
    here: BTreeMap<String, (String, u64)>,
    /// Which objects it was since it was created.
    been: BTreeMap<String, BTreeSet<String>>,
    /// When the source got to each revision.
    written: BTreeMap<i64, u64>,
    /// Who says that which key is held.
    held: BTreeSet<(u32, String)>,
    /// The source's newest revision when a key was held last.
    released: BTreeMap<String, i64>,
}

impl Known {
    /// The destination has this now.
    pub fn has(&mut self, key: &str, value: Option<&[u8]>) {
        self.now += 1;
        let Some(value) = value else {
            self.here.remove(key);
            self.been.remove(key);
            return;
        };
        let value = told(key, value);
        let uid = uid(&value).to_owned();
        let been = self.been.entry(key.to_owned()).or_default();
        been.insert(uid.clone());
        if self.here.get(key).is_none_or(|(own, _)| *own != uid) {
            self.here.insert(key.to_owned(), (uid, self.now));
        }
    }

    /// The source is at this revision now.
    pub fn wrote_source(&mut self, revision: i64) {
        self.now += 1;
        self.written.entry(revision).or_insert(self.now);
    }

    pub fn holds(&mut self, life: u32, key: &str) {
        self.held.insert((life, key.to_owned()));
    }

    pub fn releases(&mut self, life: u32, key: &str, newest: i64) {
        self.held.remove(&(life, key.to_owned()));
        self.released.insert(key.to_owned(), newest);
    }

    fn is_here(&self, owner: Reference<'_>) -> bool {
        let here = self.here.get(owner.key);
        here.is_some_and(|(uid, _)| uid == owner.uid)
    }

    /// The first of the owners that is not there.
    fn missing<'v>(&self, key: &str, value: &'v str) -> Option<Reference<'v>> {
        let mut all = references(key, value).into_iter();
        all.find(|own| !self.is_here(*own))
    }

    /// Whether all owners were there ever since the source is at a revision.
    fn were_always_here(&self, key: &str, value: &str, revision: i64) -> bool {
        let written = self.written.get(&revision).copied().unwrap_or(0);
        references(key, value).into_iter().all(|own| {
            let here = self.here.get(own.key);
            here.is_some_and(|(uid, since)| uid == own.uid && *since <= written)
        })
    }
}

impl Witness {
    /// The source's value that something was written for: it may lack some of
    /// its owners.
    pub fn as_at_source(&self, key: &str, value: &str) -> String {
        let stripped =
            self.policy == Some(Owners::Strip) && self.history.revisions(key, value).is_empty();
        let mut all = self.history.values(key).into_iter().rev();
        let found = all.find(|own| stripped && is_stripped(value, own));
        found.unwrap_or(value).to_owned()
    }

    /// Whether the destination has a value, as far as the policy wants it.
    pub fn is_value(&self, key: &str, there: &[u8], value: &str) -> bool {
        let there = told(key, there);
        there == value || self.policy == Some(Owners::Strip) && is_stripped(&there, value)
    }

    /// What is written refers to those owners that are there, and to all of
    /// them.
    pub fn owners_are_right(&mut self, ops: &[Op]) {
        for op in ops {
            let (Op::Put { key, value } | Op::PutLeased { key, value, .. }) = op else {
                continue;
            };
            let key = String::from_utf8_lossy(key).into_owned();
            let there = told(&key, value).into_owned();
            let value = self.as_at_source(&key, &there);
            let named = references(&key, &there);
            for own in references(&key, &value) {
                // An owner that is written over while its dependent is on the way
                // is another object all at once.
                let been = self.owners.been.get(own.key);
                let was_here = been.is_some_and(|been| been.contains(own.uid));
                let wrong = match named.contains(&own) {
                    true if !was_here => "which is not there",
                    false if self.owners.is_here(own) => "which is there, and without it",
                    _ => continue,
                };
                self.object(format!("`{key}` is written, of {own:?}, {wrong}"));
            }
        }
    }

    /// Whether a key need not have a value yet that was decided upon at a
    /// revision `from` on, since it may wait for its owners, or is left out.
    pub fn may_lack(&self, life: Option<u32>, key: &str, stored: (&str, i64), from: i64) -> bool {
        let (value, revision) = stored;
        if references(key, value).is_empty() {
            return false;
        }
        let known = &self.owners;
        let released = known.released.get(key);
        let told = life.is_none_or(|life| known.held.contains(&(life, key.to_owned())))
            || released.is_some_and(|at| *at >= from);
        // It was found to lack an owner, and what came after it says whether it
        // is held.
        let comes_again = self
            .history
            .is_touched(key, from + 1, self.history.newest());
        let has_lacked = !known.were_always_here(key, value, revision);
        told || has_lacked && (comes_again || self.policy == Some(Owners::Skip))
    }

    /// Whether this value is left out for now, and waits for what is held, or
    /// waits itself for that.
    pub fn waits_unheld(&self, key: &str, value: &str, said: &Said) -> bool {
        let (mut key, mut value) = (key.to_owned(), value.to_owned());
        // They may own each other.
        for _ in 0..20 {
            let missing = self.owners.missing(&key, &value);
            let Some(own) = missing.filter(|_| self.policy == Some(Owners::Skip)) else {
                return false;
            };
            if said.held.contains(own.key) {
                return true;
            }
            let last = self.history.values(own.key).pop();
            let next = (own.key.to_owned(), last.unwrap_or_default().to_owned());
            (key, value) = next;
        }
        false
    }

    /// Whether this value is not written for want of an owner.
    pub fn waits_for_owner(&self, key: &str, value: &str) -> bool {
        self.policy != Some(Owners::Strip) && self.owners.missing(key, value).is_some()
    }

    /// What becomes of a key whose owners count, once all is done; `None` where
    /// they do not count.
    fn fate(&self, key: &str, want: &Want<'_>, said: Option<&Said>) -> Option<Fate> {
        let Want::Value(stored, _) = want else {
            return None;
        };
        let value = &stored.value;
        if !self.is_owned(key, want) {
            return None;
        }
        let there = self.contents().get(key);
        let is_there = there.is_some_and(|there| self.is_value(key, there, value));
        let missing = self.owners.missing(key, value);
        let is_awaited = missing.is_some_and(|own| {
            said.is_none_or(|said| self.policy == Some(Owners::Hold) || said.held.contains(own.key))
        });
        // It waits for the one that was missing when it was judged, until that
        // comes.
        let may_wait = said.is_some_and(|said| {
            let mut all = references(key, value).into_iter();
            all.any(|own| !self.owners.is_here(own) && said.held.contains(own.key))
        });
        let may_be_left_out = self.policy == Some(Owners::Skip)
            && !self.owners.were_always_here(key, value, stored.revision);
        Some(match (is_there, missing, is_awaited) {
            (true, None, _) => Fate::Right,
            // Nobody looks whether the destination has what cannot be written.
            (true, Some(_), _) => Fate::Either,
            // It may have been left out before its owner was held.
            (false, _, true) if may_be_left_out => Fate::Either,
            (false, _, true) => Fate::Waits,
            (false, _, false) if may_wait => Fate::Either,
            (false, _, false) if may_be_left_out => Fate::Right,
            (false, _, false) => Fate::Missing,
        })
    }

    /// Whether a key may be left out for its owners, whatever else is wrong with
    /// it.
    pub fn may_be_left_out(&self, key: &str) -> bool {
        let value = self.history.values(key).pop().unwrap_or_default();
        self.policy == Some(Owners::Skip) && !references(key, value).is_empty()
    }

    /// Whether a key's owners count.
    pub fn is_owned(&self, key: &str, want: &Want<'_>) -> bool {
        let Want::Value(stored, _) = want else {
            return false;
        };
        !references(key, &stored.value).is_empty() && !self.is_kept(key)
    }

    /// What is wrong about a key whose owners count, once all is done.
    pub fn owned_wrongly(&self, key: &str, want: &Want<'_>, said: Option<&Said>) -> Option<String> {
        let fate = self.fate(key, want, said)?;
        let held = said.map(|said| said.held.contains(key));
        let right = match fate {
            Fate::Right => held != Some(true),
            Fate::Waits => held != Some(false),
            Fate::Either => true,
            Fate::Missing => false,
        };
        let there = self.contents().get(key).map(|there| told(key, there));
        (!right).then(|| {
            format!(
                "`{key}` has {there:?} in the end, is {fate:?}, held: {held:?}, wanted is {want:?}"
            )
        })
    }
}

/// What becomes of a key whose owners count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is there, or left out, and is not held.
    Right,
    /// The same, or it is held.
    Either,
    /// It is held.
    Waits,
    /// It should be there.
    Missing,
}
