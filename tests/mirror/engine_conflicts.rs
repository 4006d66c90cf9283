//! Whose a key is that the destination has already: the engine, under each
//! `onConflict`, on every way to a key.

use carry::destination::memory::Fault;
use carry::mirror::{Mirror, Parts};
use carry::state::MemoryStore;
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
                stop.cancel();
                let ended = running.await.expect("no panic");
                ended.expect("a clean end");
            }
        }
    }
}
