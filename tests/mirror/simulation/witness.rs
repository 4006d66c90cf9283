//! Sees every write at the destination as it happens, and objects to those
//! that break a promise.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use carry::destination::Op;
use carry::metrics::Phase;
use carry::rules::policy::Owners;
use carry::state::Checkpoint;
use tokio::time::Instant;

use super::conflicts;
use super::definitions::is_object;
use super::drift::Meddled;
use super::life::Said;
use super::model::{History, Want};
use super::owners::{self, references};
use super::rules::{Version, namespace_of, opened};
use super::scenario::{Edit, FOREIGN, Settings, selectable};
use super::services::{Addressing, is_of_addresses, is_service, told};

pub struct Witness {
    pub history: History,
    versions: Vec<Version>,
    /// Rules that were in use so far.
    pub used: Vec<Version>,
    mended: bool,
    /// What the destination has under `/r/`, `/zz/` and so on.
    there: BTreeMap<String, Vec<u8>>,
    /// What others have put there last.
    foreign: BTreeMap<String, Vec<u8>>,
    /// Keys that carry has put, and nobody has taken away since.
    ours: BTreeSet<String>,
    /// What is known of what others have in carry's way.
    pub strangers: conflicts::Known,
    /// Keys that carry has put so far, and nobody else since.
    written: BTreeSet<String>,
    /// By key: the source revision that its last write came from.
    last: BTreeMap<String, i64>,
    /// What becomes of the addresses of Services, if there are any.
    pub services: Option<Addressing>,
    /// Whether a kube-apiserver serves from the destination.
    pub live: bool,
    /// How many definitions it is about to take up.
    pub taking_up: u32,
    /// Whether what others change is mended; `None` where nobody does.
    pub mend: Option<bool>,
    /// By key: the source's revision of the value that carry has written last.
    pub given: BTreeMap<String, i64>,
    pub meddled: BTreeMap<String, Meddled>,
    /// What becomes of what has owners, if anything has.
    pub policy: Option<Owners>,
    pub owners: owners::Known,
    /// Keys that others have left, and carry has not written since.
    pub freed: BTreeSet<String>,
    /// How many full comparisons there may have been.
    pub comparisons: u64,
    /// Whether the one who leads only follows the source.
    pub is_following: bool,
    /// Services and objects that may wait for what the destination has or lacks.
    waiting: BTreeSet<String>,
    /// Writes that happened without their sender's knowing.
    unanswered: BTreeSet<(u32, String, String)>,
    /// Who has the leader key, or had it last.
    leader: u32,
    /// On which machine each process is.
    hosts: BTreeMap<u32, String>,
    /// Machines that have lost their ledger and did not lead since.
    lost: BTreeSet<String>,
    /// The ledger is lost, or another's: from this process on, until there is
    /// a checkpoint again; with the checkpoint that there was.
    in_doubt: Option<(u32, Option<Checkpoint>)>,
    /// Keys that may stay although nothing wants them: the rules have changed,
    /// or nobody can know any more whose they are.
    orphans: BTreeSet<String>,
    /// The rules that were last known to be in use.
    adopted: Version,
    /// How many were in use when it was.
    used_then: usize,
    prune: bool,
    pub compacted: i64,
    /// Up to here something may have been listed ahead of the watch.
    ahead: i64,
    /// The newest source revision of a secondary rule's put so far.
    newest_secondary: i64,
    pub checkpoint: Option<Checkpoint>,
    /// How many writes there were beside carry's own.
    pub writes: usize,
    begun: Option<Instant>,
    verbose: bool,
    pub trace: Vec<String>,
    line: String,
    pub fingerprint: u64,
    pub failure: Option<String>,
}

impl Witness {
    pub fn new(settings: &Settings, verbose: bool) -> Witness {
        Witness {
            history: History::new(settings.max_bytes),
            versions: settings.versions.clone(),
            used: vec![settings.versions[0]],
            mended: false,
            there: BTreeMap::new(),
            foreign: BTreeMap::new(),
            ours: BTreeSet::new(),
            strangers: conflicts::Known::new(settings.conflict),
            written: BTreeSet::new(),
            last: BTreeMap::new(),
            services: settings.services,
            live: settings.live,
            taking_up: 0,
            mend: settings.mend,
            given: BTreeMap::new(),
            meddled: BTreeMap::new(),
            policy: settings.owners,
            owners: owners::Known::default(),
            freed: BTreeSet::new(),
            comparisons: 0,
            is_following: false,
            waiting: BTreeSet::new(),
            unanswered: BTreeSet::new(),
            leader: 0,
            hosts: BTreeMap::new(),
            lost: BTreeSet::new(),
            in_doubt: None,
            orphans: BTreeSet::new(),
            adopted: settings.versions[0],
            used_then: 1,
            prune: settings.prune,
            compacted: 0,
            ahead: 0,
            newest_secondary: 0,
            checkpoint: None,
            writes: 0,
            begun: None,
            verbose,
            trace: Vec::new(),
            line: String::new(),
            fingerprint: 0xcbf2_9ce4_8422_2325,
            failure: None,
        }
    }

    /// Takes a line of what happens.
    pub fn note(&mut self, line: std::fmt::Arguments<'_>) {
        let begun = *self.begun.get_or_insert_with(Instant::now);
        self.line.clear();
        let _ = write!(self.line, "{:>6} {line}", begun.elapsed().as_millis());
        for byte in self.line.bytes() {
            self.fingerprint = (self.fingerprint ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        if self.verbose {
            let line = self.line.replace(&"x".repeat(100), "X");
            self.trace.push(line);
        }
    }

    /// A promise is broken.
    pub fn object(&mut self, what: String) {
        self.note(format_args!("BROKEN: {what}"));
        self.failure.get_or_insert(what);
    }

    pub fn wrote_source(&mut self, edits: &[Edit], revision: i64) {
        self.history.write(edits, revision);
        self.owners.wrote_source(revision);
        self.look_ahead();
    }

    /// Where the tail's revision is compacted, lists are of the newest.
    fn look_ahead(&mut self) {
        if self.compacted > self.applied() {
            self.ahead = self.history.newest();
        }
    }

    /// Up to here all was applied when the last checkpoint was written.
    fn applied(&self) -> i64 {
        let last = self.checkpoint.as_ref();
        last.map_or(0, |checkpoint| checkpoint.revision)
    }

    /// Whether nothing was listed ahead of the watch that it has not reached.
    fn is_in_step(&self) -> bool {
        self.compacted.max(self.ahead) <= self.applied()
    }

    /// Whether another client leaves a key alone: the source may have it, and
    /// there is something; or it is carry's, whoever has deleted it.
    pub fn is_taken(&self, key: &str) -> bool {
        selectable().any(|own| own == key) && self.there.contains_key(key)
            || self.meddled.contains_key(key)
    }

    pub fn wrote_foreign(&mut self, key: &str, value: &[u8]) {
        self.freed.remove(key);
        let op = Op::put(key.as_bytes().to_vec(), value.to_vec(), 0);
        self.note_elsewhere("another", &[op]);
        self.elsewhere(key, Some(value), true);
    }

    /// The destination has this now; tells whether it had anything.
    fn has(&mut self, key: &str, value: Option<&[u8]>) -> bool {
        self.owners.has(key, value);
        let is_anothers = self.is_anothers(key);
        self.strangers.happens(key, is_anothers);
        match value {
            Some(value) => self.there.insert(key.to_owned(), value.to_vec()),
            None => self.there.remove(key),
        }
        .is_some()
    }

    /// Takes in what somebody else has written; `foreign` if that is another's
    /// from then on.
    pub fn elsewhere(&mut self, key: &str, value: Option<&[u8]>, foreign: bool) {
        self.has(key, value);
        if foreign {
            self.ours.remove(key);
            self.written.remove(key);
            self.strangers.left(key);
            match value {
                Some(value) => drop(self.foreign.insert(key.to_owned(), value.to_vec())),
                None => drop(self.foreign.remove(key)),
            }
        }
    }

    /// What the destination has.
    pub fn contents(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.there
    }

    pub fn is_ours(&self, key: &str) -> bool {
        self.ours.contains(key)
    }

    /// Takes a line of what others write.
    pub fn note_elsewhere(&mut self, who: &str, ops: &[Op]) {
        self.note(format_args!("{who}: {}", Shown(ops)));
    }

    /// A process holds a key.
    pub fn holds(&mut self, life: u32, key: &str) {
        self.owners.holds(life, key);
        if is_service(key) || is_object(key) {
            self.waiting.insert(key.to_owned());
        }
    }

    /// A process holds a key no more.
    pub fn releases(&mut self, life: u32, key: &str) {
        let newest = self.history.newest();
        self.owners.releases(life, key, newest);
    }

    pub fn compacted(&mut self, at: i64) {
        self.compacted = self.compacted.max(at);
        self.look_ahead();
        // What is listed at a newer revision than the rest may overtake.
        self.newest_secondary = 0;
    }

    pub fn mends(&mut self) {
        self.mended = true;
        self.newest_secondary = 0;
    }

    pub fn uses(&mut self, version: Version) {
        self.used.push(version);
        self.newest_secondary = 0;
    }

    pub fn leads(&mut self, life: u32) {
        self.note(format_args!("process {life} leads"));
        let host = self.hosts.get(&life).cloned().unwrap_or_default();
        let other = self.leader != 0 && self.hosts.get(&self.leader) != Some(&host);
        // Both, since a loss must not be counted later.
        if self.lost.remove(&host) | other {
            self.doubt(life);
        }
        self.leader = life;
        self.comparisons += 1;
        self.is_following = false;
    }

    pub fn begins(&mut self, life: u32, host: &str) {
        self.note(format_args!("process {life} begins on {host}"));
        self.hosts.insert(life, host.to_owned());
        self.strangers.begins(life);
    }

    /// The disk of a machine is gone.
    pub fn ledger_is_lost(&mut self, host: &str) {
        self.note(format_args!("the ledger of {host} is lost"));
        self.lost.insert(host.to_owned());
    }

    /// The one who leads now has no ledger that goes with the checkpoint.
    fn doubt(&mut self, life: u32) {
        // Where it was in doubt already, nothing is known since then.
        self.strangers.doubt();
        let before = self.in_doubt.take();
        let before = before.map_or_else(|| self.checkpoint.clone(), |(_, before)| before);
        self.in_doubt = Some((life, before));
    }

    /// A checkpoint says that `version` is in use, and everything is known
    /// again that can be.
    fn adopt(&mut self, life: u32, version: Version, from: i64) {
        // Also those that were in use without ever being done may have retired
        // keys.
        let mut since = self.used.iter().skip(self.used_then);
        let others = since.any(|own| *own != version);
        let other = version != self.adopted || others;
        let doubt = self.in_doubt.take_if(|(since, _)| *since <= life);
        let before = doubt.clone().and_then(|(_, before)| before);
        let known = before.as_ref().filter(|before| before.bootstrapped);
        let compacted = known.is_none_or(|before| before.revision < self.compacted);
        let forgotten = other && !self.prune || doubt.is_some() && (other || compacted);
        if other {
            self.newest_secondary = 0;
        }
        self.adopted = version;
        // Newer ones may be in use already, and not done.
        let last = self.used.iter().rposition(|own| *own == version);
        self.used_then = last.map_or(self.used.len(), |at| at + 1);
        let now = self.history.newest();
        let at_doubt = known.map_or(now, |before| before.revision);
        let unwanted = |key: &&String| {
            let mut revisions = from..=now;
            // What waits for another may never have been written.
            let is_value = |want: Want<'_>| matches!(want, Want::Value(stored, _) if references(key, &stored.value).is_empty());
            let want = |at: i64| self.history.want(version, self.mended, at, key);
            let not_always = revisions.any(|at| !is_value(want(at)));
            // What could not be judged then is not known as ours.
            let not_claimed =
                doubt.is_some() && self.history.want(version, false, at_doubt, key) == Want::AsItIs;
            forgotten && not_always || not_claimed
        };
        let all = self.there.keys().filter(|key| self.written.contains(*key));
        let orphans: Vec<String> = all.filter(unwanted).cloned().collect();
        self.orphans.extend(orphans);
    }

    /// A transaction was applied that `life` has sent in `phase`.
    pub fn committed(&mut self, life: u32, phase: Phase, ops: &[Op], answered: bool) {
        let lost = if answered { "" } else { ", its answer is lost" };
        self.note(format_args!(
            "process {life} in {phase:?}{lost}: {}",
            Shown(ops)
        ));
        if life != self.leader {
            let leader = self.leader;
            self.object(format!("process {life} writes while {leader} leads"));
        }
        self.owners_are_right(ops);
        self.addresses_go_along(ops);
        for op in ops {
            let key = text(op.key());
            if self.services.is_some() && is_of_addresses(&key) {
                continue;
            }
            match op {
                Op::Put { value, .. } | Op::PutLeased { value, .. } => {
                    match key.starts_with("/carry/") {
                        true => self.checkpointed(life, &key, value),
                        false => self.put(life, phase, key, value, answered),
                    }
                }
                Op::Delete { .. } => self.delete(key),
            }
        }
        self.addresses_went_along(ops);
    }

    fn put(&mut self, life: u32, phase: Phase, key: String, stored: &[u8], answered: bool) {
        self.writes += 1;
        self.takes(&key);
        self.ours.insert(key.clone());
        let was_free = self.freed.remove(&key);
        let value = self.as_at_source(&key, &told(&key, stored));
        if let Some(differs) = self.differs_from_source(&key, &value, stored) {
            self.object(differs);
        }
        self.waiting.remove(&key);
        let last = self.last.get(&key).copied().unwrap_or(0);
        let revisions = self.history.revisions(&key, &value);
        let selected = self.selected_at(&key, &value, last);
        match selected {
            Some((at, revision, rule)) => {
                // What others have changed is written again whenever.
                let is_again = self.mend.is_some() && self.given.get(&key) == Some(&revision);
                if !is_again && !was_free && !self.meddled.contains_key(&key) {
                    self.in_order(phase, &key, &value, rule, revision);
                }
                self.last.insert(key.clone(), at);
            }
            None if revisions.is_empty() => {
                self.object(format!(
                    "`{key}` is given a value that it never had: {value:?}"
                ));
            }
            // What was listed at a newer revision is judged under Namespaces
            // that may be older.
            None if self.compacted > 0 && revisions.iter().any(|at| *at >= last) => {
                let at = revisions.iter().find(|at| **at >= last);
                self.last.insert(key.clone(), *at.unwrap_or(&last));
            }
            None if self.selected_at(&key, &value, 0).is_none() => {
                self.object(format!("`{key}` is never selected with {value:?}"));
            }
            None => {
                self.object(format!(
                    "`{key}` goes back to {value:?}, after revision {last}"
                ));
            }
        }
        let same =
            self.there
                .get(&key)
                .is_some_and(|there| match is_service(&key) || is_object(&key) {
                    true => opened(there) == opened(stored),
                    false => self.is_value(&key, there, &value),
                });
        let excuse = (life, key.clone(), value.clone());
        if same && revisions.len() < 2 && !self.unanswered.contains(&excuse) {
            self.object(format!(
                "`{key}` has {value:?} already, and is written again"
            ));
        }
        let is_known = !self.unanswered.contains(&excuse);
        let revision = selected.map(|(_, revision, _)| revision);
        // Of a value that it has had twice, nobody knows which one was meant.
        let revision = revision.filter(|_| revisions.len() == 1);
        self.gave((life, phase), &key, revision, is_known);
        if !answered {
            self.unanswered.insert(excuse);
        }
        self.orphans.remove(&key);
        self.written.insert(key.clone());
        self.has(&key, Some(stored));
    }

    /// Whether a rule has ever selected this key: then it is ours to change.
    pub fn was_wanted(&self, key: &str) -> bool {
        (0..=self.history.newest()).any(|at| {
            let mut used = self.used.iter();
            used.any(|version| self.history.selects(*version, at, key))
        })
    }

    /// The first source revision from `last` on at which this value is wanted,
    /// when it was written, and by which rule.
    fn selected_at(&self, key: &str, value: &str, last: i64) -> Option<(i64, i64, u32)> {
        for at in last..=self.history.newest() {
            for version in self.used.iter().rev() {
                let want = self.history.want(*version, self.mended, at, key);
                if let Want::Value(stored, rule) = want
                    && stored.value == value
                {
                    return Some((at, stored.revision, rule));
                }
            }
        }
        None
    }

    /// A sequential rule's put comes before whatever came later in the source,
    /// and while the tail is followed, after whatever came earlier.
    fn in_order(&mut self, phase: Phase, key: &str, value: &str, rule: u32, from: i64) {
        // Other rules, also those that were never done, may have written, and
        // taken back, whatever they liked.
        let mut since = self.used.iter().skip(self.used_then);
        if self.used.last() != Some(&self.adopted) || since.any(|own| *own != self.adopted) {
            return;
        }
        if rule >= 2 {
            // A list that had to go on at a newer revision overtakes what was
            // listed before it.
            if self.is_in_step() && (phase == Phase::Tail || self.compacted == 0) {
                self.newest_secondary = self.newest_secondary.max(from);
            }
            return;
        }
        let is_one = self.history.revisions(key, value).len() == 1;
        if !is_one
            || value
                .split(' ')
                .any(|word| word == "later" || word == "unfit-later" || word.starts_with("of:"))
        {
            return;
        }
        if from < self.newest_secondary {
            let newest = self.newest_secondary;
            self.object(format!(
                "`{key}` of revision {from} comes after a secondary rule's write of {newest}"
            ));
        }
        if phase == Phase::Tail && self.in_doubt.is_none() && self.is_in_step() {
            self.all_before(key, from);
        }
    }

    /// Everything earlier than `revision` is applied that nothing later
    /// replaces.
    fn all_before(&mut self, barrier: &str, revision: i64) {
        let now = self.history.newest();
        for key in selectable() {
            if key == barrier || self.history.is_touched(key, revision, now) {
                continue;
            }
            if let Some(wrong) = self.differs(key, (revision, revision), None, None) {
                self.object(format!(
                    "the sequential `{barrier}` of revision {revision} is written before what was earlier: {wrong}"
                ));
            }
        }
    }

    /// Says how the destination differs from every state that is allowed for a
    /// key as of revisions `from..=to`; where `life` is given, it says so.
    fn differs(
        &self,
        key: &str,
        (from, to): (i64, i64),
        version: Option<Version>,
        life: Option<u32>,
    ) -> Option<String> {
        if self.meddled.contains_key(key) || self.waiting.contains(key) {
            return None;
        }
        // What comes after it says whether it is held.
        let newest = self.history.newest();
        if is_object(key) && self.history.is_touched(key, from + 1, newest) {
            return None;
        }
        let version = version.unwrap_or(*self.used.last()?);
        let there = self.there.get(key);
        // That it is free may not be known yet.
        if there.is_none() && self.freed.contains(key) {
            return None;
        }
        let mut wanted = Vec::new();
        for revision in from..=to {
            // What is held for now may be written as soon as it is mended.
            for mended in [false, self.mended] {
                let want = self.history.want(version, mended, revision, key);
                if let Want::Value(stored, _) = &want
                    && self.may_lack(life, key, (&stored.value, stored.revision), from)
                {
                    return None;
                }
                if self.is_so(key, there.map(Vec::as_slice), &want) {
                    return None;
                }
                // A list that had to go on at a newer revision is judged under
                // Namespaces that may be older, until the watch is there.
                let newest = self.history.newest();
                let is_newer = self.compacted > 0
                    && from < newest
                    && match there.map(|there| self.as_at_source(key, &told(key, there))) {
                        Some(there) => self.history.has_since(key, &there, revision),
                        // Those do not select it yet.
                        None => {
                            namespace_of(key).is_some()
                                && self.history.is_touched(key, from + 1, newest)
                        }
                    };
                if is_newer {
                    return None;
                }
                wanted.push(want);
            }
        }
        wanted.dedup();
        let there = there.map(|there| text(there));
        Some(format!("`{key}` has {there:?}, wanted is {wanted:?}"))
    }

    fn is_so(&self, key: &str, there: Option<&[u8]>, want: &Want<'_>) -> bool {
        match (want, there) {
            (Want::AsItIs, _) | (Want::Nothing, None) => true,
            _ if self.is_kept(key) => true,
            (Want::Value(stored, _), Some(there)) => self.is_value(key, there, &stored.value),
            (Want::Nothing, Some(there)) => {
                let foreign = self.foreign.get(key).map(Vec::as_slice);
                foreign == Some(there) && !self.written.contains(key)
                    || self.orphans.contains(key)
                    || self.strangers.is_borrowed(key)
            }
            (Want::Value(..), None) => false,
        }
    }

    fn delete(&mut self, key: String) {
        self.gives_back(&key);
        self.ours.remove(&key);
        self.given.remove(&key);
        self.meddled.remove(&key);
        self.waiting.remove(&key);
        if !self.has(&key, None) {
            return;
        }
        self.writes += 1;
        self.orphans.remove(&key);
        if !self.written.contains(&key) && !self.was_wanted(&key) {
            self.object(format!("`{key}` is another's, and is deleted"));
        }
        let last = self.last.get(&key).copied().unwrap_or(0);
        let now = self.history.newest();
        let unwanted = |revision: &i64| {
            self.used.iter().any(|version| {
                [false, self.mended].iter().any(|mended| {
                    self.history.want(*version, *mended, *revision, &key) == Want::Nothing
                })
            })
        };
        // What was listed at a newer revision is judged under Namespaces that
        // may be older.
        let lenient = namespace_of(&key).is_some() && self.compacted > 0;
        let since = match lenient {
            true => Some(last),
            false => (last..=now).find(unwanted),
        };
        match since {
            Some(revision) => drop(self.last.insert(key, revision)),
            None => self.object(format!(
                "`{key}` is deleted, and was wanted ever since {last}"
            )),
        }
    }

    fn checkpointed(&mut self, life: u32, key: &str, value: &[u8]) {
        let Ok(checkpoint) = serde_json::from_slice::<Checkpoint>(value) else {
            self.object(format!("`{key}` is no checkpoint"));
            return;
        };
        // The ledger that goes with the last one is another from now on.
        let known = self.checkpoint.as_ref().map(|known| Checkpoint {
            ledger: checkpoint.ledger.clone(),
            ..known.clone()
        });
        if known.as_ref() == Some(&checkpoint) {
            self.checkpoint = known;
            return;
        }
        let digest = &checkpoint.rules_digest;
        let version = self
            .versions
            .iter()
            .find(|version| version.digest() == *digest);
        if let (true, Some(version)) = (checkpoint.bootstrapped, version.copied()) {
            let (from, to) = (checkpoint.revision, self.history.newest());
            self.adopt(life, version, from);
            for key in selectable().chain(FOREIGN) {
                if let Some(wrong) = self.differs(key, (from, to), Some(version), Some(life)) {
                    self.object(format!("the checkpoint says {from}, but {wrong}"));
                }
            }
        }
        self.checkpoint = Some(checkpoint);
    }

    /// Who leads.
    pub fn leader(&self) -> u32 {
        self.leader
    }

    /// Whether the destination has anything else than what was seen coming.
    pub fn differs_from(&self, contents: &BTreeMap<Vec<u8>, Vec<u8>>) -> Option<String> {
        let contents = contents
            .iter()
            .map(|(key, value)| (text(key), value.clone()));
        let contents: BTreeMap<String, Vec<u8>> = contents
            .filter(|(key, _)| !key.starts_with("/carry/"))
            .collect();
        let same = contents == self.there;
        (!same).then(|| {
            format!(
                "the destination has {contents:?}, seen was {:?}",
                self.there
            )
        })
    }

    /// Whether the checkpoint says that all is done.
    pub fn is_done(&self, version: Version) -> bool {
        self.checkpoint.as_ref().is_some_and(|checkpoint| {
            checkpoint.bootstrapped
                && checkpoint.revision == self.history.newest()
                && checkpoint.rules_digest == version.digest()
        })
    }

    /// What is not as it has to be once all is done; where it is known what is
    /// told to be held, that too.
    pub fn wrong(&self, version: Version, said: Option<&Said>) -> Option<String> {
        let now = self.history.newest();
        let mut wanted = Vec::new();
        for key in selectable().chain(FOREIGN) {
            let want = self.history.want(version, self.mended, now, key);
            let there = self.there.get(key).map(Vec::as_slice);
            let is_left = self.is_left_so(key, &want);
            let is_so = self.is_so(key, there, &want);
            let obstructed = !is_left && self.is_obstructed(key, &want);
            let starves = !is_left && self.starves(key, there, &want) || obstructed && !is_so;
            let owned = self.is_owned(key, &want);
            if owned
                && !is_left
                && let Some(wrong) = self.owned_wrongly(key, &want, said)
            {
                return Some(wrong);
            }
            if !starves && !owned && !is_left && !is_so {
                let there = there.map(text);
                return Some(format!(
                    "`{key}` has {there:?} in the end, wanted is {want:?}"
                ));
            }
            // What cannot be judged may be found to be another's first.
            if let Some(Said { held, .. }) = said
                && !self.is_kept(key)
                && !owned
                // Nobody looks whether the destination has what cannot be written.
                && !(obstructed && is_so)
                && !(want == Want::AsItIs && self.may_be_left_out(key))
                && (starves || want == Want::AsItIs) != held.contains(key)
            {
                let is = if held.contains(key) { "is" } else { "is not" };
                return Some(format!("`{key}` {is} told to be held, wanted is {want:?}"));
            }
            if let Some(said) = said
                && self.is_wrongly_kept(key, &want, said)
            {
                let is = if said.kept.contains(key) {
                    "is"
                } else {
                    "is not"
                };
                let there = there.map(text);
                return Some(format!(
                    "`{key}` {is} told to be another's, wanted is {want:?}, there is {there:?}"
                ));
            }
            wanted.push((key, want));
        }
        let drifts = self.drifting(&wanted);
        let drifting = &said?.drifting;
        (!drifting.iter().eq(&drifts))
            .then(|| format!("{drifting:?} are told to drift, and {drifts:?} do"))
    }

    /// Whether there is nothing left for a Service.
    fn starves(&self, key: &str, there: Option<&[u8]>, want: &Want<'_>) -> bool {
        match want {
            Want::Value(stored, _) if !self.is_kept(key) => {
                there.is_none_or(|there| told(key, there) != stored.value)
                    && self.is_starved(key, &stored.value)
            }
            _ => false,
        }
    }

    /// Whether what another has made of it stays.
    fn is_left_so(&self, key: &str, want: &Want<'_>) -> bool {
        matches!(want, Want::Value(stored, _) if self.is_left(key, stored.revision))
    }

    fn differs_from_source(&self, key: &str, words: &str, stored: &[u8]) -> Option<String> {
        match key {
            _ if is_service(key) => self.service_differs(key, words, stored),
            _ if is_object(key) => self.object_differs(key, words, stored),
            _ => None,
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

struct Shown<'a>(&'a [Op]);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, op) in self.0.iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            match op {
                Op::Put { key, value } | Op::PutLeased { key, value, .. } => {
                    let (key, value) =
                        (String::from_utf8_lossy(key), String::from_utf8_lossy(value));
                    write!(f, "{comma}{key}={value}")?;
                }
                Op::Delete { key } => write!(f, "{comma}-{}", String::from_utf8_lossy(key))?,
            }
        }
        Ok(())
    }
}
