//! Which of many items hold wherever another one does.
//!
//! Promises to find them without comparing all with all: what an item must
//! have is looked up in an example of the other. Deliberately gives up on long
//! chains, and never says more than it has proved.

use std::collections::HashMap;

use crate::lang::Value;
use crate::lang::solve::{Answer, Formula, Model, Point, Var};

use super::item::Item;
use super::world::World;

/// Items by a text that one of their variables must have.
pub struct Index {
    by_text: HashMap<(Var, Box<str>), Vec<u32>>,
    /// Those of which that cannot be said.
    loose: Vec<u32>,
}

/// How many items are tried for one example.
const MAX_TRIED: usize = 48;

/// How many items together are looked for.
const MAX_TOGETHER: usize = 8;

/// More texts than this are not worth so many entries.
const MAX_TEXTS: usize = 64;

impl Index {
    /// The index of items; their numbers are their places.
    pub fn new<'i>(items: impl Iterator<Item = &'i Item>) -> Index {
        let pins: Vec<Vec<(Var, Vec<Box<str>>)>> = items.map(|item| item.holds.pins()).collect();
        let mut counts: HashMap<(Var, &str), u32> = HashMap::new();
        for (var, texts) in pins.iter().flatten() {
            for text in texts {
                *counts.entry((*var, text)).or_default() += 1;
            }
        }
        let crowd = |(var, texts): &&(Var, Vec<Box<str>>)| {
            let counted = texts.iter().map(|text| counts.get(&(*var, &**text)));
            counted.flatten().max().copied()
        };
        let mut index = Index {
            by_text: HashMap::new(),
            loose: Vec::new(),
        };
        for (number, own) in (0_u32..).zip(&pins) {
            let usable = own.iter().filter(|(_, texts)| texts.len() <= MAX_TEXTS);
            match usable.min_by_key(crowd) {
                None => index.loose.push(number),
                Some((var, texts)) => {
                    for text in texts {
                        let place = index.by_text.entry((*var, text.clone())).or_default();
                        if place.last() != Some(&number) {
                            place.push(number);
                        }
                    }
                }
            }
        }
        index
    }

    /// The items that may hold for an example, in order. Those that ask for
    /// something of which the example says nothing are left out.
    fn at<'m>(&'m self, model: &'m Model) -> impl Iterator<Item = usize> + 'm {
        let texts = model.points().iter().filter_map(|(var, point)| {
            let text = text(point)?;
            self.by_text.get(&(*var, text))
        });
        let all = texts.flatten().chain(&self.loose);
        let mut all: Vec<u32> = all.copied().collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter().map(|number| number as usize)
    }
}

/// The text of a value as tests see it.
fn text(point: &Point) -> Option<Box<str>> {
    let Point::Value(value) = point else {
        return None;
    };
    let mut found = None;
    Value::with_text(value, |text| {
        found = Some(text.into());
        true
    });
    found
}

/// What is to be covered.
pub struct Target<'t> {
    /// True whenever it holds, with all that is known besides.
    pub holds: Vec<&'t Formula>,
    /// What those speak of.
    pub variables: Vec<&'t [Var]>,
}

/// How much of a target is covered.
#[derive(Debug, PartialEq, Eq)]
pub enum Cover {
    /// It never holds.
    Empty,
    /// Wherever it holds, one of these does; none can be left out.
    By(Vec<usize>),
    /// Not all of it, or that cannot be said.
    Open,
}

/// Finds items of `index` that hold, one or the other, wherever the target
/// does. `item` gives those that may be used; with `alone`, only one by itself
/// is looked for.
pub fn cover<'i>(
    world: &World,
    target: &Target<'_>,
    index: &Index,
    item: &dyn Fn(usize) -> Option<(&'i Item, &'i [Formula])>,
    alone: bool,
) -> Cover {
    let mut chosen: Vec<usize> = Vec::new();
    loop {
        let model = match world.ask(target, &chosen, item) {
            Answer::Never if chosen.is_empty() => return Cover::Empty,
            Answer::Never => return smallest(world, target, chosen, item),
            Answer::Unknown => return Cover::Open,
            Answer::Model(model) => model,
        };
        let holds = |at: &usize| {
            let found = item(*at).filter(|_| !chosen.contains(at));
            found.is_some_and(|(own, _)| !world.may_hold(&own.not_holds, &model))
        };
        let mut tried = index.at(&model).take(MAX_TRIED);
        let most = if alone { 1 } else { MAX_TOGETHER };
        let found = match alone {
            // The example may be covered by one that does not cover all.
            true => tried
                .filter(holds)
                .find(|at| matches!(world.ask(target, &[*at], item), Answer::Never)),
            false => tried.find(holds),
        };
        match found {
            Some(at) if chosen.len() < most => chosen.push(at),
            _ => return Cover::Open,
        }
    }
}

/// Leaves out what is not needed: one by itself is best.
fn smallest<'i>(
    world: &World,
    target: &Target<'_>,
    mut chosen: Vec<usize>,
    item: &dyn Fn(usize) -> Option<(&'i Item, &'i [Formula])>,
) -> Cover {
    let covers = |some: &[usize]| matches!(world.ask(target, some, item), Answer::Never);
    if let Some(one) = chosen.iter().find(|at| covers(&[**at])) {
        return Cover::By(vec![*one]);
    }
    let mut at = 0;
    while at < chosen.len() {
        let mut fewer = chosen.clone();
        fewer.remove(at);
        match covers(&fewer) {
            true => chosen = fewer,
            false => at += 1,
        }
    }
    chosen.sort_unstable();
    Cover::By(chosen)
}

impl World {
    /// Whether a target can hold where none of the chosen items does.
    fn ask<'i>(
        &self,
        target: &Target<'_>,
        chosen: &[usize],
        item: &dyn Fn(usize) -> Option<(&'i Item, &'i [Formula])>,
    ) -> Answer {
        let mut formulas = target.holds.clone();
        let mut variables = target.variables.clone();
        for (own, facts) in chosen.iter().filter_map(|at| item(*at)) {
            formulas.push(&own.not_holds);
            formulas.extend(facts);
            variables.push(&own.variables);
        }
        self.solve(&formulas, &variables)
    }
}
