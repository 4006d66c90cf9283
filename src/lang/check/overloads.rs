//! Which overload of a function takes arguments of given types.
//!
//! Promises the first overload that fits to decide on unknown types, as the
//! specification's checker does. Deliberately says nothing about calls that
//! fit none (see `mismatch`).

use crate::lang::function::{self, Function, Overload, Sig};
use crate::lang::ty::Type;

use super::checker::Checker;

impl Checker<'_> {
    /// The function of this name for such arguments, and the type of its
    /// result; `dyn` where several fit that do not agree.
    pub fn overload(
        &mut self,
        name: &str,
        member: bool,
        args: &[Type],
    ) -> Option<(Function, Type)> {
        let args: Vec<_> = args.iter().map(|ty| self.types.resolve(ty)).collect();
        let known = args.iter().all(is_known);
        let mut found: Option<(Function, Type)> = None;
        for row in function::named(name, member) {
            let Some(result) = self.try_row(row, &args) else {
                continue;
            };
            match &found {
                None => found = Some((row.function, result)),
                Some((_, first)) if *first == result => continue,
                Some((function, _)) => return Some((*function, Type::Dyn)),
            }
            if known {
                break;
            }
        }
        found
    }

    fn try_row(&mut self, row: &Overload, args: &[Type]) -> Option<Type> {
        if row.params.len() != args.len() {
            return None;
        }
        let base = self.types.fresh_many(params(row));
        let wanted: Vec<_> = row.params.iter().map(|sig| sig.instantiate(base)).collect();
        let fits = self.types.all_fit(args, &wanted);
        fits.then(|| self.types.resolve(&row.result.instantiate(base)))
    }

    /// The function of this name, whatever it takes.
    pub fn any_overload(name: &str, member: bool, args: usize) -> Option<Function> {
        let with_args = function::named(name, member).find(|row| row.params.len() == args);
        let found = with_args.or_else(|| function::named(name, member).next());
        found.map(|row| row.function)
    }
}

/// Whether a type can be told before evaluation, as far as overloads go.
fn is_known(ty: &Type) -> bool {
    match ty {
        Type::Dyn | Type::Param(_) => false,
        Type::List(inner) | Type::Optional(inner) => is_known(inner),
        Type::Map(key, value) => is_known(key) && is_known(value),
        _ => true,
    }
}

/// How many type parameters a row has.
fn params(row: &Overload) -> u32 {
    let all = row.params.iter().chain([&row.result]);
    all.map(params_of).max().unwrap_or(0)
}

fn params_of(sig: &Sig) -> u32 {
    match sig {
        Sig::Param(number) => number + 1,
        Sig::List(inner) | Sig::Optional(inner) => params_of(inner),
        Sig::Map(key, value) => params_of(key).max(params_of(value)),
        _ => 0,
    }
}
