//! Conditions in CEL beside what others take for the same ones.
//!
//! Measured, in one run, on one core, hot, over two Pods in turn, of which one
//! matches: compiling (µs), and evaluating (ns) over what is decoded already:
//! carry's slots, a `cel::Context`, a `cel_core::MapActivation`, ZEN's and
//! Rhai's scopes, Rego's input, wirefilter's execution context. Reaching a
//! field costs those engines a look into maps that carry's slots have behind
//! them, so carry stands in two rows: over its slots, which is what wirefilter
//! has too, and from a `serde_json::Value`, reading the slots included, which is
//! what the others do.
//!
//! Every engine is used in the fastest way that its interface offers: compiled
//! once, its context kept. Its verdicts are compared with carry's before. What
//! it cannot say by itself is `n/a`; functions written in Rust and registered
//! are not its own. The ratio says how many times carry's figure it takes.
//!
//! Goals: ten times as fast as `cel` over decoded values, and no slower than
//! half as fast as wirefilter.
//!
//! `wirefilter-engine` is the newest version published (0.6.1, of 2019); what
//! Cloudflare runs is newer and unpublished. Not measured: memory, decoding.
//!
//! `cargo bench --manifest-path benches/peers/Cargo.toml`.

#[path = "../conditions/mod.rs"]
mod conditions;
mod engines;
#[path = "../report/mod.rs"]
mod report;
mod spellings;

use std::hint::black_box;

use carry::lang::check::Options;
use carry::lang::scheme::Variables;
use carry::lang::{Expression, Type, Verdict};
use carry::vm;
use conditions::Condition;
use engines::Figures;
use report::{Better, Report, Row};
use serde_json::Value as Json;

fn main() {
    if !report::asked_for() {
        println!("peers: run by `cargo bench` only");
        return;
    }
    let mut report = Report::new("peers");
    let pods = conditions::pods();
    for condition in conditions::all() {
        measure(&condition, &pods, &mut report);
    }
    report.finish();
}

fn measure(condition: &Condition, pods: &[Json; 2], report: &mut Report) {
    let Condition { name, text } = condition;
    let carry = Carry::measure(text, pods);
    let peers = [
        ("cel", engines::cel(name, text, pods)),
        ("cel-core", engines::cel_core(name, text, pods)),
        ("zen", engines::zen(name, pods)),
        ("rhai", engines::rhai(name, pods)),
        ("regorus", engines::regorus(name, pods)),
        ("wirefilter", engines::wirefilter(name, pods)),
    ];
    let mut add = |what: &str, unit, figure, of: fn(&Figures) -> f64| {
        let row = Row::new(format!("{name}, {what}"), unit, Better::Less, figure);
        report.add(peers.iter().fold(row, |row, (peer, figures)| {
            row.peer_if_able(*peer, figures.as_ref().map(of))
        }));
    };
    add("compiling", "µs", carry.compiling, |own| own.compiling);
    add("over slots", "ns", carry.over_slots, |own| own.evaluating);
    add("from JSON", "ns", carry.from_json, |own| own.evaluating);
}

struct Carry {
    compiling: f64,
    over_slots: f64,
    from_json: f64,
}

impl Carry {
    fn measure(text: &str, pods: &[Json; 2]) -> Carry {
        let expression = compile(text);
        let sources = pods
            .each_ref()
            .map(|pod| serde_json::json!({"object": pod}));
        let slots = sources.each_ref().map(|source| expression.read(source));
        let verdicts = slots
            .each_ref()
            .map(|slots| vm::eval(expression.program(), &slots[..]));
        assert_eq!(
            verdicts,
            [Ok(Verdict::Match), Ok(Verdict::NoMatch)],
            "{text}"
        );
        Carry {
            compiling: conditions::time_compiling(|| drop(black_box(compile(text)))),
            over_slots: conditions::time(|which| {
                let slots = black_box(&slots[which][..]);
                black_box(vm::eval(expression.program(), slots)).ok();
            }),
            from_json: conditions::time(|which| {
                let slots = expression.read(black_box(&sources[which]));
                black_box(vm::eval(expression.program(), &slots[..])).ok();
            }),
        }
    }
}

fn compile(text: &str) -> Expression {
    let scheme = Variables::new([("object", Type::Dyn)]);
    // As the rules do: a path of names is one slot.
    let options = Options {
        json_paths: true,
        ..Options::default()
    };
    let compiled = Expression::compile_with(text, &scheme, &options, true);
    compiled.unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}
