//! How every bench reports: a table with ratios for people, and
//! `target/bench/<name>.json` for scripts that compare two commits.
//!
//! A ratio always says how many times better carry is (more, where more is
//! better; less, where less is): 1 is even. Deliberately knows nothing of what is measured.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Map, Value, json};

/// The allocator of the program itself, for peers as well.
#[cfg(feature = "mirror")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Rates.
    More,
    /// Times, memory.
    Less,
}

/// One measured quantity.
pub struct Row {
    name: String,
    unit: &'static str,
    better: Better,
    carry: f64,
    /// `None` where one cannot do it at all.
    peers: Vec<(String, Option<f64>)>,
    limit: Option<f64>,
}

impl Row {
    /// `carry` is our figure, in `unit`.
    pub fn new(name: impl Into<String>, unit: &'static str, better: Better, carry: f64) -> Row {
        Row {
            name: name.into(),
            unit,
            better,
            carry,
            peers: Vec::new(),
            limit: None,
        }
    }

    /// The figure of somebody else, from the same run.
    pub fn peer(mut self, name: impl Into<String>, figure: f64) -> Row {
        self.peers.push((name.into(), Some(figure)));
        self
    }

    /// Somebody else, if he can do it.
    pub fn peer_if_able(mut self, name: impl Into<String>, figure: Option<f64>) -> Row {
        self.peers.push((name.into(), figure));
        self
    }

    /// What could be reached at best.
    pub fn limit(mut self, figure: f64) -> Row {
        self.limit = Some(figure);
        self
    }

    fn ratio(&self, other: f64) -> f64 {
        match self.better {
            Better::More => self.carry / other,
            Better::Less => other / self.carry,
        }
    }

    fn others(&self) -> impl Iterator<Item = (&str, Option<f64>)> {
        let peers = self
            .peers
            .iter()
            .map(|(name, figure)| (name.as_str(), *figure));
        peers.chain(self.limit.map(|figure| ("limit", Some(figure))))
    }

    fn json(&self) -> Value {
        let peers: Map<_, _> = self
            .peers
            .iter()
            .map(|(name, figure)| (name.clone(), json!(figure)))
            .collect();
        let ratio: Map<_, _> = self
            .others()
            .filter_map(|(name, figure)| Some((name.to_owned(), json!(self.ratio(figure?)))))
            .collect();
        json!({
            "name": self.name,
            "unit": self.unit,
            "carry": self.carry,
            "peers": peers,
            "limit": self.limit,
            "ratio": ratio,
        })
    }
}

/// The rows of one bench.
pub struct Report {
    name: &'static str,
    rows: Vec<Row>,
}

impl Report {
    /// An empty report of the bench `name`.
    pub fn new(name: &'static str) -> Report {
        Report {
            name,
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Prints the table and writes the file.
    pub fn finish(self) {
        println!("\n{}", self.table());
        let path = self.write().expect("target/bench");
        println!("written to {}", path.display());
    }

    /// One line a row: what, carry's figure, then each other figure with the
    /// ratio to it.
    fn table(&self) -> String {
        let width = self
            .rows
            .iter()
            .map(|row| row.name.len())
            .max()
            .unwrap_or_default();
        let mut table = String::new();
        for row in &self.rows {
            let figure = grouped(row.carry);
            table += &format!("{:width$}  {figure:>12} {:8}", row.name, row.unit);
            for (name, figure) in row.others() {
                table += &match figure {
                    Some(figure) => {
                        let ratio = row.ratio(figure);
                        format!("  {name} {} ({ratio:.2}x)", grouped(figure))
                    }
                    None => format!("  {name} n/a"),
                };
            }
            table.push('\n');
        }
        table
    }

    fn write(&self) -> std::io::Result<PathBuf> {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .parent()
            .unwrap_or(Path::new("target"));
        let folder = target.join("bench");
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{}.json", self.name));
        let rows: Vec<_> = self.rows.iter().map(Row::json).collect();
        let text = serde_json::to_string_pretty(&rows)?;
        std::fs::write(&path, text + "\n")?;
        Ok(path)
    }
}

/// `12,345`, or three digits where there are fewer before the point.
fn grouped(figure: f64) -> String {
    if figure < 100.0 {
        return format!("{figure:.1}");
    }
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How often something is done that is timed as a whole.
const RUNS: usize = 5;

/// Milliseconds that `run` takes: the median of several times.
pub fn timed(mut run: impl FnMut()) -> f64 {
    let once = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64() * 1000.0
    };
    median((0..RUNS).map(once).collect())
}

/// The middle one of several measurements.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Whether `cargo bench` runs us; `cargo test --all-targets` starts benches
/// too, and should not wait for them.
pub fn asked_for() -> bool {
    std::env::args().any(|arg| arg == "--bench")
}
