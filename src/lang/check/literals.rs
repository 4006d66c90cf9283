//! Constants, lists and maps.
//!
//! Promises that what has elements of several types is a list or map of `dyn`.
//! Deliberately leaves equal keys to evaluation.

use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::lang::ast::{self, Literal};
use crate::lang::codes;
use crate::lang::hir::{self, ExprKind};
use crate::lang::ty::Type;
use crate::lang::value::Value;

use super::checker::{Checker, make};
use super::unify::part;

impl<'a> Checker<'a> {
    /// A constant.
    pub fn literal(&mut self, from: &ast::Expr) -> Box<hir::Expr> {
        let ast::ExprKind::Literal(literal) = &from.kind else {
            return self.unknown(from.span);
        };
        let (value, ty) = constant(literal);
        make(ExprKind::Const(value), from.span, ty)
    }

    /// `[a, ?b]`.
    pub fn list(&mut self, from: &'a ast::Expr, elements: &'a [ast::Element]) -> Box<hir::Expr> {
        let mut joined = None;
        let mut all = Vec::with_capacity(elements.len());
        for element in elements {
            let value = self.expr(&element.value);
            let ty = self.element_type(&value, element.optional);
            self.join_into(&mut joined, ty);
            all.push(list_element(element, value));
        }
        let ty = joined.unwrap_or_else(|| self.types.fresh());
        make(ExprKind::List(all), from.span, Type::list(part(ty)))
    }

    /// `{k: v, ?k: v}`.
    pub fn map(&mut self, from: &'a ast::Expr, entries: &'a [ast::Entry]) -> Box<hir::Expr> {
        let (mut keys, mut values) = (None, None);
        let mut all = Vec::with_capacity(entries.len());
        for entry in entries {
            let key = self.expr(&entry.key);
            let ty = self.key_type(&key);
            self.join_into(&mut keys, ty);
            let value = self.expr(&entry.value);
            let ty = self.element_type(&value, entry.optional);
            self.join_into(&mut values, ty);
            all.push(map_entry(entry, key, value));
        }
        let key = keys.unwrap_or_else(|| self.types.fresh());
        let value = values.unwrap_or_else(|| self.types.fresh());
        make(ExprKind::Map(all), from.span, Type::map(key, part(value)))
    }

    fn join_into(&mut self, joined: &mut Option<Type>, ty: Type) {
        *joined = Some(match joined.take() {
            Some(before) => self.types.join(&before, &ty),
            None => ty,
        });
    }

    /// The type of an element or a map's value; `?x` is what the optional
    /// holds.
    fn element_type(&mut self, value: &hir::Expr, optional: bool) -> Type {
        let ty = self.types.resolve(&value.ty);
        if !optional {
            return ty;
        }
        let held = self.types.fresh();
        if self.types.fits(&ty, &Type::optional(held.clone())) {
            return self.types.resolve(&held);
        }
        self.object_to(|checker| {
            let message = format!("after `?` stands an optional, not `{}`", checker.show(&ty));
            codes::BAD_OPTIONAL
                .at(value.span, message)
                .help("leave out the `?`, or read the value with `.?`")
        });
        Type::Dyn
    }

    fn key_type(&mut self, key: &hir::Expr) -> Type {
        match self.types.resolve(&key.ty) {
            ty @ (Type::Bool | Type::Int | Type::Uint | Type::String | Type::Param(_)) => ty,
            Type::Dyn => Type::Dyn,
            ty => {
                self.object_to(|checker| bad_key(checker, key, &ty));
                Type::Dyn
            }
        }
    }
}

// Apart from the functions that recurse, whose stack frames would be larger.

fn list_element(from: &ast::Element, value: Box<hir::Expr>) -> hir::Element {
    hir::Element {
        value: *value,
        optional: from.optional,
    }
}

fn map_entry(from: &ast::Entry, key: Box<hir::Expr>, value: Box<hir::Expr>) -> hir::Entry {
    hir::Entry {
        key: *key,
        value: *value,
        optional: from.optional,
    }
}

fn bad_key(checker: &Checker<'_>, key: &hir::Expr, ty: &Type) -> Diagnostic {
    let message = format!("a key of a map cannot be `{}`", checker.show(ty));
    codes::BAD_MAP_KEY
        .at(key.span, message)
        .help("keys are `bool`, `int`, `uint` or `string`")
}

fn constant(literal: &Literal) -> (Value<'static>, Type) {
    match literal {
        Literal::Null => (Value::Null, Type::Null),
        Literal::Bool(value) => (Value::Bool(*value), Type::Bool),
        Literal::Int(value) => (Value::Int(*value), Type::Int),
        Literal::Uint(value) => (Value::Uint(*value), Type::Uint),
        Literal::Double(value) => (Value::Double(*value), Type::Double),
        Literal::String(text) => (Value::text(text.as_str()), Type::String),
        Literal::Bytes(bytes) => (
            Value::bytes(Arc::<[u8]>::from(bytes.as_slice())),
            Type::Bytes,
        ),
    }
}
