//! Calls of functions, from the table of overloads itself.
//!
//! Promises that each overload can be written.

use carry::lang::Type;
use carry::lang::function::{Function, Sig, overloads};

/// How many overloads there are.
pub fn count() -> usize {
    overloads().len()
}

/// How many arguments one takes.
pub fn arity(row: usize) -> usize {
    overloads()[row].params.len()
}

/// What computes it.
pub fn function(row: usize) -> Function {
    overloads()[row].function
}

/// Those whose result is of the type.
pub fn yielding(ty: &Type) -> Vec<usize> {
    let rows = overloads().iter().enumerate();
    let fitting = rows.filter(|(_, row)| unify(row.result, ty, &mut [None, None]));
    fitting.map(|(at, _)| at).collect()
}

/// The types of its arguments where the result is of type `ty`, and what
/// remains open is of the types `open`.
pub fn params(row: usize, ty: Option<&Type>, open: [Type; 2]) -> Vec<Type> {
    let row = &overloads()[row];
    let mut bound = [None, None];
    if let Some(ty) = ty {
        unify(row.result, ty, &mut bound);
    }
    let [first, second] = bound;
    let [one, two] = open;
    let all = [first.unwrap_or(one), second.unwrap_or(two)];
    row.params.iter().map(|sig| concrete(*sig, &all)).collect()
}

fn unify(sig: Sig, ty: &Type, bound: &mut [Option<Type>; 2]) -> bool {
    match (sig, ty) {
        (Sig::Param(number), ty) => match &mut bound[number as usize] {
            Some(own) => own == ty,
            free => {
                *free = Some(ty.clone());
                true
            }
        },
        (Sig::List(own), Type::List(ty)) | (Sig::Optional(own), Type::Optional(ty)) => {
            unify(*own, ty, bound)
        }
        (Sig::Map(key, value), Type::Map(own_key, own_value)) => {
            unify(*key, own_key, bound) && unify(*value, own_value, bound)
        }
        (Sig::List(_) | Sig::Map(..) | Sig::Optional(_), _) => false,
        (sig, ty) => sig.instantiate(0) == *ty,
    }
}

fn concrete(sig: Sig, bound: &[Type; 2]) -> Type {
    match sig {
        Sig::Param(number) => bound[number as usize].clone(),
        Sig::List(own) => Type::list(concrete(*own, bound)),
        Sig::Optional(own) => Type::optional(concrete(*own, bound)),
        Sig::Map(key, value) => Type::map(concrete(*key, bound), concrete(*value, bound)),
        sig => sig.instantiate(0),
    }
}

/// The call as text that needs no brackets.
pub fn written(row: usize, args: &[String]) -> String {
    let row = &overloads()[row];
    let name = row.name;
    match (name, args) {
        ("_[_]", [of, key]) => format!("{of}[{key}]"),
        ("_[?_]", [of, key]) => format!("{of}[?{key}]"),
        ("@in", [item, all]) => format!("({item} in {all})"),
        ("-_", [of]) => format!("(-{of})"),
        (_, [a, b]) if name.starts_with('_') => {
            format!("({a} {} {b})", name.trim_matches('_'))
        }
        (_, [target, args @ ..]) if row.member => format!("{target}.{name}({})", args.join(", ")),
        (_, args) => format!("{name}({})", args.join(", ")),
    }
}
