//! What still runs when a command is done.
//!
//! Promises that what is local is closed before the process ends: a database that
//! is still being closed then brings it down. Deliberately waits for nobody who
//! waits for somebody else: a KMS plugin, a name server.

use std::time::Duration;

use tokio::runtime::Runtime;

/// Nothing that is local takes so long.
const LONGEST: Duration = Duration::from_secs(1);

/// Ends all tasks, and waits until what they held is dropped.
pub fn end(runtime: Runtime) {
    runtime.shutdown_timeout(LONGEST);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;
    use std::time::Instant;

    use super::*;

    /// As a database: it takes a while to close.
    struct Slow(Arc<AtomicBool>);

    impl Drop for Slow {
        fn drop(&mut self) {
            std::thread::sleep(Duration::from_millis(100));
            self.0.store(true, Ordering::SeqCst);
        }
    }

    fn runtime() -> Runtime {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.worker_threads(2).build().expect("a runtime")
    }

    #[test]
    fn what_tasks_hold_is_dropped_before() {
        let (runtime, is_closed) = (runtime(), Arc::new(AtomicBool::new(false)));
        let held = Slow(is_closed.clone());
        runtime.spawn(async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        end(runtime);
        assert!(is_closed.load(Ordering::SeqCst));
    }

    #[test]
    fn who_waits_for_others_is_not_waited_for() {
        let runtime = runtime();
        let (answer, waits) = mpsc::channel::<()>();
        let (told, began) = mpsc::channel();
        runtime.spawn(async move {
            told.send(()).expect("the test listens");
            tokio::task::block_in_place(|| waits.recv())
        });
        began.recv().expect("it runs");
        let since = Instant::now();
        end(runtime);
        assert!(since.elapsed() < LONGEST * 10, "{:?}", since.elapsed());
        drop(answer);
    }
}
