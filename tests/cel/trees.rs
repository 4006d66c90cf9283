//! Trees of expressions: generated, and as S-expressions.

use carry::diagnostic::Span;
use carry::lang::ast::{
    BinaryOp, Element, Entry, Expr, ExprKind, Field, Ignored, Literal, MessageField, Name, UnaryOp,
};
use proptest::prelude::*;

/// `a.b + 1` is `(+ (. a b) 1)`.
pub fn shape(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Literal(literal) => constant(literal),
        ExprKind::Ident { name, rooted } => format!("{}{name}", if *rooted { "." } else { "" }),
        ExprKind::Select {
            operand,
            field,
            optional,
        } => node(
            if *optional { ".?" } else { "." },
            [shape(operand), field_name(field)],
        ),
        ExprKind::Index {
            operand,
            index,
            optional,
        } => node(
            if *optional { "[?]" } else { "[]" },
            [shape(operand), shape(index)],
        ),
        ExprKind::Call {
            target,
            function,
            args,
        } => {
            let target = target.iter().map(|target| format!("on {}", shape(target)));
            node(
                &format!("call {}", function.text),
                target.chain(args.iter().map(shape)),
            )
        }
        ExprKind::List(elements) => node(
            "list",
            elements
                .iter()
                .map(|element| marked(element.optional, shape(&element.value))),
        ),
        ExprKind::Map(entries) => node(
            "map",
            entries.iter().map(|entry| {
                let pair = format!("{}={}", shape(&entry.key), shape(&entry.value));
                marked(entry.optional, pair)
            }),
        ),
        ExprKind::Message { name, fields } => node(
            &format!("new {}", name.text),
            fields.iter().map(|field| {
                let pair = format!("{}={}", field_name(&field.field), shape(&field.value));
                marked(field.optional, pair)
            }),
        ),
        ExprKind::Unary { op, operand } => node(
            match op {
                UnaryOp::Not => "!",
                UnaryOp::Negate => "neg",
            },
            [shape(operand)],
        ),
        ExprKind::Binary {
            op, left, right, ..
        } => node(op.text(), [shape(left), shape(right)]),
        ExprKind::Conditional { condition, yes, no } => {
            node("if", [shape(condition), shape(yes), shape(no)])
        }
    }
}

fn node(name: &str, parts: impl IntoIterator<Item = String>) -> String {
    let parts: String = parts.into_iter().map(|part| format!(" {part}")).collect();
    format!("({name}{parts})")
}

fn marked(optional: bool, text: String) -> String {
    format!("{}{text}", if optional { "?" } else { "" })
}

fn field_name(field: &Field) -> String {
    if field.quoted {
        format!("`{}`", field.name)
    } else {
        field.name.clone()
    }
}

fn constant(literal: &Literal) -> String {
    match literal {
        Literal::Null => "null".to_owned(),
        Literal::Bool(value) => value.to_string(),
        Literal::Int(value) => value.to_string(),
        Literal::Uint(value) => format!("{value}u"),
        Literal::Double(value) => format!("{value:?}"),
        Literal::String(value) => format!("{value:?}"),
        Literal::Bytes(value) => format!("b{value:?}"),
    }
}

fn expr(kind: ExprKind) -> Expr {
    Expr::new(kind, Span::default())
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "a", "b", "b1", "e3", "u", "x", "in_", "nulls", "r", "br", "_", "not", "and"
        ])
        .prop_map(str::to_owned),
        "[a-z_][a-zA-Z0-9_]{3,6}X",
    ]
}

fn field() -> impl Strategy<Value = Field> {
    let plain = prop_oneof![word(), Just("as".to_owned()), Just("for".to_owned())];
    let quoted = prop_oneof!["[A-Za-z0-9_./ -]{1,5}", Just("in".to_owned())];
    prop_oneof![
        3 => plain.prop_map(|name| (name, false)),
        1 => quoted.prop_map(|name| (name, true)),
    ]
    .prop_map(|(name, quoted)| Field {
        name,
        span: Span::default(),
        quoted,
    })
}

fn name(text: String) -> Name {
    Name {
        text,
        span: Span::default(),
    }
}

fn double() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("finite", |value| value.is_finite()),
        prop::sample::select(vec![
            0.0,
            -0.0,
            1.0,
            1e21,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            0.1
        ]),
    ]
}

fn literal() -> impl Strategy<Value = Literal> {
    let special =
        "[\"'`\\\\\\x00-\\x1f\\x7f-\\u{a0}\\u{200b}\\u{202e}\\u{feff}\\u{10ffff}é😀{}?/]{0,8}";
    prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(Literal::Bool),
        any::<i64>().prop_map(Literal::Int),
        prop::sample::select(vec![i64::MIN, i64::MAX, -1, 0, 5]).prop_map(Literal::Int),
        any::<u64>().prop_map(Literal::Uint),
        double().prop_map(Literal::Double),
        any::<String>().prop_map(Literal::String),
        special.prop_map(Literal::String),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(Literal::Bytes),
    ]
}

fn binary_op() -> impl Strategy<Value = BinaryOp> {
    prop::sample::select(vec![
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
    ])
}

/// Any tree that a text can have, of a handful of levels.
pub fn tree() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        literal().prop_map(ExprKind::Literal),
        (word(), any::<bool>()).prop_map(|(name, rooted)| ExprKind::Ident { name, rooted }),
    ];
    leaf.prop_map(expr).prop_recursive(6, 48, 4, |inner| {
        prop_oneof![
            operators(inner.clone()),
            members(inner.clone()),
            aggregates(inner)
        ]
        .prop_map(expr)
    })
}

fn operators(
    inner: impl Strategy<Value = Expr> + Clone + 'static,
) -> impl Strategy<Value = ExprKind> {
    let boxed = inner.prop_map(Box::new);
    prop_oneof![
        (any::<bool>(), boxed.clone()).prop_map(|(not, operand)| ExprKind::Unary {
            op: if not { UnaryOp::Not } else { UnaryOp::Negate },
            operand,
        }),
        (binary_op(), boxed.clone(), boxed.clone()).prop_map(|(op, left, right)| {
            ExprKind::Binary {
                op,
                op_span: Ignored::default(),
                left,
                right,
            }
        }),
        (boxed.clone(), boxed.clone(), boxed)
            .prop_map(|(condition, yes, no)| ExprKind::Conditional { condition, yes, no }),
    ]
}

fn members(
    inner: impl Strategy<Value = Expr> + Clone + 'static,
) -> impl Strategy<Value = ExprKind> {
    let boxed = inner.clone().prop_map(Box::new);
    let args = prop::collection::vec(inner, 0..3);
    let rooted = (word(), any::<bool>())
        .prop_map(|(word, rooted)| if rooted { format!(".{word}") } else { word });
    prop_oneof![
        (boxed.clone(), field(), any::<bool>()).prop_map(|(operand, field, optional)| {
            ExprKind::Select {
                operand,
                field,
                optional,
            }
        }),
        (boxed.clone(), boxed.clone(), any::<bool>()).prop_map(|(operand, index, optional)| {
            ExprKind::Index {
                operand,
                index,
                optional,
            }
        }),
        (rooted, args.clone()).prop_map(|(function, args)| ExprKind::Call {
            target: None,
            function: name(function),
            args,
        }),
        (boxed, word(), args).prop_map(|(target, function, args)| ExprKind::Call {
            target: Some(target),
            function: name(function),
            args,
        }),
    ]
}

fn aggregates(
    inner: impl Strategy<Value = Expr> + Clone + 'static,
) -> impl Strategy<Value = ExprKind> {
    let element =
        (inner.clone(), any::<bool>()).prop_map(|(value, optional)| Element { value, optional });
    let entry =
        (inner.clone(), inner.clone(), any::<bool>()).prop_map(|(key, value, optional)| Entry {
            key,
            value,
            optional,
        });
    let message_field =
        (field(), inner, any::<bool>()).prop_map(|(field, value, optional)| MessageField {
            field,
            value,
            optional,
        });
    let names = prop::collection::vec(word(), 1..4).prop_map(|words| words.join("."));
    let rooted = (names, any::<bool>())
        .prop_map(|(names, rooted)| if rooted { format!(".{names}") } else { names });
    prop_oneof![
        prop::collection::vec(element, 0..4).prop_map(ExprKind::List),
        prop::collection::vec(entry, 0..4).prop_map(ExprKind::Map),
        (rooted, prop::collection::vec(message_field, 0..3)).prop_map(|(message, fields)| {
            ExprKind::Message {
                name: name(message),
                fields,
            }
        }),
    ]
}
