//! Whose a key is that the destination has already: the engine, under each
//! `onConflict`, on every way to a key.

use carry::destination::memory::Fault;
use carry::mirror::{Mirror, Parts};
use carry::state::{LedgerEntry, MemoryStore, StateStore as _};
use tokio_util::sync::CancellationToken;

use super::engine::{Scripted, Theatre};
use super::harness::eventually;

/// `rules` takes over.
const POLICIES: [&str; 3] = ["rules", "keep", "overwrite"];

fn under(digest: &str) -> Theatre {
    Theatre {
        digest: digest.to_owned(),
        ..Theatre::new()
    }
}

fn put_there(stage: &Theatre, key: &str, value: &str) {
    let key = format!("/r/{key}");
    stage.destination.put(key.as_bytes(), value.as_bytes());
}

fn there(stage: &Theatre, key: &str) -> Option<String> {
    let key = format!("/r/{key}").into_bytes();
    let value = stage.destination.contents(&key).remove(&key)?;
    Some(String::from_utf8_lossy(&value).into_owned())
}

async fn becomes(stage: &Theatre, key: &str, value: &str) {
    eventually("the source's value to be there", || async {
        there(stage, key).as_deref() == Some(value)
    })
    .await;
}

/// The destination has copies, one of them older than the source's.
fn copies(stage: &Theatre, prefix: &str) -> [String; 2] {
    let [older, same] = ["older", "same"].map(|name| format!("plain/{prefix}-{name}"));
    put_there(stage, &older, &format!("uid:{older} 1"));
    put_there(stage, &same, &format!("uid:{same} 1"));
    stage.put(&older, &format!("uid:{older} 2"));
    stage.put(&same, &format!("uid:{same} 1"));
    [older, same]
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_are_ours_under_every_policy() {
    for policy in POLICIES {
        let stage = under(policy);
        let listed = copies(&stage, "listed");
        let running = stage.run();
        stage.checkpointed().await;
        let followed = copies(&stage, "followed");
        stage.checkpointed().await;
        running.stop().await;
        let resumed = copies(&stage, "resumed");
        let running = stage.run();
        stage.checkpointed().await;
        assert!(stage.is_mirrored(), "{policy}");
        for key in [listed, followed, resumed].as_flattened() {
            stage.delete(key);
            stage.checkpointed().await;
            assert_eq!(there(&stage, key), None, "{policy}: {key}");
        }
        running.stop().await;
    }
}

/// With the source's history since the checkpoint, and without it.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_emptied_ledger_does_not_know_is_ours_under_every_policy() {
    for policy in POLICIES {
        for compacted in [false, true] {
            let mut stage = under(policy);
            for key in ["plain/a", "plain/b", "plain/c"] {
                stage.put(key, &format!("uid:{key} 1"));
            }
            let running = stage.run();
            stage.checkpointed().await;
            stage.put("plain/a", "uid:plain/a 2");
            stage.checkpointed().await;
            running.stop().await;
            stage.store = MemoryStore::default();
            let mut now = stage.put("plain/b", "uid:plain/b 2");
            if !compacted {
                now = stage.delete("plain/c");
            }
            if compacted {
                stage.source.compact(now);
            }
            let running = stage.run();
            stage.checkpointed().await;
            assert!(stage.is_mirrored(), "{policy}, compacted: {compacted}");
            for key in ["plain/a", "plain/b", "plain/c"] {
                stage.delete(key);
                stage.checkpointed().await;
                assert_eq!(there(&stage, key), None, "{policy}: {key}, {compacted}");
            }
            running.stop().await;
        }
    }
}

/// A second carry takes over, and then the first one again.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_carry_wrote_is_ours_under_every_policy() {
    for policy in POLICIES {
        let first = under(policy);
        first.put("plain/a", "uid:a 1");
        first.put("plain/b", "uid:b 1");
        first.once().await;
        let second = Theatre {
            source: first.source.clone(),
            destination: first.destination.clone(),
            ..under(policy)
        };
        second.put("plain/a", "uid:a 2");
        second.put("plain/c", "uid:c 1");
        second.once().await;
        assert!(second.is_mirrored(), "{policy}");
        first.put("plain/a", "uid:a 3");
        for (leader, key) in [
            (&first, "plain/a"),
            (&second, "plain/b"),
            (&first, "plain/c"),
        ] {
            let running = leader.run();
            leader.checkpointed().await;
            assert!(leader.is_mirrored(), "{policy}");
            leader.delete(key);
            leader.checkpointed().await;
            assert_eq!(there(leader, key), None, "{policy}: {key}");
            running.stop().await;
        }
    }
}

/// It is written over, followed, and stays when the source's goes, whatever
/// carry does meanwhile, as long as it has its ledger.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_over_is_never_deleted() {
    let stage = under("overwrite");
    let taken = |key: &str| {
        put_there(&stage, key, "uid:of-the-standby");
        stage.put(key, &format!("uid:{key} 1"));
    };
    let all = ["plain/listed", "plain/followed", "plain/resumed"];
    taken(all[0]);
    let running = stage.run();
    stage.checkpointed().await;
    taken(all[1]);
    stage.checkpointed().await;
    running.stop().await;
    taken(all[2]);
    let running = stage.run();
    stage.checkpointed().await;
    for key in all {
        becomes(&stage, key, &format!("uid:{key} 1")).await;
        stage.put(key, &format!("uid:{key} 2"));
        becomes(&stage, key, &format!("uid:{key} 2")).await;
    }
    stage.checkpointed().await;
    stage.delete(all[0]);
    stage.checkpointed().await;
    running.stop().await;
    // Deleted while it is down; and before everything is compared.
    stage.delete(all[1]);
    stage.once().await;
    stage.delete(all[2]);
    let mut options = stage.options();
    (options.resync, options.once) = (true, true);
    let ended = stage.run_with(options).task.await.expect("no panic");
    assert_eq!(ended.expect("a clean end").deletes, 0);
    for key in all {
        let value = there(&stage, key);
        assert_eq!(value, Some(format!("uid:{key} 2")), "{key}");
    }
}

/// The same bytes are a copy; others are another's, which goes only where it is
/// taken over.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_uid_the_bytes_say_whose_it_is() {
    for policy in POLICIES {
        let stage = under(policy);
        for (key, value) in [("plain/same", "1"), ("plain/other", "0")] {
            put_there(&stage, key, value);
            stage.put(key, "1");
        }
        let running = stage.run();
        stage.checkpointed().await;
        let kept = policy == "keep";
        let other = if kept { "0" } else { "1" };
        assert_eq!(there(&stage, "plain/other").as_deref(), Some(other));
        for key in ["plain/same", "plain/other"] {
            stage.delete(key);
        }
        stage.checkpointed().await;
        running.stop().await;
        assert_eq!(there(&stage, "plain/same"), None, "{policy}");
        let stays = (policy != "rules").then(|| other.to_owned());
        assert_eq!(there(&stage, "plain/other"), stays, "{policy}");
    }
}

fn conflicts_counted(parts: &Parts<Scripted>) -> u64 {
    let metrics = parts.metrics.encode();
    let sample = "carry_policy_actions_total{policy=\"onConflict\"} ";
    let mut lines = metrics.lines();
    let value = lines.find_map(|line| line.strip_prefix(sample));
    value.map_or(0, |value| value.parse().expect("a number"))
}

/// Whatever becomes of the request, or of its answer: what is written over
/// counts once, and a copy does not.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_over_counts_once_though_the_answer_is_lost() {
    for policy in ["rules", "overwrite"] {
        for fault in [Fault::AnswerLost, Fault::RequestLost, Fault::ArrivesLate] {
            // Which of the requests it hits.
            for before in 0..4 {
                let what = format!("{policy}, {fault:?} after {before}");
                let stage = under(policy);
                let (parts, stop) = (stage.parts(), CancellationToken::new());
                let counting = parts.clone();
                let mirror = Mirror::new(parts, stage.options(), stage.held.clone(), stop.clone());
                let running = tokio::spawn(mirror.run());
                stage.checkpointed().await;
                for (key, theirs) in [("plain/other", "uid:theirs"), ("plain/copy", "uid:ours 1")] {
                    put_there(&stage, key, theirs);
                    let script = vec![Fault::Passes; before];
                    stage.destination.script(script.into_iter().chain([fault]));
                    stage.put(key, "uid:ours 2");
                    stage.checkpointed().await;
                    becomes(&stage, key, "uid:ours 2").await;
                    assert_eq!(conflicts_counted(&counting), 1, "{what}: {key}");
                }
                for (key, stays) in [
                    ("plain/other", policy == "overwrite"),
                    ("plain/copy", false),
                ] {
                    stage.delete(key);
                    stage.checkpointed().await;
                    assert_eq!(there(&stage, key).is_some(), stays, "{what}: {key}");
                }
                stop.cancel();
                let ended = running.await.expect("no panic");
                ended.expect("a clean end");
            }
        }
    }
}

/// What has gone before it could be written over was not: then the key is ours.
#[tokio::test(flavor = "multi_thread")]
async fn what_goes_before_it_is_written_over_leaves_the_key_to_us() {
    let stage = under("overwrite");
    let running = stage.run();
    stage.checkpointed().await;
    put_there(&stage, KEY, "uid:of-the-standby");
    // The first ones find that the key is not free, before and after the ledger
    // knows.
    let lost = [Fault::RequestLost; 4];
    let passes = [Fault::Passes; 2];
    stage.destination.script(passes.into_iter().chain(lost));
    stage.put(KEY, OF_SOURCE);
    eventually("a write that is lost", || async {
        stage.destination.scripted() < lost.len()
    })
    .await;
    stage.destination.delete(format!("/r/{KEY}").as_bytes());
    becomes(&stage, KEY, OF_SOURCE).await;
    stage.checkpointed().await;
    assert!(!in_ledger(&stage).expect("an entry").borrowed);
    stage.delete(KEY);
    stage.checkpointed().await;
    running.stop().await;
    assert_eq!(there(&stage, KEY), None);
}

const KEY: &str = "plain/key";
const OF_SOURCE: &str = "uid:key 2";

/// What the destination has under the key when the source makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    /// An older state of the same object.
    Copy,
    /// Another object.
    Others,
}

impl Before {
    fn value(self) -> Option<String> {
        match self {
            Before::Nothing => None,
            Before::Copy => Some("uid:key 1".to_owned()),
            Before::Others => Some("uid:of-the-standby".to_owned()),
        }
    }
}

fn in_ledger(stage: &Theatre) -> Option<LedgerEntry> {
    let key = format!("/r/{KEY}");
    stage.store.get(key.as_bytes()).expect("memory")
}

/// Carry dies while its first write of a key is under way, and has arrived or
/// never will.
async fn cut_off(policy: &str, before: Before, arrived: bool) -> Theatre {
    let stage = under(policy);
    let running = stage.run();
    stage.checkpointed().await;
    let fault = match arrived {
        true => Fault::NoAnswer,
        false => Fault::Stuck,
    };
    let borrows = policy == "overwrite" && before == Before::Others;
    // How many find that the key is not free: once more after the ledger knows.
    let unmet = match before {
        Before::Nothing => 0,
        _ => 1 + usize::from(borrows),
    };
    if let Some(value) = before.value() {
        put_there(&stage, KEY, &value);
    }
    let passes = vec![Fault::Passes; unmet];
    stage.destination.script(passes.into_iter().chain([fault]));
    stage.put(KEY, OF_SOURCE);
    eventually("the write to be under way", || async {
        stage.destination.scripted() == 0
    })
    .await;
    running.kill().await;
    let name = format!("{policy}, {before:?}, arrived: {arrived}");
    let value = match arrived {
        true => Some(OF_SOURCE.to_owned()),
        false => before.value(),
    };
    assert_eq!(there(&stage, KEY), value, "{name}");
    // Nobody has learnt what became of it.
    let known = in_ledger(&stage).expect("an entry");
    assert_eq!(known.revision.0, 0, "{name}");
    assert_eq!(known.borrowed, borrows, "{name}");
    stage
}

/// Whose a key is that carry was writing when it died, and what that means once
/// the source's object goes: while carry runs again, or before that.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_around_a_first_write_changes_nobodys_object() {
    for policy in POLICIES {
        for before in [Before::Nothing, Before::Copy, Before::Others] {
            if policy == "keep" && before == Before::Others {
                continue; // It is not written.
            }
            let stays = policy == "overwrite" && before == Before::Others;
            for arrived in [false, true] {
                let name = format!("{policy}, {before:?}, arrived: {arrived}");
                // The source's object is as it was, or has changed meanwhile.
                for latest in [OF_SOURCE, "uid:key 3"] {
                    let stage = cut_off(policy, before, arrived).await;
                    if latest != OF_SOURCE {
                        stage.put(KEY, latest);
                    }
                    let running = stage.run();
                    stage.checkpointed().await;
                    assert_eq!(there(&stage, KEY).as_deref(), Some(latest), "{name}");
                    let known = in_ledger(&stage).expect("an entry");
                    assert_eq!(known.borrowed, stays, "{name}");
                    stage.delete(KEY);
                    stage.checkpointed().await;
                    running.stop().await;
                    let expected = stays.then(|| latest.to_owned());
                    assert_eq!(there(&stage, KEY), expected, "{name}");
                    assert_eq!(in_ledger(&stage), None, "{name}");
                }
                let stage = cut_off(policy, before, arrived).await;
                let then = there(&stage, KEY);
                stage.delete(KEY);
                let running = stage.run();
                stage.checkpointed().await;
                running.stop().await;
                let expected = then.filter(|_| stays);
                assert_eq!(there(&stage, KEY), expected, "{name}");
                assert_eq!(in_ledger(&stage), None, "{name}");
            }
        }
    }
}
