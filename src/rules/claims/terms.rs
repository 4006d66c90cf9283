//! A rule as formulas: one pair for each condition that users think of as one.
//!
//! Promises that the rule selects an object exactly if all of its units hold,
//! and that it is mirrored by it if no policy keeps it out besides.
//! Deliberately compares nothing.

use crate::lang::hir::{Node, NodeKind};
use crate::lang::solve::{Formula, Translator, Var};

use super::super::compiled::CompiledRule;
use super::super::rule_set::{Leases, Rule};
use super::claim::Part;
use super::facts::Kinds;
use super::item::{Item, item};
use super::reasons::{Asked, Reasons};
use super::world::{Scope, World};

/// One condition of a rule.
#[derive(Debug)]
pub struct Unit<'r> {
    /// Its name and place.
    pub part: Part,
    /// What sort of condition it is.
    pub sort: Sort,
    /// The condition; an exclude without its negation.
    pub node: &'r Node,
    /// Whether the rule needs it not to hold.
    pub negated: bool,
    /// What the rule needs of it.
    pub item: Item,
    /// Of an exclude: what it says itself.
    pub exclude: Option<Item>,
}

/// Sorts of conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// `group`, which every rule has to have.
    Group,
    /// `resources` or `keys`.
    Resources,
    /// A part of the selectors, or of `when`.
    Condition,
    /// One of `excludes`, by its place.
    Exclude(usize),
}

/// A rule as formulas.
pub struct Terms<'r> {
    /// The rule as written.
    pub rule: &'r Rule,
    /// The rule, compiled.
    pub compiled: &'r CompiledRule,
    /// Whether it is over keys outside of Kubernetes.
    pub plain: bool,
    /// The variables that its slots are.
    pub slots: Vec<Var>,
    /// Its conditions.
    pub units: Vec<Unit<'r>>,
    /// What policies may keep out of it.
    pub policies: Vec<Asked>,
    /// All conditions as one.
    pub conditions: Item,
    /// Those and the policies as one.
    pub whole: Item,
    /// The texts of conditions that hold wherever it does.
    pub must: Vec<String>,
    /// What is true of all objects of the kinds that it names.
    pub facts: Vec<Formula>,
}

impl<'r> Terms<'r> {
    /// The formulas of a rule.
    pub fn new(
        rule: &'r Rule,
        compiled: &'r CompiledRule,
        reasons: &Reasons<'_>,
        world: &mut World,
    ) -> Terms<'r> {
        let plain = !rule.keys.is_empty();
        let predicate = &compiled.predicate;
        let slots = world.slots(&compiled.sources, plain);
        let mut scope = world.scope(&compiled.sources, &slots, plain);
        let mut translator = Translator::new(&mut scope, predicate.slots.len());
        let costly = translator.costly(&predicate.root);
        let mut units = Vec::new();
        for part in predicate.root.parts() {
            add_units(part, &mut |part, sort, node: &'r Node, negated| {
                let mut item = |negated| item(&mut translator, node, negated, !costly.is_empty());
                let exclude = negated.then(|| item(false));
                let item = item(negated);
                units.push(Unit {
                    part,
                    sort,
                    node,
                    negated,
                    item,
                    exclude,
                });
            });
        }
        let mut must: Vec<String> = match costly.is_empty() {
            true => Vec::new(),
            false => {
                let held = units.iter().filter(|unit| !unit.negated);
                held.flat_map(|unit| translator.costly_leaf(unit.node))
                    .collect()
            }
        };
        let policies = reasons.asked(compiled);
        must.extend(policies.iter().flat_map(|own| own.item.costly.clone()));
        let conditions = whole(&units, &[], costly.clone());
        let whole = whole(&units, &policies, costly);
        Terms {
            rule,
            compiled,
            plain,
            slots,
            units,
            policies,
            conditions,
            whole,
            must,
            facts: Vec::new(),
        }
    }

    /// Takes in what Kubernetes says of the kinds, once there are all
    /// variables.
    pub fn learn(&mut self, world: &World) {
        if let Some(kinds) = Kinds::of(self.rule) {
            let own = self.whole.variables.iter().copied();
            let namespace = world
                .namespace()
                .filter(|var| !self.whole.variables.contains(var));
            let variables: Vec<Var> = own.chain(namespace).collect();
            self.facts = kinds.facts(&variables, world);
        }
    }

    /// Whether whatever it selects could be selected by `earlier` too, of which
    /// `item` is what counts, as far as leases and the sort of keys say.
    pub fn may_be_within(&self, earlier: &Terms<'_>, item: &Item) -> bool {
        let leases = earlier.rule.leases == Leases::Mirror || self.rule.leases == Leases::Skip;
        leases && self.plain == earlier.plain && self.is_as_cheap_as(item)
    }

    /// Whether nothing that policies keep out of `other` is mirrored by this rule.
    pub fn has_policies_of(&self, other: &Terms<'_>, reasons: &Reasons<'_>) -> bool {
        let mut all = other.policies.iter();
        all.all(|own| {
            let mut others = self.policies.iter();
            let same = |other: &Asked| other.number == own.number && !other.is_own;
            others.any(same) || !reasons.concerns(own.number, self.compiled)
        })
    }

    /// Whether the same is kept out of both, as far as both select it.
    pub fn has_same_policies(&self, other: &Terms<'_>) -> bool {
        let numbers = |terms: &Terms<'_>| -> Vec<(usize, bool)> {
            let all = terms.policies.iter();
            all.map(|own| (own.number, own.is_own)).collect()
        };
        let both_own = self.policies.iter().any(|own| own.is_own);
        numbers(self) == numbers(other)
            && (!both_own || self.compiled.named == other.compiled.named)
    }

    /// Whether `item` does not run out of fuel where this rule holds.
    pub fn is_as_cheap_as(&self, item: &Item) -> bool {
        item.costly.iter().all(|costly| self.must.contains(costly))
    }

    /// Translates conditions of this rule.
    pub fn translate<T>(
        &self,
        world: &mut World,
        make: impl FnOnce(&mut Translator<'_, Scope<'_>>) -> T,
    ) -> T {
        let mut scope = world.scope(&self.compiled.sources, &self.slots, self.plain);
        let slots = self.compiled.predicate.slots.len();
        make(&mut Translator::new(&mut scope, slots))
    }

    /// All that is needed for a key to be mirrored by the rule, and what is known
    /// of the kinds.
    pub fn all(&self) -> Vec<&Formula> {
        let mut all = self.without(&|_| false);
        all.extend(self.policies.iter().map(|own| &own.item.holds));
        all
    }

    /// The same for objects of one kind, of which only some policies speak:
    /// what many formulas have in common is harder to find.
    pub fn all_of(&self, group: &str, kind: &str) -> Vec<&Formula> {
        let mut all = self.without(&|_| false);
        let about = self
            .policies
            .iter()
            .filter(|own| own.kinds.is_empty() || own.kinds.contains(&(group, kind)));
        all.extend(about.map(|own| &own.item.holds));
        all
    }

    /// What is needed of all units but those that `left_out` names, and what
    /// is known of the kinds. Not of the policies.
    pub fn without<'t>(&'t self, left_out: &dyn Fn(usize) -> bool) -> Vec<&'t Formula> {
        let units = self.units.iter().enumerate();
        let kept = units.filter(|(at, _)| !left_out(*at));
        let kept = kept.map(|(_, unit)| &unit.item.holds);
        kept.chain(&self.facts).collect()
    }
}

fn whole(units: &[Unit<'_>], policies: &[Asked], mut costly: Vec<String>) -> Item {
    let policies = || policies.iter().map(|own| &own.item);
    let items = || units.iter().map(|unit| &unit.item).chain(policies());
    let all = |of: fn(&Item) -> &Formula| items().map(move |item| of(item).clone());
    let mut variables: Vec<Var> = items()
        .flat_map(|item| item.variables.iter().copied())
        .collect();
    costly.extend(policies().flat_map(|item| item.costly.iter().cloned()));
    variables.sort_unstable();
    variables.dedup();
    Item {
        holds: Formula::all(all(|item| &item.holds)),
        not_holds: Formula::any(all(|item| &item.not_holds)),
        variables,
        costly,
    }
}

/// Cuts a part of a rule into the conditions that users think of as one.
fn add_units<'r>(part: &'r Node, add: &mut dyn FnMut(Part, Sort, &'r Node, bool)) {
    let named = |node: &Node, title: &str| Part {
        title: title.to_owned(),
        span: node.span,
    };
    let title = part.title.as_str();
    match (title, &part.kind) {
        ("group", _) => add(named(part, title), Sort::Group, part, false),
        ("resources" | "keys", _) => add(named(part, title), Sort::Resources, part, false),
        ("excludes", NodeKind::Not(any)) => {
            for (at, exclude) in any.parts().iter().enumerate() {
                let own = named(exclude, &exclude.title);
                add(own, Sort::Exclude(at), exclude, true);
            }
        }
        ("when", NodeKind::All(parts)) => {
            for own in parts {
                add(place(own, title), Sort::Condition, own, false);
            }
        }
        (_, NodeKind::Any(selectors)) if selectors.len() == 1 => match &selectors[0].kind {
            NodeKind::All(requirements) => {
                let title = format!("{title}[0]");
                for own in requirements {
                    add(place(own, &title), Sort::Condition, own, false);
                }
            }
            _ => add(named(&selectors[0], title), Sort::Condition, part, false),
        },
        _ => add(named(part, title), Sort::Condition, part, false),
    }
}

/// A condition's name and place. A comparison's place is all of it, also where
/// only one side of it is known to HIR.
pub fn place(node: &Node, title: &str) -> Part {
    Part {
        title: title.to_owned(),
        span: node.span,
    }
}
