//! Arbitrary objects, and the way to each of their leaves. Deliberately knows
//! nothing of how they are stored.

use carry::k8s::{Field, Path, Record, Step};
use proptest::prelude::*;
use serde_json::{Map, Number, Value, json};

/// A custom resource with anything in its `spec`, lists and maps of any depth
/// that is worth a test, and keys and strings that look like JSON.
pub fn custom_resource() -> impl Strategy<Value = Value> {
    (value(), prop::collection::btree_map(text(), text(), 0..4)).prop_map(|(spec, labels)| {
        json!({
            "apiVersion": "test.io/v1",
            "kind": "Cell",
            "metadata": {"name": "a", "labels": labels},
            "spec": spec,
            "status": {"ready": true},
        })
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => r#"[\[\]{}",:\\a-c\n\x00é€😀 ]{0,12}"#,
        1 => r#"["\\{}a]{55,140}"#,
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-9i64..9).prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        (-1e4..1e4).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..6)
                .prop_map(|map| Value::Object(Map::from_iter(map))),
        ]
    })
}

/// The value as Go would print it and serde_json read it: whole numbers have
/// no point.
pub fn as_go_prints(value: &Value) -> Value {
    match value {
        Value::Number(number) => printed(number),
        Value::Array(items) => items.iter().map(as_go_prints).collect(),
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(key, value)| (key.clone(), as_go_prints(value)))
                .collect()
        }
        other => other.clone(),
    }
}

/// serde_json does not read every float exactly: one that stays one is kept.
fn printed(number: &Number) -> Value {
    let text = number.as_f64().unwrap_or_default().to_string();
    let whole = text.parse().map(Value::from as fn(i64) -> Value);
    let whole = whole.or_else(|_| text.parse().map(Value::from as fn(u64) -> Value));
    match number.is_f64() && text != "-0" {
        true => whole.unwrap_or_else(|_| Value::Number(number.clone())),
        false => Value::Number(number.clone()),
    }
}

/// All values within `value`, objects and lists too, with their paths.
pub fn paths(value: &Value) -> Vec<(Path, &Value)> {
    let mut found = Vec::new();
    descend(&mut Vec::new(), value, &mut found);
    found
}

fn descend<'v>(steps: &mut Vec<Step>, value: &'v Value, found: &mut Vec<(Path, &'v Value)>) {
    found.push((Path::new(steps.clone()), value));
    match value {
        Value::Array(items) => {
            for (index, item) in (0..).zip(items) {
                steps.push(Step::Index(index));
                descend(steps, item, found);
                steps.pop();
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                steps.push(Step::Key(key.as_str().into()));
                descend(steps, member, found);
                steps.pop();
            }
        }
        _ => {}
    }
}

/// Whether a field is what `value` says.
pub fn agrees(field: &Field<'_>, value: &Value) -> bool {
    match field {
        Field::Absent => false,
        Field::Null => value.is_null(),
        Field::Bool(field) => value.as_bool() == Some(*field),
        Field::Int(field) => value.as_i64() == Some(*field),
        Field::Uint(field) => value.as_u64() == Some(*field),
        Field::Double(field) => value.as_f64() == Some(*field),
        Field::String(field) => value.as_str() == Some(field),
        Field::Bytes(_) => false,
        Field::Composite(_) => value.is_object() || value.is_array(),
    }
}

/// Every path of the value, read one by one and all at once, yields what
/// stands there, and the whole reads as `value`.
pub fn reads_as(stored: &[u8], value: &Value) -> Result<(), TestCaseError> {
    let record = Record::parse(stored).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(record.verify(), Ok(()));
    prop_assert_eq!(record.to_json(), Ok(as_go_prints(value)));
    let (paths, values): (Vec<Path>, Vec<&Value>) = paths(value).into_iter().unzip();
    let query = carry::k8s::Query::new(&paths, record.api_version(), record.kind());
    let mut out = vec![Field::Absent; paths.len()];
    prop_assert_eq!(record.scan(&query, &mut out), Ok(()));
    for ((path, value), field) in paths.iter().zip(values).zip(&out) {
        prop_assert!(agrees(field, value), "{} is {:?} in {}", path, field, value);
        let alone = record.get(path);
        prop_assert_eq!(alone.as_ref(), Ok(field));
    }
    Ok(())
}

/// Neither the beginning of a value nor one with a bit turned makes anything
/// panic; what is cut off is an error.
pub fn survives_damage(stored: &[u8]) {
    let read = |bytes: &[u8]| {
        let record = Record::parse(bytes)?;
        let _ = record.labels();
        let _ = record.to_json();
        let _ = record.get(&"spec.a[0].b".parse().expect("a path"));
        record.verify()
    };
    for length in 0..stored.len() {
        let cut = stored.get(..length).unwrap_or_default();
        assert!(read(cut).is_err(), "cut off at {length}");
    }
    let mut damaged = stored.to_vec();
    for place in 0..stored.len() {
        for bit in 0..8 {
            damaged[place] ^= 1 << bit;
            let _ = read(&damaged);
            damaged[place] ^= 1 << bit;
        }
    }
}
