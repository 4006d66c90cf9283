//! What policies keep out, as formulas over one world: each once, for all rules
//! of a file.
//!
//! Promises that an item holds exactly where its reason keeps nothing out of a
//! rule. Deliberately knows nothing of the rule's other conditions.

use crate::lang::solve::{Constraint, Formula, Language, States, Translator, Var};

use super::super::compiled::CompiledRule;
use super::super::kept_out::{KeptOut, Kind};
use super::super::plan::Plan;
use super::super::policy::Policy;
use super::super::slots::SlotSource;
use super::item::{Item, item};
use super::world::{Thing, World};

/// All reasons of a file.
pub struct Reasons<'p> {
    all: Vec<(&'p KeptOut, Item)>,
    group: Option<Var>,
    kind: Option<Var>,
}

/// A reason that may take something away from a rule.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its place among the plan's.
    pub number: usize,
    /// Its policy.
    pub policy: Policy,
    /// Whether the rule names some kinds and selects others besides, so that it
    /// is another condition than for other rules.
    pub is_own: bool,
    /// The kinds that it keeps out; none where they may be any.
    pub kinds: &'static [Kind],
    /// True where it keeps nothing out.
    pub item: Item,
}

impl<'p> Reasons<'p> {
    /// Those of a plan.
    pub fn of(plan: &'p Plan, world: &mut World) -> Reasons<'p> {
        let mut all = Vec::new();
        for (number, own) in plan.kept_out().iter().enumerate() {
            let slots = world.slots(&own.sources, false);
            let mut scope = world.scope(&own.sources, &slots, false);
            let mut translator = Translator::new(&mut scope, slots.len());
            let root = &own.predicate.root;
            let is_costly = !translator.costly(root).is_empty();
            let mut item = item(&mut translator, root, true, false);
            // It costs the same for every rule: who is asked as well has paid.
            item.costly.extend(is_costly.then(|| cost(number)));
            all.push((own, item));
        }
        let var = |world: &World, source| world.var(&Thing::Read(source, false));
        Reasons {
            all,
            group: var(world, SlotSource::Group),
            kind: var(world, SlotSource::Kind),
        }
    }

    /// Those that may take something away from a rule.
    pub fn asked(&self, rule: &CompiledRule) -> Vec<Asked> {
        let all = self.all.iter().enumerate();
        let asked = all.filter(|(_, (own, _))| {
            own.is_asked(rule.policies) && !own.spares(&rule.named) && own.concerns(&rule.reach)
        });
        asked
            .map(|(number, (own, item))| {
                let is_own = own.is_unless_named() && !rule.named.kinds.is_empty();
                Asked {
                    number,
                    policy: own.policy,
                    is_own,
                    kinds: own.kinds(),
                    item: match is_own {
                        true => self.unless_named(item, rule),
                        false => item.clone(),
                    },
                }
            })
            .collect()
    }

    /// Whether a reason may be one for what a rule selects.
    pub fn concerns(&self, number: usize, rule: &CompiledRule) -> bool {
        let own = self.all.get(number);
        own.is_some_and(|(own, _)| own.concerns(&rule.reach))
    }

    /// The same but for the kinds that a rule names.
    fn unless_named(&self, item: &Item, rule: &CompiledRule) -> Item {
        let (Some(group), Some(kind)) = (self.group, self.kind) else {
            return item.clone();
        };
        let text = |var: Var, text: &str, inside: bool| {
            let language = Language::set([Box::from(text)]);
            let constraint = Constraint::text(language, inside);
            Formula::literal(
                var,
                match inside {
                    true => constraint,
                    // What is no text is not that text either.
                    false => constraint.or(States::ANY),
                },
            )
        };
        let named = rule.named.kinds.iter();
        let is_named = named.clone().map(|(own_group, own_kind)| {
            Formula::all([text(group, own_group, true), text(kind, own_kind, true)])
        });
        let is_other = named.map(|(own_group, own_kind)| {
            Formula::any([text(group, own_group, false), text(kind, own_kind, false)])
        });
        let mut variables = item.variables.clone();
        variables.extend([group, kind]);
        variables.sort_unstable();
        variables.dedup();
        Item {
            holds: Formula::any(is_named.chain([item.holds.clone()])),
            not_holds: Formula::all(is_other.chain([item.not_holds.clone()])),
            variables,
            costly: item.costly.clone(),
        }
    }
}

/// A name for what a reason costs.
pub fn cost(number: usize) -> String {
    format!("policies[{number}]")
}
