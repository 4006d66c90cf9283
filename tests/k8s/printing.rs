//! Whole values printed, and verified from their first to their last byte.

use carry::k8s::{Record, RecordError};
use serde_json::json;

use super::protobuf_record::{bytes, number, value};

fn printed(stored: &[u8]) -> Result<serde_json::Value, RecordError> {
    Record::parse(stored)?.to_json()
}

fn verified(stored: &[u8]) -> Result<(), RecordError> {
    Record::parse(stored)?.verify()
}

#[test]
fn what_is_not_stored_is_shown_as_go_shows_it() {
    let binding = value("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", &[]);
    assert_eq!(
        printed(&binding),
        Ok(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {}, "roleRef": {"apiGroup": "", "kind": "", "name": ""},
        }))
    );
    let role = value("rbac.authorization.k8s.io/v1", "Role", &[]);
    assert_eq!(
        printed(&role),
        Ok(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {}, "rules": null,
        }))
    );
    // A hidden message, and bytes that are nil or empty.
    let volume = bytes(2, bytes(1, [bytes(1, "v"), bytes(2, "")].concat()));
    let pod = printed(&value("v1", "Pod", &[volume])).expect("printed");
    assert_eq!(pod["spec"]["volumes"], json!([{"name": "v"}]));
    let allocation = |data: &[Vec<u8>]| {
        printed(&value("v1", "RangeAllocation", data)).map(|shown| shown["data"].clone())
    };
    assert_eq!(allocation(&[]), Ok(json!(null)));
    assert_eq!(allocation(&[bytes(3, "")]), Ok(json!("")));
    assert_eq!(allocation(&[bytes(3, [1, 2, 255])]), Ok(json!("AQL/")));
}

#[test]
fn json_is_printed_as_go_reprints_it() {
    let custom = br#"{"kind":"Cell","apiVersion":"test.io/v1","b":1.0,"a":-0,"c":1e21,"d":1.5,
        "e":9223372036854775808,"f":{"x":null,"x":[2.0]},"g":100000000000000000000,"s":"\ud800"}"#;
    assert_eq!(
        printed(custom),
        Ok(json!({
            "apiVersion": "test.io/v1", "kind": "Cell", "a": 0, "b": 1, "c": 1e21, "d": 1.5,
            "e": 9223372036854776000u64, "f": {"x": [2]}, "g": 1e20, "s": "\u{fffd}",
        }))
    );
    // What Go omits is omitted, but not within embedded JSON.
    let crd = br#"{"kind":"CustomResourceDefinition","apiVersion":"apiextensions.k8s.io/v1beta1",
        "metadata":{"creationTimestamp":null,"labels":null},
        "spec":{"validation":{"openAPIV3Schema":{"default":{"a":null,"b":1.0},"minimum":1.0,
            "items":{"description":null}}}}}"#;
    assert_eq!(
        printed(crd),
        Ok(json!({
            "apiVersion": "apiextensions.k8s.io/v1beta1", "kind": "CustomResourceDefinition",
            "metadata": {},
            "spec": {"validation": {"openAPIV3Schema": {
                "default": {"a": null, "b": 1.0}, "minimum": 1, "items": {},
            }}},
        }))
    );
}

#[test]
fn yaml_is_the_same() {
    let secret = value("v1", "Secret", &[bytes(3, "Opaque")]);
    let yaml = Record::parse(&secret).expect("a record").to_yaml();
    assert_eq!(
        yaml.as_deref(),
        Ok("apiVersion: v1\nkind: Secret\nmetadata: {}\ntype: Opaque\n")
    );
}

#[test]
fn without_a_schema_only_the_metadata_is_shown() {
    let object = [bytes(1, bytes(1, "n")), bytes(2, [0xff])];
    let unknown = value("policy/v9", "PodSecurityPolicy", &object);
    let record = Record::parse(&unknown).expect("a record");
    let error = record.to_json().expect_err("no schema");
    assert!(matches!(error, RecordError::NoSchema { .. }));
    assert_eq!(
        error.to_string(),
        "no schema for `PodSecurityPolicy` of `policy/v9`: the whole object cannot be read"
    );
    let metadata = record
        .view()
        .get(&carry::k8s::Step::Field("metadata".into()));
    assert_eq!(metadata.expect("read").to_json(), Ok(json!({"name": "n"})));
    assert!(
        record
            .view()
            .get(&carry::k8s::Step::Field("spec".into()))
            .is_err()
    );
    assert_eq!(record.verify(), Ok(()));
    let wrong = value("policy/v9", "PodSecurityPolicy", &[bytes(1, number(1, 7))]);
    assert!(verified(&wrong).is_err());
    let torn = value("policy/v9", "PodSecurityPolicy", &[vec![0x12, 0x05]]);
    assert!(verified(&torn).is_err());
}

#[test]
fn verifying_finds_what_go_refuses() {
    let pod = |spec: Vec<u8>| value("v1", "Pod", &[bytes(2, spec)]);
    let container = |content: Vec<u8>| pod(bytes(2, content));
    let cases = [
        ("past the end", pod(vec![0x12, 0x7f])),
        ("wrong wire type", pod(number(2, 1))),
        ("wrong wire type", container(number(1, 1))),
        (
            "wrong wire type",
            container(bytes(6, bytes(3, "not a number"))),
        ),
        (
            "quantity",
            pod(bytes(
                32,
                [bytes(1, "cpu"), bytes(2, bytes(1, "x"))].concat(),
            )),
        ),
        (
            "quantity",
            pod(bytes(
                32,
                [bytes(1, "cpu"), bytes(2, bytes(1, [0xff]))].concat(),
            )),
        ),
        // livenessProbe.httpGet.port
        (
            "neither a number",
            container(bytes(10, bytes(1, bytes(2, bytes(2, number(1, 3)))))),
        ),
        (
            "wrong wire type",
            pod(bytes(7, [bytes(1, "k"), number(2, 1)].concat())),
        ),
        ("end within a varint", pod(bytes(14, bytes(4, [0x80])))),
        (
            "embedded JSON",
            value(
                "v1",
                "Secret",
                &[bytes(1, bytes(17, bytes(7, bytes(1, "{"))))],
            ),
        ),
    ];
    for (expected, stored) in cases {
        let error = verified(&stored).expect_err(expected);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(printed(&stored).is_err(), "{expected} is printed");
    }
    let unknown_fields = pod([bytes(500, "?"), number(501, 1)].concat());
    assert_eq!(verified(&unknown_fields), Ok(()));
    let json = br#"{"apiVersion":"a/v1","kind":"B","n":1e999}"#;
    assert!(printed(json).is_err());
}

#[test]
fn verifying_json_finds_what_go_refuses() {
    let crd = |spec: &str| {
        format!(
            r#"{{"kind":"CustomResourceDefinition","apiVersion":"apiextensions.k8s.io/v1beta1",
                "metadata":{{"creationTimestamp":"2026-01-01T00:00:00Z","labels":null}},"spec":{spec}}}"#
        )
    };
    let schema = |schema: &str| {
        crd(&format!(
            r#"{{"validation":{{"openAPIV3Schema":{schema}}}}}"#
        ))
    };
    for good in [
        crd("{}"),
        crd("null"),
        crd(r#"{"group":"a","preserveUnknownFields":null,"unknown":7}"#),
        schema(r#"{"maximum":1.5,"maxLength":3,"items":[{}],"additionalProperties":false}"#),
        schema(r#"{"items":{"type":"a"},"default":[1],"dependencies":{"a":["b"]},"enum":[1,"a"]}"#),
        crd(r#"{"conversion":{"webhookClientConfig":{"caBundle":"AQ=\n="}}}"#),
        r#"{"kind":"Cell","apiVersion":"test.io/v1","metadata":{"labels":7}}"#.to_owned(),
    ] {
        assert_eq!(verified(good.as_bytes()), Ok(()), "{good}");
    }
    for (expected, bad) in [
        ("an object", crd("[]")),
        ("an object", crd("7")),
        ("a string", crd(r#"{"group":7}"#)),
        ("a list", crd(r#"{"versions":{}}"#)),
        ("an object", crd(r#"{"versions":["v1"]}"#)),
        ("true or false", crd(r#"{"preserveUnknownFields":"yes"}"#)),
        ("a whole number that fits", schema(r#"{"maxLength":1.0}"#)),
        ("a number", schema(r#"{"maximum":"1"}"#)),
        ("an object", schema(r#"{"properties":[]}"#)),
        (
            "a string",
            schema(r#"{"properties":{"a":{"items":{"type":1}}}}"#),
        ),
        ("a string", schema(r#"{"items":[{"type":1}]}"#)),
        ("true, false", schema(r#"{"additionalProperties":"no"}"#)),
        (
            "base64",
            crd(r#"{"conversion":{"webhookClientConfig":{"caBundle":"A"}}}"#),
        ),
        ("a time", crd("{}").replace("2026-01-01T", "2026-01-32T")),
        (
            "an object",
            crd("{}").replace(r#""labels":null"#, r#""labels":[]"#),
        ),
    ] {
        let error = verified(bad.as_bytes()).expect_err(&bad);
        assert!(error.to_string().contains(expected), "{bad}: {error}");
    }
}

/// A schema within a schema, and so on: `not`, or an entry of `properties`.
fn nested(depth: usize, in_map: bool) -> Vec<u8> {
    let mut schema = bytes(5, "object");
    for _ in 0..depth {
        schema = match in_map {
            true => bytes(29, [bytes(1, "p"), bytes(2, schema)].concat()),
            false => bytes(28, schema),
        };
    }
    let validation = bytes(5, bytes(1, schema));
    value(
        "apiextensions.k8s.io/v1beta1",
        "CustomResourceDefinition",
        &[bytes(2, validation)],
    )
}

#[test]
fn depth_is_bounded() {
    for in_map in [false, true] {
        let shallow = nested(250, in_map);
        assert_eq!(verified(&shallow), Ok(()));
        let shown = printed(&shallow).expect("printed");
        for depth in [255, 5_000] {
            let deep = nested(depth, in_map);
            let too_deep = RecordError::Protobuf("messages are nested too deeply");
            assert_eq!(verified(&deep), Err(too_deep.clone()));
            assert_eq!(printed(&deep), Err(too_deep));
        }
        // The same as JSON.
        let stored = serde_json::to_vec(&shown).expect("JSON");
        assert_eq!(verified(&stored), Ok(()));
        assert_eq!(printed(&stored), Ok(shown));
    }
    let array = |depth: usize| {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        format!(r#"{{"apiVersion":"a/v1","kind":"B","x":{nested}}}"#).into_bytes()
    };
    assert!(printed(&array(1000)).is_ok());
    assert!(printed(&array(100_000)).is_err());
    let schema = r#"{"not":"#.repeat(400) + "{}" + &"}".repeat(400);
    let crd = format!(
        r#"{{"kind":"CustomResourceDefinition","apiVersion":"apiextensions.k8s.io/v1beta1",
            "spec":{{"validation":{{"openAPIV3Schema":{schema}}}}}}}"#
    );
    assert!(verified(crd.as_bytes()).is_err() && printed(crd.as_bytes()).is_err());
}
