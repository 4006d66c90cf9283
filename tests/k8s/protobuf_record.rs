//! Values stored as protobuf: presence, merging and malformed bytes, on
//! messages made byte by byte.

use carry::k8s::{Field, Path, Query, Record, RecordError};

pub fn varint(mut n: u64, out: &mut Vec<u8>) {
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

pub fn number(field: u64, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    varint(field << 3, &mut out);
    varint(value, &mut out);
    out
}

fn label(key: &str, value: &str) -> Vec<u8> {
    bytes(1, bytes(11, [bytes(1, key), bytes(2, value)].concat()))
}

pub fn value(api_version: &str, kind: &str, object: &[Vec<u8>]) -> Vec<u8> {
    let type_meta = [bytes(1, api_version), bytes(2, kind)].concat();
    let unknown = [
        bytes(1, type_meta),
        bytes(2, object.concat()),
        bytes(3, ""),
        bytes(4, ""),
    ]
    .concat();
    [b"k8s\0".to_vec(), unknown].concat()
}

pub fn get(value: &[u8], path: &str) -> String {
    let record = Record::parse(value).expect("a record");
    let path: Path = path.parse().expect(path);
    match record.get(&path) {
        Ok(field) => super::shown::shown(&field),
        Err(error) => error.to_string(),
    }
}

fn secret(object: &[Vec<u8>]) -> Vec<u8> {
    value("v1", "Secret", object)
}

#[test]
fn presence_follows_the_json_view() {
    let empty = secret(&[]);
    for (path, expected) in [
        ("metadata", "Composite"),
        ("metadata.name", "Absent"),
        ("metadata.labels", "Absent"),
        ("metadata.labels.a", "Absent"),
        ("type", "Absent"),
        ("immutable", "Absent"),
        ("data", "Absent"),
        ("nothing", "Absent"),
        ("kind", r#"String("Secret")"#),
    ] {
        assert_eq!(get(&empty, path), expected, "{path}");
    }
    let zero = secret(&[
        bytes(1, bytes(1, "")),
        bytes(3, ""),
        number(5, 0),
        bytes(2, bytes(1, "k")),
    ]);
    for (path, expected) in [
        ("metadata.name", "Absent"),
        ("type", "Absent"),
        ("immutable", "Bool(false)"),
        ("data", "Composite"),
        ("data.k", "Bytes([])"),
        ("data.l", "Absent"),
    ] {
        assert_eq!(get(&zero, path), expected, "{path}");
    }
    let role = value("rbac.authorization.k8s.io/v1", "Role", &[]);
    assert_eq!(get(&role, "rules"), "Null");
    assert_eq!(get(&role, "rules[0]"), "Absent");
    let binding = value("rbac.authorization.k8s.io/v1", "RoleBinding", &[]);
    assert_eq!(get(&binding, "roleRef"), "Composite");
    assert_eq!(get(&binding, "roleRef.name"), r#"String("")"#);
    let deployment = value("apps/v1", "Deployment", &[]);
    assert_eq!(get(&deployment, "spec.selector"), "Null");
    assert_eq!(get(&deployment, "spec.selector.matchLabels"), "Absent");
    assert_eq!(get(&deployment, "spec.template.spec.containers"), "Null");
}

#[test]
fn fields_of_a_pointer_appear_with_it() {
    let deployment = |spec: Vec<u8>| value("apps/v1", "Deployment", &[bytes(2, spec)]);
    // LabelSelectorRequirement.key is shown even when empty.
    assert_eq!(
        get(
            &deployment(bytes(2, [])),
            "spec.selector.matchExpressions[0].key"
        ),
        "Absent"
    );
    let with_requirement = bytes(2, bytes(2, []));
    let path = "spec.selector.matchExpressions[0].key";
    assert_eq!(get(&deployment(with_requirement), path), r#"String("")"#);
}

#[test]
fn the_last_scalar_wins_and_messages_merge() {
    let twice = secret(&[
        bytes(1, [bytes(1, "a"), bytes(3, "ns")].concat()),
        bytes(3, "first"),
        bytes(3, "second"),
        bytes(1, bytes(1, "b")),
        label("l", "1"),
        label("l", "2"),
    ]);
    assert_eq!(get(&twice, "metadata.name"), r#"String("b")"#);
    assert_eq!(get(&twice, "metadata.namespace"), r#"String("ns")"#);
    assert_eq!(get(&twice, "type"), r#"String("second")"#);
    assert_eq!(get(&twice, "metadata.labels.l"), r#"String("2")"#);
    let emptied = secret(&[bytes(3, "first"), bytes(3, "")]);
    assert_eq!(get(&emptied, "type"), "Absent");
    let labels = Record::parse(&twice)
        .expect("a record")
        .labels()
        .expect("labels");
    assert_eq!(labels, [("l".into(), "2".into())]);
}

#[test]
fn lists_append_across_merged_messages_and_packing() {
    let finalizers = secret(&[
        bytes(1, bytes(14, "a")),
        bytes(1, [bytes(14, "b"), bytes(14, "c")].concat()),
    ]);
    assert_eq!(get(&finalizers, "metadata.finalizers[2]"), r#"String("c")"#);
    assert_eq!(get(&finalizers, "metadata.finalizers[3]"), "Absent");
    // PodSecurityContext.supplementalGroups, a list of int64.
    let groups = |content: &[Vec<u8>]| {
        let context = content.concat();
        value("v1", "Pod", &[bytes(2, bytes(14, context))])
    };
    let mixed = groups(&[number(4, 7), bytes(4, [8, 9]), number(4, u64::MAX)]);
    for (index, expected) in ["Int(7)", "Int(8)", "Int(9)", "Int(-1)", "Absent"]
        .iter()
        .enumerate()
    {
        assert_eq!(
            get(
                &mixed,
                &format!("spec.securityContext.supplementalGroups[{index}]")
            ),
            *expected
        );
    }
    let nothing = groups(&[bytes(4, [])]);
    assert_eq!(
        get(&nothing, "spec.securityContext.supplementalGroups"),
        "Absent"
    );
}

#[test]
fn a_repeated_entry_of_messages_is_replaced() {
    // ResourceSliceSpec.sharedCounters is a list; CounterSet.counters a map
    // of messages whose only field is special, so the map's presence is read.
    let schema =
        |name: &str, content: Vec<u8>| bytes(29, [bytes(1, name), bytes(2, content)].concat());
    let crd = |entries: &[Vec<u8>]| {
        let schema = bytes(1, entries.concat());
        let validation = bytes(5, schema);
        value(
            "apiextensions.k8s.io/v1beta1",
            "CustomResourceDefinition",
            &[bytes(2, validation)],
        )
    };
    let path = |rest: &str| format!("spec.validation.openAPIV3Schema.properties['p'].{rest}");
    let first = schema("p", [bytes(4, "one"), bytes(5, "string")].concat());
    let once = crd(std::slice::from_ref(&first));
    assert_eq!(get(&once, &path("description")), r#"String("one")"#);
    assert_eq!(get(&once, &path("type")), r#"String("string")"#);
    let twice = crd(&[first, schema("p", bytes(5, "object"))]);
    assert_eq!(get(&twice, &path("description")), "Absent");
    assert_eq!(get(&twice, &path("type")), r#"String("object")"#);
}

#[test]
fn metadata_of_unknown_kinds_is_read() {
    let object = [label("a", "b"), bytes(1, bytes(1, "n"))];
    let unknown = value("federation/v1beta1", "Cluster", &object);
    assert_eq!(get(&unknown, "metadata.name"), r#"String("n")"#);
    assert_eq!(get(&unknown, r#"metadata.labels["a"]"#), r#"String("b")"#);
    assert_eq!(get(&unknown, "kind"), r#"String("Cluster")"#);
    assert_eq!(
        get(&unknown, "spec.secretRef"),
        "no schema for `Cluster` of `federation/v1beta1`: `spec.secretRef` cannot be read"
    );
    assert_eq!(get(&unknown, "metadata.creationTimestamp"), "Absent");
}

#[test]
fn a_query_fits_one_kind_and_repeats_paths() {
    let stored = secret(&[bytes(3, "t")]);
    let record = Record::parse(&stored).expect("a record");
    let paths: Vec<Path> = ["type", "['type']", "type", "kind"]
        .iter()
        .map(|path| path_of(path))
        .collect();
    let query = Query::new(&paths, "v1", "Secret");
    let mut out = vec![Field::Null; 5];
    record.scan(&query, &mut out).expect("scanned");
    let text = |text: &'static str| Field::String(text.into());
    assert_eq!(
        out,
        [text("t"), text("t"), text("t"), text("Secret"), Field::Null]
    );
    assert_eq!(
        record.scan(&query, &mut out[..3]),
        Err(RecordError::OtherKind)
    );
    let other = Query::new(&paths, "v1", "ConfigMap");
    assert!(!other.fits(&record));
    assert_eq!(record.scan(&other, &mut out), Err(RecordError::OtherKind));
}

fn path_of(text: &str) -> Path {
    match text
        .strip_prefix("['")
        .and_then(|text| text.strip_suffix("']"))
    {
        Some(key) => Path::new(vec![carry::k8s::Step::Key(key.into())]),
        None => text.parse().expect(text),
    }
}

#[test]
fn malformed_bytes_are_errors() {
    let cases: [(&str, Vec<u8>); 8] = [
        ("end within a varint", vec![0x80]),
        ("longer than ten bytes", vec![0xff; 11]),
        ("64 bits", [&[0x18][..], &[0xff; 9], &[0x02]].concat()),
        ("past the end", vec![0x1a, 0x7f]),
        ("past the end", [&[0x1a][..], &[0xff; 9], &[0x01]].concat()),
        ("groups", vec![0x1b, 0x1c]),
        ("wire type", vec![0x1e]),
        ("out of range", vec![0x02, 0x00]),
    ];
    for (expected, object) in cases {
        let stored = secret(std::slice::from_ref(&object));
        let found = get(&stored, "type");
        assert!(found.contains(expected), "{object:x?}: {found}");
    }
    assert!(get(&secret(&[number(3, 1)]), "type").contains("wrong wire type"));
    let compressed = [
        b"k8s\0".to_vec(),
        bytes(1, [bytes(1, "v1"), bytes(2, "Secret")].concat()),
        bytes(3, "gzip"),
    ];
    assert!(matches!(
        Record::parse(&compressed.concat()),
        Err(RecordError::Protobuf(_))
    ));
    assert_eq!(
        Record::parse(b"k8s\0").err(),
        Some(RecordError::Untyped("apiVersion"))
    );
}
