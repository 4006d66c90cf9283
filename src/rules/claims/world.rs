//! What rules read, as variables, and what is true of each for every object.
//!
//! Promises that one thing is one variable in all rules, and only facts that
//! hold for every stored object: metadata has the types that a kube-apiserver
//! enforces, a value that lies in another needs that other, an object without
//! a namespace has no Namespace. Deliberately takes an object to lie under the
//! key of its own kind, namespace and name, as a kube-apiserver stores it.

use std::sync::LazyLock;

use hashbrown::HashMap;

use crate::k8s::{Path, Step};
use crate::lang::hir::SlotId;
use crate::lang::solve::{
    Answer, Base, Constraint, Formula, Limits, Model, States, Var, Variables, may_hold, solve,
};

use super::super::slots::SlotSource;
use super::known::{base_of, is_labels, names};

/// What a variable is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    /// What a slot reads; a rule over keys has another `Key`.
    Read(SlotSource, bool),
    /// The outcome of a condition that is not understood.
    Unknown(String),
}

/// All variables of a rules file.
pub struct World {
    /// What rules over objects read, and what those over keys do.
    reads: [HashMap<SlotSource, Var>; 2],
    unknown: HashMap<String, Var>,
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
    slots: &'w [Var],
    /// Whether the rule is over keys outside of Kubernetes.
    plain: bool,
}

impl Variables for Scope<'_> {
    fn slot(&mut self, slot: SlotId) -> Var {
        let known = self.slots.get(usize::from(slot.0));
        known.copied().unwrap_or(Var(u32::MAX))
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
        Some(self.world.read(&below, self.plain))
    }

    fn unknown(&mut self, condition: String) -> Var {
        self.world.outcome(condition)
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
            reads: [HashMap::new(), HashMap::new()],
            unknown: HashMap::new(),
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
            world.read(&source, false);
        }
        world
    }

    /// The variables that slots of one rule are.
    pub fn slots(&mut self, sources: &[SlotSource], plain: bool) -> Vec<Var> {
        let sources = sources.iter();
        sources.map(|source| self.read(source, plain)).collect()
    }

    /// The variables of one rule, of which `slots` are those of its slots.
    pub fn scope<'w>(
        &'w mut self,
        sources: &'w [SlotSource],
        slots: &'w [Var],
        plain: bool,
    ) -> Scope<'w> {
        Scope {
            world: self,
            sources,
            slots,
            plain,
        }
    }

    /// What a variable is.
    pub fn thing(&self, var: Var) -> Option<&Thing> {
        self.things.get(var.0 as usize)
    }

    /// The variable that something is, where any rule reads it.
    pub fn var(&self, thing: &Thing) -> Option<Var> {
        match thing {
            Thing::Read(source, plain) => self.reads[usize::from(*plain)].get(source).copied(),
            Thing::Unknown(condition) => self.unknown.get(condition).copied(),
        }
    }

    /// The namespace of objects, where any rule reads it.
    pub fn namespace(&self) -> Option<Var> {
        self.var(&Thing::Read(namespace_source(), false))
    }

    fn read(&mut self, source: &SlotSource, plain: bool) -> Var {
        let space = usize::from(plain);
        if let Some(var) = self.reads[space].get(source) {
            return *var;
        }
        // Whatever way a path is written, it is one thing.
        let simple = plain_steps(source).unwrap_or_else(|| source.clone());
        let var = match self.reads[space].get(&simple) {
            Some(var) => *var,
            None => {
                let base = base_of(&simple, plain, &self.prefix);
                self.add(Thing::Read(simple.clone(), plain), base)
            }
        };
        self.reads[space].insert(simple, var);
        self.reads[space].insert(source.clone(), var);
        var
    }

    fn outcome(&mut self, condition: String) -> Var {
        if let Some(var) = self.unknown.get(&condition) {
            return *var;
        }
        let base = Base::states(States::BOOL | States::FAULT);
        let var = self.add(Thing::Unknown(condition.clone()), base);
        self.unknown.insert(condition, var);
        var
    }

    fn add(&mut self, thing: Thing, base: Base) -> Var {
        let var = Var(u32::try_from(self.things.len()).unwrap_or(u32::MAX));
        self.things.push(thing);
        self.bases.push(base);
        self.relations.push(Vec::new());
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
    pub fn base(&self, var: Var) -> &Base {
        self.bases.get(var.0 as usize).unwrap_or(&ANYTHING)
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
            true => &CONTAINER,
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
}

/// What nothing is known of.
static ANYTHING: LazyLock<Base> = LazyLock::new(|| Base::states(States::ANY));

/// Something with fields.
static CONTAINER: LazyLock<Base> = LazyLock::new(|| Base::states(States::MAP));

fn is(var: Var, states: States) -> Formula {
    Formula::literal(var, Constraint::states(states))
}

fn namespace_source() -> SlotSource {
    let path = ["metadata", "namespace"].map(|name| Step::Field(name.into()));
    SlotSource::Field(Path::new(path.to_vec()))
}

/// The same with every name as the name of a field; `kind` of an object is its
/// kind.
fn plain_steps(source: &SlotSource) -> Option<SlotSource> {
    let simple = |path: &Path| {
        let steps = path.steps().iter().map(|step| match step {
            Step::Key(name) => Step::Field(name.clone()),
            other => other.clone(),
        });
        Path::new(steps.collect())
    };
    Some(match source {
        SlotSource::Field(path) if names(path) == ["kind"] => SlotSource::Kind,
        SlotSource::Field(path) => SlotSource::Field(simple(path)),
        SlotSource::NamespaceField(path) => SlotSource::NamespaceField(simple(path)),
        SlotSource::Value(path) => SlotSource::Value(simple(path)),
        _ => return None,
    })
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
