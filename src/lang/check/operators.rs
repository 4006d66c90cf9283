//! Operators that compute: arithmetic, comparisons, `in` and `?:`.
//!
//! Promises the overloads of the table, and comparisons of all numbers.
//! Deliberately without `&&`, `||` and `!` (see `conditions`).

use crate::lang::ast::{BinaryOp, Expr, ExprKind};
use crate::lang::codes;
use crate::lang::function::Function;
use crate::lang::hir;
use crate::lang::ty::Type;

use super::checker::{Checker, make};
use super::conditions::{Condition, Want};

impl<'a> Checker<'a> {
    /// `-operand`.
    pub fn negation(&mut self, from: &'a Expr, operand: &'a Expr) -> Box<hir::Expr> {
        let value = self.expr(operand);
        self.negated(from, operand, value)
    }

    fn negated(
        &mut self,
        from: &'a Expr,
        operand: &'a Expr,
        value: Box<hir::Expr>,
    ) -> Box<hir::Expr> {
        let (function, ty) = match self.overload("-_", false, std::slice::from_ref(&value.ty)) {
            Some(found) => found,
            None => {
                self.object_to(|checker| checker.bad_negation(from, operand, &value.ty));
                (Function::Negate, Type::Dyn)
            }
        };
        let args = vec![*value];
        make(hir::ExprKind::Call { function, args }, from.span, ty)
    }

    /// `left op right`.
    pub fn binary(&mut self, from: &'a Expr) -> Box<hir::Expr> {
        let ExprKind::Binary {
            op, left, right, ..
        } = &from.kind
        else {
            return self.unknown(from.span);
        };
        let one = self.expr(left);
        let other = self.expr(right);
        self.apply(from, *op, one, other)
    }

    fn apply(
        &mut self,
        from: &'a Expr,
        op: BinaryOp,
        one: Box<hir::Expr>,
        other: Box<hir::Expr>,
    ) -> Box<hir::Expr> {
        let types = [one.ty.clone(), other.ty.clone()];
        self.warn_of_null(from, op, &types);
        let (name, function) = operator(op);
        let found = self.overload(name, false, &types);
        let ty = match found {
            Some((_, ty)) => ty,
            None if self.compares(op, &types) => Type::Bool,
            None => {
                let [one, other] = types;
                self.object_to(|checker| checker.bad_operands(from, one, other));
                result_type(op)
            }
        };
        let args = vec![*one, *other];
        make(hir::ExprKind::Call { function, args }, from.span, ty)
    }

    /// An optional is never null, not even one without a value.
    fn warn_of_null(&mut self, from: &'a Expr, op: BinaryOp, types: &[Type; 2]) {
        let ExprKind::Binary { left, right, .. } = &from.kind else {
            return;
        };
        let optional = match types {
            [Type::Optional(_), Type::Null] => left,
            [Type::Null, Type::Optional(_)] => right,
            _ => return,
        };
        let asks = match op {
            BinaryOp::Equal => "!",
            BinaryOp::NotEqual => "",
            _ => return,
        };
        self.object_to(|checker| {
            let text = checker.quote(optional);
            let message = "an optional is never null, not even without a value";
            codes::NEVER_NULL.at(from.span, message).help(format!(
                "ask whether it has a value: `{asks}{text}.hasValue()`"
            ))
        });
    }

    /// Whether the operands can be equal although their types differ.
    fn compares(&mut self, op: BinaryOp, types: &[Type; 2]) -> bool {
        let [one, other] = types;
        match (op, self.types.resolve(other)) {
            (BinaryOp::Equal | BinaryOp::NotEqual, other) => self.types.comparable(one, &other),
            (BinaryOp::In, Type::List(element)) => self.types.comparable(one, &element),
            (BinaryOp::In, Type::Map(key, _)) => self.types.comparable(one, &key),
            (BinaryOp::In, Type::Object(_)) => self.types.comparable(one, &Type::String),
            _ => false,
        }
    }

    /// `condition ? yes : no`.
    pub fn conditional(&mut self, from: &'a Expr) -> Box<hir::Expr> {
        let ExprKind::Conditional { condition, yes, no } = &from.kind else {
            return self.unknown(from.span);
        };
        let condition = self.node(condition, Want::Operator("?:"));
        let start = self.reads.mark();
        let one = self.expr(yes);
        let between = self.reads.mark();
        let other = self.expr(no);
        self.reads.discharge(start..between, &condition.facts.yes);
        let end = self.reads.mark();
        self.reads.discharge(between..end, &condition.facts.no);
        let ty = self.branch_type(from, &one, &other);
        either(from, ty, condition, one, other)
    }

    fn branch_type(&mut self, from: &'a Expr, one: &hir::Expr, other: &hir::Expr) -> Type {
        if self.types.fits(&one.ty, &other.ty) || self.types.fits(&other.ty, &one.ty) {
            return self.types.join(&one.ty, &other.ty);
        }
        self.object_to(|checker| checker.different_branches(from, &one.ty, &other.ty));
        Type::Dyn
    }
}

// Apart from the function that recurses, whose stack frame would be larger.
fn either(
    from: &Expr,
    ty: Type,
    condition: Box<Condition<'_>>,
    yes: Box<hir::Expr>,
    no: Box<hir::Expr>,
) -> Box<hir::Expr> {
    let condition = Box::new(condition.node);
    make(hir::ExprKind::If { condition, yes, no }, from.span, ty)
}

fn result_type(op: BinaryOp) -> Type {
    match operator(op).1 {
        Function::Equal
        | Function::NotEqual
        | Function::Less
        | Function::LessEqual
        | Function::Greater
        | Function::GreaterEqual
        | Function::In => Type::Bool,
        _ => Type::Dyn,
    }
}

/// The name in the table of functions, and the function where no overload
/// says which.
fn operator(op: BinaryOp) -> (&'static str, Function) {
    match op {
        BinaryOp::NotEqual => ("_!=_", Function::NotEqual),
        BinaryOp::Less => ("_<_", Function::Less),
        BinaryOp::LessEqual => ("_<=_", Function::LessEqual),
        BinaryOp::Greater => ("_>_", Function::Greater),
        BinaryOp::GreaterEqual => ("_>=_", Function::GreaterEqual),
        BinaryOp::In => ("@in", Function::In),
        BinaryOp::Add => ("_+_", Function::Add),
        BinaryOp::Subtract => ("_-_", Function::Subtract),
        BinaryOp::Multiply => ("_*_", Function::Multiply),
        BinaryOp::Divide => ("_/_", Function::Divide),
        BinaryOp::Modulo => ("_%_", Function::Modulo),
        // Neither of the last two is an operator that computes.
        BinaryOp::Equal | BinaryOp::And | BinaryOp::Or => ("_==_", Function::Equal),
    }
}
