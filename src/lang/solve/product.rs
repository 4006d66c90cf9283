//! The search for a text through several automata at once.
//!
//! Promises a shortest text, of bytes that are pretty to look at where there
//! is a choice, and to give up rather than to run for long. Every text is
//! UTF-8: that is one automaton more.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::automaton::{Automaton, State};

/// How many places of the product are looked at.
const MAX_PLACES: usize = 20_000;

/// How many constraints one search may join.
const MAX_PARTS: usize = 16;

struct Part {
    automaton: Arc<Automaton>,
    inside: bool,
}

/// A text that every automaton marked `true` takes and none of the others.
pub fn find(parts: Vec<(Arc<Automaton>, bool)>) -> Found {
    let part = |(automaton, inside)| Part { automaton, inside };
    let mut parts: Vec<Part> = parts.into_iter().map(part).collect();
    let Some(utf8) = &*UTF_8 else {
        return Found::Unknown;
    };
    parts.push(part((Arc::clone(utf8), true)));
    match parts.len() > MAX_PARTS {
        true => Found::Unknown,
        false => search(&parts),
    }
}

/// What a search for a text comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// This one.
    Text(Box<str>),
    /// There is none.
    None,
    /// The search would take too long.
    Unknown,
}

static UTF_8: LazyLock<Option<Arc<Automaton>>> =
    LazyLock::new(|| Automaton::of_pattern(r"\A(?s:.)*\z", true).map(Arc::new));

/// A place of the product: how it was reached, and where.
struct Place {
    from: u32,
    byte: u8,
    states: Box<[State]>,
}

fn search(parts: &[Part]) -> Found {
    let bytes = representatives(parts);
    let start: Box<[State]> = parts.iter().map(|part| part.automaton.start()).collect();
    let mut seen: HashMap<Box<[State]>, ()> = HashMap::new();
    if !may_end(parts, &start) {
        return Found::None;
    }
    seen.insert(start.clone(), ());
    let mut places = vec![Place {
        from: 0,
        byte: 0,
        states: start,
    }];
    let mut at = 0;
    while let Some(place) = places.get(at) {
        if ends(parts, &place.states) {
            return read(&places, at);
        }
        let states = place.states.clone();
        for &byte in &bytes {
            let next = parts.iter().zip(&states);
            let next: Box<[State]> = next
                .map(|(part, state)| part.automaton.next(*state, byte))
                .collect();
            if !may_end(parts, &next) || seen.contains_key(&next) {
                continue;
            }
            if places.len() >= MAX_PLACES {
                return Found::Unknown;
            }
            seen.insert(next.clone(), ());
            places.push(Place {
                from: at as u32,
                byte,
                states: next,
            });
        }
        at += 1;
    }
    Found::None
}

fn ends(parts: &[Part], states: &[State]) -> bool {
    let mut own = parts.iter().zip(states);
    own.all(|(part, state)| part.automaton.takes(*state) == part.inside)
}

/// Whether anything that may follow could make it a text that is looked for.
fn may_end(parts: &[Part], states: &[State]) -> bool {
    let hopeless = |(part, state): (&Part, &State)| match state {
        State::At(_) => false,
        State::Taken => !part.inside,
        State::Lost => part.inside,
    };
    !parts.iter().zip(states).any(hopeless)
}

fn read(places: &[Place], end: usize) -> Found {
    let mut bytes = Vec::new();
    let mut at = end;
    while let Some(place) = places.get(at).filter(|_| at > 0) {
        bytes.push(place.byte);
        at = place.from as usize;
    }
    bytes.reverse();
    // The automaton of UTF-8 has taken it.
    String::from_utf8(bytes).map_or(Found::Unknown, |text| Found::Text(text.into()))
}

/// One byte of each sort that the automata tell apart, the prettiest of it,
/// and the prettiest sorts first.
fn representatives(parts: &[Part]) -> Vec<u8> {
    let pretty = (b'a'..=b'z').chain(b'0'..=b'9').chain(*b"-./_");
    let rest = (b'A'..=b'Z')
        .chain(b' '..=b'~')
        .chain(0x80..=0xff)
        .chain(0..b' ');
    let mut seen = std::collections::HashSet::new();
    let all = pretty.chain(rest).chain([0x7f]);
    all.filter(|byte| {
        let classes: Vec<u32> = parts
            .iter()
            .map(|part| part.automaton.class(*byte))
            .collect();
        seen.insert(classes)
    })
    .collect()
}
