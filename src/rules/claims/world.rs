//! What rules read, as variables, and what is true of each for every object.
//!
//! Promises that one thing is one variable in all rules, and only facts that
//! hold for every stored object: metadata has the types that a kube-apiserver
//! enforces, a value that lies in another needs that other, an object without
//! a namespace has no Namespace. Deliberately takes an object to lie under the
//! key of its own kind, namespace and name, as a kube-apiserver stores it.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::k8s::{Path, Step};
use crate::lang::hir::SlotId;
use crate::lang::opaque::Regex;
use crate::lang::solve::{
    Answer, Base, Constraint, Formula, Language, Limits, Model, States, Var, Variables, may_hold,
    solve,
};

use super::super::keys::{COMPACTION, OWN};
use super::super::slots::SlotSource;

/// What a variable is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Thing {
    /// What a slot reads; a rule over keys has another `Key`.
    Read(SlotSource, bool),
    /// The outcome of a condition that is not understood.
    Unknown(String),
}

/// All variables of a rules file.
pub struct World {
    numbers: HashMap<Thing, Var>,
    things: Vec<Thing>,
    bases: Vec<Base>,
    /// What must be true of a variable and another one.
    relations: Vec<Vec<(Var, Formula)>>,
    prefix: String,
}

/// The variables of one rule.
pub struct Scope<'w> {
    world: &'w mut World,
    sources: &'w [SlotSource],
    /// Whether the rule is over keys outside of Kubernetes.
    plain: bool,
}

impl Variables for Scope<'_> {
    fn slot(&mut self, slot: SlotId) -> Var {
        let source = self.sources.get(usize::from(slot.0));
        let source = source.cloned().unwrap_or(SlotSource::Key);
        self.world.number(Thing::Read(source, self.plain))
    }

    /// Only of what is always a map of texts: in any other a `null` may count
    /// as nothing.
    fn member(&mut self, slot: SlotId, name: &str) -> Option<Var> {
        let source = self.sources.get(usize::from(slot.0))?;
        let SlotSource::Field(path) = source else {
            return None;
        };
        let below = is_labels(&names(path)).then(|| {
            let steps = path.steps().iter().cloned();
            let steps = steps.chain([Step::Field(name.into())]);
            SlotSource::Field(Path::new(steps.collect()))
        })?;
        Some(self.world.number(Thing::Read(below, self.plain)))
    }

    fn unknown(&mut self, condition: String) -> Var {
        self.world.number(Thing::Unknown(condition))
    }

    fn longest(&self, slot: SlotId) -> Option<u64> {
        match self.sources.get(usize::from(slot.0))? {
            SlotSource::Field(path) => match names(path).as_slice() {
                ["metadata", "name" | "namespace"] | ["metadata", "labels", _] => Some(256),
                ["kind" | "apiVersion"] => Some(512),
                _ => None,
            },
            SlotSource::NamespaceField(_) | SlotSource::Value(_) => None,
            SlotSource::Key => (!self.plain).then_some(2048),
            _ => Some(512),
        }
    }
}

impl World {
    /// Of keys under `prefix`, without variables but for those that say what an
    /// object is and where.
    pub fn new(prefix: &str) -> World {
        let mut world = World {
            numbers: HashMap::new(),
            things: Vec::new(),
            bases: Vec::new(),
            relations: Vec::new(),
            prefix: prefix.to_owned(),
        };
        for source in [
            SlotSource::Group,
            SlotSource::Kind,
            SlotSource::Namespace,
            namespace_source(),
        ] {
            world.number(Thing::Read(source, false));
        }
        world
    }

    /// The variables of one rule.
    pub fn scope<'w>(&'w mut self, sources: &'w [SlotSource], plain: bool) -> Scope<'w> {
        Scope {
            world: self,
            sources,
            plain,
        }
    }

    /// What a variable is.
    pub fn thing(&self, var: Var) -> Option<&Thing> {
        self.things.get(var.0 as usize)
    }

    /// The variable that something is, where any rule reads it.
    pub fn var(&self, thing: &Thing) -> Option<Var> {
        self.numbers.get(thing).copied()
    }

    /// The namespace of objects, where any rule reads it.
    pub fn namespace(&self) -> Option<Var> {
        self.var(&Thing::Read(namespace_source(), false))
    }

    fn number(&mut self, thing: Thing) -> Var {
        if let Some(var) = self.numbers.get(&thing) {
            return *var;
        }
        // Whatever way a path is written, it is one thing.
        let plain = plain_steps(&thing);
        if let Some(var) = plain.as_ref().and_then(|plain| self.numbers.get(plain)) {
            let var = *var;
            self.numbers.insert(thing, var);
            return var;
        }
        let var = Var(u32::try_from(self.things.len()).unwrap_or(u32::MAX));
        self.bases.push(self.base_of(&thing));
        self.relations.push(Vec::new());
        self.things
            .push(plain.clone().unwrap_or_else(|| thing.clone()));
        self.numbers.extend(plain.map(|plain| (plain, var)));
        self.numbers.insert(thing, var);
        var
    }

    /// Relates all variables: to be called once there are no more of them.
    pub fn relate(&mut self) {
        let root = SlotSource::NamespaceField(Path::new(Vec::new()));
        let object = self.var(&Thing::Read(SlotSource::Namespace, false));
        let namespace = self.namespace();
        for at in 0..self.things.len() {
            let var = Var(at as u32);
            let Thing::Read(source, plain) = self.things[at].clone() else {
                continue;
            };
            let mut found = Vec::new();
            if source.may_fault() {
                let missing = match source == root {
                    true => States::NULL,
                    false => States::ABSENT,
                };
                found.extend(
                    namespace
                        .map(|own| (own, Formula::any([is(own, States::TEXT), is(var, missing)]))),
                );
                found.extend(
                    object
                        .into_iter()
                        .filter(|own| *own != var)
                        .map(|own| (own, with_namespace(var, own, &source, missing))),
                );
            }
            for (ancestor, container) in ancestors(&source) {
                let of_value = matches!(source, SlotSource::Value(_));
                let ancestor = self.var(&Thing::Read(ancestor, plain));
                found.extend(ancestor.map(|own| (own, below(var, own, container, of_value))));
            }
            self.relations[at] = found;
        }
    }

    /// What is known of a variable.
    pub fn base(&self, var: Var) -> Base {
        let known = self.bases.get(var.0 as usize);
        known.cloned().unwrap_or_else(|| Base::states(States::ANY))
    }

    /// Whether all of `formulas`, over `variables`, can be true at once.
    pub fn solve(&self, formulas: &[&Formula], variables: &[&[Var]]) -> Answer {
        self.solve_within(formulas, variables, Limits::default())
    }

    /// [`World::solve`] within other limits.
    pub fn solve_within(
        &self,
        formulas: &[&Formula],
        variables: &[&[Var]],
        limits: Limits,
    ) -> Answer {
        let relations = self.relations_among(variables);
        let all = formulas.iter().copied().chain(relations);
        solve(all, &|var| self.base(var), limits)
    }

    /// Whether they cannot.
    pub fn never(&self, formulas: &[&Formula], variables: &[&[Var]]) -> bool {
        matches!(self.solve(formulas, variables), Answer::Never)
    }

    /// Whether a formula is true for the values of a model, and what is most
    /// likely of everything else: a guess, not a proof.
    pub fn may_hold(&self, formula: &Formula, model: &Model) -> bool {
        may_hold(formula, model, &|var| match self.holds_any(var, model) {
            true => Base::states(States::MAP),
            false => self.base(var),
        })
    }

    /// Whether something that a model has lies in a variable.
    fn holds_any(&self, var: Var, model: &Model) -> bool {
        let there = model.points().iter();
        let mut there = there.filter(|(_, point)| !States::NOTHING.meets(point.state()));
        self.base(var).may_be(States::MAP)
            && there.any(|(own, _)| {
                let related = self.relations.get(own.0 as usize);
                related.is_some_and(|all| all.iter().any(|(other, _)| *other == var))
            })
    }

    fn relations_among<'w>(
        &'w self,
        variables: &'w [&'w [Var]],
    ) -> impl Iterator<Item = &'w Formula> {
        let all = variables.iter().copied().flatten();
        let related = all.filter_map(|var| self.relations.get(var.0 as usize));
        // What is read of a Namespace depends on it whatever else is read.
        let always = [
            self.var(&Thing::Read(SlotSource::Namespace, false)),
            self.namespace(),
        ];
        let named = move |var: &Var| {
            always.contains(&Some(*var)) || variables.iter().any(|own| own.contains(var))
        };
        related
            .flatten()
            .filter(move |(other, _)| named(other))
            .map(|(_, formula)| formula)
    }

    fn base_of(&self, thing: &Thing) -> Base {
        let (source, plain) = match thing {
            Thing::Unknown(_) => return Base::states(States::BOOL | States::FAULT),
            Thing::Read(source, plain) => (source, *plain),
        };
        let states = match source {
            SlotSource::Group => return likely(text(), &["", "apps", "example.com"]),
            SlotSource::Version => return likely(not_empty(States::TEXT), &["v1"]),
            SlotSource::Kind => return likely(not_empty(States::TEXT), &KINDS),
            SlotSource::Key => return self.key(plain),
            SlotSource::Field(path) => return of_field(path),
            SlotSource::Namespace => States::NOTHING | States::TRUE,
            SlotSource::NamespaceLabel(_) => {
                return valid(&LABEL, States::NOTHING | States::TEXT, &[]);
            }
            SlotSource::NamespaceField(path) => match names(path).as_slice() {
                [] => States::FAULT | States::NULL | States::MAP,
                path if is_labels(path) => States::NOTHING | States::MAP,
                ["metadata", "labels" | "annotations", _] | ["metadata", "name"] => {
                    States::NOTHING | States::TEXT
                }
                _ => States::ANY,
            },
            SlotSource::Value(path) if path.steps().is_empty() => States::SIZED,
            SlotSource::Value(_) => States::ANY,
        };
        Base::states(states)
    }

    fn key(&self, plain: bool) -> Base {
        if !plain {
            let start = Language::starts_with(&format!("{}/", self.prefix));
            return likely(Constraint::text(start, true), &[]);
        }
        let barred = format!(
            r"\A(?:\z|{}/|{}|{})",
            regex::escape(&self.prefix),
            regex::escape(OWN),
            regex::escape(COMPACTION)
        );
        match Regex::new(&barred) {
            Ok(barred) => {
                let outside = Constraint::text(Language::matches(&barred), false);
                likely(outside, &["/example"])
            }
            Err(_) => Base::states(States::TEXT),
        }
    }
}

/// Kinds that everybody knows.
const KINDS: [&str; 6] = [
    "ConfigMap",
    "Deployment",
    "Secret",
    "ClusterRole",
    "StatefulSet",
    "Example",
];

fn is(var: Var, states: States) -> Formula {
    Formula::literal(var, Constraint::states(states))
}

fn text() -> Constraint {
    Constraint::states(States::TEXT)
}

/// In one of `states`, and if it is a text, not an empty one.
fn not_empty(states: States) -> Constraint {
    let empty = Language::set([Box::from("")]);
    Constraint::text(empty, false).or(states)
}

fn likely(constraint: Constraint, texts: &[&str]) -> Base {
    Base {
        constraint: constraint.into(),
        likely: texts.iter().map(|text| Box::from(*text)).collect(),
    }
}

fn of_field(path: &Path) -> Base {
    let states = match names(path).as_slice() {
        [] | ["metadata"] => States::MAP,
        ["apiVersion"] => return likely(not_empty(States::TEXT), &["v1", "apps/v1"]),
        ["metadata", "name"] => return valid(&NAME, States::TEXT, &["example"]),
        ["metadata", "namespace"] => {
            return valid(&NAMESPACE, States::ABSENT | States::TEXT, &["default"]);
        }
        path if is_labels(path) => States::ABSENT | States::MAP,
        ["metadata", "labels", _] => return valid(&LABEL, States::ABSENT | States::TEXT, &[]),
        ["metadata", "annotations", _] => States::ABSENT | States::TEXT,
        _ => States::ANY,
    };
    Base::states(states)
}

/// Texts that a kube-apiserver takes.
type Valid = LazyLock<Option<Constraint>>;

fn written(pattern: &str) -> Option<Constraint> {
    let regex = Regex::new(pattern).ok()?;
    Some(Constraint::text(Language::matches(&regex), true))
}

/// Of any name: it is a part of a path.
static NAME: Valid = LazyLock::new(|| written(r"\A[^/%]+\z"));

/// Of a Namespace's name.
static NAMESPACE: Valid = LazyLock::new(|| written(r"\A[a-z0-9](?:[-a-z0-9]*[a-z0-9])?\z"));

/// Of a label's value.
static LABEL: Valid =
    LazyLock::new(|| written(r"\A(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?\z"));

/// In one of `states`, and if it is a text, a valid one.
fn valid(texts: &Valid, states: States, some: &[&str]) -> Base {
    match &**texts {
        Some(constraint) => likely(constraint.clone().or(states), some),
        None => Base::states(states),
    }
}

fn namespace_source() -> SlotSource {
    let path = ["metadata", "namespace"].map(|name| Step::Field(name.into()));
    SlotSource::Field(Path::new(path.to_vec()))
}

/// The names of the steps; of indexes nothing.
fn names(path: &Path) -> Vec<&str> {
    let steps = path.steps().iter();
    steps.map(|step| step.name().unwrap_or_default()).collect()
}

fn is_labels(path: &[&str]) -> bool {
    matches!(path, ["metadata", "labels" | "annotations"])
}

/// The same with every name as the name of a field; `kind` of an object is its
/// kind.
fn plain_steps(thing: &Thing) -> Option<Thing> {
    let Thing::Read(source, plain) = thing else {
        return None;
    };
    let simple = |path: &Path| {
        let steps = path.steps().iter().map(|step| match step {
            Step::Key(name) => Step::Field(name.clone()),
            other => other.clone(),
        });
        Path::new(steps.collect())
    };
    let source = match source {
        SlotSource::Field(path) if names(path) == ["kind"] => SlotSource::Kind,
        SlotSource::Field(path) => SlotSource::Field(simple(path)),
        SlotSource::NamespaceField(path) => SlotSource::NamespaceField(simple(path)),
        SlotSource::Value(path) => SlotSource::Value(simple(path)),
        _ => return None,
    };
    Some(Thing::Read(source, *plain))
}

/// What lies around a field, each with what it must be for the field to be
/// there.
fn ancestors(source: &SlotSource) -> Vec<(SlotSource, States)> {
    let above = |path: &Path, make: fn(Path) -> SlotSource| {
        let steps = path.steps();
        let around = steps.iter().enumerate().map(|(end, step)| {
            let container = match step {
                Step::Index(_) => States::LIST,
                Step::Field(_) | Step::Key(_) => States::MAP,
            };
            (make(Path::new(steps[..end].to_vec())), container)
        });
        around.collect()
    };
    match source {
        SlotSource::Field(path) => above(path, SlotSource::Field),
        SlotSource::NamespaceField(path) => above(path, SlotSource::NamespaceField),
        SlotSource::Value(path) => above(path, SlotSource::Value),
        _ => Vec::new(),
    }
}

/// A field of what cannot have it is not there; of a value outside of
/// Kubernetes it is a fault.
fn below(var: Var, ancestor: Var, container: States, of_value: bool) -> Formula {
    let there = Formula::any([is(ancestor, container), is(var, States::NOTHING)]);
    if !of_value {
        return there;
    }
    let reachable = is(ancestor, container | States::ABSENT);
    Formula::all([there, Formula::any([reachable, is(var, !States::ABSENT)])])
}

/// What is read of a Namespace is there only if the Namespace is, and cannot
/// be read where that cannot be.
fn with_namespace(var: Var, object: Var, source: &SlotSource, missing: States) -> Formula {
    let mut all = vec![
        Formula::any([is(object, States::TRUE), is(var, States::FAULT | missing)]),
        Formula::any([is(object, !States::FAULT), is(var, States::FAULT)]),
    ];
    if matches!(source, SlotSource::NamespaceLabel(_)) {
        all.push(Formula::any([
            is(object, States::FAULT),
            is(var, !States::FAULT),
        ]));
    }
    if missing == States::NULL {
        let there = is(var, States::FAULT | States::MAP);
        all.push(Formula::any([is(object, !States::TRUE), there]));
    }
    Formula::all(all)
}
