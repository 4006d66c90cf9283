//! What Kubernetes 1.36 and its predecessors define: resources with their
//! place in etcd, and the fields of every kind that they store.
//!
//! The data is `table.txt`, made from `kube/schema/*.tsv` of the shared data
//! by the test `k8s::schema_table` (which says how to make it anew).
//! Deliberately reads no values: that is `protobuf`'s and `json`'s.

mod lookup;
mod resolve;
mod resource;
mod table;

pub use lookup::{by_kind, by_path, is_built_in_group, legacy_groups, resources, size};
pub use resolve::{FieldType, PathError, resolve};
pub use resource::{Encoding, Resource};
pub use table::Special;

pub(super) use resolve::{Hop, Kind, Leaf, Select, any_kind, find_kind, omits_null, wire_path};
pub(super) use table::{Label, Omit, Row, Scalar, Type};
