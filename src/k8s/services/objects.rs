//! The objects in which a cluster keeps its ranges of addresses and what of
//! them is taken: ServiceCIDR, IPAddress and RangeAllocation.
//!
//! Promises of a new IPAddress the bytes that a kube-apiserver writes, but for
//! the managed fields: nothing depends on them. Deliberately decides nothing.

use std::net::IpAddr;

use serde_json::json;
use zeroize::Zeroizing;

use super::super::base64;
use super::super::field::Field;
use super::super::rewrite::{Edit, RewriteError, rewrite};
use super::super::time::Time;
use super::cidr::{Cidr, Family};
use super::names::ServiceName;
use super::reading::{self, Unreadable, field, objects, path, text, texts, unfit};

const GROUP: &str = "networking.k8s.io";

/// A ServiceCIDR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceCidr {
    /// One range, or one of each family.
    pub cidrs: Vec<Cidr>,
    /// Whether it gives new addresses: it is not being deleted, and nothing
    /// says that it is not ready.
    pub gives: bool,
}

impl ServiceCidr {
    /// Reads a stored ServiceCIDR, plain.
    pub fn read(plain: &[u8]) -> Result<ServiceCidr, Unreadable> {
        const CIDRS: [&str; 2] = ["spec", "cidrs"];
        let (_, view) = reading::object(plain, GROUP, "ServiceCIDR")?;
        let cidr =
            |text: String| Cidr::parse(&text).ok_or_else(|| unfit(&CIDRS, "a list of ranges"));
        let stays = field(&view, &["metadata", "deletionTimestamp"])? == Field::Absent;
        let mut ready = true;
        for condition in objects(&view, &["status", "conditions"])? {
            if text(&condition, &["type"])? == "Ready" {
                ready = text(&condition, &["status"])? == "True";
                break;
            }
        }
        Ok(ServiceCidr {
            cidrs: texts(&view, &CIDRS)?
                .into_iter()
                .map(cidr)
                .collect::<Result<_, _>>()?,
            gives: stays && ready,
        })
    }
}

/// Whose an IPAddress is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parent {
    /// A Service's.
    Service(ServiceName),
    /// Something else's, or nobody can say whose.
    Other,
}

/// Whose the stored IPAddress is, plain.
pub(super) fn parent(plain: &[u8]) -> Result<Parent, Unreadable> {
    let (_, view) = reading::object(plain, GROUP, "IPAddress")?;
    let part = |name| text(&view, &["spec", "parentRef", name]);
    let is_service = part("group")?.is_empty() && part("resource")? == "services";
    Ok(match is_service {
        true => Parent::Service(ServiceName::new(&part("namespace")?, &part("name")?)),
        false => Parent::Other,
    })
}

/// What a new IPAddress has besides what follows from the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The `metadata.uid`.
    pub uid: String,
    /// The `metadata.creationTimestamp`, in seconds since 1970.
    pub created: i64,
}

/// The IPAddress that says that `address` is the Service's, in the version of
/// the API that the cluster stores.
pub(super) fn ip_address(
    address: IpAddr,
    of: &ServiceName,
    api_version: &str,
    stamp: &Stamp,
) -> Result<Zeroizing<Vec<u8>>, RewriteError> {
    // Nothing but the type, and an object without a field.
    const EMPTY: &[u8] =
        b"k8s\0\x0a\x21\x0a\x14networking.k8s.io/v1\x12\x09IPAddress\x12\0\x1a\0\x22\0";
    let metadata = json!({
        "name": address.to_string(),
        "uid": stamp.uid,
        "creationTimestamp": Time::seconds(stamp.created).to_seconds_text(),
        "labels": {
            "ipaddress.kubernetes.io/ip-family": Family::of(address).name(),
            "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
        },
    });
    let parent = json!({
        "resource": "services",
        "namespace": of.namespace,
        "name": of.name,
    });
    let edits = [
        (path(&["apiVersion"]), Edit::Set(json!(api_version))),
        (path(&["metadata"]), Edit::Set(metadata)),
        (path(&["spec"]), Edit::Set(json!({"parentRef": parent}))),
    ];
    rewrite(EMPTY, &edits)
}

/// The range and the bits of a stored RangeAllocation.
pub(super) fn range_allocation(plain: &[u8]) -> Result<(String, Vec<u8>), Unreadable> {
    const DATA: [&str; 1] = ["data"];
    let (_, view) = reading::object(plain, "", "RangeAllocation")?;
    let data = match field(&view, &DATA)? {
        Field::Absent => Vec::new(),
        Field::Bytes(bytes) => bytes.to_vec(),
        Field::String(text) => {
            base64::decode(&text).ok_or_else(|| unfit(&DATA, "bytes in base64"))?
        }
        _ => return Err(unfit(&DATA, "bytes")),
    };
    Ok((text(&view, &["range"])?, data))
}

/// The first and the last port of a range such as `30000-32767`.
pub(super) fn port_range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last))
}
