//! What a rules file means: the rules in their order, every value with its
//! place in the file. Deliberately free of YAML (see `document`) and of
//! compiled forms (see `plan`).

use std::fmt;

use super::policy::Policies;
use super::source_map::SourceMap;
use crate::diagnostic::{Span, Spanned};
use crate::lang::ast;

/// A whole rules file.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    /// Applied first, each one finished before the next.
    pub sequential: Vec<Rule>,
    /// Applied after all sequential rules.
    pub secondary: Vec<Rule>,
}

impl RuleSet {
    /// All rules in the order in which they are tried; a rule's place in this
    /// order is its [`RuleId`].
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.sequential.iter().chain(&self.secondary)
    }
}

/// A rule's place in the order in which rules are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(pub u32);

/// When a rule's keys are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// In the rules' order, one after the other.
    Sequential,
    /// After all sequential rules, in any order.
    Secondary,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Sequential => "sequential",
            Phase::Secondary => "secondary",
        })
    }
}

/// One entry under `filters.sequential` or `filters.secondary`. All its
/// conditions must hold; within a selector list one entry must.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The whole entry.
    pub span: Span,
    /// When its keys are applied.
    pub phase: Phase,
    /// Its index in its list, from 0.
    pub index: usize,
    /// `name`, or `sequential[0]`, `secondary[0]`, …
    pub name: Spanned<String>,
    /// `group`; required, but in a rule with `keys`. May be a glob.
    pub group: Spanned<GroupPattern>,
    /// `sequence`, as written. Order is the list's; this is for people.
    pub sequence: Option<Spanned<i64>>,
    /// `resources`; empty means every kind of the group.
    pub resources: Vec<ResourceRef>,
    /// `namespace`, when not empty. As in etcd-carry, it takes the place of
    /// `namespace_selectors`.
    pub namespace: Option<Spanned<String>>,
    /// `namespaces`: names or globs, alternatives; empty means any.
    pub namespaces: Vec<Spanned<String>>,
    /// Alternatives; empty means any namespace and cluster-scoped objects.
    pub namespace_selectors: Vec<Selector>,
    /// Alternatives; empty means any labels.
    pub label_selectors: Vec<Selector>,
    /// Alternatives; empty means any fields. Keys are field paths.
    pub field_selectors: Vec<Selector>,
    /// `keys`: globs over whole keys outside of Kubernetes, alternatives; then
    /// the rule has no group and no selectors.
    pub keys: Vec<Spanned<String>>,
    /// `when`: a condition in CEL.
    pub when: Option<When>,
    /// What is left out again.
    pub excludes: Vec<Exclude>,
    /// What becomes of a key that cannot be judged.
    pub on_error: OnError,
    /// Whether it selects keys that are attached to an etcd lease.
    pub leases: Leases,
    /// `policy`, over the `policies` of the file.
    pub policies: Policies,
}

/// One entry of `excludes`: all of its conditions must hold.
#[derive(Clone, Debug)]
pub struct Exclude {
    /// The whole entry.
    pub span: Span,
    /// `resource`; absent means every kind that the rule selects.
    pub resource: Option<ResourceRef>,
    /// `name`, when not empty. As in etcd-carry, it takes the place of
    /// `label_selectors`.
    pub name: Option<Spanned<String>>,
    /// `namespace`, when not empty.
    pub namespace: Option<Spanned<String>>,
    /// Alternatives; empty means any labels.
    pub label_selectors: Vec<Selector>,
    /// `when`: a condition in CEL.
    pub when: Option<When>,
}

/// A condition in CEL.
#[derive(Clone, Debug)]
pub struct When {
    /// The expression as YAML reads it, and its scalar.
    pub text: Spanned<String>,
    /// The same as a tree, with places as offsets in the text.
    pub tree: ast::Expr,
    /// Where each character of the text stands in the file; `None` where that
    /// cannot be told.
    pub places: Option<SourceMap>,
}

impl When {
    /// The place in the file of a place in the text.
    pub fn place(&self, within: Span) -> Span {
        let places = self.places.as_ref();
        places.map_or(self.text.span, |places| places.span(within))
    }
}

/// A group, version and kind to compare an object's own with.
#[derive(Clone, Debug)]
pub struct ResourceRef {
    /// The whole entry.
    pub span: Span,
    /// `group`; left out it is the rule's own (never a glob then).
    pub group: Spanned<String>,
    /// `version`; `None` for any (left out or `*`).
    pub version: Option<Spanned<String>>,
    /// `kind`; `None` for any (`*`).
    pub kind: Option<Spanned<String>>,
}

/// A label selector or field selector: all requirements must hold; without
/// any it holds for everything.
#[derive(Clone, Debug)]
pub struct Selector {
    /// The whole entry.
    pub span: Span,
    /// From `matchLabels` (as `In` with one value) and `matchExpressions`.
    pub requirements: Vec<Requirement>,
}

/// One comparison of a label or field.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// The whole entry.
    pub span: Span,
    /// The label key or field path.
    pub key: Spanned<String>,
    /// How it is compared.
    pub operator: Operator,
    /// With what; empty exactly for `Exists` and `DoesNotExist`.
    pub values: Vec<Spanned<String>>,
}

/// The operators of a Kubernetes label selector, with their meaning there:
/// `NotIn` and `DoesNotExist` hold where the key is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// Present, and one of the values.
    In,
    /// Absent, or none of the values.
    NotIn,
    /// Present.
    Exists,
    /// Absent.
    DoesNotExist,
}

/// What becomes of a key that cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum OnError {
    /// Neither written nor deleted, counted and reported.
    #[default]
    Hold,
    /// Treated as not selected by this rule.
    Skip,
}

/// Whether a rule selects keys that are attached to an etcd lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Leases {
    /// No: they are heartbeats and events.
    #[default]
    Skip,
    /// Yes: they are written under a lease of the destination.
    Mirror,
}

/// An API group, or a glob over groups: `*` stands for any run of characters
/// but `.`, `**` for any run; `*` alone matches every group, the core group
/// (the empty name) included.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GroupPattern {
    /// This group and no other; the core group is the empty name.
    Exact(String),
    /// The glob as written; contains at least one `*`.
    Glob(String),
}
