//! How many keys of a table were decided how, in all and by rule.
//!
//! Promises to count keys that are not shown, too. Deliberately names no key.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use unicode_width::UnicodeWidthStr as _;

use super::layout::{filled, plain};
use super::row::{Decided, decision_word};
use crate::cli::args::Only;
use crate::rules::RuleId;
use crate::rules::decide::Judge;

/// The order in which they are told.
const WORDS: [(Only, &str); 3] = [
    (Only::Mirrored, "mirrored"),
    (Only::Skipped, "skipped"),
    (Only::Held, "held"),
];

/// How many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    all: [u64; 3],
    rules: BTreeMap<u32, [u64; 3]>,
}

impl Counts {
    /// Counts one key.
    pub fn add(&mut self, decided: &Decided) {
        let at = WORDS.iter().position(|(word, _)| *word == decided.word);
        let at = at.unwrap_or(0);
        bump(&mut self.all, at);
        if let Some(RuleId(rule)) = decided.rule {
            bump(self.rules.entry(rule).or_default(), at);
        }
    }

    /// How many keys there were.
    pub fn keys(&self) -> u64 {
        self.all.iter().sum()
    }

    /// For people.
    pub fn human(&self, judge: &Judge) -> String {
        let keys = self.keys();
        let noun = if keys == 1 { "key" } else { "keys" };
        let mut text = format!("{keys} {noun}: {}\n", of(&self.all));
        let name = |rule: &u32| plain(judge.rule_name(RuleId(*rule)));
        let names: Vec<String> = self.rules.keys().map(name).collect();
        let widest = names.iter().map(|name| name.width()).max().unwrap_or(0);
        for (name, counts) in names.iter().zip(self.rules.values()) {
            let _ = writeln!(text, "  {}  {}", filled(name, widest), of(counts));
        }
        let idle = judge.plan().rules().len() - self.rules.len().min(judge.plan().rules().len());
        let _ = match (idle, self.rules.is_empty()) {
            (0, _) => Ok(()),
            (_, true) => writeln!(text, "  none of them is mirrored"),
            (1, false) => writeln!(text, "  1 rule selects none of them"),
            (idle, false) => writeln!(text, "  {idle} rules select none of them"),
        };
        text
    }

    /// For programs: rules that select nothing are among them.
    pub fn json(&self, judge: &Judge) -> Value {
        let object = |counts: &[u64; 3]| {
            let words = WORDS.iter().zip(counts);
            let words =
                words.map(|((word, _), count)| (decision_word(*word).to_owned(), json!(count)));
            words.collect::<Map<String, Value>>()
        };
        let rules = (0..).zip(judge.plan().rules()).map(|(rule, own)| {
            let counts = self.rules.get(&rule).copied().unwrap_or_default();
            (
                own.name.clone(),
                json!({"put": counts[0], "hold": counts[2]}),
            )
        });
        let mut all = object(&self.all);
        all.insert("keys".to_owned(), json!(self.keys()));
        all.insert("rules".to_owned(), Value::Object(rules.collect()));
        Value::Object(all)
    }
}

fn bump(counts: &mut [u64; 3], at: usize) {
    if let Some(count) = counts.get_mut(at) {
        *count += 1;
    }
}

/// `3 mirrored, 1 held`.
fn of(counts: &[u64; 3]) -> String {
    let some = WORDS.iter().zip(counts).filter(|(_, count)| **count > 0);
    let some: Vec<String> = some
        .map(|((_, word), count)| format!("{count} {word}"))
        .collect();
    match some.is_empty() {
        true => "none".to_owned(),
        false => some.join(", "),
    }
}
