//! Regular expressions: `matches`, the regex extension, and Kubernetes' `find`.
//!
//! Promises that what a match may cost is paid before it begins. Deliberately
//! compiles nothing twice that the compiler has compiled: a constant pattern
//! comes as a compiled one.

use std::borrow::Cow;

use crate::lang::fault::{Budget, FaultKind};
use crate::lang::opaque::{Opaque, Regex};
use crate::lang::value::{Text, Value};

use super::{Args, Outcome, bounds};

/// The pattern that an argument is.
fn pattern<'v>(value: &'v Value<'_>, budget: &mut Budget) -> Result<Cow<'v, Regex>, FaultKind> {
    match value {
        Value::Opaque(own) => match &**own {
            Opaque::Regex(regex) => Ok(Cow::Borrowed(regex)),
            _ => Err(FaultKind::NoSuchOverload),
        },
        Value::String(text) => {
            budget.spend(256 + text.len() as u64 * 32)?;
            let weight = Regex::weigh(text).map_err(|_| FaultKind::InvalidArgument)?;
            budget.spend(weight.saturating_mul(64))?;
            let regex = Regex::new(text).map_err(|_| FaultKind::InvalidArgument)?;
            Ok(Cow::Owned(regex))
        }
        _ => Err(FaultKind::NoSuchOverload),
    }
}

/// Pays for one search through so many bytes. Most take far less than a look
/// at each state for each byte, but some do.
fn pay(regex: &Regex, bytes: usize, budget: &mut Budget) -> Result<(), FaultKind> {
    let states = (bytes as u64).saturating_mul(regex.weight());
    budget.spend(1 + bytes as u64 / 16 + states / 16)
}

pub(super) fn matches<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [Value::String(text), own] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let regex = pattern(own, budget)?;
    pay(&regex, text.len(), budget)?;
    Ok(Value::Bool(regex.is_match(text)))
}

/// The next match from this byte on, with its groups. What lies behind a match
/// may have been searched too, if rarely, and costs less.
fn next<'t>(
    regex: &Regex,
    text: &'t str,
    from: usize,
    budget: &mut Budget,
) -> Result<Option<regex::Captures<'t>>, FaultKind> {
    let rest = text.len().saturating_sub(from) as u64;
    budget.spend(1 + rest.saturating_mul(regex.weight()) / 512)?;
    let found = regex.compiled().captures_at(text, from);
    let whole = found.as_ref().and_then(|found| found.get(0));
    let end = whole.map_or(text.len(), |whole| whole.end());
    pay(regex, end.saturating_sub(from), budget)?;
    Ok(found)
}

/// Calls `each` for up to `most` matches that do not overlap.
fn each<'t>(
    regex: &Regex,
    text: &'t str,
    most: usize,
    budget: &mut Budget,
    mut each: impl FnMut(regex::Captures<'t>, &mut Budget) -> Result<(), FaultKind>,
) -> Result<(), FaultKind> {
    let mut from = 0;
    let mut last_end = None;
    let mut count = 0;
    while count < most && from <= text.len() {
        let Some(found) = next(regex, text, from, budget)? else {
            break;
        };
        let range = found.get(0).map_or(0..0, |whole| whole.range());
        from = match range.is_empty() {
            true => after(text, range.end),
            false => range.end,
        };
        // An empty match right behind another one is no match of its own.
        if range.is_empty() && last_end == Some(range.end) {
            continue;
        }
        last_end = Some(range.end);
        count += 1;
        each(found, budget)?;
    }
    Ok(())
}

/// The byte behind the character at this one; beyond the text at its end.
fn after(text: &str, byte: usize) -> usize {
    let rest = text.get(byte..).unwrap_or_default();
    byte + rest.chars().next().map_or(1, char::len_utf8)
}

/// The first match, or an empty text.
pub(super) fn find<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [Value::String(text), own] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let regex = pattern(own, budget)?;
    pay(&regex, text.len(), budget)?;
    match regex.compiled().find(text) {
        Some(found) => bounds::part(text, found.range(), budget),
        None => Ok(Value::str("")),
    }
}

pub(super) fn find_all<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let (text, own, most) = match args {
        [Value::String(text), own] => (text, own, usize::MAX),
        [Value::String(text), own, Value::Int(most)] => {
            (text, own, usize::try_from(*most).unwrap_or(usize::MAX))
        }
        _ => return Err(FaultKind::NoSuchOverload),
    };
    let regex = pattern(own, budget)?;
    collect(&regex, text, most, budget, |found| found.get(0))
}

fn collect<'a>(
    regex: &Regex,
    text: &Text<'a>,
    most: usize,
    budget: &mut Budget,
    pick: for<'f, 't> fn(&'f regex::Captures<'t>) -> Option<regex::Match<'t>>,
) -> Outcome<'a> {
    let mut out = Vec::new();
    each(regex, text, most, budget, |found, budget| {
        let Some(part) = pick(&found) else {
            return Ok(());
        };
        let part = bounds::part(text, part.range(), budget)?;
        bounds::push(&mut out, part, budget)
    })?;
    Ok(Value::list(out))
}

/// The pattern's only group, where it matched something; of a pattern without
/// groups all of the match.
fn extracted<'t>(found: &regex::Captures<'t>) -> Option<regex::Match<'t>> {
    match found.len() {
        1 => found.get(0),
        _ => found.get(1).filter(|group| !group.is_empty()),
    }
}

fn check_groups(regex: &Regex) -> Result<(), FaultKind> {
    match regex.compiled().captures_len() {
        ..=2 => Ok(()),
        _ => Err(FaultKind::InvalidArgument),
    }
}

pub(super) fn extract<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [Value::String(text), own] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let regex = pattern(own, budget)?;
    check_groups(&regex)?;
    let found = next(&regex, text, 0, budget)?;
    match found.as_ref().and_then(extracted) {
        Some(part) => bounds::part(text, part.range(), budget).map(Value::some),
        None => Ok(Value::Optional(None)),
    }
}

pub(super) fn extract_all<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [Value::String(text), own] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let regex = pattern(own, budget)?;
    check_groups(&regex)?;
    collect(&regex, text, usize::MAX, budget, extracted)
}

pub(super) fn replace<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let (text, own, by, most) = match args {
        [Value::String(text), own, Value::String(by)] => (text, own, by, usize::MAX),
        [
            Value::String(text),
            own,
            Value::String(by),
            Value::Int(most),
        ] => {
            let most = usize::try_from(*most).unwrap_or(usize::MAX);
            (text, own, by, most)
        }
        _ => return Err(FaultKind::NoSuchOverload),
    };
    let regex = pattern(own, budget)?;
    budget.spend_bytes(by.len())?;
    let pieces = pieces(by, regex.compiled().captures_len())?;
    let mut out = String::new();
    let mut end = 0;
    each(&regex, text, most, budget, |found, budget| {
        let range = found.get(0).map_or(0..0, |whole| whole.range());
        let before = text.get(end..range.start).unwrap_or_default();
        bounds::append(&mut out, before, budget)?;
        end = range.end;
        pieces.iter().try_for_each(|piece| {
            let more = match piece {
                Piece::Text(text) => text,
                Piece::Group(group) => found.get(*group).map_or("", |group| group.as_str()),
            };
            bounds::append(&mut out, more, budget)
        })
    })?;
    bounds::append(&mut out, text.get(end..).unwrap_or_default(), budget)?;
    Ok(Value::text(out))
}

/// A part of what a match is replaced by.
enum Piece<'t> {
    Text(&'t str),
    Group(usize),
}

/// The parts of a replacement: `\1` is a group, `\\` a backslash, and no other
/// may follow a backslash.
fn pieces(by: &str, groups: usize) -> Result<Vec<Piece<'_>>, FaultKind> {
    let mut pieces = Vec::new();
    let mut rest = by;
    while let Some((before, after)) = rest.split_once('\\') {
        pieces.push(Piece::Text(before));
        let escaped = after.get(..1).ok_or(FaultKind::InvalidArgument)?;
        pieces.push(match escaped.parse() {
            Ok(group) if group < groups => Piece::Group(group),
            Err(_) if escaped == "\\" => Piece::Text(escaped),
            _ => return Err(FaultKind::InvalidArgument),
        });
        rest = after.get(1..).unwrap_or_default();
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}
