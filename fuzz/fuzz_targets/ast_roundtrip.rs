//! Any tree of an expression: what is printed of it parses to the same tree.
#![no_main]

use carry::diagnostic::Span;
use carry::lang::ast::{
    BinaryOp, Element, Entry, Expr, ExprKind, Field, Ignored, Literal, MessageField, Name, UnaryOp,
};
use carry::lang::parse::parse;
use libfuzzer_sys::fuzz_target;

/// Levels of a tree; each may be a bracket.
const DEPTH: usize = 20;

const OPERATORS: [BinaryOp; 14] = [
    BinaryOp::Or,
    BinaryOp::And,
    BinaryOp::Equal,
    BinaryOp::NotEqual,
    BinaryOp::Less,
    BinaryOp::LessEqual,
    BinaryOp::Greater,
    BinaryOp::GreaterEqual,
    BinaryOp::In,
    BinaryOp::Add,
    BinaryOp::Subtract,
    BinaryOp::Multiply,
    BinaryOp::Divide,
    BinaryOp::Modulo,
];

const WORDS: [&str; 8] = ["a", "b1", "e3", "u", "r", "br", "_", "not"];

fuzz_target!(|bytes: &[u8]| {
    let expr = Decoder { bytes, nodes: 2000 }.expr(DEPTH);
    let text = expr.to_string();
    if text.len() <= carry::lang::parse::MAX_BYTES {
        let again = parse(&text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert!(again == expr, "{text}");
    }
});

/// Reads a tree off bytes; those that are missing are zeros, which end it.
struct Decoder<'b> {
    bytes: &'b [u8],
    /// How many nodes there may still be.
    nodes: usize,
}

impl Decoder<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.bytes.split_first().unwrap_or((&0, &[]));
        self.bytes = rest;
        *first
    }

    fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    fn eight(&mut self) -> [u8; 8] {
        std::array::from_fn(|_| self.byte())
    }

    fn some(&mut self) -> Vec<u8> {
        let length = usize::from(self.byte() % 16).min(self.bytes.len());
        let (some, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        some.to_vec()
    }

    fn expr(&mut self, depth: usize) -> Expr {
        self.nodes = self.nodes.saturating_sub(1);
        let kind = if depth == 0 || self.nodes == 0 {
            ExprKind::Literal(Literal::Null)
        } else {
            self.kind(depth - 1)
        };
        Expr::new(kind, Span::default())
    }

    fn boxed(&mut self, depth: usize) -> Box<Expr> {
        Box::new(self.expr(depth))
    }

    fn kind(&mut self, depth: usize) -> ExprKind {
        match self.byte() % 12 {
            0 | 1 => ExprKind::Literal(self.literal()),
            2 => ExprKind::Ident {
                name: self.word().to_owned(),
                rooted: self.flag(),
            },
            3 => ExprKind::Select {
                operand: self.boxed(depth),
                field: self.field(),
                optional: self.flag(),
            },
            4 => ExprKind::Index {
                operand: self.boxed(depth),
                index: self.boxed(depth),
                optional: self.flag(),
            },
            5 => self.call(depth),
            6 => ExprKind::List(self.several(|decoder| Element {
                value: decoder.expr(depth),
                optional: decoder.flag(),
            })),
            7 => ExprKind::Map(self.several(|decoder| Entry {
                key: decoder.expr(depth),
                value: decoder.expr(depth),
                optional: decoder.flag(),
            })),
            8 => self.message(depth),
            9 => ExprKind::Unary {
                op: if self.flag() {
                    UnaryOp::Not
                } else {
                    UnaryOp::Negate
                },
                operand: self.boxed(depth),
            },
            10 => ExprKind::Binary {
                op: OPERATORS[usize::from(self.byte()) % OPERATORS.len()],
                op_span: Ignored::default(),
                left: self.boxed(depth),
                right: self.boxed(depth),
            },
            _ => ExprKind::Conditional {
                condition: self.boxed(depth),
                yes: self.boxed(depth),
                no: self.boxed(depth),
            },
        }
    }

    fn several<T>(&mut self, one: impl Fn(&mut Self) -> T) -> Vec<T> {
        let count = self.byte() % 4;
        (0..count).map(|_| one(self)).collect()
    }

    fn call(&mut self, depth: usize) -> ExprKind {
        let target = self.flag().then(|| self.boxed(depth));
        let rooted = target.is_none() && self.flag();
        let function = self.name(rooted);
        let args = self.several(|decoder| decoder.expr(depth));
        ExprKind::Call {
            target,
            function,
            args,
        }
    }

    fn message(&mut self, depth: usize) -> ExprKind {
        let rooted = self.flag();
        let mut name = self.name(rooted);
        for _ in 0..self.byte() % 3 {
            name.text = format!("{}.{}", name.text, self.word());
        }
        let fields = self.several(|decoder| MessageField {
            field: decoder.field(),
            value: decoder.expr(depth),
            optional: decoder.flag(),
        });
        ExprKind::Message { name, fields }
    }

    fn word(&mut self) -> &'static str {
        WORDS[usize::from(self.byte()) % WORDS.len()]
    }

    fn name(&mut self, rooted: bool) -> Name {
        let word = self.word();
        Name {
            text: format!("{}{word}", if rooted { "." } else { "" }),
            span: Span::default(),
        }
    }

    fn field(&mut self) -> Field {
        let quoted = self.flag();
        let name = if quoted {
            ["in", "a.b/c-d", "1", " ", "as"][usize::from(self.byte()) % 5]
        } else {
            self.word()
        };
        Field {
            name: name.to_owned(),
            span: Span::default(),
            quoted,
        }
    }

    fn literal(&mut self) -> Literal {
        match self.byte() % 7 {
            0 => Literal::Null,
            1 => Literal::Bool(self.flag()),
            2 => Literal::Int(i64::from_le_bytes(self.eight())),
            3 => Literal::Uint(u64::from_le_bytes(self.eight())),
            4 => {
                let double = f64::from_bits(u64::from_le_bytes(self.eight()));
                Literal::Double(if double.is_finite() { double } else { -0.0 })
            }
            5 => Literal::String(String::from_utf8_lossy(&self.some()).into_owned()),
            _ => Literal::Bytes(self.some()),
        }
    }
}
