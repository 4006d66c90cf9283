//! Whether oracle and VM, folded and not, say the same of an expression.
//!
//! Promises to panic with the expression where they differ. Deliberately
//! lenient about what runs out of fuel: it counts differently for each.

use carry::lang::check::Options;
use carry::lang::{Expression, FaultKind, Value, compare, container, listing, oracle, parse};
use carry::vm;

use super::coverage::Coverage;
use super::sources::{Names, WORLDS};

type Outcome<'a> = Result<Value<'a>, FaultKind>;

/// The ways of checking: as rules do, as embedders do, and not at all.
const CHECKING: [Options; 3] = [
    Options {
        check: true,
        macros: true,
        json_paths: true,
    },
    Options {
        check: true,
        macros: true,
        json_paths: false,
    },
    Options {
        check: false,
        macros: true,
        json_paths: false,
    },
];

/// Evaluates `text` in every way; `turn` says how it is checked, and whether it
/// is listed and counted: each fourth, since that takes longer than the rest.
/// Whether it was accepted.
pub fn expression(text: &str, turn: usize, coverage: &mut Coverage) -> bool {
    let ast = match parse::parse(text) {
        Ok(ast) => ast,
        Err(error) => panic!("{text}: {}", error.message),
    };
    let printed = ast.to_string();
    let again = parse::parse(&printed).unwrap_or_else(|error| panic!("{printed}: {error:?}"));
    assert!(again == ast, "{text} is printed as {printed}");
    let options = &CHECKING[turn % CHECKING.len()];
    let mut coverage = turn.is_multiple_of(4).then_some(coverage);
    let accepted = compiled(text, options, coverage.as_deref_mut());
    if !accepted && options.check {
        compiled(text, &CHECKING[2], coverage);
    }
    accepted
}

fn compiled(text: &str, options: &Options, mut coverage: Option<&mut Coverage>) -> bool {
    let compile = |fold| Expression::compile_with(text, &Names, options, fold);
    let Ok(plain) = compile(false) else {
        assert!(compile(true).is_err(), "{text}: folded alone it compiles");
        return false;
    };
    let folded = compile(true).unwrap_or_else(|errors| panic!("{text}: {}", errors[0].message));
    if let Some(coverage) = &mut coverage {
        for expression in [&plain, &folded] {
            let _ = format!("{expression:?}");
            let _ = listing::expression(expression.hir(), &[]);
            assert!(!listing::bytecode(expression.program()).is_empty());
            coverage.expression(expression);
        }
    }
    for (world, source) in WORLDS.iter().enumerate() {
        let (values, again) = (plain.read(source), folded.read(source));
        let kind = |fault: carry::lang::Fault| fault.kind;
        let expected = oracle::value(plain.hir(), &values[..]).map_err(kind);
        if let Some(coverage) = &mut coverage {
            coverage.outcome(&expected);
        }
        let others = [
            ("the VM", vm::evaluate(plain.program(), &values[..])),
            (
                "the oracle, folded,",
                oracle::value(folded.hir(), &again[..]),
            ),
            (
                "the VM, folded,",
                vm::evaluate(folded.program(), &again[..]),
            ),
        ];
        for (who, found) in others {
            let found = found.map_err(kind);
            assert!(
                agree(&expected, &found),
                "{text}\nin world {world} {options:?}: the oracle says {}, {who} {}\n{}",
                told(&expected),
                told(&found),
                listing::bytecode(plain.program()),
            );
        }
    }
    true
}

fn told(outcome: &Outcome<'_>) -> String {
    match outcome {
        Ok(value) => listing::shown(value),
        Err(kind) => format!("{kind:?}"),
    }
}

fn agree(a: &Outcome<'_>, b: &Outcome<'_>) -> bool {
    match (a, b) {
        (Err(FaultKind::OutOfFuel), _) | (_, Err(FaultKind::OutOfFuel)) => true,
        (Ok(a), Ok(b)) => same(a, b),
        (Err(a), Err(b)) => a == b,
        _ => false,
    }
}

/// More than equal: of one type in all parts, and NaN is itself.
fn same(a: &Value<'_>, b: &Value<'_>) -> bool {
    if a.type_name() != b.type_name() {
        return false;
    }
    match (a, b) {
        (Value::Double(a), Value::Double(b)) => {
            a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
        }
        (Value::Optional(Some(a)), Value::Optional(Some(b))) => same(a, b),
        _ => match (container::entries(a), container::entries(b)) {
            (Ok(own), Ok(other)) => {
                let size = |of| container::size(of).ok().flatten();
                let mut both = own.zip(other);
                size(a) == size(b)
                    && both.all(|(own, other)| match (own, other) {
                        (Ok(own), Ok(other)) => same(&own.0, &other.0) && same(&own.1, &other.1),
                        _ => false,
                    })
            }
            _ => compare::equal(a, b) == Ok(true),
        },
    }
}
