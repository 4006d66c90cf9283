//! A setting of `workloads` under which nothing rests.
//!
//! Promises one finding for a file, and only where no rule can select a kind
//! that its setting is about. Deliberately says nothing of single rules: what a
//! file sets for all of them need not be about each.

use super::view::View;
use crate::diagnostic::Diagnostic;
use crate::rules::codes;
use crate::rules::policy::Workloads;
use crate::rules::workloads::resting;

/// Adds that the setting changes nothing.
pub fn check(views: &[View<'_>], found: &mut Vec<Diagnostic>) {
    let setting = |view: &View<'_>| view.rule.policies.workloads;
    let rests = |view: &View<'_>| {
        let mut kinds = resting(setting(view)).into_iter();
        kinds.any(|kind| view.selects(kind.group, kind.kind))
    };
    let mut asked = views.iter().filter(|view| setting(view) != Workloads::AsIs);
    let Some(first) = asked.next() else {
        return;
    };
    if rests(first) || asked.any(rests) {
        return;
    }
    let (word, kinds) = match setting(first) {
        Workloads::Suspended => ("suspended", "CronJobs or Jobs"),
        _ => (
            "scaled-to-zero",
            "Deployments, StatefulSets, ReplicaSets, ReplicationControllers, DaemonSets, CronJobs or Jobs",
        ),
    };
    found.push(
        codes::NOTHING_RESTS
            .at(
                first.head(),
                format!("`workloads: {word}` changes nothing: no rule that has it selects {kinds}"),
            )
            .help("remove it, or select what shall rest: Pods by themselves run as they are"),
    );
}
