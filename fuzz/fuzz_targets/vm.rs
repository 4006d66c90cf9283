//! Any bytes as a predicate and its slots: VM, oracle, and VM after folding
//! agree, faults included.
#![no_main]

use carry::diagnostic::Span;
use carry::lang::hir::{Node, NodeKind, Predicate, Slot, SlotId, Test};
use carry::lang::pattern::Pattern;
use carry::lang::{self, FaultKind, Value, Verdict, oracle};
use carry::vm;
use libfuzzer_sys::fuzz_target;

const SLOTS: u8 = 4;
const TEXTS: [&str; 6] = ["", "a", "b", "a.b", "true", "7"];
const GLOBS: [&str; 4] = ["*", "**", "a*", "*.b"];

/// Decisions, a byte each; zero once they run out, which ends every list.
struct Bytes<'a>(std::slice::Iter<'a, u8>);

impl Bytes<'_> {
    fn below(&mut self, bound: u8) -> u8 {
        self.0.next().map_or(0, |byte| byte % bound)
    }

    fn text(&mut self) -> Box<str> {
        TEXTS[usize::from(self.below(6))].into()
    }

    fn node(&mut self, depth: u8) -> Node {
        let kind = match self.below(if depth == 0 { 2 } else { 6 }) {
            0 => NodeKind::Const(self.below(2) == 1),
            1 | 5 => NodeKind::Test {
                slot: SlotId(self.below(SLOTS).into()),
                test: self.test(),
            },
            2 => NodeKind::Not(Box::new(self.node(depth - 1))),
            3 => NodeKind::All(self.nodes(depth - 1)),
            _ => NodeKind::Any(self.nodes(depth - 1)),
        };
        Node::new(kind, Span::default())
    }

    fn nodes(&mut self, depth: u8) -> Vec<Node> {
        (0..self.below(4)).map(|_| self.node(depth)).collect()
    }

    fn test(&mut self) -> Test {
        match self.below(4) {
            0 => Test::Present,
            1 => Test::Equals(self.text()),
            2 => Test::OneOf((0..self.below(12)).map(|_| self.text()).collect()),
            _ => Test::Matches(Pattern::dotted(GLOBS[usize::from(self.below(4))]).unwrap()),
        }
    }

    fn value(&mut self, may_fault: bool) -> Value<'static> {
        match self.below(if may_fault { 8 } else { 7 }) {
            0 => Value::Absent,
            1 => Value::Null,
            2 => Value::list(vec![Value::str("a")]),
            3 => Value::Bool(true),
            4 => Value::Int(7),
            5 | 6 => Value::str(TEXTS[usize::from(self.below(6))]),
            _ => Value::Fault(FaultKind::Unreadable),
        }
    }
}

fn verdict(result: Result<Verdict, lang::Fault>) -> Result<Verdict, FaultKind> {
    result.map_err(|fault| fault.kind)
}

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = Bytes(bytes.iter());
    let faulting = bytes.below(SLOTS + 1);
    let slots = (0..SLOTS).map(|at| Slot {
        name: format!("s{at}"),
        may_fault: at < faulting,
    });
    let values: Vec<Value<'_>> = (0..SLOTS).map(|at| bytes.value(at < faulting)).collect();
    let predicate = Predicate {
        slots: slots.collect(),
        root: bytes.node(6),
    };
    let expected = verdict(oracle::evaluate(&predicate, values.as_slice()));
    for predicate in [lang::fold(&predicate), predicate] {
        let program = lang::compile(&predicate).unwrap();
        assert_eq!(verdict(vm::eval(&program, values.as_slice())), expected);
    }
});
