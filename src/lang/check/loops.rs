//! Macros that make lists and maps: `map`, `filter`, `transformList`,
//! `transformMap`, `transformMapEntry`.
//!
//! Promises loops whose condition comes before what is made. Deliberately
//! joins no loops.

use crate::lang::ast::Expr;
use crate::lang::hir::{self, Loop, LoopVars, Makes};
use crate::lang::ty::Type;

use super::calls::Call;
use super::checker::{Checker, make};
use super::conditions::{Condition, Want};
use super::macro_table::Macro;
use super::unify::part;

impl<'a> Checker<'a> {
    /// `source.map(x, value)` and `source.map(x, condition, value)`.
    pub fn map_macro(&mut self, call: Call<'a>) -> Box<hir::Expr> {
        match call.args {
            [name, value] => self.loop_over(Macro::Map, call, from_ref(name), None, value),
            [name, filter, value] => {
                self.loop_over(Macro::Map, call, from_ref(name), Some(filter), value)
            }
            _ => self.wrong_count(call, "2 or 3 arguments"),
        }
    }

    /// `source.filter(x, condition)`.
    pub fn filter_macro(&mut self, call: Call<'a>) -> Box<hir::Expr> {
        let [name, filter] = call.args else {
            return self.wrong_count(call, "2 arguments");
        };
        let source = self.source(call);
        let names = from_ref(name);
        let vars = self.enter(names, &source.ty, call);
        let ty = self.scope.last().map(|local| local.ty.clone());
        let ty = ty.unwrap_or(Type::Dyn);
        let filter = self.loop_filter(filter, call);
        self.leave(names);
        filtered(call, name, source, vars, filter, ty)
    }

    /// The macros with two variables.
    pub fn transform(&mut self, found: Macro, call: Call<'a>) -> Box<hir::Expr> {
        match call.args {
            [names @ .., value] if names.len() == 2 => {
                self.loop_over(found, call, names, None, value)
            }
            [names @ .., filter, value] if names.len() == 2 => {
                self.loop_over(found, call, names, Some(filter), value)
            }
            _ => self.wrong_count(call, "3 or 4 arguments"),
        }
    }

    fn loop_over(
        &mut self,
        found: Macro,
        call: Call<'a>,
        names: &'a [Expr],
        filter: Option<&'a Expr>,
        value: &'a Expr,
    ) -> Box<hir::Expr> {
        let source = self.source(call);
        let vars = self.enter(names, &source.ty, call);
        let filter = filter.map(|filter| self.loop_filter(filter, call));
        let start = self.reads.mark();
        let made = self.expr(value);
        self.leave(names);
        if let Some(condition) = &filter {
            let end = self.reads.mark();
            self.reads.discharge(start..end, &condition.facts.yes);
        }
        self.made(found, call, source, vars, filter, made)
    }

    fn loop_filter(&mut self, filter: &'a Expr, call: Call<'a>) -> Box<Condition<'a>> {
        self.node(filter, Want::Macro(&call.function.text))
    }

    fn made(
        &mut self,
        found: Macro,
        call: Call<'a>,
        source: Box<hir::Expr>,
        vars: LoopVars,
        filter: Option<Box<Condition<'a>>>,
        made: Box<hir::Expr>,
    ) -> Box<hir::Expr> {
        let value = self.types.resolve(&made.ty);
        let (makes, ty) = match found {
            Macro::TransformMap => {
                let key = match self.types.resolve(&source.ty) {
                    Type::Map(key, _) => (*key).clone(),
                    Type::List(_) => Type::Int,
                    Type::Object(_) => Type::String,
                    _ => Type::Dyn,
                };
                (Makes::Values(*made), Type::map(key, part(value)))
            }
            Macro::TransformMapEntry => {
                let (key, held) = (self.types.fresh(), self.types.fresh());
                let map = Type::map(key, held);
                if !self.types.fits(&value, &map) {
                    self.object_to(|checker| checker.no_entries(call, &value));
                }
                (Makes::Entries(*made), self.types.resolve(&map))
            }
            _ => (Makes::List(*made), Type::list(part(value))),
        };
        let made = Loop {
            source: *source,
            vars,
            filter: filter.map(|condition| condition.node),
            makes,
        };
        finish(call, ty, made)
    }
}

fn filtered(
    call: Call<'_>,
    name: &Expr,
    source: Box<hir::Expr>,
    vars: LoopVars,
    filter: Box<Condition<'_>>,
    ty: Type,
) -> Box<hir::Expr> {
    let element = match vars {
        LoopVars::One(local) | LoopVars::Two(local, _) => hir::ExprKind::Local(local),
    };
    let element = make(element, name.span, ty.clone());
    let made = Loop {
        source: *source,
        vars,
        filter: Some(filter.node),
        makes: Makes::List(*element),
    };
    finish(call, Type::list(part(ty)), made)
}

fn finish(call: Call<'_>, ty: Type, made: Loop) -> Box<hir::Expr> {
    make(hir::ExprKind::Loop(Box::new(made)), call.from.span, ty)
}

fn from_ref<T>(one: &T) -> &[T] {
    std::slice::from_ref(one)
}
