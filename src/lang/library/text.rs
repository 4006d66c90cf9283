//! Texts.
//!
//! Promises that positions count characters, and that a part of a borrowed
//! text is borrowed. Deliberately knows no languages: case is ASCII's.

use memchr::memmem;

use crate::lang::container;
use crate::lang::fault::{Budget, FaultKind};
use crate::lang::value::{Text, Value};

use super::{Args, Outcome, bounds, lists};

pub(super) fn size<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    match args {
        [Value::String(text)] => {
            budget.spend_bytes(text.len())?;
            Ok(bounds::int(text.chars().count()))
        }
        [Value::Bytes(bytes)] => Ok(bounds::int(bytes.len())),
        [other] => {
            budget.spend(container::cost(other))?;
            let count = container::size(other)?;
            count.map(bounds::int).ok_or(FaultKind::NoSuchOverload)
        }
        _ => Err(FaultKind::NoSuchOverload),
    }
}

fn tested<'a>(
    args: Args<'_, 'a>,
    budget: &mut Budget,
    holds: impl FnOnce(&str, &str) -> bool,
) -> Outcome<'a> {
    let [Value::String(text), Value::String(part)] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    budget.spend_bytes(text.len().max(part.len()))?;
    Ok(Value::Bool(holds(text, part)))
}

pub(super) fn contains<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    tested(args, budget, |text, part| {
        memmem::find(text.as_bytes(), part.as_bytes()).is_some()
    })
}

fn at_end<'a>(
    args: Args<'_, 'a>,
    budget: &mut Budget,
    holds: fn(&str, &str) -> bool,
) -> Outcome<'a> {
    let [Value::String(text), Value::String(part)] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    bounds::pay_for_shorter(text.len(), part.len(), budget)?;
    Ok(Value::Bool(holds(text, part)))
}

pub(super) fn starts_with<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    at_end(args, budget, |text, part| text.starts_with(part))
}

pub(super) fn ends_with<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    at_end(args, budget, |text, part| text.ends_with(part))
}

/// The byte at which the character of this index begins, or at which the text
/// ends.
fn byte_at(text: &str, index: i64) -> Result<usize, FaultKind> {
    let index = usize::try_from(index).map_err(|_| FaultKind::IndexOutOfRange)?;
    let mut starts = text.char_indices().map(|(at, _)| at);
    let mut starts = starts.by_ref().chain(std::iter::once(text.len()));
    starts.nth(index).ok_or(FaultKind::IndexOutOfRange)
}

/// The index of the character that begins at this byte.
fn index_at<'a>(text: &str, byte: usize) -> Value<'a> {
    let before = text.get(..byte).unwrap_or_default();
    bounds::int(before.chars().count())
}

pub(super) fn char_at<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [Value::String(text), Value::Int(index)] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    budget.spend_bytes(text.len())?;
    let start = byte_at(text, *index)?;
    let rest = text.get(start..).unwrap_or_default();
    let length = rest.chars().next().map_or(0, char::len_utf8);
    bounds::part(text, start..start + length, budget)
}

pub(super) fn index_of<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let (text, part, from) = match args {
        [Value::String(text), Value::String(part)] => (text, part, 0),
        [Value::String(text), Value::String(part), Value::Int(from)] => (text, part, *from),
        args => return lists::index_of(args, budget),
    };
    budget.spend_bytes(text.len() + part.len())?;
    let start = byte_at(text, from)?;
    let rest = text.get(start..).unwrap_or_default();
    let found = memmem::find(rest.as_bytes(), part.as_bytes());
    Ok(found.map_or(Value::Int(-1), |at| index_at(text, start + at)))
}

/// The last place at which `part` begins, not after the character `from`.
pub(super) fn last_index_of<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let (text, part, from) = match args {
        [Value::String(text), Value::String(part)] => (text, part, None),
        [Value::String(text), Value::String(part), Value::Int(from)] => (text, part, Some(*from)),
        args => return lists::last_index_of(args, budget),
    };
    budget.spend_bytes(text.len() + part.len())?;
    let last = from.map_or(Ok(text.len()), |from| byte_at(text, from))?;
    let end = text.len().min(last.saturating_add(part.len()));
    let searched = text.as_bytes().get(..end).unwrap_or_default();
    let found = memmem::rfind(searched, part.as_bytes());
    Ok(found.map_or(Value::Int(-1), |at| index_at(text, at)))
}

fn cased<'a>(
    args: Args<'_, 'a>,
    budget: &mut Budget,
    changes: fn(&u8) -> bool,
    change: fn(&str) -> String,
) -> Outcome<'a> {
    let [Value::String(text)] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    bounds::room(text.len(), budget)?;
    Ok(match text.as_bytes().iter().any(changes) {
        true => Value::text(change(text)),
        false => Value::String(text.clone()),
    })
}

pub(super) fn lower_ascii<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    cased(
        args,
        budget,
        u8::is_ascii_uppercase,
        str::to_ascii_lowercase,
    )
}

pub(super) fn upper_ascii<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    cased(
        args,
        budget,
        u8::is_ascii_lowercase,
        str::to_ascii_uppercase,
    )
}

/// A number of times, where all are meant by one below 0.
pub(super) fn limit(count: i64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

pub(super) fn replace<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let (text, old, new, most) = match args {
        [Value::String(text), Value::String(old), Value::String(new)] => {
            (text, old, new, usize::MAX)
        }
        [
            Value::String(text),
            Value::String(old),
            Value::String(new),
            Value::Int(most),
        ] => (text, old, new, limit(*most)),
        _ => return Err(FaultKind::NoSuchOverload),
    };
    budget.spend_bytes(text.len() + old.len())?;
    // Counted first: a few bytes may each become a large text.
    let count = text.matches(&**old).take(most).count();
    if count == 0 {
        return Ok(Value::String(text.clone()));
    }
    let grown = count.saturating_mul(new.len()).saturating_add(text.len());
    budget.spend(count as u64)?;
    bounds::room(grown - count * old.len(), budget)?;
    Ok(Value::text(text.replacen(&**old, new, most)))
}

pub(super) fn split<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let (text, separator, most) = match args {
        [Value::String(text), Value::String(separator)] => (text, separator, usize::MAX),
        [
            Value::String(text),
            Value::String(separator),
            Value::Int(most),
        ] => (text, separator, limit(*most)),
        _ => return Err(FaultKind::NoSuchOverload),
    };
    budget.spend_bytes(text.len() + separator.len())?;
    let mut pieces = Vec::new();
    let mut start = 0;
    for end in ends(text, separator).take(most.saturating_sub(1)) {
        let piece = bounds::part(text, start..end, budget)?;
        bounds::push(&mut pieces, piece, budget)?;
        start = end + separator.len();
    }
    let is_over = separator.is_empty() && start == text.len();
    if most > 0 && !is_over {
        let piece = bounds::part(text, start..text.len(), budget)?;
        bounds::push(&mut pieces, piece, budget)?;
    }
    Ok(Value::list(pieces))
}

/// Where the pieces before the last end: at each separator, or after each
/// character.
fn ends<'t>(text: &'t str, separator: &'t str) -> impl Iterator<Item = usize> + 't {
    let each = text.char_indices().map(|(at, own)| at + own.len_utf8());
    let each = separator.is_empty().then_some(each);
    let found = (!separator.is_empty()).then(|| text.match_indices(separator));
    let found = found.into_iter().flatten().map(|(at, _)| at);
    each.into_iter().flatten().chain(found)
}

pub(super) fn substring<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let (text, from, to) = match args {
        [Value::String(text), Value::Int(from)] => (text, *from, None),
        [Value::String(text), Value::Int(from), Value::Int(to)] => (text, *from, Some(*to)),
        _ => return Err(FaultKind::NoSuchOverload),
    };
    budget.spend_bytes(text.len())?;
    let start = byte_at(text, from)?;
    let end = to.map_or(Ok(text.len()), |to| byte_at(text, to))?;
    match start <= end {
        true => bounds::part(text, start..end, budget),
        false => Err(FaultKind::IndexOutOfRange),
    }
}

pub(super) fn trim<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [Value::String(text)] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    budget.spend_bytes(text.len())?;
    let start = text.len() - text.trim_start().len();
    let end = start + text.trim().len();
    bounds::part(text, start..end, budget)
}

pub(super) fn join<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let (list, separator) = match args {
        [list] => (list, ""),
        [list, Value::String(separator)] => (list, &**separator),
        _ => return Err(FaultKind::NoSuchOverload),
    };
    let items = bounds::items(list, budget)?;
    let mut out = String::new();
    for (at, item) in items.iter().enumerate() {
        let Value::String(item) = item else {
            return Err(FaultKind::NoSuchOverload);
        };
        let separator = if at > 0 { separator } else { "" };
        bounds::append(&mut out, separator, budget)?;
        bounds::append(&mut out, item, budget)?;
    }
    Ok(Value::text(out))
}

pub(super) fn reverse<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [Value::String(text)] = args else {
        return lists::reverse(args, budget);
    };
    bounds::room(text.len(), budget)?;
    let reversed: String = text.chars().rev().collect();
    Ok(Value::text(reversed))
}

/// The text in quotes, with escapes for what CEL has a short one for.
pub(super) fn quote<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [Value::String(text)] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    bounds::room(2 * text.len() + 2, budget)?;
    Ok(Value::text(quoted(text)))
}

fn quoted(text: &Text<'_>) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for own in text.chars() {
        let escape = match own {
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\u{c}' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '\u{b}' => 'v',
            '\\' | '"' => own,
            _ => {
                out.push(own);
                continue;
            }
        };
        out.push('\\');
        out.push(escape);
    }
    out.push('"');
    out
}
