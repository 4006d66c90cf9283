//! What is still possible for one variable, and what is asked of it.
//!
//! Promises that a domain is found empty only if no value satisfies all that
//! was asked. Deliberately knows one variable at a time.

use std::sync::Arc;

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
pub struct Domain {
    states: States,
    numbers: Vec<(Arc<Probe>, Wanted)>,
    texts: Vec<(Arc<Language>, bool)>,
    sizes: Vec<(Arc<Probe>, Wanted)>,
    likely: Arc<[Box<str>]>,
}

/// What a domain was before it was narrowed.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    states: States,
    lengths: [usize; 3],
}

impl Domain {
    /// What is known before anything is asked.
    pub fn new(base: &Base) -> Domain {
        let mut domain = Domain {
            states: States::ANY,
            numbers: Vec::new(),
            texts: Vec::new(),
            sizes: Vec::new(),
            likely: Arc::clone(&base.likely),
        };
        domain.narrow(&base.constraint);
        domain
    }

    /// Asks for more.
    pub fn narrow(&mut self, constraint: &Constraint) -> Mark {
        let mark = Mark {
            states: self.states,
            lengths: [self.numbers.len(), self.texts.len(), self.sizes.len()],
        };
        self.states = self.states & constraint.states;
        self.numbers.extend(constraint.number.clone());
        self.texts.extend(constraint.text.clone());
        self.sizes.extend(constraint.size.clone());
        mark
    }

    /// Takes back what was asked since.
    pub fn reset(&mut self, mark: Mark) {
        self.states = mark.states;
        let [numbers, texts, sizes] = mark.lengths;
        self.numbers.truncate(numbers);
        self.texts.truncate(texts);
        self.sizes.truncate(sizes);
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
        let tests: Vec<_> = self
            .numbers
            .iter()
            .map(|(probe, wanted)| (&**probe, *wanted))
            .collect();
        number::satisfying(self.states, &tests)
    }

    fn size(&self) -> Option<usize> {
        if self.sizes.is_empty() {
            return Some(0);
        }
        let tests: Vec<_> = self
            .sizes
            .iter()
            .map(|(probe, wanted)| (&**probe, *wanted))
            .collect();
        number::size_satisfying(&tests)
    }

    fn text(&self) -> Found {
        match self.states.meets(States::TEXT) {
            true => language::find(&self.texts, &self.likely),
            false => Found::None,
        }
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
