//! One rule, compiled: its predicate as HIR and as a program, and its reach.
//!
//! Promises that all forms come from the same lowering. Deliberately knows
//! nothing of the other rules.

use crate::diagnostic::{Diagnostic, Span};
use crate::lang::hir::Predicate;
use crate::lang::{self, Program};

use super::codes;
use super::kept_out::Named;
use super::lower::lower;
use super::namespace_fields::seen;
use super::namespaces::View;
use super::policy::Policies;
use super::reach::Reach;
use super::rule_set::{GroupPattern, Leases, OnError, Phase, Rule};
use super::slots::SlotSource;
use super::written::Written;

/// One rule in every form that is needed of it.
#[derive(Clone, Debug)]
pub struct CompiledRule {
    /// The whole entry in the file.
    pub span: Span,
    /// Its name.
    pub name: String,
    /// When its keys are applied.
    pub phase: Phase,
    /// Its index in the list of that phase, from 0.
    pub index: usize,
    /// What becomes of a key that it cannot judge.
    pub on_error: OnError,
    /// Whether it selects keys that are attached to an etcd lease.
    pub leases: Leases,
    /// Its policies.
    pub policies: Policies,
    /// What it means, unfolded: what a trace shows.
    pub predicate: Predicate,
    /// What its slots stand for.
    pub sources: Vec<SlotSource>,
    /// What decides.
    pub program: Program,
    /// What the key and the Namespaces alone must satisfy.
    pub gate: Option<Gate>,
    /// Whether a `when` of it reads the Namespace: then the gate is not all
    /// that a change of the Namespace can change.
    pub when_reads_namespace: bool,
    /// The same as `program` in the form that sets of rules share parts of.
    pub folded: Predicate,
    /// Its conditions in CEL as they were written.
    pub conditions: Vec<Written>,
    /// The kinds that it names.
    pub named: Named,
    /// Where it can find what it selects.
    pub reach: Reach,
    groups: Vec<String>,
}

/// A necessary condition over the key and the Namespaces.
#[derive(Clone, Debug)]
pub struct Gate {
    /// The condition.
    pub program: Program,
    /// What its slots stand for.
    pub sources: Vec<SlotSource>,
}

impl CompiledRule {
    /// Compiles `rule`, whose reach this is.
    ///
    /// # Errors
    ///
    /// A diagnostic that says what of it cannot be compiled.
    pub fn new(rule: &Rule, reach: Reach) -> Result<CompiledRule, Diagnostic> {
        let lowered = lower(rule)?;
        let gate = match lowered.gate {
            Some((predicate, sources)) => Some(Gate {
                program: compiled(&lang::fold(&predicate), rule)?,
                sources,
            }),
            None => None,
        };
        let folded = lang::fold(&lowered.predicate);
        Ok(CompiledRule {
            span: rule.span,
            name: rule.name.value.clone(),
            phase: rule.phase,
            index: rule.index,
            on_error: rule.on_error,
            leases: rule.leases,
            policies: rule.policies,
            program: compiled(&folded, rule)?,
            when_reads_namespace: reads_namespace(rule, &lowered.sources),
            folded,
            predicate: lowered.predicate,
            sources: lowered.sources,
            gate,
            conditions: lowered.written,
            named: Named::of(rule),
            reach,
            groups: groups(rule),
        })
    }

    /// Whether what it reads of a Namespace differs between two states of it.
    pub fn sees_another_namespace(&self, before: &View, after: &View) -> bool {
        let of = |view| seen(&self.sources, view);
        of(before) != of(after)
    }

    /// Where it stands in the file: `secondary[0]`.
    pub fn place(&self) -> String {
        format!("{}[{}]", self.phase, self.index)
    }

    /// Every group that it names without a glob.
    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(String::as_str)
    }
}

/// Whether one of its conditions in CEL reads its object's Namespace. Where
/// there is one, any such slot may be its.
fn reads_namespace(rule: &Rule, sources: &[SlotSource]) -> bool {
    let excluded = rule.excludes.iter().any(|exclude| exclude.when.is_some());
    (rule.when.is_some() || excluded) && sources.iter().any(SlotSource::may_fault)
}

fn compiled(folded: &Predicate, rule: &Rule) -> Result<Program, Diagnostic> {
    lang::compile(folded).map_err(|error| {
        codes::TOO_LARGE
            .at(
                rule.name.span,
                format!("this rule cannot be compiled: {error}"),
            )
            .help("split it into several rules")
    })
}

fn groups(rule: &Rule) -> Vec<String> {
    let listed = rule
        .resources
        .iter()
        .map(|resource| resource.group.value.clone());
    let mut groups: Vec<String> = listed.collect();
    if let GroupPattern::Exact(group) = &rule.group.value {
        groups.push(group.clone());
    }
    groups
}
