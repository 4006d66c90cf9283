//! CEL's own conformance suite, the cases without protobuf messages: each by
//! the oracle, the VM, and the VM after folding, and each printed and parsed
//! again.

use std::collections::BTreeMap;
use std::io::BufRead as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use carry::lang::check::Options;
use carry::lang::scheme::Variables;
use carry::lang::{
    Expression, FaultKind, Map, Source, Timestamp, Type, TypeName, Value, compare, oracle, parse,
};
use carry::vm;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::shared;

/// Cases that do not pass, by `file/section/name`, with the reason. One that
/// begins to pass has to leave this list.
const EXCEPTIONS: &[(&str, &str)] = &[(
    "parse/bytes_literals/triple_double_quoted_unescaped_punctuation",
    "the bytes that it expects have a backslash, which its expression has not",
)];

/// Cases of which the suite's text does not say what goes wrong: what does.
const REASONS: &[(&str, FaultKind)] = &[
    ("logic/AND/error_right", FaultKind::DivideByZero),
    ("logic/AND/error_left", FaultKind::DivideByZero),
    (
        "plumbing/eval_results/error_result",
        FaultKind::DivideByZero,
    ),
];

#[derive(Deserialize)]
struct Case {
    file: String,
    section: String,
    name: String,
    expr: String,
    #[serde(default)]
    bindings: BTreeMap<String, Json>,
    expect: Option<Json>,
    error: Option<String>,
    #[serde(default)]
    disable_check: bool,
    #[serde(default)]
    disable_macros: bool,
    #[serde(default)]
    container: String,
}

impl Case {
    fn title(&self) -> String {
        format!("{}/{}/{}", self.file, self.section, self.name)
    }
}

/// How a case came out.
#[derive(Debug)]
enum Outcome {
    Refused(Vec<String>),
    Fault(FaultKind),
    Value(Value<'static>),
}

struct Bindings(BTreeMap<String, Value<'static>>);

impl Source for Bindings {
    fn variable(&self, name: &str) -> Value<'_> {
        self.0.get(name).cloned().unwrap_or(Value::Absent)
    }
}

fn cases() -> Option<Vec<Case>> {
    let path = shared::folder("cel")?.join("conformance/cel.jsonl");
    let file = std::io::BufReader::new(std::fs::File::open(path).expect("cases"));
    let lines = file.lines().map(|line| line.expect("a line"));
    Some(
        lines
            .map(|line| serde_json::from_str(&line).expect("a case"))
            .collect(),
    )
}

/// The value that the suite writes as `{"type": …, "value": …}`.
fn tagged(json: &Json) -> Value<'static> {
    let value = &json["value"];
    let text = || value.as_str().expect("a text").to_owned();
    match json["type"].as_str().expect("a type") {
        "null" => Value::Null,
        "bool" => Value::Bool(value.as_bool().expect("a bool")),
        "int" => Value::Int(text().parse().expect("an int")),
        "uint" => Value::Uint(text().parse().expect("a uint")),
        "double" => Value::Double(double(&text())),
        "string" => Value::text(text()),
        "bytes" => Value::bytes(STANDARD.decode(text()).expect("base64")),
        "list" => Value::list(
            value
                .as_array()
                .expect("a list")
                .iter()
                .map(tagged)
                .collect(),
        ),
        "map" => map(value.as_array().expect("pairs")),
        "type" => Value::Type(TypeName::by_name(&text()).expect("a type that we have")),
        "timestamp" => Value::Timestamp(Timestamp {
            seconds: number(&json["seconds"]),
            nanos: u32::try_from(number(&json["nanos"])).expect("nanos"),
        }),
        "duration" => {
            Value::Duration(number(&json["seconds"]) * 1_000_000_000 + number(&json["nanos"]))
        }
        other => panic!("unknown type {other}: {json}"),
    }
}

fn number(json: &Json) -> i64 {
    match json {
        Json::Null => 0,
        Json::String(text) => text.parse().expect("a number"),
        other => other.as_i64().expect("a number"),
    }
}

fn double(text: &str) -> f64 {
    match text {
        "Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        text => text.parse().expect("a double"),
    }
}

fn map(pairs: &[Json]) -> Value<'static> {
    let mut map = Map::default();
    for pair in pairs {
        map.insert(tagged(&pair[0]), tagged(&pair[1]))
            .expect("a key of its own");
    }
    Value::Map(std::sync::Arc::new(map))
}

fn type_of(value: &Value<'_>) -> Type {
    match value.type_name() {
        TypeName::Null => Type::Null,
        TypeName::Bool => Type::Bool,
        TypeName::Int => Type::Int,
        TypeName::Uint => Type::Uint,
        TypeName::Double => Type::Double,
        TypeName::String => Type::String,
        TypeName::Bytes => Type::Bytes,
        TypeName::List => match value {
            Value::List(items) => Type::list(items.first().map_or(Type::Dyn, type_of)),
            _ => Type::list(Type::Dyn),
        },
        TypeName::Map => Type::map(Type::String, Type::Dyn),
        _ => Type::Dyn,
    }
}

fn outcomes(case: &Case) -> Vec<Outcome> {
    let bindings: BTreeMap<String, Value<'static>> = case
        .bindings
        .iter()
        .map(|(name, value)| (name.clone(), tagged(value)))
        .collect();
    let types = bindings
        .iter()
        .map(|(name, value)| (name.clone(), type_of(value)));
    let scheme = Variables::new(types).within(case.container.clone());
    let options = Options {
        check: !case.disable_check,
        macros: !case.disable_macros,
        ..Options::default()
    };
    let source = Bindings(bindings);
    let plain = Expression::compile_with(&case.expr, &scheme, &options, false);
    let folded = Expression::compile_with(&case.expr, &scheme, &options, true);
    let (plain, folded) = match (plain, folded) {
        (Ok(plain), Ok(folded)) => (plain, folded),
        (Err(errors), _) | (_, Err(errors)) => {
            let errors = errors.into_iter().map(|error| error.message).collect();
            return vec![Outcome::Refused(errors)];
        }
    };
    let values = plain.read(&source);
    let by_oracle = oracle::value(plain.hir(), &values[..]);
    let by_vm = vm::evaluate(plain.program(), &values[..]);
    let folded_values = folded.read(&source);
    let by_folded = vm::evaluate(folded.program(), &folded_values[..]);
    [by_oracle, by_vm, by_folded]
        .into_iter()
        .map(|result| match result {
            Ok(value) => Outcome::Value(owned(&value)),
            Err(fault) => Outcome::Fault(fault.kind),
        })
        .collect()
}

/// The same value without what it borrows.
fn owned(value: &Value<'_>) -> Value<'static> {
    match value {
        Value::Null | Value::Absent | Value::View(_) | Value::Object(_) => Value::Null,
        Value::Bool(value) => Value::Bool(*value),
        Value::Int(value) => Value::Int(*value),
        Value::Uint(value) => Value::Uint(*value),
        Value::Double(value) => Value::Double(*value),
        Value::String(text) => Value::text(&**text),
        Value::Bytes(bytes) => Value::bytes(&**bytes),
        Value::Timestamp(at) => Value::Timestamp(*at),
        Value::Duration(nanos) => Value::Duration(*nanos),
        Value::List(items) => Value::list(items.iter().map(owned).collect()),
        Value::Map(map) => {
            let mut copy = Map::default();
            for (key, value) in map.entries() {
                copy.insert(owned(key), owned(value)).expect("unique");
            }
            Value::Map(std::sync::Arc::new(copy))
        }
        Value::Type(name) => Value::Type(*name),
        Value::Optional(value) => Value::Optional(value.as_ref().map(|own| owned(own).into())),
        Value::Opaque(opaque) => Value::Opaque(opaque.clone()),
        Value::Fault(kind) => Value::Fault(*kind),
    }
}

/// Equal, and of one type: to CEL `1` and `1u` are equal.
fn same(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Double(a), Value::Double(b)) if a.is_nan() && b.is_nan() => true,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| same(a, b))
        }
        _ => a.type_name() == b.type_name() && compare::equal(a, b) == Ok(true),
    }
}

fn alike(a: &Outcome, b: &Outcome) -> bool {
    match (a, b) {
        (Outcome::Value(a), Outcome::Value(b)) => same(a, b),
        (Outcome::Fault(a), Outcome::Fault(b)) => a == b,
        _ => false,
    }
}

/// Why a case did not pass.
fn problem(case: &Case) -> Option<String> {
    let outcomes = outcomes(case);
    let first = &outcomes[0];
    if let Some(other) = outcomes.iter().find(|other| !alike(first, other))
        && !matches!(first, Outcome::Refused(_))
    {
        return Some(format!("oracle {first:?}, VM {other:?}"));
    }
    let passed = match (&case.expect, &case.error) {
        (Some(expect), _) => {
            matches!(first, Outcome::Value(value) if same(value, &tagged(expect)))
        }
        (None, Some(reason)) => fails_as(case, reason, first),
        (None, None) => false,
    };
    if !passed {
        return Some(match first {
            Outcome::Refused(errors) => format!("refused: {}", errors.join("; ")),
            other => format!("{other:?}"),
        });
    }
    let tree = parse::parse(&case.expr).expect("what has an outcome parses");
    let text = tree.to_string();
    match parse::parse(&text) {
        Ok(again) if again == tree => None,
        Ok(_) => Some(format!("prints as another tree: {text}")),
        Err(error) => Some(format!("prints as {text}: {}", error.message)),
    }
}

/// Whether it fails for the reason that the suite gives.
fn fails_as(case: &Case, reason: &str, outcome: &Outcome) -> bool {
    let (kinds, may_be_refused) = kinds(reason);
    match outcome {
        Outcome::Value(_) => false,
        Outcome::Refused(_) => may_be_refused,
        Outcome::Fault(kind) => match REASONS.iter().find(|(name, _)| *name == case.title()) {
            Some((_, own)) => own == kind,
            None => kinds.contains(kind),
        },
    }
}

/// What the suite's texts stand for, and whether a checker finds it before
/// anything is evaluated.
fn kinds(reason: &str) -> (&'static [FaultKind], bool) {
    use FaultKind::*;
    let begins = |start: &str| reason.starts_with(start);
    match reason {
        "no such overload" | "no matching overload" | "no_such_overload" => {
            (&[NoSuchOverload], true)
        }
        "range" | "range error" => (&[OutOfRange], false),
        "return error for overflow" | "overflow" => (&[Overflow], false),
        "divide by zero" => (&[DivideByZero, ModuloByZero], false),
        // Of a list's index.
        "invalid_argument" => (&[IndexOutOfRange, NoSuchOverload], false),
        "Type conversion error" => (&[BadConversion], false),
        "Failed with repeated key" => (&[DuplicateKey], false),
        "negative offset" => (&[InvalidArgument], false),
        "unsupported key type" => (&[UnsupportedKey], false),
        "unbound function" | "unknown variable" => (&[Undeclared], true),
        _ if begins("no such key") => (&[NoSuchKey], false),
        _ if begins("found no matching overload") => (&[NoSuchOverload], true),
        _ if reason.contains("does not support field selection") => (&[NoSuchOverload], true),
        _ if begins("index out of range") || begins("invalid substring range") => {
            (&[IndexOutOfRange], false)
        }
        _ if begins("error during formatting") || begins("could not parse formatting") => {
            (&[InvalidArgument], false)
        }
        "index 2 out of range" => (&[IndexOutOfRange], false),
        _ if begins("IP Address") || begins("network address") => (&[InvalidArgument], false),
        _ if begins("CIDR") || begins("IPv4-mapped") => (&[InvalidArgument], false),
        _ => (&[], false),
    }
}

#[test]
fn passes_the_suite() {
    let Some(cases) = cases() else { return };
    let mut per_file: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let (mut failed, mut stale) = (Vec::new(), Vec::new());
    for case in &cases {
        let (passed, total) = per_file.entry(&case.file).or_default();
        *total += 1;
        let problem = problem(case);
        let excepted = EXCEPTIONS.iter().any(|(name, _)| *name == case.title());
        match problem {
            None => {
                *passed += 1;
                if excepted {
                    stale.push(case.title());
                }
            }
            Some(problem) if !excepted => {
                println!("{}: `{}`: {problem}", case.title(), case.expr);
                failed.push(case.title());
            }
            Some(_) => {}
        }
    }
    for (file, (passed, total)) in &per_file {
        println!("cel {file}: {passed}/{total}");
    }
    let passed: usize = per_file.values().map(|(passed, _)| passed).sum();
    println!("cel: {passed}/{}", cases.len());
    assert!(!cases.is_empty(), "there are no cases");
    assert!(failed.is_empty(), "{} failed: {failed:?}", failed.len());
    assert!(stale.is_empty(), "no exceptions any more: {stale:?}");
}
