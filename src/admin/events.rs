//! `GET /events`: the page's state as server-sent events.
//!
//! Promises a bounded number of listeners, that one who does not read loses
//! its place, and that all end when carry does. Deliberately keeps nothing for
//! a listener: who is slow gets the newest state only.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use axum::http::{HeaderName, StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, Stream, StreamExt as _};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::live::Live;

/// So many may listen at a time.
pub(super) const MOST: usize = 32;

/// Who takes nothing for so long has no place any more.
const STALLED: Duration = Duration::from_secs(60);

/// Places for listeners.
pub(super) struct Listeners {
    begin: Instant,
    places: Mutex<Vec<Weak<Place>>>,
}

/// One listener's: as long as it is held.
struct Place {
    /// When it last took something, in milliseconds after `begin`.
    taken: AtomicU64,
    begin: Instant,
}

impl Place {
    fn touch(&self) {
        self.taken.store(since(self.begin), Ordering::Relaxed);
    }
}

fn since(begin: Instant) -> u64 {
    u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX)
}

impl Default for Listeners {
    fn default() -> Listeners {
        Listeners {
            begin: Instant::now(),
            places: Mutex::default(),
        }
    }
}

impl Listeners {
    /// A place, if there is one.
    fn place(&self) -> Option<Arc<Place>> {
        let now = since(self.begin);
        let stalled = u64::try_from(STALLED.as_millis()).unwrap_or(u64::MAX);
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.retain(|place| {
            let place = place.upgrade();
            place.is_some_and(|place| now < place.taken.load(Ordering::Relaxed) + stalled)
        });
        if places.len() >= MOST {
            return None;
        }
        let place = Arc::new(Place {
            taken: AtomicU64::new(now),
            begin: self.begin,
        });
        places.push(Arc::downgrade(&place));
        Some(place)
    }
}

/// Begins to tell a listener, until it goes or `ended`.
pub(super) fn answer(
    live: &Arc<Live>,
    listeners: &Listeners,
    ended: CancellationToken,
) -> Response {
    let Some(place) = listeners.place() else {
        let why = format!("{MOST} pages are open already: close one, or read /status\n");
        let headers = [(header::RETRY_AFTER, "10")];
        return (StatusCode::SERVICE_UNAVAILABLE, headers, why).into_response();
    };
    // A proxy between must pass on what comes as it comes.
    let headers = [(HeaderName::from_static("x-accel-buffering"), "no")];
    (headers, Sse::new(told(live.clone(), place, ended))).into_response()
}

/// The samples, the state, and every state after it that there is time for;
/// the last one is of the end.
fn told(
    live: Arc<Live>,
    place: Arc<Place>,
    ended: CancellationToken,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let (history, newest) = live.listen();
    let first = stream::once(async move { Ok(Event::default().event("history").data(history)) });
    let listener = Listener {
        live,
        place,
        newest,
        ended,
        over: false,
    };
    first.chain(stream::unfold(listener, |mut listener| async move {
        let state = listener.next().await?;
        Some((Ok(Event::default().event("state").data(state)), listener))
    }))
}

struct Listener {
    live: Arc<Live>,
    place: Arc<Place>,
    newest: watch::Receiver<Arc<str>>,
    ended: CancellationToken,
    over: bool,
}

impl Listener {
    async fn next(&mut self) -> Option<String> {
        self.place.touch();
        if self.over {
            return None;
        }
        tokio::select! {
            biased;
            () = self.ended.cancelled() => {
                self.over = true;
                Some(self.live.now())
            }
            changed = self.newest.changed() => {
                changed.ok()?;
                Some(self.newest.borrow_and_update().to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_come_back() {
        let listeners = Listeners::default();
        let mut places: Vec<_> = (0..MOST).filter_map(|_| listeners.place()).collect();
        assert_eq!(places.len(), MOST);
        assert!(listeners.place().is_none());
        places.pop();
        assert!(listeners.place().is_some());
    }

    #[test]
    fn who_takes_nothing_loses_its_place() {
        let long_ago = Instant::now().checked_sub(STALLED * 2);
        let listeners = Listeners {
            begin: long_ago.expect("a machine that runs for minutes"),
            places: Mutex::default(),
        };
        let places: Vec<_> = (0..MOST).filter_map(|_| listeners.place()).collect();
        for place in &places[1..] {
            place.taken.store(0, Ordering::Relaxed);
        }
        let more: Vec<_> = (0..MOST).filter_map(|_| listeners.place()).collect();
        assert_eq!(more.len(), MOST - 1);
    }
}
