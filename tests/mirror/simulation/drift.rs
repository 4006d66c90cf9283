//! Others change what carry has written, and what must become of that.

use carry::destination::Op;
use carry::etcd::EtcdError;
use carry::metrics::Phase;

use super::definitions::{self, is_object};
use super::dice::Dice;
use super::model::Want;
use super::owners::uid;
use super::scenario::{KEYS, Settings};
use super::services::{self, SERVICES, is_service, told};
use super::stage::Stage;
use super::witness::Witness;

/// A change by another client of a key that carry has written; none where it
/// has not.
#[derive(Clone, Debug)]
pub struct Meddling {
    pub key: &'static str,
    /// `None` deletes.
    pub value: Option<String>,
}

/// A key that another client has changed since carry has written it.
#[derive(Debug)]
pub struct Meddled {
    /// The source revision that carry has written, where that is known.
    revision: Option<i64>,
    /// Until the next full comparison; `None` where one was under way.
    comparisons: Option<u64>,
}

pub fn draw(dice: &mut Dice, number: &mut usize, settings: &Settings) -> Meddling {
    *number += 1;
    let key = match () {
        () if settings.services.is_some() && dice.chance(40) => *dice.pick(&SERVICES),
        () if settings.defined && dice.chance(40) => definitions::pick(dice),
        () => *dice.pick(&KEYS),
    };
    let value = (!dice.chance(30)).then(|| format!("stranger {number}"));
    Meddling { key, value }
}

pub fn meddle(stage: &Stage, meddling: &Meddling) {
    let Meddling { key, value } = meddling;
    if !stage.witness().may_be_meddled_with(key) {
        return;
    }
    stage.witness().is_meddled_with(key);
    let reallocates = stage.settings.services.is_some_and(|own| !own.keep);
    match value {
        None if is_service(key) && reallocates => return services::delete(stage, key),
        None => stage.destination.delete(key.as_bytes()),
        Some(words) => {
            let there = stage.destination.contents(key.as_bytes());
            let there = there.get(key.as_bytes()).expect("what is carry's");
            let bytes = match () {
                () if is_service(key) => services::reworded(there, words),
                () if is_object(key) => definitions::reworded(there, words),
                () => stage.witness().meddled_words(key, words).into_bytes(),
            };
            stage.destination.put(key.as_bytes(), &bytes);
            let op = Op::put(key.as_bytes().to_vec(), bytes, 0);
            return stage.witness().wrote_stranger(&op);
        }
    }
    let key = key.as_bytes().to_vec();
    stage.witness().wrote_stranger(&Op::Delete { key });
}

/// What watches the destination has to begin anew; everything before is
/// forgotten with `compacted`.
pub fn cut(stage: &Stage, compacted: bool) {
    if !stage.settings.watches() {
        return;
    }
    if compacted {
        stage.destination.compact();
    }
    let error = EtcdError::Unavailable("cut".to_owned());
    stage.destination.break_watches(&error);
}

impl Witness {
    fn may_be_meddled_with(&self, key: &str) -> bool {
        self.is_ours(key) && self.contents().contains_key(key)
    }

    /// It stays the same object.
    fn meddled_words(&self, key: &str, words: &str) -> String {
        let there = self.contents().get(key);
        let there = there.map(|there| told(key, there)).unwrap_or_default();
        match uid(&there) {
            "" => words.to_owned(),
            uid => format!("{words} uid:{uid}"),
        }
    }

    fn is_meddled_with(&mut self, key: &str) {
        let meddled = Meddled {
            revision: self.given.get(key).copied(),
            comparisons: self.is_following.then_some(self.comparisons),
        };
        // Of two changes, the first counts.
        self.meddled.entry(key.to_owned()).or_insert(meddled);
    }

    /// Another has written what is carry's.
    fn wrote_stranger(&mut self, op: &Op) {
        self.note_elsewhere("a stranger", std::slice::from_ref(op));
        let key = String::from_utf8_lossy(op.key()).into_owned();
        let value = match op {
            Op::Put { value, .. } | Op::PutLeased { value, .. } => Some(value.as_slice()),
            Op::Delete { .. } => None,
        };
        self.elsewhere(&key, value, false);
    }

    /// A process does this from now on.
    pub fn has_phase(&mut self, life: u32, phase: Phase) {
        if life == self.leader() {
            self.is_following = phase == Phase::Tail;
            self.comparisons += u64::from(phase != Phase::Tail);
        }
    }

    /// carry has written a value of this source revision to a key.
    /// `is_known`: it is certain that it was not sent before.
    pub fn gave(
        &mut self,
        (life, phase): (u32, Phase),
        key: &str,
        revision: Option<i64>,
        is_known: bool,
    ) {
        let last = self.given.remove(key);
        if let Some(revision) = revision {
            self.given.insert(key.to_owned(), revision);
        }
        let Some(meddled) = self.meddled.remove(key) else {
            return;
        };
        let now = self.history.newest();
        let is_left = self.mend == Some(false)
            && life == self.leader()
            && phase == Phase::Tail
            && self.is_following
            && meddled.comparisons == Some(self.comparisons)
            && meddled.revision.is_some()
            && meddled.revision == revision
            && last == revision;
        if let Some(revision) = revision
            && is_left
            && is_known
            && !self.history.is_touched(key, revision + 1, now)
        {
            self.object(format!(
                "`{key}` was changed by another, and is written over, and the source has not changed it since {revision}"
            ));
        }
    }

    /// Whether what another has made of a key may stay so, the source having
    /// written it last at `revision`.
    pub fn is_left(&self, key: &str, revision: i64) -> bool {
        self.mend == Some(false)
            && self.meddled.get(key).is_some_and(|own| {
                // What was written again as it was is found there, and not written.
                own.revision.is_none_or(|given| {
                    given >= revision || self.history.is_same(key, given, revision)
                })
            })
    }

    /// Which keys are to be told of as drifting.
    pub fn drifting(&self, wanted: &[(&'static str, Want<'_>)]) -> Vec<&'static str> {
        let drifts = |(key, want): &&(&'static str, Want<'_>)| {
            let Want::Value(stored, _) = want else {
                return false;
            };
            let there = self.contents().get(*key);
            // Of a value that it has had twice, nobody knows which one was there.
            let is_older = self
                .meddled
                .get(*key)
                .is_some_and(|own| own.revision.is_none())
                && self.waits_for_owner(key, &stored.value);
            !is_older
                && self.is_left(key, stored.revision)
                && there.is_none_or(|there| !self.is_value(key, there, &stored.value))
        };
        let keys = wanted.iter().filter(drifts);
        let mut keys: Vec<&str> = keys.map(|(key, _)| *key).collect();
        keys.sort_unstable();
        keys
    }
}
