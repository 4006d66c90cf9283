//! The engine beside somebody else who writes to the destination: what is seen,
//! what is said, and what is mended.

use std::collections::BTreeMap;
use std::time::Duration;

use carry::destination::Destination as _;
use carry::destination::memory::Fault;
use carry::etcd::{DestRevision, EtcdError};
use carry::rules::decide::KeyRange;

use super::engine::{Running, Theatre};
use super::harness::eventually;

fn theatre(digest: &str) -> Theatre {
    Theatre {
        digest: digest.to_owned(),
        ..Theatre::new()
    }
}

/// Writes at the destination behind carry's back.
fn intrude(stage: &Theatre, key: &str, value: &str) {
    let key = format!("/r/{key}");
    stage.destination.put(key.as_bytes(), value.as_bytes());
}

fn remove(stage: &Theatre, key: &str) {
    stage.destination.delete(format!("/r/{key}").as_bytes());
}

fn there(stage: &Theatre, key: &str) -> Option<String> {
    let all = stage.destination.contents(format!("/r/{key}").as_bytes());
    let value = all.into_values().next()?;
    Some(String::from_utf8_lossy(&value).into_owned())
}

/// What drifts now, and how.
fn drifting(stage: &Theatre) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (key, how) in stage.drifted() {
        match how {
            Some(how) => drop(all.insert(key, how)),
            None => drop(all.remove(&key)),
        }
    }
    all
}

async fn drifts(stage: &Theatre, keys: &[&str]) {
    eventually(&format!("{keys:?} to drift"), || async {
        drifting(stage).into_keys().eq(keys.iter().copied())
    })
    .await;
}

/// Runs, mirrors what there is, and listens to the destination.
async fn watching(stage: &Theatre) -> Running {
    let running = stage.run();
    stage.mirrored().await;
    eventually("the destination to be watched", || async {
        stage.destination.watches() > 0
    })
    .await;
    running
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_change_is_said_and_kept_until_the_source_changes() {
    let stage = theatre("rules");
    for key in ["plain/a", "plain/b", "first/c", "plain/d"] {
        stage.put(key, "1");
    }
    let running = watching(&stage).await;
    intrude(&stage, "plain/a", "2");
    remove(&stage, "first/c");
    // Nobody's business.
    intrude(&stage, "plain/own", "2");
    drifts(&stage, &["first/c", "plain/a"]).await;
    let how = drifting(&stage);
    let kept = "it is left so until the source changes (policy `drift`)";
    assert_eq!(how["plain/a"], format!("its value is another one; {kept}"));
    assert_eq!(how["first/c"], format!("it is gone; {kept}"));
    assert_eq!(there(&stage, "plain/a").as_deref(), Some("2"));
    assert_eq!(there(&stage, "first/c"), None);
    // Another change of the same key is said once more.
    let said = stage.drifted().len();
    intrude(&stage, "plain/a", "3");
    eventually("the other change to be said", || async {
        stage.drifted().len() > said
    })
    .await;
    // The source changes; and somebody puts the other back.
    stage.put("plain/a", "4");
    intrude(&stage, "first/c", "1");
    drifts(&stage, &[]).await;
    assert_eq!(there(&stage, "plain/a").as_deref(), Some("4"));
    // One that drifts and is deleted at the source.
    intrude(&stage, "plain/d", "2");
    drifts(&stage, &["plain/d"]).await;
    stage.delete("plain/d");
    drifts(&stage, &[]).await;
    // It is nobody's business before it is gone here too.
    eventually("the delete", || async {
        there(&stage, "plain/d").is_none()
    })
    .await;
    // What was said ends with the session.
    intrude(&stage, "plain/b", "2");
    drifts(&stage, &["plain/b"]).await;
    running.stop().await;
    assert_eq!(drifting(&stage), BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_change_is_mended_where_that_is_asked_for() {
    let stage = theatre("mend");
    for key in ["plain/a", "plain/b", "first/c"] {
        stage.put(key, "1");
    }
    let running = watching(&stage).await;
    intrude(&stage, "plain/a", "2");
    remove(&stage, "plain/b");
    remove(&stage, "first/c");
    stage.mirrored().await;
    intrude(&stage, "plain/own", "2");
    // What the source changes meanwhile comes after it.
    stage.put("plain/a", "3");
    eventually("the newer value", || async {
        there(&stage, "plain/a").as_deref() == Some("3")
    })
    .await;
    stage.checkpointed().await;
    running.stop().await;
    assert_eq!(there(&stage, "plain/own").as_deref(), Some("2"));
    assert_eq!(drifting(&stage), BTreeMap::new());
    let writes = stage.writes();
    let count = |write: &str| writes.iter().filter(|own| *own == write).count();
    assert_eq!(count("plain/a=1"), 2, "{writes:?}");
    assert_eq!(count("plain/b=1"), 2, "{writes:?}");
    assert_eq!(count("first/c=1"), 2, "{writes:?}");
    // All of it is known: nothing is written again.
    let summary = stage.once().await;
    assert_eq!(summary.puts, 0);
}

/// Writes of our own come back through the watch before, with or long after
/// their answers, or without any.
#[tokio::test(flavor = "multi_thread")]
async fn our_own_writes_are_never_taken_for_somebody_elses() {
    for digest in ["rules", "mend"] {
        let stage = theatre(digest);
        stage.put("namespaces/one", "pick on");
        let running = watching(&stage).await;
        let faults = [Fault::AnswerLost, Fault::ArrivesLate, Fault::RequestLost];
        for round in 0..20 {
            stage.destination.script(faults);
            for n in 0..200 {
                stage.put(&format!("plain/{n}"), &round.to_string());
                if n % 10 == 0 {
                    stage.put(&format!("first/{n}"), &round.to_string());
                    stage.put(&format!("config/one/{n}"), &round.to_string());
                }
            }
            if round % 5 == 4 {
                // What depends on it goes, and comes back as it was.
                stage.put("namespaces/one", "pick");
                stage.put("namespaces/one", "pick on");
                stage.delete(&format!("plain/{round}"));
            }
        }
        stage.mirrored().await;
        stage.checkpointed().await;
        let written = stage.writes().len();
        // Whatever is to be looked at has been: this comes after all of it.
        intrude(&stage, "plain/199", "2");
        match digest {
            "mend" => stage.mirrored().await,
            _ => drifts(&stage, &["plain/199"]).await,
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        running.stop().await;
        let said: Vec<String> = stage.drifted().into_iter().map(|(key, _)| key).collect();
        assert!(said.iter().all(|key| key == "plain/199"), "{said:?}");
        let mended = stage.writes().len() - written;
        assert_eq!(mended, usize::from(digest == "mend"));
    }
}

/// A delete that finds nothing is answered with the revision of the last change,
/// which is somebody else's.
#[tokio::test(flavor = "multi_thread")]
async fn a_delete_that_finds_nothing_claims_nobodys_change() {
    let stage = theatre("mend");
    stage.put("plain/a", "1");
    stage.put("plain/gone", "1");
    let mut options = stage.options();
    // The delete is there before anybody looks.
    options.drift_every = Duration::from_millis(500);
    let running = stage.run_with(options);
    stage.mirrored().await;
    eventually("the destination to be watched", || async {
        stage.destination.watches() > 0
    })
    .await;
    stage.checkpointed().await;
    remove(&stage, "plain/gone");
    intrude(&stage, "plain/a", "2");
    stage.delete("plain/gone");
    stage.mirrored().await;
    running.stop().await;
}

/// A write of ours that is under way is none of anybody's business, whatever
/// is there meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_to_be_written_is_not_mended() {
    let stage = theatre("mend");
    stage.put("plain/a", "1");
    stage.put("plain/b", "1");
    let running = watching(&stage).await;
    stage.checkpointed().await;
    stage.destination.set_open(false);
    stage.put("plain/a", "2");
    intrude(&stage, "plain/a", "x");
    // It is looked at before the next can be.
    tokio::time::sleep(Duration::from_millis(200)).await;
    stage.destination.set_open(true);
    stage.mirrored().await;
    running.stop().await;
    let writes = stage.writes();
    assert_eq!(writes.len(), 3, "{writes:?}");
    assert_eq!(writes[2], "plain/a=2");
    assert!(stage.drifted().is_empty());
}

/// Keys under leases end by themselves, and are seen to elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_ends_is_no_drift() {
    let stage = theatre("leases");
    let minute = Some(Duration::from_secs(60));
    stage.source.set_lease(7, minute);
    stage.source.put_leased("/r/plain/a", "1", 7);
    stage.put("plain/b", "1");
    let running = watching(&stage).await;
    remove(&stage, "plain/a");
    intrude(&stage, "plain/b", "2");
    drifts(&stage, &["plain/b"]).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_while_nobody_listens_is_found() {
    let stage = theatre("rules");
    for key in ["plain/a", "plain/b", "plain/c"] {
        stage.put(key, "1");
    }
    let running = watching(&stage).await;
    // History is gone when the watch is to go on.
    let gone = EtcdError::Compacted { compacted: 9 };
    stage.destination.break_watches(&gone);
    intrude(&stage, "plain/a", "2");
    stage.destination.compact();
    drifts(&stage, &["plain/a"]).await;
    // It breaks in a way that loses nothing, or nobody knows what.
    stage
        .destination
        .break_watches(&EtcdError::Unavailable("cut".to_owned()));
    intrude(&stage, "plain/b", "2");
    drifts(&stage, &["plain/a", "plain/b"]).await;
    running.stop().await;
    // And while carry does not run.
    remove(&stage, "plain/c");
    let running = stage.run();
    drifts(&stage, &["plain/a", "plain/b", "plain/c"]).await;
    running.stop().await;
}

/// Something else writes the key each time that it is mended.
#[tokio::test(start_paused = true)]
async fn a_fight_is_fought_less_and_less_often() {
    let stage = theatre("mend");
    stage.put("plain/a", "1");
    let running = watching(&stage).await;
    let begin = tokio::time::Instant::now();
    let mut mended = Vec::new();
    while mended.len() < 6 {
        intrude(&stage, "plain/a", &format!("other {}", mended.len()));
        while there(&stage, "plain/a").as_deref() != Some("1") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        mended.push(begin.elapsed().as_secs());
    }
    assert_eq!(mended, [0, 1, 3, 7, 15, 31]);
    intrude(&stage, "plain/a", "once more");
    drifts(&stage, &["plain/a"]).await;
    let how = drifting(&stage).remove("plain/a").expect("it drifts");
    assert!(
        how.starts_with("its value is another one; it was mended 6 times, and something at the destination changes it each time: it is mended again in "),
        "{how}"
    );
    stage.mirrored().await;
    drifts(&stage, &[]).await;
    running.stop().await;
}

/// What was copied first may be changed while the rest is.
#[tokio::test(flavor = "multi_thread")]
async fn what_happens_during_a_first_copy_is_found() {
    let stage = theatre("rules");
    stage.put("first/a", "1");
    for n in 0..100 {
        stage.put(&format!("plain/{n}"), "1");
    }
    let first = [KeyRange::prefix("/r/first/")];
    let watched = stage.destination.watch(&first, DestRevision(1)).await;
    let mut copied = watched.expect("a watch");
    let running = stage.run();
    copied.next().await.expect("the first is copied");
    // What comes after it waits.
    stage.destination.set_open(false);
    intrude(&stage, "first/a", "2");
    stage.destination.set_open(true);
    drifts(&stage, &["first/a"]).await;
    running.stop().await;
}

/// A run that ends when it has caught up listens to nobody.
#[tokio::test(flavor = "multi_thread")]
async fn what_stood_in_the_way_of_a_run_that_ends_is_gone_at_the_next() {
    let stage = theatre("keep");
    intrude(&stage, "plain/a", "own");
    intrude(&stage, "plain/b", "own");
    for key in ["plain/a", "plain/b", "plain/c"] {
        stage.put(key, "1");
    }
    stage.once().await;
    let values = |stage: &Theatre| ["plain/a", "plain/b", "plain/c"].map(|key| there(stage, key));
    let [own, one] = ["own", "1"].map(|value| Some(value.to_owned()));
    assert_eq!(values(&stage), [own.clone(), own.clone(), one.clone()]);
    remove(&stage, "plain/a");
    stage.once().await;
    assert_eq!(values(&stage), [one.clone(), own, one]);
}
