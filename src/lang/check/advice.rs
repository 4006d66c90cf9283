//! What is said of names, fields, indexes and macros that are wrong.
//!
//! Promises for each the name that was probably meant, or what to write.
//! Deliberately decides nothing: that it is wrong is known here.

use crate::diagnostic::{Diagnostic, Span};
use crate::lang::ast::{Expr, ExprKind, Field, Literal};
use crate::lang::codes;
use crate::lang::function;
use crate::lang::hir;
use crate::lang::scheme::UnknownField;
use crate::lang::ty::Type;

use super::calls::{Call, is_namespace};
use super::checker::Checker;
use super::fixes::empty;
use super::habits;
use super::macro_table;
use super::names::dotted;
use super::refused;
use super::suggest::either;

impl<'a> Checker<'a> {
    /// Reports a name that means nothing.
    pub fn unknown_name(&mut self, at: &'a Expr, steps: &[&'a Expr]) {
        self.object_to(|checker| {
            let names = steps
                .iter()
                .rev()
                .find_map(|step| Some((*step, dotted(step)?.0)));
            let special = names.and_then(|(step, name)| checker.no_variable_but(&name, step.span));
            special.unwrap_or_else(|| checker.unknown_variable(at))
        });
    }

    /// What is said of a name with dots that is known, though not as a
    /// variable.
    fn no_variable_but(&self, name: &str, span: Span) -> Option<Diagnostic> {
        if let Some(help) = refused::constant(name) {
            let message = format!("`{name}` is not available");
            return Some(codes::NOT_AVAILABLE.at(span, message).help(help));
        }
        if function::exists(name) {
            let message = format!("`{name}` is a function, not a value");
            let help = format!("call it: `{name}(…)`");
            return Some(codes::UNKNOWN_NAME.at(span, message).help(help));
        }
        let (_, last) = name.rsplit_once('.')?;
        if refused::is_enum_like(name) {
            let message = format!("unknown name `{name}`");
            let help = format!("there are no enums here: compare with the text, `\"{last}\"`");
            return Some(codes::NOT_AVAILABLE.at(span, message).help(help));
        }
        None
    }

    fn unknown_variable(&self, at: &'a Expr) -> Diagnostic {
        let ExprKind::Ident { name, .. } = &at.kind else {
            return codes::UNKNOWN_NAME.at(at.span, "unknown variable");
        };
        let found = codes::UNKNOWN_NAME.at(at.span, format!("unknown variable `{name}`"));
        let instead = habits::variable(name).map(str::to_owned);
        if let Some(help) = instead.or_else(|| self.scheme.instead_of(name)) {
            return found.help(help);
        }
        if let Some(found) = self.name_of_function(name, at.span) {
            return found;
        }
        let variables = self.scheme.variables();
        let locals = self.scope.iter().map(|local| local.name);
        let names = variables.iter().map(String::as_str).chain(locals);
        let nearest = self.nearest(name, names);
        let found = match nearest {
            Some(near) => found.label(format!("did you mean `{near}`?")),
            None => found,
        };
        match (nearest, variables.as_slice()) {
            (Some(_), _) => found,
            (None, []) => found.help("there are no variables here; a text stands in quotes"),
            (None, _) => {
                let mut variables = variables;
                variables.sort();
                let known = either(&variables);
                found.help(format!("variables are {known}; a text stands in quotes"))
            }
        }
    }

    fn name_of_function(&self, name: &str, span: Span) -> Option<Diagnostic> {
        let (message, help) = if function::named(name, false).next().is_some() || name == "has" {
            let message = format!("`{name}` is a function, not a variable");
            (message, format!("call it: `{name}(…)`"))
        } else if function::named(name, true).next().is_some()
            || macro_table::named(name, true).is_some()
        {
            let message = format!("`{name}` is a function, not a variable");
            (message, format!("call it on a value: `x.{name}(…)`"))
        } else if is_namespace(name) {
            let mut functions: Vec<_> = function::names()
                .filter(|own| own.starts_with(&format!("{name}.")))
                .collect();
            functions.sort_unstable();
            let message = format!("`{name}` is not a variable: names of functions begin with it");
            let example = functions.first().copied().unwrap_or("cel.bind");
            (message, format!("call one, for example `{example}(…)`"))
        } else {
            return None;
        };
        Some(codes::UNKNOWN_NAME.at(span, message).help(help))
    }

    /// An object has no such field.
    pub fn unknown_field(
        &self,
        object: u32,
        name: &str,
        span: Span,
        unknown: &UnknownField,
    ) -> Diagnostic {
        let of = self.scheme.describe(object);
        let found = codes::UNKNOWN_FIELD.at(span, format!("unknown field `{name}` of {of}"));
        match &unknown.suggestion {
            _ if function::named(name, true).next().is_some() => {
                found.help(format!("`{name}` is a function: call it, `x.{name}(…)`"))
            }
            Some(near) => found.label(format!("did you mean `{near}`?")),
            None => found,
        }
    }

    /// A value of this type has no fields.
    pub fn no_fields(&self, ty: &Type, field: &Field, operand: &Expr) -> Diagnostic {
        let (name, text) = (&field.name, self.quote(operand));
        let message = format!("`{}` has no field `{name}`", self.show(ty));
        let found = codes::NO_SUCH_PART.at(field.span, message);
        match ty {
            _ if function::named(name, true).next().is_some() => {
                found.help(format!("`{name}` is a function: write `{text}.{name}(…)`"))
            }
            Type::List(_) | Type::String if habits::is_size(name) => {
                found.help(format!("ask for its size: `size({text})`"))
            }
            Type::Null => found.help(format!("`{text}` is always null here")),
            Type::List(_) => found.help(format!(
                "ask about its elements, for example `{text}.exists(x, x.{name} == …)`, or take \
                 one: `{text}[0].{name}`"
            )),
            Type::String => found.help(
                "a text has no fields; of a time or a quantity make one first, with `timestamp(…)` or \
                 `quantity(…)`",
            ),
            Type::Timestamp => found.help(format!(
                "parts of a time are functions: `{text}.getFullYear()`"
            )),
            _ => found,
        }
    }

    /// `data.tls.crt`, where `tls.crt` is one key.
    pub fn dotted_key(&self, ty: &Type, field: &Field, operand: &Expr) -> Option<String> {
        let ExprKind::Select {
            operand: map,
            field: first,
            optional,
        } = &operand.kind
        else {
            return None;
        };
        let (map, mark) = (self.quote(map), if *optional { "?" } else { "" });
        (*ty == Type::String).then(|| {
            format!(
                "a key with dots stands in brackets: `{map}[{mark}\"{}.{}\"]`",
                first.name, field.name
            )
        })
    }

    /// `.name` on a map whose keys are no texts.
    pub fn keys_are_no_strings(&self, key: &Type, field: &Field, operand: &Expr) -> Diagnostic {
        let key = self.show(key);
        let message = format!(
            "the keys of this map are `{key}`, but `.{}` is a text",
            field.name
        );
        let text = self.quote(operand);
        codes::NO_SUCH_PART
            .at(field.span, message)
            .help(format!("look a key up: `{text}[…]`"))
    }

    /// An index or key of the wrong type.
    pub fn bad_index(
        &self,
        of: &Type,
        wanted: &Type,
        key: &Type,
        index: &Expr,
        operand: &Expr,
    ) -> Diagnostic {
        let (text, shown) = (self.quote(operand), self.show(key));
        let wanted = self.show(wanted);
        let message = match of {
            Type::List(_) => format!("a list is indexed by `{wanted}`, not by `{shown}`"),
            _ => format!("the keys here are `{wanted}`, not `{shown}`"),
        };
        let found = codes::NO_SUCH_PART.at(index.span, message);
        let index = self.text(index);
        match (of, key) {
            (Type::List(_), Type::Uint | Type::Double) => {
                found.help(format!("convert it: `{text}[int({index})]`"))
            }
            (Type::List(element), Type::String) if matches!(**element, Type::Object(_)) => found
                .help(format!(
                    "find an element by its field: `{text}.exists(x, x.name == {index})`"
                )),
            (Type::List(_), Type::String) => found.help(format!(
                "ask whether it is in the list: `{index} in {text}`"
            )),
            _ => found,
        }
    }

    /// A value of this type has no elements.
    pub fn no_elements(&self, ty: &Type, operand: &Expr) -> Diagnostic {
        let message = format!(
            "`{}` cannot be indexed: only lists and maps can",
            self.show(ty)
        );
        let found = codes::NO_SUCH_PART.at(operand.span, message);
        match ty {
            Type::String => {
                let text = self.quote(operand);
                found.help(format!("take a part of a text: `{text}.substring(0, 1)`"))
            }
            _ => found,
        }
    }

    /// `has` of what is no selection.
    pub fn no_selection(&self, tested: &Expr) -> Diagnostic {
        let message = "`has` asks for a field: it takes a selection such as `object.spec`";
        let found = codes::BAD_MACRO.at(tested.span, message);
        match &tested.kind {
            ExprKind::Index { operand, index, .. }
                if matches!(index.kind, ExprKind::Literal(Literal::String(_))) =>
            {
                let (key, map) = (self.quote(index), self.quote(operand));
                found.help(format!("ask whether the key is there: `{key} in {map}`"))
            }
            ExprKind::Index { operand, .. } => {
                let list = self.quote(operand);
                found.help(format!("ask how long the list is: `size({list}) > …`"))
            }
            ExprKind::Literal(Literal::String(path)) => {
                found.help(format!("write it without quotes: `has({path})`"))
            }
            ExprKind::Select { .. } => {
                let text = self.text(tested);
                found.help(format!("ask the optional: `{text}.hasValue()`"))
            }
            ExprKind::Ident { name, .. } => found.help(format!(
                "a variable is always there; ask for one of its fields: `has({name}.field)`"
            )),
            _ => found,
        }
    }

    /// The variable of a macro is no plain name.
    pub fn no_variable(&self, name: &Expr) -> Diagnostic {
        if let ExprKind::Ident {
            name: text,
            rooted: false,
        } = &name.kind
        {
            let message = format!("`{text}` is reserved and cannot name a variable");
            return codes::BAD_MACRO
                .at(name.span, message)
                .help("choose another name");
        }
        let message = "here the macro names its variable: a plain name such as `x`";
        codes::BAD_MACRO.at(name.span, message)
    }

    /// Both variables of a macro have one name.
    pub fn same_variable(&self, first: &Expr, second: &Expr) -> Diagnostic {
        let message = format!("both variables are named `{}`", self.text(second));
        codes::BAD_MACRO
            .at(second.span, message)
            .also(first.span, "first named here")
            .help("give each a name of its own, for example `key` and `value`")
    }

    /// A macro over what has no elements.
    pub fn no_loop_over(&self, call: Call<'_>, ty: &Type) -> Diagnostic {
        let target = call.target.unwrap_or(call.from);
        let name = &call.function.text;
        let message = format!(
            "`{name}` goes over a list or map, not over `{}`",
            self.show(ty)
        );
        let found = codes::BAD_MACRO.at(target.span, message);
        match ty {
            Type::Optional(inner)
                if matches!(**inner, Type::List(_) | Type::Map(..) | Type::Dyn) =>
            {
                let text = self.quote(target);
                let empty = empty(inner).unwrap_or("[]");
                found.help(format!(
                    "say what it is where there is no value: `{text}.orValue({empty}).{name}(…)`"
                ))
            }
            _ => found,
        }
    }

    /// `optMap` of what is no optional.
    pub fn no_optional(&self, call: Call<'_>, ty: &Type) -> Diagnostic {
        let target = call.target.unwrap_or(call.from);
        let message = format!(
            "`{}` is called on an optional, not on `{}`",
            call.function.text,
            self.show(ty)
        );
        codes::BAD_OPTIONAL
            .at(target.span, message)
            .help(self.make_optional(target))
    }

    /// How to make an optional of an expression.
    pub fn make_optional(&self, of: &Expr) -> String {
        match &of.kind {
            ExprKind::Select { operand, field, .. } if !field.quoted => {
                let (text, name) = (self.quote(operand), &field.name);
                format!("read it as an optional: `{text}.?{name}`")
            }
            _ => format!("make an optional of it: `optional.of({})`", self.text(of)),
        }
    }

    /// The body of `optFlatMap` is no optional.
    pub fn no_optional_body(&self, body: &Expr, ty: &Type) -> Diagnostic {
        let message = format!("`optFlatMap` makes an optional, not `{}`", self.show(ty));
        let text = self.text(body);
        codes::BAD_MACRO
            .at(body.span, message)
            .help(format!("use `optMap`, or write `optional.of({text})`"))
    }

    /// The body of `transformMapEntry` is no map.
    pub fn no_entries(&self, call: Call<'_>, ty: &Type) -> Diagnostic {
        let body = call.args.last().unwrap_or(call.from);
        let shown = self.show(ty);
        let message = format!("`transformMapEntry` makes entries, not `{shown}`");
        codes::BAD_MACRO
            .at(body.span, message)
            .help("write a map of one entry: `{key: value}`")
    }

    /// Reports a macro with a wrong number of arguments.
    pub fn wrong_count(&mut self, call: Call<'a>, wanted: &str) -> Box<hir::Expr> {
        self.source(call);
        self.object_to(|_| {
            let name = match call.function.text.as_str() {
                "bind" => "cel.bind",
                name => name,
            };
            let message = format!("`{name}` takes {wanted}, not {}", call.args.len());
            let found = codes::WRONG_ARGUMENTS.at(call.function.span, message);
            match usage(name) {
                Some(usage) => found.help(format!("write `{usage}`")),
                None => found,
            }
        });
        self.unknown(call.from.span)
    }
}

/// How a macro is written.
fn usage(name: &str) -> Option<&'static str> {
    Some(match name {
        "has" => "has(object.field)",
        "all" => "list.all(x, condition)",
        "exists" => "list.exists(x, condition)",
        "exists_one" => "list.exists_one(x, condition)",
        "existsOne" => "list.existsOne(x, condition)",
        "map" => "list.map(x, value)",
        "filter" => "list.filter(x, condition)",
        "transformList" => "list.transformList(index, x, value)",
        "transformMap" => "map.transformMap(key, value, new)",
        "transformMapEntry" => "map.transformMapEntry(key, value, {new_key: new_value})",
        "cel.bind" => "cel.bind(name, value, expression)",
        "optMap" => "optional.optMap(x, value)",
        "optFlatMap" => "optional.optFlatMap(x, optional)",
        _ => return None,
    })
}
