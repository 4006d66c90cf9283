//! Values stored as CBOR: what JSON says, said in CBOR, reads the same, and
//! what Kubernetes' decoder refuses we refuse too.

use carry::k8s::{Encoding, Field, Path, Record, RecordError};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::values;
use crate::shared;

/// How lengths and strings are written.
#[derive(Clone, Copy, Debug)]
enum Style {
    /// As Kubernetes writes: byte strings, and all lengths beforehand.
    Kubernetes,
    /// Text strings, and no length beforehand.
    Indefinite,
}

/// A stored value: the tag of self-described CBOR, then the value.
fn stored(value: &Value, style: Style) -> Vec<u8> {
    let mut out = vec![0xd9, 0xd9, 0xf7];
    write(value, style, &mut out);
    out
}

fn head(major: u8, number: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    match number {
        0..24 => out.push(major | number as u8),
        24..0x100 => out.extend([major | 24, number as u8]),
        0x100..0x1_0000 => {
            out.push(major | 25);
            out.extend((number as u16).to_be_bytes());
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(major | 26);
            out.extend((number as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 27);
            out.extend(number.to_be_bytes());
        }
    }
}

fn string(text: &str, style: Style, out: &mut Vec<u8>) {
    match style {
        Style::Kubernetes => {
            head(2, text.len() as u64, out);
            out.extend(text.bytes());
        }
        Style::Indefinite => {
            out.push(0x7f);
            for c in text.chars() {
                head(3, c.len_utf8() as u64, out);
                out.extend(c.to_string().bytes());
            }
            out.push(0xff);
        }
    }
}

fn open(major: u8, length: usize, style: Style, out: &mut Vec<u8>) {
    match style {
        Style::Kubernetes => head(major, length as u64, out),
        Style::Indefinite => out.push(major << 5 | 31),
    }
}

fn close(style: Style, out: &mut Vec<u8>) {
    if matches!(style, Style::Indefinite) {
        out.push(0xff);
    }
}

fn write(value: &Value, style: Style, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(value) => out.push(0xf4 + u8::from(*value)),
        Value::Number(number) => match number.as_i64() {
            Some(int) if int < 0 => head(1, !int as u64, out),
            Some(int) => head(0, int as u64, out),
            None => {
                out.push(0xfb);
                out.extend(number.as_f64().expect("a float").to_be_bytes());
            }
        },
        Value::String(text) => string(text, style, out),
        Value::Array(items) => {
            open(4, items.len(), style, out);
            items.iter().for_each(|item| write(item, style, out));
            close(style, out);
        }
        Value::Object(members) => {
            open(5, members.len(), style, out);
            for (key, member) in members {
                string(key, style, out);
                write(member, style, out);
            }
            close(style, out);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_object_reads_as_what_it_is(value in values::custom_resource()) {
        for style in [Style::Kubernetes, Style::Indefinite] {
            values::reads_as(&stored(&value, style), &value)?;
        }
    }

    #[test]
    fn any_bytes_behind_the_tag(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut value = b"\xd9\xd9\xf7\xa2\x64kind\x61A\x6aapiVersion\x61v\x61a".to_vec();
        value[3] += 1;
        value.extend(bytes);
        if let Ok(record) = Record::parse(&value) {
            let whole = record.to_json();
            prop_assert_eq!(record.verify(), whole.clone().map(drop));
            if let Ok(whole) = whole {
                let path: Path = "a".parse().expect("a path");
                let field = record.get(&path).expect("all is well-formed");
                prop_assert!(values::agrees(&field, &whole["a"]));
            }
        }
    }
}

#[test]
fn custom_resources_of_the_corpus_said_in_cbor() {
    let Some(corpus) = shared::corpus("k8s::cbor_record over the corpus") else {
        return;
    };
    let mut seen = 0;
    for from in corpus
        .iter()
        .filter(|stored| stored.value.starts_with(b"{"))
    {
        let json = Record::parse(&from.value).expect("JSON");
        let value: Value = serde_json::from_slice(&from.value).expect("JSON");
        let bytes = stored(&value, Style::Kubernetes);
        let cbor = Record::parse(&bytes).expect("CBOR");
        assert_eq!(cbor.encoding(), Encoding::Cbor);
        assert_eq!(cbor.to_json(), json.to_json(), "{}", from.key);
        assert_eq!(cbor.labels(), json.labels(), "{}", from.key);
        for (path, _) in values::paths(&value) {
            let printed = |record: &Record<'_>| record.get(&path).and_then(|field| field.to_json());
            assert_eq!(printed(&cbor), printed(&json), "{path} of {}", from.key);
        }
        values::reads_as(&bytes, &value).unwrap_or_else(|error| panic!("{}: {error}", from.key));
        seen += 1;
    }
    assert!(seen > 0, "no JSON in the corpus");
}

#[test]
fn damage_never_panics() {
    let value = json!({
        "apiVersion": "test.io/v1", "kind": "Cell", "metadata": {"labels": {"a": "b"}},
        "spec": {"a": [{"b": -1.5e3}, null, 70000]},
    });
    for style in [Style::Kubernetes, Style::Indefinite] {
        values::survives_damage(&stored(&value, style));
    }
}

#[test]
fn strings_are_borrowed() {
    let value = stored(
        &json!({"apiVersion": "v1", "kind": "A", "a": "plain"}),
        Style::Kubernetes,
    );
    let record = Record::parse(&value).expect("a record");
    let field = record.get(&"a".parse().expect("a path"));
    assert!(matches!(
        field,
        Ok(Field::String(std::borrow::Cow::Borrowed("plain")))
    ));
}

/// An object whose `a` is the item of these hexadecimal digits.
fn with(item: &str) -> Vec<u8> {
    let mut value = b"\xd9\xd9\xf7\xa3\x4aapiVersion\x42v1\x44kind\x41A\x41a".to_vec();
    let digits = |at: usize| u8::from_str_radix(&item[at..at + 2], 16).expect(item);
    value.extend((0..item.len()).step_by(2).map(digits));
    value
}

fn shown(item: &str) -> Result<Value, RecordError> {
    let value = with(item);
    let record = Record::parse(&value)?;
    let whole = record.to_json()?;
    let field = record.get(&"a".parse().expect("a path"))?;
    assert!(values::agrees(&field, &whole["a"]), "{item}: {field:?}");
    Ok(whole["a"].clone())
}

/// The examples of RFC 8949, appendix A, and those of Kubernetes' own tests.
#[test]
fn items_are_shown_as_kubernetes_shows_them() {
    for (item, expected) in [
        ("00", "0"),
        ("17", "23"),
        ("1818", "24"),
        ("1903e8", "1000"),
        ("1a000f4240", "1000000"),
        ("1b000000e8d4a51000", "1000000000000"),
        ("1b7fffffffffffffff", "9223372036854775807"),
        ("3b7fffffffffffffff", "-9223372036854775808"),
        ("20", "-1"),
        ("3863", "-100"),
        ("3903e7", "-1000"),
        ("f90000", "0"),
        ("f98000", "-0.0"),
        ("f93c00", "1"),
        ("fb3ff199999999999a", "1.1"),
        ("f93e00", "1.5"),
        ("f97bff", "65504"),
        ("fa47c35000", "100000"),
        ("fb7e37e43c8800759c", "1e300"),
        ("f90400", "0.00006103515625"),
        ("f9c400", "-4"),
        ("fbc010666666666666", "-4.1"),
        ("f4", "false"),
        ("f5", "true"),
        ("f6", "null"),
        (
            "c074323031332d30332d32315432303a30343a30305a",
            r#""2013-03-21T20:04:00Z""#,
        ),
        ("c11a514b67b0", r#""2013-03-21T20:04:00Z""#),
        ("c1fb41d452d9ec200000", r#""2013-03-21T20:04:00.5Z""#),
        ("c120", r#""1969-12-31T23:59:59Z""#),
        ("c1f9bc00", r#""1969-12-31T23:59:59Z""#),
        ("c13b0000000e79747bff", r#""0000-01-01T00:00:00Z""#),
        ("c11b0000003afff4417f", r#""9999-12-31T23:59:59Z""#),
        ("d74401020304", r#""01020304""#),
        ("d64401020304", r#""AQIDBA==""#),
        ("d543fbfffe", r#""-__-""#),
        ("d543fbff", "!"),
        ("d818456449455446", r#""dIETF""#),
        (
            "d82076687474703a2f2f7777772e6578616d706c652e636f6d",
            r#""http://www.example.com""#,
        ),
        ("40", r#""""#),
        ("4401020304", r#""\u0001\u0002\u0003\u0004""#),
        ("60", r#""""#),
        ("6449455446", r#""IETF""#),
        ("62225c", r#""\"\\""#),
        ("63e6b0b4", r#""水""#),
        ("64f0908591", r#""𐅑""#),
        ("42e282", r#""��""#),
        ("80", "[]"),
        ("8301820203820405", "[1, [2, 3], [4, 5]]"),
        ("a0", "{}"),
        ("a26161016162820203", r#"{"a": 1, "b": [2, 3]}"#),
        ("826161a161626163", r#"["a", {"b": "c"}]"#),
        ("5f42010243030405ff", r#""\u0001\u0002\u0003\u0004\u0005""#),
        ("7f657374726561646d696e67ff", r#""streaming""#),
        ("9fff", "[]"),
        ("9f018202039f0405ffff", "[1, [2, 3], [4, 5]]"),
        ("83018202039f0405ff", "[1, [2, 3], [4, 5]]"),
        ("bf61610161629f0203ffff", r#"{"a": 1, "b": [2, 3]}"#),
        ("bf6346756ef563416d7421ff", r#"{"Fun": true, "Amt": -2}"#),
        // The tag nearest to a byte string says how it is shown.
        ("d7824142d681d54143", r#"["42", ["Qw"]]"#),
        ("d7826142a14143f5", r#"["B", {"43": true}]"#),
        ("c48221196ab3", "[-2, 27315]"),
        ("d9d9f701", "1"),
    ] {
        if expected == "!" {
            assert!(shown(item).is_err(), "{item}");
            continue;
        }
        let expected: Value = serde_json::from_str(expected).expect(expected);
        assert_eq!(shown(item), Ok(expected), "{item}");
    }
    // serde_json would not read these exactly.
    assert_eq!(shown("f90001"), Ok(json!(5.960464477539063e-8)));
    assert_eq!(shown("fa7f7fffff"), Ok(json!(3.4028234663852886e38)));
}

#[test]
fn what_kubernetes_refuses_is_refused() {
    let deep = |levels: usize| "81".repeat(levels) + "f6";
    let long = |count: u16| format!("99{count:04x}{}", "00".repeat(count.into()));
    let members: String = (0..1025).map(|key| format!("42{key:04x}00")).collect();
    for (item, what) in [
        ("1bffffffffffffffff", "more than 64 bits"),
        ("3bffffffffffffffff", "more than 64 bits"),
        ("c249010000000000000000", "more than 64 bits"),
        ("c349010000000000000000", "more than 64 bits"),
        ("f97c00", "JSON has not"),
        ("fa7f800000", "JSON has not"),
        ("fbfff0000000000000", "JSON has not"),
        ("f97e00", "JSON has not"),
        ("c1f97c00", "JSON has not"),
        ("f7", "simple value"),
        ("f0", "simple value"),
        ("f8ff", "simple value"),
        ("f814", "simple value"),
        ("6180", "not UTF-8"),
        ("7f6180ff", "not UTF-8"),
        ("a2414101414102", "twice"),
        ("a2414101614102", "twice"),
        ("bf414101614102ff", "twice"),
        ("a20102", "no string"),
        ("a1fb40091eb851eb851f63706965", "no string"),
        ("a1f600", "no string"),
        ("c06474657874", "point in time"),
        (
            "c054323030362d30312d30325431353a30343a30355a",
            "point in time",
        ),
        (
            "c074323031332d30322d32395432303a30343a30305a",
            "point in time",
        ),
        ("c11b0000003afff44180", "point in time"),
        ("c1f6", "point in time"),
        ("ff", "nothing has begun"),
        ("82ff", "nothing has begun"),
        ("bf6161ff", "nothing has begun"),
        ("1c", "not CBOR"),
        ("5f6161ff", "not CBOR"),
        ("5f5f4161ffff", "not CBOR"),
        ("0000", "more follows"),
        ("1903", "ends too early"),
        ("4261", "ends too early"),
        ("5bffffffffffffffff61", "ends too early"),
        ("9bffffffffffffffff", "ends too early"),
        ("9f00", "ends too early"),
        (deep(64).as_str(), "nested too deeply"),
        (long(1025).as_str(), "more items"),
        (format!("b90401{members}").as_str(), "more items"),
        (format!("9f{}ff", "00".repeat(1025)).as_str(), "more items"),
    ] {
        let value = with(item);
        let error = Record::parse(&value).and_then(|record| record.verify());
        let text = error
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(text.contains("malformed CBOR at byte"), "{item}: {text}");
        assert!(text.contains(what), "{item}: {text}");
    }
    assert!(shown(&deep(63)).is_ok());
    assert!(shown(&long(1024)).is_ok());
}

/// Who asks for one of two gets none.
#[test]
fn a_repeated_key_has_no_value() {
    for item in ["a2414101414102", "a2414101614102"] {
        let value = with(item);
        let record = Record::parse(&value).expect("not looked into");
        for path in ["a.A", "a"] {
            let path: Path = path.parse().expect("a path");
            let query = carry::k8s::Query::new(std::slice::from_ref(&path), "v1", "A");
            let mut out = [Field::Absent];
            let whole = path.steps().len() == 1;
            assert_eq!(record.get(&path).is_ok(), whole, "{path}");
            assert_eq!(record.scan(&query, &mut out).is_ok(), whole, "{path}");
        }
    }
    let twice = b"\xd9\xd9\xf7\xa3\x4aapiVersion\x42v1\x44kind\x41A\x44kind\x41B";
    assert!(Record::parse(twice).is_err());
}

#[test]
fn what_is_no_object_is_refused() {
    for value in [
        &b"\xd9\xd9\xf7"[..],
        b"\xd9\xd9\xf7\x80",
        b"\xd9\xd9\xf7\xf6",
        b"\xd9\xd9\xf7\xa0\x00",
    ] {
        assert!(matches!(
            Record::parse(value),
            Err(RecordError::Cbor { .. })
        ));
    }
    assert_eq!(
        Record::parse(b"\xd9\xd9\xf7\xa0").err(),
        Some(RecordError::Untyped("apiVersion"))
    );
}
