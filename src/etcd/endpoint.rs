//! One address of etcd, as users write it: `host:port`, with or without a
//! scheme.
//!
//! Promises that every other spelling is refused with what to write instead.
//! Deliberately resolves no names: that is done anew for every connection.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// Where one member of etcd listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    host: String,
    port: u16,
    tls: bool,
}

impl Endpoint {
    /// Reads `https://host:port`, `http://host:port` or `host:port`; without a
    /// scheme TLS is used if `tls_without_scheme`. The error says what to
    /// write instead.
    pub fn parse(text: &str, tls_without_scheme: bool) -> Result<Endpoint, String> {
        // First of all: what is wrong otherwise is said with the text.
        if text.contains('@') {
            return Err(
                "an endpoint must not hold a user or password: write `host:port` alone".to_owned(),
            );
        }
        let (tls, rest) = scheme(text, tls_without_scheme)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(format!(
                "endpoint `{text}` has a path: write `host:port` alone"
            ));
        }
        let (host, port) = host_and_port(rest).ok_or_else(|| {
            format!("endpoint `{text}` is not `host:port`, as in `10.0.0.1:2379`")
        })?;
        let port =
            port.parse().ok().filter(|&port| port != 0).ok_or_else(|| {
                format!("endpoint `{text}`: `{port}` is not a port from 1 to 65535")
            })?;
        check_host(text, host)?;
        Ok(Endpoint {
            host: host.to_owned(),
            port,
            tls,
        })
    }

    /// A name or an address; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is spoken to through TLS.
    pub fn tls(&self) -> bool {
        self.tls
    }
}

/// [`Endpoint::parse`] with plain connections where no scheme is given.
impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Endpoint, String> {
        Endpoint::parse(text, false)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

fn scheme(text: &str, tls_without_scheme: bool) -> Result<(bool, &str), String> {
    match text.split_once("://") {
        None => Ok((tls_without_scheme, text)),
        Some(("https", rest)) => Ok((true, rest)),
        Some(("http", rest)) => Ok((false, rest)),
        Some((other, _)) => Err(format!(
            "endpoint `{text}` has the scheme `{other}`: use `https://` or `http://`"
        )),
    }
}

/// The last colon divides, unless it belongs to an IPv6 address.
fn host_and_port(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        return Some((host, port.strip_prefix(':')?));
    }
    let (host, port) = text.rsplit_once(':')?;
    (!host.contains(':')).then_some((host, port))
}

fn check_host(text: &str, host: &str) -> Result<(), String> {
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let good = match host.contains(':') {
        true => host.parse::<Ipv6Addr>().is_ok(),
        false => !host.is_empty() && host.chars().all(name),
    };
    match good {
        true => Ok(()),
        false => Err(format!(
            "endpoint `{text}`: `{host}` is not a host name or address"
        )),
    }
}
