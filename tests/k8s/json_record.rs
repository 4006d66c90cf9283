//! Values stored as JSON.

use carry::k8s::{Encoding, Field, Path, Record, RecordError};

fn object(rest: &str) -> String {
    format!(r#"{{"apiVersion":"test.io/v1","kind":"Cell",{rest}}}"#)
}

fn get(text: &str, path: &str) -> String {
    let record = Record::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
    let path: Path = path.parse().expect(path);
    match record.get(&path) {
        Ok(field) => super::shown::shown(&field),
        Err(error) => error.to_string(),
    }
}

#[test]
fn fields_are_read() {
    let text = object(
        r#" "a" : [ 1 , {"b\u0041":"x\n\ud83d\ude00\ud800"} ], "n":-7,"d":1.5,"e":18446744073709551615,"t":true,"z":null,"o":{"p":{}}"#,
    );
    let cases = [
        ("apiVersion", r#"String("test.io/v1")"#),
        ("a", "Composite"),
        ("a[0]", "Int(1)"),
        ("a[1].bA", r#"String("x\n😀�")"#),
        ("a[2]", "Absent"),
        ("n", "Int(-7)"),
        ("n.x", "Absent"),
        ("n[0]", "Absent"),
        ("d", "Double(1.5)"),
        ("e", "Double(1.8446744073709552e19)"),
        ("t", "Bool(true)"),
        ("z", "Null"),
        ("z.y", "Absent"),
        ("o.p", "Composite"),
        ("o['p']", "Composite"),
        ("o.q", "Absent"),
        ("a.b", "Absent"),
    ];
    for (path, expected) in cases {
        assert_eq!(get(&text, path), expected, "{path}");
    }
}

#[test]
fn the_last_of_a_repeated_key_counts() {
    let text = object(r#""a":{"b":1,"c":2},"a":{"b":3},"x":1,"x":{"y":2},"kind":"Last""#);
    for (path, expected) in [
        ("a.b", "Int(3)"),
        ("a.c", "Absent"),
        ("x", "Composite"),
        ("x.y", "Int(2)"),
    ] {
        assert_eq!(get(&text, path), expected, "{path}");
    }
    assert_eq!(
        Record::parse(text.as_bytes()).expect("a record").kind(),
        "Last"
    );
}

/// Kubernetes' own kinds lose such a `null` when decoded; others keep it.
#[test]
fn null_is_absent_where_the_schema_omits_it() {
    let text =
        r#"{"apiVersion":"v1","kind":"Secret","metadata":{"creationTimestamp":null},"type":null}"#;
    assert_eq!(get(text, "metadata.creationTimestamp"), "Absent");
    assert_eq!(get(text, "type"), "Absent");
    assert_eq!(get(&object(r#""type":null"#), "type"), "Null");
}

#[test]
fn strings_without_escapes_are_borrowed() {
    let text = object(r#""a":"plain""#);
    let record = Record::parse(text.as_bytes()).expect("a record");
    let field = record.get(&"a".parse().expect("a path"));
    assert!(matches!(
        field,
        Ok(Field::String(std::borrow::Cow::Borrowed("plain")))
    ));
    assert_eq!(record.encoding(), Encoding::Json);
    assert_eq!((record.group(), record.version()), ("test.io", "v1"));
}

#[test]
fn labels_are_sorted_and_the_last_counts() {
    let labels = |rest: &str| {
        let text = object(rest);
        let record = Record::parse(text.as_bytes()).expect("a record");
        record.labels().map(|labels| {
            labels
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect::<Vec<_>>()
                .join(",")
        })
    };
    assert_eq!(
        labels(r#""metadata":{"labels":{"b":"1","a":"2","b":"3"}}"#).as_deref(),
        Ok("a=2,b=3")
    );
    assert_eq!(
        labels(r#""metadata":{"labels":{"a":"1"},"labels":{"b":"2"}}"#).as_deref(),
        Ok("b=2")
    );
    assert_eq!(
        labels(r#""metadata":{"labels":{"a":"1"}},"metadata":{}"#).as_deref(),
        Ok("")
    );
    assert_eq!(labels(r#""metadata":{"labels":null}"#).as_deref(), Ok(""));
    assert_eq!(labels(r#""metadata":null"#).as_deref(), Ok(""));
    assert_eq!(
        labels(r#""metadata":{"labels":{"a":1}}"#),
        Err(RecordError::Labels)
    );
    assert_eq!(
        labels(r#""metadata":{"labels":["a"]}"#),
        Err(RecordError::Labels)
    );
}

#[test]
fn every_truncation_is_an_error() {
    let text = object(r#""a":[1,-2.5e+3,true,null,"x\u00e9\""],"o":{"p":{}}"#);
    assert!(Record::parse(text.as_bytes()).is_ok());
    for length in 0..text.len() {
        assert!(
            Record::parse(&text.as_bytes()[..length]).is_err(),
            "{}",
            &text[..length]
        );
    }
}

fn verify(value: &[u8]) -> Result<(), RecordError> {
    Record::parse(value)?.verify()
}

/// What stands a verification is what serde_json accepts.
#[test]
fn malformed_json_is_refused() {
    let cases = [
        r#""a":01"#,
        r#""a":+1"#,
        r#""a":1."#,
        r#""a":.5"#,
        r#""a":1e"#,
        r#""a":-"#,
        r#""a":tru"#,
        r#""a":nul1"#,
        r#""a":"\x""#,
        r#""a":"\u12g4""#,
        "\"a\":\"\n\"",
        r#""a":[1,]"#,
        r#""a":{"b":1,}"#,
        r#""a":[1 2]"#,
        r#""a":{"b" 1}"#,
        r#""a":{1:2}"#,
        r#""a":[}"#,
        r#""a":{]"#,
        r#""a":[1}"#,
        r#""a""#,
        r#""a":"#,
        r#""a":1,,"b":2"#,
        r#""a":NaN"#,
        "\"a\":'x'",
        "\"a\":\"\u{0}\"",
        r#""a":1}{"#,
        r#""a":1}x"#,
    ];
    for rest in cases {
        let text = object(rest);
        assert!(
            serde_json::from_str::<serde_json::Value>(&text).is_err(),
            "{text}"
        );
        assert!(
            matches!(verify(text.as_bytes()), Err(RecordError::Json { .. })),
            "{text}"
        );
    }
    let deep = object(&format!(r#""a":{}{}"#, "[".repeat(2000), "]".repeat(2000)));
    assert!(matches!(
        verify(deep.as_bytes()),
        Err(RecordError::Json {
            what: "nested too deeply",
            ..
        })
    ));
    let fits = object(&format!(
        r#""a":{}{},"b":7"#,
        "[".repeat(1000),
        "]".repeat(1000)
    ));
    assert_eq!(get(&fits, "b"), "Int(7)");
    let huge = object(r#""a":1e999,"b":7"#);
    assert!(get(&huge, "a").contains("out of range"));
    assert_eq!(get(&huge, "b"), "Int(7)");
    assert!(verify(huge.as_bytes()).is_err());
}

#[test]
fn other_bytes_are_named() {
    let error = |bytes: &[u8]| {
        Record::parse(bytes)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    assert_eq!(Record::parse(b"").err(), Some(RecordError::Empty));
    assert_eq!(Record::parse(b" \n").err(), Some(RecordError::Empty));
    assert_eq!(Record::parse(b"[]").err(), Some(RecordError::Unknown));
    assert_eq!(
        Record::parse(b"10.0.0.0/8").err(),
        Some(RecordError::Unknown)
    );
    assert!(error(b"k8s:enc:aescbc:v1:key1:abc").contains("aescbc, key `key1`"));
    assert_eq!(
        Record::parse(b"{}").err(),
        Some(RecordError::Untyped("apiVersion"))
    );
    assert_eq!(
        Record::parse(br#"{"apiVersion":"v1","kind":1}"#).err(),
        Some(RecordError::Untyped("kind"))
    );
}
