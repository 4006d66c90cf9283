//! Whole JSON values, walked and shown: any value reads as what it is, and
//! what Go's decoder makes of odd text we make of it too.

use carry::k8s::{Field, Path, Record, Step};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::values;
use crate::shared;

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_object_reads_as_what_it_is(value in values::custom_resource(), pretty in any::<bool>()) {
        let text = match pretty {
            true => serde_json::to_string_pretty(&value),
            false => serde_json::to_string(&value),
        };
        values::reads_as(text.expect("JSON").as_bytes(), &value)?;
    }

    /// What lies before does not keep us from what lies behind.
    #[test]
    fn what_is_skipped_is_skipped_whole(inner in values::custom_resource(), padding in 0..80usize) {
        let text = format!(
            r#"{{"kind":"Cell","apiVersion":"test.io/v1","spec":{{"{}":{inner},"b":7}},"c":8}}"#,
            " ".repeat(padding)
        );
        let record = Record::parse(text.as_bytes()).expect("an object");
        for (path, expected) in [("spec.b", 7), ("c", 8)] {
            let path: Path = path.parse().expect("a path");
            prop_assert_eq!(record.get(&path), Ok(Field::Int(expected)));
        }
    }
}

#[test]
fn custom_resources_of_the_corpus_read_as_what_they_are() {
    let Some(corpus) = shared::corpus("k8s::json_value over the corpus") else {
        return;
    };
    let mut seen = 0;
    for stored in corpus
        .iter()
        .filter(|stored| stored.value.starts_with(b"{"))
    {
        let value: Value = serde_json::from_slice(&stored.value).expect("JSON");
        values::reads_as(&stored.value, &value)
            .unwrap_or_else(|error| panic!("{}: {error}", stored.key));
        seen += 1;
    }
    assert!(seen > 0, "no JSON in the corpus");
}

#[test]
fn damage_never_panics() {
    values::survives_damage(
        br#"{"apiVersion":"test.io/v1","kind":"Cell","metadata":{"labels":{"a":"b\u00e9\\"}},"spec":{"a":[{"b":-1.5e3},null]}}"#,
    );
}

fn shown(text: &[u8]) -> Value {
    let object = [br#"{"apiVersion":"v1","kind":"A","a":"#, text, b"}"].concat();
    let record = Record::parse(&object).expect("an object");
    let whole = record.to_json().expect("all is well-formed");
    whole.get("a").cloned().expect("a member")
}

/// An integer that fits is one; all else is a float, printed as Go prints it.
#[test]
fn numbers_are_those_of_kubernetes() {
    for (text, expected) in [
        ("0", "0"),
        ("-0", "0"),
        ("-0.0", "-0.0"),
        ("1.0", "1"),
        ("1e3", "1000"),
        ("-2.50", "-2.5"),
        ("9223372036854775807", "9223372036854775807"),
        ("9223372036854775808", "9223372036854776000"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("1152921504606846976.0", "1152921504606847000"),
        ("12345678901234567890", "12345678901234567000"),
        ("1e300", "1e300"),
        ("5e-324", "5e-324"),
    ] {
        let expected: Value = serde_json::from_str(expected).expect(expected);
        assert_eq!(shown(text.as_bytes()), expected, "{text}");
    }
}

/// As Go: a byte that is no UTF-8, and half a surrogate pair, become U+FFFD.
#[test]
fn strings_are_those_of_go() {
    for (text, expected) in [
        (&b"\"a\xffb\""[..], "a\u{fffd}b"),
        (b"\"\xe2\x82\"", "\u{fffd}\u{fffd}"),
        (b"\"\xe2\x82\xac\\n\xc0\xaf\"", "€\n\u{fffd}\u{fffd}"),
        (br#""\ud83d\ude00""#, "😀"),
        (br#""\ud83dx""#, "\u{fffd}x"),
        (br#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
        (
            br#""\ude00\u0000\/\b\f\n\r\t\"\\""#,
            "\u{fffd}\0/\u{8}\u{c}\n\r\t\"\\",
        ),
    ] {
        assert_eq!(shown(text), json!(expected));
    }
}

#[test]
fn a_key_is_what_it_spells() {
    let text = b"{\"apiVersion\":\"v1\",\"kind\":\"A\",\"\\u0061\":1,\"b\xff\":2,\"\xc3\xa9\":3}";
    let record = Record::parse(text).expect("an object");
    for (path, expected) in [("a", 1), ("b\u{fffd}", 2), ("é", 3)] {
        let path = Path::new(vec![Step::Key(path.into())]);
        assert_eq!(record.get(&path), Ok(Field::Int(expected)), "{path}");
    }
}

/// What is skipped is not read, but its end has to be where it seems to be.
#[test]
fn brackets_have_to_match() {
    let object = |a: &str| format!(r#"{{"apiVersion":"v1","kind":"A","a":{a},"b":1}}"#);
    for (a, fine) in [
        ("[tru,{1}]", true),
        ("[}", false),
        ("{]", false),
        ("[[1}]", false),
        ("[{}}", false),
        (r#"["]"#, false),
        (r#"["\"]"]"#, true),
        (r#"["\\"]"#, true),
        (r#"["\\\"]"]"#, true),
        ("1 2", false),
        ("[1],,", false),
    ] {
        let text = object(a);
        assert_eq!(Record::parse(text.as_bytes()).is_ok(), fine, "{text}");
    }
}

#[test]
fn more_members_than_are_noted() {
    let members: Vec<String> = (0..40).map(|n| format!(r#""m{n}":{{"n":{n}}}"#)).collect();
    let text = format!(
        r#"{{"kind":"X",{},"m3":{{"n":-3}},"apiVersion":"v1","kind":"A"}}"#,
        members.join(",")
    );
    let record = Record::parse(text.as_bytes()).expect("an object");
    assert_eq!((record.api_version(), record.kind()), ("v1", "A"));
    for (path, expected) in [("m0.n", 0), ("m3.n", -3), ("m39.n", 39)] {
        let query = carry::k8s::Query::new(&[path.parse().expect(path)], "v1", "A");
        let mut out = [carry::k8s::Field::Absent];
        record.scan(&query, &mut out).expect("a scan");
        assert_eq!(out, [carry::k8s::Field::Int(expected)], "{path}");
    }
}
