//! Rules files: from text to a compiled plan, and the decisions it makes.
//!
//! Promises that a file is either accepted with its right meaning or refused
//! with every finding at once. Deliberately does no I/O and knows nothing of
//! etcd or of the mirror.

mod candidates;
mod compiled;
mod document;
mod entries;
mod evaluate;
mod field_check;
mod fields;
mod findings;
mod key_map;
mod key_range;
mod keyrings;
mod lint;
mod lower;
mod names;
mod plan;
mod reach;
mod reader;
mod resources;
mod rule_set;
mod selection;
mod selectors;
mod shown;
mod slots;

pub mod decide;
pub mod load;
pub mod namespaces;
pub mod outgoing;
pub mod source_map;
pub mod trace;
pub mod vocabulary;

pub use load::{Loaded, load, load_bytes};

pub use compiled::CompiledRule;
pub use plan::Plan;
pub use rule_set::{
    Exclude, GroupPattern, OnError, Operator, Phase, Requirement, ResourceRef, Rule, RuleId,
    RuleSet, Selector,
};
