//! Protobuf values rewritten, byte by byte: where a new field goes, what
//! becomes of unknown fields, of fields that occur several times, of packed
//! lists and of lengths that are longer than they need be.

use carry::k8s::{Edit, rewrite};
use serde_json::{Value, json};

fn varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// A length-delimited field.
pub fn bytes(number: u64, content: impl AsRef<[u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    varint(number << 3 | 2, &mut out);
    varint(content.as_ref().len() as u64, &mut out);
    out.extend(content.as_ref());
    out
}

/// The same with a length in one byte more than it takes.
fn overlong(number: u64, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    assert!(content.len() < 0x80 && number < 16);
    let head = [(number as u8) << 3 | 2, content.len() as u8 | 0x80, 0];
    [&head, content].concat()
}

pub fn number(field: u64, value: i64) -> Vec<u8> {
    let mut out = Vec::new();
    varint(field << 3, &mut out);
    varint(value as u64, &mut out);
    out
}

pub fn entry(field: u64, key: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    bytes(field, [bytes(1, key), bytes(2, value)].concat())
}

/// An unknown field of each kind.
pub fn unknown() -> Vec<u8> {
    [
        number(900, -7),
        bytes(901, b"\xff\x00"),
        vec![0xf1, 0x38, 1, 2, 3, 4, 5, 6, 7, 8],
        vec![0xfd, 0x38, 1, 2, 3, 4],
    ]
    .concat()
}

pub fn value(api_version: &str, kind: &str, object: &[Vec<u8>]) -> Vec<u8> {
    let type_meta = [bytes(1, api_version), bytes(2, kind)].concat();
    let parts = [
        b"k8s\0".to_vec(),
        bytes(1, type_meta),
        bytes(2, object.concat()),
        bytes(3, ""),
        bytes(4, ""),
    ];
    parts.concat()
}

pub fn service(spec: &[Vec<u8>]) -> Vec<u8> {
    value(
        "v1",
        "Service",
        &[bytes(1, bytes(1, "s")), bytes(2, spec.concat())],
    )
}

pub fn pod_spec(spec: &[Vec<u8>]) -> Vec<u8> {
    value("v1", "Pod", &[bytes(2, spec.concat())])
}

pub fn config_map(object: &[Vec<u8>]) -> Vec<u8> {
    value("v1", "ConfigMap", object)
}

pub fn edit(plain: &[u8], path: &str, edit: Edit) -> Result<Vec<u8>, String> {
    rewrite(plain, &[(path.parse().expect(path), edit)])
        .map(|value| value.to_vec())
        .map_err(|error| error.to_string())
}

#[track_caller]
pub fn becomes(before: Vec<u8>, path: &str, change: Edit, after: Vec<u8>) {
    assert_eq!(edit(&before, path, change), Ok(after), "`{path}`");
}

pub fn set(value: Value) -> Edit {
    Edit::Set(value)
}

#[test]
fn a_scalar_is_set_where_it_stands() {
    let around = |own: Vec<u8>| {
        let meta = bytes(1, [unknown(), bytes(1, "s")].concat());
        let spec = bytes(2, [unknown(), bytes(3, "ip"), own, unknown()].concat());
        value("v1", "Service", &[unknown(), spec, unknown(), meta])
    };
    let refused = edit(&around(number(12, 1)), "spec.loadBalancerIP", set(json!(1)));
    assert_eq!(
        refused.unwrap_err(),
        "`spec.loadBalancerIP` cannot be rewritten: expected a text, found a whole number"
    );
    becomes(
        around(number(12, 1)),
        "spec.healthCheckNodePort",
        set(json!(300)),
        around(number(12, 300)),
    );
    becomes(
        around(number(12, 1)),
        "spec.healthCheckNodePort",
        set(json!(-1)),
        around([vec![0x60], vec![0xff; 9], vec![1]].concat()),
    );
    becomes(
        around(bytes(7, "None")),
        "spec.sessionAffinity",
        Edit::Remove,
        around(bytes(7, "")),
    );
}

#[test]
fn a_new_field_goes_where_gogo_would_have_written_it() {
    let spec = |fields: &[Vec<u8>]| service(fields);
    becomes(
        spec(&[bytes(3, "None"), bytes(4, "ClusterIP"), unknown()]),
        "spec.selector.app",
        set(json!("a")),
        spec(&[
            entry(2, "app", "a"),
            bytes(3, "None"),
            bytes(4, "ClusterIP"),
            unknown(),
        ]),
    );
    becomes(
        spec(&[bytes(3, "None"), unknown()]),
        "spec.clusterIPs",
        set(json!(["None", ""])),
        spec(&[
            bytes(3, "None"),
            bytes(18, "None"),
            bytes(18, ""),
            unknown(),
        ]),
    );
    becomes(
        config_map(&[bytes(2, [bytes(1, "b"), bytes(2, "2")].concat())]),
        "metadata.labels",
        set(json!({"b": "2", "a": "1"})),
        config_map(&[
            bytes(
                1,
                [
                    bytes(1, ""),
                    bytes(2, ""),
                    bytes(3, ""),
                    bytes(4, ""),
                    bytes(5, ""),
                    bytes(6, ""),
                    number(7, 0),
                    bytes(8, ""),
                    entry(11, "a", "1"),
                    entry(11, "b", "2"),
                ]
                .concat(),
            ),
            entry(2, "b", "2"),
        ]),
    );
}

#[test]
fn entries_are_set_replaced_added_in_order_and_removed() {
    let map = |entries: &[(&str, &str)]| {
        let entries = entries.iter().map(|(key, value)| entry(2, key, value));
        config_map(&entries.collect::<Vec<_>>())
    };
    let stored = || map(&[("b", "1"), ("d", "2")]);
    becomes(
        stored(),
        "data.a",
        set(json!("x")),
        map(&[("a", "x"), ("b", "1"), ("d", "2")]),
    );
    becomes(
        stored(),
        "data.c",
        set(json!("x")),
        map(&[("b", "1"), ("c", "x"), ("d", "2")]),
    );
    becomes(
        stored(),
        "data.e",
        set(json!("x")),
        map(&[("b", "1"), ("d", "2"), ("e", "x")]),
    );
    becomes(
        stored(),
        "data['d']",
        set(json!("")),
        map(&[("b", "1"), ("d", "")]),
    );
    becomes(stored(), "data.d", set(Value::Null), map(&[("b", "1")]));
    becomes(stored(), "data.b", Edit::Remove, map(&[("d", "2")]));
    becomes(stored(), "data.c", Edit::Remove, stored());
    becomes(stored(), "data.c", Edit::Replace(json!("x")), stored());
    becomes(
        stored(),
        "data.d",
        Edit::Replace(json!("x")),
        map(&[("b", "1"), ("d", "x")]),
    );
    becomes(stored(), "data", Edit::Remove, map(&[]));
    becomes(stored(), "data", set(json!({})), map(&[]));
    // Of one key the last counts, and removing it leaves none.
    let twice = || map(&[("a", "1"), ("b", "2"), ("a", "3")]);
    becomes(
        twice(),
        "data.a",
        set(json!("x")),
        map(&[("a", "1"), ("b", "2"), ("a", "x")]),
    );
    becomes(twice(), "data.a", set(json!("3")), twice());
    becomes(twice(), "data.a", Edit::Remove, map(&[("b", "2")]));
    // An entry without a value, with an unknown field, and with two values.
    let odd = |value: Vec<u8>| config_map(&[bytes(2, [bytes(1, "k"), value].concat())]);
    becomes(odd(vec![]), "data.k", set(json!("x")), odd(bytes(2, "x")));
    becomes(odd(vec![]), "data.k", set(json!("")), odd(vec![]));
    becomes(
        odd([bytes(2, "1"), unknown(), bytes(2, "2")].concat()),
        "data.k",
        set(json!("x")),
        odd([bytes(2, "x"), unknown()].concat()),
    );
}

#[test]
fn elements_are_set_appended_and_removed() {
    let list = |items: &[&str]| {
        let items = items.iter().map(|item| bytes(18, item));
        service(&[bytes(3, "a"), items.collect::<Vec<_>>().concat(), unknown()])
    };
    let stored = || list(&["a", "b", "c"]);
    becomes(
        stored(),
        "spec.clusterIPs[1]",
        set(json!("x")),
        list(&["a", "x", "c"]),
    );
    becomes(
        stored(),
        "spec.clusterIPs[3]",
        set(json!("x")),
        list(&["a", "b", "c", "x"]),
    );
    becomes(
        list(&[]),
        "spec.clusterIPs[0]",
        set(json!("x")),
        list(&["x"]),
    );
    becomes(
        stored(),
        "spec.clusterIPs[0]",
        Edit::Remove,
        list(&["b", "c"]),
    );
    becomes(stored(), "spec.clusterIPs[3]", Edit::Remove, stored());
    becomes(
        stored(),
        "spec.clusterIPs[3]",
        Edit::Replace(json!("x")),
        stored(),
    );
    becomes(stored(), "spec.clusterIPs", set(json!(["x"])), list(&["x"]));
    becomes(stored(), "spec.clusterIPs", set(Value::Null), list(&[]));
    for (path, value, why) in [
        (
            "spec.clusterIPs[4]",
            json!("x"),
            "the list ends before it; index 3 would append an element",
        ),
        (
            "spec.clusterIPs[1]",
            json!(null),
            "expected an element of the list, found `null`",
        ),
        (
            "spec.clusterIPs",
            json!("x"),
            "expected a list, found a text",
        ),
    ] {
        let refused = edit(&stored(), path, set(value)).expect_err(path);
        assert_eq!(refused, format!("`{path}` cannot be rewritten: {why}"));
    }
    // A message that is appended by a field of it has gogo's zeros.
    let port = |name: &str, port: i64| {
        let int_or_string = [number(1, 0), number(2, 0), bytes(3, "")].concat();
        let fields = [
            bytes(1, name),
            bytes(2, ""),
            number(3, port),
            bytes(4, int_or_string),
            number(5, 0),
        ];
        bytes(1, fields.concat())
    };
    becomes(
        service(&[port("a", 1), bytes(3, "a")]),
        "spec.ports[1].name",
        set(json!("b")),
        service(&[port("a", 1), port("b", 0), bytes(3, "a")]),
    );
}

#[test]
fn packed_lists_are_lists() {
    let security = |groups: Vec<u8>| pod_spec(&[bytes(14, groups)]);
    let path = |index: u32| format!("spec.securityContext.supplementalGroups[{index}]");
    let packed = |content: &[u8]| bytes(4, content);
    let stored =
        || security([number(4, 1), packed(&[2, 0xac, 2]), unknown(), number(4, 4)].concat());
    becomes(
        stored(),
        &path(2),
        set(json!(3)),
        security([number(4, 1), packed(&[2, 3]), unknown(), number(4, 4)].concat()),
    );
    becomes(
        stored(),
        &path(1),
        Edit::Remove,
        security([number(4, 1), packed(&[0xac, 2]), unknown(), number(4, 4)].concat()),
    );
    becomes(
        security([packed(&[9]), unknown()].concat()),
        &path(0),
        Edit::Remove,
        security(unknown()),
    );
    becomes(
        stored(),
        &path(3),
        set(json!(5)),
        security([number(4, 1), packed(&[2, 0xac, 2]), unknown(), number(4, 5)].concat()),
    );
    becomes(
        security([packed(&[1, 2]), unknown()].concat()),
        &path(2),
        set(json!(3)),
        security([packed(&[1, 2]), number(4, 3), unknown()].concat()),
    );
    becomes(stored(), &path(1), set(json!(2)), stored());
}

#[test]
fn a_message_in_several_chunks_is_one() {
    let stored = |first: Vec<u8>, second: Vec<u8>| {
        value(
            "v1",
            "Service",
            &[bytes(2, first), unknown(), bytes(2, second)],
        )
    };
    // The last scalar counts, in whichever chunk it is; the result has one.
    becomes(
        stored(
            [bytes(3, "a"), unknown()].concat(),
            [bytes(3, "b"), bytes(7, "x")].concat(),
        ),
        "spec.clusterIP",
        set(json!("c")),
        stored([bytes(3, "c"), unknown()].concat(), bytes(7, "x")),
    );
    becomes(
        stored(bytes(3, "a"), bytes(3, "b")),
        "spec.clusterIP",
        set(json!("b")),
        stored(bytes(3, "a"), bytes(3, "b")),
    );
    becomes(
        stored(bytes(3, "a"), bytes(3, "b")),
        "spec.clusterIP",
        Edit::Remove,
        stored(bytes(3, ""), vec![]),
    );
    // What is nowhere yet goes before the first higher field.
    becomes(
        stored(bytes(3, "a"), bytes(7, "x")),
        "spec.type",
        set(json!("t")),
        stored(bytes(3, "a"), [bytes(4, "t"), bytes(7, "x")].concat()),
    );
    // Elements are counted across chunks.
    becomes(
        stored(bytes(18, "a"), [bytes(18, "b"), bytes(18, "c")].concat()),
        "spec.clusterIPs[1]",
        Edit::Remove,
        stored(bytes(18, "a"), bytes(18, "c")),
    );
    // As a whole it is one again, in the place of the first.
    becomes(
        stored(bytes(18, "a"), bytes(18, "b")),
        "spec.clusterIPs",
        set(json!(["x"])),
        stored(bytes(18, "x"), vec![]),
    );
    let affinity = |parts: &[Vec<u8>]| pod_spec(&[parts.concat()]);
    becomes(
        affinity(&[bytes(14, number(5, 1)), unknown(), bytes(14, number(1, 2))]),
        "spec.securityContext",
        set(json!({"fsGroup": 7})),
        affinity(&[bytes(14, number(5, 7)), unknown()]),
    );
}

#[test]
fn a_length_that_is_longer_than_it_need_be_stays_unless_it_changes() {
    let stored = |name: Vec<u8>| {
        value(
            "v1",
            "ConfigMap",
            &[overlong(1, [overlong(5, "uid"), name].concat()), unknown()],
        )
    };
    becomes(
        stored(bytes(6, "1")),
        "metadata.resourceVersion",
        set(json!("2")),
        stored(bytes(6, "2")),
    );
    let longer = [overlong(5, "uid"), bytes(6, "22")].concat();
    becomes(
        stored(bytes(6, "1")),
        "metadata.resourceVersion",
        set(json!("22")),
        value("v1", "ConfigMap", &[bytes(1, longer), unknown()]),
    );
    becomes(
        stored(bytes(6, "1")),
        "metadata.uid",
        set(json!("uid")),
        stored(bytes(6, "1")),
    );
}
