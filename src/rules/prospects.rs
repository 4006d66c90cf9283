//! What a key alone says of each rule: whether it could select an object there,
//! and if not, why not.
//!
//! Promises that a rule that is said not to can select nothing under the key.
//! Deliberately reads no value; `trace` does.

use crate::k8s::Key;
use crate::lang::Verdict;
use crate::lang::hir::NodeKind;

use super::compiled::CompiledRule;
use super::decide::Judge;
use super::namespaces::{Namespaces, View};
use super::slots::SlotSource;

/// Why a rule can select nothing under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bar {
    /// It is for other resources.
    Resource,
    /// It is for other keys, outside of Kubernetes.
    Keys,
    /// It selects from these namespaces only.
    Namespaces(Vec<String>),
    /// It selects from namespaces, and the key is that of no object in one.
    NoNamespace,
    /// It wants another namespace than this one, or other labels of it.
    NamespaceLabels(String),
    /// It looks at the Namespace of this name, which is not there.
    NoSuchNamespace(String),
    /// It selects objects of these names only.
    Names(Vec<String>),
}

/// What a key says of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prospect {
    /// The rule's name.
    pub rule: String,
    /// Why it cannot select anything there; `None` where it may.
    pub bar: Option<Bar>,
    /// On what else of the rule it depends: `labelSelectors`, `when`.
    pub depends: Vec<String>,
}

/// What of a rule no key tells.
const OF_VALUES: [&str; 4] = ["labelSelectors", "fieldSelectors", "when", "excludes"];

impl Judge {
    /// What the key says of each rule, in order. Of Namespaces what is known is
    /// used: a Namespace that is not there has no labels.
    pub fn prospects(&self, key: &[u8], namespaces: &Namespaces) -> Vec<Prospect> {
        let bars = self.bars(key, namespaces);
        let prospects = bars.map(|(rule, bar)| Prospect {
            rule: rule.name.clone(),
            depends: match bar {
                None => depends(rule),
                Some(_) => Vec::new(),
            },
            bar,
        });
        prospects.collect()
    }

    /// Each rule, in order, with why it can select nothing there.
    pub(super) fn bars<'a>(
        &'a self,
        key: &'a [u8],
        namespaces: &'a Namespaces,
    ) -> impl Iterator<Item = (&'a CompiledRule, Option<Bar>)> {
        let outside = self.is_outside_kubernetes(key);
        let place = self.place(key).ok();
        let rules = self.plan().rules().iter();
        rules.map(move |rule| {
            let bar = match (rule.reach.keys(), &place) {
                (Some(keys), _) if outside && keys.matches(key) => None,
                (Some(_), _) => Some(Bar::Keys),
                (None, None) => Some(Bar::Resource),
                (None, Some(place)) => bar(rule, place, namespaces),
            };
            (rule, bar)
        })
    }
}

impl Judge {
    /// Whether any rule that may select objects under the key looks at their
    /// Namespace.
    pub fn asks_for_namespace(&self, key: &[u8]) -> bool {
        let Ok(place) = self.place(key) else {
            return false;
        };
        let mut rules = self.plan().rules().iter();
        rules
            .any(|rule| rule.reach.covers(&place) && rule.sources.iter().any(SlotSource::may_fault))
    }
}

fn bar(rule: &CompiledRule, place: &Key<'_>, namespaces: &Namespaces) -> Option<Bar> {
    if !rule.reach.covers(place) {
        return Some(Bar::Resource);
    }
    let view = match place.namespace {
        None => &View::Absent,
        Some(name) => namespaces.get(name),
    };
    let gate = rule.gate.as_ref();
    let verdict = gate.map(|gate| gate.verdict(place.namespace.unwrap_or(""), view));
    if verdict == Some(Ok(Verdict::NoMatch)) {
        return Some(match (place.namespace, rule.reach.namespaces()) {
            (None, _) => Bar::NoNamespace,
            (Some(own), Some(names)) if !names.iter().any(|name| name == own) => {
                Bar::Namespaces(names.to_vec())
            }
            (Some(own), None) if *view == View::Absent && reads_namespace(rule) => {
                Bar::NoSuchNamespace(own.to_owned())
            }
            (Some(own), _) => Bar::NamespaceLabels(own.to_owned()),
        });
    }
    let names = rule
        .reach
        .names()
        .filter(|names| !names.iter().any(|name| name == place.name));
    names.map(|names| Bar::Names(names.to_vec()))
}

fn reads_namespace(rule: &CompiledRule) -> bool {
    let gate = rule.gate.as_ref();
    gate.is_some_and(|gate| gate.sources.iter().any(SlotSource::may_fault))
}

fn depends(rule: &CompiledRule) -> Vec<String> {
    let root = &rule.predicate.root;
    let parts = match &root.kind {
        NodeKind::All(parts) => parts.as_slice(),
        _ => std::slice::from_ref(root),
    };
    let titles = parts.iter().map(|part| part.title.as_str());
    let of_values = titles.filter(|title| OF_VALUES.contains(title));
    of_values.map(str::to_owned).collect()
}
