//! Fills `fuzz/corpus` with what real clusters store, so that fuzzing begins
//! with good inputs: `cargo run --release --example fuzz_seeds [FOLDER]`.
//!
//! Promises that what is written depends on the shared data alone (the folder
//! in CARRY_SHARED, by default `../shared`). Deliberately knows nothing of the
//! targets but which material each takes.

#[path = "../tests/mirror/bolt.rs"]
mod bolt;

use std::error::Error;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Longer inputs are slow to mutate, and hold little that shorter ones lack.
const LONGEST: usize = 8 << 10;

/// A path before every so many of the stored values, for targets that take
/// one.
const LINES: [&str; 4] = [
    "metadata.name\n",
    "metadata.annotations\n",
    "spec\n",
    "status.conditions[0].type\n",
];

/// Rules with conditions in CEL and over other keys, of which the shared cases
/// have none.
const CONDITIONS: [&str; 2] = [
    r#"filters:
  secondary:
  - name: web
    group: apps
    resources:
    - {group: apps, version: v1, kind: Deployment}
    when: |
      object.spec.?replicas.orValue(1) > 1 &&
        object.metadata.labels.exists(k, k.startsWith('app')) && has(object.spec.template)
    excludes:
    - when: "namespaceObject.metadata.name in ['kube-system', 'dev']"
"#,
    r#"filters:
  secondary:
  - name: settings
    keys: ["/config/**", "/registry/leases/*"]
    when: "key.endsWith('.json') && value.items.filter(i, i.on == true).size() >= 2"
"#,
];

/// What encrypted values begin with, and the target that opens such ones.
const PROVIDERS: [(&str, &str); 5] = [
    ("k8s:enc:aescbc:v1:", "decrypt_aescbc"),
    ("k8s:enc:aesgcm:v1:", "decrypt_aesgcm"),
    ("k8s:enc:secretbox:v1:", "decrypt_secretbox"),
    ("k8s:enc:kms:v1:", "decrypt_kms_v1"),
    ("k8s:enc:kms:v2:", "decrypt_kms_v2"),
];

#[derive(Default)]
struct Material {
    /// Plain values as they are stored.
    stored: Vec<Vec<u8>>,
    /// The same with a path in a line before them.
    with_path: Vec<Vec<u8>>,
    /// Protobuf envelopes without their first bytes.
    envelopes: Vec<Vec<u8>>,
    json: Vec<Vec<u8>>,
    cbor: Vec<Vec<u8>>,
    /// Encrypted values.
    sealed: Vec<Vec<u8>>,
    /// What follows their prefixes, by provider.
    bodies: [Vec<Vec<u8>>; PROVIDERS.len()],
    keys: Vec<Vec<u8>>,
    rules: Vec<Vec<u8>>,
    /// Databases of etcd after a byte.
    databases: Vec<Vec<u8>>,
}

impl Material {
    /// What each target begins with.
    fn of_targets(&self) -> Vec<(&'static str, Vec<&[Vec<u8>]>)> {
        let decryptors = PROVIDERS.iter().zip(&self.bodies);
        let decryptors = decryptors.map(|((_, target), bodies)| (*target, vec![bodies.as_slice()]));
        let mut targets: Vec<(&str, Vec<&[Vec<u8>]>)> = vec![
            ("record", vec![&self.stored, &self.with_path, &self.json]),
            ("envelope", vec![&self.stored, &self.envelopes]),
            ("json", vec![&self.json]),
            ("cbor", vec![&self.cbor]),
            ("splice", vec![&self.stored, &self.with_path]),
            ("keyring", vec![&self.sealed]),
            ("key", vec![&self.keys]),
            ("load_rules", vec![&self.rules]),
            ("backup", vec![&self.databases]),
        ];
        targets.extend(decryptors);
        targets
    }

    fn read(shared: &Path) -> Result<Material, Box<dyn Error>> {
        let mut material = Material::default();
        for line in lines(&shared.join("kube/corpus/kube.jsonl.gz"))? {
            material.add_value(&base64(&line["value"])?);
            material.add_object(&line["json"])?;
            material.keys.push(text(&line["key"])?.into());
        }
        for line in lines(&shared.join("conformance/kube/golden.jsonl.gz"))? {
            material.add_value(&base64(&line["protobuf"])?);
            material.add_object(&line["json"])?;
        }
        for line in lines(&shared.join("kube/encryption/vectors.jsonl"))? {
            material.add_value(&base64(&line["value"])?);
            material.keys.push(text(&line["key"])?.into());
        }
        for line in lines(&shared.join("conformance/etcd-carry/cases.jsonl"))? {
            material.rules.push(text(&line["rules"])?.into());
        }
        let conditions = CONDITIONS.map(|rules| rules.as_bytes().to_vec());
        material.rules.extend(conditions);
        material.databases = databases();
        Ok(material)
    }

    fn add_value(&mut self, value: &[u8]) {
        if value.starts_with(b"k8s:enc:") {
            self.add_sealed(value);
            return;
        }
        let line = LINES[self.stored.len() % LINES.len()].as_bytes();
        self.with_path.push([line, value].concat());
        if let Some(envelope) = value.strip_prefix(b"k8s\0") {
            self.envelopes.push(envelope.to_vec());
        }
        self.stored.push(value.to_vec());
    }

    fn add_sealed(&mut self, value: &[u8]) {
        self.sealed.push(value.to_vec());
        for ((prefix, _), bodies) in PROVIDERS.iter().zip(&mut self.bodies) {
            let named = value.strip_prefix(prefix.as_bytes()).unwrap_or_default();
            let mut parts = named.splitn(2, |byte| *byte == b':');
            bodies.extend(parts.nth(1).map(<[u8]>::to_vec));
        }
    }

    fn add_object(&mut self, json: &Value) -> Result<(), Box<dyn Error>> {
        self.json.push(serde_json::to_vec(json)?);
        let mut item = Vec::new();
        write_cbor(json, &mut item);
        self.cbor.push([b"\xd9\xd9\xf7", item.as_slice()].concat());
        Ok(())
    }
}

/// An item as Kubernetes writes it: texts are byte strings.
fn write_cbor(json: &Value, out: &mut Vec<u8>) {
    match json {
        Value::Null => out.push(0xf6),
        Value::Bool(truth) => out.push(0xf4 | u8::from(*truth)),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => write_head(0, number, out),
            (None, Some(number)) => write_head(1, !number as u64, out),
            (None, None) => {
                out.push(0xfb);
                out.extend(number.as_f64().unwrap_or_default().to_be_bytes());
            }
        },
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            write_head(4, items.len() as u64, out);
            items.iter().for_each(|item| write_cbor(item, out));
        }
        Value::Object(members) => {
            write_head(5, members.len() as u64, out);
            for (name, item) in members {
                write_text(name, out);
                write_cbor(item, out);
            }
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    write_head(2, text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

fn write_head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let bytes = argument.to_be_bytes();
    let (short, rest): (u8, &[u8]) = match argument {
        0..24 => (bytes[7], &[]),
        24..0x100 => (24, &bytes[7..]),
        0x100..0x1_0000 => (25, &bytes[6..]),
        0x1_0000..0x1_0000_0000 => (26, &bytes[4..]),
        _ => (27, &bytes),
    };
    out.push(major << 5 | short);
    out.extend_from_slice(rest);
}

/// Of one page or more, with branches, deleted and compacted keys.
fn databases() -> Vec<Vec<u8>> {
    let mut database = bolt::Database::new(512);
    let mut all = Vec::new();
    for number in 0..24u8 {
        database.put(
            format!("/a/{}", number % 10),
            vec![number; usize::from(number) * 5],
        );
        match number {
            7 => {
                database.delete("/a/3");
            }
            15 => database.begin_to_compact(6),
            23 => database.compact(12),
            _ => {}
        }
        for at in [0, number] {
            all.push([&[at], database.database().as_slice()].concat());
        }
    }
    all
}

fn lines(path: &Path) -> Result<Vec<Value>, Box<dyn Error>> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut text = String::new();
    match path.extension().is_some_and(|end| end == "gz") {
        true => flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text)?,
        false => bytes.as_slice().read_to_string(&mut text)?,
    };
    let read = |line| serde_json::from_str(line).map_err(Into::into);
    text.lines().map(read).collect()
}

fn text(json: &Value) -> Result<&str, Box<dyn Error>> {
    json.as_str().ok_or_else(|| "a text is missing".into())
}

fn base64(json: &Value) -> Result<Vec<u8>, Box<dyn Error>> {
    Ok(STANDARD.decode(text(json)?)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("CARRY_SHARED").map(PathBuf::from);
    let material = Material::read(&shared.unwrap_or_else(|| top.join("../shared")))?;
    let corpus = std::env::args_os().nth(1).map(PathBuf::from);
    let corpus = corpus.unwrap_or_else(|| top.join("fuzz/corpus"));
    for (target, seeds) in material.of_targets() {
        let folder = corpus.join(target);
        std::fs::create_dir_all(&folder)?;
        let seeds = seeds.into_iter().flatten();
        let short = seeds.filter(|seed| seed.len() <= LONGEST);
        let mut count = 0;
        for (place, seed) in (1..).zip(short) {
            std::fs::write(folder.join(format!("seed-{place:04}")), seed)?;
            count = place;
        }
        println!("{target}: {count}");
    }
    Ok(())
}
