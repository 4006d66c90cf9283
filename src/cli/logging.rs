//! The log: lines for people, or objects of JSON, on stderr.
//!
//! Promises that where JSON is asked for, all that carry says on stderr from
//! then on is JSON, an object a line, and that lines do not tear the bars of
//! `bars`. Deliberately says nothing itself.

use std::io::{Write, stderr};
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::check_rules::args::Color;
use super::side_args::{LogArgs, LogFormat};
use super::{bars, style};
use crate::diagnostic::Style;

/// What `error`, `refused` and `remark` are logged as.
const OF_ITS_OWN: &str = "carry::cli::logging=warn";

static FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Begins to log.
pub fn start(args: &LogArgs) {
    let default = if args.debug {
        "carry=debug"
    } else {
        "carry=info"
    };
    let asked = std::env::var("RUST_LOG").unwrap_or_default();
    let filter = match asked.trim().is_empty() {
        true => Ok(EnvFilter::new(default)),
        false => EnvFilter::builder().parse(&asked),
    };
    let (filter, wrong) = match filter {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new(default), Some(error)),
    };
    // Why carry refuses something is said, whatever else is not asked for.
    let filter = match OF_ITS_OWN.parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // A stderr that cannot be written to is told of nowhere.
        .log_internal_errors(false)
        .with_writer(Stderr);
    let started = match args.log_format {
        LogFormat::Human => log
            .with_ansi(style::stderr(Color::Auto).color)
            .with_target(false)
            .try_init(),
        LogFormat::Json => log.json().flatten_event(true).with_ansi(false).try_init(),
    };
    if started.is_ok() {
        let _ = FORMAT.set(args.log_format);
    }
    if is_json() {
        bars::refuse();
    }
    if let Some(error) = wrong {
        tracing::warn!("`RUST_LOG` `{asked}` cannot be used and is left aside: {error}");
    }
}

/// Whether lines are objects.
pub fn is_json() -> bool {
    FORMAT.get() == Some(&LogFormat::Json)
}

/// Says why something could not be done.
pub fn error(why: &str) {
    match is_json() {
        true => tracing::error!("{why}"),
        false => {
            let lines = why.lines().map(|line| format!("error: {line}\n"));
            write(&lines.collect::<String>());
        }
    }
}

/// Shows findings that refuse a file, as they are rendered.
pub fn refused(rendered: &str) {
    match is_json() {
        true => tracing::error!("{}", rendered.trim_end()),
        false => write(&format!("{}\n", rendered.trim_end())),
    }
}

/// Shows findings as they are rendered; nothing where there are none.
pub fn remark(rendered: &str) {
    match is_json() {
        _ if rendered.is_empty() => {}
        true => tracing::warn!("{}", rendered.trim_end()),
        false => write(rendered),
    }
}

/// How findings look in it.
pub fn style() -> Style {
    match is_json() {
        true => Style {
            color: false,
            width: None,
        },
        false => style::stderr(Color::Auto),
    }
}

/// Above the bars. Where stderr cannot be written to, nobody can be told.
fn write(text: &str) {
    let _ = bars::aside(|| stderr().lock().write_all(text.as_bytes()));
}

/// Where lines go: above the bars, where there are any.
struct Stderr;

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line
    }
}

/// Takes a line at a time, which is how the formatter writes.
struct Line;

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // Carry goes on where nobody can read what it says.
        let _ = bars::aside(|| stderr().lock().write_all(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let _ = stderr().flush();
        Ok(())
    }
}
