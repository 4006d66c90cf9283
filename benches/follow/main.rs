//! What comes after the initial mirror, with ConfigMaps of 1.6 KB from one etcd
//! into another, both with their data in memory. Four parts:
//!
//! * `tail`: the delay of a change under a steady load of single puts (one in
//!   ten a new key), from the put's answer at the source until a watch at the
//!   destination shows it, at several round-trip times between carry and the
//!   destination, `--standby live` and `cold`. Both ends are seen directly, so
//!   at best it is half a round trip. A value that a newer one of the same key
//!   overtook was late until that one came. Beside it `etcdctl make-mirror`,
//!   which puts one key after the other and so is given only half of the load
//!   that it could hold at that distance (the row says how much), and few keys.
//! * `catchup`: carry is stopped, much is written, carry is started again: from
//!   its start until everything is applied. The limit is a plain reader that
//!   gets the same history from a watch. make-mirror has no way to go on.
//! * `resync`: everything is equal, and is compared: with the destination
//!   (`--resync`), and with the ledger, after the rules file was written
//!   differently and means the same. Neither may write anything but carry's own
//!   keys. The limit is a plain pager over both etcds at once (or the source
//!   alone), with pages of carry's size.
//! * `memory`: carry's peak memory in a first copy, and in one of twice as many
//!   keys.
//!
//! Not measured: TLS, encryption, disks, deletes, Namespace labels. Everything,
//! the load and the delaying proxy too, shares the cores of one machine. Each
//! figure is of one run; what a part asserts (that both sides are equal in the
//! end, that nothing was written) is asserted in each.
//!
//! `cargo bench --bench follow`, with CARRY_BENCH_PARTS
//! (`tail,catchup,resync,memory`), CARRY_BENCH_RTT (`0,20,100` ms, tail and
//! catchup), CARRY_BENCH_RATE (2000 writes a second) and CARRY_BENCH_SECONDS
//! (60) of the tail, CARRY_BENCH_BACKLOG (60000 writes over a third as many
//! keys, catchup), CARRY_BENCH_KEYS (50000, resync and memory) and
//! CARRY_BENCH_VALUE (1600 bytes) for other runs. A million keys take about
//! 2 GB of memory in each etcd's directory. etcd is found as by the tests.

mod catchup;
#[path = "../../tests/mirror/harness.rs"]
mod harness;
#[path = "../mirror/objects.rs"]
mod objects;
mod pages;
#[path = "../mirror/proxy.rs"]
mod proxy;
#[path = "../report/mod.rs"]
mod report;
mod resync;
mod tail;
mod world;
mod writers;

use report::Report;
use world::Setup;

fn main() {
    if !report::asked_for() {
        println!("follow: run by `cargo bench` only");
        return;
    }
    // make-mirror is in etcdctl.
    let mut versions = harness::versions("bench follow").into_iter();
    let Some(version) = versions.rfind(|version| version.etcdctl().is_some()) else {
        return;
    };
    let setup = Setup::new(version);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut report = Report::new("follow");
    for part in setup.parts.clone() {
        println!("{part} …");
        match part.as_str() {
            "tail" => runtime.block_on(tail::measure(&setup, &mut report)),
            "catchup" => runtime.block_on(catchup::measure(&setup, &mut report)),
            "resync" => runtime.block_on(resync::measure(&setup, &mut report)),
            "memory" => runtime.block_on(resync::memory(&setup, &mut report)),
            _ => panic!("CARRY_BENCH_PARTS: `{part}` is no part"),
        }
    }
    report.finish();
    println!("goals: p99 within 1.5 round trips; comparing bound by reading;");
    println!("memory below 100 MiB at 500,000 keys and no more at 1,000,000");
}
