//! Lints that look at whole rules and between them: nothing depends on them,
//! and they may take their time.
//!
//! Promises warnings and notes only, and at most a few for one rule.
//! Deliberately looks at the file alone, never at a cluster.

mod carried;
mod claims;
mod copies;
mod moot;
mod order;
mod question;
mod scopes;
mod view;

use super::claims as claims_of;
use super::plan::Plan;
use super::rule_set::RuleSet;
use crate::diagnostic::Diagnostic;
use question::Answers;
use view::View;

/// What is conspicuous about rules that compile, beside what was found
/// `before`; `encrypted` says whether the destination is to encrypt Secrets.
pub fn check(
    rules: &RuleSet,
    plan: &Plan,
    encrypted: bool,
    before: &[Diagnostic],
) -> Vec<Diagnostic> {
    let views = View::of_all(rules, plan);
    let (mut world, reasons, terms) = claims_of::terms(rules, plan);
    let proved = claims_of::prove(&mut world, &reasons, &terms);
    let answers = Answers {
        world: &world,
        terms: &terms,
    };
    let mut found = Vec::new();
    order::check(&views, &mut found);
    scopes::check(&views, &mut found);
    carried::check(&views, &mut found);
    moot::check(&views, &mut found);
    copies::check(&views, &answers, encrypted, &mut found);
    claims::check(&views, proved, before, &mut found);
    found
}
