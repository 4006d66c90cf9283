//! Reads policies: `policies` of a file and `policy` of a rule.
//!
//! Promises that what a rule leaves out is as the file says, and what the file
//! leaves out as is safe. Deliberately decides nothing.

use super::choice::choice;
use super::codes;
use super::fields::{self, Fields, Refused, Shape};
use super::findings::Findings;
use super::policy::{Kept, Policies, Volumes};

const FIELDS: &[&str] = &["systemObjects", "controlledObjects", "persistentVolumes"];

const OF_FILE: Shape = Shape {
    what: "`policies`",
    fields: FIELDS,
    refused: &[],
};

const OF_RULE: Shape = Shape {
    what: "`policy`",
    fields: FIELDS,
    refused: &[],
};

/// What to say of `policies` where it cannot stand.
pub const POLICIES: Refused = Refused {
    name: "policies",
    why: "stands at the top of the file, beside `filters`",
    help: "move it there; what differs in one rule goes into the rule's `policy`",
};

/// What to say of `policy` where it cannot stand.
pub const POLICY: Refused = Refused {
    name: "policy",
    why: "is a field of rules",
    help: "move it into a rule, or to the top of the file as `policies`",
};

/// The policies of a whole file.
pub fn of_file(file: &Fields<'_>, findings: &mut Findings<'_>) -> Policies {
    read(file, "policies", &OF_FILE, Policies::default(), findings)
}

/// The policies of a rule in a file with these.
pub fn of_rule(rule: &Fields<'_>, of_file: Policies, findings: &mut Findings<'_>) -> Policies {
    if let Some(entry) = rule
        .entry("policy")
        .filter(|_| rule.entry("keys").is_some())
    {
        findings.push(
            codes::MISPLACED_FIELD
                .at(entry.key.span, "`policy` cannot stand beside `keys`")
                .help("remove it: policies are about Kubernetes objects"),
        );
        return of_file;
    }
    read(rule, "policy", &OF_RULE, of_file, findings)
}

fn read(
    around: &Fields<'_>,
    name: &str,
    shape: &Shape,
    others: Policies,
    findings: &mut Findings<'_>,
) -> Policies {
    let Some(node) = around.value(name) else {
        return others;
    };
    let Some(fields) = fields::read(node, shape, findings) else {
        return others;
    };
    let kept = [("skip", Kept::Skip), ("mirror", Kept::Mirror)];
    let volumes = [("skip", Volumes::Skip), ("retain", Volumes::Retain)];
    let system = "what a cluster's own components make for themselves is left out, or mirrored as anything else";
    let controlled = "what a controller makes anew from another mirrored object is left out, or mirrored as anything else";
    let of_volumes = "PersistentVolumes and their claims are left out, or mirrored to be bound anew, with the reclaim policy `Retain`";
    Policies {
        system_objects: choice(&fields, "systemObjects", &kept, system, findings)
            .unwrap_or(others.system_objects),
        controlled_objects: choice(&fields, "controlledObjects", &kept, controlled, findings)
            .unwrap_or(others.controlled_objects),
        persistent_volumes: choice(&fields, "persistentVolumes", &volumes, of_volumes, findings)
            .unwrap_or(others.persistent_volumes),
    }
}
