//! The text of an encryption configuration, `kind: EncryptionConfiguration`
//! or the older `EncryptionConfig`, decoded and checked as strictly as
//! kube-apiserver does.
//!
//! Promises that errors name the place of what is wrong and never what may be
//! a key. Deliberately makes no ciphers: that is `transformer`'s. What the YAML
//! decoder holds of the text while it reads is not wiped by it.

mod check;
mod document;
mod duration;
mod endpoint;
mod fault;
mod places;

pub(super) use check::{Entry, KmsConfig, ProviderConfig};
pub(super) use document::KeyConfig;

use document::Document;
use fault::{Fault, Target};
use places::Places;

/// What is wrong with an encryption configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file's name as the user gave it.
    pub name: String,
    /// Line and column, from 1.
    pub place: (usize, usize),
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (line, column) = self.place;
        write!(f, "{}:{line}:{column}: {}", self.name, self.message)
    }
}

impl std::error::Error for ConfigError {}

/// Decodes the text of the file `name`.
pub(super) fn parse(name: &str, yaml: &str) -> Result<Vec<Entry>, ConfigError> {
    let error = |place, message| ConfigError {
        name: name.to_owned(),
        place,
        message,
    };
    let document = Document::read(yaml)
        .map_err(|undecoded| error(undecodable_place(yaml, &undecoded), undecoded.message))?;
    check::entries(document).map_err(|fault| error(place(yaml, &fault), fault.message))
}

/// The decoder tells places but for two: of a field that is written twice it
/// names the mapping, and of a second document nothing.
fn undecodable_place(yaml: &str, undecoded: &document::Undecodable) -> (usize, usize) {
    let start = undecoded.place.unwrap_or((1, 1));
    let better = match (&undecoded.twice, undecoded.place) {
        (Some(field), Some(mapping)) => Places::read(yaml).twice(mapping, field),
        (_, None) => Places::read(yaml).second_document,
        _ => None,
    };
    better.unwrap_or(start)
}

fn place(yaml: &str, fault: &Fault) -> (usize, usize) {
    let places = Places::read(yaml);
    let found = match &fault.target {
        Target::Value => places.value(fault.path()),
        Target::SecondOf(keys) => places.second_of(fault.path(), keys),
    };
    found.unwrap_or((1, 1))
}
