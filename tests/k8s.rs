//! Layer 1: keys, values, fields, the schema and encryption, by cases and by
//! properties. What needs the shared corpus is in `conformance`.

mod crypto;
mod json_record;
mod key;
mod path;
mod properties;
mod protobuf_record;
mod schema_table;
mod schema_words;
