//! What is still possible for one variable, and what is asked of it.
//!
//! Promises that a domain is found empty only if no value satisfies all that
//! was asked. Deliberately knows one variable at a time.

use std::sync::Arc;

use smallvec::SmallVec;

use super::super::value::Value;
use super::language::{self, Language};
use super::number;
use super::outcome::Wanted;
use super::point::Point;
use super::probe::Probe;
use super::product::Found;
use super::states::States;

/// What is asked of a variable: to be in one of the states, and more of it
/// where that is a number, a text or something with a size.
#[derive(Clone, Debug)]
pub struct Constraint {
    pub(super) states: States,
    pub(super) number: Option<(Arc<Probe>, Wanted)>,
    pub(super) text: Option<(Arc<Language>, bool)>,
    pub(super) size: Option<(Arc<Probe>, Wanted)>,
    /// The texts, as tests see them, of all values that satisfy it.
    pub(super) pin: Option<Arc<[Box<str>]>>,
}

impl Constraint {
    /// To be in one of `states`.
    pub fn states(states: States) -> Constraint {
        Constraint {
            states,
            number: None,
            text: None,
            size: None,
            pin: None,
        }
    }

    /// To be a text in `language`, or outside of it if it is not `inside`.
    pub fn text(language: Language, inside: bool) -> Constraint {
        Constraint {
            text: Some((Arc::new(language), inside)),
            ..Constraint::states(States::TEXT)
        }
    }

    /// To be in one of `states` instead: what is asked of numbers, texts and
    /// sizes stays.
    pub fn or(self, states: States) -> Constraint {
        Constraint { states, ..self }
    }

    /// Whether a value satisfies it.
    pub(super) fn allows(&self, point: &Point) -> bool {
        if !self.states.meets(point.state()) {
            return false;
        }
        let comes_out = |asked: &Option<(Arc<Probe>, Wanted)>, value: &Value<'static>| {
            let asked = asked.as_ref();
            asked.is_none_or(|(probe, wanted)| wanted.meets(probe.outcome(value)))
        };
        match point {
            Point::Fault | Point::Absent => true,
            Point::Value(Value::String(text)) => {
                let asked = self.text.as_ref();
                asked.is_none_or(|(language, inside)| language.has(text) == *inside)
            }
            Point::Value(value) if point.state().meets(States::NUMBER) => {
                comes_out(&self.number, value)
            }
            Point::Value(_) => true,
            Point::Bytes(size) | Point::List(size) | Point::Map(size) => {
                let size = i64::try_from(*size).unwrap_or(i64::MAX);
                comes_out(&self.size, &Value::Int(size))
            }
        }
    }
}

/// What is known of a variable before anything is asked.
#[derive(Clone, Debug)]
pub struct Base {
    /// What it may be.
    pub constraint: Arc<Constraint>,
    /// Texts that it is likely to be: the first that fits is taken.
    pub likely: Arc<[Box<str>]>,
}

impl Base {
    /// To be in one of `states`.
    pub fn states(states: States) -> Base {
        Base {
            constraint: Arc::new(Constraint::states(states)),
            likely: Arc::default(),
        }
    }

    /// Whether it may be in one of `states`.
    pub fn may_be(&self, states: States) -> bool {
        self.constraint.states.meets(states)
    }
}

/// Whether a variable can be anything at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Nothing.
    Empty,
    /// Something.
    Some,
    /// That would take too long to say.
    Unknown,
}

/// What is still possible for one variable.
#[derive(Clone, Debug)]
pub struct Domain<'f> {
    states: States,
    asked: SmallVec<[&'f Constraint; 6]>,
    likely: &'f [Box<str>],
}

/// What a domain was before it was narrowed.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    states: States,
    asked: usize,
}

impl<'f> Domain<'f> {
    /// What is known before anything is asked.
    pub fn new(base: &'f Base) -> Domain<'f> {
        let mut domain = Domain {
            states: States::ANY,
            asked: SmallVec::new(),
            likely: &base.likely,
        };
        domain.narrow(&base.constraint);
        domain
    }

    /// Asks for more.
    pub fn narrow(&mut self, constraint: &'f Constraint) -> Mark {
        let mark = Mark {
            states: self.states,
            asked: self.asked.len(),
        };
        self.states = self.states & constraint.states;
        self.asked.push(constraint);
        mark
    }

    /// Takes back what was asked since.
    pub fn reset(&mut self, mark: Mark) {
        self.states = mark.states;
        self.asked.truncate(mark.asked);
    }

    /// Whether `constraint` is out of the question at first sight.
    pub fn excludes(&self, constraint: &Constraint) -> bool {
        !self.states.meets(constraint.states)
    }

    /// Whether there is anything left.
    pub fn room(&self) -> Room {
        if self.states.meets(States::SINGLE) {
            return Room::Some;
        }
        if self.states.meets(States::SIZED) && self.size().is_some() {
            return Room::Some;
        }
        if self.states.meets(States::NUMBER) && self.number().is_some() {
            return Room::Some;
        }
        if !self.states.meets(States::TEXT) {
            return Room::Empty;
        }
        match self.text() {
            Found::Text(_) => Room::Some,
            Found::None => Room::Empty,
            Found::Unknown => Room::Unknown,
        }
    }

    fn number(&self) -> Option<Value<'static>> {
        let tests = self.asked.iter().filter_map(|own| own.number.as_ref());
        number::satisfying(self.states, &probes(tests))
    }

    fn size(&self) -> Option<usize> {
        let tests = self.asked.iter().filter_map(|own| own.size.as_ref());
        let tests = probes(tests);
        match tests.is_empty() {
            true => Some(0),
            false => number::size_satisfying(&tests),
        }
    }

    fn text(&self) -> Found {
        if !self.states.meets(States::TEXT) {
            return Found::None;
        }
        let texts = self.asked.iter().filter_map(|own| own.text.as_ref());
        let texts: SmallVec<[(&Language, bool); 6]> = texts
            .map(|(language, inside)| (&**language, *inside))
            .collect();
        language::find(&texts, self.likely)
    }

    /// Something that is left: what is simplest, and as a fault only where it
    /// cannot be read.
    pub fn point(&self) -> Option<Point> {
        if self.states.meets(States::ABSENT) {
            return Some(Point::Absent);
        }
        if let Found::Text(text) = self.text() {
            return Some(Point::Value(Value::text(&*text)));
        }
        if self.states.meets(States::NUMBER)
            && let Some(number) = self.number()
        {
            return Some(Point::Value(number));
        }
        let size = self.size();
        let choices = [
            (States::TRUE, Some(Point::Value(Value::Bool(true)))),
            (States::FALSE, Some(Point::Value(Value::Bool(false)))),
            (States::LIST, size.map(Point::List)),
            (States::MAP, size.map(Point::Map)),
            (States::BYTES, size.map(Point::Bytes)),
            (States::NULL, Some(Point::Value(Value::Null))),
            (States::FAULT, Some(Point::Fault)),
        ];
        let mut choices = choices.into_iter();
        choices.find_map(|(state, point)| point.filter(|_| self.states.meets(state)))
    }
}

fn probes<'f>(
    asked: impl Iterator<Item = &'f (Arc<Probe>, Wanted)>,
) -> SmallVec<[(&'f Probe, Wanted); 4]> {
    asked.map(|(probe, wanted)| (&**probe, *wanted)).collect()
}
