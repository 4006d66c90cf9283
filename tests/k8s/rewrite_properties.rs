//! Fields of stored values rewritten at random: the field reads as asked,
//! every other one as before, however the value is written; and no bytes at
//! all make it panic.

use std::cell::Cell;
use std::sync::LazyLock;

use carry::k8s::schema::{FieldType, PathError};
use carry::k8s::{Edit, Encoding, Path, Record, Special, Step, rewrite};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::rewrite_values::{Plain, at, paths, type_at, values};
use super::rewrite_wire::{Tree, Variation, count_unknown, without_unknown};

/// Values that carry can show as a whole.
static VALUES: LazyLock<Vec<Plain>> = LazyLock::new(|| {
    let mut values = values("k8s::rewrite_properties");
    values.retain(|value| shown(&value.bytes).is_some());
    values
});

fn shown(bytes: &[u8]) -> Option<Value> {
    Record::parse(bytes).ok()?.to_json().ok()
}

fn edited(bytes: &[u8], path: &Path, edit: Edit) -> Result<Vec<u8>, TestCaseError> {
    super::rewrite_values::edited(bytes, path, edit).map_err(TestCaseError::fail)
}

/// A value and a field of it.
fn field() -> impl Strategy<Value = (&'static Plain, Path)> {
    (any::<Index>(), any::<Index>()).prop_filter_map("no values", |(which, path)| {
        let value = VALUES.get(which.index(VALUES.len().max(1)))?;
        let paths = paths(&value.json);
        Some((value, paths.get(path.index(paths.len()))?.clone()))
    })
}

/// Another value of the field's type; nothing for objects, maps and lists.
fn other(value: &Plain, path: &Path) -> Option<Value> {
    let dynamic = || match at(&value.json, path)? {
        Value::String(_) => Some(json!("x<&>\u{2028}é")),
        Value::Bool(_) => Some(json!(true)),
        Value::Number(_) => Some(json!(7)),
        _ => None,
    };
    match type_at(value, path) {
        Ok(FieldType::String) => Some(json!("x<&>\u{2028}é")),
        Ok(FieldType::Bool) => Some(json!(true)),
        Ok(FieldType::Int | FieldType::Uint) => Some(json!(7)),
        Ok(FieldType::Double) => Some(json!(2.5)),
        Ok(FieldType::Bytes) => Some(json!("AQL/")),
        Ok(FieldType::Special(Special::Quantity)) => Some(json!("3")),
        Ok(FieldType::Special(Special::Time)) => Some(json!("2020-01-02T03:04:05Z")),
        Ok(FieldType::Special(Special::MicroTime)) => Some(json!("2020-01-02T03:04:05.000007Z")),
        Ok(FieldType::Special(Special::IntOrString)) => Some(json!("http")),
        Ok(FieldType::Special(Special::Strings)) => Some(json!(["a", "b"])),
        Ok(FieldType::Special(Special::Json)) => Some(json!({"z": [1, "<"], "a": null})),
        Ok(_) => None,
        Err(PathError::UnknownKind) => dynamic(),
        Err(_) => None,
    }
}

/// `json` without what is at `path`.
fn without(json: &Value, path: &Path) -> Value {
    let mut json = json.clone();
    let (last, steps) = path.steps().split_last().expect("a step");
    let parent = steps.iter().try_fold(&mut json, |json, step| match step {
        Step::Field(name) | Step::Key(name) => json.get_mut(&**name),
        Step::Index(index) => json.get_mut(*index as usize),
    });
    match (parent, last) {
        (Some(Value::Object(members)), Step::Field(name) | Step::Key(name)) => {
            members.remove(&**name);
        }
        (Some(Value::Array(items)), Step::Index(index)) if (*index as usize) < items.len() => {
            items.remove(*index as usize);
        }
        _ => {}
    }
    json
}

/// What JSON shows for a field that was taken out: nothing, or its zero.
fn is_nothing(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::Bool(value)) => !value,
        Some(Value::Number(value)) => value.as_f64() == Some(0.0),
        Some(Value::String(value)) => value.is_empty() || value == "0",
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(members)) => members.values().all(|value| is_nothing(Some(value))),
    }
}

fn is_type(path: &Path) -> bool {
    matches!(path.to_string().as_str(), "apiVersion" | "kind")
}

/// Sets and removes one field of a value that reads as `json`.
fn check(value: &Plain, bytes: &[u8], path: &Path) -> Result<(), TestCaseError> {
    let json = &value.json;
    let same = at(json, path).cloned().unwrap_or_default();
    prop_assert!(
        edited(bytes, path, Edit::Set(same))? == bytes,
        "{} `{path}` set to what it is",
        value.name
    );
    if is_type(path) {
        return Ok(());
    }
    if let Some(other) = other(value, path) {
        let set = edited(bytes, path, Edit::Set(other.clone()))?;
        let after = shown(&set).expect("what was rewritten can be read");
        prop_assert_eq!(
            at(&after, path),
            Some(&other),
            "{} `{}` set",
            value.name,
            path
        );
        prop_assert_eq!(
            without(&after, path),
            without(json, path),
            "{} `{}`",
            value.name,
            path
        );
        prop_assert!(edited(bytes, path, Edit::Replace(other.clone()))? == set);
        prop_assert!(edited(&set, path, Edit::Set(other))? == set);
    }
    let removed = edited(bytes, path, Edit::Remove)?;
    let after = shown(&removed).expect("what was rewritten can be read");
    let parent = Path::new(path.steps().split_last().expect("a step").1.to_vec());
    match (at(json, &parent), path.steps().last()) {
        // Of a list without elements there is nothing on the wire.
        (Some(Value::Array(items)), Some(Step::Index(_))) if items.len() == 1 => {
            prop_assert!(is_nothing(at(&after, &parent)));
            prop_assert_eq!(without(&after, &parent), without(json, &parent));
        }
        (_, Some(Step::Index(_))) => prop_assert_eq!(after, without(json, path)),
        _ => {
            let is_map = matches!(type_at(value, &parent), Ok(FieldType::Map));
            let entries = at(json, &parent)
                .and_then(Value::as_object)
                .map_or(0, |map| map.len());
            if is_map && entries == 1 {
                prop_assert!(is_nothing(at(&after, &parent)));
                prop_assert_eq!(without(&after, &parent), without(json, &parent));
            } else {
                prop_assert!(
                    is_nothing(at(&after, path)),
                    "{} `{path}` removed",
                    value.name
                );
                prop_assert_eq!(without(&after, path), without(json, path));
            }
        }
    }
    prop_assert!(edited(&removed, path, Edit::Remove)?.len() <= removed.len());
    Ok(())
}

fn variation() -> impl Strategy<Value = Variation> {
    use Variation::{Overlong, Overridden, Packed, Split, Unknown};
    prop::sample::select(vec![Unknown, Overlong, Split, Overridden, Packed])
}

/// The value written otherwise, where that reads the same.
fn varied(value: &Plain, how: &[(Index, Index, Variation)]) -> Option<(Vec<u8>, usize)> {
    let mut tree = Tree::parse(&value.bytes)?;
    let mut made = 0;
    for (which, at, how) in how {
        let mut other = tree.clone();
        other.vary(which.index(tree.messages()), at.index(64), *how);
        if shown(&other.bytes()).as_ref() == Some(&value.json) {
            tree = other;
            made += 1;
        }
    }
    Some((tree.bytes(), made))
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[test]
fn a_field_reads_as_asked_and_the_others_as_before() {
    if VALUES.is_empty() {
        return;
    }
    let mut runner = proptest::test_runner::TestRunner::new(cases(1500));
    let outcome = runner.run(&field(), |(value, path)| check(value, &value.bytes, &path));
    outcome.expect("every field can be rewritten");
    println!("rewrite_fields: 1500 fields of {} values", VALUES.len());
}

#[test]
fn however_the_value_is_written() {
    if VALUES.is_empty() {
        return;
    }
    let variations = prop::collection::vec((any::<Index>(), any::<Index>(), variation()), 1..8);
    let made = Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(cases(800));
    let outcome = runner.run(&(field(), variations), |((value, path), how)| {
        let Some((bytes, count)) = varied(value, &how) else {
            return Ok(());
        };
        made.set(made.get() + count);
        check(value, &bytes, &path)
    });
    outcome.expect("every field can be rewritten");
    println!("rewrite_varied: {} variations in 800 values", made.get());
    assert!(made.get() > 800);
}

#[test]
fn unknown_fields_stay_where_they_are() {
    if VALUES.is_empty() {
        return;
    }
    let places = prop::collection::vec((any::<Index>(), any::<Index>()), 1..12);
    let survived = Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(cases(800));
    let outcome = runner.run(&(field(), places), |((value, path), places)| {
        let how: Vec<_> = places
            .into_iter()
            .map(|(which, at)| (which, at, Variation::Unknown))
            .collect();
        let Some((bytes, _)) = varied(value, &how) else {
            return Ok(());
        };
        prop_assert!(without_unknown(&bytes) == value.bytes);
        if let Some(other) = other(value, &path).filter(|_| !is_type(&path)) {
            let plain = edited(&value.bytes, &path, Edit::Set(other.clone()))?;
            let set = edited(&bytes, &path, Edit::Set(other))?;
            prop_assert!(without_unknown(&set) == plain, "{} `{path}`", value.name);
            let is_scalar = !matches!(type_at(value, &path), Ok(FieldType::Special(_)));
            if is_scalar {
                prop_assert_eq!(count_unknown(&set), count_unknown(&bytes));
                survived.set(survived.get() + count_unknown(&set));
            }
        }
        Ok(())
    });
    outcome.expect("unknown fields survive");
    println!(
        "rewrite_unknown: {} unknown fields survived",
        survived.get()
    );
    assert!(survived.get() > 800);
}

/// A path and an edit that need not fit anything.
fn any_edit() -> impl Strategy<Value = (Path, Edit)> {
    const PATHS: [&str; 18] = [
        "kind",
        "apiVersion",
        "type",
        "data.a",
        "data",
        "metadata",
        "metadata.name",
        "metadata.labels['app']",
        "metadata.creationTimestamp",
        "metadata.ownerReferences[0].kind",
        "metadata.managedFields[0].fieldsV1['f:metadata'].x",
        "spec.replicas",
        "spec.template.spec.containers[0].image",
        "spec.template.spec.containers[1].resources.limits.cpu",
        "spec.ports[0].targetPort",
        "spec.securityContext.supplementalGroups[1]",
        "spec.names.kind",
        "spec",
    ];
    let value = prop_oneof![
        Just(json!(null)),
        Just(json!("x")),
        Just(json!(-1)),
        Just(json!({})),
        Just(json!([])),
        Just(json!("2020-01-02T03:04:05Z")),
    ];
    let edit = prop_oneof![
        value.clone().prop_map(Edit::Set),
        value.prop_map(Edit::Replace),
        Just(Edit::Remove)
    ];
    (prop::sample::select(&PATHS[..]), edit)
        .prop_map(|(path, edit)| (path.parse().expect(path), edit))
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn any_bytes_never_panic(
        magic in prop::bool::ANY,
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        edits in prop::collection::vec(any_edit(), 1..4),
    ) {
        let bytes = if magic { [b"k8s\0".as_slice(), &bytes].concat() } else { bytes };
        if let Ok(rewritten) = rewrite(&bytes, &edits) {
            prop_assert!(Record::parse(&rewritten).is_ok());
        }
    }

    #[test]
    fn any_json_never_panics(
        text in r#"[ \n{}\[\],:"\\au0n1e.-]{0,60}"#,
        edits in prop::collection::vec(any_edit(), 1..4),
    ) {
        let text = format!(r#"{{"kind":"K","apiVersion":"v9","spec":{text}}}"#);
        if let Ok(rewritten) = rewrite(text.as_bytes(), &edits) {
            prop_assert!(Record::parse(&rewritten).is_ok());
        }
    }

    #[test]
    fn cut_or_changed_values_never_panic(
        (value, path) in field(),
        cut in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        is_cut in prop::bool::ANY,
        edit in any_edit(),
    ) {
        let mut bytes = value.bytes.clone();
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        for (at, byte) in changes {
            if let Some(place) = at.checked_index(bytes.len()) {
                bytes[place] = byte;
            }
        }
        let edits = [(path, edit.1.clone()), edit];
        for edit in edits {
            if let Ok(rewritten) = rewrite(&bytes, std::slice::from_ref(&edit)) {
                prop_assert!(Record::parse(&rewritten).is_ok());
            }
        }
    }
}

trait CheckedIndex {
    fn checked_index(&self, len: usize) -> Option<usize>;
}

impl CheckedIndex for Index {
    fn checked_index(&self, len: usize) -> Option<usize> {
        (len > 0).then(|| self.index(len))
    }
}

/// Fields that a value does not have are made, and go again.
#[test]
fn absent_fields_are_made_and_go_again() {
    let mut made = 0;
    for value in VALUES.iter().filter(|value| is_protobuf(value)) {
        for path in absent(value) {
            let Some(other) = other(value, &path) else {
                continue;
            };
            let set = edited(&value.bytes, &path, Edit::Set(other.clone())).expect("an edit");
            let after = shown(&set).expect("what was rewritten can be read");
            assert_eq!(at(&after, &path), Some(&other), "{} `{path}`", value.name);
            assert_eq!(
                without(&after, &path),
                value.json,
                "{} `{path}`",
                value.name
            );
            let gone = edited(&set, &path, Edit::Remove).expect("an edit");
            assert_eq!(gone, value.bytes, "{} `{path}`", value.name);
            let replaced = edited(&value.bytes, &path, Edit::Replace(other)).expect("an edit");
            assert_eq!(replaced, value.bytes, "{} `{path}`", value.name);
            made += 1;
        }
    }
    println!(
        "rewrite_absent: {made} fields made in {} values",
        VALUES.len()
    );
}

fn is_protobuf(value: &Plain) -> bool {
    let record = Record::parse(&value.bytes).expect("a value");
    record.encoding() == Encoding::Protobuf
}

/// The fields that the messages of a value have besides those shown.
fn absent(value: &Plain) -> Vec<Path> {
    let mut absent = Vec::new();
    for path in paths(&value.json) {
        if !matches!(type_at(value, &path), Ok(FieldType::Message)) {
            continue;
        }
        let mut steps = path.steps().to_vec();
        steps.push(Step::Field("no such field".into()));
        let unknown = type_at(value, &Path::new(steps.clone()));
        let Err(PathError::UnknownField { candidates, .. }) = unknown else {
            panic!("`{path}` has every field")
        };
        for name in candidates {
            steps.pop();
            steps.push(Step::Field(name.into()));
            let path = Path::new(steps.clone());
            if at(&value.json, &path).is_none() {
                absent.push(path);
            }
        }
    }
    absent
}
