//! Protobuf values rewritten, by the schema: pointers and structs, hidden
//! messages, special types, embedded JSON, the envelope; and what is refused.

use carry::k8s::{Edit, rewrite};
use serde_json::{Value, json};

use super::rewrite_protobuf::{
    becomes, bytes, config_map, edit, entry, number, pod_spec, service, set, unknown, value,
};

#[test]
fn pointers_go_and_structs_become_zero() {
    let map = |immutable: Vec<u8>| config_map(&[entry(2, "a", "1"), immutable]);
    becomes(map(number(4, 1)), "immutable", Edit::Remove, map(vec![]));
    becomes(
        map(number(4, 1)),
        "immutable",
        set(Value::Null),
        map(vec![]),
    );
    becomes(
        map(vec![]),
        "immutable",
        Edit::Replace(json!(true)),
        map(vec![]),
    );
    becomes(
        map(vec![]),
        "immutable",
        set(json!(false)),
        map(number(4, 0)),
    );
    becomes(
        map(number(4, 0)),
        "immutable",
        Edit::Replace(json!(true)),
        map(number(4, 1)),
    );
    // A time that is no pointer stays as the empty message.
    let meta = |time: Vec<u8>| config_map(&[bytes(1, [bytes(1, "m"), time].concat())]);
    let stored = || meta(bytes(8, [number(1, 1_700_000_000), number(2, 0)].concat()));
    becomes(
        stored(),
        "metadata.creationTimestamp",
        Edit::Remove,
        meta(bytes(8, "")),
    );
    becomes(
        meta(bytes(8, "")),
        "metadata.creationTimestamp",
        set(json!("2023-11-14T22:13:20Z")),
        stored(),
    );
    becomes(
        meta(bytes(8, "")),
        "metadata.creationTimestamp",
        set(json!("2023-11-15T00:13:20.75+02:00")),
        stored(),
    );
    becomes(
        meta(vec![]),
        "metadata.deletionTimestamp",
        set(json!("2023-11-14T22:13:20Z")),
        meta(bytes(9, [number(1, 1_700_000_000), number(2, 0)].concat())),
    );
    becomes(
        meta(bytes(9, [number(1, 1_700_000_000), number(2, 0)].concat())),
        "metadata.deletionTimestamp",
        Edit::Remove,
        meta(vec![]),
    );
}

#[test]
fn hidden_messages_are_on_the_way() {
    let volume =
        |source: Vec<u8>| pod_spec(&[bytes(1, [bytes(1, "v"), bytes(2, source)].concat())]);
    let secret = |name: &str| bytes(6, bytes(1, name));
    becomes(
        volume(secret("old")),
        "spec.volumes[0].secret.secretName",
        set(json!("new")),
        volume(secret("new")),
    );
    becomes(
        volume(secret("old")),
        "spec.volumes[0]",
        set(json!({"name": "v", "secret": {"secretName": "x"}})),
        volume(secret("x")),
    );
    becomes(
        volume(secret("old")),
        "spec.volumes[0].secret",
        Edit::Remove,
        volume(vec![]),
    );
}

#[test]
fn special_values() {
    let limits = |quantity: &str| {
        let limits = entry(1, "cpu", bytes(1, quantity));
        pod_spec(&[bytes(2, bytes(8, limits))])
    };
    let path = "spec.containers[0].resources.limits.cpu";
    becomes(limits("1"), path, set(json!("250m")), limits("250m"));
    becomes(limits("1"), path, set(json!(2)), limits("2"));
    becomes(limits("1"), path, set(json!("1")), limits("1"));
    // Canonical, as an apiserver writes it; what reads the same stays.
    becomes(limits("1"), path, set(json!("0.25")), limits("250m"));
    becomes(limits("1000m"), path, set(json!("1")), limits("1000m"));
    let refused = edit(&limits("1"), path, set(json!("1K"))).unwrap_err();
    assert_eq!(
        refused,
        "`spec.containers[0].resources.limits.cpu` cannot be rewritten: expected a quantity such \
         as `100m`, `1.5` or `2Gi`, found a text that is none"
    );
    let target = |port: Vec<Vec<u8>>| service(&[bytes(1, bytes(4, port.concat()))]);
    let by_number = || vec![number(1, 0), number(2, -1), bytes(3, "")];
    let by_name = || vec![number(1, 1), number(2, 0), bytes(3, "http")];
    becomes(
        target(by_number()),
        "spec.ports[0].targetPort",
        set(json!("http")),
        target(by_name()),
    );
    becomes(
        target(by_name()),
        "spec.ports[0].targetPort",
        set(json!(-1)),
        target(by_number()),
    );
    let review = |extra: Vec<u8>| {
        value(
            "certificates.k8s.io/v1",
            "CertificateSigningRequest",
            &[bytes(2, extra)],
        )
    };
    let extra = |items: &[&str]| {
        let items = items.iter().map(|item| bytes(1, item));
        review(entry(6, "k", items.collect::<Vec<_>>().concat()))
    };
    becomes(
        extra(&["a"]),
        "spec.extra.k",
        set(json!(["x", "y"])),
        extra(&["x", "y"]),
    );
    becomes(
        extra(&["a"]),
        "spec.extra.k[1]",
        set(json!("b")),
        extra(&["a", "b"]),
    );
    becomes(
        extra(&["a", "b"]),
        "spec.extra.k[0]",
        Edit::Remove,
        extra(&["b"]),
    );
}

#[test]
fn embedded_json_is_spliced_as_text() {
    let revision = |json: &str| {
        value(
            "apps/v1",
            "ControllerRevision",
            &[bytes(2, bytes(1, json)), number(3, 1)],
        )
    };
    becomes(
        revision(r#"{ "spec": {"b":1, "a":"<"} }"#),
        "data.spec.a",
        set(json!("<&>")),
        revision(r#"{ "spec": {"b":1, "a":"\u003c\u0026\u003e"} }"#),
    );
    becomes(
        revision(r#"{ "spec": {"b":1, "a":"<"} }"#),
        "data.spec.list[0].x",
        set(json!(1.0)),
        revision(r#"{ "spec": {"b":1, "a":"<","list":[{"x":1}]} }"#),
    );
    becomes(
        revision(r#"{"b":[1, 2]}"#),
        "data.b[0]",
        Edit::Remove,
        revision(r#"{"b":[2]}"#),
    );
    becomes(
        revision(r#"{"b":1}"#),
        "data",
        set(json!({"z": [], "a": 1})),
        revision(r#"{"a":1,"z":[]}"#),
    );
    let empty = value(
        "apps/v1",
        "ControllerRevision",
        &[bytes(2, ""), number(3, 1)],
    );
    becomes(
        empty.clone(),
        "data.x.y",
        set(json!(true)),
        revision(r#"{"x":{"y":true}}"#),
    );
    becomes(empty.clone(), "data.x.y", Edit::Remove, empty);
    let refused = edit(&revision("\x01proto"), "data.x", set(json!(1))).unwrap_err();
    assert_eq!(
        refused,
        "`data.x` cannot be rewritten: malformed JSON at byte 0: it is not one JSON value"
    );
}

#[test]
fn the_envelope_has_the_type() {
    let stored = |api_version: &str, kind: &str| value(api_version, kind, &[unknown()]);
    becomes(
        stored("extensions/v1beta1", "Ingress"),
        "apiVersion",
        set(json!("networking.k8s.io/v1")),
        stored("networking.k8s.io/v1", "Ingress"),
    );
    becomes(
        stored("v1", "A"),
        "kind",
        set(json!("Pod")),
        stored("v1", "Pod"),
    );
    for (path, change) in [
        ("kind", Edit::Remove),
        ("kind", set(Value::Null)),
        ("apiVersion", set(json!(""))),
    ] {
        assert_eq!(
            edit(&stored("v1", "A"), path, change).unwrap_err(),
            format!(
                "`{path}` cannot be rewritten: it cannot be removed, or empty: without it the \
                 value is no object"
            )
        );
    }
}

#[test]
fn what_does_not_fit_is_refused_by_its_path() {
    let stored = value("apps/v1", "Deployment", &[]);
    for (path, value, why) in [
        (
            "spec.replica",
            json!(1),
            "`spec.replica` cannot be rewritten: unknown field `replica`, did you mean `replicas`?",
        ),
        (
            "spec.template",
            json!({"spec": {"containers": [{"name": "a"}, {"imag": "b"}]}}),
            "`spec.template.spec.containers[1]` cannot be rewritten: unknown field `imag`, did \
             you mean `image`?",
        ),
        (
            "spec.replicas",
            json!(1u64 << 40),
            "`spec.replicas` cannot be rewritten: expected a number of 32 bits, found a number \
             beyond -2^31 to 2^31 - 1",
        ),
        (
            "spec.replicas",
            json!(1.5),
            "`spec.replicas` cannot be rewritten: expected a whole number, found a fraction",
        ),
        (
            "metadata",
            json!({"labels": {"a": {}}}),
            "`metadata.labels[\"a\"]` cannot be rewritten: expected a text, found an object",
        ),
        (
            "metadata.label.x",
            json!("a"),
            "`metadata.label.x` cannot be rewritten: unknown field `label`, did you mean `labels`?",
        ),
        (
            "metadata.name.x",
            json!(""),
            "`metadata.name.x` cannot be rewritten: unknown field `x`",
        ),
    ] {
        assert_eq!(edit(&stored, path, set(value.clone())).unwrap_err(), why);
        assert_eq!(edit(&stored, path, Edit::Replace(value)).unwrap_err(), why);
    }
    let refused = rewrite(&stored, &[(carry::k8s::Path::new(vec![]), Edit::Remove)]);
    assert_eq!(
        refused.unwrap_err().why.to_string(),
        "it is the object itself; name a field of it"
    );
}

#[test]
fn of_a_kind_without_a_schema_only_the_metadata_changes() {
    let stored = |name: &str| {
        value(
            "example.com/v1",
            "Site",
            &[bytes(1, bytes(1, name)), unknown()],
        )
    };
    becomes(stored("a"), "metadata.name", set(json!("b")), stored("b"));
    assert_eq!(
        edit(&stored("a"), "spec.x", set(json!(1))).unwrap_err(),
        "`spec.x` cannot be rewritten: no schema is known for its kind, so only `metadata` can be"
    );
}

#[test]
fn edits_are_made_in_order_or_not_at_all() {
    let stored = config_map(&[]);
    let edits = |last: Edit| {
        [
            ("data.a".parse().expect("a path"), set(json!("1"))),
            ("data.a".parse().expect("a path"), Edit::Replace(json!("2"))),
            ("immutable".parse().expect("a path"), last),
        ]
    };
    let rewritten = rewrite(&stored, &edits(set(json!(true))));
    assert_eq!(
        rewritten.map(|value| value.to_vec()),
        Ok(config_map(&[entry(2, "a", "2"), number(4, 1)]))
    );
    assert!(rewrite(&stored, &edits(set(json!(1)))).is_err());
    let cbor = b"\xd9\xd9\xf7\xa2\x6aapiVersion\x62v1\x64kind\x64Cell";
    let cbor = rewrite(cbor, &edits(Edit::Remove));
    assert_eq!(
        cbor.unwrap_err().to_string(),
        "`data.a` cannot be rewritten: the value is CBOR; only protobuf and JSON values can be \
         rewritten"
    );
}
