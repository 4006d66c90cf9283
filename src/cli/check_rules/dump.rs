//! `--dump`: the stages of a compiled file.
//!
//! Promises to show what is really used. Deliberately for people who look into
//! carry itself: the text may change with every version.

use std::fmt::Write as _;

use super::args::Dump;
use crate::lang::listing;
use crate::rules::Plan;

/// One stage of a compiled file.
pub fn dump(plan: &Plan, stage: Dump) -> String {
    if stage == Dump::Plan {
        return plan.listing();
    }
    let mut out = String::new();
    for rule in plan.rules() {
        let _ = writeln!(out, "{}:", rule.name);
        match stage {
            Dump::Ast => {
                for written in &rule.conditions {
                    let (place, tree) = (&written.place, &written.tree);
                    let _ = write!(out, "{place}: {tree}\n{}", listing::tree(tree));
                }
            }
            Dump::Hir => {
                out.push_str(&listing::hir(&rule.predicate));
            }
            _ => {
                if let Some(gate) = &rule.gate {
                    let _ = writeln!(out, "gate (over the key and the Namespace):");
                    out.push_str(&listing::bytecode(&gate.program));
                    let _ = writeln!(out, "rule:");
                }
                out.push_str(&listing::bytecode(&rule.program));
            }
        }
        out.push('\n');
    }
    for own in plan.kept_out().iter().filter(|own| plan.asks(own)) {
        if stage == Dump::Ast {
            continue;
        }
        let _ = writeln!(out, "kept out by the policy {}, {}:", own.policy, own.name);
        match stage {
            Dump::Hir => out.push_str(&listing::hir(&own.predicate)),
            Dump::Bytecode => out.push_str(&listing::bytecode(&own.program)),
            Dump::Ast | Dump::Plan => {}
        }
        out.push('\n');
    }
    out
}
