//! What becomes of one key: the decision that `run` acts on and `explain`
//! shows.
//!
//! Promises that a key that cannot be judged is held, never written or
//! deleted. Deliberately knows nothing of where keys come from or go to.

use std::sync::Arc;

use arc_swap::ArcSwap;
use zeroize::Zeroizing;

use crate::k8s::{Key, Keyring, Record, key::is_cluster_local};

use super::evaluate::Evaluator;
use super::keys::{COMPACTION, OWN};
use super::namespaces::{Known, Namespaces, View};
use super::plan::Plan;
use super::rule_set::RuleId;
use super::slots::SlotSource;

pub use super::evaluate::Scratch;
pub use super::key_map::KeyMap;
pub use super::key_range::KeyRange;
pub use super::keyrings::Keyrings;
pub use super::plan::Stage;
pub use super::selection::{Decision, DeleteReason, Event, Selection, SkipReason};

/// The compiled plan with the keys to read and write values: decides about
/// keys. To be shared between tasks.
#[derive(Debug)]
pub struct Judge {
    plan: Plan,
    /// Shared with the judges that come after this one.
    keyrings: Arc<ArcSwap<Keyrings>>,
    key_map: KeyMap,
    mirror: Arc<str>,
}

/// The name of a mirror that was given none.
const UNNAMED: &str = "default";

impl Judge {
    /// A judge by `plan`, over values that `keyring` decrypts at either side,
    /// under the same keys.
    pub fn new(plan: Plan, keyring: Keyring) -> Judge {
        let prefix = plan.prefix().to_owned();
        Judge::between(plan, Keyrings::alike(keyring), &prefix)
    }

    /// A judge by `plan`, where the destination has its own encryption and its
    /// own prefix of all Kubernetes keys.
    pub fn between(plan: Plan, keyrings: Keyrings, destination_prefix: &str) -> Judge {
        let key_map = KeyMap::new(plan.prefix(), destination_prefix);
        Judge {
            plan,
            keyrings: Arc::new(ArcSwap::from_pointee(keyrings)),
            key_map,
            mirror: UNNAMED.into(),
        }
    }

    /// The same for the mirror of this name: what it changes at the destination
    /// is marked with it.
    pub fn of_mirror(self, name: &str) -> Judge {
        Judge {
            mirror: name.into(),
            ..self
        }
    }

    /// The mirror's name.
    pub(super) fn mirror(&self) -> &str {
        &self.mirror
    }

    /// The same by another plan over the same key prefix: what is said to one
    /// of them about keys to read and write values holds for both.
    pub fn with_plan(&self, plan: Plan) -> Judge {
        Judge {
            plan,
            keyrings: self.keyrings.clone(),
            key_map: self.key_map.clone(),
            mirror: self.mirror.clone(),
        }
    }

    /// The plan, for another judge.
    pub fn into_plan(self) -> Plan {
        self.plan
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The keys of either side, as they are now.
    pub fn keyrings(&self) -> Arc<Keyrings> {
        self.keyrings.load_full()
    }

    /// From now on values are read and written with these.
    pub fn set_keyrings(&self, keyrings: Keyrings) {
        self.keyrings.store(Arc::new(keyrings));
    }

    /// Where the destination has the source's keys.
    pub fn key_map(&self) -> &KeyMap {
        &self.key_map
    }

    /// Decides about one event. Never fails: what cannot be judged is held.
    pub fn decide(
        &self,
        event: &Event<'_>,
        namespaces: &Namespaces,
        scratch: &mut Scratch,
    ) -> Decision {
        let place = self.place(event.key);
        let plain = place == Err(SkipReason::Outside) && self.is_outside_kubernetes(event.key);
        let place = match place.is_ok() || plain {
            true => self.barred(event).map_or(place, Err),
            false => place,
        };
        let selection = match (place, event.value) {
            (Err(SkipReason::Outside), None) if plain => Selection::Not(SkipReason::Gone),
            (Err(SkipReason::Outside), Some(value)) if plain => self
                .evaluator_of(event.leased)
                .evaluate_plain(event.key, value),
            (Err(reason), _) => Selection::Not(reason),
            (Ok(_), None) => Selection::Not(SkipReason::Gone),
            (Ok(place), Some(value)) => {
                let evaluator = self.evaluator_of(event.leased);
                evaluator.evaluate(&place, event.key, value, namespaces, scratch)
            }
        };
        match selection {
            Selection::Selected(rule) => Decision::Put { rule },
            Selection::Unknown {
                rule,
                reason,
                transient,
            } => Decision::Hold {
                rule,
                reason,
                transient,
            },
            Selection::Not(SkipReason::KeptOut(policy)) if event.owned => Decision::Disown(policy),
            Selection::Not(_) if event.owned => Decision::Delete(match event.value {
                None => DeleteReason::Gone,
                Some(_) => DeleteReason::Unselected,
            }),
            Selection::Not(reason) => Decision::Skip(reason),
        }
    }

    /// What keeps a key under the prefix from being mirrored, whatever the
    /// rules say.
    pub(super) fn barred(&self, event: &Event<'_>) -> Option<SkipReason> {
        if is_cluster_local(self.plan.prefix(), event.key) {
            return Some(SkipReason::ClusterLocal);
        }
        let leased = event.leased && event.value.is_some();
        (leased && !self.plan.mirrors_leases()).then_some(SkipReason::Leased)
    }

    pub(super) fn evaluator(&self) -> Evaluator<'_> {
        self.evaluator_of(false)
    }

    pub(super) fn evaluator_of(&self, leased: bool) -> Evaluator<'_> {
        Evaluator {
            plan: &self.plan,
            keyrings: &self.keyrings,
            leased,
            policies: true,
        }
    }

    /// Whether any rule selects keys that are attached to an etcd lease.
    pub fn mirrors_leases(&self) -> bool {
        self.plan.mirrors_leases()
    }

    /// What the rules alone say of a value, whatever else keeps its key from
    /// being mirrored: policies, leases, to which cluster it belongs.
    pub fn select(
        &self,
        key: &[u8],
        value: &[u8],
        namespaces: &Namespaces,
        scratch: &mut Scratch,
    ) -> Selection {
        match self.place(key) {
            Err(_) if self.is_outside_kubernetes(key) => {
                self.evaluator().evaluate_plain(key, value)
            }
            Err(reason) => Selection::Not(reason),
            Ok(place) => {
                let evaluator = Evaluator {
                    policies: false,
                    ..self.evaluator()
                };
                evaluator.evaluate(&place, key, value, namespaces, scratch)
            }
        }
    }

    /// Whether rules over keys outside of Kubernetes may apply to it: it is
    /// neither under the key prefix of either side nor one of carry's own.
    pub fn is_outside_kubernetes(&self, key: &[u8]) -> bool {
        let map = &self.key_map;
        self.plan.has_key_rules()
            && !key.starts_with(OWN.as_bytes())
            && !key.starts_with(COMPACTION.as_bytes())
            && !key.starts_with(map.source_prefix().as_bytes())
            && !key.starts_with(map.destination_prefix().as_bytes())
    }

    /// The key, parsed, where rules may apply to it at all.
    pub(super) fn place<'a>(&self, key: &'a [u8]) -> Result<Key<'a>, SkipReason> {
        let prefix = self.plan.prefix();
        let inside = key
            .strip_prefix(prefix.as_bytes())
            .is_some_and(|rest| rest.first() == Some(&b'/'));
        if !inside || key.starts_with(OWN.as_bytes()) {
            return Err(SkipReason::Outside);
        }
        Key::parse(prefix, key).map_err(|_| SkipReason::NoCandidate)
    }

    /// The name of the Namespace whose object `key` holds, if it does.
    pub fn namespace_of_key<'a>(&self, key: &'a [u8]) -> Option<&'a str> {
        let rest = key.strip_prefix(self.plan.prefix().as_bytes())?;
        let name = rest.strip_prefix(b"/namespaces/")?;
        std::str::from_utf8(name)
            .ok()
            .filter(|name| !name.is_empty() && !name.contains('/'))
    }

    /// What the stored bytes of a Namespace say.
    pub fn namespace_view(&self, key: &[u8], value: &[u8]) -> View {
        let mut plain = Zeroizing::default();
        let keyrings = self.keyrings.load();
        let source = &keyrings.source;
        let opened = source.open("", "namespaces", key, value, &mut plain);
        let record = opened.as_ref().ok();
        let record = record.and_then(|opened| Record::parse(opened.plain).ok());
        let Some(labels) = record.and_then(|record| record.labels().ok()) else {
            return View::Unreadable;
        };
        let labels = labels.iter();
        let labels: Vec<(Box<str>, Box<str>)> = labels
            .map(|(key, value)| (key.as_ref().into(), value.as_ref().into()))
            .collect();
        let known = Known::from(labels);
        View::Present(match opened {
            Ok(opened) if self.plan.reads_namespace_fields() => known.with_object(opened.plain),
            _ => known,
        })
    }

    /// The ranges that must be judged again when the labels of the Namespace
    /// `name` change from `before` to `after`: empty unless the verdict of a
    /// `namespaceSelectors` flips, or something that a `when` reads of it
    /// changes. Only that namespace's keys, where the key
    /// layout allows to tell.
    pub fn flipped_by(&self, name: &str, before: &View, after: &View) -> Vec<KeyRange> {
        let reads =
            |rule: &&super::compiled::CompiledRule| rule.sources.iter().any(SlotSource::may_fault);
        let ranges = self.plan.rules().iter().filter(reads).filter_map(|rule| {
            let gate = rule.gate.as_ref();
            let verdict = |view| gate.map(|gate| gate.verdict(name, view));
            let flips = verdict(before) != verdict(after)
                || rule.when_reads_namespace && rule.sees_another_namespace(before, after);
            flips.then(|| rule.reach.ranges(self.plan.prefix(), Some(name)))
        });
        super::key_range::normalize(ranges.flatten().collect())
    }

    /// The stages of a bootstrap, in order: each sequential rule by itself,
    /// then all secondary rules together.
    pub fn stages(&self) -> &[Stage] {
        self.plan.stages()
    }

    /// Whether any rule looks at labels of Namespaces.
    pub fn reads_namespaces(&self) -> bool {
        self.plan.reads_namespaces()
    }

    /// The range of the Namespace objects' keys (`<prefix>/namespaces/`).
    pub fn namespace_range(&self) -> KeyRange {
        self.plan.namespace_range()
    }

    /// Every range that any rule can select from: sorted, disjoint.
    pub fn ranges(&self) -> &[KeyRange] {
        self.plan.ranges()
    }

    /// The name of a rule, for metrics and messages.
    pub fn rule_name(&self, rule: RuleId) -> &str {
        self.plan.rule_name(rule)
    }

    /// The stage in which `rule`'s keys are applied: an index into `stages`.
    pub fn stage_of(&self, rule: RuleId) -> usize {
        self.plan.stage_of(rule)
    }

    /// A digest (16 hexadecimal digits) of what the rules file means: the same
    /// for files that differ in comments and layout alone.
    pub fn digest(&self) -> &str {
        self.plan.digest()
    }
}
