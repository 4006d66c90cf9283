//! Predicates: VM, oracle and folded VM agree on generated HIR and slots,
//! faults included; and the listings of all stages.

use carry::diagnostic::Span;
use carry::lang::hir::{Node, NodeKind, Predicate, Slot, SlotId, Test};
use carry::lang::pattern::Pattern;
use carry::lang::{self, FaultKind, Value, Verdict, listing, oracle};
use carry::vm;
use proptest::prelude::*;

const SLOTS: u16 = 5;

/// Few texts, so that comparisons often pass.
fn text() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "a", "b", "ab", "a.b", "true", "7", "-7", "0.5"])
}

fn comparison() -> impl Strategy<Value = Test> {
    prop_oneof![
        Just(Test::Present),
        text().prop_map(|text| Test::Equals(text.into())),
        prop::collection::vec(text(), 0..4)
            .prop_map(|texts| Test::OneOf(texts.into_iter().map(Into::into).collect())),
        // More than a handful are hashed.
        prop::collection::vec(text(), 1..4).prop_map(|texts| {
            let many = (0..20).map(|n| format!("other-{n}").into_boxed_str());
            Test::OneOf(many.chain(texts.into_iter().map(Into::into)).collect())
        }),
        prop::sample::select(vec!["a*", "*", "**", "a.*", "?"])
            .prop_map(|glob| Test::Matches(Pattern::dotted(glob).unwrap())),
    ]
}

fn node() -> impl Strategy<Value = Node> {
    let span = Span::default();
    let leaf = prop_oneof![
        1 => any::<bool>().prop_map(NodeKind::Const),
        6 => (0..SLOTS, comparison())
            .prop_map(|(slot, test)| NodeKind::Test { slot: SlotId(slot), test }),
    ];
    let leaf = leaf.prop_map(move |kind| Node::new(kind, span));
    leaf.prop_recursive(5, 40, 4, move |inner| {
        let parts = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            parts().prop_map(move |parts| Node::all(parts, span)),
            parts().prop_map(move |parts| Node::any(parts, span)),
            inner.clone().prop_map(Node::negated),
        ]
    })
}

fn value(may_fault: bool) -> impl Strategy<Value = Value<'static>> {
    let fault = if may_fault { 3 } else { 0 };
    prop_oneof![
        2 => Just(Value::Absent),
        1 => Just(Value::Null),
        1 => Just(Value::list(Vec::new())),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => prop::sample::select(vec![7_i64, -7]).prop_map(Value::Int),
        1 => Just(Value::Uint(7)),
        1 => Just(Value::Double(0.5)),
        6 => text().prop_map(Value::str),
        fault => Just(Value::Fault(FaultKind::Unreadable)),
    ]
}

/// A predicate, of whose slots the first `faulting` may fault, and values.
fn case() -> impl Strategy<Value = (Predicate, Vec<Value<'static>>)> {
    (node(), 0..=SLOTS).prop_flat_map(|(root, faulting)| {
        let slots = (0..SLOTS).map(|at| Slot {
            name: format!("s{at}"),
            may_fault: at < faulting,
        });
        let predicate = Predicate {
            root,
            slots: slots.collect(),
        };
        let values: Vec<_> = (0..SLOTS).map(|at| value(at < faulting)).collect();
        (Just(predicate), values)
    })
}

fn verdict(result: Result<Verdict, lang::Fault>) -> Result<Verdict, FaultKind> {
    result.map_err(|fault| fault.kind)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn vm_and_oracle_agree((predicate, values) in case()) {
        let expected = verdict(oracle::evaluate(&predicate, values.as_slice()));
        let plain = lang::compile(&predicate).unwrap();
        prop_assert_eq!(verdict(vm::eval(&plain, values.as_slice())), expected, "{}\n{}",
            listing::hir(&predicate), listing::bytecode(&plain));
        let smaller = lang::fold(&predicate);
        prop_assert_eq!(verdict(oracle::evaluate(&smaller, values.as_slice())), expected,
            "folded:\n{}", listing::hir(&smaller));
        let folded = lang::compile(&smaller).unwrap();
        prop_assert_eq!(verdict(vm::eval(&folded, values.as_slice())), expected);
        prop_assert!(folded.code().len() <= plain.code().len());
    }
}

fn example() -> Predicate {
    let span = Span::default();
    let equals = |slot, text: &str| Node::test(SlotId(slot), Test::Equals(text.into()), span);
    let root = Node::all(
        vec![
            equals(0, "apps").titled("group"),
            Node::any(
                vec![
                    Node::all(vec![equals(0, "apps"), equals(1, "Deployment")], span),
                    Node::all(vec![equals(0, "batch"), equals(1, "Job")], span),
                ],
                span,
            )
            .titled("resources"),
            Node::test(SlotId(2), Test::OneOf(vec!["a".into(), "b".into()]), span).negated(),
        ],
        span,
    );
    let slot = |name: &str, may_fault| Slot {
        name: name.into(),
        may_fault,
    };
    Predicate {
        root,
        slots: vec![
            slot("group", false),
            slot("kind", false),
            slot("label", true),
        ],
    }
}

#[test]
fn a_fault_names_its_instruction() {
    let program = lang::compile(&lang::fold(&example())).unwrap();
    let values = [
        Value::str("apps"),
        Value::str("Deployment"),
        Value::Fault(FaultKind::Unreadable),
    ];
    let fault = vm::eval(&program, &values[..]).unwrap_err();
    let listing = listing::bytecode(&program);
    let line = listing.lines().nth(fault.at as usize).unwrap();
    assert!(line.contains("label"), "{line}\n{listing}");
    // What does not hold anyway needs no label.
    let values = [
        Value::str("apps"),
        Value::str("Pod"),
        Value::Fault(FaultKind::Unreadable),
    ];
    assert_eq!(vm::eval(&program, &values[..]), Ok(Verdict::NoMatch));
}

#[test]
fn what_is_known_is_not_tested_twice() {
    insta::assert_snapshot!(listing::hir(&example()), @r#"
    all
      group == "apps"  ; group
      any  ; resources
        all
          group == "apps"
          kind == "Deployment"
        all
          group == "batch"
          kind == "Job"
      not
        label in ["a", "b"]
    "#);
    let program = lang::compile(&lang::fold(&example())).unwrap();
    insta::assert_snapshot!(listing::bytecode(&program), @r#"
       0  enter   note 0
       1  unless  group has text "apps" -> 6
       2  unless  kind has text "Deployment" -> 6
       3  if      label has text in ["a", "b"] -> 6  ; fault: note 0 -> 4
       4  raise   note 0
       5  match
       6  no_match
    "#);
}

#[test]
fn too_much_is_an_error() {
    let span = Span::default();
    let test = || Node::test(SlotId(0), Test::Present, span);
    let slots = vec![Slot {
        name: "s".into(),
        may_fault: true,
    }];
    let wide = Node::all((0..70_000).map(|_| test()).collect(), span);
    let wide = Predicate {
        root: wide,
        slots: slots.clone(),
    };
    assert_eq!(
        lang::compile(&wide).err(),
        Some(lang::CompileError::TooLarge)
    );
    let deep = (0..300).fold(test(), |inner, _| Node::any(vec![inner, test()], span));
    let deep = Predicate { root: deep, slots };
    assert_eq!(
        lang::compile(&deep).err(),
        Some(lang::CompileError::TooDeep)
    );
}
