//! How a mirror tells the world how it is.
//!
//! Promises to be told of every change that people may want to see.
//! Deliberately a trait: who shows it is not the mirror's business.

use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use super::progress::{Progress, Unseen};
use crate::metrics::{Phase, ResyncKind};

/// Addresses of a Service at the source, each with the destination's.
pub type AddressPairs = Vec<(IpAddr, IpAddr)>;

/// Who is told. Every call is short.
pub trait Report: Send + Sync + 'static {
    /// What the mirror is doing.
    fn phase(&self, phase: Phase);
    /// `None` once it has caught up, else why it is not ready.
    fn ready(&self, reason: Option<&str>);
    /// Another one leads, and we wait: who it is.
    fn standing_by(&self, _leader: &str) {}
    /// The loop goes round, whether or not there is anything to do; at least
    /// every second.
    fn alive(&self) {}
    /// Everything is listed and compared, for this reason.
    fn resync(&self, _kind: ResyncKind, _reason: &str, _at: i64) {}
    /// The rules with this digest are in use.
    fn rules(&self, _digest: &str) {}
    /// The newest revision seen of the source.
    fn saw_source(&self, revision: i64);
    /// Everything of the source up to this revision is applied.
    fn applied(&self, revision: i64);
    /// The source has just proved that nothing is missing.
    fn progressed(&self);
    /// A key could not be judged. The reason holds no values.
    fn hold(&self, key: &[u8], reason: &str);
    /// A held key was judged.
    fn release(&self, key: &[u8]);
    /// The destination has something else under a key, which stays.
    fn keep(&self, _key: &[u8]) {}
    /// The addresses of a Service at the source and at the destination, for each
    /// family that it has at both; none once it is gone.
    fn service_addresses(&self, _key: &[u8], _pairs: &[(IpAddr, IpAddr)]) {}
    /// The same of all that there are.
    fn all_service_addresses(&self, _all: &[(Vec<u8>, AddressPairs)]) {}
    /// That is to be judged again, or over.
    fn unkeep(&self, _key: &[u8]) {}
    /// Somebody has changed a mirrored key at the destination: how, and what
    /// becomes of it, without any values. `None` where that is over.
    fn drift(&self, _key: &[u8], _how: Option<&str>) {}
    /// Who is told how far it is with what takes long.
    fn progress(&self) -> &dyn Progress {
        &Unseen
    }
}

/// Waits for something that may take long, and tells meanwhile that the loop
/// which waits is alive. Work that keeps its thread busy tells nothing.
pub async fn waiting<T>(report: &dyn Report, wait: impl Future<Output = T>) -> T {
    telling(|| report.alive(), wait).await
}

/// Waits for something that may take long, and calls `tell` meanwhile, at least
/// every second.
pub async fn telling<T>(tell: impl Fn(), wait: impl Future<Output = T>) -> T {
    // On the heap: what is waited for is large, and wrapped in others.
    let mut wait = Box::pin(wait);
    loop {
        tell();
        tokio::select! {
            biased;
            done = &mut wait => return done,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// Tells nobody, but for how far it is with what takes long.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent<P = Unseen>(pub P);

impl<P: Progress + 'static> Report for Silent<P> {
    fn phase(&self, _: Phase) {}
    fn ready(&self, _: Option<&str>) {}
    fn saw_source(&self, _: i64) {}
    fn applied(&self, _: i64) {}
    fn progressed(&self) {}
    fn hold(&self, _: &[u8], _: &str) {}
    fn release(&self, _: &[u8]) {}

    fn progress(&self) -> &dyn Progress {
        &self.0
    }
}
