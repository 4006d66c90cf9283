//! The source: a real etcd, and the scripted one that must behave the same.

use std::time::Duration;

use carry::etcd::{EtcdError, SourceRevision};
use carry::metrics::Metrics;
use carry::rules::decide::KeyRange;
use carry::source::{
    Change, EtcdSource, EtcdWatch, ScriptedSource, Source, Watch, WatchError, WatchEvent,
};
use etcd_client::TxnOp;

use super::connect::{plain, to};
use super::harness::{BOUND, Etcd, Options, Version, any_version, eventually, versions};

fn ranges() -> Vec<KeyRange> {
    vec![KeyRange::prefix("/a/"), KeyRange::prefix("/c/")]
}

async fn source(etcd: &Etcd) -> EtcdSource {
    EtcdSource::new(plain(etcd).await, Metrics::default())
}

async fn open(etcd: &Etcd, from: i64) -> EtcdWatch {
    source(etcd)
        .await
        .watch(&ranges(), SourceRevision(from))
        .await
        .expect("watch")
}

async fn next(watch: &mut impl Watch) -> Result<WatchEvent, WatchError> {
    tokio::time::timeout(BOUND, watch.next())
        .await
        .expect("an event in time")
}

/// `key@revision`, or `-key@revision` for a delete.
fn show(change: &Change) -> String {
    let sign = if change.value.is_some() { "" } else { "-" };
    format!(
        "{sign}{}@{}",
        String::from_utf8_lossy(&change.key),
        change.revision
    )
}

/// Changes up to `last` in order; checks that progress keeps behind them.
async fn changes_until(watch: &mut impl Watch, last: i64) -> Vec<Change> {
    let mut all: Vec<Change> = Vec::new();
    while all.last().is_none_or(|change| change.revision.0 < last) {
        match next(watch).await.expect("watch") {
            WatchEvent::Changes(changes) => all.extend(changes),
            WatchEvent::Progress(at) => assert!(at.0 < last, "progress {at} before {last}"),
        }
    }
    assert!(all.is_sorted_by_key(|change| change.revision));
    all
}

/// Asks for progress until everything up to `at` is proven.
async fn progress_to(watch: &mut impl Watch, at: i64) {
    let mut proven = 0;
    while proven < at {
        watch.request_progress().await.expect("request");
        if let WatchEvent::Progress(revision) = next(watch).await.expect("watch") {
            proven = revision.0;
        }
    }
}

#[tokio::test]
async fn lists_in_pages_at_one_revision() {
    for version in versions("mirror::source::lists_in_pages_at_one_revision") {
        let etcd = Etcd::plain(version);
        let item = |n: usize| (format!("/a/{n:04}").into_bytes(), b"old".to_vec());
        let at = SourceRevision(etcd.load((0..250).map(item)).await);
        etcd.put("/a/0000", "new").await;
        etcd.delete("/a/0001").await;
        let leased = etcd.put_leased("/c/leased", "x", 600).await;
        let source = source(&etcd).await;
        let mut range = KeyRange::prefix("/a/");
        let mut seen = 0;
        loop {
            let (items, more) = source.list(&range, at, 100).await.expect("list");
            assert!(
                items
                    .iter()
                    .all(|item| item.value == b"old" && item.lease == 0)
            );
            seen += items.len();
            let Some(last) = items.last().filter(|_| more) else {
                break;
            };
            range.start = [&last.key[..], b"\0"].concat();
        }
        assert_eq!(seen, 250);
        let found = source.get(b"/a/0000").await.expect("get").expect("there");
        assert_eq!(
            (found.value.as_slice(), found.revision.0),
            (&b"new"[..], at.0 + 1)
        );
        assert_eq!(source.get(b"/a/0001").await.expect("get"), None);
        assert_eq!(
            source
                .get(b"/c/leased")
                .await
                .expect("get")
                .expect("there")
                .lease,
            leased
        );
        let status = source.status().await.expect("status");
        assert_eq!(status.revision.0, etcd.revision().await);
        etcd.compact(status.revision.0).await;
        let error = source.list(&range, at, 100).await.expect_err("compacted");
        assert!(matches!(error, EtcdError::Compacted { .. }), "{error:?}");
        let future = SourceRevision(status.revision.0 + 100);
        let error = source.list(&range, future, 100).await.expect_err("future");
        assert_eq!(error, EtcdError::FutureRevision);
    }
}

#[tokio::test]
async fn a_page_too_large_for_one_message_comes_in_parts() {
    let what = "mirror::source::a_page_too_large_for_one_message_comes_in_parts";
    let Some(version) = any_version(what) else {
        return;
    };
    let etcd = Etcd::plain(version);
    for n in 0..80 {
        etcd.put(format!("/a/{n:02}"), vec![n; 1 << 20]).await;
    }
    let source = source(&etcd).await;
    let at = source.status().await.expect("status").revision;
    let (items, more) = source
        .list(&KeyRange::prefix("/a/"), at, 1000)
        .await
        .expect("list");
    assert!(
        more && items.len() > 10 && items.len() < 80,
        "{}",
        items.len()
    );
}

#[tokio::test]
async fn watches_what_is_asked_for_in_order() {
    for version in versions("mirror::source::watches_what_is_asked_for_in_order") {
        let etcd = Etcd::plain(version);
        let first = etcd.put("/a/1", "x").await;
        etcd.put("/b/1", "not asked for").await;
        let mut watch = open(&etcd, first).await;
        let put = |key: &str| TxnOp::put(key, "y", None);
        let txn = etcd.txn(vec![put("/a/2"), put("/b/2"), put("/c/2")]).await;
        etcd.delete("/a/1").await;
        let lease = etcd.put_leased("/c/3", "z", 600).await;
        let last = etcd.put("/d/1", "not asked for").await - 1;
        let changes = changes_until(&mut watch, last).await;
        let shown: Vec<_> = changes.iter().map(show).collect();
        let expected = [
            format!("/a/1@{first}"),
            format!("/a/2@{txn}"),
            format!("/c/2@{txn}"),
            format!("-/a/1@{}", txn + 1),
            format!("/c/3@{last}"),
        ];
        assert_eq!(shown, expected);
        assert_eq!(changes[4].lease, lease);
        progress_to(&mut watch, last + 1).await;
    }
}

/// A revision is never split, and progress never runs ahead, however many
/// requests for it come between.
#[tokio::test]
async fn progress_never_overtakes_changes() {
    for version in versions("mirror::source::progress_never_overtakes_changes") {
        let etcd = Etcd::plain(version);
        let mut watch = open(&etcd, 2).await;
        let value = vec![b'x'; 10_000];
        let items = (0..2_000).map(|n| (format!("/a/{n:05}").into_bytes(), value.clone()));
        let last = tokio::join!(etcd.load(items), async {
            for _ in 0..50 {
                watch.request_progress().await.expect("request");
                tokio::task::yield_now().await;
            }
        })
        .0;
        let (mut delivered, mut count) = (1, 0);
        while delivered < last {
            watch.request_progress().await.expect("request");
            match next(&mut watch).await.expect("watch") {
                WatchEvent::Progress(at) => delivered = at.0.max(delivered),
                WatchEvent::Changes(changes) => {
                    let first = changes.first().expect("not empty").revision.0;
                    assert!(first > delivered, "{first} after {delivered} was proven");
                    delivered = changes.last().expect("not empty").revision.0;
                    count += changes.len();
                    assert_eq!(count % 100, 0, "a revision of 100 keys was split");
                }
            }
        }
        assert_eq!(count, 2_000);
    }
}

#[tokio::test]
async fn a_revision_of_many_megabytes_arrives_whole() {
    for version in versions("mirror::source::a_revision_of_many_megabytes_arrives_whole") {
        let options = Options::new().arg("--max-request-bytes=33554432");
        let etcd = Etcd::start(version, options);
        let mut watch = open(&etcd, 2).await;
        let value = vec![b'x'; 500_000];
        // Small requests, one large revision: etcd copies nothing.
        let put = |n: usize| TxnOp::put(format!("/a/{n:02}"), value.clone(), None);
        let revision = etcd.txn((0..40).map(put).collect()).await;
        let WatchEvent::Changes(changes) = next(&mut watch).await.expect("watch") else {
            panic!("progress before the change");
        };
        assert_eq!(changes.len(), 40);
        assert!(changes.iter().all(|change| change.revision.0 == revision));
        let after = etcd.put("/a/after", "x").await;
        assert_eq!(changes_until(&mut watch, after).await.len(), 1);
    }
}

#[tokio::test]
async fn a_watch_goes_on_after_a_restart() {
    for version in versions("mirror::source::a_watch_goes_on_after_a_restart") {
        let mut etcd = Etcd::plain(version);
        let metrics = Metrics::default();
        let source = EtcdSource::new(plain(&etcd).await, metrics.clone());
        let mut watch = source
            .watch(&ranges(), SourceRevision(2))
            .await
            .expect("watch");
        let mut all = Vec::new();
        for round in 0..3 {
            let before = etcd.put(format!("/a/before-{round}"), "x").await;
            all.extend(changes_until(&mut watch, before).await);
            match round {
                0 => etcd.restart(),
                _ => {
                    etcd.kill();
                    // The watch notices, and finds nobody for a while.
                    let only_progress = async {
                        while let WatchEvent::Progress(_) = watch.next().await.expect("watch") {}
                    };
                    let early = tokio::time::timeout(Duration::from_millis(300), only_progress);
                    assert!(early.await.is_err(), "a change from nobody");
                    etcd.resume();
                }
            }
            let after = etcd.put(format!("/c/after-{round}"), "x").await;
            all.extend(changes_until(&mut watch, after).await);
        }
        let shown: Vec<_> = all.iter().map(show).collect();
        let expected: Vec<_> = (0..3)
            .flat_map(|n| {
                [
                    format!("/a/before-{n}@{}", 2 * n + 2),
                    format!("/c/after-{n}@{}", 2 * n + 3),
                ]
            })
            .collect();
        assert_eq!(shown, expected);
        let reconnects = metrics.encode();
        assert!(
            !reconnects.contains("carry_reconnects_total{side=\"source\"} 0"),
            "{reconnects}"
        );
    }
}

#[tokio::test]
async fn compacted_history_is_told() {
    for version in versions("mirror::source::compacted_history_is_told") {
        let etcd = Etcd::plain(version);
        for n in 0..10 {
            etcd.put("/a/1", n.to_string()).await;
        }
        etcd.compact(8).await;
        let outcome = match source(&etcd)
            .await
            .watch(&ranges(), SourceRevision(3))
            .await
        {
            Ok(mut watch) => next(&mut watch).await,
            Err(error) => Err(error),
        };
        match outcome {
            Err(WatchError::Compacted { compacted }) => assert_eq!(compacted.0, 8),
            other => panic!("{other:?}"),
        }
        // From there on it works.
        let mut watch = open(&etcd, 8).await;
        assert_eq!(changes_until(&mut watch, 11).await.len(), 4);
    }
}

#[tokio::test]
async fn compaction_while_cut_off_ends_the_watch() {
    let what = "mirror::source::compaction_while_cut_off_ends_the_watch";
    let Some(version) = any_version(what) else {
        return;
    };
    let mut etcd = Etcd::plain(version);
    let first = etcd.put("/a/1", "x").await;
    let mut watch = open(&etcd, first).await;
    changes_until(&mut watch, first).await;
    etcd.restart();
    for n in 0..10 {
        etcd.put("/a/1", n.to_string()).await;
    }
    let newest = etcd.revision().await;
    etcd.compact(newest).await;
    let mut event = next(&mut watch).await;
    while let Ok(WatchEvent::Progress(at)) = event {
        assert_eq!(at.0, first);
        event = next(&mut watch).await;
    }
    match event {
        Err(WatchError::Compacted { compacted }) => assert_eq!(compacted.0, newest),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_watch_from_the_future_is_refused() {
    for version in versions("mirror::source::a_watch_from_the_future_is_refused") {
        let etcd = Etcd::plain(version);
        let opened = source(&etcd)
            .await
            .watch(&ranges(), SourceRevision(100))
            .await;
        let expected = EtcdError::Rewound { seen: 99, found: 1 };
        assert!(matches!(opened, Err(WatchError::Etcd(error)) if error == expected));
        // The next revision is not the future.
        open(&etcd, 2).await;
    }
}

#[tokio::test]
async fn another_cluster_at_the_same_address_is_noticed() {
    let what = "mirror::source::another_cluster_at_the_same_address_is_noticed";
    let Some(version) = any_version(what) else {
        return;
    };
    let (mut first, second) = (Etcd::plain(version), Etcd::plain(version));
    second.put("/a/1", "other").await;
    let settings = to(&[first.plain_url(), second.plain_url()]);
    let connection = carry::etcd::connect(&settings).await.expect("connect");
    let source = EtcdSource::new(connection, Metrics::default());
    let mut watch = source
        .watch(&ranges(), SourceRevision(2))
        .await
        .expect("watch");
    first.kill();
    let ended = next(&mut watch).await.expect_err("another cluster");
    let WatchError::Etcd(error) = ended else {
        panic!("{ended:?}")
    };
    assert!(matches!(error, EtcdError::OtherCluster { .. }), "{error:?}");
}

#[tokio::test]
async fn next_can_be_cancelled_at_any_time() {
    let what = "mirror::source::next_can_be_cancelled_at_any_time";
    let Some(version) = any_version(what) else {
        return;
    };
    let mut etcd = Etcd::plain(version);
    let mut watch = open(&etcd, 2).await;
    let items = (0..500).map(|n| (format!("/a/{n:03}").into_bytes(), vec![b'x'; 5_000]));
    let last = etcd.load(items).await;
    etcd.restart();
    let mut keys = Vec::new();
    while keys.len() < 500 {
        let soon = tokio::time::timeout(Duration::from_micros(200), watch.next()).await;
        if let Ok(event) = soon
            && let WatchEvent::Changes(changes) = event.expect("watch")
        {
            keys.extend(changes.into_iter().map(|change| change.key));
        }
    }
    assert!(keys.is_sorted() && keys.len() == 500);
    progress_to(&mut watch, last).await;
}

/// etcd 3.5.16, whose answers to requests for progress are proof, or one line
/// that says what is not run.
fn proving(what: &str) -> Option<Version> {
    versions(what)
        .into_iter()
        .find(|version| *version == Version::V3_5_16)
}

/// The value of etcd's own counter of events that it has sent.
fn events_sent(etcd: &Etcd) -> f64 {
    etcd.metric("etcd_debugging_mvcc_events_total")
}

#[tokio::test]
async fn what_is_not_asked_for_is_not_sent() {
    let what = "mirror::source::what_is_not_asked_for_is_not_sent";
    let Some(version) = proving(what) else {
        return;
    };
    let etcd = Etcd::plain(version);
    let mut watch = open(&etcd, 2).await;
    let before = events_sent(&etcd);
    // `/b/` lies between what is asked for.
    let items = (0..1_000).map(|n| (format!("/b/{n:04}").into_bytes(), vec![b'x'; 100]));
    etcd.load(items).await;
    let last = etcd.put("/c/1", "x").await;
    assert_eq!(changes_until(&mut watch, last).await.len(), 1);
    assert_eq!(events_sent(&etcd) - before, 1.0);
    progress_to(&mut watch, last).await;
}

/// Nobody asks for progress here but the watch itself.
#[tokio::test]
async fn a_lone_change_needs_nobody_to_ask_for_progress() {
    let what = "mirror::source::a_lone_change_needs_nobody_to_ask_for_progress";
    let Some(version) = proving(what) else {
        return;
    };
    let etcd = Etcd::plain(version);
    let mut watch = open(&etcd, 2).await;
    for n in 0..20 {
        let at = etcd.put(format!("/a/{n}"), "x").await;
        assert_eq!(changes_until(&mut watch, at).await.len(), 1);
        if n == 10 {
            etcd.put("/b/1", "x").await;
        }
    }
}

/// As many ranges as there are watches allowed, and more; the revisions of one
/// are never mixed up with those of another.
#[tokio::test]
async fn many_ranges_come_in_one_order() {
    let what = "mirror::source::many_ranges_come_in_one_order";
    let Some(version) = proving(what) else {
        return;
    };
    let etcd = Etcd::plain(version);
    for count in [64, 65, 200] {
        let ranges: Vec<KeyRange> = (0..count)
            .map(|n| KeyRange::prefix(format!("/r/{n:03}/")))
            .collect();
        let from = etcd.revision().await + 1;
        let source = source(&etcd).await;
        let watched = source.watch(&ranges, SourceRevision(from)).await;
        let mut watch = watched.expect("watch");
        let mut expected = Vec::new();
        for n in 0..60 {
            let mut keys = [n, (n * 7 + 3) % count, (n * 31 + 5) % count]
                .map(|n| format!("/r/{n:03}/k"))
                .to_vec();
            keys.sort();
            keys.dedup();
            let mut puts: Vec<_> = keys
                .iter()
                .map(|key| TxnOp::put(key.as_str(), "x", None))
                .collect();
            puts.push(TxnOp::put(format!("/r/{n:03}x"), "not asked for", None));
            let at = etcd.txn(puts).await;
            expected.extend(keys.into_iter().map(|key| format!("{key}@{at}")));
        }
        let last = etcd.revision().await;
        let mut changes = changes_until(&mut watch, last).await;
        changes.sort_by(|a, b| (a.revision, &a.key).cmp(&(b.revision, &b.key)));
        assert_eq!(changes.iter().map(show).collect::<Vec<_>>(), expected);
    }
}

/// Far more than may wait for proof, while the other range is silent.
#[tokio::test]
async fn a_history_that_is_too_large_to_wait_arrives_too() {
    let what = "mirror::source::a_history_that_is_too_large_to_wait_arrives_too";
    let Some(version) = proving(what) else {
        return;
    };
    let etcd = Etcd::plain(version);
    let value = vec![b'x'; 1_000_000];
    for n in 0..60 {
        etcd.put(format!("/a/{n:02}"), value.clone()).await;
    }
    let mut watch = open(&etcd, 2).await;
    let changes = changes_until(&mut watch, 61).await;
    assert_eq!(changes.len(), 60);
    progress_to(&mut watch, 61).await;
    // Once that is over, only what is asked for comes again.
    eventually("each range to be watched by itself again", async || {
        let before = events_sent(&etcd);
        etcd.put("/b/1", "x").await;
        events_sent(&etcd) == before
    })
    .await;
    let last = etcd.put("/c/1", "x").await;
    assert_eq!(changes_until(&mut watch, last).await.len(), 1);
}

#[tokio::test]
async fn the_scripted_source_keeps_etcds_rules() {
    let source = ScriptedSource::default();
    assert_eq!(source.revision(), SourceRevision(1));
    let first = source.put("/a/1", "x");
    source.put("/b/1", "x");
    let put = |key: &str| (key.as_bytes().to_vec(), Some(b"y".to_vec()), 0);
    let txn = source.txn([put("/a/2"), put("/c/2"), put("/d/2")]);
    assert_eq!(source.delete("/never"), txn);
    source.delete("/a/1");
    let last = source.put_leased("/c/3", "z", 7);
    let mut watch = source.watch(&ranges(), first).await.expect("watch");
    let changes = changes_until(&mut watch, last.0).await;
    let shown: Vec<_> = changes.iter().map(show).collect();
    assert_eq!(shown, ["/a/1@2", "/a/2@4", "/c/2@4", "-/a/1@5", "/c/3@6"]);
    progress_to(&mut watch, last.0).await;
    source.announce_progress();
    assert_eq!(
        next(&mut watch).await.expect("watch"),
        WatchEvent::Progress(last)
    );
    let all = KeyRange::prefix("/");
    let (items, more) = source.list(&all, txn, 2).await.expect("list");
    assert!(more && items.len() == 2 && items[0].revision == first);
    assert_eq!(
        source.list(&all, last, 10).await.expect("list").0,
        source.items()
    );
    source.compact(last);
    let error = source.list(&all, txn, 2).await.expect_err("compacted");
    assert_eq!(error, EtcdError::Compacted { compacted: last.0 });
    let mut late = source.watch(&ranges(), first).await.expect("watch");
    assert!(matches!(
        next(&mut late).await,
        Err(WatchError::Compacted { .. })
    ));
    source.fail_watches(EtcdError::NoLeader);
    let ended = next(&mut watch).await.expect_err("cut");
    assert!(matches!(ended, WatchError::Etcd(EtcdError::NoLeader)));
    source.fail_next_read(EtcdError::NoLeader);
    assert_eq!(
        source.status().await.expect_err("fault"),
        EtcdError::NoLeader
    );
    assert_eq!(
        source
            .get(b"/c/3")
            .await
            .expect("get")
            .expect("there")
            .lease,
        7
    );
}

#[tokio::test]
async fn a_scripted_watch_waits_for_what_comes() {
    let source = ScriptedSource::default();
    let mut watch = source
        .watch(&ranges(), SourceRevision(2))
        .await
        .expect("watch");
    let writer = source.clone();
    let (event, _) = tokio::join!(next(&mut watch), async move {
        tokio::task::yield_now().await;
        writer.put("/b/1", "not asked for");
        writer.put("/a/1", "x")
    });
    let WatchEvent::Changes(changes) = event.expect("watch") else {
        panic!("progress")
    };
    assert_eq!(changes.iter().map(show).collect::<Vec<_>>(), ["/a/1@3"]);
}
