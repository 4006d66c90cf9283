//! How the mirror is in one line, what is wrong, and what to do about it: for
//! whoever is woken up by it.
//!
//! Promises that what keeps it from mirroring stands before what is only
//! remarkable, and that a title changes only where something changes.
//! Deliberately pure: it is told everything, and shows nothing that `/status`
//! does not.

use std::time::Duration;

use serde::Serialize;

use super::sides::Told;
use super::status::{CATCHING_UP, StatusReport};
use crate::metrics::{Phase, ResyncKind, Totals};

/// A start, or a new beginning, may take so many seconds before it is trouble.
const PATIENCE: u64 = 15;

/// So long nothing may move while there is something to do.
const STILL: Duration = Duration::from_secs(60);

/// So many resyncs within an hour, since history was gone, are a storm.
const STORM: usize = 3;

/// How well it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// All is as it should be.
    Good,
    /// Another one leads, and this one is ready.
    Standby,
    /// On its way there.
    Busy,
    /// It mirrors, but somebody should have a look.
    Attention,
    /// It does not mirror.
    Bad,
}

/// Since when, in seconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Since {
    /// This process runs.
    pub started: u64,
    /// The phase is what it is.
    pub phase: u64,
    /// It is ready, or not.
    pub ready: u64,
    /// It is as well, or as badly, as it is.
    pub verdict: u64,
    /// Who leads does so, as far as we have seen; `None` where nobody does.
    pub leader: Option<u64>,
}

/// One thing that is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Point {
    /// What is so.
    pub text: String,
    /// What to do about it.
    pub action: String,
    /// Whether somebody should have a look, rather than just know.
    pub attention: bool,
}

/// How it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// How well it is.
    pub level: Level,
    /// In a line.
    pub title: String,
    /// More of it; may be empty.
    pub detail: String,
    /// What to do about it; may be empty.
    pub action: String,
    /// What else is to be said.
    pub points: Vec<Point>,
}

/// What it is judged by.
pub(super) struct Facts<'a> {
    pub report: &'a StatusReport,
    pub told: &'a Told,
    pub totals: Totals,
    pub not_alive: Option<String>,
    /// Now, in seconds since 1970.
    pub now: u64,
    /// Since when things are as they are.
    pub since: Since,
    /// How long nothing has moved although there is something to do.
    pub quiet: Duration,
}

/// Judges.
pub(super) fn judge(facts: &Facts<'_>) -> Verdict {
    let mut verdict = state(facts);
    verdict.points = points(facts);
    let asks = |point: &&Point| point.attention;
    let few = verdict.points.iter().filter(asks).count();
    let first = verdict.points.iter().find(asks);
    if let (Level::Good, Some(first)) = (verdict.level, first) {
        verdict.level = Level::Attention;
        verdict.title = match few {
            1 => format!("Following the source, but {}", first.text),
            _ => format!("Following the source, but {few} things want a look"),
        };
    }
    verdict
}

fn verdict(level: Level, title: &str, detail: impl Into<String>, action: &str) -> Verdict {
    Verdict {
        level,
        title: title.to_owned(),
        detail: detail.into(),
        action: action.to_owned(),
        points: Vec::new(),
    }
}

/// The one state that it is in.
fn state(facts: &Facts<'_>) -> Verdict {
    let report = facts.report;
    let phase = report.phase;
    if phase == Phase::Stopped.label() {
        let action = "Start it again: it goes on where it was.";
        return verdict(Level::Busy, "Stopped", "", action);
    }
    if phase == Phase::Draining.label() {
        return verdict(Level::Busy, "Stopping", "what is under way is finished", "");
    }
    if let Some(stuck) = &facts.not_alive {
        let action = "Restart the process. Nothing is lost by that: it goes on where it was.";
        return verdict(Level::Bad, "Stuck", stuck, action);
    }
    if let Some(leader) = &report.led_by {
        return standing_by(report, leader);
    }
    let reason = report.reason.clone().unwrap_or_default();
    if facts.totals.out_of_space {
        let action = "Compact and defragment the destination's etcd, or raise its `--quota-backend-bytes`, then disarm the alarm (`etcdctl alarm disarm`). carry goes on by itself.";
        let title = "The destination is full: it takes no writes";
        return verdict(Level::Bad, title, reason, action);
    }
    if reason.starts_with("writing to the destination") {
        let action = "Check that the destination's etcd answers, at the endpoints below. carry tries again by itself.";
        let title = "Nothing can be written to the destination";
        return verdict(Level::Bad, title, reason, action);
    }
    let long = |since: u64| facts.now.saturating_sub(since) >= PATIENCE;
    match phase {
        phase if phase == Phase::Starting.label() => {
            starting(facts, &reason, long(facts.since.phase))
        }
        phase if phase == Phase::Bootstrap.label() => unless_still(facts, &reason, listing(report)),
        _ => following(facts, &reason, long(facts.since.ready)),
    }
}

fn standing_by(report: &StatusReport, leader: &str) -> Verdict {
    match report.ready {
        true => {
            let action =
                "Nothing to do: this carry takes over within seconds when that one is gone.";
            let title = format!("Standing by: {leader} leads");
            verdict(Level::Standby, &title, "", action)
        }
        false => {
            let action = "Check that the destination's etcd answers, at the endpoints below: until then nobody can take over.";
            let title = "Standing by, but the destination is silent";
            verdict(Level::Bad, title, leader_seen(leader), action)
        }
    }
}

fn leader_seen(leader: &str) -> String {
    format!("{leader} led when it was last heard of")
}

fn starting(facts: &Facts<'_>, reason: &str, long: bool) -> Verdict {
    let report = facts.report;
    if report.leader && report.source_revision > 0 {
        return unless_still(facts, reason, catching_up(report));
    }
    let detail = match reason {
        "starting" => "",
        reason => reason,
    };
    if !long {
        return verdict(Level::Busy, "Starting", detail, "");
    }
    let action = "Check that both etcds answer, at the endpoints below. carry's log says for which of them it waits; it goes on by itself.";
    let title = "Cannot start: the source or the destination does not answer";
    verdict(Level::Bad, title, detail, action)
}

/// What is on its way there, or that it stands still.
fn unless_still(facts: &Facts<'_>, reason: &str, busy: Verdict) -> Verdict {
    if facts.quiet < STILL {
        return busy;
    }
    let mut detail = format!("nothing has moved for {} s", facts.quiet.as_secs());
    for more in [reason, busy.detail.as_str()] {
        if !more.is_empty() && !is_plain(more) {
            detail.push_str("; ");
            detail.push_str(more);
        }
    }
    let action = "Check that both etcds answer, at the endpoints below. carry's log says for which of them it waits; it goes on by itself.";
    let title = "Catching up, but nothing has moved for over a minute";
    verdict(Level::Bad, title, detail, action)
}

/// Whether a reason says no more than the phase does.
fn is_plain(reason: &str) -> bool {
    reason == CATCHING_UP || reason.starts_with("the mirror is in phase")
}

fn catching_up(report: &StatusReport) -> Verdict {
    let (applied, seen) = (report.applied_revision, report.source_revision);
    let detail =
        format!("what has changed since the checkpoint is applied: revision {applied} of {seen}");
    verdict(Level::Busy, "Catching up", detail, "")
}

fn listing(report: &StatusReport) -> Verdict {
    let why = report.resyncs.last();
    let why = why.map_or(String::new(), |last| {
        format!("why: {}, at revision {}", last.reason, last.revision)
    });
    let action =
        "Wait. The destination is complete once the source is followed again (phase `tail`).";
    let title = "Catching up: everything is listed and compared";
    verdict(Level::Busy, title, why, action)
}

fn following(facts: &Facts<'_>, reason: &str, long: bool) -> Verdict {
    let report = facts.report;
    if report.ready {
        let title = "Healthy: the destination follows the source";
        return verdict(Level::Good, title, "", "");
    }
    if reason.contains("`--max-lag`") && report.lag_revisions == 0 {
        let action = "Check that the source's etcd answers, at the endpoints below. Changes there are not seen until it does.";
        return verdict(Level::Bad, "The source is silent", reason, action);
    }
    if reason.contains("`--max-lag`") {
        let action = "Look at the writes below. While there are some, carry is catching up by itself; if there are none, look at the destination's etcd.";
        return verdict(Level::Bad, "Behind the source", reason, action);
    }
    if report.lag_revisions > 0 || reason == CATCHING_UP {
        return unless_still(facts, reason, catching_up(report));
    }
    if !long {
        let reason = match is_plain(reason) {
            true => "",
            false => reason,
        };
        return verdict(Level::Busy, "Beginning again", reason, "");
    }
    let action = "carry begins again by itself. Where this lasts, its log says what it waits for.";
    verdict(Level::Bad, "Not following the source", reason, action)
}

fn point(attention: bool, text: String, action: &str) -> Point {
    Point {
        text,
        action: action.to_owned(),
        attention,
    }
}

/// What is remarkable, the gravest first.
fn points(facts: &Facts<'_>) -> Vec<Point> {
    let mut points = Vec::new();
    if let Some(why) = &facts.told.rules_refused {
        let text = format!("the changed rules file is not in use: {why}");
        let action = "The rules before stay in use. `carry check-rules FILE` shows every error with what to do; a mended file is taken at once.";
        points.push(point(true, text, action));
    }
    points.extend(of_keys(facts.report));
    let storm = storm(facts.report, facts.now);
    if storm >= STORM {
        let text = format!("{storm} resyncs within an hour since history was gone at the source");
        let action = "The source compacts faster than carry can follow, or connections break for long: look at lag and at its compaction.";
        points.push(point(true, text, action));
    }
    let retired = usize::try_from(facts.report.retired_keys).unwrap_or(usize::MAX);
    if retired > 0 {
        let text = format!(
            "{} kept though no rule selects them any more",
            keys(retired)
        );
        let action = "They stay as they are; `--prune` deletes them at the next start.";
        points.push(point(false, text, action));
    }
    points
}

/// Keys that are not at the destination as the source has them.
fn of_keys(report: &StatusReport) -> impl Iterator<Item = Point> {
    let all = [
        (
            report.held_keys,
            "held: neither written nor deleted",
            "The reasons stand under “Held keys”; `carry explain KEY` says more.",
        ),
        (
            report.drifting_keys,
            "changed at the destination by others",
            "See “Drift”. The policy `drift: mend`, or a resync, puts the source's values back.",
        ),
        (
            report.kept_keys,
            "not mirrored: the destination has other objects there",
            "See “Kept keys”. Remove one of the two, exclude the keys, or set the policy `onConflict`.",
        ),
    ];
    all.into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, how, action)| point(true, format!("{} {how}", keys(count)), action))
}

fn storm(report: &StatusReport, now: u64) -> usize {
    let lately = report.resyncs.iter().filter(|resync| {
        resync.kind == ResyncKind::History.label() && now < resync.unix_seconds + 3600
    });
    lately.count()
}

fn keys(count: usize) -> String {
    match count {
        1 => "1 key is".to_owned(),
        count => format!("{count} keys are"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::Status;
    use crate::metrics::Metrics;

    const SINCE: Since = Since {
        started: 100,
        phase: 1000,
        ready: 1000,
        verdict: 1000,
        leader: None,
    };

    /// As it is so many seconds later.
    fn judged(status: &Status, after: u64) -> (Level, String) {
        let verdict = judged_quiet(status, after, 0);
        (verdict.level, verdict.title)
    }

    fn judged_quiet(status: &Status, after: u64, quiet: u64) -> Verdict {
        let (report, told) = (status.report(), status.sides().told());
        judge(&Facts {
            report: &report,
            told: &told,
            totals: status.metrics().totals(),
            not_alive: status.not_alive(),
            now: 1000 + after,
            since: SINCE,
            quiet: Duration::from_secs(quiet),
        })
    }

    #[track_caller]
    fn is(status: &Status, after: u64, level: Level, title: &str) {
        assert_eq!(judged(status, after), (level, title.to_owned()));
    }

    #[test]
    fn a_start_has_its_time() {
        let metrics = Metrics::default();
        let status = Status::new("test", metrics.clone());
        is(&status, 3, Level::Busy, "Starting");
        let cannot = "Cannot start: the source or the destination does not answer";
        is(&status, 60, Level::Bad, cannot);
        // After a restart: the checkpoint is where it goes on.
        metrics.leader(true);
        status.saw_source(9);
        status.applied(4);
        is(&status, 60, Level::Busy, "Catching up");
        status.set_phase(Phase::Tail);
        is(&status, 60, Level::Busy, "Catching up");
        status.applied(9);
        status.set_ready();
        let healthy = "Healthy: the destination follows the source";
        is(&status, 60, Level::Good, healthy);
        status.set_not_ready("the watch broke");
        is(&status, 3, Level::Busy, "Beginning again");
        is(&status, 60, Level::Bad, "Not following the source");
        status.set_phase(Phase::Draining);
        is(&status, 60, Level::Busy, "Stopping");
    }

    #[test]
    fn what_keeps_it_from_mirroring_comes_first() {
        let status = Status::new("test", Metrics::default());
        status.set_phase(Phase::Tail);
        status.set_ready();
        status.hold(b"/k", "undecodable");
        let held = "Following the source, but 1 key is held: neither written nor deleted";
        is(&status, 60, Level::Attention, held);
        status
            .sides()
            .rules_refused(Some("`r.yaml` cannot be used".to_owned()));
        let two = "Following the source, but 2 things want a look";
        is(&status, 60, Level::Attention, two);
        for _ in 0..STORM {
            status.resync(ResyncKind::History, "compacted", 1);
        }
        // Those were just now, which is long after 1060 seconds of 1970.
        let three = "Following the source, but 3 things want a look";
        is(&status, 60, Level::Attention, three);
        status.set_not_ready("writing to the destination: no answer");
        let cannot = "Nothing can be written to the destination";
        is(&status, 3, Level::Bad, cannot);
        status.metrics().destination_space(9, true);
        let full = "The destination is full: it takes no writes";
        is(&status, 3, Level::Bad, full);
        status.standing_by("process 7 on there");
        let standing_by = "Standing by: process 7 on there leads";
        is(&status, 3, Level::Standby, standing_by);
    }

    #[test]
    fn what_stands_still_is_not_waited_for() {
        let metrics = Metrics::default();
        let status = Status::new("test", metrics.clone());
        metrics.leader(true);
        let still = |level: Level, says: &str| {
            assert_eq!(judged_quiet(&status, 9, 59).level, Level::Busy);
            let verdict = judged_quiet(&status, 9, 75);
            assert_eq!(verdict.level, level, "{verdict:?}");
            assert_eq!(verdict.detail, says);
            assert!(verdict.action.contains("both etcds"), "{verdict:?}");
        };
        let replay = "what has changed since the checkpoint is applied: revision 4 of 9".to_owned();
        status.set_phase(Phase::Bootstrap);
        still(Level::Bad, "nothing has moved for 75 s");
        status.set_not_ready("the source: no answer");
        still(
            Level::Bad,
            "nothing has moved for 75 s; the source: no answer",
        );
        status.set_phase(Phase::Tail);
        status.saw_source(9);
        status.applied(4);
        still(Level::Bad, &format!("nothing has moved for 75 s; {replay}"));
        status.set_not_ready("the leadership was lost");
        let lost = format!("nothing has moved for 75 s; the leadership was lost; {replay}");
        still(Level::Bad, &lost);
        // Where all is applied, there is nothing to move.
        status.applied(9);
        status.set_ready();
        assert_eq!(judged_quiet(&status, 9, 75).level, Level::Good);
    }

    #[test]
    fn who_has_just_taken_the_lead_stands_by_no_more() {
        let status = Status::new("test", Metrics::default());
        status.standing_by("process 7 on there");
        let standing_by = "Standing by: process 7 on there leads";
        is(&status, 3, Level::Standby, standing_by);
        status.metrics().leader(true);
        status.set_not_ready("it has just taken the lead");
        is(&status, 3, Level::Busy, "Starting");
        let report = status.report();
        assert_eq!((report.led_by, report.ready), (None, false));
        assert_eq!(report.reason.as_deref(), Some("it has just taken the lead"));
    }
}
