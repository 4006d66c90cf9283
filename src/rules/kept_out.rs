//! What policies keep from being mirrored, though a rule selects it.
//!
//! Promises that what a rule names by its kind is kept out only where the
//! object itself is marked as one that every cluster makes for itself.
//! Deliberately says nothing of what is already at the destination.

use crate::diagnostic::{Span, Spanned};
use crate::k8s::{KeyResource, schema};
use crate::lang::hir::{Node, Predicate};
use crate::lang::{self, Program};

use super::carried::Carried;
use super::marks::{
    ENDPOINTS_CHANGED_AT, ENDPOINTS_CONTROLLER, ENDPOINTS_MANAGED_BY, Mark, SLICE_CONTROLLERS,
    SLICES_MANAGED_BY, in_cel,
};
use super::policy::{Kept, Policies, Policy, Services, Volumes};
use super::reach::Reach;
use super::rule_set::Rule;
use super::scope::{Scope, equals};
use super::slots::SlotSource;

/// One sort of objects that a policy keeps out, whichever rule selects them.
#[derive(Clone, Debug)]
pub struct KeptOut {
    /// The policy.
    pub policy: Policy,
    /// Its name, for people and for `why`.
    pub name: &'static str,
    /// What it means, unfolded.
    pub predicate: Predicate,
    /// What its slots stand for.
    pub sources: Vec<SlotSource>,
    /// What decides.
    pub program: Program,
    /// The kinds that such objects are of; none where they may be of any.
    kinds: &'static [Kind],
    /// Whether a rule that names the object's kind selects it all the same.
    unless_named: bool,
}

/// A group and a kind.
pub type Kind = (&'static str, &'static str);

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
    /// Why others of these kinds are not kept out, where that is worth a word.
    spares: Option<&'static str>,
}

const RBAC: &str = "rbac.authorization.k8s.io";
const FLOW: &str = "flowcontrol.apiserver.k8s.io";
const TOKENS: &str = "service account tokens";
const SERVICES: &str = "Services";
const ADDRESSED: &str = "Services with addresses";
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
        spares: None,
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
        spares: None,
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
        marks: &[Mark::Label(SLICES_MANAGED_BY, SLICE_CONTROLLERS)],
        ..of_kinds(
            "endpoint slices",
            &[("discovery.k8s.io", "EndpointSlice")],
            ENDPOINTS,
        )
    },
    Reason {
        marks: &[Mark::AnyOf(&[
            Mark::Label(ENDPOINTS_MANAGED_BY, &[ENDPOINTS_CONTROLLER]),
            Mark::HasAnnotation(ENDPOINTS_CHANGED_AT),
            Mark::HasAnnotation("control-plane.alpha.kubernetes.io/leader"),
            Mark::NotByHand,
        ])],
        spares: Some(BY_HAND),
        ..of_kinds(
            "endpoints",
            &[("", "Endpoints")],
            "the destination's controllers make their own from its Services and Pods; only what people alone have written passes",
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
    of_services(SERVICES, &[], "by `services: skip` no Service is mirrored"),
    of_services(
        ADDRESSED,
        &[
            Mark::SpecIsNot("type", "ExternalName"),
            Mark::SpecIsNot("clusterIP", "None"),
        ],
        "it has addresses, which are of its own cluster, and by `services: headless-only` only Services without are mirrored",
    ),
];

const fn of_services(name: &'static str, marks: &'static [Mark], why: &'static str) -> Reason {
    Reason {
        policy: Policy::Services,
        ..marked(name, &[("", "Service")], marks, why)
    }
}

const BY_HAND: &str = "people alone have written it: `metadata.managedFields` names tools for manifests and nothing else, and it has no mark of a controller";
const ENDPOINTS: &str = "the destination's controllers make their own from its Services and Pods";
const CONTROLLED_WHY: &str =
    "the destination's controllers make it anew from its owner, whose kind a rule selects";

/// Why objects of a sort are kept out; `name` is the title of the condition
/// that held.
pub fn why(name: &str) -> &'static str {
    let found = REASONS.iter().find(|reason| reason.name == name);
    found.map_or(CONTROLLED_WHY, |reason| reason.why)
}

/// Why an object of its kind is not of this sort, where that is worth a word.
pub fn spares(name: &str) -> Option<&'static str> {
    let found = REASONS.iter().find(|reason| reason.name == name);
    found.and_then(|reason| reason.spares)
}

/// All sorts of objects that policies keep out under rules of which all
/// together select `carried`.
pub fn all(carried: &Carried) -> Vec<KeptOut> {
    let moot = |reason: &&Reason| reason.name == TOKENS && carried.service_accounts();
    let reasons = REASONS.iter().filter(|reason| !moot(reason));
    let reasons = reasons.filter_map(Reason::compiled);
    reasons.chain(controlled(carried)).collect()
}

impl KeptOut {
    /// Whether objects that `reach` covers may be of this sort.
    pub fn concerns(&self, reach: &Reach) -> bool {
        let covers = |(group, kind): &Kind| {
            let known = schema::by_kind(group, kind);
            known.is_some_and(|known| reach.covers_resource(&KeyResource::BuiltIn(known)))
        };
        reach.keys().is_none() && (self.kinds.is_empty() || self.kinds.iter().any(covers))
    }

    /// The kinds that such objects are of; none where they may be of any.
    pub fn kinds(&self) -> &'static [Kind] {
        self.kinds
    }

    /// Whether objects under keys of this resource may be of this sort.
    pub fn is_about(&self, resource: &KeyResource<'_>) -> bool {
        let same = |(group, kind): &Kind| {
            let known = schema::by_kind(group, kind);
            matches!(resource, KeyResource::BuiltIn(own) if known.is_some_and(|known| known.path == own.path))
        };
        self.kinds.is_empty() || self.kinds.iter().any(same)
    }

    /// Whether it takes away from a rule with these policies at all.
    pub fn is_asked(&self, policies: Policies) -> bool {
        match self.policy {
            Policy::SystemObjects => policies.system_objects == Kept::Skip,
            Policy::ControlledObjects => policies.controlled_objects == Kept::Skip,
            Policy::PersistentVolumes => policies.persistent_volumes == Volumes::Skip,
            Policy::Deletion
            | Policy::Owners
            | Policy::OnConflict
            | Policy::Definitions
            | Policy::Workloads => false,
            Policy::Services => match policies.services {
                Services::Skip => self.name == SERVICES,
                Services::HeadlessOnly => self.name == ADDRESSED,
                Services::Reallocate | Services::Keep => false,
            },
        }
    }

    /// Whether it takes away from a rule with these policies, which names these
    /// kinds, an object of this group and kind.
    pub fn applies(&self, policies: Policies, named: &Named, group: &str, kind: &str) -> bool {
        self.is_asked(policies) && !(self.unless_named && named.has(group, kind))
    }

    /// Whether it takes nothing from a rule that names these kinds and no
    /// others.
    pub fn spares(&self, named: &Named) -> bool {
        let all = self
            .kinds
            .iter()
            .all(|(group, kind)| named.has(group, kind));
        self.unless_named && (named.is_all || !self.kinds.is_empty() && all)
    }

    /// Whether a rule's naming of kinds makes a difference.
    pub fn is_unless_named(&self) -> bool {
        self.unless_named
    }
}

/// The kinds that a rule names, rather than select them with others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Each with its group.
    pub kinds: Vec<(String, String)>,
    /// Whether it selects no others.
    pub is_all: bool,
}

impl Named {
    /// Those of a rule.
    pub fn of(rule: &Rule) -> Named {
        let named = rule.resources.iter().filter_map(|own| {
            let kind = own.kind.as_ref()?;
            Some((own.group.value.clone(), kind.value.clone()))
        });
        let mut kinds: Vec<(String, String)> = named.collect();
        let is_all = !kinds.is_empty() && kinds.len() == rule.resources.len();
        // To ask for them by the policy is to name them: a StatefulSet would make
        // its claims anew without what they hold.
        if rule.policies.persistent_volumes == Volumes::Retain && !is_all {
            let volumes = ["PersistentVolume", "PersistentVolumeClaim"];
            kinds.extend(volumes.map(|kind| (String::new(), kind.to_owned())));
        }
        Named { kinds, is_all }
    }

    fn has(&self, group: &str, kind: &str) -> bool {
        let mut kinds = self.kinds.iter();
        kinds.any(|(own_group, own_kind)| own_group == group && own_kind == kind)
    }
}

impl Reason {
    fn compiled(&self) -> Option<KeptOut> {
        let mut scope = Scope::default();
        let kinds = self.kinds.iter();
        let kinds = kinds.map(|(group, kind)| is_kind(group, kind, &mut scope));
        let mut all = vec![Node::any(kinds.collect(), Span::default())];
        all.extend(self.marks.iter().map(|mark| mark.of(&mut scope)));
        let root = Node::all(all, Span::default()).titled(self.name);
        compiled(
            self.name,
            self.policy,
            root,
            scope,
            self.kinds,
            self.unless_named,
        )
    }
}

/// Without errors: what is written here is small, and compiles.
fn compiled(
    name: &'static str,
    policy: Policy,
    root: Node,
    scope: Scope,
    kinds: &'static [Kind],
    unless_named: bool,
) -> Option<KeptOut> {
    let predicate = scope.predicate(root);
    Some(KeptOut {
        policy,
        name,
        program: lang::compile(&lang::fold(&predicate)).ok()?,
        predicate,
        sources: scope.into_sources(),
        kinds,
        unless_named,
    })
}

fn is_kind(group: &str, kind: &str, scope: &mut Scope) -> Node {
    let span = Span::default();
    let (group, kind) = (
        Spanned::new(group.to_owned(), span),
        Spanned::new(kind.to_owned(), span),
    );
    let group = equals(SlotSource::Group, &group, scope);
    Node::all(vec![group, equals(SlotSource::Kind, &kind, scope)], span)
}

/// What has a controller whose kind some rule selects.
fn controlled(carried: &Carried) -> Option<KeptOut> {
    let of_owners = |owners: &str| {
        format!(
            "object.metadata.?ownerReferences.orValue([]).exists(owner, owner.?controller.orValue(false) && ({owners}))"
        )
    };
    // Where it is too long, whatever has a controller is taken for one that has a
    // mirrored one.
    let mut scope = Scope::default();
    let node = in_cel(&of_owners(&carried.owners()?), &mut scope);
    let node = node.or_else(|| in_cel(&of_owners("true"), &mut scope))?;
    let root = Node::all(vec![node], Span::default()).titled(CONTROLLED);
    let policy = Policy::ControlledObjects;
    compiled(CONTROLLED, policy, root, scope, &[], true)
}
