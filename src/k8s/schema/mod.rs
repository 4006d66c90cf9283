//! What Kubernetes 1.36 and its predecessors define: resources with their
//! place in etcd, and the fields of every kind that they store or send.
//!
//! The data is `table.txt`, made from `kube/schema/*.tsv` of the shared data
//! and `unstored.tsv` by the test `k8s::schema_table` (which says how to make
//! it anew).
//! Deliberately reads no values: that is `protobuf`'s and `json`'s.

mod json_type;
mod lookup;
mod resolve;
mod resource;
mod table;

pub use lookup::{by_kind, by_path, is_built_in_group, legacy_groups, resources, size};
pub use resolve::{FieldType, PathError, has_version, may_be_absent, resolve};
pub use resource::{Encoding, Resource};
pub use table::{JsonShape, Special};

pub(super) use json_type::{JsonType, json_type};
pub(super) use resolve::{
    Hop, Leaf, Select, Way, any_kind, choice, find_field, find_stored_kind, group_version,
    has_metadata, hidden, own_field, unknown_field, walk, wire_path,
};
pub(super) use table::{Kind, Label, Omit, Row, Scalar, Type};
