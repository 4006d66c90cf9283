//! Formulas: constraints on single variables, joined by all and any.
//!
//! Promises that there is no negation: who needs the opposite asks for the
//! other outcomes. Deliberately decides nothing (see `search`).

use std::sync::Arc;

use super::domain::Constraint;

/// Something that has one value in one state of the world: a slot, or the
/// outcome of a condition that is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Var(pub u32);

/// What must be true.
#[derive(Clone, Debug)]
pub enum Formula {
    /// Nothing is asked.
    Always,
    /// That cannot be.
    Never,
    /// A variable is within bounds.
    Literal(Var, Arc<Constraint>),
    /// All of them.
    All(Vec<Formula>),
    /// At least one of them.
    Any(Vec<Formula>),
}

impl Formula {
    /// A variable is within bounds.
    pub fn literal(var: Var, constraint: Constraint) -> Formula {
        match constraint.states.is_empty() {
            true => Formula::Never,
            false => Formula::Literal(var, Arc::new(constraint)),
        }
    }

    /// All of `parts`.
    pub fn all(parts: impl IntoIterator<Item = Formula>) -> Formula {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                Formula::Always => {}
                Formula::Never => return Formula::Never,
                Formula::All(inner) => kept.extend(inner),
                part => kept.push(part),
            }
        }
        match kept.len() {
            0 => Formula::Always,
            1 => kept.remove(0),
            _ => Formula::All(kept),
        }
    }

    /// Any of `parts`.
    pub fn any(parts: impl IntoIterator<Item = Formula>) -> Formula {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                Formula::Never => {}
                Formula::Always => return Formula::Always,
                Formula::Any(inner) => kept.extend(inner),
                part => kept.push(part),
            }
        }
        match kept.len() {
            0 => Formula::Never,
            1 => kept.remove(0),
            _ => Formula::Any(kept),
        }
    }

    /// The texts that a variable must have one of wherever this is true, for
    /// each variable of which that can be said.
    pub fn pins(&self) -> Vec<(Var, Vec<Box<str>>)> {
        match self {
            Formula::Always | Formula::Never => Vec::new(),
            Formula::Literal(var, constraint) => {
                let texts = constraint.pin.as_deref();
                texts
                    .map(|texts| (*var, texts.to_vec()))
                    .into_iter()
                    .collect()
            }
            Formula::All(parts) => parts.iter().flat_map(Formula::pins).collect(),
            Formula::Any(parts) => Formula::common_pins(parts),
        }
    }

    /// What every alternative pins.
    fn common_pins(parts: &[Formula]) -> Vec<(Var, Vec<Box<str>>)> {
        let mut parts = parts.iter();
        let mut common = parts.next().map(Formula::pins).unwrap_or_default();
        for part in parts {
            if common.is_empty() {
                break;
            }
            let own = part.pins();
            common.retain_mut(|(var, texts)| {
                let found = own.iter().find(|(other, _)| other == var);
                texts.extend(found.into_iter().flat_map(|(_, more)| more.iter().cloned()));
                found.is_some()
            });
        }
        common
    }

    /// Adds every variable that it speaks of.
    pub fn variables(&self, into: &mut Vec<Var>) {
        match self {
            Formula::Always | Formula::Never => {}
            Formula::Literal(var, _) => into.push(*var),
            Formula::All(parts) | Formula::Any(parts) => {
                parts.iter().for_each(|part| part.variables(into));
            }
        }
    }
}
