//! What a condition wants and what the object has instead, in words.
//!
//! Promises short phrases on one line, with the user's words in backticks.
//! Deliberately says of alternatives only what the nearest of them wants.

use crate::lang::hir::Test;
use crate::lang::inspect::{Found, Part};
use crate::rules::SlotSource;
use crate::rules::trace::{Actual, Compared, Condition, Expression, Join, Truth};

/// Longer pieces of conditions are cut.
const PIECE: usize = 60;

/// Of more values only the number is said.
const LISTED: usize = 4;

/// What a condition that does not hold wants, and what there is: to be read
/// after "wants".
pub(super) fn wants(condition: &Condition) -> String {
    if let Some(expression) = &condition.expression {
        return expression_wants(expression, condition.truth);
    }
    if let Some(compared) = &condition.compares {
        return format!("{}, {}", wanted(compared), has(condition, compared));
    }
    match condition.name.as_str() {
        "resources" => return resource_wanted(condition),
        "leases" => return "a key without an etcd lease, it is attached to one".to_owned(),
        _ => {}
    }
    let missed = condition.parts.iter();
    let mut missed = missed.filter(|part| part.truth != Truth::Holds);
    match condition.joins {
        Some(Join::Any) => any_wanted(condition),
        _ => match (missed.next(), missed.next()) {
            // What is read of it cannot be there either.
            (Some(first), Some(_)) if is_namespace(first) => wants(first),
            (Some(first), Some(second)) => format!("{}, and {}", wants(first), wants(second)),
            (Some(only), None) => wants(only),
            (None, _) => format!("`{}`, which does not hold", condition.title),
        },
    }
}

/// Whether it asks whether the Namespace exists.
fn is_namespace(condition: &Condition) -> bool {
    let compares = condition.compares.as_ref();
    compares.is_some_and(|own| own.what == SlotSource::Namespace)
}

/// Alternatives, none of which holds.
fn any_wanted(condition: &Condition) -> String {
    if let Some(one) = one_of(condition) {
        return one;
    }
    let held = |part: &&Condition| {
        let parts = part.parts.iter();
        parts.filter(|inner| inner.truth == Truth::Holds).count()
    };
    let nearest = condition.parts.iter().rev().max_by_key(held);
    let Some(nearest) = nearest else {
        return format!("`{}`, which nothing can be", condition.title);
    };
    match condition.parts.len() {
        1 => wants(nearest),
        count => format!("{} (the nearest of {count} alternatives)", wants(nearest)),
    }
}

/// Alternatives that compare the same thing are one comparison.
fn one_of(condition: &Condition) -> Option<String> {
    let compared = condition.parts.iter().map(|part| part.compares.as_ref());
    let compared: Vec<&Compared> = compared.collect::<Option<_>>()?;
    let first = *compared.first()?;
    let alike = |own: &&Compared| own.what == first.what && !own.negated;
    if !compared.iter().all(alike) {
        return None;
    }
    let mut values = Vec::new();
    let mut verb = "to be";
    for own in compared {
        match &own.test {
            Test::Equals(text) => values.push(&**text),
            Test::OneOf(texts) => values.extend(texts.iter().map(|text| &**text)),
            Test::Matches(pattern) => {
                verb = "to match";
                values.push(pattern.as_str());
            }
            Test::Present => return None,
        }
    }
    let has = has(condition.parts.first()?, first);
    Some(format!(
        "{} {verb} {}, {has}",
        subject(&first.what),
        or(&values)
    ))
}

/// What kinds a rule selects, where the object is of none of them.
fn resource_wanted(condition: &Condition) -> String {
    let held = |part: &&Condition| {
        let parts = part.parts.iter();
        parts.filter(|inner| inner.truth == Truth::Holds).count()
    };
    let Some(nearest) = condition.parts.iter().rev().max_by_key(held) else {
        return "a resource, it lists none".to_owned();
    };
    let failing = |part: &Condition, wanted: &SlotSource| {
        let own = part.parts.iter();
        let own = own.filter(|inner| inner.truth != Truth::Holds);
        own.filter_map(|inner| Some((inner, inner.compares.as_ref()?)))
            .find(|(_, compared)| compared.what == *wanted)
            .map(|(inner, compared)| (has(inner, compared), compared.clone()))
    };
    if let Some((has, _)) = failing(nearest, &SlotSource::Kind) {
        let kinds = condition.parts.iter().filter_map(|part| kind(part));
        let mut kinds: Vec<&str> = kinds.collect();
        kinds.sort_unstable();
        kinds.dedup();
        return format!("kind {}, {has}", or(&kinds));
    }
    if let Some((has, compared)) = failing(nearest, &SlotSource::Version) {
        let of = kind(nearest).map_or(String::new(), |kind| format!(" of `{kind}`"));
        return format!("version {}{of}, {has}", value(&compared.test));
    }
    match nearest.parts.iter().find(|part| part.truth != Truth::Holds) {
        Some(part) => wants(part),
        None => wants(nearest),
    }
}

/// The kind that an entry of `resources` names.
fn kind(entry: &Condition) -> Option<&str> {
    let compared = entry.parts.iter().filter_map(|part| part.compares.as_ref());
    let mut compared = compared.filter(|own| own.what == SlotSource::Kind);
    match &compared.next()?.test {
        Test::Equals(kind) => Some(kind),
        _ => None,
    }
}

/// What made an exclude apply: to be read after its place.
pub(super) fn excluded_by(entry: &Condition) -> String {
    let mut facts = Vec::new();
    let alone = std::slice::from_ref(entry);
    let parts = match entry.joins {
        Some(Join::All) => entry.parts.as_slice(),
        _ => alone,
    };
    for part in parts {
        match &part.expression {
            Some(expression) => facts.push(expression_holds(expression)),
            None => comparisons(part, &mut facts),
        }
    }
    if facts.is_empty() {
        parts.iter().for_each(|part| kinds(part, &mut facts));
    }
    facts.truncate(3);
    facts.join(" and ")
}

/// The comparisons that hold, of names, namespaces, labels and fields.
fn comparisons(of: &Condition, into: &mut Vec<String>) {
    let about_kind = |what: &SlotSource| {
        matches!(
            what,
            SlotSource::Group | SlotSource::Version | SlotSource::Kind
        )
    };
    match &of.compares {
        Some(compared) if of.truth == Truth::Holds && !about_kind(&compared.what) => {
            into.push(fact(of, compared));
        }
        _ => match of.joins {
            Some(Join::Any) => {
                let held = of.parts.iter().find(|part| part.truth == Truth::Holds);
                held.into_iter().for_each(|part| comparisons(part, into));
            }
            _ => of.parts.iter().for_each(|part| comparisons(part, into)),
        },
    }
}

fn kinds(of: &Condition, into: &mut Vec<String>) {
    match &of.compares {
        Some(compared) if compared.what == SlotSource::Kind => into.push(fact(of, compared)),
        _ => of.parts.iter().for_each(|part| kinds(part, into)),
    }
}

fn fact(condition: &Condition, compared: &Compared) -> String {
    let subject = match &compared.what {
        own @ (SlotSource::Field(_) | SlotSource::NamespaceLabel(_)) => match subject(own) {
            plain if plain.contains('`') => plain,
            plain => format!("`{plain}`"),
        },
        own => subject(own),
    };
    match &condition.actual {
        Some(Actual::Absent) => format!("{subject} is not there"),
        Some(Actual::Text(text)) => format!("{subject} is {}", quoted(text)),
        Some(Actual::Value(text)) => format!("{subject} is {text}"),
        Some(Actual::Private) => format!("{subject} is (not shown)"),
        Some(Actual::Unreadable) => format!("{subject} could not be read"),
        None => subject,
    }
}

/// What a comparison is of.
fn subject(what: &SlotSource) -> String {
    match what {
        SlotSource::Group => "group".to_owned(),
        SlotSource::Version => "version".to_owned(),
        SlotSource::Kind => "kind".to_owned(),
        SlotSource::Key => "the key".to_owned(),
        SlotSource::Namespace => "its Namespace".to_owned(),
        SlotSource::NamespaceLabel(label) => format!("label `{label}` of its Namespace"),
        SlotSource::NamespaceField(_) | SlotSource::Value(_) => format!("`{what}`"),
        SlotSource::Field(path) => {
            let names: Vec<_> = path.steps().iter().filter_map(|step| step.name()).collect();
            match names.as_slice() {
                ["metadata", "name"] => "name".to_owned(),
                ["metadata", "namespace"] => "namespace".to_owned(),
                ["metadata", "labels", label] => format!("label `{label}`"),
                ["metadata", "annotations", name] => format!("annotation `{name}`"),
                _ => format!("field `{path}`"),
            }
        }
    }
}

fn wanted(compared: &Compared) -> String {
    let subject = subject(&compared.what);
    let not = if compared.negated { "not " } else { "" };
    match &compared.test {
        Test::Present if compared.what == SlotSource::Namespace => {
            "a Namespace with labels that match".to_owned()
        }
        Test::Present => format!("{subject} {not}to be there"),
        Test::Equals(text) if text.is_empty() && compared.what == SlotSource::Group => {
            format!("{not}the core group")
        }
        Test::Equals(text) if text.is_empty() => format!("{subject} {not}to be empty"),
        Test::Matches(_) => format!("{subject} {not}to match {}", value(&compared.test)),
        _ => format!("{subject} {not}to be {}", value(&compared.test)),
    }
}

fn value(test: &Test) -> String {
    match test {
        Test::Present => "anything".to_owned(),
        Test::Equals(text) => quoted(text),
        Test::OneOf(texts) => or(&texts.iter().map(|text| &**text).collect::<Vec<_>>()),
        Test::Matches(pattern) => quoted(pattern.as_str()),
    }
}

fn or(values: &[&str]) -> String {
    match values {
        [] => "nothing".to_owned(),
        [only] => quoted(only),
        [some @ .., last] if values.len() <= LISTED => {
            let some: Vec<_> = some.iter().map(|own| quoted(own)).collect();
            format!("{} or {}", some.join(", "), quoted(last))
        }
        _ => format!("one of {} values", values.len()),
    }
}

fn has(condition: &Condition, compared: &Compared) -> String {
    let core = compared.what == SlotSource::Group;
    match &condition.actual {
        None | Some(Actual::Absent) => "there is none".to_owned(),
        Some(Actual::Text(text)) if text.is_empty() && core => "it is the core group".to_owned(),
        Some(Actual::Text(text)) if text.is_empty() => "it is empty".to_owned(),
        Some(Actual::Text(text)) => format!("it is {}", quoted(text)),
        Some(Actual::Value(text)) => format!("it is {text}"),
        Some(Actual::Private) => "what it is is not shown".to_owned(),
        Some(Actual::Unreadable) => "it could not be read".to_owned(),
    }
}

/// The user's own text. What a terminal would act on, or not show, is escaped.
fn quoted(text: &str) -> String {
    let mut out = String::from("`");
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => out.push(c),
            c => out.extend(c.escape_debug()),
        }
    }
    out + "`"
}

/// What a condition in CEL wants that is false, or has no value.
fn expression_wants(of: &Expression, truth: Truth) -> String {
    if truth == Truth::Faults {
        return format!("`when`, which {}", fault(of));
    }
    let deciding = of.deciding.and_then(|span| {
        let mut parts = of.parts.iter().map(|own| &own.part);
        parts.find(|part| part.span == span)
    });
    let Some(part) = deciding else {
        let text = piece(&of.text);
        let values = of.parts.iter().map(|own| &own.part);
        let values = values.filter(|part| matches!(part.found, Found::Value(_)));
        let values: Vec<String> = values.filter_map(|part| is(of, part)).take(2).collect();
        return match values.is_empty() {
            true => format!("`{text}`, which is false"),
            false => format!("`{text}`, {}", values.join(" and ")),
        };
    };
    let text = piece(of.written(part.span));
    let operands = operands(of, part);
    match &part.found {
        Found::Truth(false, Some(why)) => format!("`{text}`, which is false: {why}"),
        Found::Truth(false, None) if operands.is_empty() => format!("`{text}`, which is false"),
        Found::Truth(false, None) => format!("`{text}`, {}", operands.join(" and ")),
        _ => match operands.is_empty() {
            true => format!("`{text}` not to hold"),
            false => format!("`{text}` not to hold, {}", operands.join(" and ")),
        },
    }
}

/// What holds of a condition in CEL that is true.
fn expression_holds(of: &Expression) -> String {
    let deciding = of.deciding.and_then(|span| {
        let mut parts = of.parts.iter().map(|own| &own.part);
        parts.find(|part| part.span == span)
    });
    match deciding {
        Some(part) if matches!(part.found, Found::Truth(true, _)) => {
            format!("`{}` holds", piece(of.written(part.span)))
        }
        _ => format!("`{}` holds", piece(&of.text)),
    }
}

/// Where a condition in CEL has no value, and why.
pub(super) fn fault(of: &Expression) -> String {
    let parts = of.parts.iter().map(|own| &own.part);
    let faults = parts.filter_map(|part| match &part.found {
        Found::Fault(kind, at) => Some((part, kind, at)),
        _ => None,
    });
    let within = |part: &Part| {
        of.deciding
            .is_none_or(|span| span.start <= part.span.start && part.span.end <= span.end)
    };
    // The innermost is the first to have none.
    let first = faults
        .filter(|(part, ..)| within(part))
        .min_by_key(|(part, ..)| part.span.end - part.span.start);
    match first {
        None => "cannot be evaluated".to_owned(),
        Some((part, kind, at)) => {
            let at = at.as_ref().map_or(String::new(), |at| format!(" for {at}"));
            format!(
                "cannot be evaluated at `{}`{at}: {kind}",
                piece(of.written(part.span))
            )
        }
    }
}

/// The values that a part was computed of: those directly in it.
fn operands(of: &Expression, part: &Part) -> Vec<String> {
    let inside = |inner: &Part, outer: &Part| {
        inner.span != outer.span
            && outer.span.start <= inner.span.start
            && inner.span.end <= outer.span.end
    };
    let all = || of.parts.iter().map(|own| &own.part);
    let direct = all().filter(|own| inside(own, part));
    let direct = direct.filter(|own| {
        let mut between = all().filter(|other| inside(other, part));
        !between.any(|other| inside(own, other))
    });
    direct.filter_map(|own| is(of, own)).take(2).collect()
}

/// What a part is, where that may be shown.
fn is(of: &Expression, part: &Part) -> Option<String> {
    let value = match &part.found {
        Found::Value(text) => text.clone(),
        Found::Truth(holds, None) => holds.to_string(),
        Found::Truth(holds, Some(why)) => format!("{holds} ({why})"),
        Found::Fault(..) | Found::NotLookedAt | Found::Private => return None,
    };
    Some(format!("`{}` is {value}", piece(of.written(part.span))))
}

/// A piece of a condition on one line, cut where it is long.
fn piece(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(PIECE) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
