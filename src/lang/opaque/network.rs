//! IP addresses and networks.
//!
//! Promises what Kubernetes accepts: no zones, no IPv4 addresses inside of
//! IPv6 ones, no leading zeros. Deliberately resolves nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The text is no address or network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither an IP address nor a network")]
pub struct NotAnAddress;

/// An IP address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip(IpAddr);

impl Ip {
    /// Parses an address.
    ///
    /// # Errors
    ///
    /// For anything else, and for an IPv4 address written as IPv6
    /// (`::ffff:1.2.3.4`).
    pub fn parse(text: &str) -> Result<Ip, NotAnAddress> {
        match text.parse() {
            Ok(IpAddr::V6(own)) if own.to_ipv4_mapped().is_some() && text.contains('.') => {
                Err(NotAnAddress)
            }
            Ok(own) => Ok(Ip(own)),
            Err(_) => Err(NotAnAddress),
        }
    }

    /// 4 or 6.
    pub fn family(self) -> i64 {
        match self.0 {
            IpAddr::V4(_) => 4,
            IpAddr::V6(_) => 6,
        }
    }

    /// Whether it is `0.0.0.0` or `::`.
    pub fn is_unspecified(self) -> bool {
        self.0.is_unspecified()
    }

    /// Whether it is of `127.0.0.0/8`, or `::1`.
    pub fn is_loopback(self) -> bool {
        self.0.is_loopback()
    }

    /// Whether it is of `224.0.0.0/24` or `ff02::/16` with any flags.
    pub fn is_link_local_multicast(self) -> bool {
        match self.0 {
            IpAddr::V4(own) => matches!(own.octets(), [224, 0, 0, _]),
            IpAddr::V6(own) => own.segments().first().map(|first| first & 0xff0f) == Some(0xff02),
        }
    }

    /// Whether it is of `169.254.0.0/16` or `fe80::/10`.
    pub fn is_link_local_unicast(self) -> bool {
        match self.0 {
            IpAddr::V4(own) => own.is_link_local(),
            IpAddr::V6(own) => own.is_unicast_link_local(),
        }
    }

    /// Whether it is of one host, and neither unspecified, the host itself nor
    /// of its link. Private addresses are.
    pub fn is_global_unicast(self) -> bool {
        self.0 != IpAddr::V4(Ipv4Addr::BROADCAST)
            && !self.0.is_unspecified()
            && !self.0.is_loopback()
            && !self.0.is_multicast()
            && !self.is_link_local_unicast()
    }

    /// Its bits, and how many there are.
    fn bits(self) -> (u128, u32) {
        match self.0 {
            IpAddr::V4(own) => (u128::from(own.to_bits()), 32),
            IpAddr::V6(own) => (own.to_bits(), 128),
        }
    }
}

impl fmt::Display for Ip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A network: an address of it, and how many of its first bits all share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    ip: Ip,
    length: u32,
}

impl Cidr {
    /// Parses `192.168.0.0/24`.
    ///
    /// # Errors
    ///
    /// For anything else.
    pub fn parse(text: &str) -> Result<Cidr, NotAnAddress> {
        let (ip, length) = text.rsplit_once('/').ok_or(NotAnAddress)?;
        let ip = Ip::parse(ip)?;
        let canonical = length.bytes().all(|byte| byte.is_ascii_digit())
            && (length.len() == 1 || !length.starts_with('0'));
        let length = length.parse().map_err(|_| NotAnAddress)?;
        if !canonical || length > ip.bits().1 {
            return Err(NotAnAddress);
        }
        Ok(Cidr { ip, length })
    }

    /// The address that it was written with.
    pub fn ip(self) -> Ip {
        self.ip
    }

    /// How many of the first bits are the network's.
    pub fn prefix_length(self) -> u32 {
        self.length
    }

    /// The same network with its first address.
    pub fn masked(self) -> Cidr {
        let (bits, width) = self.ip.bits();
        let kept = bits & self.mask(width);
        let ip = match u32::try_from(kept) {
            Ok(kept) if width == 32 => IpAddr::V4(Ipv4Addr::from_bits(kept)),
            _ => IpAddr::V6(Ipv6Addr::from_bits(kept)),
        };
        Cidr { ip: Ip(ip), ..self }
    }

    /// Whether the address is of the network.
    pub fn contains_ip(self, ip: Ip) -> bool {
        let ((own, width), (other, other_width)) = (self.ip.bits(), ip.bits());
        width == other_width && (own ^ other) & self.mask(width) == 0
    }

    /// Whether all addresses of `other` are of the network.
    pub fn contains(self, other: Cidr) -> bool {
        self.length <= other.length && self.contains_ip(other.ip)
    }

    fn mask(self, width: u32) -> u128 {
        let hosts = width - self.length;
        u128::MAX.checked_shl(hosts).unwrap_or(0)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.length)
    }
}
