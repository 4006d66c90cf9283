//! Types that are not known yet, and what fits where.
//!
//! Promises that a failed attempt leaves no trace, and bounds for every type:
//! what is nested too deep is `dyn`. Deliberately knows no expressions.

use crate::lang::ty::Type;

/// How deep types are looked at. What is deeper fits everything.
const MAX_NESTING: u32 = 40;

/// What the parameters of types stand for, as far as that is known.
#[derive(Default)]
pub(super) struct Unifier {
    bound: Vec<Option<Type>>,
    /// What was overwritten, to be put back.
    trail: Vec<(usize, Option<Type>)>,
}

impl Unifier {
    /// A type that is yet to be found.
    pub fn fresh(&mut self) -> Type {
        Type::Param(self.fresh_many(1))
    }

    /// The first of `count` such types.
    pub fn fresh_many(&mut self, count: u32) -> u32 {
        let base = u32::try_from(self.bound.len()).unwrap_or(u32::MAX);
        self.bound.resize(self.bound.len() + count as usize, None);
        base
    }

    /// What is known of `ty`: parameters that stand for something replaced.
    pub fn resolve(&self, ty: &Type) -> Type {
        self.substitute(ty, false, MAX_NESTING)
    }

    /// The same, once nothing more will be known: what is left is `dyn`.
    pub fn settle(&self, ty: &Type) -> Type {
        self.substitute(ty, true, MAX_NESTING)
    }

    fn substitute(&self, ty: &Type, last: bool, depth: u32) -> Type {
        let Some(depth) = depth.checked_sub(1) else {
            return Type::Dyn;
        };
        let inner = |ty: &Type| self.substitute(ty, last, depth);
        match ty {
            Type::Param(number) => match self.bound_to(*number) {
                Some(found) => inner(found),
                None if last => Type::Dyn,
                None => ty.clone(),
            },
            Type::List(element) => Type::list(inner(element)),
            Type::Map(key, value) => Type::map(inner(key), inner(value)),
            Type::Optional(value) => Type::optional(inner(value)),
            other => other.clone(),
        }
    }

    fn bound_to(&self, number: u32) -> Option<&Type> {
        self.bound.get(number as usize)?.as_ref()
    }

    fn bind(&mut self, number: u32, ty: Type) {
        let at = number as usize;
        if let Some(place) = self.bound.get_mut(at) {
            let old = place.replace(ty);
            self.trail.push((at, old));
        }
    }

    /// Whether values of all of `from` may stand where `to` are wanted; learns
    /// from it if so.
    pub fn all_fit(&mut self, from: &[Type], to: &[Type]) -> bool {
        let mark = self.trail.len();
        let mut pairs = from.iter().zip(to);
        let fit = from.len() == to.len() && pairs.all(|(a, b)| self.fit(a, b, MAX_NESTING));
        if !fit {
            self.undo(mark);
        }
        fit
    }

    /// Whether a value of `from` may stand where `to` is wanted.
    pub fn fits(&mut self, from: &Type, to: &Type) -> bool {
        self.all_fit(std::slice::from_ref(from), std::slice::from_ref(to))
    }

    /// The same, but learns nothing.
    pub fn would_fit(&mut self, from: &Type, to: &Type) -> bool {
        let mark = self.trail.len();
        let fit = self.fit(from, to, MAX_NESTING);
        self.undo(mark);
        fit
    }

    fn undo(&mut self, mark: usize) {
        while self.trail.len() > mark {
            let Some((at, old)) = self.trail.pop() else {
                return;
            };
            if let Some(place) = self.bound.get_mut(at) {
                *place = old;
            }
        }
    }

    fn fit(&mut self, from: &Type, to: &Type, depth: u32) -> bool {
        let Some(depth) = depth.checked_sub(1) else {
            return true;
        };
        if let Type::Param(number) = to {
            let known = self.bound_to(*number).is_some();
            let valid = self.stands_for(*number, from, depth);
            if valid || known {
                return valid;
            }
        }
        if let Type::Param(number) = from {
            return self.stands_for(*number, to, depth);
        }
        self.fit_shapes(from, to, depth)
    }

    fn fit_shapes(&mut self, from: &Type, to: &Type, depth: u32) -> bool {
        match (from, to) {
            (Type::Dyn, _) | (_, Type::Dyn) => true,
            (Type::Null, other) | (other, Type::Null) => nullable(other),
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => {
                self.fit(a, b, depth)
            }
            (Type::Map(key, value), Type::Map(to_key, to_value)) => {
                self.fit(key, to_key, depth) && self.fit(value, to_value, depth)
            }
            (Type::Object(_), Type::Map(key, value)) => {
                self.fit(&Type::String, key, depth) && self.fit(&Type::Dyn, value, depth)
            }
            (a, b) => a == b,
        }
    }

    /// Whether the parameter may stand for `ty`, which it then does. Of two
    /// types that fit each other it stands for the more general one.
    fn stands_for(&mut self, number: u32, ty: &Type, depth: u32) -> bool {
        if matches!(ty, Type::Param(same) if *same == number) {
            return true;
        }
        let Some(known) = self.bound_to(number).cloned() else {
            let free = !self.mentions(ty, number, MAX_NESTING);
            if free {
                self.bind(number, ty.clone());
            }
            return free;
        };
        if known == *ty {
            return true;
        }
        if !self.fit(ty, &known, depth) {
            return false;
        }
        let general = if more_general(ty, &known, MAX_NESTING) {
            ty.clone()
        } else {
            known
        };
        if !self.mentions(&general, number, MAX_NESTING) {
            self.bind(number, general);
        }
        true
    }

    /// Whether `ty` is made of the parameter.
    fn mentions(&self, ty: &Type, number: u32, depth: u32) -> bool {
        let Some(depth) = depth.checked_sub(1) else {
            return true;
        };
        match ty {
            Type::Param(other) if *other == number => true,
            Type::Param(other) => self
                .bound_to(*other)
                .is_some_and(|found| self.mentions(found, number, depth)),
            Type::List(inner) | Type::Optional(inner) => self.mentions(inner, number, depth),
            Type::Map(key, value) => {
                self.mentions(key, number, depth) || self.mentions(value, number, depth)
            }
            _ => false,
        }
    }

    /// The type of what is either: `dyn` where they do not fit each other.
    pub fn join(&mut self, one: &Type, other: &Type) -> Type {
        if !self.fits(one, other) {
            return Type::Dyn;
        }
        let (one, other) = (self.resolve(one), self.resolve(other));
        if more_general(&one, &other, MAX_NESTING) {
            one
        } else {
            other
        }
    }

    /// Whether values of both types can be equal.
    pub fn comparable(&mut self, one: &Type, other: &Type) -> bool {
        if self.fits(one, other) || self.fits(other, one) {
            return true;
        }
        let (one, other) = (self.resolve(one), self.resolve(other));
        self.alike(&one, &other, MAX_NESTING)
    }

    fn alike(&mut self, one: &Type, other: &Type, depth: u32) -> bool {
        let Some(depth) = depth.checked_sub(1) else {
            return true;
        };
        match (one, other) {
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => {
                self.alike(a, b, depth)
            }
            (Type::Map(key, value), Type::Map(other_key, other_value)) => {
                self.alike(key, other_key, depth) && self.alike(value, other_value, depth)
            }
            (Type::Object(_), Type::Object(_)) => true,
            (a, b) => is_number(a) && is_number(b) || self.would_fit(a, b),
        }
    }
}

/// Whether it is `int`, `uint` or `double`.
pub(super) fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::Int | Type::Uint | Type::Double)
}

/// Whether `null` may stand for it.
fn nullable(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Null
            | Type::Object(_)
            | Type::Optional(_)
            | Type::Opaque(_)
            | Type::Timestamp
            | Type::Duration
    )
}

/// Whether `one` is as general as `other`, or more.
fn more_general(one: &Type, other: &Type, depth: u32) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return true;
    };
    match (one, other) {
        (Type::Dyn | Type::Param(_), _) => true,
        (_, Type::Dyn | Type::Param(_)) => false,
        (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => {
            more_general(a, b, depth)
        }
        (Type::Map(key, value), Type::Map(other_key, other_value)) => {
            more_general(key, other_key, depth) && more_general(value, other_value, depth)
        }
        (a, b) => a == b,
    }
}

/// How deep a type is nested, up to the bound.
fn nesting(ty: &Type, depth: u32) -> u32 {
    if depth == 0 {
        return 0;
    }
    1 + match ty {
        Type::List(inner) | Type::Optional(inner) => nesting(inner, depth - 1),
        Type::Map(key, value) => nesting(key, depth - 1).max(nesting(value, depth - 1)),
        _ => 0,
    }
}

/// `ty` as a part of a larger type: `dyn` if that would be nested too deep, so
/// that no type is deeper than recursion over it may go.
pub(super) fn part(ty: Type) -> Type {
    if nesting(&ty, MAX_NESTING) >= MAX_NESTING / 2 {
        Type::Dyn
    } else {
        ty
    }
}
