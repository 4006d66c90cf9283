//! carry mirrors a chosen part of one etcd into another, continuously. Its main
//! use is a warm standby for Kubernetes; at its heart is a rule engine that
//! other programs can embed without the mirror.
//!
//! # Two routes
//!
//! A rules file: text → `rules::document` (YAML as written, every scalar with
//! its place) → `rules::rule_set` (what is meant) → per predicate `lang` (for
//! `when`: parse → check; for both HIR → fold → bytecode → verified
//! [`lang::Program`]) → `rules::plan`.
//!
//! An event: watch bytes → `source::watcher` → `k8s::{key, envelope, protobuf,
//! json, cbor}` (a lazy [`k8s::Record`]) → `rules::plan` picks the candidate rules
//! from the key alone → `vm::eval` → `rules::decide` → `mirror` →
//! `rules::outgoing` (with what `rules::policy` changes, encrypted for the
//! destination, and proven) → `destination` → `state` (ledger, then checkpoint). `carry explain` calls
//! the same `decide` and `outgoing`, so what it says cannot drift from what
//! `run` does; what it judges may also be from a snapshot file
//! (`source::backup`) or from a manifest.
//!
//! # Layers
//!
//! A file imports only from lower layers or from its own folder.
//!
//! | layer | modules |
//! |---|---|
//! | 7 | `cli` (the only place that prints) |
//! | 6 | `mirror`, `admin` |
//! | 5 | `source`, `destination`, `state` |
//! | 4 | `etcd`, `kms`, `metrics` |
//! | 3 | `rules` (no I/O) |
//! | 2 | `lang` (of Kubernetes only views and quantities, nothing of etcd), `vm` |
//! | 1 | `k8s` (knows nothing of rules) |
//! | 0 | `diagnostic` |
//!
//! Without the cargo feature `mirror` (on by default) the crate is layers 0 to
//! 3: no tokio, no RocksDB, no C++ compiler.
//!
//! # Invariants
//!
//! * Only `lang::verify` builds a [`lang::Program`], so the VM relies on it.
//! * A fault is never a verdict: a predicate says match, no match, or why it
//!   could not say.
//! * Evaluation is bounded: fuel for steps, bytes and elements, linear regular
//!   expressions, and jumps back only in loops, which take fuel.
//! * No Secret data in logs, errors, traces or status.
//! * Bad input never panics: bytes from etcd and text from files are checked
//!   where they enter.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod diagnostic;
pub mod k8s;
pub mod lang;
pub mod rules;
pub mod vm;

#[cfg(feature = "mirror")]
pub mod admin;
#[cfg(feature = "mirror")]
pub mod cli;
#[cfg(feature = "mirror")]
pub mod destination;
#[cfg(feature = "mirror")]
pub mod etcd;
#[cfg(feature = "mirror")]
pub mod kms;
#[cfg(feature = "mirror")]
pub mod metrics;
#[cfg(feature = "mirror")]
pub mod mirror;
#[cfg(feature = "mirror")]
pub mod source;
#[cfg(feature = "mirror")]
pub mod state;
