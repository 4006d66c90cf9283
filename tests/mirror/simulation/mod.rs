//! The engine in a world where everything goes wrong, drawn from a seed.
//!
//! One seed is one run, exactly: `CARRY_SIMULATION_SEED=n` shows it in full.
//! `CARRY_SIMULATION_SEEDS` and `CARRY_SIMULATION_FROM` say how many are run
//! otherwise, and from where on.

mod conflicts;
mod definitions;
mod dice;
mod disk;
mod drift;
mod freeing;
mod life;
mod model;
mod network;
mod origin;
mod owners;
mod rules;
mod runner;
mod scenario;
mod services;
mod stage;
mod witness;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use runner::{Ran, run};
use scenario::Scenario;

/// What the jitter of waits is made from here.
const SALT: u64 = 0x0dd_ba11;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("`{name}` is no number: `{text}`")),
    )
}

/// Calls `work` with every seed on all cores; those that fail, in order, with
/// what was said. Many are enough.
fn failures(
    seeds: std::ops::Range<u64>,
    work: impl Fn(u64) -> Option<String> + Sync,
) -> BTreeMap<u64, String> {
    carry::mirror::fix_jitter(SALT);
    let next = AtomicU64::new(seeds.start);
    let found: Mutex<BTreeMap<u64, String>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let enough = found.lock().expect("no panic").len() >= 100;
                    if seed >= seeds.end || enough {
                        return;
                    }
                    if let Some(failure) = work(seed) {
                        found.lock().expect("no panic").insert(seed, failure);
                    }
                }
            });
        }
    });
    found.into_inner().expect("no panic")
}

/// What is the same of failures of one kind: their words outside of quotes.
fn kind(failure: &str) -> String {
    let words = failure.split('`').step_by(2).collect::<String>();
    let words = words.split(['"', ':']).next().unwrap_or_default();
    words.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// The same, with as little as possible that still fails.
fn shrunk(scenario: Scenario, failure: &str) -> Scenario {
    let mut smallest = scenario;
    let same = |failed: Option<String>| failed.is_some_and(|failed| kind(&failed) == kind(failure));
    let mut size = smallest.steps.len();
    while size > 0 {
        let mut at = 0;
        while at < smallest.steps.len() {
            let mut smaller = smallest.clone();
            let end = (at + size).min(smaller.steps.len());
            smaller.steps.drain(at..end);
            match same(run(&smaller, false).failure) {
                true => smallest = smaller,
                false => at += size,
            }
        }
        size /= 2;
    }
    smallest
}

fn told(scenario: &Scenario) -> String {
    let Ran { failure, trace, .. } = run(scenario, true);
    let failure = failure.unwrap_or_else(|| "all is right".to_owned());
    format!("{scenario}\n{}\n\n{failure}\n", trace.join("\n"))
}

#[test]
fn promises_hold_whatever_happens() {
    if let Some(seed) = setting("CARRY_SIMULATION_SEED") {
        carry::mirror::fix_jitter(SALT);
        let scenario = Scenario::draw(seed);
        println!("{}", told(&scenario));
        let failure = run(&scenario, false).failure;
        if let Some(failure) = &failure {
            println!("=== with less ===\n{}", told(&shrunk(scenario, failure)));
        }
        assert_eq!(failure, None, "seed {seed}");
        return;
    }
    let from = setting("CARRY_SIMULATION_FROM").unwrap_or(0);
    let count = setting("CARRY_SIMULATION_SEEDS").unwrap_or(10_000);
    let failed = failures(from..from + count, |seed| {
        run(&Scenario::draw(seed), false).failure
    });
    let Some((seed, failure)) = failed.first_key_value() else {
        return;
    };
    let mut kinds: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (seed, failure) in &failed {
        kinds.entry(kind(failure)).or_default().push(*seed);
    }
    let shrunk = shrunk(Scenario::draw(*seed), failure);
    panic!(
        "{} seeds fail: {kinds:?}\nseed {seed}: {failure}\n(`CARRY_SIMULATION_SEED={seed}` replays it)\n\nwith less:\n{}",
        failed.len(),
        told(&shrunk)
    );
}

#[test]
fn one_seed_is_one_run() {
    let failed = failures(0..300, |seed| {
        let scenario = Scenario::draw(seed);
        let (first, second) = (run(&scenario, false), run(&scenario, false));
        let same = first.fingerprint == second.fingerprint;
        (!same).then(|| {
            let (first, second) = (run(&scenario, true).trace, run(&scenario, true).trace);
            let at = first
                .iter()
                .zip(&second)
                .take_while(|(one, other)| one == other)
                .count();
            let differs = (first.get(at), second.get(at));
            format!("it is another run the second time: {differs:?}")
        })
    });
    assert_eq!(failed, BTreeMap::new());
}
