//! The engine with rules that ask for keys under leases: a lease of the
//! destination for each of the source's, renewed, lost and found.

use std::time::Duration;

use carry::destination::LeaseId;
use carry::state::{MemoryStore, StateStore as _};

use super::engine::Theatre;
use super::harness::eventually;

const MINUTE: Duration = Duration::from_secs(60);

fn theatre() -> Theatre {
    let stage = Theatre {
        digest: "leases".to_owned(),
        ..Theatre::new()
    };
    stage.source.set_lease(7, Some(MINUTE));
    stage.source.set_lease(8, Some(Duration::from_secs(30)));
    stage
}

fn put_leased(stage: &Theatre, key: &str, value: &str, lease: i64) {
    stage.source.put_leased(format!("/r/{key}"), value, lease);
}

fn lease_of(stage: &Theatre, key: &str) -> Option<LeaseId> {
    stage.destination.lease_of(format!("/r/{key}").as_bytes())
}

/// Waits until the destination has everything, and two keys under the same
/// lease or not.
async fn together(stage: &Theatre, keys: [&str; 2], same: bool) {
    eventually("the keys to be under their leases", || async {
        let [one, other] = keys.map(|key| lease_of(stage, key));
        stage.is_mirrored() && (one.is_some() && one == other) == same
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leased_keys_are_skipped_unless_asked_for() {
    let stage = Theatre::new();
    put_leased(&stage, "plain/a", "1", 7);
    stage.put("plain/b", "1");
    stage.once().await;
    assert_eq!(stage.writes(), ["plain/b=1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_the_sources_leases_has_one_at_the_destination() {
    let stage = theatre();
    put_leased(&stage, "plain/a", "1", 7);
    put_leased(&stage, "config/one/a", "1", 7);
    put_leased(&stage, "plain/b", "1", 7);
    put_leased(&stage, "first/c", "1", 8);
    stage.put("plain/d", "1");
    stage.put("namespaces/one", "pick on");
    let running = stage.run();
    together(&stage, ["plain/a", "plain/b"], true).await;
    together(&stage, ["plain/a", "config/one/a"], true).await;
    let (seven, eight) = (lease_of(&stage, "plain/a"), lease_of(&stage, "first/c"));
    assert_ne!(seven, eight);
    assert_eq!(lease_of(&stage, "plain/d"), None);
    let ttl = |lease: Option<LeaseId>| stage.destination.ttl_of(lease.expect("a lease"));
    assert_eq!(ttl(seven), Some(MINUTE));
    assert_eq!(ttl(eight), Some(Duration::from_secs(30)));
    // From one lease to another, to none, and from none to one; the values stay.
    put_leased(&stage, "plain/b", "1", 8);
    together(&stage, ["plain/b", "first/c"], true).await;
    stage.put("plain/a", "1");
    eventually("the key to have no lease", || async {
        lease_of(&stage, "plain/a").is_none() && stage.is_mirrored()
    })
    .await;
    put_leased(&stage, "plain/d", "1", 8);
    together(&stage, ["plain/d", "first/c"], true).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_lease_is_gone_already_has_the_shortest() {
    let stage = theatre();
    put_leased(&stage, "plain/a", "1", 9);
    let running = stage.run();
    stage.mirrored().await;
    let lease = lease_of(&stage, "plain/a").expect("a lease");
    let shortest = Some(Duration::from_secs(1));
    assert_eq!(stage.destination.ttl_of(lease), shortest);
    stage.delete("plain/a");
    stage.mirrored().await;
    running.stop().await;
    assert_eq!(stage.destination.renewals(lease), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_renewed_while_the_sources_is() {
    let stage = theatre();
    stage.source.set_lease(7, Some(Duration::from_secs(2)));
    put_leased(&stage, "plain/a", "1", 7);
    let running = stage.run();
    stage.mirrored().await;
    let lease = lease_of(&stage, "plain/a").expect("a lease");
    eventually("the lease to be renewed", || async {
        stage.destination.renewals(lease) >= 2
    })
    .await;
    running.stop().await;
    assert_eq!(stage.writes(), ["plain/a=1"]);
}

/// Nobody is there to renew it.
#[tokio::test(start_paused = true)]
async fn a_lease_is_not_renewed_after_the_end() {
    let stage = theatre();
    put_leased(&stage, "plain/a", "1", 7);
    let running = stage.run();
    stage.mirrored().await;
    let lease = lease_of(&stage, "plain/a").expect("a lease");
    running.stop().await;
    let renewals = stage.destination.renewals(lease);
    tokio::time::sleep(10 * MINUTE).await;
    assert_eq!(stage.destination.renewals(lease), renewals);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_destination_lost_with_a_lease_is_written_again() {
    let stage = theatre();
    stage.source.set_lease(7, Some(Duration::from_secs(2)));
    put_leased(&stage, "plain/a", "1", 7);
    put_leased(&stage, "plain/b", "1", 7);
    put_leased(&stage, "plain/c", "1", 8);
    let running = stage.run();
    stage.mirrored().await;
    let lease = lease_of(&stage, "plain/a").expect("a lease");
    stage.destination.expire_lease(lease);
    assert!(!stage.is_mirrored());
    // Found by the one who renews it.
    together(&stage, ["plain/a", "plain/b"], true).await;
    stage.checkpointed().await;
    stage.destination.expire_lease(lease);
    // Found by the next write under it.
    put_leased(&stage, "plain/b", "2", 7);
    together(&stage, ["plain/a", "plain/b"], true).await;
    running.stop().await;
    let written = |name: &str| stage.writes().iter().filter(|own| *own == name).count();
    assert_eq!(written("plain/c=1"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_while_no_carry_runs_is_found_at_the_next_start() {
    let stage = theatre();
    put_leased(&stage, "plain/a", "1", 7);
    put_leased(&stage, "plain/b", "1", 8);
    stage.put("plain/c", "1");
    let running = stage.run();
    stage.mirrored().await;
    stage.checkpointed().await;
    running.kill().await;
    let before = stage.writes().len();
    let running = stage.run();
    stage.checkpointed().await;
    let seven = lease_of(&stage, "plain/a").expect("a lease");
    running.kill().await;
    assert_eq!(stage.writes().len(), before, "all was right");
    stage.destination.expire_lease(seven);
    let running = stage.run();
    stage.mirrored().await;
    assert_eq!(
        lease_of(&stage, "plain/a"),
        Some(seven),
        "the same id as before"
    );
    assert_eq!(stage.writes()[before..], ["plain/a=1"]);
    stage.checkpointed().await;
    running.kill().await;
    // The value stays, the lease does not.
    stage.put("plain/a", "1");
    put_leased(&stage, "plain/c", "1", 8);
    let running = stage.run();
    together(&stage, ["plain/b", "plain/c"], true).await;
    eventually("the key to have no lease", || async {
        lease_of(&stage, "plain/a").is_none()
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_ledger_an_equal_value_is_not_enough() {
    let mut stage = theatre();
    put_leased(&stage, "plain/a", "1", 7);
    put_leased(&stage, "plain/b", "1", 7);
    put_leased(&stage, "plain/c", "1", 8);
    let running = stage.run();
    stage.mirrored().await;
    stage.checkpointed().await;
    running.kill().await;
    stage.store = MemoryStore::default();
    stage.destination.put(b"/r/plain/a", b"1");
    stage.put("plain/c", "1");
    let running = stage.run();
    together(&stage, ["plain/a", "plain/b"], true).await;
    eventually("the key to have no lease", || async {
        lease_of(&stage, "plain/c").is_none()
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_rules_that_do_not_ask_a_leased_key_is_retired() {
    let mut stage = theatre();
    stage.source.set_lease(7, Some(Duration::from_secs(2)));
    put_leased(&stage, "plain/a", "1", 7);
    stage.once().await;
    let entry = |stage: &Theatre| stage.store.get(b"/r/plain/a").expect("memory");
    let known = entry(&stage).expect("ours");
    assert_eq!((known.lease, known.retired), (7, false));
    stage.digest = "rules".to_owned();
    stage.once().await;
    assert!(entry(&stage).is_some_and(|entry| entry.retired));
    stage.digest = "leases".to_owned();
    stage.destination.expire_leases();
    let running = stage.run();
    stage.mirrored().await;
    running.stop().await;
    let known = entry(&stage).expect("ours");
    assert_eq!((known.lease, known.retired), (7, false));
}
