//! Examples: an object that a rule selects, and one that an exclude of it
//! takes away.
//!
//! Promises that each was put before the judge, who said so. Deliberately
//! gives none where none was found in time: that says nothing of whether there
//! is one (see `claims`).

mod draft;
mod known;
mod variants;

use serde_json::Value as Json;

use crate::lang::solve::{Answer, Formula, Limits, Model, Var};

use super::claims::{Item, Sort, Terms, World, terms};
use super::decide::{Decision, Event, Judge, Scratch};
use super::namespaces::{Known, Namespaces, View};
use super::rule_set::{RuleId, RuleSet};
use super::trace::{Condition, Truth};

/// A key with its value, and what else decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// The etcd key.
    pub key: String,
    /// What it holds.
    pub content: Content,
    /// The Namespace of the object, where a rule looks at it.
    pub namespace: Option<Json>,
}

/// What a key holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// An object of Kubernetes.
    Object(Json),
    /// A list or mapping outside of Kubernetes.
    Document(Json),
    /// Any other text.
    Text(String),
}

/// The examples for one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Examples {
    /// The rule.
    pub rule: RuleId,
    /// What it selects, and no earlier rule.
    pub selected: Option<Witness>,
    /// For each of its excludes, what that takes away: the rule would select
    /// it otherwise.
    pub excluded: Vec<Option<Witness>>,
}

impl Content {
    /// The bytes that etcd holds; objects and documents as JSON.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Content::Object(json) | Content::Document(json) => json.to_string().into_bytes(),
            Content::Text(text) => text.clone().into_bytes(),
        }
    }
}

impl Witness {
    /// The Namespaces of the source, of which it is in one.
    pub fn namespaces(&self) -> Namespaces {
        let mut namespaces = Namespaces::default();
        let Some(manifest) = &self.namespace else {
            return namespaces;
        };
        let metadata = &manifest["metadata"];
        let labels = metadata["labels"].as_object();
        let mut labels: Vec<(Box<str>, Box<str>)> = labels
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.as_str().into(), value.as_str().unwrap_or("").into()))
            .collect();
        labels.sort_unstable();
        let known = Known::from(labels).with_object(manifest.to_string().as_bytes());
        let name = metadata["name"].as_str().unwrap_or_default();
        namespaces.set(name, View::Present(known));
        namespaces
    }
}

/// Examples for every rule of `rules`, in their order, by a judge of those
/// rules who reads values that are not encrypted.
pub fn witnesses(rules: &RuleSet, judge: &Judge) -> Vec<Examples> {
    let (world, _, all) = terms(rules, judge.plan());
    let seeker = Seeker {
        judge,
        world: &world,
        all: &all,
        known: known::known_kinds(&world),
    };
    (0..all.len()).map(|at| seeker.examples(at)).collect()
}

/// How often a search begins anew because an earlier rule selects what was
/// found.
const MAX_ROUNDS: usize = 24;

struct Seeker<'s, 'r> {
    judge: &'s Judge,
    world: &'s World,
    all: &'s [Terms<'r>],
    /// What Kubernetes' own kinds are.
    known: (Formula, Vec<Var>),
}

/// What the judge says of a draft.
enum Said {
    /// It is what was looked for.
    Yes,
    /// An earlier rule, by its place, selects it.
    Earlier(usize),
    /// Neither.
    No,
}

impl Seeker<'_, '_> {
    fn examples(&self, at: usize) -> Examples {
        let units = self.all.get(at).map(|own| own.units.iter());
        let excludes = units.into_iter().flatten();
        let excludes = excludes
            .filter_map(|unit| unit.exclude.as_ref())
            .enumerate();
        let excluded = excludes.map(|(exclude, item)| self.excluded(at, exclude, item));
        Examples {
            rule: RuleId(u32::try_from(at).unwrap_or(u32::MAX)),
            selected: self.selected(at),
            excluded: excluded.collect(),
        }
    }

    /// What this rule selects, and no earlier one.
    fn selected(&self, at: usize) -> Option<Witness> {
        let own = self.all.get(at)?;
        let mut formulas = own.all();
        let mut variables = vec![own.whole.variables.as_slice()];
        let mut avoided = Vec::new();
        for _ in 0..MAX_ROUNDS {
            let model = self.model(&formulas, &variables, own.plain)?;
            let said = |witness: &Witness| match self.decision(witness) {
                Decision::Put { rule } if rule.0 as usize == at => Said::Yes,
                Decision::Put { rule } => Said::Earlier(rule.0 as usize),
                _ => Said::No,
            };
            let (found, earlier) = self.try_variants(&model, own, said);
            if found.is_some() {
                return found;
            }
            // What is not understood of an earlier rule cannot be avoided.
            let earlier = earlier.into_iter().find(|other| !avoided.contains(other))?;
            avoided.push(earlier);
            let earlier = self.all.get(earlier)?;
            formulas.push(&earlier.whole.not_holds);
            variables.push(&earlier.whole.variables);
        }
        None
    }

    /// Drafts of a model until one is what was looked for, and the earlier
    /// rules that select the others.
    fn try_variants(
        &self,
        model: &Model,
        own: &Terms<'_>,
        said: impl Fn(&Witness) -> Said,
    ) -> (Option<Witness>, Vec<usize>) {
        let mut earlier = Vec::new();
        let prefix = self.judge.plan().prefix();
        for variant in variants::variants(&own.compiled.predicate.root) {
            let Some(witness) = draft::draft(model, own, self.world, prefix, &variant) else {
                continue;
            };
            match said(&witness) {
                Said::Yes => return (Some(witness), earlier),
                Said::Earlier(other) => earlier.push(other),
                Said::No => {}
            }
        }
        (None, earlier)
    }

    fn decision(&self, witness: &Witness) -> Decision {
        let value = witness.content.bytes();
        let event = Event {
            key: witness.key.as_bytes(),
            value: Some(&value),
            leased: false,
            owned: false,
        };
        let namespaces = witness.namespaces();
        self.judge
            .decide(&event, &namespaces, &mut Scratch::default())
    }

    /// What an exclude takes away: all else of the rule holds, and so does the
    /// exclude; of the other excludes none, if that can be.
    fn excluded(&self, at: usize, exclude: usize, item: &Item) -> Option<Witness> {
        let own = self.all.get(at)?;
        let sort = |unit: usize| own.units.get(unit).map(|unit| unit.sort);
        let alone = own.without(&|unit| sort(unit) == Some(Sort::Exclude(exclude)));
        let beside = own.without(&|unit| matches!(sort(unit), Some(Sort::Exclude(_))));
        [alone, beside].into_iter().find_map(|mut formulas| {
            formulas.push(&item.holds);
            let model = self.model(
                &formulas,
                &[&own.whole.variables, &item.variables],
                own.plain,
            )?;
            let said = |witness: &Witness| match self.is_taken(witness, at, exclude) {
                true => Said::Yes,
                false => Said::No,
            };
            self.try_variants(&model, own, said).0
        })
    }

    fn is_taken(&self, witness: &Witness, at: usize, exclude: usize) -> bool {
        let value = witness.content.bytes();
        let namespaces = witness.namespaces();
        let traces = self
            .judge
            .trace(witness.key.as_bytes(), &value, &namespaces, true);
        let Some(condition) = traces
            .ok()
            .and_then(|mut traces| traces.get_mut(at)?.condition.take())
        else {
            return false;
        };
        let is_excludes = |part: &&Condition| part.title.starts_with("excludes");
        let mut others = condition.parts.iter().filter(|part| !is_excludes(part));
        let excludes = condition.parts.iter().find(is_excludes);
        let own = excludes.and_then(|excludes| excludes.parts.get(exclude));
        others.all(|part| part.truth == Truth::Holds)
            && own.is_some_and(|own| own.truth == Truth::Holds)
    }

    /// A model of a rule's formulas, of a kind that Kubernetes has if that can
    /// be.
    fn model(&self, formulas: &[&Formula], variables: &[&[Var]], plain: bool) -> Option<Model> {
        let limits = Limits { steps: 20_000 };
        let (known, of_known) = &self.known;
        let formulas_known = [formulas, &[known]].concat();
        let variables_known = [variables, &[of_known]].concat();
        let first = match plain {
            true => Answer::Unknown,
            false => self
                .world
                .solve_within(&formulas_known, &variables_known, limits),
        };
        match first {
            Answer::Model(model) => Some(model),
            _ => match self.world.solve_within(formulas, variables, limits) {
                Answer::Model(model) => Some(model),
                Answer::Never | Answer::Unknown => None,
            },
        }
    }
}
