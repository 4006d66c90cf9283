//! Catching up with what was written while carry was away.

use std::time::Instant;

use super::harness::Carry;
use super::pages::check_equal;
use super::report::{Better, Report, Row};
use super::tail::read_history;
use super::world::{Setup, WAYS, World, wait, wait_applied};
use super::writers::{Load, Times};

pub async fn measure(setup: &Setup, report: &mut Report) {
    for &rtt in &setup.rtts {
        for way in WAYS {
            let (seconds, limit) = catch_up(setup, way, rtt).await;
            let name = format!("catching up, {way}, {rtt} ms");
            let changes = setup.backlog as f64;
            let row = Row::new(&name, "changes/s", Better::More, changes / seconds);
            report.add(row.limit(limit));
            let row = Row::new(format!("{name}: time"), "s", Better::Less, seconds);
            report.add(row.limit(changes / limit));
        }
    }
}

/// The seconds that it took, and how many changes a second a plain reader gets.
async fn catch_up(setup: &Setup, way: &str, rtt: u64) -> (f64, f64) {
    let keys = (setup.backlog / 3).max(16);
    let world = World::loaded(setup.version, rtt, keys, setup.size).await;
    let before = world.source.revision().await;
    let mut carry = Carry::start(&world.args(way, &[]));
    wait_applied(&mut carry, before);
    assert_eq!(carry.stop(), 0, "carry: {}", carry.stderr());
    let load = Load {
        url_port: world.source.plain_port(),
        keys,
        writes: setup.backlog,
        rate: None,
        growing: false,
        size: setup.size,
    };
    let last = load.write(Times::new(Instant::now(), load.writes)).await;
    assert_eq!(last, before + setup.backlog as i64, "somebody else writes");

    let limit = read_history(&world.source, before, last).await;
    let begin = Instant::now();
    let mut carry = carry.again();
    wait_applied(&mut carry, last);
    let seconds = begin.elapsed().as_secs_f64();
    wait(&mut carry, "being ready", |carry| {
        carry.http("/readyz").is_some_and(|(code, _)| code == 200)
    });
    // Else it was no catching up.
    let said = carry.stderr();
    assert!(!said.contains("full list"), "everything was listed: {said}");
    check_equal(&world.source, &world.dest).await;
    (seconds, limit)
}
