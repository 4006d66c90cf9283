//! An expression as it was written, and its text again.
//!
//! Promises that an expression printed with [`std::fmt::Display`] parses to the
//! same tree, places apart. Deliberately without meaning: macros, namespaced
//! functions and types of fields are found by `check`.

use crate::diagnostic::Span;

/// One node. Two are equal if they mean the same text: places do not count.
#[derive(Clone, Debug)]
pub struct Expr {
    /// Its place, as offsets in the text of the expression.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

/// The kinds of node.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A constant. A minus sign directly before a number belongs to it.
    Literal(Literal),
    /// A name; `rooted` where it begins with a dot (`.name`).
    Ident {
        /// The name without the dot.
        name: String,
        /// Whether it is looked up outside of all containers and loops.
        rooted: bool,
    },
    /// `operand.field`, or `operand.?field`.
    Select {
        /// What holds the field.
        operand: Box<Expr>,
        /// The field.
        field: Field,
        /// Whether it is written with `?`.
        optional: bool,
    },
    /// `operand[index]`, or `operand[?index]`.
    Index {
        /// A list or map.
        operand: Box<Expr>,
        /// An index or key.
        index: Box<Expr>,
        /// Whether it is written with `?`.
        optional: bool,
    },
    /// `function(args)`, or `target.function(args)`. What is written as
    /// `math.least(a)` has the target `math`.
    Call {
        /// What stands before the dot.
        target: Option<Box<Expr>>,
        /// The function's name, and its place. With a dot before it where it
        /// is written so (`.f(x)`).
        function: Name,
        /// Its arguments.
        args: Vec<Expr>,
    },
    /// `[a, ?b]`.
    List(Vec<Element>),
    /// `{k: v, ?k: v}`.
    Map(Vec<Entry>),
    /// `name.space.Message{field: v}`: parsed, so that it can be refused with
    /// its name.
    Message {
        /// The name as written, dots included.
        name: Name,
        /// Its fields.
        fields: Vec<MessageField>,
    },
    /// An operator before its operand.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// Its operand.
        operand: Box<Expr>,
    },
    /// An operator between two operands.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Where the operator stands.
        op_span: Ignored<Span>,
        /// To its left.
        left: Box<Expr>,
        /// To its right.
        right: Box<Expr>,
    },
    /// `condition ? yes : no`.
    Conditional {
        /// What decides.
        condition: Box<Expr>,
        /// The value where it is true.
        yes: Box<Expr>,
        /// The value where it is false.
        no: Box<Expr>,
    },
}

/// A name and its place, which does not count when two are compared.
#[derive(Clone, Debug)]
pub struct Name {
    /// The name as written.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// The name of a field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name without backticks.
    pub name: String,
    /// Its place, backticks included.
    pub span: Span,
    /// Whether it is written in backticks, as names that are no identifiers
    /// are (`` labels.`app.kubernetes.io/name` ``).
    pub quoted: bool,
}

/// An element of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// Its value.
    pub value: Expr,
    /// Whether it is written with `?`: left out where the optional is none.
    pub optional: bool,
}

/// An entry of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its key.
    pub key: Expr,
    /// Its value.
    pub value: Expr,
    /// Whether it is written with `?`: left out where the optional is none.
    pub optional: bool,
}

/// A field of a message that is constructed.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageField {
    /// Its name.
    pub field: Field,
    /// Its value.
    pub value: Expr,
    /// Whether it is written with `?`.
    pub optional: bool,
}

/// A constant.
#[derive(Clone, Debug)]
pub enum Literal {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// `1`, `-1`, `0x1f`.
    Int(i64),
    /// `1u`.
    Uint(u64),
    /// `1.5`, `1e3`. Never infinite, never not a number.
    Double(f64),
    /// `"text"` in any of its forms, escapes undone.
    String(String),
    /// `b"bytes"` in any of its forms, escapes undone.
    Bytes(Vec<u8>),
}

/// Operators before their operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `!`
    Not,
    /// `-`
    Negate,
}

/// Operators between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `in`
    In,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
}

impl BinaryOp {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            BinaryOp::Or => "||",
            BinaryOp::And => "&&",
            BinaryOp::Equal => "==",
            BinaryOp::NotEqual => "!=",
            BinaryOp::Less => "<",
            BinaryOp::LessEqual => "<=",
            BinaryOp::Greater => ">",
            BinaryOp::GreaterEqual => ">=",
            BinaryOp::In => "in",
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
            BinaryOp::Modulo => "%",
        }
    }
}

/// Something that is no part of a node's meaning, so that equality passes it
/// over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ignored<T>(pub T);

impl<T> PartialEq for Ignored<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl PartialEq for Expr {
    fn eq(&self, other: &Expr) -> bool {
        self.kind == other.kind
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.text == other.text
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Field) -> bool {
        self.name == other.name
    }
}

impl PartialEq for Literal {
    fn eq(&self, other: &Literal) -> bool {
        match (self, other) {
            (Literal::Null, Literal::Null) => true,
            (Literal::Bool(a), Literal::Bool(b)) => a == b,
            (Literal::Int(a), Literal::Int(b)) => a == b,
            (Literal::Uint(a), Literal::Uint(b)) => a == b,
            // By bits: -0.0 and 0.0 are different texts.
            (Literal::Double(a), Literal::Double(b)) => a.to_bits() == b.to_bits(),
            (Literal::String(a), Literal::String(b)) => a == b,
            (Literal::Bytes(a), Literal::Bytes(b)) => a == b,
            _ => false,
        }
    }
}

impl Expr {
    /// A node at `span`.
    pub fn new(kind: ExprKind, span: Span) -> Expr {
        Expr { span, kind }
    }
}

impl Expr {
    /// The expressions directly within it, in the order of the text.
    pub fn parts(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Literal(_) | ExprKind::Ident { .. } => Vec::new(),
            ExprKind::Select { operand, .. } | ExprKind::Unary { operand, .. } => vec![operand],
            ExprKind::Index { operand, index, .. } => vec![operand, index],
            ExprKind::Call { target, args, .. } => {
                target.iter().map(|target| &**target).chain(args).collect()
            }
            ExprKind::List(elements) => elements.iter().map(|own| &own.value).collect(),
            ExprKind::Map(entries) => entries
                .iter()
                .flat_map(|entry| [&entry.key, &entry.value])
                .collect(),
            ExprKind::Message { fields, .. } => fields.iter().map(|own| &own.value).collect(),
            ExprKind::Binary { left, right, .. } => vec![left, right],
            ExprKind::Conditional { condition, yes, no } => vec![condition, yes, no],
        }
    }
}
