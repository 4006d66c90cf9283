//! What is said of operators and functions that do not take what they are
//! given.
//!
//! Promises that the argument that does not fit is named, with its type and
//! the types that would fit. Deliberately resolves nothing: that no overload
//! fits is known here.

use crate::diagnostic::Diagnostic;
use crate::lang::ast::{BinaryOp, Expr, ExprKind};
use crate::lang::codes;
use crate::lang::function::{self, Overload, Sig};
use crate::lang::ty::Type;

use super::calls::Call;
use super::checker::Checker;
use super::fixes::{Operand, empty, opaque_function};
use super::habits;
use super::macro_table;
use super::suggest::either;

/// How many overloads a message lists.
const MAX_OVERLOADS: usize = 4;

impl<'a> Checker<'a> {
    /// `-operand` of what is no number.
    pub fn bad_negation(&self, from: &Expr, operand: &Expr, ty: &Type) -> Diagnostic {
        let ty = self.types.resolve(ty);
        let message = format!("`-` does not take `{}`", self.show(&ty));
        let found = codes::OPERANDS_DIFFER.at(from.span, message);
        let text = self.text(operand);
        match ty {
            Type::Uint => found.help(format!("a `uint` has no sign; write `-int({text})`")),
            Type::Bool => found.help(format!("to negate a condition write `!{text}`")),
            _ => found,
        }
    }

    /// An operator between operands that it does not take.
    pub fn bad_operands(&self, from: &Expr, one: Type, other: Type) -> Diagnostic {
        let ExprKind::Binary {
            op,
            op_span,
            left,
            right,
        } = &from.kind
        else {
            return codes::OPERANDS_DIFFER.at(from.span, "these operands do not fit");
        };
        let (one, other) = (self.types.resolve(&one), self.types.resolve(&other));
        let (a, b) = (self.show(&one), self.show(&other));
        let message = match op {
            BinaryOp::Equal | BinaryOp::NotEqual => {
                format!(
                    "`{}` compares `{a}` with `{b}`, which are never equal",
                    op.text()
                )
            }
            BinaryOp::In => format!("`in` does not look for `{a}` in `{b}`"),
            op => format!("`{}` does not take `{a}` and `{b}`", op.text()),
        };
        let found = codes::OPERANDS_DIFFER
            .at(op_span.0, message)
            .also(left.span, format!("`{a}`"))
            .also(right.span, format!("`{b}`"));
        let one = Operand {
            from: left,
            ty: one,
        };
        let other = Operand {
            from: right,
            ty: other,
        };
        match self.fix(*op, &one, &other) {
            Some(help) => found.help(help),
            None => found,
        }
    }

    /// `c ? a : b` with values that have no type in common.
    pub fn different_branches(&self, from: &Expr, one: &Type, other: &Type) -> Diagnostic {
        let ExprKind::Conditional { yes, no, .. } = &from.kind else {
            return codes::OPERANDS_DIFFER.at(from.span, "the two values do not fit each other");
        };
        let (a, b) = (self.show(one), self.show(other));
        let message = format!("the two values after `?` are of different types: `{a}` and `{b}`");
        let (one, other) = (self.types.resolve(one), self.types.resolve(other));
        let help = match (&one, &other) {
            (Type::Null, _) => format!("make it `dyn`: `dyn({})`", self.text(yes)),
            (_, Type::Null) => format!("make it `dyn`: `dyn({})`", self.text(no)),
            (Type::String, _) => format!("convert one: `string({})`", self.text(no)),
            (_, Type::String) => format!("convert one: `string({})`", self.text(yes)),
            _ => format!("convert one, or make it `dyn`: `dyn({})`", self.text(yes)),
        };
        codes::OPERANDS_DIFFER
            .at(yes.span.to(no.span), message)
            .also(yes.span, format!("`{a}`"))
            .also(no.span, format!("`{b}`"))
            .help(help)
    }

    /// A function that exists, but not for these arguments.
    pub fn no_overload(&mut self, name: &str, call: Call<'a>, types: &[Type]) -> Diagnostic {
        let member = call.target.is_some();
        let types: Vec<_> = types.iter().map(|ty| self.types.resolve(ty)).collect();
        let rows: Vec<_> = function::named(name, member).collect();
        if member
            && let Some(target) = types.first()
            && !self.any_fits(&rows, 0, target)
        {
            return self.bad_target(name, call, &rows, target);
        }
        let rows: Vec<_> = rows
            .into_iter()
            .filter(|row| row.params.len() == types.len())
            .collect();
        if rows.is_empty() {
            return self.bad_count(name, call, member);
        }
        self.bad_argument(name, call, rows, &types)
    }

    fn any_fits(&mut self, rows: &[&Overload], at: usize, ty: &Type) -> bool {
        rows.iter().any(|row| self.param_fits(row, at, ty))
    }

    fn param_fits(&mut self, row: &Overload, at: usize, ty: &Type) -> bool {
        let base = self.types.fresh_many(4);
        row.params
            .get(at)
            .is_some_and(|sig| self.types.would_fit(ty, &sig.instantiate(base)))
    }

    fn bad_target(&self, name: &str, call: Call<'a>, rows: &[&Overload], ty: &Type) -> Diagnostic {
        let target = call.target.unwrap_or(call.from);
        let of = either(&distinct(rows.iter().filter_map(|row| row.params.first())));
        let message = format!("`{name}` is a function of {of}, not of `{}`", self.show(ty));
        let found = codes::WRONG_ARGUMENTS.at(target.span, message);
        match self.bring_to(target, ty, rows, name) {
            Some(help) => found.help(help),
            None => found,
        }
    }

    /// How the value that a member is called on is made to fit.
    fn bring_to(&self, target: &Expr, ty: &Type, rows: &[&Overload], name: &str) -> Option<String> {
        let text = self.quote(target);
        let first = rows.first()?.params.first()?;
        Some(match (ty, first) {
            (Type::Optional(held), _) => {
                let default = empty(held).or_else(|| empty(&first.instantiate(0)));
                let default = default.unwrap_or("…");
                format!(
                    "say what it is where there is no value: `{text}.orValue({default}).{name}(…)`"
                )
            }
            (_, Sig::Optional(_)) => self.make_optional(target),
            (Type::List(_), Sig::String) if name == "contains" => {
                format!("ask whether it is in the list: `… in {text}`")
            }
            (Type::List(_), Sig::String) => {
                format!("ask about its elements: `{text}.exists(x, x.{name}(…))`")
            }
            (Type::Int | Type::Uint | Type::Double | Type::Bool, Sig::String) => {
                format!("convert it: `string({text}).{name}(…)`")
            }
            (Type::String, Sig::Timestamp) => format!("convert it: `timestamp({text}).{name}(…)`"),
            (Type::String, Sig::Duration) => format!("convert it: `duration({text}).{name}(…)`"),
            (Type::String, Sig::Opaque(opaque)) => {
                let opaque = opaque.name().rsplit('.').next()?.to_lowercase();
                format!("convert it: `{opaque}({text}).{name}(…)`")
            }
            _ => return None,
        })
    }

    fn bad_count(&self, name: &str, call: Call<'a>, member: bool) -> Diagnostic {
        let own = usize::from(member);
        let mut counts: Vec<_> = function::named(name, member)
            .map(|row| row.params.len().saturating_sub(own))
            .collect();
        counts.sort_unstable();
        counts.dedup();
        let given = call.args.len();
        let message = format!("`{name}` takes {}, not {given}", arguments(&counts));
        let rows: Vec<_> = function::named(name, member).collect();
        codes::WRONG_ARGUMENTS
            .at(call.function.span, message)
            .help(signatures(&rows))
    }

    fn bad_argument(
        &mut self,
        name: &str,
        call: Call<'a>,
        mut rows: Vec<&'static Overload>,
        types: &[Type],
    ) -> Diagnostic {
        let own = usize::from(call.target.is_some());
        let all = rows.clone();
        for (at, ty) in types.iter().enumerate() {
            let fitting: Vec<_> = rows
                .iter()
                .copied()
                .filter(|row| self.param_fits(row, at, ty))
                .collect();
            if !fitting.is_empty() {
                rows = fitting;
                continue;
            }
            let argument = at.checked_sub(own).and_then(|at| call.args.get(at));
            let span = argument.map_or(call.from.span, |argument| argument.span);
            let wanted = either(&distinct(rows.iter().filter_map(|row| row.params.get(at))));
            let message = format!("`{name}` takes {wanted} here, not `{}`", self.show(ty));
            let found = codes::WRONG_ARGUMENTS.at(span, message);
            // A number is no text, but nobody asks for the size of its digits.
            let argument = argument.filter(|_| name != "size");
            let fix = argument.and_then(|argument| self.bring(argument, ty, &rows, at));
            return found.help(fix.unwrap_or_else(|| signatures(&all)));
        }
        let given: Vec<_> = types
            .iter()
            .map(|ty| format!("`{}`", self.show(ty)))
            .collect();
        let message = format!("`{name}` does not take {} together", given.join(" and "));
        codes::WRONG_ARGUMENTS
            .at(call.from.span, message)
            .help(signatures(&all))
    }

    /// How an argument is made to fit.
    fn bring(&self, argument: &Expr, ty: &Type, rows: &[&Overload], at: usize) -> Option<String> {
        let text = self.text(argument);
        let wanted = *rows.first()?.params.get(at)?;
        Some(match (ty, wanted) {
            (Type::Optional(held), _) => {
                let quoted = self.quote(argument);
                let default = empty(held).or_else(|| empty(&wanted.instantiate(0)));
                let default = default.unwrap_or("…");
                format!("say what it is where there is no value: `{quoted}.orValue({default})`")
            }
            (Type::Int | Type::Uint | Type::Double | Type::Bool, Sig::String) => {
                format!("convert it: `string({text})`")
            }
            (Type::String, Sig::Opaque(opaque)) => {
                format!("convert it: `{}({text})`", opaque_function(opaque.name()))
            }
            (Type::String, Sig::Timestamp) => format!("convert it: `timestamp({text})`"),
            (Type::String, Sig::Duration) => format!("convert it: `duration({text})`"),
            (Type::Uint | Type::Double, Sig::Int) => format!("convert it: `int({text})`"),
            (Type::Int | Type::Uint, Sig::Double) => format!("convert it: `double({text})`"),
            _ => return None,
        })
    }

    /// A function that does not exist.
    pub fn unknown_function(&self, name: &str, call: Call<'a>) -> Diagnostic {
        let message = format!("unknown function `{name}`");
        let found = codes::UNKNOWN_FUNCTION.at(call.function.span, message);
        if let Some((message, help)) = self.other_form(name, call) {
            return codes::UNKNOWN_FUNCTION
                .at(call.function.span, message)
                .help(help);
        }
        if let Some(help) = habits::function(name) {
            return found.help(help);
        }
        let qualified = format!(".{name}");
        let mut elsewhere = function::names().filter(|own| own.ends_with(&qualified));
        if let Some(qualified) = elsewhere.next() {
            return found.label(format!("did you mean `{qualified}`?"));
        }
        let members = macro_table::MEMBERS.iter().map(|(name, _)| *name);
        let all = members.chain(["has", "cel.bind"]);
        let all = all.filter(|_| self.options.macros);
        match self.nearest(name, function::names().chain(all)) {
            Some(near) => found.label(format!("did you mean `{near}`?")),
            None => found,
        }
    }

    /// A member that is called as a function, or the reverse.
    fn other_form(&self, name: &str, call: Call<'a>) -> Option<(String, String)> {
        let args: Vec<_> = call.args.iter().map(|arg| self.text(arg)).collect();
        if let Some(target) = call.target {
            let exists = function::named(name, false).next().is_some();
            let message = format!("`{name}` is not called on a value");
            if name == "has" {
                let field = args.first().map_or("field", String::as_str);
                let help = format!("write `has({}.{field})`", self.quote(target));
                return Some((message, help));
            }
            return exists.then(|| {
                let all = [vec![self.text(target)], args].concat().join(", ");
                (message, format!("write `{name}({all})`"))
            });
        }
        let exists = function::named(name, true).next().is_some();
        if !exists && macro_table::named(name, true).is_none() {
            return None;
        }
        let help = match (call.args, args.as_slice()) {
            ([first, ..], [_, rest @ ..]) => {
                format!("write `{}.{name}({})`", self.quote(first), rest.join(", "))
            }
            _ => format!("write `x.{name}(…)`"),
        };
        Some((format!("`{name}` is called on a value"), help))
    }
}

/// The types that stand for parameters, once each.
fn distinct<'s>(sigs: impl Iterator<Item = &'s Sig>) -> Vec<String> {
    let mut names = Vec::new();
    for sig in sigs {
        let name = shown(sig);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// A parameter's type; one of any element without that.
fn shown(sig: &Sig) -> String {
    match sig.instantiate(0).to_string().as_str() {
        "list(dyn)" => "list".into(),
        "map(dyn, dyn)" => "map".into(),
        "optional(dyn)" => "optional".into(),
        other => other.into(),
    }
}

fn arguments(counts: &[usize]) -> String {
    let numbers: Vec<_> = counts.iter().map(usize::to_string).collect();
    match numbers.as_slice() {
        [] => "no arguments".into(),
        [one] if one == "0" => "no arguments".into(),
        [one] if one == "1" => "1 argument".into(),
        [one] => format!("{one} arguments"),
        [first, .., last] if numbers.len() > 3 => format!("{first} to {last} arguments"),
        [before @ .., last] => format!("{} or {last} arguments", before.join(", ")),
    }
}

/// The overloads as they are written: `` it is `string.contains(string)` ``.
fn signatures(rows: &[&Overload]) -> String {
    let shown: Vec<_> = rows
        .iter()
        .take(MAX_OVERLOADS)
        .map(|row| signature(row))
        .collect();
    let more = if rows.len() > MAX_OVERLOADS {
        ", …"
    } else {
        ""
    };
    format!("it is {}{more}", either(&shown))
}

fn signature(row: &Overload) -> String {
    let types: Vec<_> = row.params.iter().map(shown).collect();
    match (row.member, types.as_slice()) {
        (true, [target, rest @ ..]) => format!("{target}.{}({})", row.name, rest.join(", ")),
        _ => format!("{}({})", row.name, types.join(", ")),
    }
}
