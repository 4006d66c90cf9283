//! One process of carry: it can be killed at any of its calls to the outside
//! world, and paused as by SIGSTOP.
//!
//! A dead one has no effect any more: its calls never return. What it has sent
//! before may still arrive.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use carry::metrics::Phase;
use carry::mirror::Report;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::stage::Stage;

/// What a killed process unwinds with.
struct Killed;

pub struct Life {
    pub id: u32,
    /// Calls until it dies; negative for never.
    left: AtomicI64,
    dead: CancellationToken,
    paused: AtomicBool,
    goes_on: Notify,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    said: Said,
}

/// What a process says of keys.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub held: BTreeSet<String>,
    /// Others have something else there, which stays.
    pub kept: BTreeSet<String>,
    pub drifting: BTreeSet<String>,
}

impl Life {
    pub fn new(id: u32) -> Life {
        Life {
            id,
            left: AtomicI64::new(-1),
            dead: CancellationToken::new(),
            paused: AtomicBool::new(false),
            goes_on: Notify::new(),
            state: Mutex::new(State {
                phase: Phase::Starting,
                said: Said::default(),
            }),
        }
    }

    /// It dies at the call after so many more.
    pub fn dies_after(&self, calls: i64) {
        match calls {
            0 => self.kill(),
            calls => self.left.store(calls, Ordering::SeqCst),
        }
    }

    /// The same, unless it is to die anyway.
    pub fn dies_soon(&self, calls: u64) {
        if self.left.load(Ordering::SeqCst) < 0 {
            self.dies_after(calls.cast_signed());
        }
    }

    /// Nobody wants it to die any more.
    pub fn spare(&self) {
        self.left.store(-1, Ordering::SeqCst);
    }

    pub fn kill(&self) {
        self.dead.cancel();
    }

    pub async fn died(&self) {
        self.dead.cancelled().await;
    }

    pub fn is_dead(&self) -> bool {
        self.dead.is_cancelled()
    }

    pub fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::SeqCst);
        if !paused {
            self.goes_on.notify_waiters();
        }
    }

    /// Waits while it is paused; for ever once it is dead.
    pub async fn goes_on(&self) {
        while self.paused.load(Ordering::SeqCst) {
            self.goes_on.notified().await;
        }
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
    }

    /// Counts a call; true if it is the one at which it dies.
    pub fn is_last_call(&self) -> bool {
        let left = self.left.load(Ordering::SeqCst);
        if left > 0 {
            self.left.store(left - 1, Ordering::SeqCst);
        }
        if left == 1 {
            self.kill();
        }
        left == 1
    }

    /// Ends a call that cannot wait.
    pub fn unwind(&self) -> ! {
        std::panic::resume_unwind(Box::new(Killed))
    }

    pub fn phase(&self) -> Phase {
        self.state.lock().expect("no panic").phase
    }

    pub fn said(&self) -> Said {
        self.state.lock().expect("no panic").said.clone()
    }
}

/// Shared with the engine that it tells about.
pub struct Told(pub Arc<Stage>, pub Arc<Life>);

impl Report for Told {
    fn phase(&self, phase: Phase) {
        self.1.state.lock().expect("no panic").phase = phase;
        self.0.witness().has_phase(self.1.id, phase);
    }
    fn ready(&self, reason: Option<&str>) {
        // It begins again, and does not follow the source for a while.
        if reason.is_some() {
            self.phase(Phase::Starting);
        }
    }
    fn saw_source(&self, _: i64) {}
    fn applied(&self, _: i64) {}
    fn progressed(&self) {}
    fn hold(&self, key: &[u8], _: &str) {
        let key = String::from_utf8_lossy(key).into_owned();
        let id = self.1.id;
        self.0
            .witness()
            .note(format_args!("process {id} holds {key}"));
        self.0.witness().holds(id, &key);
        let mut state = self.1.state.lock().expect("no panic");
        state.said.held.insert(key);
    }
    fn release(&self, key: &[u8]) {
        let key = String::from_utf8_lossy(key).into_owned();
        let id = self.1.id;
        self.0
            .witness()
            .note(format_args!("process {id} releases {key}"));
        self.0.witness().releases(id, &key);
        let mut state = self.1.state.lock().expect("no panic");
        state.said.held.remove(&key);
    }
    fn keep(&self, key: &[u8]) {
        let key = String::from_utf8_lossy(key).into_owned();
        let id = self.1.id;
        self.0
            .witness()
            .note(format_args!("process {id} leaves {key} to others"));
        let mut state = self.1.state.lock().expect("no panic");
        state.said.kept.insert(key);
    }
    fn unkeep(&self, key: &[u8]) {
        let key = String::from_utf8_lossy(key).into_owned();
        let id = self.1.id;
        self.0
            .witness()
            .note(format_args!("process {id} leaves {key} to others no more"));
        let mut state = self.1.state.lock().expect("no panic");
        state.said.kept.remove(&key);
    }
    fn drift(&self, key: &[u8], how: Option<&str>) {
        let key = String::from_utf8_lossy(key).into_owned();
        let (id, word) = (self.1.id, how.unwrap_or("it is as it should be"));
        self.0
            .witness()
            .note(format_args!("process {id} says of {key}: {word}"));
        let mut state = self.1.state.lock().expect("no panic");
        match how {
            Some(_) => drop(state.said.drifting.insert(key)),
            None => drop(state.said.drifting.remove(&key)),
        }
    }
}
