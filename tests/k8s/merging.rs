//! Values in pieces: fields that occur more than once, read as Go's decoders
//! read them, special types included, by path, by walking and printed.

use carry::k8s::{Field, Path, Record, View};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::protobuf_record::{bytes, get, number, value};

fn pod(spec: &[Vec<u8>]) -> Vec<u8> {
    let spec: Vec<Vec<u8>> = spec.iter().map(|piece| bytes(2, piece)).collect();
    value("v1", "Pod", &spec)
}

fn meta(pieces: &[Vec<u8>]) -> Vec<u8> {
    let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| bytes(1, piece)).collect();
    value("v1", "Secret", &pieces)
}

fn text(text: &str) -> String {
    format!("String({text:?})")
}

#[test]
fn a_time_replaces_the_one_before() {
    let path = "metadata.deletionTimestamp";
    let time = |content: &[Vec<u8>]| bytes(9, content.concat());
    assert_eq!(get(&meta(&[]), path), "Absent");
    assert_eq!(get(&meta(&[time(&[])]), path), "Null");
    let seconds = time(&[number(1, 60)]);
    assert_eq!(
        get(&meta(std::slice::from_ref(&seconds)), path),
        text("1970-01-01T00:01:00Z")
    );
    // Nanoseconds alone are a time, too: of 1970.
    let nanos = time(&[number(2, 5)]);
    assert_eq!(
        get(&meta(&[seconds.clone(), nanos]), path),
        text("1970-01-01T00:00:00Z")
    );
    assert_eq!(get(&meta(&[seconds.clone(), time(&[])]), path), "Null");
    assert_eq!(
        get(&meta(&[time(&[]), seconds]), path),
        text("1970-01-01T00:01:00Z")
    );
    let zero = time(&[number(1, (-62_135_596_800i64) as u64)]);
    assert_eq!(get(&meta(&[zero]), path), "Null");
    let wrong = time(&[bytes(1, "x")]);
    assert!(get(&meta(&[wrong]), path).contains("wrong wire type"));
}

#[test]
fn a_zero_creation_timestamp_is_left_out() {
    let path = "metadata.creationTimestamp";
    assert_eq!(get(&meta(&[]), path), "Absent");
    assert_eq!(get(&meta(&[bytes(8, "")]), path), "Absent");
    let zero = bytes(8, number(1, (-62_135_596_800i64) as u64));
    assert_eq!(get(&meta(&[zero]), path), "Absent");
    assert_eq!(
        get(&meta(&[bytes(8, number(1, 0))]), path),
        text("1970-01-01T00:00:00Z")
    );
    // Of other times the zero is shown.
    let event = value("v1", "Event", &[]);
    assert_eq!(get(&event, "firstTimestamp"), "Null");
    assert_eq!(get(&event, "eventTime"), "Null");
    let event = value(
        "v1",
        "Event",
        &[bytes(10, [number(1, 1), number(2, 1_234_567)].concat())],
    );
    assert_eq!(
        get(&event, "eventTime"),
        text("1970-01-01T00:00:01.001234Z")
    );
}

#[test]
fn of_quantities_the_last_with_a_text_counts() {
    let quota = |value: &[u8]| {
        let entry = [bytes(1, "cpu"), bytes(2, value)].concat();
        bytes(32, entry)
    };
    let path = "spec.overhead.cpu";
    assert_eq!(get(&pod(&[quota(&[])]), path), text("0"));
    let twice = [bytes(1, "1"), bytes(1, "2000m")].concat();
    assert_eq!(get(&pod(&[quota(&twice)]), path), text("2"));
    // Of a map's entries the last replaces.
    assert_eq!(
        get(&pod(&[quota(&bytes(1, "5")), quota(&[])]), path),
        text("0")
    );
    // One that is replaced must parse nevertheless.
    let bad = [bytes(1, "x"), bytes(1, "2")].concat();
    assert!(get(&pod(&[quota(&bad)]), path).contains("quantity"));
    // A pointer to one merges: emptyDir.sizeLimit.
    let volume = |pieces: &[Vec<u8>]| {
        let empty_dir: Vec<u8> = pieces.iter().flat_map(|piece| bytes(2, piece)).collect();
        pod(&[bytes(1, bytes(2, bytes(2, empty_dir)))])
    };
    let path = "spec.volumes[0].emptyDir.sizeLimit";
    assert_eq!(get(&volume(&[]), path), "Absent");
    assert_eq!(get(&volume(&[bytes(1, "1Ki"), vec![]]), path), text("1Ki"));
    assert_eq!(get(&volume(&[vec![]]), path), text("0"));
}

#[test]
fn the_parts_of_a_number_or_text_are_overwritten_one_by_one() {
    let service = |pieces: &[Vec<u8>]| {
        let port: Vec<u8> = pieces.iter().flat_map(|piece| bytes(4, piece)).collect();
        value("v1", "Service", &[bytes(2, bytes(1, port))])
    };
    let path = "spec.ports[0].targetPort";
    assert_eq!(get(&service(&[]), path), "Int(0)");
    assert_eq!(get(&service(&[number(2, 80)]), path), "Int(80)");
    let named = [number(1, 1), number(2, 80), bytes(3, "http")].concat();
    assert_eq!(
        get(&service(std::slice::from_ref(&named)), path),
        text("http")
    );
    assert_eq!(get(&service(&[named, number(1, 0)]), path), "Int(80)");
    assert!(get(&service(&[number(1, 2)]), path).contains("neither a number nor a string"));
}

#[test]
fn paths_go_on_into_embedded_json() {
    let fields = |raw: &[Vec<u8>]| meta(&[bytes(17, bytes(7, raw.concat()))]);
    let path = "metadata.managedFields[0].fieldsV1";
    let stored = fields(&[bytes(1, r#"{"f:a":{".":{},"n":[1.0,"x"]}}"#)]);
    assert_eq!(get(&stored, path), "Composite");
    assert_eq!(get(&stored, &format!("{path}['f:a'].n[0]")), "Double(1.0)");
    assert_eq!(get(&stored, &format!("{path}['f:a'].n[1]")), text("x"));
    assert_eq!(get(&stored, &format!("{path}['f:a'].n[2]")), "Absent");
    assert_eq!(get(&stored, &format!("{path}.none.deeper")), "Absent");
    assert_eq!(get(&fields(&[]), path), "Null");
    assert_eq!(get(&fields(&[]), &format!("{path}.a")), "Absent");
    assert_eq!(get(&meta(&[]), &format!("{path}.a")), "Absent");
    for bad in ["", "{", "{} {}", "\u{1}"] {
        let found = get(&fields(&[bytes(1, bad)]), &format!("{path}.a"));
        assert!(
            found.contains("embedded JSON is malformed"),
            "{bad}: {found}"
        );
    }
    let scalar = fields(&[bytes(1, "{}"), bytes(1, " 7 ")]);
    assert_eq!(get(&scalar, path), "Int(7)");
    // ControllerRevision.data is no pointer, and null when not set.
    let revision = |data: &[Vec<u8>]| value("apps/v1", "ControllerRevision", data);
    assert_eq!(get(&revision(&[]), "data"), "Null");
    assert_eq!(get(&revision(&[bytes(2, "")]), "data"), "Null");
    assert!(get(&revision(&[bytes(2, bytes(1, ""))]), "data").contains("embedded JSON"));
}

#[test]
fn lists_in_disguise_append() {
    let csr = |extra: &[Vec<u8>]| {
        let entry = [bytes(1, "k"), extra.concat()].concat();
        value(
            "certificates.k8s.io/v1",
            "CertificateSigningRequest",
            &[bytes(2, bytes(6, entry))],
        )
    };
    let two = csr(&[bytes(2, [bytes(1, "a"), bytes(1, "b")].concat())]);
    assert_eq!(get(&two, "spec.extra.k"), "Composite");
    assert_eq!(get(&two, "spec.extra.k[1]"), text("b"));
    assert_eq!(get(&two, "spec.extra.k[2]"), "Absent");
    for none in [csr(&[]), csr(&[bytes(2, "")])] {
        assert_eq!(shown(&none)["spec"]["extra"], json!({"k": []}));
    }
    // Of the values of an entry the last counts.
    let replaced = csr(&[bytes(2, bytes(1, "a")), bytes(2, bytes(1, "b"))]);
    assert_eq!(shown(&replaced)["spec"]["extra"], json!({"k": ["b"]}));
}

fn crd(schema: &[Vec<u8>]) -> Vec<u8> {
    let validation = bytes(5, bytes(1, schema.concat()));
    value(
        "apiextensions.k8s.io/v1beta1",
        "CustomResourceDefinition",
        &[bytes(2, validation)],
    )
}

#[test]
fn a_choice_shows_one_of_its_shapes() {
    let of_type = |name: &str| bytes(5, name);
    let path = |rest: &str| format!("spec.validation.openAPIV3Schema.{rest}");
    let or_bool = |content: &[Vec<u8>]| crd(&[bytes(30, content.concat())]);
    assert_eq!(get(&crd(&[]), &path("additionalProperties")), "Absent");
    assert_eq!(
        get(&or_bool(&[]), &path("additionalProperties")),
        "Bool(false)"
    );
    let allowed = or_bool(&[number(1, 1)]);
    assert_eq!(get(&allowed, &path("additionalProperties")), "Bool(true)");
    assert_eq!(get(&allowed, &path("additionalProperties.type")), "Absent");
    let both = or_bool(&[number(1, 1), bytes(2, of_type("string"))]);
    assert_eq!(
        get(&both, &path("additionalProperties.type")),
        text("string")
    );

    let or_array = |content: &[Vec<u8>]| crd(&[bytes(24, content.concat())]);
    assert_eq!(get(&or_array(&[]), &path("items")), "Null");
    let one = or_array(&[bytes(1, of_type("a"))]);
    assert_eq!(get(&one, &path("items.type")), text("a"));
    let many = or_array(&[bytes(1, of_type("a")), bytes(2, of_type("b")), bytes(2, "")]);
    assert_eq!(get(&many, &path("items.type")), "Absent");
    assert_eq!(get(&many, &path("items[0].type")), text("b"));
    assert_eq!(get(&many, &path("items[1]")), "Composite");

    let or_strings = |content: &[Vec<u8>]| {
        crd(&[bytes(
            32,
            [bytes(1, "k"), bytes(2, content.concat())].concat(),
        )])
    };
    assert_eq!(get(&or_strings(&[]), &path("dependencies.k")), "Null");
    let listed = or_strings(&[bytes(1, of_type("a")), bytes(2, "x"), bytes(2, "y")]);
    assert_eq!(get(&listed, &path("dependencies.k[1]")), text("y"));
    let schema = or_strings(&[bytes(1, of_type("a"))]);
    assert_eq!(get(&schema, &path("dependencies.k.type")), text("a"));
}

#[test]
fn strings_need_not_be_utf8() {
    let named = meta(&[
        bytes(1, b"a\xe2\x82b\xff"),
        bytes(11, [bytes(1, b"k\xff"), bytes(2, b"\xc3")].concat()),
    ]);
    assert_eq!(
        get(&named, "metadata.name"),
        text("a\u{fffd}\u{fffd}b\u{fffd}")
    );
    let record = Record::parse(&named).expect("a record");
    assert_eq!(
        record.labels().expect("labels"),
        [("k\u{fffd}".into(), "\u{fffd}".into())]
    );
    assert_eq!(
        shown(&named)["metadata"]["labels"],
        json!({"k\u{fffd}": "\u{fffd}"})
    );
    record.verify().expect("Go decodes it");
}

fn shown(stored: &[u8]) -> Value {
    Record::parse(stored)
        .expect("a record")
        .to_json()
        .expect("printed")
}

#[test]
fn views_of_messages_in_pieces_merge() {
    let stored = value(
        "v1",
        "Secret",
        &[
            bytes(
                1,
                [
                    bytes(1, "a"),
                    bytes(14, "x"),
                    bytes(11, [bytes(1, "l"), bytes(2, "1")].concat()),
                ]
                .concat(),
            ),
            bytes(2, [bytes(1, "k"), bytes(2, "v")].concat()),
            bytes(
                1,
                [
                    bytes(14, "y"),
                    bytes(11, [bytes(1, "l"), bytes(2, "2")].concat()),
                ]
                .concat(),
            ),
            bytes(1, ""),
            bytes(2, bytes(1, "k")),
        ],
    );
    let wanted = json!({
        "apiVersion": "v1", "kind": "Secret", "data": {"k": ""},
        "metadata": {"name": "a", "finalizers": ["x", "y"], "labels": {"l": "2"}},
    });
    assert_eq!(shown(&stored), wanted);
    let record = Record::parse(&stored).expect("a record");
    for path in ["metadata", "metadata.finalizers", "metadata.labels", "data"] {
        let path: Path = path.parse().expect(path);
        let field = record.get(&path).expect("read");
        let mut at = &wanted;
        for step in path.steps() {
            at = &at[step.name().expect("a name")];
        }
        assert_eq!(field.to_json().expect("printed"), *at, "{path}");
        let Field::Composite(view) = field else {
            panic!("{path}: {field:?}")
        };
        assert_eq!(length(at), view.len().expect("a length"), "{path}");
    }
}

fn length(json: &Value) -> usize {
    json.as_object()
        .map_or_else(|| json.as_array().map_or(0, Vec::len), serde_json::Map::len)
}

#[test]
fn packed_lists_are_lists() {
    let context = |content: &[Vec<u8>]| {
        let stored = pod(&[bytes(14, content.concat())]);
        shown(&stored)["spec"]["securityContext"].clone()
    };
    let mixed = context(&[
        number(4, 7),
        bytes(4, [8, 9]),
        bytes(4, []),
        number(4, u64::MAX),
    ]);
    assert_eq!(mixed, json!({"supplementalGroups": [7, 8, 9, -1]}));
    assert_eq!(context(&[bytes(4, [])]), json!({}));
}

/// Cuts an encoded message into several of the same field at random places.
fn pieces(message: &[u8], number: u64, cuts: &[prop::sample::Index]) -> Vec<u8> {
    let mut ends = vec![0];
    let mut rest = message;
    while !rest.is_empty() {
        rest = skip(rest);
        ends.push(message.len() - rest.len());
    }
    let mut at: Vec<usize> = cuts.iter().map(|cut| *cut.get(&ends)).collect();
    at.extend([0, message.len()]);
    at.sort_unstable();
    at.windows(2)
        .flat_map(|pair| bytes(number, &message[pair[0]..pair[1]]))
        .collect()
}

/// What follows the first field of a well-formed message.
fn skip(message: &[u8]) -> &[u8] {
    let varint = |bytes: &[u8]| {
        let length = bytes.iter().position(|byte| *byte < 0x80).expect("an end") + 1;
        let value = (0..length).fold(0u64, |value, at| {
            value | u64::from(bytes[at] & 0x7f) << (7 * at)
        });
        (value, length)
    };
    let (tag, length) = varint(message);
    let rest = &message[length..];
    match tag & 7 {
        0 => &rest[varint(rest).1..],
        1 => &rest[8..],
        _ => {
            let (size, length) = varint(rest);
            &rest[length + size as usize..]
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..Default::default() })]

    /// A message in pieces is printed as the whole one, and read the same by
    /// path.
    #[test]
    fn cutting_a_message_changes_nothing(
        names in prop::collection::vec("[a-z]{0,3}", 0..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut spec: Vec<u8> = Vec::new();
        for (place, name) in names.iter().enumerate() {
            let quantity = bytes(1, format!("{place}"));
            let entry = [bytes(1, name), bytes(2, quantity)].concat();
            spec.extend(bytes(2, bytes(1, name)));
            spec.extend(bytes(32, entry));
            spec.extend(bytes(10, name));
            spec.extend(bytes(14, number(4, place as u64)));
            spec.extend(bytes(7, [bytes(1, name), bytes(2, name)].concat()));
        }
        let whole = value("v1", "Pod", &[bytes(2, &spec)]);
        let cut = pieces(&spec, 2, &cuts);
        let cut = value("v1", "Pod", &[cut]);
        let wanted = shown(&whole);
        prop_assert_eq!(shown(&cut), wanted.clone());
        let record = Record::parse(&cut).expect("a record");
        record.verify().expect("decodable");
        for path in ["spec", "spec.overhead", "spec.containers", "spec.nodeSelector.a", "spec.nodeName",
            "spec.securityContext.supplementalGroups", "spec.containers[1].name", "spec.overhead.a"] {
            let path: Path = path.parse().expect(path);
            let whole = Record::parse(&whole).expect("a record").get(&path).expect("read");
            let cut = record.get(&path).expect("read");
            prop_assert_eq!(cut.to_json(), whole.to_json(), "{}", path);
        }
    }
}

#[test]
fn debug_shows_no_values() {
    let stored = value(
        "v1",
        "Secret",
        &[
            bytes(2, [bytes(1, "key"), bytes(2, "hunter2")].concat()),
            bytes(3, "hunter2"),
        ],
    );
    let record = Record::parse(&stored).expect("a record");
    for path in ["data", "data.key", "type", "metadata", "kind"] {
        let field = record.get(&path.parse().expect(path)).expect("read");
        let debug = format!("{field:?} {record:?}");
        assert!(
            !debug.contains("hunter2") && !debug.contains("104"),
            "{debug}"
        );
    }
    let view: View<'_> = record.view();
    assert!(!format!("{view:?}").contains("hunter2"));
    assert!(size_of::<Field<'_>>() <= 48, "{}", size_of::<Field<'_>>());
}
