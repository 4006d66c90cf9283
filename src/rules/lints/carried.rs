//! What an object needs at the destination: its Namespace, its definition, its
//! owner.
//!
//! Promises one finding of each kind for a file, at the first rule that is
//! concerned. Deliberately asks only whether some rule can select what is
//! needed, not whether it selects all of it.

use super::view::{View, once};
use crate::diagnostic::Diagnostic;
use crate::rules::codes;
use crate::rules::policy::Owners;

/// A group and a kind.
type Kind = (&'static str, &'static str);

/// Which kinds own which; one of the owners is enough.
const OWNERS: &[(Kind, &[Kind])] = &[
    (("apps", "ReplicaSet"), &[("apps", "Deployment")]),
    (
        ("apps", "ControllerRevision"),
        &[("apps", "StatefulSet"), ("apps", "DaemonSet")],
    ),
    (
        ("", "Pod"),
        &[
            ("apps", "ReplicaSet"),
            ("apps", "StatefulSet"),
            ("apps", "DaemonSet"),
            ("batch", "Job"),
            ("", "ReplicationController"),
        ],
    ),
    (("batch", "Job"), &[("batch", "CronJob")]),
    (("discovery.k8s.io", "EndpointSlice"), &[("", "Service")]),
];

/// Adds what is needed and not selected.
pub fn check(views: &[View<'_>], found: &mut Vec<Diagnostic>) {
    namespaces(views, found);
    definitions(views, found);
    owners(views, found);
}

fn namespaces(views: &[View<'_>], found: &mut Vec<Diagnostic>) {
    let carriers: Vec<_> = views
        .iter()
        .filter(|view| view.selects("", "Namespace"))
        .collect();
    let namespaced =
        |view: &&View<'_>| view.custom().is_some() || view.kinds.iter().any(|kind| kind.namespaced);
    // A Namespace is found by its name, where both sides say it.
    let missing = |view: &&View<'_>| match view.namespaces() {
        Some(wanted) => wanted.iter().any(|wanted| {
            let carries =
                |carrier: &&View<'_>| carrier.names().is_none_or(|names| names.contains(wanted));
            !carriers.iter().any(carries)
        }),
        None => carriers.is_empty(),
    };
    let concerned = views.iter().filter(namespaced).filter(missing);
    let help = "select the Namespaces by a rule under `sequential`, or allow this where the destination has them already";
    once(concerned, found, |view, others| {
        let these = match view.namespaces() {
            Some([one]) => format!("the Namespace `{one}`"),
            _ => "the Namespaces".to_owned(),
        };
        let message = format!("no rule selects {these} of what this rule{others} selects");
        codes::NAMESPACE_NOT_CARRIED
            .at(view.head(), message)
            .help(help)
    });
}

fn definitions(views: &[View<'_>], found: &mut Vec<Diagnostic>) {
    let of_definitions =
        |view: &&View<'_>| view.selects("apiextensions.k8s.io", "CustomResourceDefinition");
    let carriers: Vec<_> = views.iter().filter(of_definitions).collect();
    let missing = |view: &&View<'_>| {
        view.custom().is_some_and(|(_, group)| {
            let end = format!(".{group}");
            let carries = |carrier: &&View<'_>| {
                let names = carrier.names();
                names.is_none_or(|names| names.iter().any(|name| name.ends_with(&end)))
            };
            !carriers.iter().any(carries)
        })
    };
    let concerned = views.iter().filter(missing);
    once(concerned, found, |view, others| {
        let (place, group) = view.custom().unwrap_or((view.head(), ""));
        let of = match group.contains('*') {
            true => "custom resources".to_owned(),
            false => format!("the custom resources of `{group}`"),
        };
        let message = format!("no rule selects the CustomResourceDefinitions of {of}{others}");
        codes::DEFINITION_NOT_CARRIED.at(place, message).help(
            "select them by a sequential rule with `group: apiextensions.k8s.io`, or allow this where the destination has them already",
        )
    });
}

fn owners(views: &[View<'_>], found: &mut Vec<Diagnostic>) {
    for ((group, kind), owners) in OWNERS {
        let carried =
            |(group, kind): &(&str, &str)| views.iter().any(|view| view.selects(group, kind));
        if owners.iter().any(carried) {
            continue;
        }
        let waits = |view: &&View<'_>| view.rule.policies.owners == Owners::Hold;
        let selects = |view: &&View<'_>| view.selects(group, kind);
        let concerned = views.iter().filter(selects).filter(waits);
        once(concerned, found, |view, _| {
            let place = view
                .kind(group, kind)
                .map_or(view.head(), |own| view.place(own));
            let names: Vec<&str> = owners.iter().map(|(_, kind)| *kind).collect();
            let message = format!(
                "{kind}s are selected, and no rule selects what owns them ({})",
                names.join(", ")
            );
            codes::OWNER_NOT_CARRIED.at(place, message).help(
                "what the destination lacks the owner of is held: select the owners instead, whose controllers make these anew, or let the reference go with `policy: {owners: strip}`",
            )
        });
    }
}
