//! Layer 1: keys, values, fields, the schema and encryption, by cases and by
//! properties. What needs the shared corpus is in `conformance`.

mod cbor_record;
mod crypto;
mod crypto_config;
mod crypto_kms;
pub mod crypto_providers;
mod json_record;
mod json_value;
mod key;
mod merging;
mod path;
mod printing;
mod properties;
mod protobuf_record;
mod quantities;
mod rewrite_json;
mod rewrite_properties;
mod rewrite_protobuf;
mod rewrite_schema;
mod rewrite_values;
mod rewrite_wire;
mod schema_table;
mod schema_words;
mod shown;
mod transfer;
mod values;
