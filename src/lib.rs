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
//! `rules::landing` (what has to be so at the destination, and is compared in
//! the transaction: owners, definitions, addresses, whose an object is) over
//! `rules::outgoing` (with what `rules::policy` changes, encrypted for the
//! destination, and proven) → `destination` → `state` (ledger, then checkpoint).
//! `carry explain` calls the same `decide`, `landing` and `outgoing`, so what it
//! says cannot drift from what `run` does; what it judges may also be from a
//! snapshot file (`source::backup`) or from a manifest.
//!
//! # Embedding
//!
//! Depend on the crate with `default-features = false`. What to begin from:
//!
//! | you have | begin with | what it costs |
//! |---|---|---|
//! | data of your own and conditions over it | [`lang`] and [`vm`] | compile once; an evaluation allocates nothing for what it compares |
//! | Kubernetes objects as etcd stores them | [`k8s::Record`] | one scan for the fields that you ask for; no copy |
//! | rules files, keys and values | [`rules::load`], [`rules::Plan`], [`rules::decide::Judge`] | most keys are decided without their value |
//! | rules files to lint in a tool of your own | [`rules::check()`] and [`diagnostic::render`] | as `carry check-rules` |
//!
//! Each of these modules begins with an example that can be copied. All of them
//! hold for an embedder:
//!
//! * What is compiled is immutable, `Send` and `Sync`: share it in an `Arc`, and
//!   put a new one in its place when the rules change. What is working memory
//!   ([`rules::decide::Scratch`]) belongs to one thread at a time and is kept
//!   from event to event.
//! * Nothing blocks but a look at a value that a KMS plugin encrypts (see
//!   [`rules::decide::Judge::may_block`]), and nothing does I/O, starts threads or
//!   prints.
//! * Errors are values with a place in the text: [`diagnostic::Diagnostic`] has
//!   the level, the code, spans and a help, [`diagnostic::render`] draws it.
//! * Evaluation has a bound that does not depend on the rules' author: rules may
//!   come from people whom you do not trust.
//!
//! ```
//! use std::sync::Arc;
//! use std::thread;
//!
//! use carry::diagnostic::SourceText;
//! use carry::k8s::Keyring;
//! use carry::rules::decide::{Decision, Event, Judge, Scratch};
//! use carry::rules::namespaces::Namespaces;
//! use carry::rules::{Plan, load};
//!
//! let rules = r#"
//! filters:
//!   secondary:
//!     - name: switched-on
//!       keys: ["/flags/*"]
//!       when: value.enabled == true
//! "#;
//! let loaded = load(&SourceText::new("rules.yaml", rules));
//! let (plan, _) = Plan::compile(&loaded.rule_set.expect("right"), "/registry");
//! let judge = Arc::new(Judge::new(plan.expect("right"), Keyring::default()));
//! let threads = ["enabled: true", "enabled: false"].map(|value| {
//!     let judge = judge.clone();
//!     thread::spawn(move || {
//!         let (key, value) = (b"/flags/dark-mode".as_slice(), Some(value.as_bytes()));
//!         let event = Event { key, value, leased: false, owned: false };
//!         judge.decide(&event, &Namespaces::default(), &mut Scratch::default())
//!     })
//! });
//! let [on, off] = threads.map(|thread| thread.join().expect("no panic"));
//! assert!(matches!(on, Decision::Put { .. }));
//! assert!(matches!(off, Decision::Skip(_)));
//! ```
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
