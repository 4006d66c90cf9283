//! What stands in the places of which a model says nothing.
//!
//! Promises first what is simplest, then values near the constants that the
//! rule compares with: what the solver does not understand, such as conditions
//! on the elements of a list, is most often true of one of those.

use serde_json::{Value as Json, json};

use crate::lang::Value;
use crate::lang::hir::{Comparison, Expr, ExprKind, Node, NodeKind};
use crate::lang::walk::{Walk, within_expr, within_node};

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
}

impl Walk for Constants {
    fn node(&mut self, node: &Node) {
        if let NodeKind::Compare { with, .. } = &node.kind {
            self.comparison(with);
        }
        within_node(node, self);
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Const(value) => self.add(value),
            // Those of constants alone are constants themselves.
            ExprKind::List(_) | ExprKind::Map(_) => {}
            _ => within_expr(expr, self),
        }
    }
}
