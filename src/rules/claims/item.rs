//! A condition as formulas: where it can be relied on, and where not.
//!
//! Promises that one of the two is true of every object. Deliberately does not
//! know what the condition is for.

use crate::lang::hir::Node;
use crate::lang::solve::{Formula, Translator, Var, Variables};

/// A condition or an alternative, and when it can be relied on.
#[derive(Clone, Debug)]
pub struct Item {
    /// True whenever it holds.
    pub holds: Formula,
    /// True whenever it does not hold, or faults.
    pub not_holds: Formula,
    /// What it speaks of.
    pub variables: Vec<Var>,
    /// Its parts that may use up the fuel, as texts: then it faults, whatever
    /// the formulas say.
    pub costly: Vec<String>,
}

/// The formulas of one condition, or of its opposite.
pub fn item<V: Variables + ?Sized>(
    translator: &mut Translator<'_, V>,
    node: &Node,
    negated: bool,
    may_be_costly: bool,
) -> Item {
    let (holds, not_holds) = translator.both(node, negated);
    let mut variables = Vec::new();
    holds.variables(&mut variables);
    not_holds.variables(&mut variables);
    variables.sort_unstable();
    variables.dedup();
    Item {
        holds,
        not_holds,
        variables,
        costly: match may_be_costly {
            true => translator.costly_leaves(node),
            false => Vec::new(),
        },
    }
}
