//! What values become at a destination that has what it has: a map stands in
//! for it, and answers every look.

mod definitions;
mod owners;
mod whole;

use std::collections::BTreeMap;
use std::sync::Arc;

use carry::k8s::Transferred;
use carry::rules::RuleId;
use carry::rules::decide::{Judge, KeyRange};
use carry::rules::landing::{Guard, Obstacle, Seen, StoredObjects, There};
use carry::rules::outgoing::{OutgoingScratch, Unfit};
use carry::rules::policy::Policy;
use serde_json::Value;

const EVERYTHING: &str = "policies: {systemObjects: mirror, controlledObjects: mirror, persistentVolumes: retain, services: keep}\nfilters:\n  secondary:\n    - name: all\n      group: \"*\"\n";

fn with_owners(owners: &str) -> String {
    EVERYTHING.replacen('{', &format!("{{owners: {owners}, "), 1)
}

/// A destination.
#[derive(Default)]
pub struct World {
    items: BTreeMap<Vec<u8>, There>,
    revision: i64,
    live: bool,
}

/// What has come of a value.
#[derive(Debug)]
pub struct Landed {
    pub bytes: Vec<u8>,
    /// The fields that are said to be changed.
    fields: Vec<(Policy, String)>,
    guards: Vec<Guard>,
    /// How often the destination was looked at.
    looks: usize,
}

impl World {
    pub fn put(&mut self, key: &str, value: &[u8]) {
        self.revision += 1;
        let revision = self.revision;
        let before = self.items.get(key.as_bytes());
        let there = There {
            value: value.to_vec(),
            create_revision: before.map_or(revision, |there| there.create_revision),
            mod_revision: revision,
        };
        self.items.insert(key.as_bytes().to_vec(), there);
    }

    fn delete(&mut self, key: &str) {
        self.revision += 1;
        self.items.remove(key.as_bytes());
    }

    fn value(&self, key: &str) -> &[u8] {
        &self.items[key.as_bytes()].value
    }

    fn within<'w>(&'w self, range: &KeyRange) -> impl Iterator<Item = (&'w [u8], &'w There)> {
        let all = self.items.range(range.start.clone()..range.end.clone());
        all.map(|(key, there)| (key.as_slice(), there))
    }

    fn seen(&self) -> Seen {
        let mut seen = Seen::default();
        seen.live = self.live;
        seen
    }

    /// Looks until there is a result.
    pub fn land(&self, judge: &Judge, key: &str, value: &[u8]) -> Result<Landed, Obstacle> {
        self.land_with(judge, key, value, self.seen())
    }

    fn land_with(
        &self,
        judge: &Judge,
        key: &str,
        value: &[u8],
        mut seen: Seen,
    ) -> Result<Landed, Obstacle> {
        let mut scratch = OutgoingScratch::default();
        for looks in 0.. {
            assert!(looks < 8, "{key}: it never ends");
            let rule = Some(RuleId(0));
            match judge.landing(key.as_bytes(), value, rule, &seen, &mut scratch) {
                Err(Obstacle::Look(keys)) => {
                    for key in keys {
                        assert!(seen.get(&key).is_none(), "it has been looked at");
                        let there = self.items.get(&key).cloned();
                        seen.set(key, there);
                    }
                }
                Err(Obstacle::LookAtCrds) => {
                    let table = judge.crd_table(self.within(&judge.crd_range()));
                    seen.set_crds(Arc::new(table), true);
                }
                Err(Obstacle::LookAtObjects { key, range }) => {
                    let mut objects = StoredObjects::seen_from(self.revision);
                    for (key, there) in self.within(&range) {
                        judge.add_stored(&mut objects, key, &there.value);
                    }
                    seen.set_objects(key, objects);
                }
                Err(Obstacle::LookAtAddresses) => {
                    let ranges = judge.address_ranges();
                    let all = ranges.iter().flat_map(|range| self.within(range));
                    let addresses = judge.addresses(all);
                    seen.set_addresses(Some(Arc::new(addresses)));
                }
                Err(other) => return Err(other),
                Ok(landing) => {
                    let outgoing = landing.outgoing;
                    let fields = outgoing.rewritings.iter();
                    let fields = fields.map(|own| (own.policy, own.path.to_string()));
                    for guard in &landing.guards {
                        assert!(self.holds(guard), "{key}: {guard:?}");
                    }
                    return Ok(Landed {
                        fields: fields.collect(),
                        bytes: match outgoing.value {
                            Transferred::AsItIs => value.to_vec(),
                            Transferred::Sealed { value, .. } => value.to_vec(),
                        },
                        guards: landing.guards,
                        looks,
                    });
                }
            }
        }
        unreachable!("the loop ends by itself")
    }

    fn holds(&self, guard: &Guard) -> bool {
        match guard {
            Guard::Absent(key) => !self.items.contains_key(key),
            Guard::Unchanged { key, mod_revision } => {
                let there = self.items.get(key);
                there.is_some_and(|there| there.mod_revision == *mod_revision)
            }
            Guard::Lives {
                key,
                create_revision,
            } => {
                let there = self.items.get(key);
                there.is_some_and(|there| there.create_revision == *create_revision)
            }
            Guard::NoneNewer { range, revision } => {
                let mut all = self.within(range);
                all.all(|(_, there)| there.mod_revision <= *revision)
            }
        }
    }

    /// Why it is held, and for which key it waits.
    fn held(&self, judge: &Judge, key: &str, value: &[u8]) -> (String, Option<String>) {
        match self.land(judge, key, value) {
            Err(Obstacle::Unfit(Unfit { reason, awaits, .. })) => {
                let awaits = awaits.map(|key| String::from_utf8(key).expect("a key"));
                (reason, awaits)
            }
            other => panic!("{key}: {other:?}"),
        }
    }

    /// Looks, and writes.
    fn write(&mut self, judge: &Judge, key: &str, value: &[u8]) -> Landed {
        let landed = self.land(judge, key, value);
        let landed = landed.unwrap_or_else(|obstacle| panic!("{key}: {obstacle:?}"));
        self.put(key, &landed.bytes);
        landed
    }

    /// Whether nothing has to be written.
    fn has(&self, judge: &Judge, key: &str, value: &[u8]) -> bool {
        let mut scratch = OutgoingScratch::default();
        let there = self.value(key);
        judge.is_there(key.as_bytes(), value, there, Some(RuleId(0)), &mut scratch)
    }
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}
