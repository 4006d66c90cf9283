//! Calls: macros, functions and member functions.
//!
//! Promises that what stands before the dot is a namespace only where there is
//! no variable of that name. Deliberately computes nothing of constants.

use crate::lang::ast::{Expr, ExprKind, Name};
use crate::lang::function::{self, Function};
use crate::lang::hir;
use crate::lang::ty::Type;

use super::checker::{Checker, make};
use super::macro_table::{self, Macro};
use super::names::dotted;
use super::places::{Need, Read};
use super::refused;

/// A call as written.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    /// The whole call.
    pub from: &'a Expr,
    /// What it is called on; none for a function in a namespace.
    pub target: Option<&'a Expr>,
    /// The function.
    pub function: &'a Name,
    /// Its arguments.
    pub args: &'a [Expr],
}

/// What a call turns out to be. A function in a namespace has no target, but a
/// name with dots.
enum Meaning<'a> {
    Macro(Macro, Call<'a>),
    Function(String, Call<'a>),
    Extension(String),
}

impl<'a> Checker<'a> {
    /// A call of any kind.
    pub fn call(&mut self, from: &'a Expr) -> Box<hir::Expr> {
        let ExprKind::Call {
            target,
            function,
            args,
        } = &from.kind
        else {
            return self.unknown(from.span);
        };
        let call = Call {
            from,
            target: target.as_deref(),
            function,
            args,
        };
        match self.meaning(call) {
            Meaning::Macro(found, call) => self.expand(found, call),
            Meaning::Function(name, call) => self.function(&name, call),
            Meaning::Extension(name) => self.extension(from, &name, args),
        }
    }

    fn meaning(&self, mut call: Call<'a>) -> Meaning<'a> {
        let name = match self.qualified(&call) {
            Some(name) => {
                call.target = None;
                name
            }
            None => call.function.text.trim_start_matches('.').to_owned(),
        };
        if refused::is_extension(&name) {
            return Meaning::Extension(name);
        }
        match macro_table::named(&name, call.target.is_some()) {
            Some(found) if self.options.macros => Meaning::Macro(found, call),
            _ => Meaning::Function(name, call),
        }
    }

    /// The whole name of a function in a namespace, such as `math.abs`.
    fn qualified(&self, call: &Call<'a>) -> Option<String> {
        let target = call.target?;
        let (space, _) = dotted(target)?;
        let name = format!("{space}.{}", call.function.text);
        let known = function::exists(&name)
            || macro_table::named(&name, false).is_some()
            || refused::is_extension(&name)
            || is_namespace(&space);
        (known && !self.is_variable(target)).then_some(name)
    }

    /// Whether the name, or its beginning, is that of a variable.
    fn is_variable(&self, name: &'a Expr) -> bool {
        let mut steps = Vec::new();
        let mut at = name;
        while let ExprKind::Select { operand, .. } = &at.kind {
            steps.push(at);
            at = operand;
        }
        steps.reverse();
        self.resolve(at, &steps).is_some()
    }

    fn expand(&mut self, found: Macro, call: Call<'a>) -> Box<hir::Expr> {
        match found {
            Macro::Has => self.has(call),
            Macro::Quantifier(quantifier) => self.quantifier(quantifier, call),
            Macro::Map => self.map_macro(call),
            Macro::Filter => self.filter_macro(call),
            Macro::TransformList | Macro::TransformMap | Macro::TransformMapEntry => {
                self.transform(found, call)
            }
            Macro::Bind => self.bind(call),
            Macro::OptMap | Macro::OptFlatMap => {
                self.optional_map(call, matches!(found, Macro::OptFlatMap))
            }
        }
    }

    /// The arguments that are expressions: of what is probably meant as a macro
    /// the names of its variables would only be reported as unknown.
    fn arguments(&self, name: &str, call: Call<'a>) -> &'a [Expr] {
        let misspelled =
            name.starts_with("cel.") || name == "has" || self.names_variable(name, call);
        let is_macro = call.target.is_none() && macro_table::named(name, true).is_some();
        let checked = match (misspelled, is_macro) {
            (true, _) => 0,
            (_, true) => 1,
            _ => call.args.len(),
        };
        call.args.get(..checked).unwrap_or(call.args)
    }

    /// Whether an unknown function is called as macros are, with the name of a
    /// variable first.
    fn names_variable(&self, name: &str, call: Call<'a>) -> bool {
        let [first, _, ..] = call.args else {
            return false;
        };
        let known = |member| function::named(name, member).next().is_some();
        matches!(first.kind, ExprKind::Ident { .. })
            && !known(true)
            && !known(false)
            && self.resolve(first, &[]).is_none()
    }

    fn function(&mut self, name: &str, call: Call<'a>) -> Box<hir::Expr> {
        let target = call.target.map(|target| self.expr(target));
        let mut values = self.exprs(self.arguments(name, call));
        if let Some(target) = target {
            values.insert(0, *target);
        }
        self.apply_function(name, call, values)
    }

    /// `x.value()` of an optional that may have none.
    fn note_value(&mut self, name: &str, call: Call<'a>, values: &[hir::Expr]) {
        let (Some(target), "value", [value]) = (call.target, name, values) else {
            return;
        };
        let Type::Optional(held) = self.types.resolve(&value.ty) else {
            return;
        };
        let place = self.place(target).filter(|place| !place.parts.is_empty());
        if let Some(place) = place.filter(|_| self.options.check) {
            let span = target.span;
            let need = Need {
                place,
                node: target,
                span,
            };
            self.reads.add(Read {
                needs: vec![need],
                chain: target,
                ty: (*held).clone(),
                tested: false,
            });
        }
    }

    fn apply_function(
        &mut self,
        name: &str,
        call: Call<'a>,
        values: Vec<hir::Expr>,
    ) -> Box<hir::Expr> {
        self.note_value(name, call, &values);
        let member = call.target.is_some();
        let types: Vec<_> = values.iter().map(|value| value.ty.clone()).collect();
        let Some(function) = Self::any_overload(name, member, types.len()) else {
            // What is called on an unknown variable may be anything.
            let follows = values.first().is_some_and(is_unknown) && member;
            if !follows || function::names().any(|own| own == name) {
                self.object_to(|checker| checker.unknown_function(name, call));
            }
            return self.unknown(call.from.span);
        };
        let (function, ty) = match self.overload(name, member, &types) {
            Some(found) => found,
            None => {
                self.object_to(|checker| checker.no_overload(name, call, &types));
                (function, Type::Dyn)
            }
        };
        let kind = match (function, <[hir::Expr; 2]>::try_from(values)) {
            (Function::OptionalOr | Function::OptionalOrValue, Ok([target, other])) => {
                hir::ExprKind::OptionalOr {
                    target: Box::new(target),
                    other: Box::new(other),
                    value: function == Function::OptionalOrValue,
                }
            }
            (function, values) => {
                let args = values.map_or_else(|many| many, Vec::from);
                hir::ExprKind::Call { function, args }
            }
        };
        make(kind, call.from.span, ty)
    }
}

fn is_unknown(value: &hir::Expr) -> bool {
    matches!(value.kind, hir::ExprKind::Undeclared)
}

/// Whether functions or macros have names that begin with this and a dot.
pub(super) fn is_namespace(space: &str) -> bool {
    let within = |name: &str| {
        name.strip_prefix(space)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    space == "cel" || function::names().any(within)
}
