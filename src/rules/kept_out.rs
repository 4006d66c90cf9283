//! What policies keep from being mirrored, though a rule selects it.
//!
//! Promises that what a rule names by its kind is kept out only where the
//! object itself is marked as one that every cluster makes for itself.
//! Deliberately says nothing of what is already at the destination.

use std::fmt::Write as _;

use crate::diagnostic::{Span, Spanned};
use crate::k8s::{KeyResource, Path, schema};
use crate::lang::check;
use crate::lang::hir::{Node, Test};
use crate::lang::parse;

use super::carried::Carried;
use super::policy::{Kept, Policies, Policy, Volumes};
use super::reach::Reach;
use super::rule_set::Rule;
use super::scope::{Scope, equals, metadata};
use super::slots::SlotSource;
use super::variables::{CHECKING, RuleVariables};

/// What one policy keeps out of what a rule selects.
#[derive(Clone, Debug)]
pub struct KeptOut<T> {
    /// The policy.
    pub policy: Policy,
    /// Where it holds: alternatives, each titled by the name of its reason.
    pub of: T,
}

impl<T> KeptOut<T> {
    /// The same policy with something else.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> KeptOut<U> {
        KeptOut {
            policy: self.policy,
            of: make(self.of),
        }
    }
}

/// A group and a kind.
type Kind = (&'static str, &'static str);

/// One sort of objects that is kept out.
struct Reason {
    /// For people, and for `why`.
    name: &'static str,
    policy: Policy,
    kinds: &'static [Kind],
    /// All must hold.
    marks: &'static [Mark],
    /// Whether a rule that names the kind selects it all the same.
    unless_named: bool,
    why: &'static str,
}

/// What tells such an object from others of its kind.
#[derive(Clone, Copy)]
enum Mark {
    Namespace(&'static str),
    Name(&'static [&'static str]),
    Label(&'static str, &'static [&'static str]),
    HasLabel(&'static str),
    Annotation(&'static str, &'static str),
    HasAnnotation(&'static str),
    /// The field `type`.
    Type(&'static str),
}

const RBAC: &str = "rbac.authorization.k8s.io";
const FLOW: &str = "flowcontrol.apiserver.k8s.io";
const TOKENS: &str = "service account tokens";
/// The name of the reason that something has a controller.
pub const CONTROLLED: &str = "controlled";

/// A sort of which every object is kept out, unless a rule names the kind.
const fn of_kinds(name: &'static str, kinds: &'static [Kind], why: &'static str) -> Reason {
    Reason {
        name,
        policy: Policy::SystemObjects,
        kinds,
        marks: &[],
        unless_named: true,
        why,
    }
}

/// Objects that every cluster makes for itself, whoever names their kind.
const fn marked(
    name: &'static str,
    kinds: &'static [Kind],
    marks: &'static [Mark],
    why: &'static str,
) -> Reason {
    Reason {
        name,
        policy: Policy::SystemObjects,
        kinds,
        marks,
        unless_named: false,
        why,
    }
}

const REASONS: &[Reason] = &[
    of_kinds(
        "leases",
        &[("coordination.k8s.io", "Lease")],
        "a Lease is a heartbeat or the election of a component of its own cluster",
    ),
    of_kinds(
        "events",
        &[("", "Event"), ("events.k8s.io", "Event")],
        "an Event tells what happened in its own cluster",
    ),
    of_kinds(
        "nodes",
        &[
            ("", "Node"),
            ("storage.k8s.io", "CSINode"),
            ("storage.k8s.io", "CSIStorageCapacity"),
            ("storage.k8s.io", "VolumeAttachment"),
            ("resource.k8s.io", "ResourceSlice"),
        ],
        "it belongs to a machine of its own cluster",
    ),
    of_kinds(
        "addresses",
        &[
            ("networking.k8s.io", "IPAddress"),
            ("networking.k8s.io", "ServiceCIDR"),
        ],
        "each cluster allocates the addresses of its Services itself",
    ),
    Reason {
        marks: &[Mark::Label(
            "endpointslice.kubernetes.io/managed-by",
            &[
                "endpointslice-controller.k8s.io",
                "endpointslicemirroring-controller.k8s.io",
            ],
        )],
        ..of_kinds(
            "endpoint slices",
            &[("discovery.k8s.io", "EndpointSlice")],
            ENDPOINTS,
        )
    },
    Reason {
        marks: &[Mark::Label(
            "endpoints.kubernetes.io/managed-by",
            &["endpoint-controller"],
        )],
        ..of_kinds("endpoints", &[("", "Endpoints")], ENDPOINTS)
    },
    // Before 1.33 the controller left no other mark.
    Reason {
        marks: &[Mark::HasAnnotation(
            "endpoints.kubernetes.io/last-change-trigger-time",
        )],
        ..of_kinds(
            "endpoints by their trigger time",
            &[("", "Endpoints")],
            ENDPOINTS,
        )
    },
    marked(
        "certificate authorities",
        &[("", "ConfigMap")],
        &[Mark::Name(&[
            "kube-root-ca.crt",
            "openshift-service-ca.crt",
        ])],
        "it holds the certificate authority of its own cluster, whose controllers write it into every namespace",
    ),
    marked(
        "configuration of the API server",
        &[("", "ConfigMap")],
        &[
            Mark::Namespace("kube-system"),
            Mark::Name(&[
                "extension-apiserver-authentication",
                "kube-apiserver-legacy-service-account-token-tracking",
            ]),
        ],
        "every kube-apiserver writes it for itself",
    ),
    marked(
        "the Service kubernetes",
        &[
            ("", "Service"),
            ("", "Endpoints"),
            ("discovery.k8s.io", "EndpointSlice"),
        ],
        &[Mark::Namespace("default"), Mark::Name(&["kubernetes"])],
        "it leads to the kube-apiservers of its own cluster, which write it themselves",
    ),
    marked(
        "bootstrap RBAC",
        &[
            (RBAC, "ClusterRole"),
            (RBAC, "ClusterRoleBinding"),
            (RBAC, "Role"),
            (RBAC, "RoleBinding"),
        ],
        &[Mark::Label(
            "kubernetes.io/bootstrapping",
            &["rbac-defaults"],
        )],
        "every kube-apiserver makes it for itself, as its own version has it",
    ),
    marked(
        "automanaged API services",
        &[("apiregistration.k8s.io", "APIService")],
        &[Mark::HasLabel("kube-aggregator.kubernetes.io/automanaged")],
        "every kube-apiserver makes it for itself from what it serves",
    ),
    marked(
        "bootstrap flow control",
        &[(FLOW, "FlowSchema"), (FLOW, "PriorityLevelConfiguration")],
        &[Mark::Annotation(
            "apf.kubernetes.io/autoupdate-spec",
            "true",
        )],
        "every kube-apiserver makes it for itself, as its own version has it",
    ),
    marked(
        "system priority classes",
        &[("scheduling.k8s.io", "PriorityClass")],
        &[Mark::Name(&[
            "system-cluster-critical",
            "system-node-critical",
        ])],
        "every kube-apiserver makes it for itself",
    ),
    marked(
        "mirror Pods",
        &[("", "Pod")],
        &[Mark::HasAnnotation("kubernetes.io/config.mirror")],
        "it shows a static Pod of a machine of its own cluster",
    ),
    marked(
        TOKENS,
        &[("", "Secret")],
        &[Mark::Type("kubernetes.io/service-account-token")],
        "the destination deletes the token of a ServiceAccount that it does not know by its uid, and no rule selects ServiceAccounts",
    ),
    Reason {
        policy: Policy::PersistentVolumes,
        unless_named: false,
        ..of_kinds(
            "persistent volumes",
            &[("", "PersistentVolume"), ("", "PersistentVolumeClaim")],
            "two clusters that take a volume for theirs may both delete it; with `persistentVolumes: retain` neither would",
        )
    },
];

const ENDPOINTS: &str = "the destination's controllers make their own from its Services and Pods";
const CONTROLLED_WHY: &str =
    "the destination's controllers make it anew from its owner, whose kind a rule selects";

/// Why objects of a sort are kept out; `name` is the title of the condition
/// that held.
pub fn why(name: &str) -> &'static str {
    let found = REASONS.iter().find(|reason| reason.name == name);
    found.map_or(CONTROLLED_WHY, |reason| reason.why)
}

/// What policies keep out of what `rule` can select, in the order in which they
/// are asked.
pub fn kept_out(
    rule: &Rule,
    reach: &Reach,
    carried: &Carried,
    scope: &mut Scope,
) -> Vec<KeptOut<Node>> {
    if reach.keys().is_some() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for policy in [
        Policy::SystemObjects,
        Policy::PersistentVolumes,
        Policy::ControlledObjects,
    ] {
        if !applies(rule.policies, policy) {
            continue;
        }
        let mut any = Vec::new();
        for reason in REASONS.iter().filter(|reason| reason.policy == policy) {
            let moot = reason.name == TOKENS && carried.service_accounts();
            any.extend((!moot).then(|| reason.of(rule, reach, scope)).flatten());
        }
        if policy == Policy::ControlledObjects {
            any.extend(controlled(rule, carried, scope));
        }
        if !any.is_empty() {
            let of = Node::any(any, rule.name.span).titled(policy.name());
            found.push(KeptOut { policy, of });
        }
    }
    found
}

fn applies(policies: Policies, policy: Policy) -> bool {
    match policy {
        Policy::SystemObjects => policies.system_objects == Kept::Skip,
        Policy::ControlledObjects => policies.controlled_objects == Kept::Skip,
        Policy::PersistentVolumes => policies.persistent_volumes == Volumes::Skip,
        Policy::Deletion => false,
    }
}

impl Reason {
    /// The condition, where the rule can select such objects.
    fn of(&self, rule: &Rule, reach: &Reach, scope: &mut Scope) -> Option<Node> {
        let span = rule.name.span;
        let kinds = self.kinds.iter().filter(|(group, kind)| {
            let known = schema::by_kind(group, kind);
            let covered =
                known.is_some_and(|known| reach.covers_resource(&KeyResource::BuiltIn(known)));
            covered && !(self.unless_named && names(rule, group, kind))
        });
        let kinds: Vec<Node> = kinds
            .map(|(group, kind)| is_kind(group, kind, span, scope))
            .collect();
        if kinds.is_empty() {
            return None;
        }
        let mut all = vec![Node::any(kinds, span)];
        all.extend(self.marks.iter().map(|mark| mark.of(span, scope)));
        Some(Node::all(all, span).titled(self.name))
    }
}

/// Whether a rule names a kind, rather than select it with others.
fn names(rule: &Rule, group: &str, kind: &str) -> bool {
    rule.resources.iter().any(|own| {
        let named = own.kind.as_ref().is_some_and(|own| own.value == kind);
        named && own.group.value == group
    })
}

fn is_kind(group: &str, kind: &str, span: Span, scope: &mut Scope) -> Node {
    let (group, kind) = (
        Spanned::new(group.to_owned(), span),
        Spanned::new(kind.to_owned(), span),
    );
    let group = equals(SlotSource::Group, &group, scope);
    Node::all(vec![group, equals(SlotSource::Kind, &kind, scope)], span)
}

impl Mark {
    fn of(self, span: Span, scope: &mut Scope) -> Node {
        let (source, test) = match self {
            Mark::Namespace(name) => (metadata("namespace"), Test::Equals(name.into())),
            Mark::Name(names) => (metadata("name"), one_of(names)),
            Mark::Label(label, values) => (SlotSource::Field(Path::label(label)), one_of(values)),
            Mark::HasLabel(label) => (SlotSource::Field(Path::label(label)), Test::Present),
            Mark::Annotation(name, value) => (
                SlotSource::Field(Path::annotation(name)),
                Test::Equals(value.into()),
            ),
            Mark::HasAnnotation(name) => (SlotSource::Field(Path::annotation(name)), Test::Present),
            Mark::Type(text) => {
                let step = crate::k8s::Step::Field("type".into());
                let path = Path::new(vec![step]);
                (SlotSource::Field(path), Test::Equals(text.into()))
            }
        };
        Node::test(scope.slot(source), test, span)
    }
}

fn one_of(texts: &[&str]) -> Test {
    match texts {
        [only] => Test::Equals((*only).into()),
        texts => Test::OneOf(texts.iter().map(|text| (*text).into()).collect()),
    }
}

/// What has a controller whose kind some rule selects, unless this rule names
/// the kind of the object itself.
fn controlled(rule: &Rule, carried: &Carried, scope: &mut Scope) -> Option<Node> {
    let names_all = !rule.resources.is_empty()
        && rule
            .resources
            .iter()
            .all(|resource| resource.kind.is_some());
    if names_all {
        return None;
    }
    let owners = carried.owners()?;
    let mut text = String::new();
    // In one expression with what it is about, so that it can be shared.
    let _ = write!(
        text,
        "object.metadata.?ownerReferences.orValue([]).exists(owner, owner.?controller.orValue(false) && ({owners}))"
    );
    // Made here, so that it parses and has its types.
    let tree = parse::parse(&text).ok()?;
    let variables = RuleVariables::of(rule, &[]);
    let mut node = check::predicate(&tree, &variables, scope, &CHECKING).value?;
    let span = rule.name.span;
    node.relocate(&|_| span);
    let named = rule.resources.iter().filter_map(|own| {
        let kind = own.kind.as_ref()?;
        Some(is_kind(&own.group.value, &kind.value, span, scope).negated())
    });
    let mut all: Vec<Node> = named.collect();
    all.push(node);
    Some(Node::all(all, span).titled(CONTROLLED))
}
