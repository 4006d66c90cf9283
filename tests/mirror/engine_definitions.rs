//! Definitions that lose a version: the engine, with carry's own rules, over two
//! sides in memory.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use carry::destination::election::{Campaign, Election, Leader, Term};
use carry::destination::memory::MemoryDestination;
use carry::destination::{
    DestStatus, Destination, Entry, Fence, Guard, LeaseId, Op, Outcome, There, Watch,
};
use carry::etcd::{DestRevision, EtcdError};
use carry::k8s::Keyring;
use carry::metrics::Metrics;
use carry::mirror::{Holder, Mirror, Options, Parts, Standby, World};
use carry::rules::Plan;
use carry::rules::decide::{Judge, KeyRange};
use carry::source::ScriptedSource;
use carry::state::{MemoryStore, StateStore as _};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::engine::Held;
use super::harness::eventually;

const RULES: &str = r#"
filters:
  secondary:
    - name: definitions
      group: apiextensions.k8s.io
      resources: [{kind: CustomResourceDefinition}]
    - name: sites
      group: example.com
      resources: [{kind: Site}]
"#;

const CRD: &str = "/registry/apiextensions.k8s.io/customresourcedefinitions/sites.example.com";
const SITE: &str = "/registry/example.com/sites/red/a";
const OTHER: &str = "/registry/example.com/sites/red/b";

/// A destination in memory whose answers to looks take their time.
struct Far {
    near: MemoryDestination,
    /// In milliseconds.
    delay: AtomicU64,
}

impl Deref for Far {
    type Target = MemoryDestination;

    fn deref(&self) -> &MemoryDestination {
        &self.near
    }
}

impl Far {
    async fn answer(&self) {
        let delay = self.delay.load(Ordering::Relaxed);
        if delay > 0 {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
    }
}

impl Destination for Far {
    async fn status(&self) -> Result<DestStatus, EtcdError> {
        let answer = self.near.status().await;
        self.answer().await;
        answer
    }

    async fn commit(
        &self,
        fence: &Fence,
        guards: &[Guard],
        ops: &[Op],
    ) -> Result<Outcome, EtcdError> {
        self.near.commit(fence, guards, ops).await
    }

    async fn look(&self, key: &[u8]) -> Result<Option<There>, EtcdError> {
        let answer = self.near.look(key).await;
        self.answer().await;
        answer
    }

    async fn entries(
        &self,
        range: &KeyRange,
        limit: usize,
    ) -> Result<(Vec<Entry>, bool), EtcdError> {
        let answer = self.near.entries(range, limit).await;
        self.answer().await;
        answer
    }

    async fn count(&self, range: &KeyRange) -> Result<u64, EtcdError> {
        self.near.count(range).await
    }

    async fn watch(&self, ranges: &[KeyRange], from: DestRevision) -> Result<Watch, EtcdError> {
        self.near.watch(ranges, from).await
    }
}

impl Election for Far {
    async fn campaign(
        &self,
        key: &[u8],
        holder: &[u8],
        ttl: Duration,
    ) -> Result<Campaign, EtcdError> {
        self.near.campaign(key, holder, ttl).await
    }

    async fn keep_alive(&self, lease: LeaseId) -> Result<bool, EtcdError> {
        self.near.keep_alive(lease).await
    }

    async fn renew_fence(&self, term: &Term) -> Result<Option<Fence>, EtcdError> {
        self.near.renew_fence(term).await
    }

    async fn evict(&self, key: &[u8], leader: &Leader) -> Result<(), EtcdError> {
        self.near.evict(key, leader).await
    }

    async fn resign(&self, term: &Term) -> Result<(), EtcdError> {
        self.near.resign(term).await
    }
}

struct Memory;

impl World for Memory {
    type Source = ScriptedSource;
    type Destination = Far;
    type Store = MemoryStore;
    type Judge = Judge;
}

/// Two etcds with a definition of two versions, of which objects may be stored
/// in the older one.
struct Theatre {
    source: ScriptedSource,
    destination: Arc<Far>,
    store: MemoryStore,
    held: Arc<Held>,
    stop: CancellationToken,
}

fn definition(versions: &[&str], stored: &str) -> Vec<u8> {
    let versions: Vec<Value> = versions.iter().map(|name| json!({"name": name})).collect();
    let names = json!({"plural": "sites", "kind": "Site"});
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "sites.example.com", "uid": "definition"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": names, "versions": versions},
        "status": {
            "conditions": [{"type": "Established", "status": "True"}],
            "acceptedNames": names,
            "storedVersions": [stored],
        },
    });
    definition.to_string().into_bytes()
}

fn site(name: &str, version: &str, size: u32) -> Vec<u8> {
    let site = json!({
        "apiVersion": format!("example.com/{version}"),
        "kind": "Site",
        "metadata": {"name": name, "namespace": "red", "uid": name},
        "spec": {"size": size},
    });
    site.to_string().into_bytes()
}

impl Theatre {
    async fn mirroring(standby: Standby) -> Theatre {
        let theatre = Theatre {
            source: ScriptedSource::new(0xa),
            destination: Arc::new(Far {
                near: MemoryDestination::new(0xb),
                delay: AtomicU64::new(0),
            }),
            store: MemoryStore::default(),
            held: Arc::default(),
            stop: CancellationToken::new(),
        };
        let both = definition(&["v1", "v2"], "v1");
        theatre.destination.put(CRD.as_bytes(), &both);
        theatre.source.put(CRD, both);
        theatre.run(standby);
        theatre.checkpointed().await;
        theatre
    }

    fn run(&self, standby: Standby) {
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
        let mut options = Options::new("test", holder);
        options.standby = standby;
        options.checkpoint_every = Duration::from_millis(10);
        options.retry_held_after = Duration::from_millis(10);
        let (held, stop) = (self.held.clone(), self.stop.clone());
        tokio::spawn(Mirror::new(parts, options, held, stop).run());
    }

    async fn checkpointed(&self) {
        let now = self.source.revision().0;
        eventually("the checkpoint to reach the newest revision", || async {
            let checkpoints = self.store.checkpoints().expect("memory");
            matches!(checkpoints.as_slice(), [known] if known.bootstrapped && known.revision >= now)
        })
        .await;
    }

    fn there(&self, key: &str) -> Option<Value> {
        let value = self.destination.contents(key.as_bytes());
        let value = value.into_values().next()?;
        Some(serde_json::from_slice(&value).expect("an object"))
    }

    fn has_version(&self, name: &str) -> bool {
        let definition = self.there(CRD).expect("a definition");
        let versions = definition["spec"]["versions"].as_array();
        let mut versions = versions.expect("versions").iter();
        versions.any(|own| own["name"] == name)
    }
}

impl Drop for Theatre {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The one would be judged by what the other changes.
#[tokio::test(flavor = "multi_thread")]
async fn a_definition_and_its_objects_are_never_in_one_transaction() {
    let theatre = Theatre::mirroring(Standby::Cold).await;
    let newer = definition(&["v2"], "v2");
    let ops = [(CRD, newer), (SITE, site("a", "v1", 1))];
    let ops = ops.map(|(key, value)| (key.as_bytes().to_vec(), Some(value), 0));
    theatre.source.txn(ops);
    theatre.checkpointed().await;
    let held = [CRD, SITE].map(|key| theatre.held.reason(key).is_some());
    let (is_old, is_written) = (theatre.has_version("v1"), theatre.there(SITE).is_some());
    assert_eq!((held[0], held[1]), (is_old, !is_written));
    assert_eq!(is_old, is_written, "the one or the other is held");
    let committed = theatre.destination.committed();
    let together = committed.iter().map(|own| own.ops.len()).max();
    assert_eq!(together, Some(1));
}

/// What comes between the look at the objects and the definition is looked at,
/// too.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_comes_meanwhile_keeps_its_version() {
    for standby in [Standby::Live, Standby::Cold] {
        let theatre = Theatre::mirroring(standby).await;
        theatre.destination.set_open(false);
        theatre.source.put(CRD, definition(&["v2"], "v2"));
        eventually("the definition to be on its way", || async {
            theatre.destination.waiting() == 1
        })
        .await;
        let older = site("b", "v1", 1);
        theatre.destination.put(OTHER.as_bytes(), &older);
        theatre.destination.set_open(true);
        eventually("the definition to be held", || async {
            let reason = theatre.held.reason(CRD);
            reason.is_some_and(|own| own.ends_with("is stored in version `v1`"))
        })
        .await;
        assert!(theatre.has_version("v1"));
        // One that is no longer stored so is in nobody's way, whenever it was
        // written.
        theatre
            .destination
            .put(OTHER.as_bytes(), &site("b", "v2", 1));
        eventually("the definition to arrive", || async {
            !theatre.has_version("v1")
        })
        .await;
    }
}

/// Each of them comes between the look and the definition.
#[tokio::test(start_paused = true)]
async fn objects_that_never_rest_let_a_definition_through() {
    let theatre = Theatre::mirroring(Standby::Live).await;
    theatre.source.put(SITE, site("a", "v2", 0));
    theatre.checkpointed().await;
    theatre.destination.delay.store(10, Ordering::Relaxed);
    theatre.source.put(CRD, definition(&["v2"], "v2"));
    for size in 1..=200 {
        theatre.source.put(SITE, site("a", "v2", size));
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    assert!(!theatre.has_version("v1"));
    theatre.checkpointed().await;
    let there = theatre.there(SITE).expect("an object");
    assert_eq!(there["spec"]["size"], 200);
}
