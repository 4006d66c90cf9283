//! Everything that happens in an etcd, in order, seen by a watch that is carried
//! on across whatever the test does to the server.
//!
//! Promises to see every revision, but for what was compacted before, where that
//! is allowed. Deliberately remembers no values: only which write of the load
//! each of them was.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use etcd_client::proto::PbEvent;
use etcd_client::{WatchOptions, WatchStream};
use tokio::task::JoinHandle;

use super::access::{ATTEMPT, Access};
use super::values::write_of;

/// A running watch.
pub struct History {
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    /// Whether something may be compacted before it was seen.
    has_gaps: bool,
    /// Up to here everything was seen.
    revision: i64,
    newest: HashMap<String, u64>,
    backwards: Vec<String>,
}

impl History {
    /// From now on.
    pub async fn of(etcd: &Access) -> History {
        History::begin(etcd, false).await
    }

    /// From now on, of an etcd that is compacted now and then.
    pub async fn with_gaps(etcd: &Access) -> History {
        History::begin(etcd, true).await
    }

    async fn begin(etcd: &Access, has_gaps: bool) -> History {
        let state = Arc::new(Mutex::new(State {
            has_gaps,
            revision: etcd.revision().await,
            ..State::default()
        }));
        let task = tokio::spawn(follow(etcd.clone(), state.clone()));
        History { state, task }
    }

    /// Waits until all of `revision` was seen; what went back to an older
    /// value since the beginning, in words.
    pub async fn backwards(&self, revision: i64) -> Vec<String> {
        let begin = Instant::now();
        while self.state().revision < revision {
            assert!(
                begin.elapsed() < Duration::from_secs(60),
                "the test's own watch hangs"
            );
            assert!(!self.task.is_finished(), "the test's own watch has ended");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.state().backwards.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("history")
    }
}

impl Drop for History {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow(etcd: Access, state: Arc<Mutex<State>>) {
    loop {
        let from = state.lock().expect("history").revision + 1;
        if let Some(mut stream) = open(&etcd, from).await {
            while receive(&mut stream, &state).await {}
        }
        etcd.give_up();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn open(etcd: &Access, from: i64) -> Option<WatchStream> {
    let mut client = etcd.client().await?.watch_client();
    let options = WatchOptions::new()
        .with_from_key()
        .with_start_revision(from)
        .with_progress_notify();
    let open = client.watch([0], Some(options));
    tokio::time::timeout(ATTEMPT, open).await.ok()?.ok()
}

/// Whether the stream goes on.
async fn receive(stream: &mut WatchStream, state: &Mutex<State>) -> bool {
    // A member that is stopped says nothing for ever: look elsewhere.
    let message = match tokio::time::timeout(ATTEMPT, stream.message()).await {
        Ok(Ok(Some(message))) => message.0,
        _ => return false,
    };
    let mut state = state.lock().expect("history");
    if message.compact_revision > 0 {
        assert!(
            state.has_gaps,
            "the history of the destination was compacted before the test had seen it"
        );
        state.revision = state.revision.max(message.compact_revision);
    }
    if message.canceled {
        return false;
    }
    for event in message.events {
        state.take(event);
    }
    true
}

impl State {
    fn take(&mut self, event: PbEvent) {
        let Some(kv) = event.kv else { return };
        self.revision = kv.mod_revision;
        let key = String::from_utf8_lossy(&kv.key).into_owned();
        if let Some(write) = write_of(&kv.value) {
            let newest = self.newest.entry(key.clone()).or_default();
            if *newest > write {
                self.backwards.push(format!(
                    "`{key}` went back from write {newest} to {write} at revision {}",
                    kv.mod_revision
                ));
            }
            *newest = write.max(*newest);
        }
    }
}
