//! Settings that are about kinds of which no rule with them selects any.
//!
//! Promises one finding of a policy for a file, and only where no rule can
//! select a kind that its setting is about. Deliberately says nothing of single
//! rules: what a file sets for all of them need not be about each; nor of
//! `owners`, since objects of every kind may have some.

use super::view::View;
use crate::diagnostic::{Code, Diagnostic};
use crate::rules::codes;
use crate::rules::policy::{Policies, Services, Volumes, Workloads};
use crate::rules::workloads::resting;

type GroupKind = (&'static str, &'static str);

/// A setting, where it is not the default.
struct Setting {
    /// As it is written.
    text: &'static str,
    /// What it is about.
    kinds: Vec<GroupKind>,
    /// The same for people.
    named: &'static str,
}

/// Adds which settings change nothing.
pub fn check(views: &[View<'_>], found: &mut Vec<Diagnostic>) {
    found.extend(moot(
        views,
        codes::NOTHING_RESTS,
        of_workloads,
        "remove it, or select what shall rest: Pods by themselves run as they are",
    ));
    found.extend(moot(
        views,
        codes::NO_SERVICES,
        of_services,
        "remove it, or select Services",
    ));
    found.extend(moot(
        views,
        codes::NO_VOLUMES,
        of_volumes,
        "remove it, or select volumes and claims",
    ));
}

fn moot(
    views: &[View<'_>],
    code: Code,
    setting: fn(&Policies) -> Option<Setting>,
    help: &str,
) -> Option<Diagnostic> {
    let asked = views
        .iter()
        .filter_map(|view| Some((view, setting(&view.rule.policies)?)));
    let asked: Vec<(&View<'_>, Setting)> = asked.collect();
    let selects = |(view, setting): &(&View<'_>, Setting)| {
        let mut kinds = setting.kinds.iter();
        kinds.any(|(group, kind)| view.selects(group, kind))
    };
    let (first, Setting { text, named, .. }) = asked.first()?;
    if asked.iter().any(selects) {
        return None;
    }
    let message = format!("`{text}` changes nothing: no rule that has it selects {named}");
    Some(code.at(first.head(), message).help(help))
}

fn of_workloads(policies: &Policies) -> Option<Setting> {
    let (text, named) = match policies.workloads {
        Workloads::AsIs => return None,
        Workloads::Suspended => ("workloads: suspended", "CronJobs or Jobs"),
        Workloads::ScaledToZero => (
            "workloads: scaled-to-zero",
            "Deployments, StatefulSets, ReplicaSets, ReplicationControllers, DaemonSets, CronJobs or Jobs",
        ),
    };
    let kinds = resting(policies.workloads).into_iter();
    Some(Setting {
        text,
        kinds: kinds.map(|own| (own.group, own.kind)).collect(),
        named,
    })
}

fn of_services(policies: &Policies) -> Option<Setting> {
    let text = match policies.services {
        Services::Reallocate => return None,
        Services::Keep => "services: keep",
        Services::Skip => "services: skip",
        Services::HeadlessOnly => "services: headless-only",
    };
    Some(Setting {
        text,
        kinds: vec![("", "Service")],
        named: "Services",
    })
}

fn of_volumes(policies: &Policies) -> Option<Setting> {
    (policies.persistent_volumes == Volumes::Retain).then(|| Setting {
        text: "persistentVolumes: retain",
        kinds: vec![("", "PersistentVolume"), ("", "PersistentVolumeClaim")],
        named: "PersistentVolumes or PersistentVolumeClaims",
    })
}
