//! Conditions as rules hold them: in lists, beside structural tests.
//!
//! Promises to panic with the condition where oracle and VM, folded and not,
//! differ.

use carry::diagnostic::Span;
use carry::lang::check::{self, Options};
use carry::lang::hir::{Node, NodeKind, Predicate, Slot, SlotId, Test};
use carry::lang::pattern::Pattern;
use carry::lang::scheme::Fields;
use carry::lang::{self, Fault, FaultKind, Source as _, Value, Verdict, listing, oracle, parse};
use carry::vm;

use super::choices::Choices;
use super::coverage::Coverage;
use super::generator::Generator;
use super::sources::{Names, WORLDS};

const OPTIONS: Options = Options {
    check: true,
    macros: true,
    json_paths: true,
};

/// The slots of structural tests: only the last may fault.
const TESTED: u16 = 3;
const TEXTS: [&str; 4] = ["", "a", "web-1", "7"];

/// Makes a rule of random conditions, and evaluates it in every way. Whether
/// all of it was accepted.
pub fn check(choices: &mut dyn Choices, coverage: &mut Coverage) -> bool {
    let mut fields = Fields::default();
    let (mut nodes, mut texts) = (Vec::new(), Vec::new());
    for _ in 0..1 + choices.below(3) {
        let text = Generator::new(choices).condition();
        let ast = parse::parse(&text).unwrap_or_else(|error| panic!("{text}: {}", error.message));
        let checked = check::predicate(&ast, &Names, &mut fields, &OPTIONS);
        let Some(node) = checked.value else {
            return false;
        };
        nodes.push(Node::all(vec![node], Span::default()).titled("when"));
        texts.push(text);
    }
    let first = u16::try_from(fields.fields().len()).expect("few fields");
    let mut structure = Structure {
        choices,
        first,
        nodes,
    };
    let root = structure.node(3);
    let tested: Vec<Value<'static>> = (0..TESTED).map(|at| structure.value(at)).collect();
    let predicate = Predicate {
        root,
        slots: slots(&fields),
    };
    coverage.node(&predicate.root);
    compare(&predicate, &fields, &tested, &texts, coverage);
    true
}

fn slots(fields: &Fields) -> Vec<Slot> {
    let read = fields.fields().iter().map(|(name, path)| Slot {
        name: format!("{name} {path}"),
        may_fault: true,
    });
    let tested = (0..TESTED).map(|at| Slot {
        name: format!("s{at}"),
        may_fault: at + 1 == TESTED,
    });
    read.chain(tested).collect()
}

fn compare(
    predicate: &Predicate,
    fields: &Fields,
    tested: &[Value<'static>],
    texts: &[String],
    coverage: &mut Coverage,
) {
    let folded = lang::fold(predicate);
    let programs = [predicate, &folded].map(|own| {
        let _ = (listing::hir(own), format!("{own:?}"));
        let program = lang::compile(own).expect("small enough");
        assert!(!listing::bytecode(&program).is_empty());
        coverage.program(&program);
        program
    });
    coverage.node(&folded.root);
    for world in WORLDS.iter() {
        let read = fields.fields().iter();
        let mut values: Vec<Value<'_>> = read.map(|(name, path)| world.field(name, path)).collect();
        values.extend(tested.iter().cloned());
        let kind = |result: Result<Verdict, Fault>| result.map_err(|fault| fault.kind);
        let expected = kind(oracle::evaluate(predicate, &values[..]));
        let others = [
            kind(oracle::evaluate(&folded, &values[..])),
            kind(vm::eval(&programs[0], &values[..])),
            kind(vm::eval(&programs[1], &values[..])),
        ];
        let fuel = Err(FaultKind::OutOfFuel);
        let alike = others.iter().all(|own| *own == expected || *own == fuel) || expected == fuel;
        assert!(
            alike,
            "{}\n{texts:#?}\n{tested:?}: {expected:?}, folded, of the VM, both: {others:?}\n{}",
            listing::hir(predicate),
            listing::hir(&folded),
        );
    }
}

struct Structure<'c> {
    choices: &'c mut dyn Choices,
    first: u16,
    nodes: Vec<Node>,
}

impl Structure<'_> {
    fn node(&mut self, depth: usize) -> Node {
        let span = Span::default();
        if depth == 0 {
            return self.leaf();
        }
        match self.choices.below(8) {
            0 => self.leaf(),
            1 => self.node(depth - 1).negated(),
            2 => Node::new(NodeKind::Const(self.choices.below(2) == 1), span),
            3 | 4 => Node::any(self.nodes(depth - 1), span),
            _ => Node::all(self.nodes(depth - 1), span),
        }
    }

    fn nodes(&mut self, depth: usize) -> Vec<Node> {
        let count = 1 + self.choices.below(3);
        (0..count).map(|_| self.node(depth)).collect()
    }

    fn leaf(&mut self) -> Node {
        if self.choices.below(2) == 1 {
            let at = self.choices.below(self.nodes.len());
            return self.nodes[at].clone();
        }
        let slot = SlotId(self.first + self.choices.below(usize::from(TESTED)) as u16);
        Node::test(slot, self.test(), Span::default())
    }

    fn test(&mut self) -> Test {
        match self.choices.below(5) {
            0 => Test::Present,
            1 | 2 => Test::Equals(self.text()),
            3 => {
                let count = self.choices.below(3);
                Test::OneOf((0..count).map(|_| self.text()).collect())
            }
            _ => {
                Test::Matches(Pattern::dotted(["*", "web*"][self.choices.below(2)]).expect("short"))
            }
        }
    }

    fn text(&mut self) -> Box<str> {
        TEXTS[self.choices.below(TEXTS.len())].into()
    }

    fn value(&mut self, at: u16) -> Value<'static> {
        let may_fault = at + 1 == TESTED;
        match self.choices.below(if may_fault { 8 } else { 7 }) {
            0 => Value::Absent,
            1 => Value::Null,
            2 => Value::Int(7),
            3..=6 => Value::str(TEXTS[self.choices.below(TEXTS.len())]),
            _ => Value::Fault(FaultKind::Unreadable),
        }
    }
}
