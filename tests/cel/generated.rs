//! Random expressions: oracle, VM, and VM after folding agree on each, faults
//! included.
//!
//! Promises that a failure names the seed and the expression. How many there
//! are is in CARRY_GENERATED, by default 100,000, and 1,000 without
//! optimisation.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use carry::lang::function::{Function, overloads};

use super::expressions::choices::{Bytes, Random};
use super::expressions::coverage::{Coverage, KINDS};
use super::expressions::generator::Generator;
use super::expressions::{agree, predicates, rows};

/// Functions that are never called: `or` and `orValue` evaluate their
/// argument only where they need it, so they are kinds of expression.
const NOT_CALLED: [Function; 2] = [Function::OptionalOr, Function::OptionalOrValue];

/// All instructions but jumps, and the checks of jumps.
const OPS: [&str; 46] = [
    "If Present",
    "If TextEqual",
    "If TextIn",
    "If TextMatches",
    "Unless True",
    "Unless EqualString",
    "Unless Equal",
    "Unless Less",
    "Unless LessEqual",
    "Unless Greater",
    "Unless GreaterEqual",
    "Unless In",
    "Unless StartsWith",
    "Unless EndsWith",
    "Unless Contains",
    "Unless Matches",
    "Unless HasField",
    "Unless HasSlot",
    "Always",
    "Enter",
    "Raise",
    "Move",
    "Field",
    "OptionalField",
    "OptionalSlot",
    "Call1",
    "Call2",
    "Call",
    "Wrap",
    "Unwrap",
    "NewList",
    "NewMap",
    "Push",
    "PushOptional",
    "Insert",
    "InsertOptional",
    "InsertAll",
    "Finish",
    "Iterate",
    "Next",
    "NextEntry",
    "Again",
    "Count",
    "Undeclared",
    "Return",
    "Match",
];

fn how_many() -> u64 {
    let wanted = std::env::var("CARRY_GENERATED").ok();
    let wanted = wanted.map(|text| text.parse().expect("CARRY_GENERATED is a number"));
    wanted.unwrap_or(if cfg!(debug_assertions) {
        1_000
    } else {
        100_000
    })
}

/// Runs `check` for every seed; says which one failed.
fn for_each_seed(check: impl Fn(u64)) {
    for seed in 0..how_many() {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(seed))) {
            eprintln!("seed {seed}");
            resume_unwind(panic);
        }
    }
}

#[test]
fn expressions_have_one_value() {
    let coverage = std::cell::RefCell::new(Coverage::default());
    let called = std::cell::RefCell::new(vec![0_u32; rows::count()]);
    let accepted = std::cell::Cell::new(0);
    for_each_seed(|seed| {
        let mut choices = Random(seed);
        let mut generator = Generator::new(&mut choices);
        let text = generator.any();
        let rows = std::mem::take(&mut generator.called);
        let turn = usize::try_from(seed).expect("a seed");
        if agree::expression(&text, turn, &mut coverage.borrow_mut()) {
            accepted.set(accepted.get() + 1);
        }
        rows.into_iter()
            .for_each(|row| called.borrow_mut()[row] += 1);
    });
    let coverage = coverage.into_inner();
    let share = accepted.get() * 100 / how_many();
    eprintln!(
        "{share} % accepted, {:.3} values",
        coverage.share_of_values()
    );
    eprintln!("{:?}\n{:?}", coverage.outcomes, coverage.kinds);
    assert!(share >= 70, "{share} % of the expressions are accepted");
    assert!(coverage.share_of_values() >= 0.3, "{:?}", coverage.outcomes);
    if how_many() >= 100_000 {
        assert_covered(&coverage, &called.into_inner());
    }
}

fn assert_covered(coverage: &Coverage, called: &[u32]) {
    let uncalled = overloads()
        .iter()
        .zip(called)
        .filter(|(_, count)| **count == 0);
    let uncalled: Vec<_> = uncalled.map(|(row, _)| row).collect();
    assert!(uncalled.is_empty(), "{uncalled:?}");
    for row in overloads() {
        let called = coverage
            .functions
            .contains_key(&format!("{:?}", row.function));
        assert_eq!(
            called,
            !NOT_CALLED.contains(&row.function),
            "{:?}",
            row.function
        );
    }
    // Tests and their verdicts are of predicates.
    let of_predicates = |name: &str| name == "Test" || name == "Match" || name.contains(" Text");
    for kind in KINDS.into_iter().filter(|kind| !of_predicates(kind)) {
        assert!(coverage.kinds.contains_key(kind), "no {kind}");
    }
    let ops = OPS
        .into_iter()
        .filter(|op| !of_predicates(op) && *op != "If Present");
    for op in ops {
        assert!(coverage.ops.contains_key(op), "no {op}");
    }
}

/// As the fuzzer begins.
#[test]
fn bytes_that_run_out_end_an_expression() {
    for bytes in [&[][..], &[1], &[255; 40], &[7; 1000]] {
        let text = Generator::new(&mut Bytes(bytes)).any();
        agree::expression(&text, 2, &mut Coverage::default());
    }
}

#[test]
fn predicates_have_one_verdict() {
    let coverage = std::cell::RefCell::new(Coverage::default());
    let accepted = std::cell::Cell::new(0);
    for_each_seed(|seed| {
        let accept = predicates::check(&mut Random(!seed), &mut coverage.borrow_mut());
        accepted.set(accepted.get() + u64::from(accept));
    });
    let share = accepted.get() * 100 / how_many();
    assert!(share >= 50, "{share} % of the predicates are accepted");
    let coverage = coverage.into_inner();
    if how_many() >= 100_000 {
        for kind in [
            "Test", "Not", "All", "Any", "Holds", "Compare", "Every", "Some", "One",
        ] {
            assert!(coverage.kinds.contains_key(kind), "no {kind}");
        }
        for op in [
            "If Present",
            "If TextEqual",
            "If TextIn",
            "If TextMatches",
            "Match",
            "NoMatch",
        ] {
            assert!(coverage.ops.contains_key(op), "no {op}");
        }
    }
}
