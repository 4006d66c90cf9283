//! What conditions can be true at all: satisfiability of formulas over what
//! slots may hold.
//!
//! Promises soundness in one direction: [`Answer::Never`] is said only of what
//! no values whatever make true. A condition holds, fails or faults, and each
//! of the three is a formula of its own ([`Wanted`]); what is not understood
//! may come out in any way, though in the same way wherever it is written
//! alike. Deliberately knows nothing of rules: who asks says which slots of
//! several predicates are one [`Var`], and what is known of it beforehand.
//!
//! The route: [`hir`](super::hir) → [`Translator`] → [`Formula`] → [`solve`] →
//! [`Answer`], whose model has a [`Point`] for every variable that matters.

mod automaton;
mod cost;
mod domain;
mod formula;
mod language;
mod leaf;
mod number;
mod outcome;
mod point;
mod probe;
mod product;
mod reads;
mod search;
mod shape;
mod states;
mod translate;

pub use domain::{Base, Constraint};
pub use formula::{Formula, Var};
pub use language::Language;
pub use outcome::Wanted;
pub use point::Point;
pub use search::{Answer, Limits, Model, may_hold, solve};
pub use states::States;
pub use translate::{Translator, Variables};
