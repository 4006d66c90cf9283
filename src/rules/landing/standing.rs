//! What policies have changed in what the destination has already.
//!
//! Promises to name the fields in which a value that counts as there
//! ([`Judge::is_there`]) differs from the source's. Deliberately asks for no
//! look: the two values say it.

use super::opened;
use crate::k8s::{Key, Record};
use crate::rules::as_there::AsThere;
use crate::rules::decide::Judge;
use crate::rules::outgoing::{OutgoingScratch, Rewriting, Unfit};
use crate::rules::rule_set::RuleId;

impl Judge {
    /// What policies have changed in the source's `value` on its way to what the
    /// destination has, `there`. May wait for a KMS plugin.
    ///
    /// # Errors
    ///
    /// Why one of them cannot be read.
    pub fn standing(
        &self,
        key: &[u8],
        value: &[u8],
        there: &[u8],
        rule: RuleId,
        scratch: &mut OutgoingScratch,
    ) -> Result<Vec<Rewriting>, Unfit> {
        let (keyrings, rule) = (self.keyrings(), Some(rule));
        let staying = self.staying(&keyrings, (key, value), there, rule);
        let more = |place: &Key<'_>, record: &Record<'_>| -> Result<_, Unfit> {
            let as_there = AsThere::of(place, self.policies(rule));
            let otherwise = opened(self, &keyrings, key, there, |there| {
                Ok(as_there.otherwise(record, there))
            });
            let mut all = otherwise?;
            all.extend(staying);
            Ok(all)
        };
        let outgoing =
            self.transfer::<Unfit>(&keyrings, (key, value), rule, more, &mut scratch.buffers);
        outgoing.map(|outgoing| outgoing.rewritings)
    }
}
