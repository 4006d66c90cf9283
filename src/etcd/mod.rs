//! Connections to etcd: endpoints, TLS, failover, and what each error means.
//!
//! Promises that every request ends in an answer or a classified
//! [`EtcdError`], and that a lost member makes the next request try another
//! one. Deliberately retries nothing by itself: whether a request may be
//! repeated is known only where it is made.

mod connection;
mod connector;
mod endpoint;
mod error;
mod joined;
mod received;
pub mod revision;
mod tls;
mod tls_files;
mod transport;

pub use connection::{ClusterStatus, Connection, Credentials, TransportSettings, connect};
pub use endpoint::Endpoint;
pub use error::EtcdError;
pub use joined::joined;
pub use received::received;
pub use revision::{DestRevision, SourceRevision};
pub use tls::{DEMANDS_CERTIFICATE, MAY_DEMAND_CERTIFICATE, RIGHT_CA, TlsError, TlsSettings};
pub use tls_files::OnReload;
