//! The keys and the stored bytes of a small Kubernetes cluster, each value with
//! the number of the write that made it.
//!
//! Deliberately enough of protobuf to write these, and none to read them: what
//! a test wants to know of a value it finds as bytes in it.

/// How many namespaces there are.
pub const NAMESPACES: usize = 8;

/// What a Namespace's `team` may be; `red` is selected.
pub const TEAMS: [&str; 3] = ["red", "blue", ""];

/// The name of a namespace.
pub fn namespace(at: usize) -> String {
    format!("team-{at}")
}

/// A Namespace's key.
pub fn namespace_key(name: &str) -> String {
    format!("/registry/namespaces/{name}")
}

/// A Namespace of a team; `""` for none.
pub fn namespace_value(name: &str, team: &str, write: u64) -> Vec<u8> {
    let labels: &[(&str, &str)] = match team {
        "" => &[("kubernetes.io/metadata.name", name)],
        team => &[("kubernetes.io/metadata.name", name), ("team", team)],
    };
    let mut body = field(1, &metadata("", name, labels, write));
    body.extend(field(2, &field(1, b"kubernetes")));
    body.extend(field(3, &field(1, b"Active")));
    envelope("Namespace", &body)
}

/// A ConfigMap; `filling` makes it larger.
pub fn config_map(
    namespace: &str,
    name: &str,
    mirrored: bool,
    filling: usize,
    write: u64,
) -> Vec<u8> {
    let labels: &[(&str, &str)] = match mirrored {
        true => &[("app", "settings"), ("mirror", "always")],
        false => &[("app", "settings")],
    };
    let mut body = field(1, &metadata(namespace, name, labels, write));
    body.extend(field(
        2,
        &entry("settings.conf", text(write, filling).as_bytes()),
    ));
    envelope("ConfigMap", &body)
}

/// A Secret, as stored where secrets are not encrypted.
pub fn secret(namespace: &str, name: &str, write: u64) -> Vec<u8> {
    let mut body = field(1, &metadata(namespace, name, &[("app", "settings")], write));
    body.extend(field(2, &entry("password", text(write, 24).as_bytes())));
    body.extend(field(3, b"Opaque"));
    envelope("Secret", &body)
}

/// A Pod, near enough: no rule selects one.
pub fn pod(namespace: &str, name: &str, write: u64) -> Vec<u8> {
    let mut body = field(1, &metadata(namespace, name, &[("app", "web")], write));
    body.extend(field(2, &field(3, b"Always")));
    body.extend(field(3, &field(1, b"Running")));
    envelope("Pod", &body)
}

/// A setting outside of Kubernetes.
pub fn setting(enabled: bool, write: u64) -> Vec<u8> {
    format!(r#"{{"enabled": {enabled}, "note": "{}"}}"#, mark(write)).into_bytes()
}

/// Whether a value has this label.
pub fn has_label(value: &[u8], key: &str, is: &str) -> bool {
    contains(value, &field(11, &entry(key, is.as_bytes())))
}

/// Which write made this value.
pub fn write_of(value: &[u8]) -> Option<u64> {
    let mark = b"write=";
    let at = value
        .windows(mark.len())
        .position(|window| window == mark)?;
    let digits = value.get(at + mark.len()..at + mark.len() + 12)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Whether `needle` occurs.
pub fn contains(value: &[u8], needle: &[u8]) -> bool {
    value.windows(needle.len()).any(|window| window == needle)
}

fn mark(write: u64) -> String {
    format!("write={write:012}")
}

fn envelope(kind: &str, body: &[u8]) -> Vec<u8> {
    let mut type_meta = field(1, b"v1");
    type_meta.extend(field(2, kind.as_bytes()));
    let mut value = b"k8s\0".to_vec();
    value.extend(field(1, &type_meta));
    value.extend(field(2, body));
    value.extend(field(3, b""));
    value.extend(field(4, b""));
    value
}

fn metadata(namespace: &str, name: &str, labels: &[(&str, &str)], write: u64) -> Vec<u8> {
    let mut meta = field(1, name.as_bytes());
    meta.extend(field(2, b""));
    meta.extend(field(3, namespace.as_bytes()));
    meta.extend(field(4, b""));
    meta.extend(field(
        5,
        format!("5f0c2a1e-7b1d-4c3a-9d52-{write:012x}").as_bytes(),
    ));
    meta.extend(field(6, b""));
    // generation 0, creationTimestamp {seconds, nanos 0}
    meta.extend([0x38, 0, 0x42, 8, 8, 0xb8, 0x9b, 0x8a, 0xd8, 6, 0x10, 0]);
    for (key, value) in labels {
        meta.extend(field(11, &entry(key, value.as_bytes())));
    }
    meta.extend(field(12, &entry("example.io/note", mark(write).as_bytes())));
    meta
}

fn entry(key: &str, value: &[u8]) -> Vec<u8> {
    let mut entry = field(1, key.as_bytes());
    entry.extend(field(2, value));
    entry
}

/// A length-delimited field with a number below 16.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        field.push(length as u8 | 0x80);
        length >>= 7;
    }
    field.push(length as u8);
    field.extend(bytes);
    field
}

/// Text that differs from write to write.
fn text(write: u64, length: usize) -> String {
    let mut random = super::random::Random::new(write);
    let mut text = String::with_capacity(length + 32);
    while text.len() < length {
        text += &format!("limit = {:016x}\n", random.next());
    }
    text.truncate(length);
    text
}
