//! What functions compute, as a table: `tests/cases/cel/functions.txt`.
//!
//! A row is `name arg … => value` or `name arg … ! Fault`; a name that begins
//! with a dot is a member's. Every row runs with texts and lists of each origin.
//! Deliberately without the evaluator: functions are called as it calls them.

use std::collections::BTreeSet;
use std::sync::Arc;

use carry::lang::function::{self, Function};
use carry::lang::opaque::{Cidr, Ip, Opaque, Quantity, Semver, Url};
use carry::lang::{Blob, Budget, FaultKind, Map, Text, TypeName, Value, library};

const ROWS: &str = include_str!("../cases/cel/functions.txt");

pub fn call<'a>(function: Function, args: &[Value<'a>]) -> Result<Value<'a>, FaultKind> {
    let args: Vec<&Value> = args.iter().collect();
    library::call(function, &args, &mut Budget::default())
}

pub fn function(name: &str) -> Function {
    let bare = name.strip_prefix('.').unwrap_or(name);
    let mut rows = function::named(bare, bare.len() < name.len());
    rows.next()
        .unwrap_or_else(|| panic!("no function {name}"))
        .function
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn skip(&mut self, text: &str) -> bool {
        let found = self.rest.strip_prefix(text);
        self.rest = found.unwrap_or(self.rest).trim_start();
        found.is_some()
    }

    fn quoted(&mut self) -> String {
        let mut texts = serde_json::Deserializer::from_str(self.rest).into_iter::<String>();
        let text = texts
            .next()
            .unwrap()
            .unwrap_or_else(|_| panic!("{}", self.rest));
        self.rest = self.rest[texts.byte_offset()..].trim_start();
        text
    }

    fn items(&mut self, end: &str) -> Vec<Value<'static>> {
        let mut items = Vec::new();
        while !self.skip(end) {
            items.push(self.value());
            self.skip(",");
        }
        items
    }

    fn map(&mut self) -> Value<'static> {
        let mut map = Map::default();
        while !self.skip("}") {
            let key = self.value();
            assert!(self.skip(":"), "{}", self.rest);
            map.insert(key, self.value()).unwrap();
            self.skip(",");
        }
        Value::Map(Arc::new(map))
    }

    fn value(&mut self) -> Value<'static> {
        if self.rest.starts_with('"') {
            return Value::text(self.quoted());
        }
        if self.skip("[") {
            return Value::list(self.items("]"));
        }
        if self.skip("{") {
            return self.map();
        }
        if self.skip("opt(") {
            return Value::some(self.items(")").remove(0));
        }
        let end = self.rest.find([' ', ',', ']', ')', '}', ':', '"']);
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        if rest.starts_with('"') {
            self.rest = rest;
            return prefixed(word, &self.quoted());
        }
        self.rest = rest.trim_start();
        simple(word)
    }
}

fn prefixed(kind: &str, text: &str) -> Value<'static> {
    let text_value = [Value::text(text)];
    match kind {
        "b" => Value::bytes(text.chars().map(|c| c as u8).collect::<Vec<u8>>()),
        "t" => call(Function::ToTimestamp, &text_value).unwrap(),
        "d" => call(Function::ToDuration, &text_value).unwrap(),
        "q" => Value::opaque(Opaque::Quantity(Quantity::parse(text).unwrap())),
        "ip" => Value::opaque(Opaque::Ip(Ip::parse(text).unwrap())),
        "cidr" => Value::opaque(Opaque::Cidr(Cidr::parse(text).unwrap())),
        "url" => Value::opaque(Opaque::Url(Url::parse(text).unwrap())),
        "v" => Value::opaque(Opaque::Semver(Semver::parse(text).unwrap())),
        "format" => call(function(&format!("format.{text}")), &[]).unwrap(),
        "type" => Value::Type(TypeName::by_name(text).unwrap()),
        other => panic!("no prefix {other}"),
    }
}

fn simple(word: &str) -> Value<'static> {
    match word {
        "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "none" => Value::Optional(None),
        "NaN" => Value::Double(f64::NAN),
        "Infinity" => Value::Double(f64::INFINITY),
        "-Infinity" => Value::Double(f64::NEG_INFINITY),
        _ => match word.strip_suffix('u') {
            Some(digits) => Value::Uint(digits.parse().unwrap()),
            None if word.contains(['.', 'e']) => Value::Double(word.parse().unwrap()),
            None => Value::Int(word.parse().unwrap_or_else(|_| panic!("`{word}`"))),
        },
    }
}

/// Everything that tells a value from others, its type included.
pub fn show(value: &Value<'_>) -> String {
    let all = |items: Vec<String>| items.join(", ");
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(own) => own.to_string(),
        Value::Int(own) => own.to_string(),
        Value::Uint(own) => format!("{own}u"),
        Value::Double(own) => format!("{own:?}"),
        Value::String(own) => format!("{:?}", &**own),
        Value::Bytes(own) => format!("b{:?}", &**own),
        Value::Timestamp(own) => format!("{own:?}"),
        Value::Duration(own) => format!("{own}ns"),
        Value::List(items) => format!("[{}]", all(items.iter().map(show).collect())),
        Value::Map(map) => {
            let entries = map.entries().iter();
            let entries = entries.map(|(key, value)| format!("{}: {}", show(key), show(value)));
            format!("{{{}}}", all(entries.collect()))
        }
        Value::Optional(None) => "none".to_owned(),
        Value::Optional(Some(own)) => format!("opt({})", show(own)),
        Value::Type(own) => format!("type {}", own.name()),
        Value::Opaque(own) => match &**own {
            Opaque::Quantity(own) => format!("q {own}"),
            Opaque::Ip(own) => format!("ip {own}"),
            Opaque::Cidr(own) => format!("cidr {own}"),
            Opaque::Semver(own) => format!("v {own}"),
            Opaque::Url(own) => format!("url {own}"),
            Opaque::Format(own) => format!("format {own}"),
            Opaque::Regex(own) => format!("pattern {own}"),
        },
        other => format!("{other:?}"),
    }
}

/// The same value with texts and bytes that are borrowed for good.
fn borrowed(value: &Value<'static>) -> Value<'static> {
    match value {
        Value::String(own) => Value::str(Box::leak(own.to_string().into_boxed_str())),
        Value::Bytes(own) => Value::Bytes(Blob::Borrowed(Box::leak(own.to_vec().into()))),
        Value::List(items) => Value::list(items.iter().map(borrowed).collect()),
        other => other.clone(),
    }
}

/// The same value where lists and maps that JSON has are the embedder's.
fn embedded(value: &Value<'static>) -> Value<'static> {
    match json(value) {
        Some(json) if json.is_array() || json.is_object() => {
            Value::Object(Box::leak(Box::new(json)))
        }
        _ => value.clone(),
    }
}

fn json(value: &Value<'static>) -> Option<serde_json::Value> {
    Some(match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(own) => (*own).into(),
        Value::Int(own) => (*own).into(),
        Value::Double(own) if own.is_finite() => (*own).into(),
        Value::String(own) => (**own).into(),
        Value::List(items) => items.iter().map(json).collect::<Option<Vec<_>>>()?.into(),
        Value::Map(map) => {
            let entries = map.entries().iter().map(|(key, value)| match key {
                Value::String(key) => Some((key.to_string(), json(value)?)),
                _ => None,
            });
            serde_json::Value::Object(entries.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// With lists and maps of the embedder made into those of expressions.
fn owned(value: &Value<'static>) -> Value<'static> {
    match value {
        Value::Object(own) if own.is_list() => {
            let items = own.entries();
            Value::list(items.map(|(_, item)| owned(&item)).collect())
        }
        Value::Object(own) => {
            let mut map = Map::default();
            for (key, value) in own.entries() {
                map.insert(key, owned(&value)).unwrap();
            }
            Value::Map(Arc::new(map))
        }
        Value::List(items) => Value::list(items.iter().map(owned).collect()),
        Value::Optional(Some(own)) => Value::some(owned(own)),
        other => other.clone(),
    }
}

fn outcome(function: Function, args: &[Value<'static>]) -> String {
    match call(function, args) {
        Ok(value) => show(&owned(&value)),
        Err(fault) => format!("! {fault:?}"),
    }
}

fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = ROWS.lines().map(str::trim);
    let rows = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|row| row.split_once(' ').unwrap())
}

#[test]
fn functions_compute_what_the_table_says() {
    let mut wrong = Vec::new();
    for (name, row) in rows() {
        let mut reader = Reader { rest: row };
        let mut args = Vec::new();
        while !reader.rest.starts_with("=>") && !reader.rest.starts_with('!') {
            args.push(reader.value());
        }
        let expected = match reader.skip("=>") {
            true => show(&reader.value()),
            false => reader.rest.to_owned(),
        };
        let function = function(name);
        for args in [
            args.clone(),
            args.iter().map(borrowed).collect(),
            args.iter().map(embedded).collect(),
        ] {
            let outcome = outcome(function, &args);
            if outcome != expected {
                wrong.push(format!("{name} {row}\n    but: {outcome}"));
                break;
            }
        }
    }
    assert!(rows().count() >= 300);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_function_is_in_the_table() {
    let tested: BTreeSet<&str> = rows().map(|(name, _)| name).collect();
    let missing: BTreeSet<String> = function::overloads()
        .iter()
        .map(|row| match row.member {
            true => format!(".{}", row.name),
            false => row.name.to_owned(),
        })
        .filter(|name| !tested.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn overloads_are_found_by_name() {
    for row in function::overloads() {
        let mut found = function::named(row.name, row.member);
        assert!(found.any(|other| std::ptr::eq(other, row)), "{row:?}");
        assert!(function::exists(row.name));
        let mut rows = function::named(row.name, row.member);
        assert!(rows.all(|other| other.function == row.function), "{row:?}");
    }
    assert_eq!(function::named("size", false).count(), 4);
    assert_eq!(function::named("substring", false).count(), 0);
    assert!(!function::exists("sizes"));
    assert!(function::names().all(|name| !name.contains('_')));
    assert!(function::names().any(|name| name == "math.least"));
    assert!(function::member_names().any(|name| name == "containsIP"));
}

#[test]
fn parts_of_a_borrowed_text_are_borrowed() {
    for (name, args) in [
        (".substring", vec![Value::Int(1)]),
        (".charAt", vec![Value::Int(1)]),
        (".trim", vec![]),
        (".find", vec![Value::str("b")]),
        (".lowerAscii", vec![]),
        ("string", vec![]),
    ] {
        let args = [vec![Value::str(" ab ")], args].concat();
        let part = call(function(name), &args);
        assert!(
            matches!(part, Ok(Value::String(Text::Borrowed(_)))),
            "{name}"
        );
    }
    let pieces = call(Function::Split, &[Value::str("a,b"), Value::str(",")]);
    let Ok(Value::List(pieces)) = pieces else {
        panic!("no list");
    };
    let is_borrowed = |piece: &Value<'_>| matches!(piece, Value::String(Text::Borrowed(_)));
    assert!(pieces.iter().all(is_borrowed));
}

#[test]
fn what_is_too_large_is_refused_before_it_is_made() {
    let long = Value::text("a".repeat(1 << 21));
    let faults = |function, args: &[Value<'static>]| {
        let args: Vec<&Value> = args.iter().collect();
        library::call(function, &args, &mut Budget::new(u64::MAX)).err()
    };
    let too_large = Some(FaultKind::TooLarge);
    let a = Value::str("a");
    assert_eq!(
        faults(Function::Replace, &[long.clone(), a.clone(), long.clone()]),
        too_large
    );
    let all = Value::list(vec![long.clone(); 3]);
    assert_eq!(
        faults(Function::Join, std::slice::from_ref(&all)),
        too_large
    );
    assert_eq!(
        faults(Function::Format, &[Value::str("%s%s%s"), all]),
        too_large
    );
    let long_by = Value::text("b".repeat(1 << 10));
    let dots = Value::text("a".repeat(1 << 13));
    assert_eq!(
        faults(Function::RegexReplace, &[dots, a, long_by]),
        too_large
    );
    assert_eq!(faults(Function::Range, &[Value::Int(1_000_001)]), too_large);
    assert_eq!(faults(Function::Range, &[Value::Int(1_000_000)]), None);
    assert_eq!(faults(Function::Split, &[long, Value::str("")]), too_large);
    let mut deep = Value::list(vec![]);
    for _ in 0..10_000 {
        deep = Value::list(vec![deep]);
    }
    for (function, args) in [
        (Function::Equal, [deep.clone(), deep.clone()]),
        (Function::Flatten, [deep.clone(), Value::Int(20_000)]),
        (
            Function::Format,
            [Value::str("%s"), Value::list(vec![deep.clone()])],
        ),
    ] {
        assert_eq!(faults(function, &args), too_large, "{function:?}");
    }
    // Dropped level by level: a list drops what is in it.
    while let Value::List(items) = deep {
        deep = items.first().cloned().unwrap_or(Value::Null);
    }
}

#[test]
fn fuel_bounds_what_takes_long() {
    let text = Value::text("a".repeat(1 << 20));
    let items = Value::list((0..100_000).map(Value::Int).collect());
    for (function, args) in [
        (
            Function::Matches,
            vec![text.clone(), Value::str("(a?){500}a{500}$")],
        ),
        (
            Function::FindAll,
            vec![text.clone(), Value::str(".*[^a-z]|[a-z]")],
        ),
        (Function::Distinct, vec![items.clone()]),
        (Function::SetsEquivalent, vec![items.clone(), items.clone()]),
        (Function::Matches, vec![Value::str(""), text.clone()]),
    ] {
        let fault = call(function, &args).err();
        assert_eq!(fault, Some(FaultKind::OutOfFuel), "{function:?}");
    }
    assert!(
        call(
            Function::Sort,
            &[Value::list((0..50_000).map(Value::Int).collect())]
        )
        .is_ok()
    );
    // A long text costs more than a step wherever it is looked at.
    for function in [
        Function::Ip,
        Function::IsCidr,
        Function::Semver,
        Function::IsUrl,
        Function::ToDouble,
        Function::ToDuration,
        Function::ToTimestamp,
        Function::Size,
        Function::Trim,
        Function::IsQuantity,
    ] {
        let mut budget = Budget::new(1 << 15);
        let fault = library::call(function, &[&text], &mut budget).err();
        assert_eq!(fault, Some(FaultKind::OutOfFuel), "{function:?}");
    }
}
