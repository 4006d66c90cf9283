//! What the operating system says of this process, under the names that all
//! Prometheus clients give it.
//!
//! Promises to ask at each scrape and never in between. Deliberately leaves out
//! what the system does not tell, as all of it where there is no `/proc`.

use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

/// The clock ticks of `/proc` in a second: the kernel's own clock may be another,
/// what it shows is this.
const TICKS: f64 = 100.0;

/// These metrics, without a prefix.
pub(super) fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Process));
    registry
}

#[derive(Debug)]
struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        let system = fs::read_to_string("/proc/stat").unwrap_or_default();
        if let Some(seconds) = cpu_seconds(&stat) {
            let counter = ConstCounter::new(seconds);
            let metric = encoder.encode_descriptor(
                "process_cpu",
                "Time that all threads have used, in user and system mode.",
                Some(&Unit::Seconds),
                counter.metric_type(),
            )?;
            counter.encode(metric)?;
        }
        let count = |number: u64| number as f64;
        let bytes = |name| kibibytes(&status, name).map(|kib| count(kib) * 1024.0);
        for (name, help, unit, value) in [
            (
                "process_resident_memory",
                "Memory in use.",
                Some(&Unit::Bytes),
                bytes("VmRSS"),
            ),
            (
                "process_virtual_memory",
                "Memory that is reserved.",
                Some(&Unit::Bytes),
                bytes("VmSize"),
            ),
            (
                "process_start_time",
                "When the process was started, since 1970.",
                Some(&Unit::Seconds),
                started(&stat, &system),
            ),
            (
                "process_threads",
                "Threads.",
                None,
                number_at(&stat, 20).map(count),
            ),
            (
                "process_open_fds",
                "Open file descriptors.",
                None,
                open_files().map(count),
            ),
            (
                "process_max_fds",
                "How many file descriptors may be open.",
                None,
                max_files(&limits).map(count),
            ),
        ] {
            if let Some(value) = value {
                let gauge = ConstGauge::new(value);
                let metric = encoder.encode_descriptor(name, help, unit, gauge.metric_type())?;
                gauge.encode(metric)?;
            }
        }
        Ok(())
    }
}

/// The nth field of `/proc/self/stat`, as its manual counts them from 1. The
/// second one, the program's name in parentheses, may hold anything.
fn number_at(stat: &str, field: usize) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let text = after_name.split_whitespace().nth(field.checked_sub(3)?)?;
    text.parse().ok()
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    let ticks = number_at(stat, 14)?.saturating_add(number_at(stat, 15)?);
    Some(ticks as f64 / TICKS)
}

/// Ticks after the machine was started.
fn started(stat: &str, system: &str) -> Option<f64> {
    let mut lines = system.lines();
    let boot = lines.find_map(|line| line.strip_prefix("btime "))?;
    let boot: u64 = boot.trim().parse().ok()?;
    Some(boot as f64 + number_at(stat, 22)? as f64 / TICKS)
}

fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let mut lines = status.lines();
    let rest = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    rest.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn open_files() -> Option<u64> {
    let open = fs::read_dir("/proc/self/fd").ok()?;
    // Listing them takes one itself.
    u64::try_from(open.count().saturating_sub(1)).ok()
}

/// The soft limit; none where there is no limit.
fn max_files(limits: &str) -> Option<u64> {
    let mut lines = limits.lines();
    let rest = lines.find_map(|line| line.strip_prefix("Max open files"))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_may_have_any_name() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 13 14 15 16 9 18 4200 20 21";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(number_at(stat, 20), Some(9));
        assert_eq!(started(stat, "cpu 1\nbtime 1000\n"), Some(1042.0));
        assert_eq!(cpu_seconds("7 (cut off"), None);
        assert_eq!(cpu_seconds(""), None);
    }

    #[test]
    fn figures_are_found_by_their_names() {
        let status = "Name:\tVmRSS\nVmRSSx:\t1 kB\nVmRSS:\t  2048 kB\n";
        assert_eq!(kibibytes(status, "VmRSS"), Some(2048));
        assert_eq!(kibibytes(status, "VmSize"), None);
        let limits = "Limit  Soft  Hard  Units\nMax open files   1024   4096   files\n";
        assert_eq!(max_files(limits), Some(1024));
        assert_eq!(
            max_files("Max open files  unlimited  unlimited  files"),
            None
        );
    }
}
