//! What is claimed of rules, as data.
//!
//! Deliberately without words for people: who shows a claim chooses them.

use crate::diagnostic::Span;

use super::super::policy::Policy;
use super::super::rule_set::RuleId;

/// A condition of a rule, by its name and place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What users call it: `labelSelectors[0]`, `when`, `excludes[2]`.
    pub title: String,
    /// Where it was written.
    pub span: Span,
}

/// Something that is true of a rule for every object there can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It selects nothing.
    Never {
        /// The rule.
        rule: RuleId,
        /// A smallest set of its conditions that contradict each other; one
        /// alone is never true.
        core: Vec<Part>,
    },
    /// Whatever it selects, policies keep out.
    KeptOut {
        /// The rule.
        rule: RuleId,
        /// The policies that do; none of them can be left out.
        policies: Vec<Policy>,
    },
    /// A condition says nothing: wherever the others hold it comes out the
    /// same, and without it the rule would mean the same, faults included.
    AlwaysTrue {
        /// The rule.
        rule: RuleId,
        /// The condition.
        part: Part,
    },
    /// One of several alternatives never holds where the rule's other
    /// conditions do.
    AlwaysFalse {
        /// The rule.
        rule: RuleId,
        /// The alternative.
        part: Part,
    },
    /// Whatever it selects, earlier rules select before it.
    Shadowed {
        /// The rule.
        rule: RuleId,
        /// The earlier rules; none of them can be left out.
        by: Vec<RuleId>,
        /// Whether the only one selects nothing else either.
        identical: bool,
    },
    /// An exclude that takes nothing away.
    ExcludesNothing {
        /// The rule.
        rule: RuleId,
        /// Its place in `excludes`.
        exclude: usize,
        /// Where it was written.
        span: Span,
        /// Why.
        because: Why,
    },
    /// An exclude that takes away all that the rule selects without it.
    ExcludesAll {
        /// The rule.
        rule: RuleId,
        /// Its place in `excludes`.
        exclude: usize,
        /// Where it was written.
        span: Span,
    },
    /// An alternative of a list that another one of it makes superfluous.
    Covered {
        /// The rule.
        rule: RuleId,
        /// The alternative.
        part: Part,
        /// The other one.
        by: Part,
    },
}

/// Why an exclude takes nothing away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The rule does not select the kind that it names.
    OtherKind,
    /// It contradicts these conditions of the rule, or itself if there are
    /// none.
    Contradicts(Vec<Part>),
    /// Another exclude, by its place, takes that away already.
    CoveredBy(usize),
}

impl Claim {
    /// The rule of which it is true.
    pub fn rule(&self) -> RuleId {
        match self {
            Claim::Never { rule, .. }
            | Claim::KeptOut { rule, .. }
            | Claim::AlwaysTrue { rule, .. }
            | Claim::AlwaysFalse { rule, .. }
            | Claim::Shadowed { rule, .. }
            | Claim::ExcludesNothing { rule, .. }
            | Claim::ExcludesAll { rule, .. }
            | Claim::Covered { rule, .. } => *rule,
        }
    }
}
