//! How far it is with what takes long: a bar on a terminal, a line of the log
//! every few seconds elsewhere.
//!
//! Promises that bars go when what they show ends, that lines of the log do not
//! tear them, and that nothing is said of what is over at once. Deliberately
//! guesses no totals: where one is not known, none is shown.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{
    HumanCount, HumanDuration, MultiProgress, ProgressBar, ProgressState, ProgressStyle,
};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::bars::bars;
use crate::mirror::Progress;

/// When the first line is due, and the others after it.
const FIRST_LINE: Duration = Duration::from_secs(5);
const LINES_EVERY: Duration = Duration::from_secs(10);

/// How often a bar is drawn where nothing moves.
const REDRAW: Duration = Duration::from_millis(250);

/// Where the number of keys is known, and where it is not.
const OF_KNOWN: &str = "{msg} [{bar:24}] {human_pos} of {human_len} keys, {rate}, {eta} left";
const OF_UNKNOWN: &str = "{spinner} {msg}: {human_pos} keys, {rate}, {elapsed} so far";

/// Shows what is under way.
#[derive(Default)]
pub struct Shown(Mutex<Option<UnderWay>>);

enum UnderWay {
    Bar(ProgressBar),
    Lines {
        done: Arc<AtomicU64>,
        ticker: Option<AbortHandle>,
    },
}

impl Progress for Shown {
    fn begin(&self, what: &str, keys: Option<u64>) {
        let begun = match bars() {
            Some(bars) => UnderWay::Bar(bar(bars, what, keys)),
            None => lines(what, keys),
        };
        self.replace(Some(begun));
    }

    fn advance(&self, keys: u64) {
        let under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*under_way {
            Some(UnderWay::Bar(bar)) => bar.inc(keys),
            Some(UnderWay::Lines { done, .. }) => drop(done.fetch_add(keys, Ordering::Relaxed)),
            None => {}
        }
    }

    fn end(&self) {
        self.replace(None);
    }
}

impl Shown {
    fn replace(&self, by: Option<UnderWay>) {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *under_way, by) {
            Some(UnderWay::Bar(bar)) => bar.finish_and_clear(),
            Some(UnderWay::Lines {
                ticker: Some(ticker),
                ..
            }) => ticker.abort(),
            Some(UnderWay::Lines { ticker: None, .. }) | None => {}
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.replace(None);
    }
}

fn bar(bars: &MultiProgress, what: &str, keys: Option<u64>) -> ProgressBar {
    let (bar, template) = match keys {
        Some(keys) => (ProgressBar::new(keys), OF_KNOWN),
        None => (ProgressBar::no_length(), OF_UNKNOWN),
    };
    // Only a template that is wrong has no style: a test shows that none is.
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    let style = style.with_key("rate", rate).progress_chars("=> ");
    let bar = bars.add(bar.with_style(style));
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(REDRAW);
    bar
}

fn rate(state: &ProgressState, into: &mut dyn fmt::Write) {
    // What cannot be written is not shown.
    let _ = write!(into, "{} a second", HumanCount(state.per_sec() as u64));
}

fn lines(what: &str, keys: Option<u64>) -> UnderWay {
    let done = Arc::new(AtomicU64::new(0));
    let (what, counter, begun) = (what.to_owned(), done.clone(), Instant::now());
    let tell = async move {
        tokio::time::sleep(FIRST_LINE).await;
        loop {
            let done = counter.load(Ordering::Relaxed);
            tracing::info!("{what}: {}", line(done, keys, begun.elapsed()));
            tokio::time::sleep(LINES_EVERY).await;
        }
    };
    let ticker = Handle::try_current().ok();
    let ticker = ticker.map(|runtime| runtime.spawn(tell).abort_handle());
    UnderWay::Lines { done, ticker }
}

/// How far it is, in words.
fn line(done: u64, keys: Option<u64>, taken: Duration) -> String {
    let a_second = per_second(done, taken);
    let rate = HumanCount(a_second);
    match keys {
        // What was written while it was counted may be looked at too.
        Some(keys) if keys >= done => {
            let hundredths = u128::from(done) * 100 / u128::from(keys.max(1));
            let (done, rest) = (HumanCount(done), keys - done);
            let left = match a_second {
                0 => "nobody knows how long it takes".to_owned(),
                _ => {
                    let left = Duration::from_secs(rest.div_ceil(a_second));
                    format!("about {} left", HumanDuration(left))
                }
            };
            let keys = HumanCount(keys);
            format!("{done} of {keys} keys ({hundredths} %), {rate} a second, {left}")
        }
        _ if done == 1 => format!("1 key so far, {rate} a second"),
        _ => format!("{} keys so far, {rate} a second", HumanCount(done)),
    }
}

fn per_second(done: u64, taken: Duration) -> u64 {
    let millis = taken.as_millis().max(1);
    u64::try_from(u128::from(done) * 1000 / millis).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_what_is_known() {
        let seconds = Duration::from_secs;
        for (done, keys, taken, said) in [
            (
                0,
                Some(1_000),
                seconds(5),
                "0 of 1,000 keys (0 %), 0 a second, nobody knows how long it takes",
            ),
            (
                12_000,
                Some(100_000),
                seconds(4),
                "12,000 of 100,000 keys (12 %), 3,000 a second, about 30 seconds left",
            ),
            (
                12_000,
                None,
                seconds(4),
                "12,000 keys so far, 3,000 a second",
            ),
            (11, Some(10), seconds(1), "11 keys so far, 11 a second"),
            (1, None, seconds(1), "1 key so far, 1 a second"),
            (
                0,
                Some(0),
                seconds(0),
                "0 of 0 keys (0 %), 0 a second, nobody knows how long it takes",
            ),
            (
                10,
                Some(10),
                seconds(1),
                "10 of 10 keys (100 %), 10 a second, about 0 seconds left",
            ),
        ] {
            assert_eq!(line(done, keys, taken), said);
        }
        assert_eq!(per_second(u64::MAX, Duration::ZERO), u64::MAX);
    }

    #[test]
    fn the_bars_have_their_templates() {
        let bars = MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::hidden());
        for keys in [Some(10), None] {
            let bar = bar(&bars, "stage `first`", keys);
            bar.inc(3);
            assert_eq!((bar.position(), bar.length()), (3, keys));
            bar.finish_and_clear();
        }
        for template in [OF_KNOWN, OF_UNKNOWN] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }
}
