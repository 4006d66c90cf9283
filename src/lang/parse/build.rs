//! From pest's pairs to the tree.
//!
//! Promises that no tree is deeper than [`MAX_DEPTH`], and that reserved words
//! stand only where CEL allows them. Deliberately relies on the grammar for
//! the order of pairs: one that the grammar cannot produce is a syntax error
//! without an explanation, never a panic.

use std::sync::LazyLock;

use pest::iterators::{Pair, Pairs};
use pest::pratt_parser::{Assoc, Op, PrattParser};

use crate::diagnostic::{Diagnostic, Span};
use crate::lang::codes;

use super::super::ast::{BinaryOp, Element, Entry, Expr, ExprKind, Field};
use super::super::ast::{Ignored, Literal, MessageField, Name, UnaryOp};
use super::MAX_DEPTH;
use super::grammar::Rule;
use super::literal::{self, Piece};
use super::scan::too_deep;
use super::spelling;

/// From the loosest to the tightest.
static RANKS: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    PrattParser::new()
        .op(Op::infix(Rule::or, Assoc::Left))
        .op(Op::infix(Rule::and, Assoc::Left))
        .op(Op::infix(Rule::relation, Assoc::Left))
        .op(Op::infix(Rule::additive, Assoc::Left))
        .op(Op::infix(Rule::multiplicative, Assoc::Left))
        .op(Op::prefix(Rule::not) | Op::prefix(Rule::minus))
        .op(Op::postfix(Rule::arguments)
            | Op::postfix(Rule::member)
            | Op::postfix(Rule::index)
            | Op::postfix(Rule::message))
});

pub(super) fn tree(text: &str, mut pairs: Pairs<'_, Rule>) -> Result<Expr, Diagnostic> {
    let builder = Builder { text };
    let Some(whole) = pairs.next() else {
        return Err(*builder.unexplained(0..text.len()));
    };
    match builder.expr(whole) {
        Ok(built) => Ok(*built.expr),
        Err(error) => Err(*error),
    }
}

/// A node, and what is known of it while its parents are built. Small, as errors
/// are, for it is what recursion keeps on the stack.
struct Built {
    expr: Box<Expr>,
    /// Levels from it to its deepest leaf, both counted.
    depth: usize,
    shape: Shape,
}

/// What a node looks like as written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Names with dots between them: what may stand before `{`.
    Names,
    /// `!` before something.
    Not,
    /// `-` before something.
    Minus,
    Other,
}

type Failure = Box<Diagnostic>;

type Outcome = Result<Built, Failure>;

struct Builder<'t> {
    text: &'t str,
}

impl<'t> Builder<'t> {
    /// `or ? or : or ? or : or`: folded from the end.
    fn expr(&self, pair: Pair<'t, Rule>) -> Outcome {
        let mut pairs = pair.into_inner();
        let first = self.chain(&mut pairs)?;
        if pairs.peek().is_none() {
            return Ok(first);
        }
        let mut parts = Vec::new();
        while pairs.peek().is_some() {
            parts.push(self.chain(&mut pairs)?);
        }
        self.choices(first, parts)
    }

    /// `parts` are what follows each `?` and `:` in turn.
    fn choices(&self, first: Built, mut parts: Vec<Built>) -> Outcome {
        let mut no = parts.pop();
        while let Some(yes) = parts.pop() {
            let last = no.ok_or_else(|| self.unexplained(0..0))?;
            let Some(condition) = parts.pop() else {
                return self.choice(first, yes, last);
            };
            no = Some(self.choice(condition, yes, last)?);
        }
        Err(self.unexplained(0..0))
    }

    fn choice(&self, condition: Built, yes: Built, no: Built) -> Outcome {
        let depth = condition.depth.max(yes.depth).max(no.depth);
        let span = condition.expr.span.to(no.expr.span);
        let kind = ExprKind::Conditional {
            condition: condition.expr,
            yes: yes.expr,
            no: no.expr,
        };
        above(depth, kind, span)
    }

    /// Operands and operators up to a `?`, a `:` or the end.
    fn chain(&self, pairs: &mut Pairs<'t, Rule>) -> Outcome {
        let chain = pairs
            .by_ref()
            .take_while(|pair| !matches!(pair.as_rule(), Rule::question | Rule::colon | Rule::EOI));
        RANKS
            .map_primary(|pair| self.primary(pair))
            .map_prefix(|op, operand| self.prefix(&op, operand?))
            .map_postfix(|operand, op| self.postfix(operand?, op))
            .map_infix(|left, op, right| self.infix(left?, &op, right?))
            .parse(chain)
    }

    fn primary(&self, pair: Pair<'t, Rule>) -> Outcome {
        match pair.as_rule() {
            Rule::word => self.word(&pair),
            Rule::text => leaf(ExprKind::Literal(literal::text(piece(&pair))?), span(&pair)),
            Rule::number => self.number(&pair, None),
            Rule::negative => self.negative(pair),
            Rule::group => self.group(pair),
            Rule::list => self.list(pair),
            Rule::map => self.map(pair),
            Rule::rooted => self.rooted(pair),
            _ => Err(self.unexplained(range(&pair))),
        }
    }

    fn word(&self, pair: &Pair<'t, Rule>) -> Outcome {
        let literal = match pair.as_str() {
            "true" => Literal::Bool(true),
            "false" => Literal::Bool(false),
            "null" => Literal::Null,
            _ => return self.name(pair, span(pair), false),
        };
        leaf(ExprKind::Literal(literal), span(pair))
    }

    fn name(&self, word: &Pair<'t, Rule>, span: Span, rooted: bool) -> Outcome {
        spelling::check_name(word.as_str(), self::span(word))?;
        let name = word.as_str().to_owned();
        let named = leaf(ExprKind::Ident { name, rooted }, span)?;
        Ok(Built {
            shape: Shape::Names,
            ..named
        })
    }

    fn rooted(&self, pair: Pair<'t, Rule>) -> Outcome {
        let span = span(&pair);
        let word = self.first(pair)?;
        self.name(&word, span, true)
    }

    fn number(&self, number: &Pair<'t, Rule>, minus: Option<usize>) -> Outcome {
        let value = literal::number(piece(number), minus)?;
        let start = minus.unwrap_or(number.as_span().start());
        let span = Span::new(start, number.as_span().end());
        leaf(ExprKind::Literal(value), span)
    }

    fn negative(&self, pair: Pair<'t, Rule>) -> Outcome {
        let minus = pair.as_span().start();
        self.number(&self.first(pair)?, Some(minus))
    }

    /// Its place covers the brackets, so that the places of what is around it do
    /// as well.
    fn group(&self, pair: Pair<'t, Rule>) -> Outcome {
        let span = span(&pair);
        let inner = self.expr(self.first(pair)?)?;
        Ok(Built {
            expr: Box::new(Expr {
                span,
                ..*inner.expr
            }),
            depth: inner.depth,
            shape: Shape::Other,
        })
    }

    fn list(&self, pair: Pair<'t, Rule>) -> Outcome {
        let span = span(&pair);
        let mut pairs = pair.into_inner();
        let mut depth = 0;
        let mut elements = Vec::new();
        while pairs.peek().is_some() {
            let optional = takes_optional(&mut pairs);
            let value = *self.next(&mut pairs, &mut depth)?;
            elements.push(Element { value, optional });
        }
        above(depth, ExprKind::List(elements), span)
    }

    fn map(&self, pair: Pair<'t, Rule>) -> Outcome {
        let span = span(&pair);
        let mut pairs = pair.into_inner();
        let mut depth = 0;
        let mut entries = Vec::new();
        while pairs.peek().is_some() {
            let optional = takes_optional(&mut pairs);
            entries.push(Entry {
                key: *self.next(&mut pairs, &mut depth)?,
                value: *self.next(&mut pairs, &mut depth)?,
                optional,
            });
        }
        above(depth, ExprKind::Map(entries), span)
    }

    fn prefix(&self, op: &Pair<'t, Rule>, operand: Built) -> Outcome {
        let (op_name, shape, other) = match op.as_rule() {
            Rule::not => (UnaryOp::Not, Shape::Not, Shape::Minus),
            _ => (UnaryOp::Negate, Shape::Minus, Shape::Not),
        };
        // The span of a minus covers spaces behind it.
        let sign = Span::new(op.as_span().start(), op.as_span().start() + 1);
        if operand.shape == other {
            return Err(spelling::mixed_signs(sign.to(operand.expr.span), self.text).into());
        }
        let span = sign.to(operand.expr.span);
        let kind = ExprKind::Unary {
            op: op_name,
            operand: operand.expr,
        };
        let node = above(operand.depth, kind, span)?;
        Ok(Built { shape, ..node })
    }

    fn infix(&self, left: Built, op: &Pair<'t, Rule>, right: Built) -> Outcome {
        let Some(name) = binary_op(op.as_str()) else {
            return Err(self.unexplained(range(op)));
        };
        let span = left.expr.span.to(right.expr.span);
        let kind = ExprKind::Binary {
            op: name,
            op_span: Ignored(self::span(op)),
            left: left.expr,
            right: right.expr,
        };
        above(left.depth.max(right.depth), kind, span)
            .map_err(|error| at_operator(error, self::range(op)))
    }

    fn postfix(&self, operand: Built, op: Pair<'t, Rule>) -> Outcome {
        match op.as_rule() {
            Rule::member => self.member(operand, op),
            Rule::index => self.index(operand, op),
            Rule::arguments => self.call(operand, op),
            Rule::message => self.message(operand, op),
            _ => Err(self.unexplained(range(&op))),
        }
    }

    fn member(&self, operand: Built, pair: Pair<'t, Rule>) -> Outcome {
        let mut pairs = pair.into_inner();
        let optional = takes_optional(&mut pairs);
        let name = pairs.next().ok_or_else(|| self.unexplained(0..0))?;
        if let Some(arguments) = pairs.next() {
            let function = self.function(&name, optional)?;
            return self.method(operand, function, arguments);
        }
        let field = self.field(&name)?;
        let plain = !optional && !field.quoted && operand.shape == Shape::Names;
        let span = operand.expr.span.to(field.span);
        let kind = ExprKind::Select {
            operand: operand.expr,
            field,
            optional,
        };
        let node = above(operand.depth, kind, span)?;
        let shape = if plain { Shape::Names } else { Shape::Other };
        Ok(Built { shape, ..node })
    }

    fn field(&self, name: &Pair<'t, Rule>) -> Result<Field, Failure> {
        let quoted = name.as_rule() == Rule::quoted;
        if !quoted {
            spelling::check_field(name.as_str(), span(name))?;
        }
        let name_alone = name.as_str().trim_matches('`');
        Ok(Field {
            name: name_alone.to_owned(),
            span: span(name),
            quoted,
        })
    }

    fn function(&self, name: &Pair<'t, Rule>, optional: bool) -> Result<Name, Failure> {
        spelling::check_field(name.as_str(), span(name))?;
        if optional {
            return Err(spelling::optional_call(name.as_str(), span(name)).into());
        }
        Ok(Name {
            text: name.as_str().to_owned(),
            span: span(name),
        })
    }

    fn method(&self, target: Built, function: Name, arguments: Pair<'t, Rule>) -> Outcome {
        let span = target.expr.span.to(span(&arguments));
        let mut depth = target.depth;
        let args = self.args(arguments, &mut depth)?;
        let kind = ExprKind::Call {
            target: Some(target.expr),
            function,
            args,
        };
        above(depth, kind, span)
    }

    fn args(&self, pair: Pair<'t, Rule>, depth: &mut usize) -> Result<Vec<Expr>, Failure> {
        let mut pairs = pair.into_inner();
        let mut args = Vec::new();
        while pairs.peek().is_some() {
            args.push(*self.next(&mut pairs, depth)?);
        }
        Ok(args)
    }

    fn call(&self, callee: Built, pair: Pair<'t, Rule>) -> Outcome {
        let place = callee.expr.span;
        let ExprKind::Ident { name, rooted } = callee.expr.kind else {
            return Err(spelling::no_function(place, self.text).into());
        };
        let span = place.to(span(&pair));
        let mut depth = 0;
        let args = self.args(pair, &mut depth)?;
        let function = Name {
            text: if rooted { format!(".{name}") } else { name },
            span: place,
        };
        let kind = ExprKind::Call {
            target: None,
            function,
            args,
        };
        above(depth, kind, span)
    }

    fn index(&self, operand: Built, pair: Pair<'t, Rule>) -> Outcome {
        let span = operand.expr.span.to(span(&pair));
        let mut pairs = pair.into_inner();
        let optional = takes_optional(&mut pairs);
        let mut depth = operand.depth;
        let index = self.next(&mut pairs, &mut depth)?;
        let kind = ExprKind::Index {
            operand: operand.expr,
            index,
            optional,
        };
        above(depth, kind, span)
    }

    fn message(&self, named: Built, pair: Pair<'t, Rule>) -> Outcome {
        let place = named.expr.span;
        if named.shape != Shape::Names {
            return Err(spelling::no_message(place, span(&pair)).into());
        }
        let span = place.to(span(&pair));
        let name = Name {
            text: joined(&named.expr),
            span: place,
        };
        let mut pairs = pair.into_inner();
        let mut depth = 0;
        let mut fields = Vec::new();
        while pairs.peek().is_some() {
            let optional = takes_optional(&mut pairs);
            let field = pairs.next().ok_or_else(|| self.unexplained(0..0))?;
            fields.push(MessageField {
                field: self.field(&field)?,
                value: *self.next(&mut pairs, &mut depth)?,
                optional,
            });
        }
        above(depth, ExprKind::Message { name, fields }, span)
    }

    /// The next of several expressions; `depth` becomes that of the deepest.
    fn next(&self, pairs: &mut Pairs<'t, Rule>, depth: &mut usize) -> Result<Box<Expr>, Failure> {
        let pair = pairs.next().ok_or_else(|| self.unexplained(0..0))?;
        let built = self.expr(pair)?;
        *depth = built.depth.max(*depth);
        Ok(built.expr)
    }

    fn first(&self, pair: Pair<'t, Rule>) -> Result<Pair<'t, Rule>, Failure> {
        let place = range(&pair);
        let mut inner = pair.into_inner();
        inner.next().ok_or_else(|| self.unexplained(place))
    }

    fn unexplained(&self, range: std::ops::Range<usize>) -> Failure {
        let span = Span::new(range.start, range.end.min(self.text.len()));
        let message = "this is no CEL expression (a defect of carry)";
        codes::SYNTAX.at(span, message).into()
    }
}

/// A node whose deepest part has `depth` levels.
fn above(depth: usize, kind: ExprKind, span: Span) -> Outcome {
    if depth >= MAX_DEPTH {
        return Err(too_deep(span.start as usize..span.end as usize).into());
    }
    Ok(Built {
        expr: Box::new(Expr::new(kind, span)),
        depth: depth + 1,
        shape: Shape::Other,
    })
}

fn leaf(kind: ExprKind, span: Span) -> Outcome {
    above(0, kind, span)
}

/// Of a chain of operators only the one that is too many is marked.
fn at_operator(mut error: Failure, op: std::ops::Range<usize>) -> Failure {
    error.labels = too_deep(op).labels;
    error
}

fn takes_optional(pairs: &mut Pairs<'_, Rule>) -> bool {
    let optional = pairs
        .peek()
        .is_some_and(|pair| pair.as_rule() == Rule::optional);
    if optional {
        pairs.next();
    }
    optional
}

/// The name that a chain of selections spells.
fn joined(expr: &Expr) -> String {
    let mut names = Vec::new();
    let mut at = expr;
    while let ExprKind::Select { operand, field, .. } = &at.kind {
        names.push(field.name.as_str());
        at = operand;
    }
    if let ExprKind::Ident { name, rooted } = &at.kind {
        names.push(name);
        if *rooted {
            names.push("");
        }
    }
    names.reverse();
    names.join(".")
}

fn binary_op(written: &str) -> Option<BinaryOp> {
    Some(match written {
        "||" => BinaryOp::Or,
        "&&" => BinaryOp::And,
        "==" => BinaryOp::Equal,
        "!=" => BinaryOp::NotEqual,
        "<" => BinaryOp::Less,
        "<=" => BinaryOp::LessEqual,
        ">" => BinaryOp::Greater,
        ">=" => BinaryOp::GreaterEqual,
        "in" => BinaryOp::In,
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Subtract,
        "*" => BinaryOp::Multiply,
        "/" => BinaryOp::Divide,
        "%" => BinaryOp::Modulo,
        _ => return None,
    })
}

fn range(pair: &Pair<'_, Rule>) -> std::ops::Range<usize> {
    pair.as_span().start()..pair.as_span().end()
}

fn span(pair: &Pair<'_, Rule>) -> Span {
    Span::new(pair.as_span().start(), pair.as_span().end())
}

fn piece<'t>(pair: &Pair<'t, Rule>) -> Piece<'t> {
    Piece {
        text: pair.as_str(),
        start: pair.as_span().start(),
    }
}
