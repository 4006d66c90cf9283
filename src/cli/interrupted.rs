//! Commands that end by themselves, ended by a signal.
//!
//! Promises that what is shown on the terminal is taken away before. Deliberately
//! finishes nothing: these commands can be run again.

use tokio::signal::unix::{SignalKind, signal};

/// What `work` comes to, unless SIGINT or SIGTERM comes before.
pub async fn unless_interrupted<T, E: From<String>>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let wait = |kind| signal(kind).map_err(|error| format!("cannot wait for signals: {error}"));
    let mut interrupt = wait(SignalKind::interrupt())?;
    let mut terminate = wait(SignalKind::terminate())?;
    // On the heap: what is done is large.
    let mut work = Box::pin(work);
    tokio::select! {
        done = &mut work => done,
        _ = interrupt.recv() => Err("interrupted".to_owned().into()),
        _ = terminate.recv() => Err("interrupted".to_owned().into()),
    }
}
