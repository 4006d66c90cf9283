//! What is written in one transaction with something else.
//!
//! Promises never to show a value. Deliberately without logic.

use std::fmt;
use std::net::IpAddr;

use crate::k8s::services::Transaction;

/// What is written in one transaction with a Service, or with its delete.
#[derive(Clone, Debug, Default)]
pub struct Along {
    /// In the order in which it is written.
    pub also: Vec<Also>,
    /// Which address of the destination stands for which of the source, for
    /// each family that both have.
    pub addresses: Vec<(IpAddr, IpAddr)>,
    /// Whether the destination needs nothing but the Service, with what stays of
    /// the one that it has.
    pub is_settled: bool,
    pub(super) transaction: Transaction,
}

/// One further write.
#[derive(Clone, PartialEq, Eq)]
pub struct Also {
    /// The key, as the source has it.
    pub key: Vec<u8>,
    /// As the destination stores it; `None` for a delete.
    pub value: Option<Vec<u8>>,
}

impl fmt::Debug for Also {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = String::from_utf8_lossy(&self.key);
        match &self.value {
            Some(value) => write!(f, "Also({key}, {} bytes)", value.len()),
            None => write!(f, "Also({key}, deleted)"),
        }
    }
}
