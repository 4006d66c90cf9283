//! Constants of a program.
//!
//! Promises that each is stored once, and that a set is searched as its size
//! asks. Deliberately knows nothing of instructions.

use std::cmp::Ordering;

use hashbrown::{DefaultHashBuilder, HashMap, HashSet};

use super::fault::{Budget, FaultKind};
use super::opaque::Regex;
use super::pattern::Pattern;
use super::value::Value;
use super::{compare, container};

/// Up to this many members a set is searched one by one: comparing lengths
/// first, that beats hashing.
const FEW: usize = 8;

/// A set of strings, searched as its size asks.
#[derive(Clone, Debug)]
pub enum Set {
    /// A handful, in sorted order.
    Few(Box<[Box<str>]>),
    /// Many, hashed; and sorted for listings.
    Many {
        /// For looking up.
        hashed: HashSet<Box<str>, DefaultHashBuilder>,
        /// For people.
        sorted: Box<[Box<str>]>,
    },
}

impl Set {
    /// The set of `members`, each counted once.
    pub fn new(members: &[Box<str>]) -> Set {
        let mut sorted = members.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() <= FEW {
            return Set::Few(sorted.into());
        }
        Set::Many {
            hashed: sorted.iter().cloned().collect(),
            sorted: sorted.into(),
        }
    }

    /// Whether `text` is a member.
    #[inline]
    pub fn contains(&self, text: &str) -> bool {
        match self {
            Set::Few(members) => members.iter().any(|member| **member == *text),
            Set::Many { hashed, .. } => hashed.contains(text),
        }
    }

    /// The members in sorted order.
    pub fn members(&self) -> &[Box<str>] {
        match self {
            Set::Few(members) => members,
            Set::Many { sorted, .. } => sorted,
        }
    }
}

/// Values of any type to look for one in: strings hashed, numbers in order,
/// the rest one by one.
#[derive(Clone, Debug)]
pub struct Members {
    strings: Set,
    /// In ascending order.
    numbers: Box<[Value<'static>]>,
    /// The numbers around 2^63: one `double` equals two integers, so that they
    /// have no order.
    edge: Box<[Value<'static>]>,
    others: Box<[Value<'static>]>,
    /// How many values there are in the others.
    weight: u64,
    all: Box<[Value<'static>]>,
}

impl Members {
    /// The members of a list.
    pub fn new(all: &[Value<'static>]) -> Members {
        let strings: Vec<Box<str>> = all
            .iter()
            .filter_map(|value| match value {
                Value::String(text) => Some(Box::from(&**text)),
                _ => None,
            })
            .collect();
        // What is not a number equals nothing, itself included.
        let is_nan = |value: &Value<'_>| matches!(value, Value::Double(own) if own.is_nan());
        let (numbers, others): (Vec<Value<'_>>, Vec<_>) = all
            .iter()
            .filter(|value| !matches!(value, Value::String(_)) && !is_nan(value))
            .cloned()
            .partition(is_number);
        let (edge, mut numbers): (Vec<_>, Vec<_>) = numbers.into_iter().partition(is_at_edge);
        numbers.sort_by(|a, b| in_order(a, b));
        Members {
            strings: Set::new(&strings),
            numbers: numbers.into(),
            edge: edge.into(),
            weight: others.iter().map(weight).sum(),
            others: others.into(),
            all: all.into(),
        }
    }

    /// Whether `value` equals one of them.
    ///
    /// # Errors
    ///
    /// Where stored bytes cannot be read, and where the budget does not allow
    /// to compare it one by one.
    #[inline]
    pub fn contains(&self, value: &Value<'_>, budget: &mut Budget) -> Result<bool, FaultKind> {
        match value {
            Value::String(text) => Ok(self.strings.contains(text)),
            value if is_at_edge(value) => is_one_of(&self.edge, value),
            value if is_number(value) => {
                let found = self.numbers.binary_search_by(|own| in_order(own, value));
                Ok(found.is_ok())
            }
            value => {
                let looks = self.others.len() as u64;
                budget.spend(self.weight + looks.saturating_mul(container::cost(value)))?;
                is_one_of(&self.others, value)
            }
        }
    }

    /// All of them, as they were written.
    pub fn all(&self) -> &[Value<'static>] {
        &self.all
    }
}

fn is_one_of(all: &[Value<'_>], value: &Value<'_>) -> Result<bool, FaultKind> {
    for other in all {
        if compare::equal(other, value)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many values there are in one, itself included.
fn weight(value: &Value<'_>) -> u64 {
    let parts: u64 = match value {
        Value::List(items) => items.iter().map(weight).sum(),
        Value::Map(map) => map
            .entries()
            .iter()
            .map(|(_, value)| 1 + weight(value))
            .sum(),
        Value::Optional(Some(inner)) => weight(inner),
        _ => 0,
    };
    1 + parts
}

fn is_at_edge(value: &Value<'_>) -> bool {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    match value {
        Value::Int(own) => *own == i64::MAX,
        Value::Uint(own) => matches!(*own, 0x7fff_ffff_ffff_ffff | 0x8000_0000_0000_0000),
        Value::Double(own) => *own == TWO_63,
        _ => false,
    }
}

fn is_number(value: &Value<'_>) -> bool {
    matches!(value, Value::Int(_) | Value::Uint(_) | Value::Double(_))
}

fn in_order(a: &Value<'_>, b: &Value<'_>) -> Ordering {
    let order = compare::order(a, b).ok().flatten();
    order.unwrap_or(Ordering::Less)
}

/// The constants of a program.
#[derive(Clone, Debug, Default)]
pub struct Constants {
    pub(super) strings: Vec<Box<str>>,
    pub(super) sets: Vec<Set>,
    pub(super) patterns: Vec<Pattern>,
    pub(super) values: Vec<Value<'static>>,
    pub(super) members: Vec<Members>,
    pub(super) regexes: Vec<Regex>,
    string_ids: HashMap<Box<str>, usize>,
    set_ids: HashMap<Vec<Box<str>>, usize>,
    pattern_ids: HashMap<Pattern, usize>,
    scalar_ids: HashMap<Scalar, usize>,
    regex_ids: HashMap<Box<str>, usize>,
}

/// A constant that is stored once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Bits(u64),
    String(Box<str>),
}

impl Scalar {
    fn of(value: &Value<'_>) -> Option<Scalar> {
        Some(match value {
            Value::Null => Scalar::Null,
            Value::Bool(value) => Scalar::Bool(*value),
            Value::Int(value) => Scalar::Int(*value),
            Value::Uint(value) => Scalar::Uint(*value),
            Value::Double(value) => Scalar::Bits(value.to_bits()),
            Value::String(text) => Scalar::String(Box::from(&**text)),
            _ => return None,
        })
    }
}

impl Constants {
    /// The number of the string `text`.
    pub(super) fn string(&mut self, text: &str) -> usize {
        intern(
            &mut self.string_ids,
            &mut self.strings,
            text.into(),
            Box::clone,
        )
    }

    /// The number of the set of `members`.
    pub(super) fn set(&mut self, members: &[Box<str>]) -> usize {
        let set = Set::new(members);
        let key = set.members().to_vec();
        intern(&mut self.set_ids, &mut self.sets, key, |_| set)
    }

    /// The number of `pattern`.
    pub(super) fn pattern(&mut self, pattern: &Pattern) -> usize {
        intern(
            &mut self.pattern_ids,
            &mut self.patterns,
            pattern.clone(),
            Pattern::clone,
        )
    }

    /// The number of `value`.
    pub(super) fn value(&mut self, value: &Value<'static>) -> usize {
        match Scalar::of(value) {
            Some(scalar) => intern(&mut self.scalar_ids, &mut self.values, scalar, |_| {
                value.clone()
            }),
            None => {
                self.values.push(value.clone());
                self.values.len() - 1
            }
        }
    }

    /// The number of the members `all`.
    pub(super) fn members(&mut self, all: &[Value<'static>]) -> usize {
        self.members.push(Members::new(all));
        self.members.len() - 1
    }

    /// The number of `regex`.
    pub(super) fn regex(&mut self, regex: &Regex) -> usize {
        let key = regex.compiled().as_str().into();
        intern(&mut self.regex_ids, &mut self.regexes, key, |_| {
            regex.clone()
        })
    }
}

fn intern<K: std::hash::Hash + Eq, V>(
    ids: &mut HashMap<K, usize>,
    values: &mut Vec<V>,
    key: K,
    make: impl FnOnce(&K) -> V,
) -> usize {
    if let Some(&id) = ids.get(&key) {
        return id;
    }
    let id = values.len();
    values.push(make(&key));
    ids.insert(key, id);
    id
}
