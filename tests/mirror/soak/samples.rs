//! What is looked at while carry runs, and how it is written down.
//!
//! Promises that every sample is of one moment, near enough, and that a number
//! that carry does not tell ends the run: it would be 0, and flat.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::mirror::harness::{Carry, Etcd};

/// One look at carry.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// Since the load began.
    pub seconds: f64,
    /// Writes at the source since then.
    pub writes: u64,
    /// In use by the process, and of that what is no file's.
    pub memory: f64,
    pub anonymous: f64,
    pub files: f64,
    pub threads: f64,
    pub cpu: f64,
    /// What lies in `--db-path` but for the spool.
    pub ledger: f64,
    pub spool: f64,
    pub lag: f64,
    pub progress_age: f64,
    pub ready: f64,
    pub operations: f64,
    pub applied: f64,
    pub not_applied: f64,
    pub resyncs: f64,
    pub reconnects: f64,
    pub held: f64,
    pub source_db: f64,
    pub destination_db: f64,
}

/// A column's name, and what stands in it.
type Column = (&'static str, fn(&Sample) -> f64);

const COLUMNS: [Column; 20] = [
    ("seconds", |sample| sample.seconds),
    ("source_writes", |sample| sample.writes as f64),
    ("resident_memory_bytes", |sample| sample.memory),
    ("anonymous_memory_bytes", |sample| sample.anonymous),
    ("open_fds", |sample| sample.files),
    ("threads", |sample| sample.threads),
    ("cpu_seconds", |sample| sample.cpu),
    ("ledger_bytes", |sample| sample.ledger),
    ("spool_bytes", |sample| sample.spool),
    ("lag_revisions", |sample| sample.lag),
    ("progress_age_seconds", |sample| sample.progress_age),
    ("ready", |sample| sample.ready),
    ("operations_written", |sample| sample.operations),
    ("transactions_applied", |sample| sample.applied),
    ("transactions_not_applied", |sample| sample.not_applied),
    ("resyncs", |sample| sample.resyncs),
    ("reconnects", |sample| sample.reconnects),
    ("held_keys", |sample| sample.held),
    ("source_db_bytes", |sample| sample.source_db),
    ("destination_db_bytes", |sample| sample.destination_db),
];

/// The first line of the table.
pub fn header() -> String {
    COLUMNS.map(|(name, _)| name).join(",")
}

impl Sample {
    /// Looks now.
    pub fn take(carry: &mut Carry, source: &Etcd, seconds: f64, writes: u64) -> Sample {
        let ended = carry.process().ended();
        assert!(ended.is_none(), "carry ended: {}", carry.stderr());
        let (_, told) = carry.http("/metrics").expect("carry's metrics");
        let metrics = Metrics::of(&told);
        let process = carry.process().id();
        Sample {
            seconds,
            writes,
            memory: metrics.one("process_resident_memory_bytes"),
            anonymous: anonymous(process),
            files: metrics.one("process_open_fds"),
            threads: metrics.one("process_threads"),
            cpu: metrics.one("process_cpu_seconds_total"),
            ledger: size(&carry.db_path()),
            spool: metrics.all("carry_spool_bytes"),
            lag: metrics.one("carry_lag_revisions"),
            progress_age: metrics.one("carry_progress_age_seconds"),
            ready: metrics.one("carry_ready"),
            operations: metrics.one("carry_operations_written_total"),
            applied: metrics.one("carry_transactions_total{outcome=\"applied\"}"),
            not_applied: metrics.all("carry_transactions_total")
                - metrics.one("carry_transactions_total{outcome=\"applied\"}"),
            resyncs: metrics.all("carry_resyncs_total"),
            reconnects: metrics.all("carry_reconnects_total"),
            held: metrics.one("carry_held_keys"),
            source_db: source.metric("etcd_mvcc_db_total_size_in_bytes"),
            destination_db: metrics.one("carry_destination_db_size_bytes"),
        }
    }

    /// Its line of the table.
    pub fn row(&self) -> String {
        COLUMNS.map(|(_, value)| value(self).to_string()).join(",")
    }

    /// What has happened since `before`, in words.
    pub fn line(&self, before: &Sample) -> String {
        let rate = |now: f64, then: f64| (now - then) / (self.seconds - before.seconds).max(0.001);
        format!(
            "{:.0} min: {:.0} writes/s, {:.0} mirrored/s in {:.0} transactions/s, memory {}, {:.0} files, ledger {}, lag {:.0} revisions, {:.0} % of a CPU",
            self.seconds / 60.0,
            rate(self.writes as f64, before.writes as f64),
            rate(self.operations, before.operations),
            rate(self.applied, before.applied),
            mebibytes(self.memory),
            self.files,
            mebibytes(self.ledger),
            self.lag,
            100.0 * rate(self.cpu, before.cpu),
        )
    }
}

/// Bytes, for people.
pub fn mebibytes(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / f64::from(1 << 20))
}

/// The samples of one answer, by their names with their labels.
struct Metrics<'t>(HashMap<&'t str, f64>);

impl<'t> Metrics<'t> {
    fn of(told: &'t str) -> Metrics<'t> {
        let lines = told.lines().filter(|line| !line.starts_with('#'));
        let samples = lines.filter_map(|line| line.rsplit_once(' '));
        let read = samples.filter_map(|(name, value)| Some((name, value.parse().ok()?)));
        Metrics(read.collect())
    }

    fn one(&self, name: &str) -> f64 {
        let value = self.0.get(name);
        *value.unwrap_or_else(|| panic!("carry does not tell `{name}`"))
    }

    /// Whatever its labels say.
    fn all(&self, name: &str) -> f64 {
        let named = |sample: &str| sample.split('{').next() == Some(name);
        let found: Vec<f64> = (self.0.iter())
            .filter(|(sample, _)| named(sample))
            .map(|(_, value)| *value)
            .collect();
        assert!(!found.is_empty(), "carry does not tell `{name}`");
        found.iter().sum()
    }
}

/// `RssAnon` of a process: without files that are mapped.
fn anonymous(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("/proc");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.expect("RssAnon") * 1024.0
}

/// All that lies below, but for `spool`. What goes away meanwhile counts 0.
fn size(folder: &Path) -> f64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_file() => meta.len() as f64,
        Ok(meta) if meta.is_dir() && entry.file_name() != "spool" => size(&entry.path()),
        _ => 0.0,
    };
    entries.map(of).sum()
}
