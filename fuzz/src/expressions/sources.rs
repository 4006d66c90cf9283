//! What generated expressions are evaluated over, and its scheme.
//!
//! Promises one world with everything, one with `null` and absent fields, and
//! one whose object lies in stored bytes.

use std::sync::LazyLock;

use carry::k8s::Record;
use carry::lang::opaque::Opaque;
use carry::lang::scheme::{FieldInfo, Scheme, UnknownField};
use carry::lang::{FaultKind, Map, Source, Timestamp, Type, Value, function::Function, library};
use serde_json::json;

use super::literals;

/// The names that generated expressions use.
pub struct Names;

/// Objects by their numbers: `thing` and its `spec`.
const THING: u32 = 0;
const SPEC: u32 = 1;

impl Scheme for Names {
    fn variable(&self, name: &str) -> Option<Type> {
        if name == "thing" {
            return Some(Type::Object(THING));
        }
        let found = literals::PLACES.iter().find(|(own, _)| *own == name);
        found.map(|(_, ty)| ty())
    }

    fn variables(&self) -> Vec<String> {
        let own = literals::PLACES.iter().map(|(name, _)| (*name).to_owned());
        own.filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase()))
            .collect()
    }

    fn field(&self, object: u32, name: &str) -> Result<FieldInfo, UnknownField> {
        let (ty, may_be_absent) = match (object, name) {
            (THING, "name") => (Type::String, false),
            (THING, "spec") => (Type::Object(SPEC), true),
            (SPEC, "count") => (Type::Int, true),
            (SPEC, "ratio") => (Type::Double, true),
            (SPEC, "tags") => (Type::list(Type::String), true),
            (SPEC, "labels") => (Type::map(Type::String, Type::String), true),
            (SPEC, "any") => (Type::Dyn, true),
            _ => return Err(UnknownField { suggestion: None }),
        };
        Ok(FieldInfo { ty, may_be_absent })
    }

    fn describe(&self, _: u32) -> String {
        "thing".to_owned()
    }
}

/// Values for all variables.
pub struct World {
    object: Object,
    thing: serde_json::Value,
    /// Whether numbers and texts are the larger ones.
    rich: bool,
}

enum Object {
    Json(serde_json::Value),
    Stored(Box<Record<'static>>),
}

const STORED: &[u8] = br#"{"apiVersion":"test.io/v1","kind":"Thing",
    "metadata":{"name":"web-1","labels":{"app":"abc","a":"7"}},
    "spec":{"count":3,"flag":true,"ratio":1.5,"text":"a\u00e9\"b","nothing":null,"empty":{},
    "items":[{"name":"a","app":1},{"name":null},{"zz":[1,[2]]}],
    "numbers":[1,2,9223372036854775807,-3,1.5],"a":{"b":{"app":"deep"}}}}"#;

/// The worlds.
pub static WORLDS: LazyLock<[World; 3]> = LazyLock::new(|| {
    let spec = json!({
        "count": 7, "flag": false, "ratio": 7.0, "text": "abc", "nothing": null, "empty": [],
        "items": [{"name": "a", "app": 1}, {"name": "b"}, {}],
        "numbers": [1, 2, 3, 18_446_744_073_709_551_615_u64], "a": 1, "zz": ["a"],
    });
    let rich = json!({"metadata": {"name": "a", "labels": {"app": "web"}}, "spec": spec, "a": 1});
    let poor = json!({"metadata": {"name": null}, "spec": {"count": "7", "items": [], "flag": 1}});
    let thing = json!({"name": "web-1", "spec": {
        "count": 3, "ratio": 0.5, "tags": ["a", "b"], "labels": {"app": "web", "x/y": "z"},
        "any": {"deep": [1]},
    }});
    [
        World {
            object: Object::Json(rich),
            thing,
            rich: true,
        },
        World {
            object: Object::Json(poor),
            thing: json!({"name": "x", "spec": {"count": null, "labels": {}, "any": 1}}),
            rich: false,
        },
        World {
            object: Object::Stored(Box::new(Record::parse(STORED).expect("a stored value"))),
            thing: json!({"name": "x"}),
            rich: true,
        },
    ]
});

impl Source for World {
    fn variable(&self, name: &str) -> Value<'_> {
        match name {
            "object" => match &self.object {
                Object::Json(json) => Value::from(json),
                Object::Stored(record) => Value::View(record.view()),
            },
            "thing" => Value::from(&self.thing),
            "l" | "ls" | "ld" | "m" | "mi" | "o" | "on" | "q" => self.container(name),
            name => self.scalar(name),
        }
    }
}

impl World {
    fn scalar(&self, name: &str) -> Value<'static> {
        let rich = self.rich;
        match name {
            "i" => Value::Int(if rich { 2 } else { 0 }),
            "big" => Value::Int(if rich { i64::MAX } else { i64::MIN }),
            "broken" => Value::Fault(FaultKind::Unreadable),
            "u" => Value::Uint(if rich { 1 << 63 } else { 7 }),
            "d" => Value::Double(if rich {
                9_223_372_036_854_775_808.0
            } else {
                1.5
            }),
            "nan" => Value::Double(if rich { f64::NAN } else { -0.0 }),
            "s" => Value::str(if rich { "abc" } else { "" }),
            "b" => Value::Bool(rich),
            "y" => Value::bytes(if rich { b"abc".as_slice() } else { b"" }),
            "t" => Value::Timestamp(Timestamp {
                seconds: if rich { 1_700_000_000 } else { -62_135_596_800 },
                nanos: if rich { 5 } else { 0 },
            }),
            "p" => Value::Duration(if rich { 90_000_000_000 } else { i64::MIN }),
            "n" => Value::Null,
            _ => Value::Absent,
        }
    }

    fn container(&self, name: &str) -> Value<'static> {
        let ints = [3, 1, 2, 1].map(Value::Int);
        let count = if self.rich { ints.len() } else { 0 };
        match name {
            "l" => Value::list(ints[..count].to_vec()),
            "ls" => Value::list(vec![Value::str("a"), Value::str("abc")]),
            "ld" => Value::list(vec![
                Value::Int(1),
                Value::str("a"),
                Value::Double(f64::NAN),
                Value::Null,
            ]),
            "m" => map([
                (Value::str("a"), Value::Int(1)),
                (Value::str("app"), Value::Int(0)),
            ]),
            "mi" => map([
                (Value::Int(0), Value::str("a")),
                (Value::Int(2), Value::str("b")),
            ]),
            "o" if self.rich => Value::some(Value::Int(7)),
            "q" => quantity(),
            _ => Value::Optional(None),
        }
    }
}

fn map<const N: usize>(entries: [(Value<'static>, Value<'static>); N]) -> Value<'static> {
    let mut map = Map::default();
    for (key, value) in entries {
        map.insert(key, value).expect("a key once");
    }
    Value::Map(map.into())
}

fn quantity() -> Value<'static> {
    let mut budget = carry::lang::Budget::default();
    let value = library::call(Function::Quantity, &[&Value::str("1Gi")], &mut budget);
    let value = value.expect("a quantity");
    assert!(matches!(&value, Value::Opaque(own) if matches!(**own, Opaque::Quantity(_))));
    value
}
