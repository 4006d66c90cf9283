//! Ranges of addresses, as a kube-apiserver gives addresses out of them.
//!
//! Promises never an address that is a network's own or, of IPv4, for
//! broadcast. Deliberately does not know what is taken.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::pool::{Pool, reserved};

/// A family of addresses. IPv4 comes first where nothing says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Of which family the address is.
    pub fn of(address: IpAddr) -> Family {
        match address {
            IpAddr::V4(_) => Family::V4,
            IpAddr::V6(_) => Family::V6,
        }
    }

    /// The family by its name in `spec.ipFamilies`.
    pub fn parse(name: &str) -> Option<Family> {
        [Family::V4, Family::V6]
            .into_iter()
            .find(|family| family.name() == name)
    }

    /// The name in `spec.ipFamilies` and in labels.
    pub fn name(self) -> &'static str {
        match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        }
    }

    /// The other one.
    pub fn other(self) -> Family {
        match self {
            Family::V4 => Family::V6,
            Family::V6 => Family::V4,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An address as Kubernetes reads it: an IPv4 address within IPv6 is one of
/// IPv4.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    Some(text.parse::<IpAddr>().ok()?.to_canonical())
}

/// A range of addresses: `10.96.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr(IpNet);

impl Cidr {
    /// Reads a range; bits behind the prefix do not count.
    pub fn parse(text: &str) -> Option<Cidr> {
        Some(Cidr(text.parse::<IpNet>().ok()?.trunc()))
    }

    /// Of which family its addresses are.
    pub fn family(&self) -> Family {
        Family::of(self.0.addr())
    }

    /// Whether the address lies between its first and its last.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }

    /// Whether the address may be given to a Service.
    pub fn gives(&self, address: IpAddr) -> bool {
        self.family() == Family::of(address) && self.pool().offset(number(address)).is_some()
    }

    /// All addresses that may be given out.
    pub(super) fn pool(&self) -> Pool {
        const PARTS: u128 = 16;
        const MOST: u128 = 256;
        let bits = u32::from(self.0.max_prefix_len() - self.0.prefix_len());
        let size = 1u128.checked_shl(bits).unwrap_or(u128::MAX);
        let unusable = match self.family() {
            Family::V4 => 2,
            Family::V6 => 1,
        };
        Pool {
            first: number(self.0.addr()).saturating_add(1),
            size: size.saturating_sub(unusable),
            reserved: reserved(size, PARTS, MOST),
        }
    }

    /// Those of them that a bitmap has bits for, from the first on. A
    /// kube-apiserver with bitmaps refuses larger ranges of IPv4.
    pub(super) fn mapped(&self) -> Pool {
        let most = match self.family() {
            Family::V4 => (1 << 20) - 2,
            Family::V6 => 65_536 - 1,
        };
        let pool = self.pool();
        Pool {
            size: pool.size.min(most),
            ..pool
        }
    }

    /// The address of a number of its pool.
    pub(super) fn at(&self, number: u128) -> IpAddr {
        match self.family() {
            Family::V4 => Ipv4Addr::from(number as u32).into(),
            Family::V6 => Ipv6Addr::from(number).into(),
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The address as a number, within its family.
pub(super) fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}
