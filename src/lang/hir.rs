//! What a predicate means: conditions joined by all, any and not, over slots
//! and expressions.
//!
//! Promises that every [`Node`] is boolean by construction, and that names,
//! macros and overloads are resolved: nothing here needs a scheme. Deliberately
//! without surface syntax: structural selectors and expressions both end here.
//!
//! A node's truth is one of three: it holds, it does not, or it faults (a slot
//! could not be read, an expression has no value). `All` does not hold as soon
//! as one part does not, even if another faults; `Any` holds as soon as one
//! part does; else a fault in a part is a fault of the whole.

use std::sync::Arc;

use crate::diagnostic::Span;

use super::function::Function;
use super::opaque::Regex;
use super::pattern::Pattern;
use super::ty::Type;
use super::value::Value;

/// A predicate and the slots that it reads.
#[derive(Clone, Debug)]
pub struct Predicate {
    /// What must hold.
    pub root: Node,
    /// Its slots; a [`SlotId`] is an index into them.
    pub slots: Vec<Slot>,
}

/// One thing that a predicate reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// How it is called in listings and traces.
    pub name: String,
    /// Whether reading it may fault. A program wastes no instruction on faults
    /// that cannot be.
    pub may_fault: bool,
}

/// An index into [`Predicate::slots`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub u16);

/// One condition.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Where it was written.
    pub span: Span,
    /// What a trace calls it (`labelSelectors[0]`); empty for parts that need
    /// no name of their own.
    pub title: String,
}

/// The kinds of condition.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// Always, or never.
    Const(bool),
    /// A comparison of one slot.
    Test {
        /// The slot.
        slot: SlotId,
        /// The comparison.
        test: Test,
    },
    /// Holds exactly where the part does not.
    Not(Box<Node>),
    /// All parts hold; true without any.
    All(Vec<Node>),
    /// At least one part holds; false without any.
    Any(Vec<Node>),
    /// The expression is `true`. Any value but a truth value is a fault.
    Holds(Box<Expr>),
    /// A comparison of an expression with a constant, as CEL compares: what is
    /// absent is a fault. `fold` makes these of calls.
    Compare {
        /// What is compared.
        of: Box<Expr>,
        /// With what.
        with: Comparison,
    },
    /// `source.all(…)` or `source.exists(…)`: a list over the elements of a
    /// list, or the entries of a map.
    Every(Box<Quantified>),
    /// See [`NodeKind::Every`].
    Some(Box<Quantified>),
    /// `source.exists_one(…)`: exactly one holds. A fault in any is a fault of
    /// the whole.
    One(Box<Quantified>),
}

/// A comparison with a constant, as CEL compares.
#[derive(Clone, Debug)]
pub enum Comparison {
    /// `==`
    Equal(Value<'static>),
    /// `<`
    Less(Value<'static>),
    /// `<=`
    LessEqual(Value<'static>),
    /// `>`
    Greater(Value<'static>),
    /// `>=`
    GreaterEqual(Value<'static>),
    /// `in` a list
    In(Arc<[Value<'static>]>),
    /// `startsWith`
    StartsWith(Box<str>),
    /// `endsWith`
    EndsWith(Box<str>),
    /// `contains`
    Contains(Box<str>),
    /// `matches`
    Matches(Regex),
}

/// A condition on the elements of a list, or the entries of a map.
#[derive(Clone, Debug)]
pub struct Quantified {
    /// The list or map.
    pub source: Expr,
    /// What the element, or the map's key, is called in `body`.
    pub vars: LoopVars,
    /// The condition.
    pub body: Node,
}

/// The variables of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopVars {
    /// The element of a list, or the key of a map.
    One(LocalId),
    /// The index and the element of a list, or the key and the value of a map.
    Two(LocalId, LocalId),
}

/// A variable of a loop, or one that a macro binds: unique within a predicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalId(pub u16);

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it was written.
    pub span: Span,
    /// Its type, as far as it is known before it is evaluated.
    pub ty: Type,
}

/// The kinds of expression.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A constant.
    Const(Value<'static>),
    /// A field that a slot holds; a fault where it is absent.
    Slot(SlotId),
    /// A variable of a loop or macro around it.
    Local(LocalId),
    /// `of.name`, a fault where it is absent. Of an optional, an optional.
    Field {
        /// What holds the field.
        of: Box<Expr>,
        /// The field or key.
        name: Box<str>,
    },
    /// `of.?name`: an optional.
    OptionalField {
        /// What holds the field: a map, an object, or an optional of one.
        of: Box<Expr>,
        /// The field or key.
        name: Box<str>,
    },
    /// `has(of.name)`: a truth value. Of an optional whether it has a value
    /// with this field.
    Has {
        /// What holds the field.
        of: Box<Expr>,
        /// The field or key.
        name: Box<str>,
    },
    /// `has()` of a field that a slot holds.
    HasSlot {
        /// The field.
        slot: SlotId,
        /// What holds it, where that may be absent, which then is a fault.
        parent: Option<SlotId>,
    },
    /// `slot.?field` and so on: none where the slot is absent, a fault where
    /// its parent is, if there is one.
    OptionalSlot {
        /// The field.
        slot: SlotId,
        /// What holds it, where that may be absent, which then is a fault.
        parent: Option<SlotId>,
    },
    /// A call; all arguments are evaluated first.
    Call {
        /// What computes it.
        function: Function,
        /// Its arguments; of a member function the first is what it is called
        /// on.
        args: Vec<Expr>,
    },
    /// A condition as a value.
    Truth(Box<Node>),
    /// `condition ? yes : no`.
    If {
        /// What decides.
        condition: Box<Node>,
        /// The value where it holds.
        yes: Box<Expr>,
        /// The value where it does not.
        no: Box<Expr>,
    },
    /// `[a, ?b]`.
    List(Vec<Element>),
    /// `{k: v, ?k: v}`.
    Map(Vec<Entry>),
    /// A macro that makes a list or map of one.
    Loop(Box<Loop>),
    /// `cel.bind(local, value, body)`. The value is computed first.
    Bind {
        /// The variable.
        local: LocalId,
        /// Its value.
        value: Box<Expr>,
        /// Where it is used.
        body: Box<Expr>,
    },
    /// `target.optMap(local, body)` and `target.optFlatMap(local, body)`.
    OptionalMap {
        /// An optional.
        target: Box<Expr>,
        /// Its value within the body.
        local: LocalId,
        /// The new value.
        body: Box<Expr>,
        /// Whether `body` is an optional itself.
        flat: bool,
    },
    /// `target.or(other)` and `target.orValue(other)`: `other` is evaluated
    /// only where the optional has no value.
    OptionalOr {
        /// An optional.
        target: Box<Expr>,
        /// What takes its place.
        other: Box<Expr>,
        /// Whether it is `orValue`, whose `other` is no optional.
        value: bool,
    },
    /// A name or function that nobody has declared, in an expression that was
    /// not checked: a fault.
    Undeclared,
}

/// An element of a list.
#[derive(Clone, Debug)]
pub struct Element {
    /// Its value.
    pub value: Expr,
    /// Whether it is an optional, left out where it has no value.
    pub optional: bool,
}

/// An entry of a map.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its key.
    pub key: Expr,
    /// Its value.
    pub value: Expr,
    /// Whether the value is an optional, left out where it has none.
    pub optional: bool,
}

/// A macro over the elements of a list or the entries of a map.
#[derive(Clone, Debug)]
pub struct Loop {
    /// The list or map.
    pub source: Expr,
    /// Its variables.
    pub vars: LoopVars,
    /// What an element must satisfy to be taken; every one is without.
    pub filter: Option<Node>,
    /// What is made.
    pub makes: Makes,
}

/// What a [`Loop`] makes.
#[derive(Clone, Debug)]
pub enum Makes {
    /// A list of such values (`filter`, `map`, `transformList`).
    List(Expr),
    /// A map from the old keys, or indexes, to such values (`transformMap`).
    Values(Expr),
    /// A map that joins such maps (`transformMapEntry`).
    Entries(Expr),
}

impl Expr {
    /// An expression.
    pub fn new(kind: ExprKind, span: Span, ty: Type) -> Expr {
        Expr { kind, span, ty }
    }
}

/// A comparison of one slot with constants. An absent slot passes none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It is there.
    Present,
    /// Its text is this.
    Equals(Box<str>),
    /// Its text is one of these.
    OneOf(Vec<Box<str>>),
    /// Its text matches.
    Matches(Pattern),
}

impl Node {
    /// A condition written at `span`.
    pub fn new(kind: NodeKind, span: Span) -> Node {
        Node {
            kind,
            span,
            title: String::new(),
        }
    }

    /// A comparison.
    pub fn test(slot: SlotId, test: Test, span: Span) -> Node {
        Node::new(NodeKind::Test { slot, test }, span)
    }

    /// All of `parts`.
    pub fn all(parts: Vec<Node>, span: Span) -> Node {
        Node::new(NodeKind::All(parts), span)
    }

    /// Any of `parts`.
    pub fn any(parts: Vec<Node>, span: Span) -> Node {
        Node::new(NodeKind::Any(parts), span)
    }

    /// Names it for traces.
    pub fn titled(mut self, title: impl Into<String>) -> Node {
        self.title = title.into();
        self
    }

    /// The opposite, under the same name.
    pub fn negated(self) -> Node {
        let (span, title) = (self.span, self.title.clone());
        Node {
            kind: NodeKind::Not(Box::new(self)),
            span,
            title,
        }
    }

    /// The conditions directly below it.
    pub fn parts(&self) -> &[Node] {
        match &self.kind {
            NodeKind::All(parts) | NodeKind::Any(parts) => parts,
            NodeKind::Not(part) => std::slice::from_ref(part),
            NodeKind::Const(_)
            | NodeKind::Test { .. }
            | NodeKind::Holds(_)
            | NodeKind::Compare { .. }
            | NodeKind::Every(_)
            | NodeKind::Some(_)
            | NodeKind::One(_) => &[],
        }
    }
}

impl Node {
    /// Replaces every place by what `place` makes of it.
    pub fn relocate(&mut self, place: &dyn Fn(Span) -> Span) {
        self.span = place(self.span);
        match &mut self.kind {
            NodeKind::Const(_) | NodeKind::Test { .. } => {}
            NodeKind::Not(part) => part.relocate(place),
            NodeKind::All(parts) | NodeKind::Any(parts) => {
                parts.iter_mut().for_each(|part| part.relocate(place));
            }
            NodeKind::Holds(of) | NodeKind::Compare { of, .. } => of.relocate(place),
            NodeKind::Every(over) | NodeKind::Some(over) | NodeKind::One(over) => {
                over.source.relocate(place);
                over.body.relocate(place);
            }
        }
    }
}

impl Expr {
    /// Replaces every place by what `place` makes of it.
    pub fn relocate(&mut self, place: &dyn Fn(Span) -> Span) {
        self.span = place(self.span);
        match &mut self.kind {
            ExprKind::Const(_)
            | ExprKind::Slot(_)
            | ExprKind::Local(_)
            | ExprKind::HasSlot { .. }
            | ExprKind::OptionalSlot { .. }
            | ExprKind::Undeclared => {}
            ExprKind::Field { of, .. }
            | ExprKind::OptionalField { of, .. }
            | ExprKind::Has { of, .. } => of.relocate(place),
            ExprKind::Call { args, .. } => args.iter_mut().for_each(|arg| arg.relocate(place)),
            ExprKind::Truth(node) => node.relocate(place),
            ExprKind::If { condition, yes, no } => {
                condition.relocate(place);
                relocate_all([yes, no], place);
            }
            ExprKind::List(elements) => {
                elements
                    .iter_mut()
                    .for_each(|own| own.value.relocate(place));
            }
            ExprKind::Map(entries) => {
                for entry in entries {
                    entry.key.relocate(place);
                    entry.value.relocate(place);
                }
            }
            ExprKind::Loop(own) => own.relocate(place),
            ExprKind::Bind { value, body, .. } => relocate_all([value, body], place),
            ExprKind::OptionalMap { target, body, .. } => relocate_all([target, body], place),
            ExprKind::OptionalOr { target, other, .. } => relocate_all([target, other], place),
        }
    }
}

impl Loop {
    fn relocate(&mut self, place: &dyn Fn(Span) -> Span) {
        self.source.relocate(place);
        if let Some(filter) = &mut self.filter {
            filter.relocate(place);
        }
        match &mut self.makes {
            Makes::List(made) | Makes::Values(made) | Makes::Entries(made) => made.relocate(place),
        }
    }
}

fn relocate_all(parts: [&mut Box<Expr>; 2], place: &dyn Fn(Span) -> Span) {
    for part in parts {
        part.relocate(place);
    }
}
