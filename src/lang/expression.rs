//! One expression, compiled against a scheme of the embedder's.
//!
//! Promises that what it reads is known beforehand, as variables and paths.
//! Deliberately does not run it: see `vm::evaluate`.

use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::{Path, Step};

use super::check::{self, Checked, Options};
use super::codegen::CompileError;
use super::codes;
use super::container;
use super::fold::{fold_expression, folded_condition};
use super::hir::{Expr, Predicate, Slot};
use super::program::Program;
use super::scheme::{Fields, Scheme};
use super::ty::Type;
use super::value::Value;
use super::{compile, compile_expression, parse};

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Expression {
    hir: Expr,
    program: Program,
    fields: Fields,
    warnings: Vec<Diagnostic>,
}

/// What an expression is evaluated over: the embedder's own type.
pub trait Source {
    /// The value of a variable of the scheme.
    fn variable(&self, name: &str) -> Value<'_>;

    /// The field at `path` of the variable `name`. To be implemented where
    /// there is a shorter way than through the variable's value.
    fn field(&self, name: &str, path: &Path) -> Value<'_> {
        container::at(self.variable(name), path)
    }
}

/// A JSON object's members are variables.
impl Source for serde_json::Value {
    fn variable(&self, name: &str) -> Value<'_> {
        self.get(name).map_or(Value::Absent, Value::from)
    }
}

impl Expression {
    /// Compiles `text`, folded.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, as offsets in `text`.
    ///
    /// ```
    /// use carry::lang::scheme::Variables;
    /// use carry::lang::{Expression, Type, Value};
    /// use carry::vm;
    ///
    /// let scheme = Variables::new([("user", Type::Dyn), ("limit", Type::Int)]);
    /// let rule = Expression::compile("user.age > limit && 'admin' in user.roles", &scheme).unwrap();
    ///
    /// let source = serde_json::json!({"user": {"age": 40, "roles": ["admin"]}, "limit": 18});
    /// let value = vm::evaluate(rule.program(), &rule.read(&source)[..]);
    /// assert!(matches!(value, Ok(Value::Bool(true))));
    /// ```
    pub fn compile(text: &str, scheme: &dyn Scheme) -> Result<Expression, Vec<Diagnostic>> {
        Expression::compile_with(text, scheme, &Options::default(), true)
    }

    /// Compiles `text`; `fold` computes beforehand what is constant.
    ///
    /// # Errors
    ///
    /// As [`Expression::compile`].
    pub fn compile_with(
        text: &str,
        scheme: &dyn Scheme,
        options: &Options,
        fold: bool,
    ) -> Result<Expression, Vec<Diagnostic>> {
        let ast = parse::parse(text).map_err(|error| vec![error])?;
        let mut fields = Fields::default();
        let checked = check::expression(&ast, scheme, &mut fields, options);
        let Checked {
            value: Some(hir),
            diagnostics: warnings,
            ..
        } = checked
        else {
            return Err(checked.diagnostics);
        };
        let slots = slots(&fields);
        let hir = if fold {
            fold_expression(&hir, &slots)
        } else {
            hir
        };
        let program = program(&hir, &slots, fold).map_err(|error| vec![refused(&error)])?;
        Ok(Expression {
            hir,
            program,
            fields,
            warnings,
        })
    }

    /// What it means.
    pub fn hir(&self) -> &Expr {
        &self.hir
    }

    /// Its type, as far as it is known before it is evaluated.
    pub fn ty(&self) -> &Type {
        &self.hir.ty
    }

    /// What runs.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// What it reads: variables and the paths from them, by slot.
    pub fn fields(&self) -> &[(Box<str>, Path)] {
        self.fields.fields()
    }

    /// What its author may not have meant.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The values of its slots.
    pub fn read<'s>(&self, source: &'s (impl Source + ?Sized)) -> Vec<Value<'s>> {
        let fields = self.fields().iter();
        fields
            .map(|(variable, path)| source.field(variable, path))
            .collect()
    }
}

/// A folded condition becomes the program of a predicate, where there are tests
/// for it: those compare without computing a value first.
fn program(hir: &Expr, slots: &[Slot], folded: bool) -> Result<Program, CompileError> {
    let is_condition = folded && hir.ty == Type::Bool;
    match is_condition.then(|| folded_condition(hir)).flatten() {
        Some(root) => compile(&Predicate {
            root,
            slots: slots.to_vec(),
        }),
        None => compile_expression(hir, slots),
    }
}

/// The slots for what an expression reads.
fn slots(fields: &Fields) -> Vec<Slot> {
    let named = fields.fields().iter().map(|(variable, path)| Slot {
        name: field_name(variable, path),
        may_fault: true,
    });
    named.collect()
}

/// What lies at `path` of a variable, as an expression names it.
pub fn field_name(variable: &str, path: &Path) -> String {
    match path.steps().first() {
        None => variable.to_owned(),
        Some(Step::Field(_)) => format!("{variable}.{path}"),
        Some(_) => format!("{variable}{path}"),
    }
}

fn refused(error: &CompileError) -> Diagnostic {
    codes::TOO_LARGE
        .at(
            Span::default(),
            format!("the expression cannot be compiled: {error}"),
        )
        .help("make it shorter")
}
