//! What the watch has delivered and nobody has taken yet.
//!
//! Promises to hand out what was put in, in order, and to say when it is full:
//! at most [`MAX_BYTES`] of keys and values (or one event, where that alone is
//! larger). Deliberately in memory alone: whoever fills it waits while it is
//! full, and the source keeps the history meanwhile.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::source::{Change, WatchError, WatchEvent};

/// How much it holds.
pub const MAX_BYTES: usize = 64 << 20;

/// What one change costs beside its key and value.
const CHANGE_OVERHEAD: usize = 96;

/// A bounded queue between the task that reads the watch and the one that
/// applies.
#[derive(Default)]
pub struct Spool {
    state: Mutex<State>,
    filled: Notify,
    emptied: Notify,
}

#[derive(Default)]
struct State {
    events: VecDeque<Result<WatchEvent, WatchError>>,
    bytes: usize,
}

impl Spool {
    /// Waits until there is room. Safe to cancel.
    pub async fn room(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.lock().bytes < MAX_BYTES {
                return;
            }
            emptied.await;
        }
    }

    /// Puts in an event, or why there will be no more.
    pub fn push(&self, event: Result<WatchEvent, WatchError>) {
        let mut state = self.lock();
        state.bytes += size(&event);
        state.events.push_back(event);
        drop(state);
        self.filled.notify_one();
    }

    /// Waits for the oldest event. Safe to cancel; for one task at a time.
    pub async fn next(&self) -> Result<WatchEvent, WatchError> {
        loop {
            let filled = self.filled.notified();
            if let Some(event) = self.take() {
                return event;
            }
            filled.await;
        }
    }

    fn take(&self) -> Option<Result<WatchEvent, WatchError>> {
        let mut state = self.lock();
        let event = state.events.pop_front()?;
        state.bytes -= size(&event);
        drop(state);
        self.emptied.notify_one();
        Some(event)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(event: &Result<WatchEvent, WatchError>) -> usize {
    match event {
        Ok(WatchEvent::Changes(changes)) => changes.iter().map(change_bytes).sum(),
        Ok(WatchEvent::Progress(_)) | Err(_) => 0,
    }
}

/// What one change counts for.
pub fn change_bytes(change: &Change) -> usize {
    change.key.len() + change.value.as_ref().map_or(0, Vec::len) + CHANGE_OVERHEAD
}
