//! How a value is encrypted, for people. Knows only what the value's first
//! bytes say, not whether it can be decrypted.

/// What every encrypted value begins with.
const ENCRYPTED: &[u8] = b"k8s:enc:";

/// Longer names are cut: what begins like an encrypted value may be anything.
const MAX_NAME: usize = 64;

/// What the value's prefix says: ``aescbc, key `key1` ``, `not encrypted`.
pub fn describe(value: &[u8]) -> String {
    let Some(rest) = value.strip_prefix(ENCRYPTED) else {
        return "not encrypted".to_owned();
    };
    let mut parts = rest.splitn(4, |&byte| byte == b':').take(3).map(printable);
    let mut part = || parts.next().unwrap_or_default();
    let (provider, version, name) = (part(), part(), part());
    match (provider.as_str(), version.as_str()) {
        ("aescbc" | "aesgcm" | "secretbox", "v1") => format!("{provider}, key `{name}`"),
        ("kms", "v1" | "v2") => format!("kms {version}, plugin `{name}`"),
        _ => format!("an unknown provider, `{provider}`"),
    }
}

fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes.get(..MAX_NAME).unwrap_or(bytes));
    text.chars().flat_map(char::escape_debug).collect()
}

/// Whether the value begins as encrypted ones do.
pub fn is_encrypted(value: &[u8]) -> bool {
    value.starts_with(ENCRYPTED)
}
