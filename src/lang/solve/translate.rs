//! From conditions to formulas.
//!
//! Promises that whenever a condition comes out as wanted, its formula is true
//! for some outcomes of what is not understood. Deliberately searches nothing.

use super::super::function::Function;
use super::super::hir::{Comparison, Expr, ExprKind, Node, NodeKind, Quantified, Slot, SlotId};
use super::super::listing;
use super::super::oracle;
use super::super::value::Value;
use super::cost;
use super::domain::Constraint;
use super::formula::{Formula, Var};
use super::leaf;
use super::outcome::Wanted;
use super::probe::Probe;
use super::reads::Reads;
use super::shape::Shape;
use super::states::States;

/// Which variables the slots of one predicate are.
pub trait Variables {
    /// The variable that a slot is.
    fn slot(&mut self, slot: SlotId) -> Var;

    /// The variable that the entry `name` of the map in a slot is, where that
    /// is one: absent exactly where the map has no such entry.
    fn member(&mut self, slot: SlotId, name: &str) -> Option<Var>;

    /// The variable for the outcome of a condition that is not understood, the
    /// same for the same text.
    fn unknown(&mut self, condition: String) -> Var;

    /// The length of a slot's longest text in bytes, where it has one.
    fn longest(&self, slot: SlotId) -> Option<u64>;
}

/// Makes formulas of the conditions of one predicate.
pub struct Translator<'v, V: ?Sized> {
    variables: &'v mut V,
    /// How many slots the predicate has.
    slots: usize,
    /// The slots under the names of their variables.
    named: Vec<Slot>,
}

/// A slot's value, or a constant in its place where it has none.
struct Operand<'n> {
    slot: SlotId,
    /// What holds the slot, where that may be absent.
    parent: Option<SlotId>,
    default: &'n Value<'static>,
}

impl<'v, V: Variables + ?Sized> Translator<'v, V> {
    /// For conditions over so many slots.
    pub fn new(variables: &'v mut V, slots: usize) -> Self {
        Translator {
            variables,
            slots,
            named: Vec::new(),
        }
    }

    /// True whenever `node` comes out as `wanted`.
    pub fn formula(&mut self, node: &Node, wanted: Wanted) -> Formula {
        if wanted == Wanted::ANY {
            return Formula::Always;
        }
        match &node.kind {
            NodeKind::Const(value) => {
                let outcome = match value {
                    true => Wanted::HOLDS,
                    false => Wanted::FAILS,
                };
                constant(outcome, wanted)
            }
            NodeKind::Not(part) => self.formula(part, wanted.negated()),
            NodeKind::All(parts) => self.all(parts, wanted, |wanted| wanted),
            // Any holds exactly where not all fail.
            NodeKind::Any(parts) => self.all(parts, wanted.negated(), Wanted::negated),
            NodeKind::Test { slot, test } => {
                self.over_slot(*slot, node, &leaf::test(node, *slot, test), wanted)
            }
            NodeKind::Holds(expr) => self.holds(node, expr, wanted),
            NodeKind::Compare { of, with } => self.compare(node, of, with, wanted),
            NodeKind::Every(over) | NodeKind::Some(over) | NodeKind::One(over) => {
                self.quantified(node, over, wanted)
            }
        }
    }

    /// What is true whenever `node` holds, and whenever it does not hold or
    /// faults; of its opposite, if it is `negated`.
    pub fn both(&mut self, node: &Node, negated: bool) -> (Formula, Formula) {
        let turned = |wanted: Wanted| match negated {
            true => wanted.negated(),
            false => wanted,
        };
        match &node.kind {
            NodeKind::Not(part) => self.both(part, !negated),
            NodeKind::All(parts) | NodeKind::Any(parts) => {
                let both = parts.iter().map(|part| self.both(part, negated));
                let (own, other): (Vec<Formula>, Vec<Formula>) = both.unzip();
                match matches!(node.kind, NodeKind::All(_)) != negated {
                    true => (Formula::all(own), Formula::any(other)),
                    false => (Formula::any(own), Formula::all(other)),
                }
            }
            NodeKind::Test { slot, test } => {
                let shape = leaf::test(node, *slot, test);
                let own = self.over_slot(*slot, node, &shape, turned(Wanted::HOLDS));
                let other = self.over_slot(*slot, node, &shape, turned(Wanted::NOT_HOLDS));
                (own, other)
            }
            _ => {
                let own = self.formula(node, turned(Wanted::HOLDS));
                (own, self.formula(node, turned(Wanted::NOT_HOLDS)))
            }
        }
    }

    /// The conditions in `node` that may use up the fuel of its evaluation, as
    /// texts; none where it is cheap.
    pub fn costly(&mut self, node: &Node) -> Vec<String> {
        let longest = |slot| self.variables.longest(slot);
        let found = cost::costly(node, &longest);
        found.into_iter().map(|node| self.text(node)).collect()
    }

    /// The comparisons in `node` that are not cheap, as texts, however much
    /// fuel there is.
    pub fn costly_leaves(&mut self, node: &Node) -> Vec<String> {
        let longest = |slot| self.variables.longest(slot);
        let found = cost::expensive(node, &longest);
        found.into_iter().map(|node| self.text(node)).collect()
    }

    /// The text of `node`, if it is one comparison that is not cheap.
    pub fn costly_leaf(&mut self, node: &Node) -> Option<String> {
        let is_leaf = node.parts().is_empty();
        is_leaf.then(|| self.costly_leaves(node).pop()).flatten()
    }

    /// All of `parts`, each of them asked as `turned` says.
    fn all(
        &mut self,
        parts: &[Node],
        wanted: Wanted,
        turned: impl Fn(Wanted) -> Wanted + Copy,
    ) -> Formula {
        let mut each = |wanted: Wanted| -> Vec<Formula> {
            let parts = parts.iter();
            parts
                .map(|part| self.formula(part, turned(wanted)))
                .collect()
        };
        match wanted {
            Wanted::NONE => Formula::Never,
            Wanted::HOLDS | Wanted::NOT_FAILS => Formula::all(each(wanted)),
            Wanted::FAILS | Wanted::NOT_HOLDS => Formula::any(each(wanted)),
            Wanted::FAULTS => {
                let faults = Formula::any(each(Wanted::FAULTS));
                Formula::all(each(Wanted::NOT_FAILS).into_iter().chain([faults]))
            }
            _ => {
                let holds = Formula::all(each(Wanted::HOLDS));
                Formula::any(each(Wanted::FAILS).into_iter().chain([holds]))
            }
        }
    }

    fn holds(&mut self, node: &Node, expr: &Expr, wanted: Wanted) -> Formula {
        match &expr.kind {
            ExprKind::Truth(inner) => self.formula(inner, wanted),
            ExprKind::Slot(slot) => self.over_slot(*slot, node, &leaf::holds(node, *slot), wanted),
            ExprKind::HasSlot { slot, parent } => self.presence(*slot, *parent, wanted),
            ExprKind::If { condition, yes, no } => {
                let (yes, no) = (leaf::as_condition(yes), leaf::as_condition(no));
                self.choice(condition, &yes, &no, wanted)
            }
            ExprKind::Call { function, args } => match (function, args.as_slice()) {
                (
                    Function::HasValue,
                    [
                        Expr {
                            kind: ExprKind::OptionalSlot { slot, parent },
                            ..
                        },
                    ],
                ) => self.presence(*slot, *parent, wanted),
                (
                    Function::In,
                    [
                        Expr {
                            kind: ExprKind::Const(Value::String(name)),
                            ..
                        },
                        Expr {
                            kind: ExprKind::Slot(slot),
                            ..
                        },
                    ],
                ) => match self.variables.member(*slot, name) {
                    Some(member) => self.membership(node, *slot, member, wanted),
                    None => self.other(node, wanted),
                },
                _ => self.other(node, wanted),
            },
            _ => match operand(expr) {
                Some(operand) => {
                    let shape = leaf::holds(&with_operand(node, operand.slot), operand.slot);
                    self.over(&operand, node, shape, wanted)
                }
                None => self.other(node, wanted),
            },
        }
    }

    fn compare(&mut self, node: &Node, of: &Expr, with: &Comparison, wanted: Wanted) -> Formula {
        if let ExprKind::Slot(slot) = &of.kind {
            return self.over_slot(*slot, node, &leaf::compare(node, *slot, with), wanted);
        }
        if let Some(slot) = leaf::sized_slot(of)
            && let Some(shape) = leaf::size(node, slot, with)
        {
            return self.over_slot(slot, node, &shape, wanted);
        }
        if let Some(operand) = operand(of) {
            let shape = leaf::compare(&with_operand(node, operand.slot), operand.slot, with);
            return self.over(&operand, node, shape, wanted);
        }
        self.other(node, wanted)
    }

    /// `condition ? yes : no` as a condition.
    fn choice(&mut self, condition: &Node, yes: &Node, no: &Node, wanted: Wanted) -> Formula {
        let taken = [
            self.formula(condition, Wanted::HOLDS),
            self.formula(yes, wanted),
        ];
        let other = [
            self.formula(condition, Wanted::FAILS),
            self.formula(no, wanted),
        ];
        let faults = match wanted.has(Wanted::FAULTS) {
            true => self.formula(condition, Wanted::FAULTS),
            false => Formula::Never,
        };
        Formula::any([Formula::all(taken), Formula::all(other), faults])
    }

    /// Whether a slot is there.
    fn presence(&mut self, slot: SlotId, parent: Option<SlotId>, wanted: Wanted) -> Formula {
        let var = self.variables.slot(slot);
        let mut ways = Vec::new();
        if wanted.has(Wanted::HOLDS) {
            ways.push(is(var, !States::NOTHING));
        }
        ways.push(self.absence(
            slot,
            parent,
            wanted.has(Wanted::FAILS),
            wanted.has(Wanted::FAULTS),
        ));
        Formula::any(ways)
    }

    /// That a slot is not there: as an answer, or as a fault.
    fn absence(
        &mut self,
        slot: SlotId,
        parent: Option<SlotId>,
        known: bool,
        fault: bool,
    ) -> Formula {
        let var = self.variables.slot(slot);
        let absent = || is(var, States::ABSENT);
        let parent = parent.map(|parent| self.variables.slot(parent));
        let mut ways = Vec::new();
        if known {
            ways.push(match parent {
                Some(parent) => Formula::all([absent(), is(parent, States::MAP)]),
                None => absent(),
            });
        }
        if fault {
            ways.push(is(var, States::FAULT));
            let parent = parent.map(|parent| is(parent, !States::MAP));
            ways.extend(parent.map(|parent| Formula::all([absent(), parent])));
        }
        Formula::any(ways)
    }

    /// `name in slot`, where the entry is a variable of its own.
    fn membership(&mut self, node: &Node, slot: SlotId, member: Var, wanted: Wanted) -> Formula {
        let var = self.variables.slot(slot);
        let mut ways = Vec::new();
        let in_map = |states| Formula::all([is(var, States::MAP), is(member, states)]);
        if wanted.has(Wanted::HOLDS) {
            ways.push(in_map(!States::NOTHING));
        }
        if wanted.has(Wanted::FAILS) {
            ways.push(in_map(States::ABSENT));
        }
        if wanted.has(Wanted::FAULTS) {
            ways.push(is(var, !(States::MAP | States::LIST)));
            ways.push(in_map(States::FAULT));
        }
        ways.push(Formula::all([
            is(var, States::LIST),
            self.unknown(node, wanted),
        ]));
        Formula::any(ways)
    }

    /// A condition over an operand; `shape` is it over the operand's slot.
    fn over(
        &mut self,
        operand: &Operand<'_>,
        node: &Node,
        shape: Shape,
        wanted: Wanted,
    ) -> Formula {
        let var = self.variables.slot(operand.slot);
        let takes_default = wanted.meets(shape.probe.outcome(operand.default));
        let there = is(var, !States::NOTHING);
        let there = Formula::all([there, self.over_slot(operand.slot, node, &shape, wanted)]);
        let absent = self.absence(
            operand.slot,
            operand.parent,
            takes_default,
            wanted.has(Wanted::FAULTS),
        );
        Formula::any([there, absent])
    }

    fn over_slot(&mut self, slot: SlotId, node: &Node, shape: &Shape, wanted: Wanted) -> Formula {
        let var = self.variables.slot(slot);
        let (known, open) = shape.constraint(wanted);
        let known = Formula::literal(var, known);
        if open.is_empty() {
            return known;
        }
        let open = Formula::all([is(var, open), self.unknown(node, wanted)]);
        Formula::any([known, open])
    }

    /// A condition on the elements of a list or the entries of a map.
    fn quantified(&mut self, node: &Node, over: &Quantified, wanted: Wanted) -> Formula {
        let ExprKind::Slot(slot) = over.source.kind else {
            return self.other(node, wanted);
        };
        let var = self.variables.slot(slot);
        let known = Formula::all([
            is(var, States::LIST | States::MAP),
            self.unknown(node, wanted),
        ]);
        // Anything else has no elements.
        match wanted.has(Wanted::FAULTS) {
            true => Formula::any([known, is(var, !(States::LIST | States::MAP))]),
            false => known,
        }
    }

    /// A condition over several slots, or one that is not understood.
    fn other(&mut self, node: &Node, wanted: Wanted) -> Formula {
        match Reads::of(node).slots.as_slice() {
            [] => match oracle::truth(node, &[][..]) {
                Ok(true) => constant(Wanted::HOLDS, wanted),
                Ok(false) => constant(Wanted::FAILS, wanted),
                Err(_) => constant(Wanted::FAULTS, wanted),
            },
            [only] => {
                let shape = Shape::unknown(Probe::new(node.clone(), *only, Vec::new()));
                self.over_slot(*only, node, &shape, wanted)
            }
            _ => self.unknown(node, wanted),
        }
    }

    fn unknown(&mut self, node: &Node, wanted: Wanted) -> Formula {
        let key = self.text(node);
        is(self.variables.unknown(key), States::of_outcomes(wanted))
    }

    /// The same text for conditions that are written alike over the same
    /// variables.
    pub fn text(&mut self, node: &Node) -> String {
        if self.named.is_empty() {
            for slot in 0..self.slots {
                let slot = SlotId(u16::try_from(slot).unwrap_or(u16::MAX));
                self.named.push(Slot {
                    name: format!("${}", self.variables.slot(slot).0),
                    may_fault: false,
                });
            }
        }
        renumbered(&listing::on_one_line(node, &self.named))
    }
}

/// The same text with the variables of loops numbered in their order, so that
/// two that are written alike are the same.
fn renumbered(text: &str) -> String {
    let mut known: Vec<&str> = Vec::new();
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut quoted) = (text, false);
    while let Some(next) = rest.chars().next() {
        let (length, number) = match (next, quoted) {
            // A character that is escaped ends no quotation.
            ('\\', true) => (1 + rest.chars().nth(1).map_or(0, char::len_utf8), ""),
            ('"', _) => {
                quoted = !quoted;
                (1, "")
            }
            ('@', false) => {
                let digits = rest.bytes().skip(1).take_while(u8::is_ascii_digit).count();
                (1, rest.get(1..=digits).unwrap_or_default())
            }
            _ => (next.len_utf8(), ""),
        };
        out.push_str(rest.get(..length).unwrap_or_default());
        if !number.is_empty() {
            let place = known.iter().position(|own| *own == number);
            let place = place.unwrap_or(known.len());
            if place == known.len() {
                known.push(number);
            }
            out.push_str(&place.to_string());
        }
        rest = rest.get(length + number.len()..).unwrap_or_default();
    }
    out
}

/// That a variable is in one of `states`.
fn is(var: Var, states: States) -> Formula {
    Formula::literal(var, Constraint::states(states))
}

fn constant(outcome: Wanted, wanted: Wanted) -> Formula {
    match wanted.meets(outcome) {
        true => Formula::Always,
        false => Formula::Never,
    }
}

/// `slot.orValue(constant)`.
fn operand(expr: &Expr) -> Option<Operand<'_>> {
    let ExprKind::OptionalOr {
        target,
        other,
        value: true,
    } = &expr.kind
    else {
        return None;
    };
    match (&target.kind, &other.kind) {
        (ExprKind::OptionalSlot { slot, parent }, ExprKind::Const(default)) => Some(Operand {
            slot: *slot,
            parent: *parent,
            default,
        }),
        _ => None,
    }
}

/// The same condition over the slot itself.
fn with_operand(node: &Node, slot: SlotId) -> Node {
    let own = |of: &Expr| Box::new(Expr::new(ExprKind::Slot(slot), of.span, of.ty.clone()));
    let kind = match &node.kind {
        NodeKind::Compare { of, with } => NodeKind::Compare {
            of: own(of),
            with: with.clone(),
        },
        NodeKind::Holds(of) => NodeKind::Holds(own(of)),
        other => other.clone(),
    };
    Node::new(kind, node.span)
}
