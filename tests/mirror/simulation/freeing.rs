//! What others have in carry's way goes away, and what must become of the key
//! then.

use carry::destination::Op;
use carry::rules::policy::OnConflict;

use super::dice::Dice;
use super::drift::{self, Meddling};
use super::life::{Life, Said};
use super::model::Want;
use super::scenario::{KEYS, selectable};
use super::services::{self, is_service};
use super::stage::Stage;
use super::witness::Witness;

/// Another client deletes something of its own under a key that the source may
/// have.
pub fn free(stage: &Stage, pick: usize) {
    let obstacle = stage.witness().obstacle(pick);
    if let Some(key) = obstacle {
        remove(stage, &key);
    }
}

/// Another client deletes what it has there.
pub fn remove(stage: &Stage, key: &str) {
    stage.witness().frees(key);
    match is_service(key) && stage.settings.services.is_some_and(|own| !own.keep) {
        true => services::delete(stage, key),
        false => {
            stage.destination.delete(key.as_bytes());
            stage.witness().left(key);
        }
    }
}

/// Another client acts on a key right after carry has looked at it; or what
/// carry does about it then is cut off, and the source deletes the key.
pub fn ambush(stage: &Stage, life: &Life, key: &[u8]) {
    let settings = &stage.settings;
    let Some(key) = KEYS.into_iter().find(|own| own.as_bytes() == key) else {
        return;
    };
    if stage.is_calm() || !stage.roll(|dice| dice.chance(settings.ambushes)) {
        return;
    }
    let (is_taken, is_anothers) = {
        let witness = stage.witness();
        (witness.is_taken(key), witness.is_anothers(key))
    };
    let (what, after) = stage.roll(|dice| (dice.below(4), dice.between(0, 3)));
    if is_anothers && what > 1 && stage.roll(|dice| dice.chance(50)) {
        stage.doom(key);
    }
    match what {
        2 if is_anothers => life.dies_soon(after + 1),
        3 if is_anothers => stage.loses_answer_after(after % 2),
        _ if is_anothers && settings.frees => remove(stage, key),
        _ if is_taken && !is_anothers && settings.mend.is_some() => {
            drift::meddle(stage, &Meddling { key, value: None });
        }
        // Where that ends carry, it would never get far.
        _ if !is_taken && settings.frees && !settings.stops() => {
            let value = format!("foreign {}", stage.roll(Dice::next));
            stage.destination.put(key.as_bytes(), value.as_bytes());
            stage.witness().wrote_foreign(key, value.as_bytes());
        }
        _ => {}
    }
}

impl Witness {
    /// One of the keys that are another's, and that the source may have.
    fn obstacle(&self, pick: usize) -> Option<String> {
        let mut all: Vec<&str> = selectable().collect();
        all.retain(|key| self.is_anothers(key));
        let place = pick.checked_rem(all.len())?;
        Some(all[place].to_owned())
    }

    /// Until carry knows that a key is free that it leaves to others, it need
    /// not write there.
    fn frees(&mut self, key: &str) {
        if self.strangers.policy == OnConflict::Keep {
            self.freed.insert(key.to_owned());
        }
    }

    /// Another has deleted its own.
    fn left(&mut self, key: &str) {
        let op = Op::Delete {
            key: key.as_bytes().to_vec(),
        };
        self.note_elsewhere("another", &[op]);
        self.elsewhere(key, None, true);
    }

    /// Whether what is said of who has a key is wrong.
    pub fn is_wrongly_kept(&self, key: &str, want: &Want<'_>, said: &Said) -> bool {
        let kept = said.kept.contains(key);
        match (self.is_kept(key), want) {
            // What cannot be judged may be known to be another's from before.
            (true, Want::AsItIs) => false,
            // What waits is not looked at further.
            (true, Want::Value(stored, _)) => {
                let waits = said.held.contains(key) || self.waits_unheld(key, &stored.value, said);
                !kept && !waits
            }
            (_, Want::Nothing) | (false, _) => kept,
        }
    }
}
