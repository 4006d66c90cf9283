//! Where a KMS plugin listens: `unix:///run/kms.sock`, or `unix:///@name` in
//! Linux' abstract namespace, read as kube-apiserver reads it.
//!
//! Deliberately connects nothing and looks at no file.

use crate::k8s::crypto::kms::Socket;

/// The socket of a URL with the scheme `unix`, or what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Socket, &'static str> {
    if text.is_empty() {
        return Err(
            "`endpoint` is empty; give the plugin's socket, for example `unix:///run/kms.sock`",
        );
    }
    let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
    if !scheme.eq_ignore_ascii_case("unix") {
        return Err("the endpoint is no unix socket; write it as `unix:///run/kms.sock`");
    }
    let path = decode(path(rest)).ok_or("the endpoint is no URL that can be read")?;
    match path.strip_prefix("/@") {
        Some("") => Err(NO_PATH),
        Some(name) => Ok(Socket::Abstract(name.to_owned())),
        None if path.is_empty() => Err(NO_PATH),
        None => Ok(Socket::Path(path)),
    }
}

const NO_PATH: &str =
    "the endpoint has no path; write three slashes, for example `unix:///run/kms.sock`";

/// The path of a URL after its scheme: without a host, a query and a fragment.
fn path(rest: &str) -> &str {
    let rest = rest.split(['#', '?']).next().unwrap_or_default();
    match rest.strip_prefix("//") {
        Some(host_and_path) => match host_and_path.find('/') {
            Some(slash) => host_and_path.split_at(slash).1,
            None => "",
        },
        None => rest,
    }
}

/// The text without percent signs; `None` where one stands for nothing, and
/// for control characters.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' => {
                let (digits, after) = rest.split_at_checked(2)?;
                bytes.push(hex(digits.first()?)? * 16 + hex(digits.last()?)?);
                rest = after;
            }
            byte if byte.is_ascii_control() => return None,
            byte => bytes.push(byte),
        }
    }
    let decoded = String::from_utf8(bytes).ok()?;
    (!decoded.contains('\0')).then_some(decoded)
}

fn hex(digit: &u8) -> Option<u8> {
    let value = char::from(*digit).to_digit(16)?;
    u8::try_from(value).ok()
}
