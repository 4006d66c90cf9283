//! The comparison of `carry verify` over sides in memory: what real etcds do
//! not do on command.

use std::sync::Arc;
use std::time::Duration;

use carry::destination::memory::MemoryDestination;
use carry::etcd::SourceRevision;
use carry::k8s::Keyring;
use carry::metrics::Metrics;
use carry::mirror::{Holder, Options, Parts, Verified, Verify, World};
use carry::rules::Plan;
use carry::rules::decide::Judge;
use carry::source::ScriptedSource;
use carry::state::{LedgerChange, LedgerEntry, MemoryStore, Pair, StateStore as _};

struct Memory;

impl World for Memory {
    type Source = ScriptedSource;
    type Destination = MemoryDestination;
    type Store = MemoryStore;
    type Judge = Judge;
}

const RULES: &str = r#"
filters:
  secondary:
    - name: settings
      keys: ["/settings/**"]
"#;

struct Sides {
    source: ScriptedSource,
    destination: Arc<MemoryDestination>,
    store: MemoryStore,
}

impl Sides {
    /// With a ledger of exactly this pair.
    fn new() -> Sides {
        let sides = Sides {
            source: ScriptedSource::new(0xa),
            destination: Arc::new(MemoryDestination::new(0xb)),
            store: MemoryStore::default(),
        };
        let pair = Pair {
            name: "test".to_owned(),
            source_cluster_id: "a".to_owned(),
            destination_cluster_id: "b".to_owned(),
        };
        sides.store.reset(&pair).expect("reset");
        sides
    }

    /// At both sides and in the ledger.
    fn mirrored(&self, key: &str) {
        let revision = self.source.put(key, "same");
        self.destination.put(key.as_bytes(), b"same");
        self.owned(key, LedgerEntry::new(revision, "settings"));
    }

    fn owned(&self, key: &str, entry: LedgerEntry) {
        let change = LedgerChange {
            key: key.into(),
            entry: Some(entry),
        };
        self.store.apply(&[change]).expect("apply");
    }

    async fn verify(&self, settle: Duration) -> Verified {
        let (_, loaded) = carry::rules::load_bytes("rules.yaml", RULES.into());
        let rules = loaded.rule_set.expect("rules");
        let plan = Plan::compile(&rules, "/registry").0.expect("a plan");
        let parts = Parts::<Memory> {
            source: Arc::new(self.source.clone()),
            destination: self.destination.clone(),
            store: Arc::new(self.store.clone()),
            judge: Arc::new(Judge::new(plan, Keyring::identity())),
            metrics: Metrics::default(),
        };
        let holder = Holder {
            host: "here".to_owned(),
            pid: 1,
            store: None,
            token: "1".to_owned(),
        };
        let verify = Verify {
            examples: 3,
            settle,
            at_a_time: 50,
            lenient: false,
        };
        let options = Options::new("test", holder);
        verify.run(&parts, &options).await.expect("a comparison")
    }
}

fn rule() -> LedgerEntry {
    LedgerEntry::new(SourceRevision(1), "settings")
}

#[tokio::test]
async fn what_the_ledger_has_outside_of_all_ranges_is_extra_too() {
    let sides = Sides::new();
    sides.mirrored("/settings/a");
    sides.owned("/before/x", rule());
    sides.destination.put(b"/before/x", b"left");
    sides.owned("/zoo/gone", rule());
    let kept = LedgerEntry {
        retired: true,
        ..rule()
    };
    sides.owned("/zoo/kept", kept.clone());
    sides.destination.put(b"/zoo/kept", b"kept");
    sides.owned("/settings/kept", kept);
    sides.destination.put(b"/settings/kept", b"kept");
    sides.destination.put(b"/zoo/own", b"the standby's");
    let found = sides.verify(Duration::ZERO).await;
    assert_eq!((found.counts.equal, found.counts.extra), (1, 1));
    assert_eq!(found.examples.extra[0].key, "/before/x");
    assert_eq!(found.retired, 2);
    assert!(!found.equal);
}

#[tokio::test]
async fn only_so_many_are_named_and_all_are_counted() {
    let sides = Sides::new();
    for n in 0..400 {
        match n % 2 {
            0 => sides.mirrored(&format!("/settings/{n:03}")),
            _ => drop(sides.source.put(format!("/settings/{n:03}"), "only here")),
        }
    }
    let found = sides.verify(Duration::ZERO).await;
    assert_eq!((found.counts.equal, found.counts.missing), (200, 200));
    assert_eq!(found.counts.selected, 400);
    let named: Vec<&str> = found
        .examples
        .missing
        .iter()
        .map(|each| &*each.key)
        .collect();
    assert_eq!(named, ["/settings/001", "/settings/003", "/settings/005"]);
}

#[tokio::test]
async fn a_ledger_of_another_pair_says_nothing() {
    let sides = Sides::new();
    sides.mirrored("/settings/a");
    sides.destination.put(b"/settings/b", b"whose?");
    sides.owned("/settings/b", rule());
    assert_eq!(sides.verify(Duration::ZERO).await.counts.extra, 1);
    sides.source.set_cluster_id(0xc);
    let found = sides.verify(Duration::ZERO).await;
    assert!(!found.ledger && found.equal);
    assert_eq!((found.counts.extra, found.unclear), (0, 1));
}

#[tokio::test]
async fn a_leader_whose_checkpoint_stands_still_is_waited_for_once() {
    let sides = Sides::new();
    sides.destination.put(b"/carry/test/leader", b"{}");
    for n in 0..150 {
        sides.source.put(format!("/settings/{n:04}"), "only here");
    }
    let begun = tokio::time::Instant::now();
    let found = sides.verify(Duration::from_secs(4)).await;
    assert_eq!(found.counts.missing, 150);
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(4), "{waited:?}");
    // Not once for each of three batches.
    assert!(waited < Duration::from_secs(10), "{waited:?}");
}

#[tokio::test]
async fn a_checkpoint_that_has_passed_the_key_needs_no_waiting() {
    let sides = Sides::new();
    sides.mirrored("/settings/a");
    let revision = sides.source.put("/settings/b", "only here").0;
    sides.destination.put(b"/carry/test/leader", b"{}");
    let checkpoint = format!(
        r#"{{"sourceClusterId":"a","revision":{revision},"rulesDigest":"","bootstrapped":true}}"#
    );
    sides
        .destination
        .put(b"/carry/test/checkpoint", checkpoint.as_bytes());
    let begun = tokio::time::Instant::now();
    let found = sides.verify(Duration::from_secs(60)).await;
    assert_eq!((found.counts.equal, found.counts.missing), (1, 1));
    assert!(begun.elapsed() < Duration::from_secs(20));
}
