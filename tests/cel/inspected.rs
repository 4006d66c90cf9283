//! What is shown of the parts of a condition is what the VM computes, and of
//! private values nothing.
//!
//! Promises that a failure names the seed and the condition.

use carry::lang::ast::{Expr, ExprKind};
use carry::lang::check::{self, Options};
use carry::lang::hir::{Node, NodeKind, Predicate, Slot, SlotId};
use carry::lang::inspect::{Found, Inspected, Part, breaks, inspect, short};
use carry::lang::scheme::Fields;
use carry::lang::{self, Expression, FaultKind, Value, Verdict, oracle, parse};
use carry::vm;

use super::expressions::choices::Random;
use super::expressions::generator::Generator;
use super::expressions::sources::{Names, WORLDS};

const OPTIONS: Options = Options {
    check: true,
    macros: true,
    json_paths: true,
};

fn how_many() -> u64 {
    if cfg!(debug_assertions) { 500 } else { 2_000 }
}

/// A condition, checked and not folded, and what it reads.
struct Condition {
    text: String,
    tree: Expr,
    node: Node,
    fields: Fields,
}

impl Condition {
    fn new(text: String) -> Option<Condition> {
        let tree = parse::parse(&text).unwrap_or_else(|error| panic!("{text}: {}", error.message));
        let mut fields = Fields::default();
        let checked = check::predicate(&tree, &Names, &mut fields, &OPTIONS);
        Some(Condition {
            node: checked.value?,
            text,
            tree,
            fields,
        })
    }

    fn random(seed: u64) -> Option<Condition> {
        Condition::new(Generator::new(&mut Random(seed)).condition())
    }

    fn read(&self, world: usize) -> Vec<Value<'static>> {
        let fields = self.fields.fields().iter();
        let world = &WORLDS[world];
        fields
            .map(|(name, path)| carry::lang::Source::field(world, name, path))
            .collect()
    }

    fn inspect(&self, values: &[Value<'_>], private: &dyn Fn(SlotId) -> bool) -> Inspected {
        inspect((&self.text, &self.tree), &self.node, values, private)
    }

    /// What the VM says of it, folded as rules are.
    fn by_vm(&self, values: &[Value<'_>]) -> Result<bool, FaultKind> {
        let slots = self.fields.fields().iter().map(|(name, path)| Slot {
            name: format!("{name} {path}"),
            may_fault: true,
        });
        let predicate = Predicate {
            root: self.node.clone(),
            slots: slots.collect(),
        };
        let program = lang::compile(&lang::fold(&predicate)).expect("small enough");
        let verdict = vm::eval(&program, values).map_err(|fault| fault.kind);
        verdict.map(|verdict| verdict == Verdict::Match)
    }
}

/// The places where variables of macros may be read.
fn within_macros(tree: &Expr) -> Vec<carry::diagnostic::Span> {
    const MACROS: [&str; 11] = [
        "all",
        "exists",
        "exists_one",
        "existsOne",
        "map",
        "filter",
        "transformList",
        "transformMap",
        "transformMapEntry",
        "optMap",
        "optFlatMap",
    ];
    let (mut found, mut open) = (Vec::new(), vec![tree]);
    while let Some(next) = open.pop() {
        if let ExprKind::Call { function, args, .. } = &next.kind
            && (MACROS.contains(&function.text.as_str()) || function.text == "bind")
        {
            found.extend(args.iter().map(|arg| arg.span));
        }
        open.extend(next.parts());
    }
    found
}

/// A part evaluated by itself, as a program of its own.
fn alone(text: &str, world: usize) -> Option<Result<String, FaultKind>> {
    let compiled = Expression::compile_with(text, &Names, &OPTIONS, true).ok()?;
    let values = compiled.read(&WORLDS[world]);
    let value = vm::evaluate(compiled.program(), &values[..]);
    Some(value.map(|value| short(&value)).map_err(|fault| fault.kind))
}

fn well_placed(condition: &Condition, parts: &[Part]) {
    let text = &condition.text;
    for part in parts {
        let (start, end) = (part.span.start as usize, part.span.end as usize);
        assert!(text.get(start..end).is_some(), "{text}: {part:?}");
        assert!(
            part.span.start <= part.at && part.at < part.span.end,
            "{text}: {part:?}"
        );
        assert!(text.is_char_boundary(part.at as usize), "{text}: {part:?}");
    }
    for (at, _) in breaks(&condition.tree) {
        assert!(text.is_char_boundary(at as usize), "{text}: {at}");
    }
}

fn whole(found: &Inspected) -> Option<&Part> {
    found.parts.iter().find(|part| part.whole)
}

#[test]
fn parts_have_the_values_that_the_vm_computes() {
    let (mut conditions, mut compared) = (0, 0);
    for seed in 0..how_many() {
        let Some(condition) = Condition::random(seed) else {
            continue;
        };
        conditions += 1;
        let hidden = within_macros(&condition.tree);
        for world in 0..WORLDS.len() {
            let values = condition.read(world);
            let found = condition.inspect(&values, &|_| false);
            let by_vm = condition.by_vm(&values);
            let fuel = Err(FaultKind::OutOfFuel);
            let text = &condition.text;
            if found.truth == fuel || by_vm == fuel {
                continue;
            }
            assert_eq!(found.truth, by_vm, "seed {seed}, world {world}: {text}");
            well_placed(&condition, &found.parts);
            match (whole(&found).map(|part| &part.found), found.truth) {
                (Some(Found::Truth(shown, _)), Ok(holds)) => assert_eq!(*shown, holds, "{text}"),
                (Some(Found::Fault(shown, _)), Err(kind)) => assert_eq!(*shown, kind, "{text}"),
                // A condition of constants.
                (None, _) => {}
                (shown, truth) => panic!("{text}: {shown:?}, but {truth:?}"),
            }
            for part in &found.parts {
                let inside = |span: &carry::diagnostic::Span| {
                    span.start <= part.span.start && part.span.end <= span.end
                };
                if hidden.iter().any(inside) {
                    continue;
                }
                let own = &text[part.span.start as usize..part.span.end as usize];
                let shown = match &part.found {
                    Found::Truth(holds, _) => Ok(holds.to_string()),
                    Found::Value(text) => Ok(text.clone()),
                    Found::Fault(kind, _) => Err(*kind),
                    Found::NotLookedAt => continue,
                    Found::Private => panic!("{text}: nothing is private"),
                };
                let Some(expected) = alone(own, world) else {
                    continue;
                };
                // As a condition it must be true or false.
                if shown == Err(FaultKind::NoSuchOverload) && expected.is_ok() {
                    continue;
                }
                compared += 1;
                assert_eq!(
                    shown, expected,
                    "seed {seed}, world {world}: {own}\nin {text}"
                );
            }
        }
    }
    assert!(
        conditions > how_many() / 2,
        "only {conditions} were accepted"
    );
    assert!(
        compared > how_many() * 2,
        "only {compared} parts were compared"
    );
}

/// What decides does so whatever the other parts are: with them exchanged for
/// constants nothing changes.
#[test]
fn what_decides_decides() {
    let mut decided = 0;
    for seed in 0..how_many() {
        let Some(condition) = Condition::random(seed) else {
            continue;
        };
        for world in 0..WORLDS.len() {
            let values = condition.read(world);
            let found = condition.inspect(&values, &|_| false);
            let (NodeKind::All(parts) | NodeKind::Any(parts)) = &condition.node.kind else {
                continue;
            };
            let Ok(holds) = found.truth else {
                continue;
            };
            let deciding = found.parts.iter().find(|part| part.decides);
            let of = |node: &&Node| deciding.is_some_and(|part| part.span == node.span);
            let Some(chosen) = parts.iter().find(of) else {
                // All of them were needed, or one that is a constant decided.
                continue;
            };
            decided += 1;
            let by_itself = oracle::truth(chosen, &values[..]).map_err(|fault| fault.kind);
            assert_eq!(
                by_itself,
                Ok(holds),
                "seed {seed}, world {world}: {}",
                condition.text
            );
            let decisive = matches!(condition.node.kind, NodeKind::Any(_));
            assert_eq!(holds, decisive, "{}", condition.text);
        }
    }
    assert!(decided > how_many() / 20, "only {decided}");
}

/// The truth of each condition that `&&`, `||` and `!` join to the whole.
fn told(node: &Node, values: &[Value<'_>], into: &mut Vec<Result<bool, FaultKind>>) {
    into.push(oracle::truth(node, values).map_err(|fault| fault.kind));
    node.parts()
        .iter()
        .for_each(|part| told(part, values, into));
}

/// Two states of an object that differ in private values alone look alike, if
/// the conditions that may be told of them do.
#[test]
fn private_values_make_no_difference() {
    let (mut alike, mut private) = (0, 0);
    for seed in 0..how_many() {
        let Some(condition) = Condition::random(seed) else {
            continue;
        };
        let count = condition.fields.fields().len();
        // Each second slot of those that there are, by the seed.
        let is_private = |slot: SlotId| (u64::from(slot.0) + seed).is_multiple_of(2);
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            let first = condition.read(one);
            let second: Vec<Value<'_>> = condition.read(other);
            let mixed: Vec<Value<'_>> = (0..count)
                .map(|at| match is_private(SlotId(at as u16)) {
                    true => second[at].clone(),
                    false => first[at].clone(),
                })
                .collect();
            let (mut a, mut b) = (Vec::new(), Vec::new());
            told(&condition.node, &first, &mut a);
            told(&condition.node, &mixed, &mut b);
            if a != b || a.contains(&Err(FaultKind::OutOfFuel)) {
                continue;
            }
            let [shown, again] =
                [&first, &mixed].map(|values| condition.inspect(values, &is_private));
            alike += 1;
            private += usize::from(shown.parts.iter().any(|part| part.found == Found::Private));
            assert_eq!(
                shown.parts, again.parts,
                "seed {seed}, worlds {one} and {other}: {}",
                condition.text
            );
        }
    }
    assert!(alike > how_many() as usize / 4, "only {alike} were alike");
    assert!(
        private > alike / 10,
        "only {private} of {alike} hid anything"
    );
}

#[test]
fn short_values() {
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    for (value, expected) in [
        ("null", "null"),
        ("-3", "-3"),
        ("1.0", "1.0"),
        (r#""a\"b\n""#, r#""a\"b\n""#),
        ("[]", "[]"),
        ("{}", "{}"),
        (r#"["a", 1, null]"#, r#"["a", 1, null]"#),
        (r#"[["a"]]"#, "[1 item]"),
        (r#"[{"a": 1}, {"a": 2}, {"a": 3}]"#, "[3 items]"),
        (
            r#"{"app": "web", "a/b": [1, 2]}"#,
            r#"{"a/b": [2 items], app: "web"}"#,
        ),
        (r#"{"a": {"b": 1}}"#, "{a: {…}}"),
        (
            r#"{"a": "a text that is long", "b": "another long one", "c": 3}"#,
            r#"{a: "a text that is long", c: 3, …}"#,
        ),
    ] {
        assert_eq!(short(&Value::from(&json(value))), expected);
    }
    let long = "ä".repeat(40);
    assert_eq!(
        short(&Value::str(&long)),
        format!("\"{}…\"", "ä".repeat(32))
    );
    assert_eq!(short(&Value::str("\u{202e}x\u{7}")), r#""\u{202e}x\u{7}""#);
    assert_eq!(short(&Value::list(vec![Value::Int(7); 100])), "[100 items]");
    assert_eq!(short(&Value::bytes(*b"a")), "1 byte");
    assert_eq!(short(&Value::Duration(90_000_000_000)), "90s");
}

/// As deep as the parser allows, on the stack of a thread.
#[test]
fn deep_conditions_stay_within_the_stack() {
    let loops = (0..40).fold("b".to_owned(), |body, depth| {
        format!("l.exists(x{depth}, {body})")
    });
    let texts = [
        format!("{}b", "!".repeat(240)),
        format!("{}b{}", "(b && !(b ||".repeat(24), "))".repeat(24)),
        format!("{}b{}", "(b ? b : ".repeat(45), ")".repeat(45)),
        format!("[{}]{} == []", "1", ".map(x, x)".repeat(200)),
        format!("l == [{}]", vec!["1"; 20_000].join(", ")),
        loops,
    ];
    let run = move || {
        for text in texts {
            let condition = Condition::new(text).expect("a condition");
            let values = condition.read(0);
            let found = condition.inspect(&values, &|_| false);
            assert_eq!(found.truth, condition.by_vm(&values));
            well_placed(&condition, &found.parts);
        }
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    thread
        .spawn(run)
        .expect("a thread")
        .join()
        .expect("no panic");
}
