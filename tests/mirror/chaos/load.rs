//! Writers at the source: random changes of a small Kubernetes cluster, most of
//! them to keys that no rule selects.
//!
//! Promises that for one key the numbers in the values only ever grow, whatever
//! becomes of an attempt. To compare the revision that was seen, as a
//! kube-apiserver does, is not enough for that: a write that a stopped member
//! still has before it, and that is made when that one goes on, finds a key
//! absent that was written and deleted since. So each writer has a fence, and
//! renews it once it does not know what became of a write. Deliberately does not
//! know what the source holds in the end; that is read from the source.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use etcd_client::{Compare, CompareOp, Txn, TxnOp};
use tokio::time::{MissedTickBehavior, interval};

use super::access::Access;
use super::random::Random;
use super::values;
use super::writers::{Signals, Writers};

/// How many write beside each other; each has namespaces of its own.
const WRITERS: usize = 4;

/// Between two writes of one writer.
const PACE: Duration = Duration::from_millis(12);

/// Begins to write. `numbers` gives each write its number; whoever goes on with
/// the same source hands in the same.
pub fn start(source: &Access, random: &Random, numbers: &Arc<AtomicU64>) -> Writers {
    let mut running = Writers::default();
    for at in 0..WRITERS {
        let from = numbers.load(Ordering::Relaxed);
        let writer = Writer {
            at,
            source: Access::clone(source),
            random: random.fork(&format!("writer {at} from {from}")),
            numbers: numbers.clone(),
            fence: None,
            seen: HashMap::new(),
        };
        running.spawn(|signals| writer.run(signals));
    }
    running
}

/// Puts one of everything, so that there is something to begin with.
pub async fn furnish(source: &Access, numbers: &Arc<AtomicU64>) {
    for at in 0..WRITERS {
        let mut writer = Writer {
            at,
            source: source.clone(),
            random: Random::new(at as u64),
            numbers: numbers.clone(),
            fence: None,
            seen: HashMap::new(),
        };
        let mut changes = Vec::new();
        for namespace in writer.namespaces() {
            changes.push(writer.relabelled(namespace));
            changes.extend((0..MAPS).map(|name| writer.config_map(namespace, name)));
            changes.extend((0..SECRETS).map(|name| writer.secret(namespace, name)));
        }
        for part in changes.chunks(64) {
            while writer.write(part.to_vec()).await != Some(true) {}
        }
    }
}

const MAPS: usize = 8;
const SECRETS: usize = 4;
const PODS: usize = 20;
const SETTINGS: usize = 6;

type Change = (Vec<u8>, Option<Vec<u8>>);

struct Writer {
    at: usize,
    source: Access,
    random: Random,
    numbers: Arc<AtomicU64>,
    /// The mod_revision of its own key, on which every write depends; nothing
    /// while a write may still be on its way.
    fence: Option<i64>,
    /// The mod_revision of each key, 0 where it is not there; nothing where
    /// that is not known.
    seen: HashMap<Vec<u8>, i64>,
}

impl Writer {
    async fn run(mut self, signals: Signals) {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !signals.ended() {
            pace.tick().await;
            let changes = self.changes();
            match self.write(changes).await {
                Some(true) => signals.wrote(),
                Some(false) => {}
                // Whoever is away needs some time.
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Whether the changes happened; `None` where that is not known.
    async fn write(&mut self, changes: Vec<Change>) -> Option<bool> {
        let own = format!("/others/writers/{}", self.at).into_bytes();
        let fence = match self.fence.take() {
            Some(fence) => fence,
            None => self.renew(&own).await?,
        };
        let mut compares = vec![Compare::mod_revision(own, CompareOp::Equal, fence)];
        for (key, _) in &changes {
            let seen = match self.seen.get(key) {
                Some(seen) => *seen,
                None => self.look(key).await?,
            };
            compares.push(Compare::mod_revision(
                key.as_slice(),
                CompareOp::Equal,
                seen,
            ));
        }
        let ops: Vec<TxnOp> = changes.iter().map(operation).collect();
        // Until it is known what became of them:
        for (key, _) in &changes {
            self.seen.remove(key);
        }
        let answer = self
            .source
            .txn(Txn::new().when(compares).and_then(ops))
            .await?;
        let revision = answer.header().map_or(0, |header| header.revision());
        if answer.succeeded() {
            self.fence = Some(fence);
            for (key, value) in changes {
                self.seen.insert(key, value.map_or(0, |_| revision));
            }
        }
        Some(answer.succeeded())
    }

    /// What was sent before can no longer happen.
    async fn renew(&self, own: &[u8]) -> Option<i64> {
        let put = self
            .source
            .attempt(|mut kv| async move { kv.put(own, "", None).await });
        put.await?.header().map(|header| header.revision())
    }

    async fn look(&mut self, key: &[u8]) -> Option<i64> {
        let answer = self
            .source
            .attempt(|mut kv| async move { kv.get(key, None).await });
        Some(
            answer
                .await?
                .kvs()
                .first()
                .map_or(0, |kv| kv.mod_revision()),
        )
    }

    fn changes(&mut self) -> Vec<Change> {
        let namespace = self.namespaces()[self.random.below(values::NAMESPACES / WRITERS)];
        match self.random.below(100) {
            0..45 => vec![self.unselected(namespace)],
            45..70 => vec![self.some_config_map(namespace)],
            70..82 => vec![self.some_secret(namespace)],
            82..90 => vec![self.some_setting()],
            90..93 => vec![self.relabelled(namespace)],
            _ => self.several(namespace),
        }
    }

    /// A few keys of one namespace, and now and then itself, in one revision.
    fn several(&mut self, namespace: usize) -> Vec<Change> {
        let mut changes = vec![self.some_secret(namespace), self.some_setting()];
        let first = self.random.below(MAPS);
        let count = self.random.between(1, 4) as usize;
        for at in first..first + count {
            let change = self.config_map(namespace, at % MAPS);
            changes.push(self.or_gone(change));
        }
        if self.random.once_in(4) {
            changes.push(self.relabelled(namespace));
        }
        changes
    }

    fn namespaces(&self) -> Vec<usize> {
        (self.at..values::NAMESPACES).step_by(WRITERS).collect()
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// One in five is deleted.
    fn or_gone(&mut self, (key, value): Change) -> Change {
        match self.random.once_in(5) {
            true => (key, None),
            false => (key, value),
        }
    }

    fn some_config_map(&mut self, namespace: usize) -> Change {
        let name = self.random.below(MAPS);
        let change = self.config_map(namespace, name);
        self.or_gone(change)
    }

    fn some_secret(&mut self, namespace: usize) -> Change {
        let name = self.random.below(SECRETS);
        let change = self.secret(namespace, name);
        self.or_gone(change)
    }

    fn some_setting(&mut self) -> Change {
        let (at, name) = (self.at, self.random.below(SETTINGS));
        let value = values::setting(self.random.once_in(2), self.number());
        self.or_gone((format!("/settings/{at}/{name}").into_bytes(), Some(value)))
    }

    fn config_map(&mut self, namespace: usize, name: usize) -> Change {
        let (namespace, name) = (values::namespace(namespace), format!("map-{name}"));
        let key = format!("/registry/configmaps/{namespace}/{name}");
        let (mirrored, filling) = (self.random.once_in(6), self.random.below(1500));
        let value = values::config_map(&namespace, &name, mirrored, filling, self.number());
        (key.into_bytes(), Some(value))
    }

    fn secret(&mut self, namespace: usize, name: usize) -> Change {
        let (namespace, name) = (values::namespace(namespace), format!("secret-{name}"));
        let key = format!("/registry/secrets/{namespace}/{name}");
        let value = values::secret(&namespace, &name, self.number());
        (key.into_bytes(), Some(value))
    }

    fn relabelled(&mut self, namespace: usize) -> Change {
        let name = values::namespace(namespace);
        let team = *self.random.pick(&values::TEAMS);
        let key = values::namespace_key(&name);
        let value = values::namespace_value(&name, team, self.number());
        (key.into_bytes(), Some(value))
    }

    /// A Pod's status, a heartbeat's time: what makes most writes of a cluster.
    fn unselected(&mut self, namespace: usize) -> Change {
        let (namespace, name) = (values::namespace(namespace), self.random.below(PODS));
        let (key, value) = match self.random.once_in(3) {
            true => {
                let key = format!("/others/{namespace}/{name}");
                (key, values::setting(true, self.number()))
            }
            false => {
                let name = format!("web-{name}");
                let key = format!("/registry/pods/{namespace}/{name}");
                (key, values::pod(&namespace, &name, self.number()))
            }
        };
        self.or_gone((key.into_bytes(), Some(value)))
    }
}

fn operation((key, value): &Change) -> TxnOp {
    match value {
        Some(value) => TxnOp::put(key.as_slice(), value.as_slice(), None),
        None => TxnOp::delete(key.as_slice(), None),
    }
}
