//! What is known of a condition over one slot, state by state.
//!
//! Promises that for every value the outcome is among those that are said to
//! be possible. Deliberately knows nothing of conditions over several slots.

use std::sync::Arc;

use super::super::fault::FaultKind;
use super::super::value::Value;
use super::domain::Constraint;
use super::language::Language;
use super::outcome::Wanted;
use super::probe::Probe;
use super::states::States;

/// A condition over one slot.
pub struct Shape {
    /// The condition.
    pub probe: Arc<Probe>,
    /// Whether the probe's constants tell all numbers apart that it does.
    pub numbers: bool,
    /// What it says of texts.
    pub text: OfText,
    /// What it says of lists, maps and bytes.
    pub sized: OfSized,
    /// The texts, as tests see them, of all values that it holds for.
    pub pin: Option<Arc<[Box<str>]>>,
}

/// What a condition says of texts.
pub enum OfText {
    /// The same of all.
    Always(Wanted),
    /// It holds for these and fails for all others.
    HoldsIn(Arc<Language>),
    /// That is not understood.
    Unknown,
}

/// What a condition says of lists, maps and bytes.
pub enum OfSized {
    /// One of these: of lists and maps, and of bytes.
    Within(Wanted, Wanted),
    /// What another condition says of their size.
    BySize(Arc<Probe>),
}

impl Shape {
    /// A condition of which nothing is known but what its probe says.
    pub fn unknown(probe: Probe) -> Shape {
        Shape {
            probe: Arc::new(probe),
            numbers: false,
            text: OfText::Unknown,
            sized: OfSized::Within(Wanted::ANY, Wanted::ANY),
            pin: None,
        }
    }

    /// What a slot must be for the outcome to be wanted, and the states in
    /// which that cannot be told.
    pub fn constraint(&self, wanted: Wanted) -> (Constraint, States) {
        let mut own = Constraint::states(States::NONE);
        let mut open = States::NONE;
        for (state, value) in [
            (States::FAULT, Value::Fault(FaultKind::Undecodable)),
            (States::ABSENT, Value::Absent),
            (States::NULL, Value::Null),
            (States::TRUE, Value::Bool(true)),
            (States::FALSE, Value::Bool(false)),
        ] {
            if wanted.meets(self.probe.outcome(&value)) {
                own.states = own.states | state;
            }
        }
        match self.numbers {
            true => self.numbers(wanted, &mut own),
            false => open = open | States::NUMBER,
        }
        self.texts(wanted, &mut own, &mut open);
        self.sizes(wanted, &mut own, &mut open);
        if wanted == Wanted::HOLDS {
            own.pin = self.pin.clone();
        }
        (own, open)
    }

    fn numbers(&self, wanted: Wanted, own: &mut Constraint) {
        if !self.probe.constants.is_empty() {
            own.states = own.states | States::NUMBER;
            own.number = Some((Arc::clone(&self.probe), wanted));
            return;
        }
        // Without constants all numbers of a type come out alike.
        for (state, value) in [
            (States::INT, Value::Int(0)),
            (States::UINT, Value::Uint(0)),
            (States::DOUBLE, Value::Double(0.0)),
        ] {
            if wanted.meets(self.probe.outcome(&value)) {
                own.states = own.states | state;
            }
        }
    }

    fn texts(&self, wanted: Wanted, own: &mut Constraint, open: &mut States) {
        match &self.text {
            OfText::Always(outcome) if wanted.meets(*outcome) => {
                own.states = own.states | States::TEXT;
            }
            OfText::Always(_) => {}
            OfText::Unknown => *open = *open | States::TEXT,
            OfText::HoldsIn(language) => {
                let (inside, outside) = (wanted.has(Wanted::HOLDS), wanted.has(Wanted::FAILS));
                if inside || outside {
                    own.states = own.states | States::TEXT;
                }
                if inside != outside {
                    own.text = Some((Arc::clone(language), inside));
                }
            }
        }
    }

    fn sizes(&self, wanted: Wanted, own: &mut Constraint, open: &mut States) {
        let (containers, bytes) = match &self.sized {
            OfSized::BySize(probe) => {
                own.states = own.states | States::SIZED;
                own.size = Some((Arc::clone(probe), wanted));
                return;
            }
            OfSized::Within(containers, bytes) => (*containers, *bytes),
        };
        for (states, outcomes) in [
            (States::LIST | States::MAP, containers),
            (States::BYTES, bytes),
        ] {
            if wanted.has(outcomes) {
                own.states = own.states | states;
            } else if wanted.meets(outcomes) {
                *open = *open | states;
            }
        }
    }
}
