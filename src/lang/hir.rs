//! What a predicate means: tests of slots, joined by all, any and not.
//!
//! Promises that every [`Node`] is boolean by construction. Deliberately
//! without surface syntax: structural selectors and expressions both end here.
//!
//! A node's truth is one of three: it holds, it does not, or it faults (a slot
//! could not be read). `All` does not hold as soon as one part does not, even
//! if another faults; `Any` holds as soon as one part does; else a fault in a
//! part is a fault of the whole.

use crate::diagnostic::Span;

use super::pattern::Pattern;

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
            NodeKind::Const(_) | NodeKind::Test { .. } => &[],
        }
    }
}
