//! What others have in carry's way goes away, and what must become of the key
//! then.

use carry::destination::Op;

use super::life::Said;
use super::model::Want;
use super::scenario::KEYS;
use super::services::{self, SERVICES, is_service};
use super::stage::Stage;
use super::witness::Witness;

/// Another client deletes something of its own under a key that the source may
/// have.
pub fn free(stage: &Stage, pick: usize) {
    let Some(key) = stage.witness().obstacle(pick) else {
        return;
    };
    stage.witness().freed.insert(key.clone());
    match is_service(&key) && stage.settings.services.is_some_and(|own| !own.keep) {
        true => services::delete(stage, &key),
        false => {
            stage.destination.delete(key.as_bytes());
            stage.witness().left(&key);
        }
    }
}

impl Witness {
    /// One of the keys that are another's, and that the source may have.
    fn obstacle(&self, pick: usize) -> Option<String> {
        let mut all: Vec<&str> = KEYS.into_iter().chain(SERVICES).collect();
        all.retain(|key| self.contents().contains_key(*key) && !self.is_ours(key));
        let place = pick.checked_rem(all.len())?;
        Some(all[place].to_owned())
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
            (true, Want::Value(..)) => !kept && !said.held.contains(key),
            (_, Want::Nothing) | (false, _) => kept,
        }
    }
}
