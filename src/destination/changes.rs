//! What watches of a destination in memory are told.
//!
//! Promises every change, in order, from whatever revision on is asked for and
//! not compacted. Deliberately bounds nothing: it is for tests.

use tokio::sync::mpsc;

use super::watch::{Touched, Watch};
use crate::etcd::{DestRevision, EtcdError};
use crate::rules::decide::KeyRange;

/// Every change so far, and who wants to know of the next.
#[derive(Default)]
pub(super) struct Changes {
    all: Vec<Touched>,
    compacted: i64,
    watches: Vec<Listener>,
}

struct Listener {
    ranges: Vec<KeyRange>,
    tell: mpsc::UnboundedSender<Result<Vec<Touched>, EtcdError>>,
}

impl Changes {
    /// A key was written or deleted.
    pub(super) fn touch(&mut self, key: &[u8], revision: i64) {
        let touched = Touched {
            key: key.to_vec(),
            revision: DestRevision(revision),
        };
        let told = std::slice::from_ref(&touched);
        self.watches.iter().for_each(|watch| watch.tell(told));
        self.all.push(touched);
    }

    /// Watches from `from` on.
    pub(super) fn watch(
        &mut self,
        ranges: &[KeyRange],
        from: DestRevision,
    ) -> Result<Watch, EtcdError> {
        let compacted = self.compacted;
        if from.0 <= compacted {
            return Err(EtcdError::Compacted { compacted });
        }
        let (tell, mut heard) = mpsc::unbounded_channel();
        let listener = Listener {
            ranges: ranges.to_vec(),
            tell,
        };
        let before = self.all.iter().filter(|touched| touched.revision >= from);
        let before: Vec<Touched> = before.cloned().collect();
        listener.tell(&before);
        self.watches.retain(|watch| !watch.tell.is_closed());
        self.watches.push(listener);
        let (send, watch) = Watch::new();
        tokio::spawn(async move {
            while let Some(told) = heard.recv().await {
                if send.send(told).await.is_err() {
                    break;
                }
            }
        });
        Ok(watch)
    }

    /// Ends every watch with this error.
    pub(super) fn end(&mut self, error: &EtcdError) {
        for watch in self.watches.drain(..) {
            let _ = watch.tell.send(Err(error.clone()));
        }
    }

    /// A watch from before `revision`, or from there on, is refused.
    pub(super) fn compact(&mut self, revision: i64) {
        self.compacted = revision;
    }

    /// How many watches there are.
    pub(super) fn watches(&self) -> usize {
        let open = self.watches.iter().filter(|watch| !watch.tell.is_closed());
        open.count()
    }
}

impl Listener {
    fn tell(&self, touched: &[Touched]) {
        let wanted = |own: &&Touched| self.ranges.iter().any(|range| range.contains(&own.key));
        let wanted: Vec<Touched> = touched.iter().filter(wanted).cloned().collect();
        if !wanted.is_empty() {
            // One that was dropped is removed by the next to come.
            let _ = self.tell.send(Ok(wanted));
        }
    }
}
