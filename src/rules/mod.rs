//! Rules files: from text to a compiled plan, and the decisions it makes.
//!
//! Promises that a file is either accepted with its right meaning or refused
//! with every finding at once. Deliberately does no I/O and knows nothing of
//! etcd or of the mirror.
//!
//! ```
//! use carry::diagnostic::{SourceText, Style, render};
//! use carry::k8s::Keyring;
//! use carry::rules::decide::{Decision, Event, Judge, Scratch};
//! use carry::rules::namespaces::Namespaces;
//! use carry::rules::{Plan, load};
//!
//! let source = SourceText::new("rules.yaml", r#"
//! filters:
//!   secondary:
//!     - name: large-sites
//!       group: example.com
//!       when: object.spec.size > 3 && object.metadata.name != "test"
//!     - name: settings
//!       keys: ["/settings/**"]
//!       when: value.enabled == true
//! "#);
//! let loaded = load(&source);
//! let Some(rules) = &loaded.rule_set else {
//!     panic!("{}", render(&source, &loaded.diagnostics, Style::default()));
//! };
//! let (plan, _) = Plan::compile(rules, "/registry");
//! let judge = Judge::new(plan.expect("no errors"), Keyring::default());
//!
//! // To be kept from event to event: it is working memory.
//! let mut scratch = Scratch::default();
//! let mut decide = |key: &[u8], value: &[u8]| {
//!     let event = Event { key, value: Some(value), leased: false, owned: false };
//!     judge.decide(&event, &Namespaces::default(), &mut scratch)
//! };
//! let site = br#"{"apiVersion":"example.com/v1","kind":"Site","metadata":{"name":"a"},"spec":{"size":4}}"#;
//! let decision = decide(b"/registry/example.com/sites/red/a", site);
//! assert!(matches!(decision, Decision::Put { rule } if judge.rule_name(rule) == "large-sites"));
//! let decision = decide(b"/settings/mail", b"enabled: false");
//! assert!(matches!(decision, Decision::Skip(_)));
//! ```

mod as_there;
mod candidates;
mod carried;
mod check;
mod choice;
mod compiled;
mod constants;
mod definition;
mod document;
mod entries;
mod evaluate;
mod field_check;
mod fields;
mod findings;
mod kept_out;
mod key_map;
mod key_range;
mod keyrings;
mod keys;
mod lint;
mod lints;
mod lower;
mod marks;
mod meant;
mod member;
mod member_index;
mod names;
mod namespace_fields;
mod own_kind;
mod owner_references;
mod plain;
mod plan;
mod policy_fields;
mod reach;
mod reader;
mod resources;
mod rewriting;
mod rule_set;
mod scope;
mod selection;
mod selectors;
mod shared;
mod shown;
mod slots;
mod variables;
mod when;
mod written;

pub mod catalogue;
pub mod claims;
pub mod codes;
pub mod decide;
pub mod difference;
pub mod directives;
pub mod drift;
pub mod identity;
pub mod landing;
pub mod levels;
pub mod load;
pub mod namespaces;
pub mod outgoing;
pub mod policy;
pub mod prospects;
pub mod setting;
pub mod source_map;
pub mod survey;
pub mod trace;
pub mod vocabulary;
pub mod waking;
pub mod witness;
pub mod workloads;
pub mod yaml;

pub use check::{Check, Checked, check};
pub use load::{Loaded, load, load_bytes};

pub use compiled::CompiledRule;
pub use plan::Plan;
pub use rule_set::{
    Exclude, GroupPattern, Leases, OnError, Operator, Phase, Requirement, ResourceRef, Rule,
    RuleId, RuleSet, Selector, When,
};
pub use slots::SlotSource;
pub use written::Written;
