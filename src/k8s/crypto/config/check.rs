//! What an encryption configuration says, checked by the rules of
//! kube-apiserver's own validation.
//!
//! Promises that whatever it lets through can be built without an error.
//! Names of KMS plugins may repeat where an apiserver that does not reload its
//! configuration lets them.

use std::time::Duration;

use super::document::{Document, KeyConfig, Keys, RawEntry, RawKms, RawProvider};
use super::fault::{Fault, quoted};
use super::{duration, endpoint};
use crate::k8s::crypto::kms::{KmsVersion, PluginConfig};
use crate::k8s::crypto::scope::Scope;

/// Some resources and how they are encrypted.
pub(in crate::k8s::crypto) struct Entry {
    pub resources: Vec<Scope>,
    pub providers: Vec<ProviderConfig>,
}

/// One way to encrypt, with its keys.
pub(in crate::k8s::crypto) enum ProviderConfig {
    Identity,
    Aescbc(Vec<KeyConfig>),
    Aesgcm(Vec<KeyConfig>),
    Secretbox(Vec<KeyConfig>),
    Kms(KmsConfig),
}

/// A KMS plugin.
pub(in crate::k8s::crypto) struct KmsConfig {
    pub plugin: PluginConfig,
    /// How many decrypted keys of v1 are remembered.
    pub cache_size: usize,
}

const CACHE_SIZE: i64 = 1000;
const TIMEOUT: Duration = Duration::from_secs(3);
const AES_KEYS: &[usize] = &[16, 24, 32];
const SECRETBOX_KEYS: &[usize] = &[32];

pub(super) fn entries(document: Document) -> Result<Vec<Entry>, Fault> {
    check_kind(&document.api_version, &document.kind)?;
    if document.resources.is_empty() {
        let message = "`resources` is empty; leave the file away if nothing is encrypted";
        return Err(Fault::new(message).field("resources"));
    }
    let mut entries = Vec::new();
    let mut plugins = Vec::new();
    for (index, raw) in document.resources.into_iter().enumerate() {
        let found = entry(raw, &mut plugins);
        entries.push(found.map_err(|fault| fault.item(index).field("resources"))?);
    }
    refuse_masked(&entries)?;
    Ok(entries)
}

fn check_kind(api_version: &str, kind: &str) -> Result<(), Fault> {
    let field = match (api_version, kind) {
        ("apiserver.config.k8s.io/v1", "EncryptionConfiguration") | ("v1", "EncryptionConfig") => {
            return Ok(());
        }
        ("apiserver.config.k8s.io/v1" | "v1", _) => "kind",
        _ => "apiVersion",
    };
    let (kind, api_version) = (quoted(kind), quoted(api_version));
    let message = format!(
        "{kind} of {api_version} is no encryption configuration; \
         expected `EncryptionConfiguration` of `apiserver.config.k8s.io/v1`"
    );
    Err(Fault::new(message).field(field))
}

fn entry(raw: RawEntry, plugins: &mut Vec<String>) -> Result<Entry, Fault> {
    let resources = scopes(&raw.resources).map_err(|fault| fault.field("resources"))?;
    if raw.providers.is_empty() {
        return Err(Fault::new("an entry needs at least one provider").field("providers"));
    }
    let mut providers = Vec::new();
    for (index, raw) in raw.providers.into_iter().enumerate() {
        let found = provider(raw, plugins);
        providers.push(found.map_err(|fault| fault.item(index).field("providers"))?);
    }
    Ok(Entry {
        resources,
        providers,
    })
}

fn scopes(names: &[String]) -> Result<Vec<Scope>, Fault> {
    if names.is_empty() {
        return Err(Fault::new("an entry needs at least one resource"));
    }
    let mut scopes: Vec<Scope> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let fault = |message: String| Fault::new(message).item(index);
        let scope = Scope::parse(name).map_err(|why| fault(format!("{} {why}", quoted(name))))?;
        if let Some(other) = scopes.iter().find(|other| scope.overlaps(other)) {
            let message = format!("resources `{other}` and `{scope}` overlap in one list");
            return Err(fault(message));
        }
        scopes.push(scope);
    }
    Ok(scopes)
}

fn refuse_masked(entries: &[Entry]) -> Result<(), Fault> {
    let mut seen: Vec<&Scope> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        for (index, scope) in entry.resources.iter().enumerate() {
            if let Some(message) = masked(scope, &seen) {
                let fault = Fault::new(message).item(index).field("resources");
                return Err(fault.item(at).field("resources"));
            }
            seen.push(scope);
        }
    }
    Ok(())
}

fn masked(scope: &Scope, seen: &[&Scope]) -> Option<String> {
    let wildcard = seen.iter().find(|earlier| earlier.masks(scope))?;
    Some(match *wildcard == scope {
        true => format!("resource `{scope}` is masked by the same one earlier; join the two"),
        false => {
            format!("resource `{scope}` is masked by the earlier `{wildcard}`; put it before that")
        }
    })
}

const PROVIDERS: &[&str] = &["identity", "aescbc", "aesgcm", "secretbox", "kms"];

fn provider(raw: RawProvider, plugins: &mut Vec<String>) -> Result<ProviderConfig, Fault> {
    let RawProvider {
        identity,
        aescbc,
        aesgcm,
        secretbox,
        kms,
    } = raw;
    match (identity, aescbc, aesgcm, secretbox, kms) {
        (Some(_), None, None, None, None) => Ok(ProviderConfig::Identity),
        (None, Some(keys), None, None, None) => {
            checked(keys, "aescbc", AES_KEYS).map(ProviderConfig::Aescbc)
        }
        (None, None, Some(keys), None, None) => {
            checked(keys, "aesgcm", AES_KEYS).map(ProviderConfig::Aesgcm)
        }
        (None, None, None, Some(keys), None) => {
            checked(keys, "secretbox", SECRETBOX_KEYS).map(ProviderConfig::Secretbox)
        }
        (None, None, None, None, Some(kms)) => {
            let plugin = plugin(kms, plugins).map_err(|fault| fault.field("kms"));
            plugin.map(ProviderConfig::Kms)
        }
        (None, None, None, None, None) => Err(Fault::new(
            "a provider is named nowhere; write for example `identity: {}`",
        )),
        _ => Err(Fault::second_of(
            "more than one provider in one list entry; begin each with `-`",
            PROVIDERS,
        )),
    }
}

fn checked(keys: Keys, provider: &'static str, lengths: &[usize]) -> Result<Vec<KeyConfig>, Fault> {
    let within = |fault: Fault| fault.field("keys").field(provider);
    if keys.keys.is_empty() {
        let message = format!("provider `{provider}` has no keys");
        return Err(within(Fault::new(message)));
    }
    for (index, key) in keys.keys.iter().enumerate() {
        check_key(key, lengths).map_err(|fault| within(fault.item(index)))?;
    }
    Ok(keys.keys)
}

fn check_key(key: &KeyConfig, lengths: &[usize]) -> Result<(), Fault> {
    if key.name.is_empty() {
        return Err(Fault::new("the key has an empty name").field("name"));
    }
    let length = key.secret.len();
    if lengths.contains(&length) {
        return Ok(());
    }
    let expected = match lengths {
        AES_KEYS => "16, 24 or 32",
        _ => "32",
    };
    let unit = if length == 1 { "byte" } else { "bytes" };
    let message = format!(
        "the secret of key {} is {length} {unit} long, expected {expected}",
        quoted(&key.name)
    );
    Err(Fault::new(message).field("secret"))
}

/// `plugins` has the names before it.
fn plugin(raw: RawKms, plugins: &mut Vec<String>) -> Result<KmsConfig, Fault> {
    let version = version(raw.api_version.as_deref()).map_err(|fault| fault.field("apiVersion"))?;
    check_name(&raw.name, version, plugins).map_err(|fault| fault.field("name"))?;
    let timeout = timeout(raw.timeout.as_deref()).map_err(|fault| fault.field("timeout"))?;
    let socket = endpoint::parse(&raw.endpoint).map_err(|why| Fault::new(why).field("endpoint"))?;
    let cache_size =
        cache_size(raw.cachesize, version).map_err(|fault| fault.field("cachesize"))?;
    plugins.push(raw.name.clone());
    let plugin = PluginConfig {
        name: raw.name,
        version,
        socket,
        timeout,
    };
    Ok(KmsConfig { plugin, cache_size })
}

fn version(text: Option<&str>) -> Result<KmsVersion, Fault> {
    match text {
        None | Some("" | "v1") => Ok(KmsVersion::V1),
        Some("v2") => Ok(KmsVersion::V2),
        Some(other) => Err(Fault::new(format!(
            "no such version of KMS plugins, {}; use `v1` or `v2`",
            quoted(other)
        ))),
    }
}

fn check_name(name: &str, version: KmsVersion, plugins: &[String]) -> Result<(), Fault> {
    if name.is_empty() {
        return Err(Fault::new("the KMS plugin has an empty name"));
    }
    if version == KmsVersion::V1 {
        return Ok(());
    }
    let shown = quoted(name);
    if name.contains(':') {
        let message = format!("the name {shown} of the KMS plugin has a `:`, which v2 forbids");
        return Err(Fault::new(message));
    }
    if plugins.iter().any(|other| other == name) {
        let message = format!("a KMS plugin named {shown} stands earlier; v2 wants a name once");
        return Err(Fault::new(message));
    }
    Ok(())
}

fn timeout(text: Option<&str>) -> Result<Duration, Fault> {
    let Some(text) = text else {
        return Ok(TIMEOUT);
    };
    match duration::parse(text) {
        None => Err(Fault::new(format!(
            "{} is no duration; write for example `3s`",
            quoted(text)
        ))),
        Some(Duration::ZERO) => Err(Fault::new("`timeout` has to be longer than nothing")),
        Some(timeout) => Ok(timeout),
    }
}

fn cache_size(configured: Option<i64>, version: KmsVersion) -> Result<usize, Fault> {
    match (configured, version) {
        (None, _) => Ok(usize::try_from(CACHE_SIZE).unwrap_or_default()),
        (Some(_), KmsVersion::V2) => Err(Fault::new("`cachesize` is for v1 only; leave it away")),
        (Some(0), _) => Err(Fault::new(
            "`cachesize` is 0; give a positive number, or a negative one for no cache",
        )),
        (Some(size), _) => match i32::try_from(size) {
            Err(_) => Err(Fault::new("`cachesize` does not fit into 32 bits")),
            Ok(size) => Ok(usize::try_from(size).unwrap_or_default()),
        },
    }
}
