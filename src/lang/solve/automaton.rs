//! Deterministic automata over bytes, of every kind of text constraint.
//!
//! Promises that an automaton takes exactly the texts that its constraint does.
//! Deliberately searches nothing (see `product`).

use std::cmp::Ordering;

use regex_automata::Anchored;
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::util::syntax;

/// How large an automaton may become, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

/// A text's order to another one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    /// Whether smaller ones are meant.
    pub less: bool,
    /// Whether equal ones are.
    pub equal: bool,
    /// Whether larger ones are.
    pub greater: bool,
}

impl Order {
    /// Whether this order is meant.
    pub fn has(self, ordering: Ordering) -> bool {
        match ordering {
            Ordering::Less => self.less,
            Ordering::Equal => self.equal,
            Ordering::Greater => self.greater,
        }
    }
}

/// An automaton.
#[derive(Debug)]
pub(super) enum Automaton {
    /// Of a regular expression.
    Dense(Box<dense::DFA<Vec<u32>>>, StateID),
    /// Of a list of texts.
    Trie(Vec<Node>),
    /// Of a text's order to another.
    Ordered(Order, Box<[u8]>),
    /// Of lengths: whether each is taken, the last for all longer ones too.
    Lengths(Vec<bool>),
}

/// One prefix of a list of texts.
#[derive(Debug, Default)]
pub(super) struct Node {
    next: Vec<(u8, u32)>,
    ends: bool,
}

/// A state of an automaton. A number means a different thing to each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum State {
    /// A place in it.
    At(u32),
    /// From here on everything is taken.
    Taken,
    /// From here on nothing is.
    Lost,
}

impl Automaton {
    /// Of what a regular expression is found in; a text's line breaks are
    /// characters like any other if `dot_all`. `None` where it is too large.
    pub fn of_pattern(pattern: &str, dot_all: bool) -> Option<Automaton> {
        // An automaton over bytes would find it within a character.
        if pattern.contains(r"\B") {
            return None;
        }
        let dfa = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .start_kind(StartKind::Unanchored)
                    .dfa_size_limit(Some(SIZE_LIMIT))
                    .determinize_size_limit(Some(SIZE_LIMIT)),
            )
            .syntax(
                syntax::Config::new()
                    .utf8(false)
                    .dot_matches_new_line(dot_all),
            )
            .thompson(regex_automata::nfa::thompson::Config::new().utf8(false))
            .build(pattern)
            .ok()?;
        let start = dfa.start_state(&start::Config::new().anchored(Anchored::No));
        let start = start.ok()?;
        Some(Automaton::Dense(Box::new(dfa), start))
    }

    /// Of these texts.
    pub fn of_texts(texts: &[Box<str>]) -> Automaton {
        let mut nodes = vec![Node::default()];
        for text in texts {
            let mut at = 0;
            for byte in text.bytes() {
                let next = nodes[at].next.iter().find(|(own, _)| *own == byte);
                at = match next {
                    Some((_, next)) => *next as usize,
                    None => {
                        let new = nodes.len();
                        nodes[at].next.push((byte, new as u32));
                        nodes.push(Node::default());
                        new
                    }
                };
            }
            nodes[at].ends = true;
        }
        Automaton::Trie(nodes)
    }

    /// Of what compares so with `text`.
    pub fn of_order(order: Order, text: &str) -> Automaton {
        Automaton::Ordered(order, text.as_bytes().into())
    }

    /// Of texts by their number of characters.
    pub fn of_lengths(accepted: Vec<bool>) -> Automaton {
        Automaton::Lengths(accepted)
    }

    /// Where it begins.
    pub fn start(&self) -> State {
        match self {
            Automaton::Dense(dfa, start) if dfa.is_dead_state(*start) => State::Lost,
            Automaton::Dense(_, start) => State::At(start.as_u32()),
            _ => State::At(0),
        }
    }

    /// Bytes with the same number go the same ways.
    pub fn class(&self, byte: u8) -> u32 {
        match self {
            Automaton::Dense(dfa, _) => u32::from(dfa.byte_classes().get(byte)),
            Automaton::Trie(nodes) => match nodes.iter().any(|node| node.leads(byte)) {
                true => 1 + u32::from(byte),
                false => 0,
            },
            // Between two bytes of the text all others compare alike.
            Automaton::Ordered(_, text) => {
                let below = text.iter().filter(|own| **own < byte).count() as u32;
                2 * below + u32::from(text.contains(&byte))
            }
            Automaton::Lengths(_) => u32::from(is_first(byte)),
        }
    }

    /// Where a byte leads.
    pub fn next(&self, from: State, byte: u8) -> State {
        let State::At(at) = from else { return from };
        match self {
            Automaton::Dense(dfa, _) => {
                let Ok(own) = StateID::new(at as usize) else {
                    return State::Lost;
                };
                let next = dfa.next_state(own, byte);
                match (dfa.is_match_state(next), dfa.is_dead_state(next)) {
                    (true, _) => State::Taken,
                    (_, true) => State::Lost,
                    _ => State::At(next.as_u32()),
                }
            }
            Automaton::Trie(nodes) => {
                let node = nodes.get(at as usize);
                let next = node.and_then(|node| node.next.iter().find(|(own, _)| *own == byte));
                next.map_or(State::Lost, |(_, next)| State::At(*next))
            }
            Automaton::Ordered(order, text) => {
                let own = text.get(at as usize);
                match own.map_or(Ordering::Greater, |own| byte.cmp(own)) {
                    Ordering::Equal => State::At(at + 1),
                    decided if order.has(decided) => State::Taken,
                    _ => State::Lost,
                }
            }
            Automaton::Lengths(accepted) => {
                let last = accepted.len().saturating_sub(1) as u32;
                State::At((at + u32::from(is_first(byte))).min(last))
            }
        }
    }

    /// Whether a text that ends here is taken.
    pub fn takes(&self, at: State) -> bool {
        let State::At(at) = at else {
            return at == State::Taken;
        };
        match self {
            Automaton::Dense(dfa, _) => {
                StateID::new(at as usize).is_ok_and(|at| dfa.is_match_state(dfa.next_eoi_state(at)))
            }
            Automaton::Trie(nodes) => nodes.get(at as usize).is_some_and(|node| node.ends),
            Automaton::Ordered(order, text) => order.has((at as usize).cmp(&text.len())),
            Automaton::Lengths(accepted) => accepted.get(at as usize).copied().unwrap_or(false),
        }
    }
}

impl Node {
    fn leads(&self, byte: u8) -> bool {
        self.next.iter().any(|(own, _)| *own == byte)
    }
}

/// Whether a byte is the first of its character.
fn is_first(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}
