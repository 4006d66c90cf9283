//! The terminal that bars are shown on.
//!
//! Promises that what is written to stderr through it does not tear them, and
//! that there are none without a terminal that can move its cursor. Deliberately
//! knows nothing of what they show.

use std::io::{self, Write as _, stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};

/// How often a second they are drawn at most.
const REDRAWS: u8 = 20;

static WANTED: AtomicBool = AtomicBool::new(true);

static BARS: LazyLock<Option<MultiProgress>> = LazyLock::new(|| {
    let can_move = std::env::var("TERM").is_ok_and(|term| !term.is_empty() && term != "dumb");
    // One that does not know how wide it is would be drawn over wrongly.
    let bars = WANTED.load(Ordering::Relaxed) && can_move && size().is_some();
    bars.then(|| {
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(Terminal::default()), REDRAWS);
        MultiProgress::with_draw_target(target)
    })
});

/// There are to be none. To be said before anything is written.
pub fn refuse() {
    WANTED.store(false, Ordering::Relaxed);
}

/// Those of this process, if there are any.
pub fn bars() -> Option<&'static MultiProgress> {
    BARS.as_ref()
}

/// Does something that writes to stderr, with the bars out of its way.
pub fn aside<T>(write: impl FnOnce() -> T) -> T {
    match bars() {
        Some(bars) => bars.suspend(write),
        None => write(),
    }
}

/// Stderr, as bars are drawn on it. Where it cannot be written to nobody sees
/// them, which is no reason to break down.
#[derive(Debug, Default)]
struct Terminal {
    /// What is to be written at once, so that nothing flickers.
    drawn: Mutex<String>,
}

impl Terminal {
    fn drawn(&self) -> MutexGuard<'_, String> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self, text: &str) -> io::Result<()> {
        self.drawn().push_str(text);
        Ok(())
    }

    fn moved(&self, by: usize, action: char) -> io::Result<()> {
        match by {
            0 => Ok(()),
            by => self.draw(&format!("\x1b[{by}{action}")),
        }
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        size().map_or(80, |(width, _)| width)
    }

    fn height(&self) -> u16 {
        size().map_or(24, |(_, height)| height)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'D')
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.draw(&format!("{line}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.draw(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.draw("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        let drawn = std::mem::take(&mut *self.drawn());
        let _ = stderr().lock().write_all(drawn.as_bytes());
        Ok(())
    }
}

fn size() -> Option<(u16, u16)> {
    let size = terminal_size::terminal_size_of(stderr());
    size.map(|(width, height)| (width.0, height.0))
}
