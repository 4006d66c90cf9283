//! What becomes of a value by what the destination has, where nobody has
//! looked: in words.
//!
//! Promises to name each policy that may then act. Deliberately says nothing of
//! addresses, which need not be asked for one by one.

use crate::rules::as_there::is_definition;
use crate::rules::decide::Judge;
use crate::rules::owner_references::references;
use crate::rules::policy::{Kept, Owners};
use crate::rules::rule_set::RuleId;

use super::tokens::account;

impl Judge {
    /// What the destination has a say in, of the `value` that `rule` selects;
    /// nothing of what cannot be read. May wait for a KMS plugin.
    pub fn depends(&self, key: &[u8], value: &[u8], rule: RuleId) -> Vec<String> {
        let policies = self.policies(Some(rule));
        let found = self.with_record(key, value, |place, record, _| {
            let mut found = Vec::new();
            if is_definition(place) {
                found.push("its conditions and accepted names are the destination's to say, and versions that the destination has stored stay: policy `definitions`".to_owned());
            }
            if references(record).is_ok_and(|owners| !owners.is_empty()) {
                let what = match policies.owners {
                    Owners::Hold => "it is held until the destination has all its owners, with their uids: `owners: hold`",
                    Owners::Strip => "references to owners that the destination does not have, with their uids, are taken away: `owners: strip`",
                    Owners::Skip => "it is left out until the destination has all its owners, with their uids: `owners: skip`",
                };
                found.push(what.to_owned());
            }
            if policies.system_objects == Kept::Skip
                && let Some(account) = account(place, record)
            {
                found.push(format!(
                    "it is left out until the destination has its ServiceAccount `{}`, with the uid that it names: `systemObjects: skip`",
                    account.name
                ));
            }
            Ok(found)
        });
        found.unwrap_or_default()
    }
}
