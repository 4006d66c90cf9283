//! Whether carry stayed as it was while it worked.
//!
//! Compares medians of two sixths of the run: the second one, when what is
//! bounded is full (caches, the first memtables), and the last. Deliberately
//! fits no line: memory and RocksDB go up and down like a saw.

use super::samples::{Sample, mebibytes};

/// A run below this is not judged for growth: RocksDB writes its memtables out
/// once in some minutes, and a sixth has to see that happen.
pub const SHORTEST: f64 = 1200.0;

/// How much a median may grow in any case.
const SHARE: f64 = 0.1;

/// How much of its rate a load must have had: else the run shows something else.
const RATE: f64 = 0.95;

/// How long ago everything was proven to be there, in the median: a source is
/// asked once a second.
const PROVEN: f64 = 3.0;

const MIB: f64 = 1_048_576.0;

/// One thing that was judged.
#[derive(Debug)]
pub struct Finding {
    pub good: bool,
    pub said: String,
}

/// What must be flat.
struct Flat {
    name: &'static str,
    of: fn(&Sample) -> f64,
    shown: fn(f64) -> String,
    /// What may be added where a tenth is less, and why.
    allowance: f64,
}

const FLAT: [Flat; 4] = [
    // Memtables hold at most what the log ahead of them may: 16 MiB. In an hour
    // with 500 writes a second, 1.2 million lie between both sixths: losing the
    // smallest allocation (16 bytes) at each would be 18 MiB.
    Flat {
        name: "memory",
        of: |sample| sample.memory,
        shown: mebibytes,
        allowance: 16.0 * MIB,
    },
    Flat {
        name: "anonymous memory",
        of: |sample| sample.anonymous,
        shown: mebibytes,
        allowance: 16.0 * MIB,
    },
    // RocksDB has up to 64 files open, some more or less after each compaction.
    Flat {
        name: "open files",
        of: |sample| sample.files,
        shown: |files| format!("{files:.0}"),
        allowance: 8.0,
    },
    // The log ahead (16 MiB), and as much that is not compacted yet.
    Flat {
        name: "ledger",
        of: |sample| sample.ledger,
        shown: mebibytes,
        allowance: 32.0 * MIB,
    },
];

/// Judges a run at this rate of writes.
pub fn judge(samples: &[Sample], rate: u64) -> Vec<Finding> {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return vec![Finding {
            good: false,
            said: "there are no samples".to_owned(),
        }];
    };
    let lasted = last.seconds - first.seconds;
    let mut findings = vec![
        steady(first, last, rate),
        quiet(first, last),
        ready(samples),
    ];
    findings.push(in_time(samples, rate));
    findings.push(proven(samples));
    match lasted < SHORTEST {
        true => findings.push(Finding {
            good: true,
            said: format!("growth: not judged, {lasted:.0} s are too short ({SHORTEST:.0} s)"),
        }),
        false => findings.extend(FLAT.iter().map(|flat| flat.judge(samples))),
    }
    findings
}

/// Both sixths, the second and the last.
fn sixths(samples: &[Sample]) -> [&[Sample]; 2] {
    let sixth = (samples.len() / 6).max(1);
    let second = sixth.min(samples.len() - 1);
    [
        &samples[second..(2 * sixth).min(samples.len())],
        &samples[samples.len() - sixth..],
    ]
}

fn median(samples: &[Sample], of: fn(&Sample) -> f64) -> f64 {
    let mut values: Vec<f64> = samples.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Flat {
    fn judge(&self, samples: &[Sample]) -> Finding {
        let [before, after] = sixths(samples);
        let [was, is] = [before, after].map(|sixth| median(sixth, self.of));
        let may = self.allowance.max(was * SHARE);
        let writes = median(after, |sample| sample.writes as f64)
            - median(before, |sample| sample.writes as f64);
        Finding {
            good: is - was <= may,
            said: format!(
                "{}: {} in the second sixth, {} in the last, {:.0} writes between them; {} more would be allowed",
                self.name,
                (self.shown)(was),
                (self.shown)(is),
                writes,
                (self.shown)(may),
            ),
        }
    }
}

/// Whether the load was what it was meant to be.
fn steady(first: &Sample, last: &Sample, rate: u64) -> Finding {
    let real = (last.writes - first.writes) as f64 / (last.seconds - first.seconds);
    let long = last.seconds - first.seconds >= SHORTEST;
    Finding {
        // Beside other tests there is not always time for it.
        good: real >= RATE * rate as f64 || !long,
        said: format!("load: {real:.0} writes a second, {rate} were wanted"),
    }
}

/// Nothing breaks here: whatever is compared or connected anew is a fault.
fn quiet(first: &Sample, last: &Sample) -> Finding {
    let [resyncs, reconnects, not_applied] = [
        last.resyncs - first.resyncs,
        last.reconnects - first.reconnects,
        last.not_applied - first.not_applied,
    ];
    Finding {
        good: resyncs == 0.0 && reconnects == 0.0 && last.held == 0.0,
        said: format!(
            "quiet: {resyncs:.0} resyncs, {reconnects:.0} reconnects, {not_applied:.0} transactions not applied at once, {:.0} keys held",
            last.held,
        ),
    }
}

fn ready(samples: &[Sample]) -> Finding {
    let ready = samples.iter().filter(|sample| sample.ready == 1.0).count();
    Finding {
        good: ready == samples.len(),
        said: format!("ready: in {ready} of {} samples", samples.len()),
    }
}

/// Whether what is written within a second was applied, nearly always.
fn in_time(samples: &[Sample], rate: u64) -> Finding {
    let most = samples.iter().map(|sample| sample.lag).fold(0.0, f64::max);
    let usual = median(samples, |sample| sample.lag);
    Finding {
        good: usual <= rate as f64,
        said: format!("lag: {usual:.0} revisions in the median, {most:.0} at most"),
    }
}

/// A busy source proves its progress as well as an idle one: `/readyz` and the
/// alerts depend on it.
fn proven(samples: &[Sample]) -> Finding {
    let most = samples
        .iter()
        .map(|sample| sample.progress_age)
        .fold(0.0, f64::max);
    let usual = median(samples, |sample| sample.progress_age);
    Finding {
        good: usual <= PROVEN,
        said: format!("progress: proven {usual:.1} s ago in the median, {most:.1} s at most"),
    }
}

// ---------------------------------------------------------------------------
// A verdict that is always the same would be none.

/// An hour as it should be, changed by `change` at each tenth second.
fn hour(change: impl Fn(usize, &mut Sample)) -> Vec<Sample> {
    let sample = |at: usize| {
        let mut sample = Sample {
            seconds: at as f64 * 10.0,
            writes: at as u64 * 5000,
            // A saw of RocksDB's.
            memory: (60.0 + (at % 30) as f64 / 2.0) * MIB,
            anonymous: (40.0 + (at % 30) as f64 / 2.0) * MIB,
            files: 40.0 + (at % 7) as f64,
            ledger: (20.0 + (at % 30) as f64) * MIB,
            ready: 1.0,
            lag: (at % 5) as f64,
            progress_age: (at % 2) as f64,
            ..Sample::default()
        };
        change(at, &mut sample);
        sample
    };
    (0..360).map(sample).collect()
}

fn wrong(samples: &[Sample]) -> Vec<String> {
    let findings = judge(samples, 500).into_iter();
    let wrong = findings.filter(|finding| !finding.good);
    wrong.map(|finding| finding.said).collect()
}

#[test]
fn an_hour_without_growth_is_good() {
    let samples = hour(|_, _| {});
    assert_eq!(wrong(&samples), Vec::<String>::new());
    assert_eq!(judge(&samples, 500).len(), 9);
}

#[test]
fn what_grows_is_found() {
    for (name, leak) in [
        // 16 bytes at each of 500 writes a second.
        (
            "memory",
            (|at, sample| sample.memory += at as f64 * 80_000.0) as fn(usize, &mut Sample),
        ),
        ("anonymous memory", |at, sample| {
            sample.anonymous += at as f64 * 80_000.0
        }),
        // One in three minutes.
        ("open files", |at, sample| sample.files += (at / 18) as f64),
        ("ledger", |at, sample| {
            sample.ledger += at as f64 * 0.2 * MIB
        }),
    ] {
        let wrong = wrong(&hour(leak));
        assert_eq!(wrong.len(), 1, "{name}: {wrong:?}");
        assert!(wrong[0].starts_with(&format!("{name}: ")), "{wrong:?}");
    }
}

#[test]
fn what_else_must_not_be_is_found() {
    for (name, fault) in [
        (
            "load",
            (|at, sample| sample.writes = at as u64 * 4000) as fn(usize, &mut Sample),
        ),
        ("quiet", |at, sample| {
            sample.resyncs = f64::from(u8::from(at > 200))
        }),
        ("quiet", |at, sample| {
            sample.reconnects = f64::from(u8::from(at > 200))
        }),
        ("quiet", |_, sample| sample.held = 1.0),
        ("progress", |at, sample| sample.progress_age = at as f64),
        ("ready", |at, sample| {
            sample.ready = f64::from(u8::from(at != 200))
        }),
        ("lag", |at, sample| sample.lag = (at * 10) as f64),
    ] {
        let wrong = wrong(&hour(fault));
        assert_eq!(wrong.len(), 1, "{name}: {wrong:?}");
        assert!(wrong[0].starts_with(&format!("{name}: ")), "{wrong:?}");
    }
}

#[test]
fn growth_within_minutes_is_not_judged_and_that_is_said() {
    let mut samples = hour(|at, sample| sample.memory += at as f64 * MIB);
    samples.truncate(30);
    assert_eq!(wrong(&samples), Vec::<String>::new());
    let said = judge(&samples, 500).pop().expect("a finding").said;
    assert!(said.contains("not judged"), "{said}");
    assert!(!judge(&[], 500)[0].good);
}
