//! From what was read of a rules file to all that is to be said of it.
//!
//! Promises that there is a plan exactly when nothing in the file is wrong
//! whatever levels were asked for. Deliberately does no I/O.

use super::codes;
use super::directives::Directives;
use super::levels::Levels;
use super::lints;
use super::load::Loaded;
use super::plan::Plan;
use super::rule_set::RuleSet;
use crate::diagnostic::{Diagnostic, Level};

/// How a file is checked.
#[derive(Clone, Debug, Default)]
pub struct Check {
    /// The prefix of all Kubernetes keys: `/registry`.
    pub prefix: String,
    /// How findings are taken.
    pub levels: Levels,
    /// Whether the lints are tried as well that nothing depends on: they take
    /// longer than all the rest.
    pub lints: bool,
    /// Whether Secrets are encrypted at the destination.
    pub encrypted: bool,
}

impl Check {
    /// For who judges by the file: what is wrong, and what is probably not
    /// meant.
    pub fn to_use(prefix: &str) -> Check {
        Check {
            prefix: prefix.to_owned(),
            levels: Levels {
                lenient: true,
                ..Levels::default()
            },
            ..Check::default()
        }
    }
}

/// A file that was checked.
#[derive(Debug)]
pub struct Checked {
    /// What it means, unless it has errors.
    pub rule_set: Option<RuleSet>,
    /// The same compiled.
    pub plan: Option<Plan>,
    /// Everything found, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// The same before levels were applied.
    found: Vec<Diagnostic>,
    directives: Directives,
}

impl Checked {
    /// How many findings have this level.
    pub fn count(&self, level: Level) -> usize {
        let of_level = self.diagnostics.iter().filter(|own| own.level == level);
        of_level.count()
    }

    /// Adds what was found in data, taken as all the rest is.
    pub fn add(&mut self, found: Vec<Diagnostic>, levels: &Levels) {
        self.found.extend(found);
        self.diagnostics = levels.apply(self.found.clone(), &self.directives);
    }
}

/// Compiles what was read, and says what is to be said of it.
pub fn check(loaded: Loaded, check: &Check) -> Checked {
    let mut diagnostics = loaded.diagnostics;
    let mut plan = None;
    if let Some(rule_set) = &loaded.rule_set {
        let (compiled, found) = Plan::compile(rule_set, &check.prefix);
        plan = compiled;
        diagnostics.extend(found);
        if let Some(plan) = plan.as_ref().filter(|_| check.lints) {
            let found = lints::check(rule_set, plan, check.encrypted, &diagnostics);
            diagnostics.extend(found);
        }
    }
    let mut without_data = loaded.directives.clone();
    without_data.excuse(codes::OF_DATA);
    Checked {
        rule_set: loaded.rule_set.filter(|_| plan.is_some()),
        plan,
        diagnostics: check.levels.apply(diagnostics.clone(), &without_data),
        found: diagnostics,
        directives: loaded.directives,
    }
}
