//! What stands in the places of which a model says nothing.
//!
//! Promises first what is simplest, then values near the constants that the
//! rule compares with: what the solver does not understand, such as conditions
//! on the elements of a list, is most often true of one of those.

use serde_json::{Value as Json, json};

use crate::lang::Value;
use crate::lang::hir::{Comparison, Expr, ExprKind, Makes, Node, NodeKind};

/// What stands in the places that are free.
#[derive(Clone, Debug)]
pub struct Variant {
    /// What a list has as its elements.
    pub element: Json,
    /// Whether a list of which nothing is known has one.
    pub has_element: bool,
    /// What fields are of which nothing is known, in turn; absent without any.
    pub fields: Vec<Json>,
}

/// No more than this are tried.
const MANY: usize = 24;

/// The variants to try, one after the other.
pub fn variants(root: &Node) -> Vec<Variant> {
    let mut variants = vec![Variant {
        element: json!("example"),
        has_element: false,
        fields: Vec::new(),
    }];
    let mut constants = Constants::default();
    constants.node(root);
    let mut values = constants.found;
    values.extend([json!(1), json!(2), json!("example"), json!(true)]);
    for (at, value) in values.iter().enumerate() {
        let mut turned = values.clone();
        turned.rotate_left(at);
        variants.push(Variant {
            element: value.clone(),
            has_element: true,
            fields: turned,
        });
        variants.push(Variant {
            element: value.clone(),
            has_element: true,
            fields: vec![value.clone()],
        });
    }
    variants.truncate(MANY);
    variants
}

/// The constants of a rule's expressions, and what lies next to them.
#[derive(Default)]
struct Constants {
    found: Vec<Json>,
}

impl Constants {
    fn add(&mut self, value: &Value<'static>) {
        let near = match value {
            Value::Int(own) => [Some(*own), own.checked_add(1), own.checked_sub(1)]
                .into_iter()
                .flatten()
                .map(|own| json!(own))
                .collect(),
            Value::Double(own) => vec![
                json!(own),
                json!(own.ceil() as i64),
                json!(own.floor() as i64),
            ],
            Value::String(own) => vec![json!(&**own)],
            Value::List(items) => return items.iter().for_each(|item| self.add(item)),
            _ => return,
        };
        for value in near {
            if !self.found.contains(&value) {
                self.found.push(value);
            }
        }
    }

    fn node(&mut self, node: &Node) {
        match &node.kind {
            NodeKind::Const(_) | NodeKind::Test { .. } => {}
            NodeKind::Not(_) | NodeKind::All(_) | NodeKind::Any(_) => {
                node.parts().iter().for_each(|part| self.node(part));
            }
            NodeKind::Holds(expr) => self.expr(expr),
            NodeKind::Compare { of, with } => {
                self.comparison(with);
                self.expr(of);
            }
            NodeKind::Every(over) | NodeKind::Some(over) | NodeKind::One(over) => {
                self.expr(&over.source);
                self.node(&over.body);
            }
        }
    }

    fn comparison(&mut self, with: &Comparison) {
        match with {
            Comparison::Equal(value)
            | Comparison::Less(value)
            | Comparison::LessEqual(value)
            | Comparison::Greater(value)
            | Comparison::GreaterEqual(value) => self.add(value),
            Comparison::In(values) => values.iter().for_each(|value| self.add(value)),
            Comparison::StartsWith(text)
            | Comparison::EndsWith(text)
            | Comparison::Contains(text) => self.add(&Value::text(&**text)),
            Comparison::Matches(_) => {}
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Const(value) => self.add(value),
            ExprKind::Field { of, .. }
            | ExprKind::OptionalField { of, .. }
            | ExprKind::Has { of, .. } => self.expr(of),
            ExprKind::Call { args, .. } => args.iter().for_each(|arg| self.expr(arg)),
            ExprKind::Truth(node) => self.node(node),
            ExprKind::If { condition, yes, no } => {
                self.node(condition);
                self.expr(yes);
                self.expr(no);
            }
            ExprKind::Loop(own) => {
                self.expr(&own.source);
                own.filter.iter().for_each(|filter| self.node(filter));
                let (Makes::List(item) | Makes::Values(item) | Makes::Entries(item)) = &own.makes;
                self.expr(item);
            }
            ExprKind::Bind { value, body, .. } => {
                self.expr(value);
                self.expr(body);
            }
            ExprKind::OptionalMap { target, body, .. } => {
                self.expr(target);
                self.expr(body);
            }
            ExprKind::OptionalOr { target, other, .. } => {
                self.expr(target);
                self.expr(other);
            }
            _ => {}
        }
    }
}
