//! Macros that test and bind: `has`, `all`, `exists`, `exists_one`,
//! `cel.bind`, `optMap`.
//!
//! Promises that a wrong argument is reported at the argument. Deliberately
//! leaves macros that make lists and maps to `loops`.

use crate::lang::ast::{Expr, ExprKind};
use crate::lang::hir::{self, LoopVars, Node, NodeKind, Quantified};
use crate::lang::ty::Type;

use super::calls::Call;
use super::checker::{Checker, Local, make};
use super::conditions::{Condition, Want};
use super::macro_table::Quantifier;
use super::places::{Place, Root};
use super::unify::part;

impl<'a> Checker<'a> {
    /// `has(operand.field)`.
    pub fn has(&mut self, call: Call<'a>) -> Box<hir::Expr> {
        let [tested] = call.args else {
            return self.wrong_count(call, "1 argument");
        };
        match &tested.kind {
            ExprKind::Select {
                operand,
                field,
                optional: false,
            } => self.presence(call.from, operand, field),
            _ => self.has_nothing(call, tested),
        }
    }

    fn has_nothing(&mut self, call: Call<'a>, tested: &'a Expr) -> Box<hir::Expr> {
        let found = self.no_selection(tested);
        self.report(found);
        self.expr(tested);
        make(hir::ExprKind::Undeclared, call.from.span, Type::Bool)
    }

    /// `source.all(x, condition)` and its like.
    pub fn quantifier(&mut self, quantifier: Quantifier, call: Call<'a>) -> Box<hir::Expr> {
        let (names, body) = match call.args {
            [names @ .., body] if matches!(names.len(), 1 | 2) => (names, body),
            _ => return self.wrong_count(call, "2 or 3 arguments"),
        };
        let source = self.source(call);
        let vars = self.enter(names, &source.ty, call);
        let condition = self.node(body, Want::Macro(&call.function.text));
        self.leave(names);
        quantified(quantifier, call, source, vars, condition)
    }

    /// What a macro is called on.
    pub fn source(&mut self, call: Call<'a>) -> Box<hir::Expr> {
        match call.target {
            Some(target) => self.expr(target),
            None => self.unknown(call.from.span),
        }
    }

    /// Declares the variables of a loop over values of type `over`.
    pub fn enter(&mut self, names: &'a [Expr], over: &Type, call: Call<'a>) -> LoopVars {
        let (key, value) = self.elements(over, call);
        match names {
            [name] => {
                let is_map = matches!(self.types.resolve(over), Type::Map(..) | Type::Object(_));
                let ty = if is_map { key } else { value };
                LoopVars::One(self.declare(name, ty, None))
            }
            [first, second] => {
                let one = self.declare(first, key, None);
                LoopVars::Two(one, self.declare_second(first, second, value))
            }
            _ => LoopVars::One(self.new_local(call.from.span)),
        }
    }

    /// Ends what the variables of these names mean.
    pub fn leave(&mut self, names: &[Expr]) {
        let left = self.scope.len().saturating_sub(names.len());
        self.scope.truncate(left);
    }

    fn declare_second(&mut self, first: &Expr, second: &'a Expr, ty: Type) -> hir::LocalId {
        if matches!(first.kind, ExprKind::Ident { .. }) && first == second {
            let found = self.same_variable(first, second);
            self.report(found);
        }
        self.declare(second, ty, None)
    }

    /// A new variable; `place` where it is another name for something.
    fn declare(&mut self, name: &'a Expr, ty: Type, place: Option<Alias<'a>>) -> hir::LocalId {
        let id = self.new_local(name.span);
        let text = match &name.kind {
            ExprKind::Ident {
                name,
                rooted: false,
            } if !matches!(name.as_str(), "__result__" | "@result") => name.as_str(),
            _ => {
                let found = self.no_variable(name);
                self.report(found);
                ""
            }
        };
        let place = match place {
            Some(alias) => alias.0,
            None => Some(Place {
                root: Root::Local(id),
                parts: Vec::new(),
            }),
        };
        self.scope.push(Local {
            name: text,
            id,
            ty,
            place,
        });
        id
    }

    /// The types of the keys, or indexes, and of the elements of what a loop
    /// goes over.
    fn elements(&mut self, over: &Type, call: Call<'a>) -> (Type, Type) {
        match self.types.resolve(over) {
            Type::List(element) => (Type::Int, (*element).clone()),
            Type::Map(key, value) => ((*key).clone(), (*value).clone()),
            Type::Object(_) => (Type::String, Type::Dyn),
            Type::Dyn | Type::Param(_) => (Type::Dyn, Type::Dyn),
            other => {
                self.object_to(|checker| checker.no_loop_over(call, &other));
                (Type::Dyn, Type::Dyn)
            }
        }
    }

    /// `cel.bind(name, value, body)`.
    pub fn bind(&mut self, call: Call<'a>) -> Box<hir::Expr> {
        let [name, value, body] = call.args else {
            return self.wrong_count(call, "3 arguments");
        };
        let bound = self.expr(value);
        let alias = Alias(self.place(value));
        let local = self.declare(name, bound.ty.clone(), Some(alias));
        let body = self.expr(body);
        self.leave(std::slice::from_ref(name));
        bound_in(call, local, bound, body)
    }

    /// `target.optMap(name, body)`, and `optFlatMap` where it is `flat`.
    pub fn optional_map(&mut self, call: Call<'a>, flat: bool) -> Box<hir::Expr> {
        let [name, body] = call.args else {
            return self.wrong_count(call, "2 arguments");
        };
        let target = self.source(call);
        let held = self.held_by(call, &target.ty);
        let local = self.declare(name, held, None);
        let made = self.expr(body);
        self.leave(std::slice::from_ref(name));
        let ty = self.mapped_type(&made, body, flat);
        mapped(call, ty, target, local, made, flat)
    }

    /// What the optional that a macro is called on holds.
    fn held_by(&mut self, call: Call<'a>, ty: &Type) -> Type {
        let held = self.types.fresh();
        if !self.types.fits(ty, &Type::optional(held.clone())) {
            self.object_to(|checker| checker.no_optional(call, ty));
        }
        match self.types.resolve(ty) {
            Type::Dyn => Type::Dyn,
            _ => self.types.resolve(&held),
        }
    }

    fn mapped_type(&mut self, made: &hir::Expr, body: &'a Expr, flat: bool) -> Type {
        if !flat {
            return Type::optional(part(self.types.resolve(&made.ty)));
        }
        let held = self.types.fresh();
        if !self.types.fits(&made.ty, &Type::optional(held.clone())) {
            self.object_to(|checker| checker.no_optional_body(body, &made.ty));
        }
        Type::optional(self.types.resolve(&held))
    }
}

// Nodes are put together outside of the functions that recurse, whose stack
// frames would hold copies of them.

fn quantified(
    quantifier: Quantifier,
    call: Call<'_>,
    source: Box<hir::Expr>,
    vars: LoopVars,
    condition: Box<Condition<'_>>,
) -> Box<hir::Expr> {
    let quantified = Box::new(Quantified {
        source: *source,
        vars,
        body: condition.node,
    });
    let kind = match quantifier {
        Quantifier::All => NodeKind::Every(quantified),
        Quantifier::Exists => NodeKind::Some(quantified),
        Quantifier::ExistsOne => NodeKind::One(quantified),
    };
    let node = Box::new(Node::new(kind, call.from.span));
    make(hir::ExprKind::Truth(node), call.from.span, Type::Bool)
}

fn bound_in(
    call: Call<'_>,
    local: hir::LocalId,
    value: Box<hir::Expr>,
    body: Box<hir::Expr>,
) -> Box<hir::Expr> {
    let ty = body.ty.clone();
    make(
        hir::ExprKind::Bind { local, value, body },
        call.from.span,
        ty,
    )
}

fn mapped(
    call: Call<'_>,
    ty: Type,
    target: Box<hir::Expr>,
    local: hir::LocalId,
    body: Box<hir::Expr>,
    flat: bool,
) -> Box<hir::Expr> {
    let kind = hir::ExprKind::OptionalMap {
        target,
        local,
        body,
        flat,
    };
    make(kind, call.from.span, ty)
}

/// What a variable is another name for, if that is a place.
struct Alias<'a>(Option<Place<'a>>);
