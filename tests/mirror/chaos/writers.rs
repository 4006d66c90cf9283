//! Tasks that write beside the test until they are told to stop.
//!
//! Promises that they all have ended when they are stopped, and that one which
//! has failed fails the test then. Deliberately does not know what they write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::task::JoinSet;

/// Running writers.
#[derive(Default)]
pub struct Writers {
    signals: Signals,
    tasks: JoinSet<()>,
}

/// What a writer has of the test that runs it.
#[derive(Clone, Default)]
pub struct Signals {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
}

impl Signals {
    /// Whether to end.
    pub fn ended(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// A write was answered.
    pub fn wrote(&self) {
        self.written.fetch_add(1, Ordering::Relaxed);
    }
}

impl Writers {
    /// One more.
    pub fn spawn<F>(&mut self, writer: impl FnOnce(Signals) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(writer(self.signals.clone()));
    }

    /// How many writes were answered.
    pub fn written(&self) -> u64 {
        self.signals.written.load(Ordering::Relaxed)
    }

    /// Ends when every writer has ended; how many writes were answered.
    pub async fn stop(mut self) -> u64 {
        self.signals.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("a writer");
        }
        self.written()
    }
}
