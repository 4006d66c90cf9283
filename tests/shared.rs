//! Where the shared data is, and its readers.
#![allow(dead_code)]

use std::io::Read;
use std::path::PathBuf;

use base64::Engine as _;
use serde::Deserialize;

/// The folder of shared data, or `None` with one line that says what is not
/// run. With `CI=true` a missing folder is a failure.
pub fn folder(what: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("CARRY_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    if folder.is_dir() {
        return Some(folder);
    }
    let message = format!(
        "{what}: not run, `{}` is missing (set CARRY_SHARED)",
        folder.display()
    );
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{message}");
    println!("{message}");
    None
}

/// One stored value of `kube/corpus`.
#[derive(Deserialize)]
pub struct Stored {
    /// The whole etcd key.
    pub key: String,
    #[serde(deserialize_with = "base64_bytes")]
    /// The stored bytes.
    pub value: Vec<u8>,
    /// The etcd lease, 0 for none.
    #[serde(default)]
    pub lease: i64,
    /// The same bytes as the Kubernetes libraries print them.
    pub json: serde_json::Value,
}

fn base64_bytes<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(from)?;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .map_err(serde::de::Error::custom)
}

/// All values of `kube/corpus`.
pub fn corpus(what: &str) -> Option<Vec<Stored>> {
    let file =
        std::fs::File::open(folder(what)?.join("kube/corpus/kube.jsonl.gz")).expect("corpus");
    let mut text = String::new();
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .expect("gzip");
    Some(
        text.lines()
            .map(|line| serde_json::from_str(line).expect("corpus line"))
            .collect(),
    )
}

/// The encryption configuration of `kube/corpus`.
pub fn corpus_encryption(what: &str) -> Option<String> {
    let path = folder(what)?.join("kube/corpus/encryption.yaml");
    Some(std::fs::read_to_string(path).expect("encryption.yaml"))
}
