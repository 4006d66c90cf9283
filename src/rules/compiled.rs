//! One rule, compiled: its predicate as HIR and as a program, and its reach.
//!
//! Promises that all forms come from the same lowering. Deliberately knows
//! nothing of the other rules.

use crate::diagnostic::{Diagnostic, Span};
use crate::lang::hir::Predicate;
use crate::lang::{self, Program};

use super::lower::lower;
use super::reach::Reach;
use super::rule_set::{GroupPattern, OnError, Phase, Rule};
use super::slots::SlotSource;

/// One rule in every form that is needed of it.
#[derive(Clone, Debug)]
pub struct CompiledRule {
    /// The whole entry in the file.
    pub span: Span,
    /// Its name.
    pub name: String,
    /// When its keys are applied.
    pub phase: Phase,
    /// What becomes of a key that it cannot judge.
    pub on_error: OnError,
    /// What it means, unfolded: what a trace shows.
    pub predicate: Predicate,
    /// What its slots stand for.
    pub sources: Vec<SlotSource>,
    /// What decides.
    pub program: Program,
    /// What the key and the Namespaces alone must satisfy.
    pub gate: Option<Gate>,
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
    /// Compiles `rule`.
    ///
    /// # Errors
    ///
    /// A diagnostic that says what of it cannot be compiled.
    pub fn new(rule: &Rule) -> Result<CompiledRule, Diagnostic> {
        let lowered = lower(rule)?;
        let gate = match lowered.gate {
            Some((predicate, sources)) => Some(Gate {
                program: program(&predicate, rule)?,
                sources,
            }),
            None => None,
        };
        Ok(CompiledRule {
            span: rule.span,
            name: rule.name.value.clone(),
            phase: rule.phase,
            on_error: rule.on_error,
            program: program(&lowered.predicate, rule)?,
            predicate: lowered.predicate,
            sources: lowered.sources,
            gate,
            reach: Reach::of(rule),
            groups: groups(rule),
        })
    }

    /// Every group that it names without a glob.
    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(String::as_str)
    }
}

fn program(predicate: &Predicate, rule: &Rule) -> Result<Program, Diagnostic> {
    lang::compile(&lang::fold(predicate)).map_err(|error| {
        Diagnostic::error(
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
