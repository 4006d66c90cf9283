//! The source, over a network that delays and cuts.

use std::collections::VecDeque;
use std::sync::Arc;

use carry::etcd::{EtcdError, SourceRevision};
use carry::rules::decide::KeyRange;
use carry::source::{
    Change, Item, ScriptedWatch, Source, SourceStatus, Watch, WatchError, WatchEvent,
};
use tokio::time::{Instant, sleep_until};

use super::life::Life;
use super::stage::{Luck, Stage, back, pass, refused, timeout};

/// The source as one process sees it.
pub struct SimSource {
    pub stage: Arc<Stage>,
    pub life: Arc<Life>,
}

impl SimSource {
    async fn read<T>(
        &self,
        work: impl AsyncFnOnce(&Stage) -> Result<T, EtcdError>,
    ) -> Result<T, EtcdError> {
        self.life.goes_on().await;
        if self.life.is_last_call() {
            std::future::pending::<()>().await;
        }
        let trip = self.stage.reading();
        pass(trip.there).await;
        let answer = match trip.luck {
            Luck::Good => work(&self.stage).await,
            Luck::Refused => Err(refused()),
            _ => Err(timeout()),
        };
        pass(back(&trip, &answer)).await;
        self.life.goes_on().await;
        answer
    }
}

impl Source for SimSource {
    type Watch = SimWatch;

    async fn status(&self) -> Result<SourceStatus, EtcdError> {
        self.read(async |stage| stage.source.status().await).await
    }

    async fn list(
        &self,
        range: &KeyRange,
        at: SourceRevision,
        limit: usize,
    ) -> Result<(Vec<Item>, bool), EtcdError> {
        let limit = limit.min(self.stage.settings.page);
        self.read(async |stage| stage.source.list(range, at, limit).await)
            .await
    }

    async fn get(&self, key: &[u8]) -> Result<Option<Item>, EtcdError> {
        self.read(async |stage| stage.source.get(key).await).await
    }

    async fn watch(
        &self,
        ranges: &[KeyRange],
        from: SourceRevision,
    ) -> Result<SimWatch, WatchError> {
        self.read(async |_| Ok(())).await?;
        Ok(SimWatch {
            inner: self.stage.source.watch(ranges, from).await?,
            stage: self.stage.clone(),
            life: self.life.clone(),
            coming: VecDeque::new(),
        })
    }
}

/// A watch whose events take their time, in other pieces than they were sent.
pub struct SimWatch {
    inner: ScriptedWatch,
    stage: Arc<Stage>,
    life: Arc<Life>,
    /// When each arrives.
    coming: VecDeque<(Instant, Result<WatchEvent, WatchError>)>,
}

impl SimWatch {
    fn cut() -> WatchError {
        EtcdError::Unavailable("the watch was cut".to_owned()).into()
    }

    /// Takes in what was sent.
    fn sent(&mut self, event: Result<WatchEvent, WatchError>) {
        match event {
            Ok(WatchEvent::Changes(changes)) => {
                for together in self.pieces(changes) {
                    let last = together.last().map_or(0, |change| change.revision.0);
                    self.comes(Ok(WatchEvent::Changes(together)));
                    self.odd_progress(last);
                }
            }
            other => self.comes(other),
        }
    }

    /// Whole revisions, one or several at a time.
    fn pieces(&self, changes: Vec<Change>) -> Vec<Vec<Change>> {
        let mut pieces: Vec<Vec<Change>> = Vec::new();
        for change in changes {
            let same = pieces.last().and_then(|piece| piece.last());
            let same = same.is_some_and(|last| last.revision == change.revision);
            let joined = same || self.stage.roll(|dice| dice.chance(50));
            match pieces.last_mut() {
                Some(piece) if joined => piece.push(change),
                _ => pieces.push(vec![change]),
            }
        }
        pieces
    }

    /// True, but unasked, repeated or old.
    fn odd_progress(&mut self, delivered: i64) {
        let often = self.stage.weather().progress;
        while self.stage.roll(|dice| dice.chance(often)) {
            let back = self.stage.roll(|dice| dice.below(3)) as i64;
            let revision = SourceRevision((delivered - back).max(1));
            self.comes(Ok(WatchEvent::Progress(revision)));
        }
    }

    fn comes(&mut self, event: Result<WatchEvent, WatchError>) {
        let event = match self.is_cut() {
            true => Err(SimWatch::cut()),
            false => event,
        };
        let now = Instant::now();
        let before = self.coming.back().map_or(now, |(at, _)| *at);
        let at = before.max(now) + self.stage.reading().there;
        self.coming.push_back((at, event));
    }

    fn is_cut(&self) -> bool {
        let often = self.stage.weather().cut;
        self.stage.roll(|dice| dice.chance(often))
    }
}

impl Watch for SimWatch {
    async fn next(&mut self) -> Result<WatchEvent, WatchError> {
        loop {
            self.life.goes_on().await;
            if let Some((at, _)) = self.coming.front() {
                sleep_until(*at).await;
                self.life.goes_on().await;
                if let Some((_, event)) = self.coming.pop_front() {
                    return event;
                }
            }
            let event = self.inner.next().await;
            self.sent(event);
        }
    }

    async fn request_progress(&mut self) -> Result<(), WatchError> {
        self.life.goes_on().await;
        if self.is_cut() {
            return Err(SimWatch::cut());
        }
        self.inner.request_progress().await
    }
}
