//! Which variable or type a name means.
//!
//! Promises the specification's order: variables of loops first, then the
//! longest name that there is, in the innermost container that has it.
//! Deliberately resolves no functions (see `calls`).

use crate::lang::ast::{Expr, ExprKind};
use crate::lang::ty::{Type, TypeName};

use super::checker::{Checker, Local};

/// Of longer names only so many parts are looked up.
const MAX_PARTS: usize = 16;

/// What a name means.
pub(super) enum Found<'c, 'a> {
    /// A variable of a loop or macro.
    Local(&'c Local<'a>),
    /// A variable of the scheme, by its whole name.
    Variable(String, Type),
    /// A type.
    Type(TypeName),
}

impl<'a> Checker<'a> {
    /// What the name `first` means, together with how many of the selections
    /// after it belong to it.
    pub fn resolve(&self, first: &'a Expr, steps: &[&'a Expr]) -> Option<(Found<'_, 'a>, usize)> {
        let ExprKind::Ident { name, rooted } = &first.kind else {
            return None;
        };
        if !rooted && let Some(local) = self.scope.iter().rev().find(|own| own.name == name) {
            return Some((Found::Local(local), 0));
        }
        let parts = parts(name, steps);
        let container = if *rooted { "" } else { self.scheme.container() };
        for used in (1..=parts.len()).rev() {
            let name = parts.get(..used)?.join(".");
            if let Some(found) = self.in_container(container, &name) {
                return Some((found, used - 1));
            }
        }
        None
    }

    fn in_container(&self, container: &str, name: &str) -> Option<Found<'_, 'a>> {
        let mut container = container;
        loop {
            let whole = match container {
                "" => name.to_owned(),
                container => format!("{container}.{name}"),
            };
            if let Some(ty) = self.scheme.variable(&whole) {
                return Some(Found::Variable(whole, ty));
            }
            if let Some(named) = TypeName::by_name(&whole) {
                return Some(Found::Type(named));
            }
            if container.is_empty() {
                return None;
            }
            container = container.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
    }
}

/// The name with the plain selections that directly follow it.
fn parts<'a>(name: &'a str, steps: &[&'a Expr]) -> Vec<&'a str> {
    let selections = steps.iter().map_while(|step| match &step.kind {
        ExprKind::Select {
            field,
            optional: false,
            ..
        } if !field.quoted => Some(field.name.as_str()),
        _ => None,
    });
    std::iter::once(name)
        .chain(selections)
        .take(MAX_PARTS)
        .collect()
}

/// The parts of an expression that is nothing but names with dots between
/// them, and whether it begins with a dot.
pub(super) fn dotted(from: &Expr) -> Option<(String, bool)> {
    let (mut at, mut names) = (from, Vec::new());
    loop {
        match &at.kind {
            ExprKind::Select {
                operand,
                field,
                optional: false,
            } if !field.quoted => {
                names.push(field.name.as_str());
                at = operand;
            }
            ExprKind::Ident { name, rooted } => {
                names.push(name);
                names.reverse();
                return Some((names.join("."), *rooted));
            }
            _ => return None,
        }
    }
}
