//! ConfigMaps as a kube-apiserver stores them, all different, of a given size.
//! Deliberately small: enough of protobuf to write these, none to read them.

const PREFIX: &str = "/registry/configmaps/";
/// The annotation with the number of the revision.
pub const REVISION: &str = "example.io/revision";
const PER_NAMESPACE: usize = 1_000;

/// The key and the stored bytes of the `index`th ConfigMap.
pub fn config_map(index: usize, size: usize) -> (Vec<u8>, Vec<u8>) {
    revision_of(index, index, size)
}

/// As [`config_map`], of the revision with this number, which says so in an
/// annotation ([`REVISION`]) and has settings of its own.
pub fn revision_of(index: usize, number: usize, size: usize) -> (Vec<u8>, Vec<u8>) {
    let (namespace, name) = (namespace(index), format!("settings-{index:06}"));
    let key = format!("{PREFIX}{namespace}/{name}").into_bytes();
    // What the envelope and the metadata take, found by writing it once.
    let rest = value(&namespace, &name, number, 0).len();
    (
        key,
        value(&namespace, &name, number, size.saturating_sub(rest + 4)),
    )
}

/// The keys of the first `count` ConfigMaps, where `count` is at most that of
/// one Namespace; else of all of them.
pub fn prefix_of(count: usize) -> String {
    if count <= PER_NAMESPACE {
        format!("{PREFIX}{}/", namespace(0))
    } else {
        PREFIX.to_owned()
    }
}

fn namespace(index: usize) -> String {
    format!("team-{:03}", index / PER_NAMESPACE)
}

fn value(namespace: &str, name: &str, index: usize, filling: usize) -> Vec<u8> {
    let mut type_meta = Vec::new();
    field(&mut type_meta, 1, b"v1");
    field(&mut type_meta, 2, b"ConfigMap");
    let mut raw = Vec::new();
    field(&mut raw, 1, &metadata(namespace, name, index));
    field(&mut raw, 2, &entry("settings.conf", &text(index, filling)));
    let mut value = b"k8s\0".to_vec();
    field(&mut value, 1, &type_meta);
    field(&mut value, 2, &raw);
    field(&mut value, 3, b"");
    field(&mut value, 4, b"");
    value
}

fn metadata(namespace: &str, name: &str, index: usize) -> Vec<u8> {
    let mut meta = Vec::new();
    field(&mut meta, 1, name.as_bytes());
    field(&mut meta, 2, b"");
    field(&mut meta, 3, namespace.as_bytes());
    field(&mut meta, 4, b"");
    field(
        &mut meta,
        5,
        format!("5f0c2a1e-7b1d-4c3a-9d52-{index:012x}").as_bytes(),
    );
    field(&mut meta, 6, b"");
    // generation 0, creationTimestamp {seconds, nanos 0}
    meta.extend([0x38, 0, 0x42, 8, 8, 0xb8, 0x9b, 0x8a, 0xd8, 6, 0x10, 0]);
    field(
        &mut meta,
        11,
        &entry("app.kubernetes.io/managed-by", "bench"),
    );
    field(&mut meta, 11, &entry("app.kubernetes.io/name", name));
    field(&mut meta, 12, &entry(REVISION, &index.to_string()));
    meta
}

fn entry(key: &str, value: &str) -> Vec<u8> {
    let mut entry = Vec::new();
    field(&mut entry, 1, key.as_bytes());
    field(&mut entry, 2, value.as_bytes());
    entry
}

/// A length-delimited field with a number below 16.
fn field(into: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    into.push(number << 3 | 2);
    let mut length = bytes.len();
    while length >= 0x80 {
        into.push(length as u8 | 0x80);
        length >>= 7;
    }
    into.push(length as u8);
    into.extend(bytes);
}

/// Lines of settings that differ from object to object.
fn text(index: usize, length: usize) -> String {
    let mut state = index as u64 + 1;
    let mut text = String::with_capacity(length + 40);
    while text.len() < length {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        text += &format!("limit.{:04} = {:016x}\n", (state >> 20) % 10_000, state);
    }
    text.truncate(length);
    text
}
