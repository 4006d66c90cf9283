//! The etcd destination against real etcd: transactions, fences, leadership.

use std::time::Duration;

use carry::destination::election::{Campaign, Election as _, Term};
use carry::destination::etcd::EtcdDestination;
use carry::destination::memory::MemoryDestination;
use carry::destination::prefixed::Prefixed;
use carry::destination::{Destination, Fence, Guard, Op, Outcome};
use carry::etcd::{Endpoint, EtcdError, TransportSettings, connect};
use carry::rules::decide::{KeyMap, KeyRange};

use super::harness::{Etcd, eventually, versions};

const LEADER: &[u8] = b"/carry/test/leader";

async fn destination(etcd: &Etcd) -> EtcdDestination {
    let endpoint = Endpoint::parse(&etcd.url(), false).expect("an endpoint");
    let connection = connect(&TransportSettings::new(vec![endpoint]))
        .await
        .expect("a connection");
    EtcdDestination::new(connection)
}

fn put(key: &str, value: &[u8]) -> Op {
    Op::Put {
        key: key.into(),
        value: value.into(),
    }
}

fn won(campaign: Result<Campaign, EtcdError>) -> Term {
    match campaign {
        Ok(Campaign::Won(term)) => term,
        other => panic!("not won: {other:?}"),
    }
}

/// What etcd and the destination in memory must do alike.
async fn transactions_and_fences<D: Destination + carry::destination::election::Election>(
    destination: &D,
) {
    let ttl = Duration::from_secs(5);
    let first = won(destination.campaign(LEADER, b"first", ttl).await);
    let again = won(destination.campaign(LEADER, b"first", ttl).await);
    assert_eq!(again.fence.create_revision, first.fence.create_revision);
    let lost = destination.campaign(LEADER, b"second", ttl).await;
    assert!(matches!(lost, Ok(Campaign::Lost(leader)) if leader.holder == b"first"));

    let term = Term {
        fence: again.fence.clone(),
        ..first
    };
    let ops = [
        put("/r/a", b"1"),
        put("/r/b", b"2"),
        Op::Delete {
            key: b"/r/none".to_vec(),
        },
    ];
    let applied = destination.commit(&term.fence, &[], &ops).await;
    assert!(matches!(applied, Ok(Outcome::Applied(_))), "{applied:?}");
    assert_eq!(destination.get(b"/r/a").await, Ok(Some(b"1".to_vec())));
    let range = KeyRange::prefix("/r/");
    assert_eq!(destination.count(&range).await, Ok(2));
    let (page, more) = destination.list(&range, 1).await.expect("a page");
    assert_eq!(
        (page, more),
        (vec![(b"/r/a".to_vec(), b"1".to_vec())], true)
    );

    let renewed = destination
        .renew_fence(&term)
        .await
        .expect("an answer")
        .expect("still ours");
    assert_ne!(renewed.mod_revision, term.fence.mod_revision);
    let late = destination
        .commit(&term.fence, &[], &[put("/r/a", b"late")])
        .await;
    assert_eq!(late, Ok(Outcome::Fenced));
    let revision = destination.status().await.expect("status").revision;
    let gone = [Op::Delete {
        key: b"/r/none".to_vec(),
    }];
    assert!(matches!(
        destination.commit(&renewed, &[], &gone).await,
        Ok(Outcome::Applied(_))
    ));
    assert_eq!(
        destination.status().await.expect("status").revision,
        revision
    );

    guards(destination, &renewed).await;

    let many: Vec<Op> = (0..129)
        .map(|number| put(&format!("/r/{number}"), b"x"))
        .collect();
    assert_eq!(
        destination.commit(&renewed, &[], &many).await,
        Err(EtcdError::TooManyOps)
    );
    let applied = destination.commit(&renewed, &[], &many[..128]).await;
    assert!(
        matches!(applied, Ok(Outcome::Applied(_))),
        "the fence alone does not count: {applied:?}"
    );
    // What is compared counts as operations do.
    let absent = |number: usize| Guard::Absent(format!("/none/{number}").into_bytes());
    let guards: Vec<Guard> = (0..128).map(absent).collect();
    assert_eq!(
        destination.commit(&renewed, &guards, &many[..1]).await,
        Err(EtcdError::TooManyOps)
    );
    let applied = destination
        .commit(&renewed, &guards[..127], &many[..128])
        .await;
    assert!(matches!(applied, Ok(Outcome::Applied(_))), "{applied:?}");
    let large = destination
        .commit(&renewed, &[], &[put("/r/large", &vec![b'x'; 2 << 20])])
        .await;
    assert!(matches!(large, Err(EtcdError::TooLarge(_))), "{large:?}");

    let term = Term {
        fence: renewed.clone(),
        ..term
    };
    assert_eq!(destination.keep_alive(term.lease).await, Ok(true));
    destination.resign(&term).await.expect("resigned");
    assert_eq!(destination.keep_alive(term.lease).await, Ok(false));
    assert_eq!(destination.renew_fence(&term).await, Ok(None));
    assert_eq!(
        destination.commit(&renewed, &[], &gone).await,
        Ok(Outcome::Fenced)
    );
}

/// What a transaction relies on is told from a fence that is gone.
async fn guards<D: Destination>(destination: &D, fence: &Fence) {
    let there = destination.look(b"/r/a").await.expect("an answer");
    let there = there.expect("a key");
    let b = destination.look(b"/r/b").await.expect("an answer");
    assert_eq!(b.expect("a key").create_revision, there.create_revision);
    assert_eq!(destination.look(b"/r/none").await, Ok(None));
    let page = destination.entries(&KeyRange::prefix("/r/"), 1).await;
    assert_eq!(page, Ok((vec![(b"/r/a".to_vec(), there.clone())], true)));

    let key = || b"/r/a".to_vec();
    let unchanged = |mod_revision| Guard::Unchanged {
        key: key(),
        mod_revision,
    };
    let lives = |create_revision| Guard::Lives {
        key: key(),
        create_revision,
    };
    let none_newer = |prefix: &str, revision| Guard::NoneNewer {
        range: KeyRange::prefix(prefix),
        revision,
    };
    let so = [
        Guard::Absent(b"/r/none".to_vec()),
        unchanged(there.mod_revision),
        lives(there.create_revision),
        none_newer("/r/", there.mod_revision),
        none_newer("/r/none", 0),
    ];
    let not = [
        Guard::Absent(key()),
        unchanged(there.mod_revision - 1),
        lives(there.create_revision - 1),
        none_newer("/r/", there.mod_revision - 1),
    ];
    for one in not {
        let guards = [&so[..], &[one]].concat();
        let unmet = destination
            .commit(fence, &guards, &[put("/r/a", b"unmet")])
            .await;
        assert_eq!(unmet, Ok(Outcome::Unmet));
    }
    assert_eq!(destination.get(b"/r/a").await, Ok(Some(b"1".to_vec())));
    let gone = Fence {
        mod_revision: fence.mod_revision - 1,
        ..fence.clone()
    };
    let fenced = destination.commit(&gone, &so, &[put("/r/a", b"2")]).await;
    assert_eq!(fenced, Ok(Outcome::Fenced));
    let applied = destination.commit(fence, &so, &[put("/r/a", b"2")]).await;
    assert!(matches!(applied, Ok(Outcome::Applied(_))), "{applied:?}");
    let after = destination.look(b"/r/a").await.expect("an answer");
    let after = after.expect("a key");
    assert_eq!(after.create_revision, there.create_revision);
    assert!(after.mod_revision > there.mod_revision);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory() {
    transactions_and_fences(&MemoryDestination::new(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_another_prefix() {
    let map = KeyMap::new("/r", "/another");
    let destination = Prefixed::new(MemoryDestination::new(1), map);
    transactions_and_fences(&destination).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn etcd() {
    for version in versions("the destination against real etcd") {
        let etcd = Etcd::plain(version);
        transactions_and_fences(&destination(&etcd).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leadership_ends_with_its_lease_or_by_eviction() {
    for version in versions("leadership against real etcd") {
        let etcd = Etcd::plain(version);
        let destination = destination(&etcd).await;
        let ttl = Duration::from_secs(1);
        let term = won(destination.campaign(LEADER, b"dead", ttl).await);
        eventually("the lease to end", || async {
            etcd.get(LEADER).await.is_none()
        })
        .await;
        assert_eq!(destination.renew_fence(&term).await, Ok(None));
        won(destination
            .campaign(LEADER, b"dead too", Duration::from_secs(60))
            .await);
        let Ok(Campaign::Lost(leader)) = destination.campaign(LEADER, b"new", ttl).await else {
            panic!("the key is taken");
        };
        assert!(leader.left > Some(Duration::from_secs(50)), "{leader:?}");
        destination.evict(LEADER, &leader).await.expect("evicted");
        won(destination.campaign(LEADER, b"new", ttl).await);
    }
}

/// Beside a mark nobody leads, not even who has led before.
#[tokio::test]
async fn nobody_leads_beside_a_mark() {
    let destination = MemoryDestination::new(1);
    let ttl = Duration::from_secs(5);
    let first = won(destination.campaign(LEADER, b"first", ttl).await);
    destination.resign(&first).await.expect("resigned");
    destination.put(b"/carry/test/promoted", b"a mark");
    for holder in [&b"first"[..], b"second"] {
        let refused = destination.campaign(LEADER, holder, ttl).await;
        assert!(matches!(refused, Ok(Campaign::Promoted(mark)) if mark == b"a mark"));
    }
    assert!(destination.contents(LEADER).is_empty());
    let late = destination
        .commit(&first.fence, &[], &[put("/r/a", b"1")])
        .await;
    assert_eq!(late.expect("an answer"), Outcome::Fenced);
    // Of another name.
    won(destination
        .campaign(b"/carry/other/leader", b"first", ttl)
        .await);
}
