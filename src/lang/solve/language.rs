//! Sets of texts, and a text that lies in some of them and not in others.
//!
//! Promises that a text which is found was tried, and that "there is none" is
//! said only of what was searched to its end. Looks first at texts that are
//! likely and pretty; automata are built only where none of those will do.

use std::sync::{Arc, OnceLock};

use super::super::opaque::Regex;
use super::super::pattern::Pattern;
use super::super::value::Value;
use super::automaton::{Automaton, Order};
use super::outcome::Wanted;
use super::probe::Probe;
use super::product::{self, Found};

/// A set of texts.
#[derive(Debug)]
pub struct Language {
    kind: Kind,
    automaton: OnceLock<Option<Arc<Automaton>>>,
}

#[derive(Debug)]
enum Kind {
    Any,
    /// Sorted.
    Set(Vec<Box<str>>),
    Glob(Pattern),
    Matches(Regex),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    Contains(Box<str>),
    /// What compares so with a text.
    Ordered(Order, Box<str>),
    /// What has so many characters, as the probe says of their number. From
    /// `cap` on it says the same of all.
    Length {
        probe: Probe,
        cap: usize,
    },
}

impl Language {
    fn new(kind: Kind) -> Language {
        Language {
            kind,
            automaton: OnceLock::new(),
        }
    }

    /// All texts.
    pub fn any() -> Language {
        Language::new(Kind::Any)
    }

    /// These and no others.
    pub fn set(texts: impl IntoIterator<Item = Box<str>>) -> Language {
        let mut texts: Vec<Box<str>> = texts.into_iter().collect();
        texts.sort_unstable();
        texts.dedup();
        Language::new(Kind::Set(texts))
    }

    /// What a glob matches.
    pub fn glob(pattern: &Pattern) -> Language {
        Language::new(Kind::Glob(pattern.clone()))
    }

    /// What a pattern is found in.
    pub fn matches(regex: &Regex) -> Language {
        Language::new(Kind::Matches(regex.clone()))
    }

    /// What begins so.
    pub fn starts_with(text: &str) -> Language {
        Language::new(Kind::StartsWith(text.into()))
    }

    /// What ends so.
    pub fn ends_with(text: &str) -> Language {
        Language::new(Kind::EndsWith(text.into()))
    }

    /// What has this in it.
    pub fn contains(text: &str) -> Language {
        Language::new(Kind::Contains(text.into()))
    }

    pub(super) fn ordered(order: Order, text: &str) -> Language {
        Language::new(Kind::Ordered(order, text.into()))
    }

    pub(super) fn length(probe: Probe, cap: usize) -> Language {
        Language::new(Kind::Length { probe, cap })
    }

    /// Its texts, where they are few enough to be written out.
    pub(super) fn texts(&self) -> Option<&[Box<str>]> {
        match &self.kind {
            Kind::Set(texts) => Some(texts),
            _ => None,
        }
    }

    /// Whether `text` is in it.
    pub fn has(&self, text: &str) -> bool {
        match &self.kind {
            Kind::Any => true,
            Kind::Set(texts) => texts.binary_search_by(|own| (**own).cmp(text)).is_ok(),
            Kind::Glob(pattern) => pattern.matches(text),
            Kind::Matches(regex) => regex.is_match(text),
            Kind::StartsWith(part) => text.starts_with(&**part),
            Kind::EndsWith(part) => text.ends_with(&**part),
            Kind::Contains(part) => text.contains(&**part),
            Kind::Ordered(order, other) => order.has(text.cmp(other)),
            Kind::Length { probe, .. } => has_length(probe, text.chars().count()),
        }
    }

    /// The automaton that takes its texts; `None` where it would be too large.
    pub(super) fn automaton(&self) -> Option<Arc<Automaton>> {
        self.automaton
            .get_or_init(|| self.build().map(Arc::new))
            .clone()
    }

    fn build(&self) -> Option<Automaton> {
        match &self.kind {
            Kind::Any => Automaton::of_pattern("", true),
            Kind::Set(texts) => Some(Automaton::of_texts(texts)),
            Kind::Glob(pattern) => Automaton::of_pattern(pattern.source(), true),
            Kind::Matches(regex) => Automaton::of_pattern(regex.compiled().as_str(), false),
            Kind::StartsWith(part) => {
                Automaton::of_pattern(&format!(r"\A{}", regex::escape(part)), false)
            }
            Kind::EndsWith(part) => {
                Automaton::of_pattern(&format!(r"{}\z", regex::escape(part)), false)
            }
            Kind::Contains(part) => Automaton::of_pattern(&regex::escape(part), false),
            Kind::Ordered(order, text) => Some(Automaton::of_order(*order, text)),
            Kind::Length { probe, cap } => {
                let accepted = (0..=*cap).map(|count| has_length(probe, count));
                Some(Automaton::of_lengths(accepted.collect()))
            }
        }
    }
}

fn has_length(probe: &Probe, count: usize) -> bool {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    probe.outcome(&Value::Int(count)) == Wanted::HOLDS
}

/// A text that is in every language marked `true` and in none of the others;
/// one of `likely` if any of those is.
pub(super) fn find(constraints: &[(&Language, bool)], likely: &[Box<str>]) -> Found {
    let fits = |text: &str| {
        let mut all = constraints.iter();
        all.all(|(language, inside)| language.has(text) == *inside)
    };
    let mut sets = constraints.iter().filter(|(_, inside)| *inside);
    if let Some(texts) = sets.find_map(|(language, _)| language.texts()) {
        let found = likely.iter().chain(texts).find(|text| fits(text));
        return found.map_or(Found::None, |text| Found::Text(text.clone()));
    }
    if let Some(found) = likely.iter().find(|text| fits(text)) {
        return Found::Text(found.clone());
    }
    match guesses(constraints).into_iter().find(|text| fits(text)) {
        Some(found) => Found::Text(found.into()),
        None => match through_automata(constraints) {
            Found::Text(text) if !fits(&text) => Found::Unknown,
            found => found,
        },
    }
}

fn through_automata(constraints: &[(&Language, bool)]) -> Found {
    let parts = constraints
        .iter()
        .map(|(language, inside)| Some((language.automaton()?, *inside)));
    match parts.collect::<Option<Vec<_>>>() {
        Some(parts) => product::find(parts),
        None => Found::Unknown,
    }
}

/// Texts that are often in.
fn guesses(constraints: &[(&Language, bool)]) -> Vec<String> {
    let (mut start, mut middle, mut end) = ("", String::new(), "");
    let (mut left_out, mut globs) = (0, Vec::new());
    for (language, inside) in constraints {
        match &language.kind {
            Kind::StartsWith(part) if *inside && part.len() > start.len() => start = part,
            Kind::EndsWith(part) if *inside && part.len() > end.len() => end = part,
            Kind::Contains(part) if *inside => middle.push_str(part),
            Kind::Glob(pattern) if *inside => globs.push(filled(pattern.as_str())),
            Kind::Set(texts) => left_out += texts.len().min(MANY),
            _ => {}
        }
    }
    let framed = |text: &str| format!("{start}{text}{middle}{end}");
    let mut guesses = match start.is_empty() && middle.is_empty() && end.is_empty() {
        true => ["example", "a", "", "z"].map(framed).to_vec(),
        false => ["", "example", "-"].map(framed).to_vec(),
    };
    guesses.extend(globs);
    // One more than are left out.
    guesses.extend((1..=left_out + 1).map(|number| framed(&format!("example-{number}"))));
    guesses
}

/// A glob with something in the place of its stars.
fn filled(glob: &str) -> String {
    let stars = glob.replace("**", "*");
    stars.replace('*', "example").replace('?', "a")
}

/// No more guesses than this for one set of texts.
const MANY: usize = 64;
