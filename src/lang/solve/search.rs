//! Whether formulas can all be true, and of what values.
//!
//! Promises an answer within its limits: backtracking over alternatives, with
//! each variable's domain narrowed step by step. Deliberately learns nothing
//! from one search for the next.

use super::domain::{Base, Constraint, Domain, Mark, Room};
use super::formula::{Formula, Var};
use super::point::Point;

/// What a search comes to.
#[derive(Clone, Debug)]
pub enum Answer {
    /// They are never all true.
    Never,
    /// They are, for these values.
    Model(Model),
    /// That would take too long to say.
    Unknown,
}

/// A value for each variable that was asked about.
#[derive(Clone, Debug, Default)]
pub struct Model {
    points: Vec<(Var, Point)>,
}

/// How long a search may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many literals and alternatives are looked at.
    pub steps: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { steps: 4_000 }
    }
}

impl Model {
    /// The value of a variable; `None` where any will do.
    pub fn get(&self, var: Var) -> Option<&Point> {
        let found = self.points.iter().find(|(own, _)| *own == var);
        found.map(|(_, point)| point)
    }

    /// All values.
    pub fn points(&self) -> &[(Var, Point)] {
        &self.points
    }
}

/// Whether all of `formulas` can be true, where `base` says what is known of a
/// variable beforehand.
pub fn solve<'f>(
    formulas: impl IntoIterator<Item = &'f Formula>,
    base: &dyn Fn(Var) -> &'f Base,
    limits: Limits,
) -> Answer {
    let mut search = Search {
        base,
        domains: Vec::new(),
        trail: Vec::new(),
        steps: limits.steps,
        given_up: false,
    };
    let open = formulas.into_iter().collect();
    match search.run(open, Vec::new()) {
        Some(model) => Answer::Model(model),
        None if search.given_up => Answer::Unknown,
        None => Answer::Never,
    }
}

/// Whether a formula is true where the variables of `model` have its values,
/// and all others what is simplest: a guess, not a proof.
pub fn may_hold<'f>(formula: &Formula, model: &Model, base: &dyn Fn(Var) -> &'f Base) -> bool {
    let mut own = |part: &Formula| may_hold(part, model, base);
    match formula {
        Formula::Always => true,
        Formula::Never => false,
        Formula::Literal(var, constraint) => match model.get(*var) {
            Some(point) => constraint.allows(point),
            None => {
                let simplest = Domain::new(base(*var)).point();
                simplest.is_some_and(|point| constraint.allows(&point))
            }
        },
        Formula::All(parts) => parts.iter().all(&mut own),
        Formula::Any(parts) => parts.iter().any(&mut own),
    }
}

struct Search<'f, 'b> {
    base: &'b dyn Fn(Var) -> &'f Base,
    domains: Vec<(Var, Domain<'f>)>,
    trail: Vec<(usize, Mark)>,
    steps: u32,
    given_up: bool,
}

impl<'f> Search<'f, '_> {
    /// Makes all of `open` true, and one of each of `choices`.
    fn run(
        &mut self,
        mut open: Vec<&'f Formula>,
        mut choices: Vec<&'f [Formula]>,
    ) -> Option<Model> {
        loop {
            while let Some(formula) = open.pop() {
                self.steps = self.steps.checked_sub(1).or_else(|| self.give_up())?;
                match formula {
                    Formula::Always => {}
                    Formula::Never => return None,
                    Formula::All(parts) => open.extend(parts),
                    Formula::Any(parts) => choices.push(parts),
                    Formula::Literal(var, constraint) => self.narrow(*var, constraint)?,
                }
            }
            // An alternative that is all that is left is no choice.
            let mut decided = false;
            let mut left = Vec::with_capacity(choices.len());
            for parts in std::mem::take(&mut choices) {
                let mut possible = parts.iter().filter(|part| self.is_possible(part));
                match (possible.next(), possible.next()) {
                    (None, _) => return None,
                    (Some(only), None) => {
                        open.push(only);
                        decided = true;
                    }
                    _ => left.push(parts),
                }
            }
            choices = left;
            if !decided {
                break;
            }
        }
        let fewest = (0..choices.len()).min_by_key(|at| choices[*at].len());
        let Some(fewest) = fewest else {
            return self.model();
        };
        let parts = choices.swap_remove(fewest);
        for part in parts {
            if !self.is_possible(part) {
                continue;
            }
            let mark = self.trail.len();
            if let Some(model) = self.run(vec![part], choices.clone()) {
                return Some(model);
            }
            self.undo(mark);
            if self.steps == 0 {
                return self.give_up();
            }
        }
        None
    }

    fn give_up<T>(&mut self) -> Option<T> {
        self.given_up = true;
        None
    }

    fn place(&mut self, var: Var) -> usize {
        let known = self.domains.iter().position(|(own, _)| *own == var);
        known.unwrap_or_else(|| {
            self.domains.push((var, Domain::new((self.base)(var))));
            self.domains.len() - 1
        })
    }

    /// `None` where nothing is left.
    fn narrow(&mut self, var: Var, constraint: &'f Constraint) -> Option<()> {
        let at = self.place(var);
        let domain = &mut self.domains[at].1;
        let mark = domain.narrow(constraint);
        let room = domain.room();
        self.trail.push((at, mark));
        (room != Room::Empty).then_some(())
    }

    fn undo(&mut self, to: usize) {
        for (at, mark) in self.trail.drain(to..).rev() {
            self.domains[at].1.reset(mark);
        }
    }

    /// Whether an alternative is not out of the question at first sight.
    fn is_possible(&self, formula: &Formula) -> bool {
        match formula {
            Formula::Never => false,
            Formula::Literal(var, constraint) => {
                let known = self.domains.iter().find(|(own, _)| own == var);
                known.is_none_or(|(_, domain)| !domain.excludes(constraint))
            }
            Formula::All(parts) => parts.iter().all(|part| self.is_possible(part)),
            _ => true,
        }
    }

    fn model(&mut self) -> Option<Model> {
        let points = self.domains.iter();
        let points: Option<Vec<(Var, Point)>> = points
            .map(|(var, domain)| Some((*var, domain.point()?)))
            .collect();
        match points {
            Some(points) => Some(Model { points }),
            // Nothing is known to be wrong, but no value has been found either.
            None => self.give_up(),
        }
    }
}
