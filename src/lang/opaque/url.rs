//! URLs as Kubernetes reads them: absolute URIs and absolute paths.
//!
//! Promises what Go's `net/url` accepts and yields. Deliberately normalises
//! nothing but the scheme's case, which the common standard for URLs would.

use std::fmt;

/// The text is no absolute URI and no absolute path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a URL")]
pub struct NotAUrl;

/// A URL, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    scheme: String,
    /// What stands before `@`, as it was written.
    user: Option<String>,
    host: String,
    /// What follows the scheme where that is no path: `a@b.c` of `mailto:a@b.c`.
    rootless: String,
    path: String,
    query: String,
    fragment: String,
}

impl Url {
    /// Parses an absolute URI, or a path that begins with `/`.
    ///
    /// # Errors
    ///
    /// For anything else.
    pub fn parse(text: &str) -> Result<Url, NotAUrl> {
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err(NotAUrl);
        }
        let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
        unescape(fragment, Place::Anywhere)?;
        let (scheme, rest) = scheme(before)?;
        if scheme.is_empty() && !rest.starts_with('/') && text != "*" {
            return Err(NotAUrl);
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut url = Url {
            scheme: scheme.to_ascii_lowercase(),
            query: query.to_owned(),
            fragment: fragment.to_owned(),
            ..Url::default()
        };
        if !rest.starts_with('/') && text != "*" {
            url.rootless = rest.to_owned();
            return Ok(url);
        }
        let path = url.take_authority(rest)?;
        unescape(path, Place::Anywhere)?;
        url.path = path.to_owned();
        Ok(url)
    }

    /// Reads the user and host after `//`, and returns what follows.
    fn take_authority<'t>(&mut self, rest: &'t str) -> Result<&'t str, NotAUrl> {
        let has_host = !self.scheme.is_empty() || !rest.starts_with("///");
        let Some(after) = rest.strip_prefix("//").filter(|_| has_host) else {
            return Ok(rest);
        };
        let end = after.find('/').unwrap_or(after.len());
        let (authority, path) = after.split_at(end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        self.host = host_text(host)?;
        self.user = user.map(checked_user).transpose()?;
        Ok(path)
    }

    /// `https`; empty for a path.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// With the port, if there is one.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Without the port and the brackets of an IPv6 address.
    pub fn hostname(&self) -> &str {
        let host = self.split_port().0;
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        bare.unwrap_or(host)
    }

    /// The digits after the host, or nothing.
    pub fn port(&self) -> &str {
        self.split_port().1
    }

    fn split_port(&self) -> (&str, &str) {
        match self.host.rsplit_once(':') {
            Some((host, port)) if is_number(port) => (host, port),
            _ => (&self.host, ""),
        }
    }

    /// The path with what may not stand in one escaped.
    pub fn escaped_path(&self) -> String {
        let fits = |byte: u8| stands_in_path(byte) || b"!'()*[]%".contains(&byte);
        if self.path.bytes().all(fits) {
            return self.path.clone();
        }
        let mut out = String::with_capacity(self.path.len());
        for byte in unescape(&self.path, Place::Anywhere).unwrap_or_default() {
            match stands_in_path(byte) {
                true => out.push(char::from(byte)),
                false => out.push_str(&format!("%{byte:02X}")),
            }
        }
        out
    }

    /// The names and values of the query, in their order. What is malformed is
    /// left out.
    pub fn query(&self) -> Vec<(String, String)> {
        let pairs = self.query.split('&');
        pairs.filter_map(pair).collect()
    }
}

/// Put together again; escapes of the host are left out.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.scheme.is_empty() {
            write!(f, "{}:", self.scheme)?;
        }
        if !self.host.is_empty() || self.user.is_some() {
            f.write_str("//")?;
        }
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        write!(f, "{}{}{}", self.host, self.rootless, self.escaped_path())?;
        if !self.query.is_empty() {
            write!(f, "?{}", self.query)?;
        }
        match self.fragment.is_empty() {
            true => Ok(()),
            false => write!(f, "#{}", self.fragment),
        }
    }
}

fn pair(text: &str) -> Option<(String, String)> {
    if text.is_empty() || text.contains(';') {
        return None;
    }
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let plain = |text: &str| {
        let spaced = text.replace('+', " ");
        let bytes = unescape(&spaced, Place::Anywhere).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    Some((plain(name)?, plain(value)?))
}

/// The scheme and what follows its colon; an empty scheme and all of the text
/// where there is none.
fn scheme(text: &str) -> Result<(&str, &str), NotAUrl> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let (scheme, rest) = text.split_at(end);
    match rest.strip_prefix(':') {
        Some(_) if scheme.is_empty() => Err(NotAUrl),
        Some(after) if scheme.starts_with(|c: char| c.is_ascii_alphabetic()) => Ok((scheme, after)),
        _ => Ok(("", text)),
    }
}

fn checked_user(user: &str) -> Result<String, NotAUrl> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !user.bytes().all(fits) {
        return Err(NotAUrl);
    }
    unescape(user, Place::Anywhere)?;
    Ok(user.to_owned())
}

/// A host without its escapes.
fn host_text(host: &str) -> Result<String, NotAUrl> {
    if let Some(inner) = host.strip_prefix('[') {
        let (address, port) = inner.rsplit_once(']').ok_or(NotAUrl)?;
        let port_fits = port.is_empty() || is_port(port);
        let (address, zone) = match address.split_once("%25") {
            Some((address, zone)) => (address, Some(zone)),
            None => (address, None),
        };
        if !port_fits || address.parse::<std::net::Ipv6Addr>().is_err() {
            return Err(NotAUrl);
        }
        let zone = zone.map(|zone| host_part(zone, Place::Zone)).transpose()?;
        let zone = zone.map(|zone| format!("%{zone}")).unwrap_or_default();
        return Ok(format!("[{address}{zone}]{port}"));
    }
    let port = host.rfind(':').and_then(|at| host.get(at..));
    if port.is_some_and(|port| !is_port(port)) {
        return Err(NotAUrl);
    }
    host_part(host, Place::Host)
}

fn host_part(text: &str, place: Place) -> Result<String, NotAUrl> {
    let stands = |byte: u8| !byte.is_ascii() || byte == b'%' || stands_in_host(byte);
    if !text.bytes().all(stands) {
        return Err(NotAUrl);
    }
    let bytes = unescape(text, place)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// `:8080`, or `:` alone.
fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(is_number)
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)
}

fn stands_in_path(byte: u8) -> bool {
    is_plain(byte) || b"$&+,/:;=@".contains(&byte)
}

fn stands_in_host(byte: u8) -> bool {
    is_plain(byte) || b"!$&'()*+,;=:[]<>\"".contains(&byte)
}

/// Where escapes stand.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Anywhere,
    /// Only bytes outside of ASCII, and `%`, may be escaped.
    Host,
    /// Only what may stand in a host, spaces and `%`.
    Zone,
}

/// The bytes that the text stands for.
fn unescape(text: &str, place: Place) -> Result<Vec<u8>, NotAUrl> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            out.push(*first);
            continue;
        }
        let (digits, after) = after.split_at_checked(2).ok_or(NotAUrl)?;
        let byte = hex(digits).ok_or(NotAUrl)?;
        let fits = match place {
            Place::Anywhere => true,
            Place::Host => byte == b'%' || !byte.is_ascii(),
            Place::Zone => byte == b'%' || byte == b' ' || stands_in_host(byte),
        };
        if !fits {
            return Err(NotAUrl);
        }
        out.push(byte);
        rest = after;
    }
    Ok(out)
}

fn hex(digits: &[u8]) -> Option<u8> {
    let value = digits.iter().try_fold(0, |sum, digit| {
        Some(sum * 16 + char::from(*digit).to_digit(16)?)
    });
    value.and_then(|value| u8::try_from(value).ok())
}
