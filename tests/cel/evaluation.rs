//! What oracle and VM once said differently, and evaluations that must stay
//! within their bounds.
//!
//! Promises each case by the oracle, the VM, and the VM after folding.

use carry::lang::check::Options;
use carry::lang::{Expression, FaultKind, oracle};
use carry::vm;

use super::expressions::agree;
use super::expressions::coverage::Coverage;
use super::expressions::sources::{Names, WORLDS};

/// All evaluators agree, however it is checked.
fn agrees(text: &str) {
    for turn in 0..3 {
        agree::expression(text, turn, &mut Coverage::default());
    }
}

#[test]
fn arguments_fault_from_left_to_right() {
    agrees("absent + 1 / 0");
    agrees("broken in [string(1 / 0)]");
    agrees("object.missing.deep == dyn(1 / 0)");
    agrees("{broken: 1 / 0}");
}

/// Chains of macros multiply how deep values are nested: neither types nor
/// values may overflow the stack of a small thread.
#[test]
fn deep_values_stay_within_the_stack() {
    let deep = |step: &str| {
        let brackets = |text: &str| format!("{}{text}{}", "[".repeat(45), "]".repeat(45));
        let steps = step.replace("BODY", &brackets("x")).repeat(195);
        format!("size([{}]{steps})", 1)
    };
    let texts = [deep(".map(x, BODY)"), deep(".map(x, dyn(BODY))")];
    let run = move || {
        for text in &texts {
            agree::expression(text, 1, &mut Coverage::default());
        }
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    thread
        .spawn(run)
        .expect("a thread")
        .join()
        .expect("no panic");
}

/// The largest `int` equals the `double` 2^63, and so does a `uint` which it
/// does not equal: such numbers cannot be sorted.
#[test]
fn numbers_at_the_edge_are_found_among_constants() {
    let around = "9223372036854775808u, 9223372036854775808.0, 9223372036854775807";
    for own in ["big", "u", "d", "dyn(big)", "big - 1", "0", "2.0"] {
        agrees(&format!(
            "{own} in [9223372036854775808u, 9223372036854775808.0]"
        ));
        agrees(&format!(
            "{own} in [9223372036854775808.0, 9223372036854775808u]"
        ));
        agrees(&format!(
            "{own} in [dyn(1), 2u, {around}, 9223372036854775807u]"
        ));
        agrees(&format!(
            "{own} in [dyn(2), {}{around}]",
            format!("{around}, 7, ").repeat(12)
        ));
    }
}

/// What one instruction touches is paid for, in loops above all.
#[test]
fn loops_run_out_of_fuel_before_they_run_long() {
    let tests = "x == -1 || ".repeat(240);
    for text in [
        // Maps made of large ones.
        "cel.bind(m, lists.range(1000).transformMap(i, x, x),
            lists.range(60000).map(i, [1].transformMapEntry(a, b, m)))",
        // Comparisons with large constants.
        "cel.bind(r, lists.range(i + 8998),
            lists.range(200000).exists(x, r != lists.range(9000)))",
        "cel.bind(r, [i], lists.range(200000).exists(x,
            r in lists.range(3000).transformList(k, v, [v + 7])))",
        // Tests, which cost nothing by themselves.
        &format!("lists.range(200000).exists(x, {tests} x == -1)"),
    ] {
        let options = Options::default();
        let compiled =
            Expression::compile_with(text, &Names, &options, true).expect("an expression");
        let values = compiled.read(&WORLDS[0]);
        let start = std::time::Instant::now();
        let found = vm::evaluate(compiled.program(), &values[..]).map_err(|fault| fault.kind);
        assert_eq!(found.err(), Some(FaultKind::OutOfFuel));
        // Without the bounds it would be minutes, if memory sufficed.
        assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
        let by_oracle = oracle::value(compiled.hir(), &values[..]).map_err(|fault| fault.kind);
        assert_eq!(by_oracle.err(), Some(FaultKind::OutOfFuel));
    }
}
