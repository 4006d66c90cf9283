//! Comparing everything where nothing differs; and memory.

use std::time::Instant;

use etcd_client::GetOptions;

use super::harness::{Carry, Etcd};
use super::objects;
use super::pages::{check_equal, read_all};
use super::report::{Better, Report, Row};
use super::world::{RULES_AGAIN, Setup, World, run_to_end};

pub async fn measure(setup: &Setup, report: &mut Report) {
    let keys = setup.keys;
    let world = World::loaded(setup.version, 0, keys, setup.size).await;
    let mut carry = Carry::start(&world.args("cold", &["--once"]));
    run_to_end(&mut carry);
    assert_eq!(world.count().await, keys as u64, "keys at the destination");
    let written = world.dest.revision().await;

    let begin = Instant::now();
    let (here, there) = tokio::join!(read_all(&world.source), read_all(&world.dest));
    assert_eq!((here, there), (keys, keys), "keys read");
    let both = keys as f64 / begin.elapsed().as_secs_f64();
    let args = world.args("cold", &["--once", "--resync"]);
    let carry = compare(carry, &args, &world, written, "destination", both, report).await;

    let begin = Instant::now();
    assert_eq!(read_all(&world.source).await, keys, "keys read");
    let one = keys as f64 / begin.elapsed().as_secs_f64();
    world.write_rules(RULES_AGAIN);
    let args = world.args("cold", &["--once"]);
    compare(carry, &args, &world, written, "ledger", one, report).await;
    check_equal(&world.source, &world.dest).await;
}

/// One run that compares everything with `what`, and its rows.
async fn compare(
    carry: Carry,
    args: &[String],
    world: &World,
    written: i64,
    what: &str,
    limit: f64,
    report: &mut Report,
) -> Carry {
    let mut carry = carry.again_with(args);
    let (seconds, peak) = run_to_end(&mut carry);
    let said = carry.stderr();
    assert!(said.contains("full list"), "nothing was compared: {said}");
    let keys = world.count().await;
    let changed = changed_after(&world.dest, written).await;
    assert_eq!(changed, 0, "keys that were written again");
    let name = format!("everything compared with the {what}");
    let rate = keys as f64 / seconds;
    report.add(Row::new(&name, "keys/s", Better::More, rate).limit(limit));
    let name = format!("{name}: peak memory");
    report.add(Row::new(name, "MiB", Better::Less, peak));
    carry
}

/// How many keys have a change after `revision`.
async fn changed_after(etcd: &Etcd, revision: i64) -> usize {
    let options = GetOptions::new()
        .with_prefix()
        .with_keys_only()
        .with_min_mod_revision(revision + 1);
    let prefix = objects::prefix_of(usize::MAX);
    let mut client = etcd.client().await;
    let answer = client.get(prefix, Some(options)).await.expect("get");
    answer.kvs().len()
}

/// The peak memory of first copies.
pub async fn memory(setup: &Setup, report: &mut Report) {
    let (keys, twice) = (setup.keys, setup.keys * 2);
    let once = first_copy(setup, keys).await;
    let name = |keys| format!("first copy of {keys} keys: peak memory");
    report.add(Row::new(name(keys), "MiB", Better::Less, once));
    let more = first_copy(setup, twice).await;
    let row = Row::new(name(twice), "MiB", Better::Less, more);
    report.add(row.peer(format!("carry, {keys} keys"), once));
}

async fn first_copy(setup: &Setup, keys: usize) -> f64 {
    let world = World::loaded(setup.version, 0, keys, setup.size).await;
    let mut carry = Carry::start(&world.args("cold", &["--once"]));
    let (_, peak) = run_to_end(&mut carry);
    assert_eq!(world.count().await, keys as u64, "keys at the destination");
    peak
}
