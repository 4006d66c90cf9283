//! What tells objects that policies keep out from others of their kinds.
//!
//! Promises that what is not known of an object's writers counts against it:
//! the standby makes such objects itself, where nobody made them by hand.
//! Deliberately knows no policies.

use crate::diagnostic::Span;
use crate::k8s::{Path, Step};
use crate::lang::hir::{Node, Test};
use crate::lang::{check, parse};

use super::scope::{Scope, metadata};
use super::slots::SlotSource;
use super::variables::{CHECKING, RuleVariables};

/// One mark of an object.
#[derive(Clone, Copy)]
pub enum Mark {
    Namespace(&'static str),
    Name(&'static [&'static str]),
    Label(&'static str, &'static [&'static str]),
    HasLabel(&'static str),
    Annotation(&'static str, &'static str),
    HasAnnotation(&'static str),
    /// The field `type`.
    Type(&'static str),
    /// This field below `spec` is not this text.
    SpecIsNot(&'static str, &'static str),
    /// Nobody is known to have written it, or others than people with the tools
    /// that are for that.
    NotByHand,
    /// At least one of these.
    AnyOf(&'static [Mark]),
}

/// The label of EndpointSlices that says which controller manages them.
pub const SLICES_MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
/// What it says of Kubernetes' own: of the one for Services with selectors, and
/// of the one for Endpoints.
pub const SLICE_CONTROLLERS: &[&str] = &[
    "endpointslice-controller.k8s.io",
    "endpointslicemirroring-controller.k8s.io",
];

/// The same label of Endpoints, since 1.33; before, only who wrote tells.
pub const ENDPOINTS_MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";
/// What it says of Kubernetes' own.
pub const ENDPOINTS_CONTROLLER: &str = "endpoint-controller";
/// The annotation that tells when what Kubernetes' own controller has written
/// last came to be so.
pub const ENDPOINTS_CHANGED_AT: &str = "endpoints.kubernetes.io/last-change-trigger-time";

/// The name of the condition that [`Mark::NotByHand`] is.
pub const NOT_BY_HAND: &str = "not by hand";
/// The same for people: the condition itself is a list of names.
pub const NOT_BY_HAND_MEANS: &str = "`metadata.managedFields` does not say that people alone have written it, with kubectl, Helm, Argo CD, Flux, Terraform or the like";

/// As whom the tools write by which people bring manifests into a cluster. Not
/// of languages or libraries, by whose names controllers write as well.
const TOOLS: &[&str] = &[
    "Helm",
    "HashiCorp",
    "Mozilla", // consoles, from a browser
    "Terraform",
    "ansible",
    "argocd-application-controller",
    "argocd-controller",
    "argocd-server",
    "curl",
    "flux",
    "fleetagent",
    "helm",
    "helm-controller",
    "k9s",
    "kapp",
    "kapp-server-side-apply",
    "kluctl",
    "kubectl",
    "kustomize",
    "kustomize-controller",
    "oc",
    "skaffold",
    "timoni",
    "werf",
];

/// The same, with something after it: a subcommand, a version, a stack.
const TOOLS_START: &[&str] = &["kubectl-", "oc-", "pulumi-", "terraform-"];

impl Mark {
    /// That an object has it.
    pub fn of(self, scope: &mut Scope) -> Node {
        let (source, test) = match self {
            Mark::AnyOf(marks) => {
                let marks = marks.iter().map(|mark| mark.of(scope));
                return Node::any(marks.collect(), Span::default());
            }
            Mark::NotByHand => return not_by_hand(scope),
            Mark::SpecIsNot(name, text) => {
                let steps = ["spec", name].map(|name| Step::Field(name.into()));
                let slot = scope.slot(SlotSource::Field(Path::new(steps.to_vec())));
                return Node::test(slot, Test::Equals(text.into()), Span::default()).negated();
            }
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
                let path = Path::new(vec![Step::Field("type".into())]);
                (SlotSource::Field(path), Test::Equals(text.into()))
            }
        };
        Node::test(scope.slot(source), test, Span::default())
    }
}

fn one_of(texts: &[&str]) -> Test {
    match texts {
        [only] => Test::Equals((*only).into()),
        texts => Test::OneOf(texts.iter().map(|text| (*text).into()).collect()),
    }
}

fn not_by_hand(scope: &mut Scope) -> Node {
    let quoted: Vec<String> = TOOLS.iter().map(|tool| format!("'{tool}'")).collect();
    let starts = TOOLS_START.iter();
    let starts: String = starts
        .map(|start| format!(" || entry.?manager.orValue('').startsWith('{start}')"))
        .collect();
    let fields = "object.metadata.?managedFields.orValue([])";
    let tools = quoted.join(", ");
    let text = format!(
        "size({fields}) == 0 || {fields}.exists(entry, !(entry.?manager.orValue('') in [{tools}]{starts}))"
    );
    // Without parts it always holds; the text above compiles.
    let node = in_cel(&text, scope).unwrap_or_else(|| Node::all(Vec::new(), Span::default()));
    Node::all(vec![node], Span::default()).titled(NOT_BY_HAND)
}

/// A condition over any object, made here; none where it is too long.
pub fn in_cel(text: &str, scope: &mut Scope) -> Option<Node> {
    let tree = parse::parse(text).ok()?;
    let variables = RuleVariables::of_any();
    let mut node = check::predicate(&tree, &variables, scope, &CHECKING).value?;
    node.relocate(&|_| Span::default());
    Some(node)
}
