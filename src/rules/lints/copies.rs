//! Kinds that a standby cluster should not be given without a thought.
//!
//! Promises to speak only of what a rule can really select, and once of each
//! reason. Deliberately says nothing of objects that one has to look at to
//! know (see `carry explain`).

use super::question::{Answers, Question};
use super::view::{View, once};
use crate::diagnostic::{Code, Diagnostic};
use crate::k8s::schema::Resource;
use crate::rules::codes;
use crate::rules::marks::{
    ENDPOINTS_CHANGED_AT, ENDPOINTS_CONTROLLER, ENDPOINTS_MANAGED_BY, SLICE_CONTROLLERS,
    SLICES_MANAGED_BY,
};
use crate::rules::policy::{Kept, Services};
use crate::rules::rule_set::Leases;

/// Kinds with one reason not to copy them.
struct Hazard {
    code: Code,
    kinds: &'static [(&'static str, &'static str)],
    /// What they are, after the list of kinds.
    why: &'static str,
    help: &'static str,
}

const HAZARDS: &[Hazard] = &[
    Hazard {
        code: codes::COPIES_LEASES,
        kinds: &[("coordination.k8s.io", "Lease")],
        why: "are leader elections and heartbeats of the source's components",
        help: "leave them out: the destination's components would believe that others lead",
    },
    Hazard {
        code: codes::COPIES_NODES,
        kinds: &[
            ("", "Node"),
            ("storage.k8s.io", "CSINode"),
            ("storage.k8s.io", "CSIStorageCapacity"),
            ("resource.k8s.io", "ResourceSlice"),
        ],
        why: "belong to the source's machines",
        help: "leave them out: the destination's scheduler would place Pods on machines that it does not have",
    },
    Hazard {
        code: codes::COPIES_ENDPOINTS,
        kinds: &[("", "Endpoints"), ("discovery.k8s.io", "EndpointSlice")],
        why: "hold addresses of the source's Pods",
        help: "leave them out: the destination makes its own from Services and Pods",
    },
    Hazard {
        code: codes::COPIES_ADDRESSES,
        kinds: &[
            ("networking.k8s.io", "IPAddress"),
            ("networking.k8s.io", "ServiceCIDR"),
        ],
        why: "say which addresses the source's Services have",
        help: "leave them out: the destination allocates addresses itself",
    },
    Hazard {
        code: codes::COPIES_ADMISSION,
        kinds: &[
            (
                "admissionregistration.k8s.io",
                "ValidatingWebhookConfiguration",
            ),
            (
                "admissionregistration.k8s.io",
                "MutatingWebhookConfiguration",
            ),
        ],
        why: "call servers of the source",
        help: "leave them out, or be sure that those servers run at the destination: else every write that they are asked about is refused there",
    },
    Hazard {
        code: codes::COPIES_APISERVICES,
        kinds: &[("apiregistration.k8s.io", "APIService")],
        why: "send requests to servers of the source; those of Kubernetes' own groups every kube-apiserver makes itself",
        help: "leave them out, or name the ones whose servers run at the destination",
    },
    Hazard {
        code: codes::COPIES_VOLUMES,
        kinds: &[
            ("", "PersistentVolume"),
            ("", "PersistentVolumeClaim"),
            ("storage.k8s.io", "VolumeAttachment"),
        ],
        why: "are bound to disks and machines of the source",
        help: "leave them out, or be sure that both clusters reach the same disks and only one of them writes",
    },
    Hazard {
        code: codes::COPIES_PODS,
        kinds: &[("", "Pod")],
        why: "are bound to machines of the source",
        help: "leave them out: the destination's controllers make Pods from Deployments, StatefulSets and Jobs, and delete those whose node does not exist",
    },
];

/// What a kube-apiserver marks as its own.
const BOOTSTRAP: &[(&str, &str)] = &[("kubernetes.io/bootstrapping", "rbac-defaults")];
const RBAC: &str = "rbac.authorization.k8s.io";

/// Adds what each rule copies that it hardly should.
pub fn check(
    views: &[View<'_>],
    answers: &Answers<'_, '_>,
    encrypted: bool,
    found: &mut Vec<Diagnostic>,
) {
    for view in views {
        if view.is_of_every_group() && !super::view::asks_for_namespace(view.rule) {
            found.push(every_group(view));
            continue;
        }
        for hazard in HAZARDS {
            found.extend(hazard.of(view, answers));
        }
        found.extend(unlabelled_endpoints(view, answers));
        found.extend(events(view, answers));
        found.extend(tokens(view, answers));
        found.extend(bootstrap_rbac(view, answers));
        found.extend(root_ca(view, answers));
        found.extend(services(view, answers));
        found.extend(secrets(view, answers).filter(|_| !encrypted));
    }
    kube_system(views, answers, found);
}

impl Hazard {
    fn of(&self, view: &View<'_>, answers: &Answers<'_, '_>) -> Option<Diagnostic> {
        let kinds = self
            .kinds
            .iter()
            .filter_map(|(group, kind)| view.kind(group, kind));
        let may = |kind: &&Resource| {
            let question = Question {
                labelled: label_of_controllers(kind).map(|(label, value)| (label, Some(value))),
                ..Question::any(kind)
            };
            answers.may_select(view.at, &question)
        };
        let kinds: Vec<_> = kinds.filter(may).collect();
        let first = kinds.first()?;
        let names: Vec<String> = kinds.iter().map(|kind| plural(kind)).collect();
        let message = format!("{} {}", names.join(", "), self.why);
        Some(self.code.at(view.place(first), message).help(self.help))
    }
}

/// What tells the hazard from what people make by hand of the same kind, which
/// policies let pass.
fn label_of_controllers(kind: &Resource) -> Option<(&'static str, &'static str)> {
    match kind.kind {
        "Endpoints" => Some((ENDPOINTS_MANAGED_BY, ENDPOINTS_CONTROLLER)),
        "EndpointSlice" => Some((SLICES_MANAGED_BY, SLICE_CONTROLLERS.first()?)),
        _ => None,
    }
}

/// Controllers' Endpoints before 1.33 have nothing of the label by which a rule
/// may exclude them.
fn unlabelled_endpoints(view: &View<'_>, answers: &Answers<'_, '_>) -> Option<Diagnostic> {
    let kind = view.kind("", "Endpoints")?;
    let labelled = Question {
        labelled: Some((ENDPOINTS_MANAGED_BY, Some(ENDPOINTS_CONTROLLER))),
        ..Question::any(kind)
    };
    let before = Question {
        labelled: Some((ENDPOINTS_MANAGED_BY, None)),
        annotated: Some(ENDPOINTS_CHANGED_AT),
        ..Question::any(kind)
    };
    let may = |question| answers.may_select(view.at, question);
    (!may(&labelled) && may(&before)).then(|| {
        codes::COPIES_ENDPOINTS
            .at(view.place(kind), format!("Endpoints of controllers are among these, where the source is older than Kubernetes 1.33: they have no label `{ENDPOINTS_MANAGED_BY}`"))
            .help(format!("exclude those with the annotation `{ENDPOINTS_CHANGED_AT}`, too, or leave it to the policy `systemObjects: skip` in a rule that does not name the kind: it lets pass what people alone have written"))
    })
}

/// As people say it.
fn plural(kind: &Resource) -> String {
    match kind.kind {
        "Endpoints" => "Endpoints".to_owned(),
        "IPAddress" => "IPAddresses".to_owned(),
        "CSIStorageCapacity" => "CSIStorageCapacities".to_owned(),
        kind => format!("{kind}s"),
    }
}

fn every_group(view: &View<'_>) -> Diagnostic {
    let message = "this selects every kind of every group, in all namespaces and outside of them";
    let help = match view.rule.policies.system_objects {
        Kept::Skip => {
            "much of that belongs to one cluster alone (webhooks, `kube-system`), and policies keep out only what every cluster makes for itself: name the groups, or say which namespaces with `namespaces` or `namespaceSelectors`"
        }
        Kept::Mirror => {
            "much of that belongs to one cluster alone (webhooks, `kube-system`), and with `systemObjects: mirror` what every cluster makes for itself is mirrored, too: name the groups, or say which namespaces with `namespaces` or `namespaceSelectors`"
        }
    };
    codes::EVERY_GROUP
        .at(view.rule.group.span, message)
        .help(help)
}

/// Events are attached to etcd leases, which rules do not select by default.
fn events(view: &View<'_>, answers: &Answers<'_, '_>) -> Option<Diagnostic> {
    let groups = ["", "events.k8s.io"];
    let mut kinds = groups.iter().filter_map(|group| view.kind(group, "Event"));
    let kind = kinds.next()?;
    let named = view
        .rule
        .resources
        .iter()
        .any(|own| own.kind.as_ref().is_some_and(|kind| kind.value == "Event"));
    let place = view.place(kind);
    match view.rule.leases {
        Leases::Mirror if answers.may_select(view.at, &Question::any(kind)) => Some(
            codes::COPIES_EVENTS
                .at(place, "Events tell what happened at the source")
                .help("leave them out: they are many, and mean nothing at the destination"),
        ),
        Leases::Skip if named => Some(
            codes::COPIES_EVENTS
                .at(place, "Events are attached to etcd leases, and this rule does not select such keys")
                .help("remove the entry; `leases: mirror` would copy them, though they mean nothing at the destination"),
        ),
        _ => None,
    }
}

fn tokens(view: &View<'_>, answers: &Answers<'_, '_>) -> Option<Diagnostic> {
    let kind = view.kind("", "Secret")?;
    let question = Question {
        type_field: Some("kubernetes.io/service-account-token"),
        labels: Some(&[]),
        ..Question::any(kind)
    };
    answers.may_select(view.at, &question).then(|| {
        codes::COPIES_TOKENS
            .at(view.place(kind), "tokens of ServiceAccounts are among these Secrets")
            .help("leave them out with `fieldSelectors` (`type` `NotIn` `kubernetes.io/service-account-token`): the destination deletes those whose ServiceAccount it does not know by its uid")
    })
}

fn bootstrap_rbac(view: &View<'_>, answers: &Answers<'_, '_>) -> Option<Diagnostic> {
    let kinds = ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];
    let kinds = kinds.iter().filter_map(|kind| view.kind(RBAC, kind));
    let may = |kind: &&Resource| {
        let question = Question {
            name: Some("system:controller:example"),
            labels: Some(BOOTSTRAP),
            namespace: kind.namespaced.then_some("kube-system"),
            ..Question::any(kind)
        };
        answers.may_select(view.at, &question)
    };
    let kinds: Vec<_> = kinds.filter(may).collect();
    let first = kinds.first()?;
    let names: Vec<String> = kinds.iter().map(|kind| plural(kind)).collect();
    let message = format!(
        "{} that every kube-apiserver makes for itself are among these",
        names.join(", ")
    );
    Some(codes::COPIES_BOOTSTRAP_RBAC.at(view.place(first), message).help(
        "leave that to the policy `systemObjects: skip`: the destination may be of another version",
    ))
}

fn root_ca(view: &View<'_>, answers: &Answers<'_, '_>) -> Option<Diagnostic> {
    let kind = view.kind("", "ConfigMap")?;
    let question = Question {
        name: Some("kube-root-ca.crt"),
        labels: Some(&[]),
        ..Question::any(kind)
    };
    answers.may_select(view.at, &question).then(|| {
        codes::COPIES_ROOT_CA
            .at(view.place(kind), "`kube-root-ca.crt`, which holds the source's certificate authority, is among these ConfigMaps")
            .help("leave that to the policy `systemObjects: skip`, or exclude it by its name: the destination writes its own into every namespace, again and again")
    })
}

fn services(view: &View<'_>, answers: &Answers<'_, '_>) -> Option<Diagnostic> {
    if view.rule.policies.services != Services::Keep {
        return None;
    }
    let kind = view.kind("", "Service")?;
    answers.may_select(view.at, &Question::any(kind)).then(|| {
        codes::SERVICES
            .at(view.place(kind), "Services are copied with the addresses and node ports that the source gave them")
            .help("leave that to `services: reallocate`: the destination only reports addresses outside of its range, and two Services with one address do harm")
    })
}

fn secrets(view: &View<'_>, answers: &Answers<'_, '_>) -> Option<Diagnostic> {
    let kind = view.kind("", "Secret")?;
    answers.may_select(view.at, &Question::any(kind)).then(|| {
        codes::SECRETS_UNENCRYPTED
            .at(view.place(kind), "Secrets are selected, and no encryption configuration was given")
            .help("if either cluster encrypts Secrets, give `--encryption-provider-config` here and to `carry run`; else they are stored at the destination as they are read")
    })
}

/// Rules that take the control plane's own objects along.
fn kube_system(views: &[View<'_>], answers: &Answers<'_, '_>, found: &mut Vec<Diagnostic>) {
    let takes = |view: &&View<'_>| {
        let chosen = view.rule.namespace.is_none() && view.rule.namespaces.is_empty();
        let by_label = chosen && !view.rule.namespace_selectors.is_empty();
        let all = view.is_of_every_group() && chosen;
        let may = |kind: &&Resource| {
            let question = Question {
                namespace: Some("kube-system"),
                labels: Some(&[]),
                ..Question::any(kind)
            };
            kind.namespaced && answers.may_select(view.at, &question)
        };
        !by_label && !all && view.kinds.iter().copied().any(|kind| may(&kind))
    };
    once(views.iter().filter(takes), found, |view, others| {
        let message = format!("this rule{others} selects in `kube-system`, too");
        codes::COPIES_KUBE_SYSTEM.at(view.head(), message).help(
            "what lies there belongs to the source's control plane: say which namespaces are meant, or exclude `kube-system`",
        )
    });
}
