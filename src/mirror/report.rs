//! How a mirror tells the world how it is.
//!
//! Promises to be told of every change that people may want to see.
//! Deliberately a trait: who shows it is not the mirror's business.

use crate::metrics::Phase;

/// Who is told. Every call is short.
pub trait Report: Send + Sync + 'static {
    /// What the mirror is doing.
    fn phase(&self, phase: Phase);
    /// `None` once it has caught up, else why it is not ready.
    fn ready(&self, reason: Option<&str>);
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
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Report for Silent {
    fn phase(&self, _: Phase) {}
    fn ready(&self, _: Option<&str>) {}
    fn saw_source(&self, _: i64) {}
    fn applied(&self, _: i64) {}
    fn progressed(&self) {}
    fn hold(&self, _: &[u8], _: &str) {}
    fn release(&self, _: &[u8]) {}
}
