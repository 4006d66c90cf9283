//! What others have under keys that the rules select, and what must become of
//! it by the policy.

use std::collections::BTreeMap;

use carry::rules::policy::OnConflict;

use super::rules::namespace_of;
use super::services::told;
use super::witness::Witness;

/// What is known of what others have in carry's way.
pub struct Known {
    pub policy: OnConflict,
    /// Counts what happens.
    now: u64,
    /// When another had something under a key last.
    stood: BTreeMap<String, u64>,
    /// When each process began.
    begun: BTreeMap<u32, u64>,
    /// What carry has written over.
    borrowed: BTreeMap<String, Borrowed>,
}

/// Something that carry has written over, and does not delete.
#[derive(Clone, Copy)]
struct Borrowed {
    /// The source's newest revision then.
    at: i64,
    /// Whether the one who leads must know.
    certain: bool,
}

impl Known {
    pub fn new(policy: OnConflict) -> Known {
        Known {
            policy,
            now: 0,
            stood: BTreeMap::new(),
            begun: BTreeMap::new(),
            borrowed: BTreeMap::new(),
        }
    }

    /// Something happens to a key, under which another has something until then.
    pub fn happens(&mut self, key: &str, is_anothers: bool) {
        self.now += 1;
        if is_anothers {
            self.stood.insert(key.to_owned(), self.now);
        }
    }

    pub fn begins(&mut self, life: u32) {
        self.begun.insert(life, self.now);
    }

    /// What is there now is another's, or nothing.
    pub fn left(&mut self, key: &str) {
        self.borrowed.remove(key);
    }

    /// The ledger alone tells what was written over from copies.
    pub fn doubt(&mut self) {
        for borrowed in self.borrowed.values_mut() {
            borrowed.certain = false;
        }
    }

    /// Whether what is there may be what was written over another's.
    pub fn is_borrowed(&self, key: &str) -> bool {
        self.borrowed.contains_key(key)
    }
}

impl Witness {
    /// Whether another has something under a key.
    pub fn is_anothers(&self, key: &str) -> bool {
        self.contents().contains_key(key) && !self.is_ours(key)
    }

    /// Whether a key is another's, and stays.
    pub fn is_kept(&self, key: &str) -> bool {
        self.strangers.policy == OnConflict::Keep && self.is_anothers(key)
    }

    /// carry writes there. Not yet taken in.
    pub fn takes(&mut self, key: &str) {
        if !self.is_anothers(key) {
            return;
        }
        match self.strangers.policy {
            OnConflict::Adopt => {}
            OnConflict::Overwrite => {
                let there = self.contents().get(key);
                let certain = there.is_some_and(|there| told(key, there).starts_with("foreign"));
                let at = self.history.newest();
                let borrowed = Borrowed { at, certain };
                self.strangers.borrowed.insert(key.to_owned(), borrowed);
            }
            OnConflict::Keep | OnConflict::Stop => {
                self.object(format!("`{key}` is another's, and is written over"));
            }
        }
    }

    /// carry deletes it. Not yet taken in.
    pub fn gives_back(&mut self, key: &str) {
        let stays = matches!(
            self.strangers.policy,
            OnConflict::Keep | OnConflict::Stop | OnConflict::Overwrite
        );
        if stays && self.is_anothers(key) {
            self.object(format!("`{key}` is another's, and is deleted"));
        }
        if let Some(borrowed) = self.strangers.borrowed.remove(key)
            && borrowed.certain
            && !self.may_be_forgotten(key, borrowed.at)
        {
            self.object(format!(
                "`{key}` was written over another's, and is deleted"
            ));
        }
    }

    /// Whether it may have been left to the destination since `from`, and found
    /// there as a copy later.
    fn may_be_forgotten(&self, key: &str, from: i64) -> bool {
        let by_old_labels = namespace_of(key).is_some() && self.compacted > 0;
        let comes_again = |version: &_| {
            let mut selects = (from..=self.history.newest())
                .map(|at| self.history.selects(*version, at, key))
                .skip_while(|selects| *selects);
            selects.any(|selects| selects)
        };
        by_old_labels || self.used.iter().any(comes_again) || self.changed_rules_since(key, from)
    }

    /// Whether rules that select a key came after some that do not.
    fn changed_rules_since(&self, key: &str, from: i64) -> bool {
        let selects = |version: &_| {
            (from..=self.history.newest()).any(|at| self.history.selects(*version, at, key))
        };
        let verdicts: Vec<bool> = self.used.iter().map(selects).collect();
        verdicts.contains(&true) && verdicts.contains(&false)
    }

    /// A process has ended for what another has under a key.
    pub fn stopped_at(&mut self, life: u32, key: &str) {
        let known = &self.strangers;
        let begun = known.begun.get(&life).copied().unwrap_or(0);
        let stood = known.stood.get(key).is_some_and(|at| *at >= begun);
        let wrong = match () {
            () if known.policy != OnConflict::Stop => "which is not to end it",
            () if !stood && !self.is_anothers(key) => "where nobody has anything",
            // What was listed at a newer revision is judged under Namespaces that
            // may be older.
            () if namespace_of(key).is_some() && self.compacted > 0 => return,
            () if !self.was_wanted(key) => "which is never selected",
            () => return,
        };
        self.object(format!("process {life} ends for `{key}`, {wrong}"));
    }
}
