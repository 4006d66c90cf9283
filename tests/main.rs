//! All integration tests, in one binary: linking is slow, RocksDB is large.

mod below;
mod catalogue;
mod cel;
mod conditions;
mod conformance;
mod k8s;
mod lang;
mod policies;
mod readme;
mod rules;
mod services;
mod shared;
mod solver;
mod survey;
mod tidy;
mod toy_kms;

/// The files that carry is deployed with.
#[cfg(feature = "mirror")]
mod deploy;
/// What talks to etcd, and everything above it.
#[cfg(feature = "mirror")]
mod mirror;
