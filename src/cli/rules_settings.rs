//! What keys are judged by, and how their values are read and written: the
//! rules file, the encryption configurations, the key prefixes.
//!
//! Promises that what is left out for the destination is what the source has.
//! Deliberately opens none of the files.

use std::path::PathBuf;

use super::args::RulesArgs;
use super::problems::{Problems, existing, path};

/// What `run` and `explain` judge by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesSettings {
    /// `--mirror-rule`.
    pub file: PathBuf,
    /// `--encryption-provider-config`, if there is one.
    pub encryption: Option<PathBuf>,
    /// `--dest-encryption-provider-config`, if there is one: the same as
    /// `encryption` unless another, or `none`, was given.
    pub dest_encryption: Option<PathBuf>,
    /// `--kube-prefix`: begins with `/` and does not end with it.
    pub kube_prefix: String,
    /// `--dest-kube-prefix`, likewise: the same as `kube_prefix` unless another
    /// was given.
    pub dest_kube_prefix: String,
}

impl RulesSettings {
    /// Judges the arguments.
    pub(super) fn from_args(problems: &mut Problems, args: RulesArgs) -> Option<RulesSettings> {
        let file = problems.take(path("--mirror-rule", args.mirror_rule));
        let encryption = problems.take(encryption(args.encryption_provider_config));
        let given = args.dest_encryption_provider_config;
        let dest_encryption = problems.take(dest_encryption(given, encryption.clone().flatten()));
        let kube_prefix = problems.take(kube_prefix(&args.kube_prefix));
        let given = args.dest_kube_prefix;
        let dest_kube_prefix = match &kube_prefix {
            Some(source) => problems.take(dest_kube_prefix(given, source)),
            // Nothing is known of the default; what was given is judged.
            None => given.and_then(|own| problems.take(dest_kube_prefix(Some(own), ""))),
        };
        Some(RulesSettings {
            file: file?,
            encryption: encryption?,
            dest_encryption: dest_encryption?,
            kube_prefix: kube_prefix?,
            dest_kube_prefix: dest_kube_prefix?,
        })
    }
}

const DEFAULT_ENCRYPTION: &str = "/etc/mirror/secrets-encryption.yaml";

fn encryption(given: Option<String>) -> Result<Option<PathBuf>, String> {
    let Some(given) = given else {
        let default = PathBuf::from(DEFAULT_ENCRYPTION);
        return Ok(default.exists().then_some(default));
    };
    let path = path("--encryption-provider-config", given)?;
    existing("--encryption-provider-config", &path)?;
    Ok(Some(path))
}

/// An empty value is refused: where a variable was left empty by mistake,
/// Secrets would be written in the clear.
fn dest_encryption(
    given: Option<String>,
    source: Option<PathBuf>,
) -> Result<Option<PathBuf>, String> {
    let flag = "--dest-encryption-provider-config";
    match given.as_deref() {
        None => Ok(source),
        Some("none") => Ok(None),
        Some("") => Err(format!(
            "`{flag}` is empty: give a path, or `none` where the destination encrypts nothing"
        )),
        Some(given) => {
            let path = PathBuf::from(given);
            existing(flag, &path)?;
            Ok(Some(path))
        }
    }
}

/// Reads a key prefix: `/registry`, `registry` and `/registry/` are the same.
pub fn kube_prefix(text: &str) -> Result<String, String> {
    let bare = text.trim_matches('/');
    match bare.is_empty() || bare.contains("//") {
        true => Err(format!(
            "`--kube-prefix` `{text}` is not a key prefix: write it as in `/registry`"
        )),
        false => Ok(format!("/{bare}")),
    }
}

/// Reads the destination's key prefix; where none is given it is the source's.
fn dest_kube_prefix(given: Option<String>, source: &str) -> Result<String, String> {
    let flag = "--dest-kube-prefix";
    let prefix = match given {
        None => source.to_owned(),
        Some(text) => {
            let bare = text.trim_end_matches('/');
            if !bare.starts_with('/') || bare.contains("//") {
                return Err(format!(
                    "`{flag}` `{text}` is not a key prefix: begin with `/`, as in `/registry`"
                ));
            }
            bare.to_owned()
        }
    };
    match prefix == "/carry" || prefix.starts_with("/carry/") {
        true => Err(format!(
            "`{flag}` `{prefix}` is where carry keeps its own keys: use another prefix"
        )),
        false => Ok(prefix),
    }
}
