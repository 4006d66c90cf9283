//! Which policy acts on which of the keys that wait: so that it is counted once.
//!
//! Promises to know it from session to session, up to as many keys as are
//! remembered by name; of more it says each time that it is new. Deliberately
//! knows no reasons.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::held::MAX_NAMED;
use crate::rules::policy::Policy;

/// Keys that are held, left out or kept by a policy. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Acting(Arc<Mutex<BTreeMap<Vec<u8>, Policy>>>);

impl Acting {
    /// The policy acts on a key; whether it did not do so already.
    pub fn begin(&self, key: &[u8], policy: Policy) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_NAMED && !all.contains_key(key) {
            return true;
        }
        all.insert(key.to_vec(), policy) != Some(policy)
    }

    /// The key was judged otherwise, or has another value.
    pub fn end(&self, key: &[u8]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_begins_once_until_it_ends() {
        let acting = Acting::default();
        let begins: Vec<bool> = [Policy::Owners, Policy::Owners, Policy::OnConflict]
            .map(|policy| acting.clone().begin(b"a", policy))
            .into();
        assert_eq!(begins, [true, false, true]);
        acting.end(b"b");
        assert!(!acting.begin(b"a", Policy::OnConflict));
        acting.end(b"a");
        assert!(acting.begin(b"a", Policy::OnConflict));
        for number in 0..=MAX_NAMED {
            assert!(acting.begin(number.to_string().as_bytes(), Policy::Owners));
        }
        let last = MAX_NAMED.to_string();
        assert!(acting.begin(last.as_bytes(), Policy::Owners));
        assert!(!acting.begin(b"0", Policy::Owners));
    }
}
