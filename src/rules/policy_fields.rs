//! Reads policies: `policies` of a file and `policy` of a rule.
//!
//! Promises that what a rule leaves out is as the file says, and what the file
//! leaves out as is safe. Deliberately decides nothing.

use super::choice::choice;
use super::fields::{self, Fields, Refused, Shape};
use super::findings::Findings;
use super::policy::{Kept, OnConflict, OnDrift, Owners, Policies, Services, Volumes, Workloads};

const FIELDS: &[&str] = &[
    "systemObjects",
    "controlledObjects",
    "persistentVolumes",
    "owners",
    "workloads",
    "onConflict",
    "drift",
    "services",
];

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

/// Of a rule with `keys`.
const OF_KEYS: Shape = Shape {
    what: "`policy` beside `keys`",
    fields: &["onConflict", "drift"],
    refused: &[
        of_objects("systemObjects"),
        of_objects("controlledObjects"),
        of_objects("persistentVolumes"),
        of_objects("workloads"),
        of_objects("owners"),
        of_objects("services"),
    ],
};

const fn of_objects(name: &'static str) -> Refused {
    Refused {
        name,
        why: "cannot stand beside `keys`",
        help: "remove it: it is about Kubernetes objects",
    }
}

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
    let shape = match rule.entry("keys") {
        Some(_) => &OF_KEYS,
        None => &OF_RULE,
    };
    read(rule, "policy", shape, of_file, findings)
}

/// The words of one policy.
struct Words<T: 'static> {
    field: &'static str,
    words: &'static [(&'static str, T)],
    help: &'static str,
}

const KEPT: &[(&str, Kept)] = &[("skip", Kept::Skip), ("mirror", Kept::Mirror)];

const SYSTEM_OBJECTS: Words<Kept> = Words {
    field: "systemObjects",
    words: KEPT,
    help: "what a cluster's own components make for themselves is left out, or mirrored as anything else",
};

const CONTROLLED_OBJECTS: Words<Kept> = Words {
    field: "controlledObjects",
    words: KEPT,
    help: "what a controller makes anew from another mirrored object is left out, or mirrored as anything else",
};

const PERSISTENT_VOLUMES: Words<Volumes> = Words {
    field: "persistentVolumes",
    words: &[("skip", Volumes::Skip), ("retain", Volumes::Retain)],
    help: "PersistentVolumes and their claims are left out, or mirrored to be bound anew, with the reclaim policy `Retain`",
};

const OWNERS: Words<Owners> = Words {
    field: "owners",
    words: &[
        ("hold", Owners::Hold),
        ("strip", Owners::Strip),
        ("skip", Owners::Skip),
    ],
    help: "what the destination lacks an owner of waits for it, is written without the reference, or is left out",
};

const WORKLOADS: Words<Workloads> = Words {
    field: "workloads",
    words: &[
        ("as-is", Workloads::AsIs),
        ("scaled-to-zero", Workloads::ScaledToZero),
        ("suspended", Workloads::Suspended),
    ],
    help: "what runs workloads runs at the destination as at the source, not at all before `carry promote`, or all but CronJobs and Jobs",
};

const ON_CONFLICT: Words<OnConflict> = Words {
    field: "onConflict",
    words: &[
        ("keep", OnConflict::Keep),
        ("adopt", OnConflict::Adopt),
        ("overwrite", OnConflict::Overwrite),
        ("stop", OnConflict::Stop),
    ],
    help: "what the destination has under a selected key, and carry has not written, stays as it is, becomes carry's own, is written over but never deleted, or ends carry",
};

const DRIFT: Words<OnDrift> = Words {
    field: "drift",
    words: &[("keep", OnDrift::Keep), ("mend", OnDrift::Mend)],
    help: "what others change in mirrored keys at the destination stays until the source's key changes, or is written over at once",
};

const SERVICES: Words<Services> = Words {
    field: "services",
    words: &[
        ("reallocate", Services::Reallocate),
        ("keep", Services::Keep),
        ("skip", Services::Skip),
        ("headless-only", Services::HeadlessOnly),
    ],
    help: "Services get addresses and node ports of the destination, keep the source's whatever the destination says, are left out, or are left out unless they have no addresses",
};

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
    let mut read = others;
    pick(&fields, &SYSTEM_OBJECTS, &mut read.system_objects, findings);
    let controlled = &mut read.controlled_objects;
    pick(&fields, &CONTROLLED_OBJECTS, controlled, findings);
    let volumes = &mut read.persistent_volumes;
    pick(&fields, &PERSISTENT_VOLUMES, volumes, findings);
    pick(&fields, &SERVICES, &mut read.services, findings);
    pick(&fields, &OWNERS, &mut read.owners, findings);
    pick(&fields, &WORKLOADS, &mut read.workloads, findings);
    pick(&fields, &ON_CONFLICT, &mut read.on_conflict, findings);
    pick(&fields, &DRIFT, &mut read.drift, findings);
    read
}

fn pick<T: Copy>(
    fields: &Fields<'_>,
    words: &Words<T>,
    setting: &mut T,
    findings: &mut Findings<'_>,
) {
    let Words { field, words, help } = *words;
    if let Some(meant) = choice(fields, field, words, help, findings) {
        *setting = meant;
    }
}
