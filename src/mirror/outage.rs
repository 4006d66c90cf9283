//! Errors that several tasks meet at once, as where an etcd cannot be reached.
//!
//! Promises that of the tasks of this process that meet the same at the same
//! time one tells it aloud, the others to who debugs. Deliberately decides
//! nothing: what is done about an error is `retry`'s.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::etcd::EtcdError;

/// What is met now, and by how many tasks.
static MET: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

/// That a task has met an error, until it is dropped.
#[derive(Debug)]
pub struct Met {
    same: String,
    is_first: bool,
}

impl Met {
    /// Tells that `what` failed and is tried again, unless another task has
    /// told the same.
    pub fn with(error: &EtcdError, what: &str) -> Met {
        let line = format!("{what}: {error}; trying again");
        let same = match error {
            // It names who cannot be reached: whatever for, it is one outage.
            EtcdError::Unreachable(_) => error.to_string(),
            _ => line.clone(),
        };
        let mut met = met();
        let tasks = met.entry(same.clone()).or_default();
        *tasks += 1;
        let is_first = *tasks == 1;
        match is_first {
            true => tracing::warn!("{line}"),
            false => tracing::debug!("{line}"),
        }
        Met { same, is_first }
    }

    /// Tells that it is over, to those who were told that it began.
    pub fn over(self, line: &str) {
        match self.is_first {
            true => tracing::info!("{line}"),
            false => tracing::debug!("{line}"),
        }
    }
}

impl Drop for Met {
    fn drop(&mut self) {
        let mut met = met();
        if let Some(tasks) = met.get_mut(&self.same) {
            *tasks -= 1;
            if *tasks == 0 {
                met.remove(&self.same);
            }
        }
    }
}

fn met() -> MutexGuard<'static, BTreeMap<String, usize>> {
    MET.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_those_who_meet_it_at_once_tells_it() {
        let gone = EtcdError::Unreachable("`http://one-outage:2379`: nothing listens".to_owned());
        let first = Met::with(&gone, "writing");
        let second = Met::with(&gone, "reading");
        assert!(first.is_first && !second.is_first);
        // It goes on while anybody meets it.
        drop(first);
        let third = Met::with(&gone, "writing");
        assert!(!third.is_first);
        drop((second, third));
        assert!(Met::with(&gone, "reading").is_first);
    }

    #[test]
    fn what_names_nobody_is_the_same_only_where_the_same_failed() {
        let late = EtcdError::Timeout("what names nobody".to_owned());
        let one = Met::with(&late, "writing");
        let other = Met::with(&late, "reading");
        let again = Met::with(&late, "reading");
        assert!(one.is_first && other.is_first && !again.is_first);
    }
}
