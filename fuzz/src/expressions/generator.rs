//! Expressions of a wanted type, as text.
//!
//! Promises text that parses and mostly passes the checker, and an end: depth
//! and the number of parts are bounded. Deliberately lets a share of parts
//! fault.

use carry::lang::{OpaqueType, Type};

use super::choices::Choices;
use super::{literals, rows};

/// The deepest expressions.
const DEPTH: usize = 5;

/// The most parts of one expression.
const PARTS: usize = 60;

/// Keys of maps, and fields.
pub const KEYS: [&str; 4] = ["a", "b", "app", "zz"];

/// Makes one expression.
pub struct Generator<'c> {
    choices: &'c mut dyn Choices,
    parts: usize,
    /// The variables of macros around.
    scope: Vec<(String, Type)>,
    /// How many variables there have been.
    named: usize,
    /// Whether there may be names that nobody has declared.
    pub loose: bool,
    /// The overloads that were called, by their places in the table.
    pub called: Vec<usize>,
}

impl<'c> Generator<'c> {
    /// A generator of what `choices` decide.
    pub fn new(choices: &'c mut dyn Choices) -> Generator<'c> {
        let loose = choices.below(16) == 15;
        Generator {
            choices,
            parts: PARTS,
            scope: Vec::new(),
            named: 0,
            loose,
            called: Vec::new(),
        }
    }

    /// An expression of any type.
    pub fn any(&mut self) -> String {
        match self.below(4) {
            0 => self.condition(),
            1 => {
                let ty = self.ty(2);
                self.expr(&ty, DEPTH)
            }
            _ => {
                let row = self.below(rows::count());
                self.call(row, None, DEPTH - 1)
            }
        }
    }

    /// A condition.
    pub fn condition(&mut self) -> String {
        self.expr(&Type::Bool, DEPTH)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.choices.below(bound)
    }

    pub(super) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A type of at most so many levels.
    pub(super) fn ty(&mut self, depth: usize) -> Type {
        if depth > 0 && self.below(3) == 2 {
            let inner = self.ty(depth - 1);
            return match self.below(3) {
                0 => Type::list(inner),
                1 => Type::optional(inner),
                _ => Type::map(self.key_ty(), inner),
            };
        }
        match self.below(13) {
            0 => Type::Bool,
            1 | 2 => Type::Int,
            3 => Type::Uint,
            4 => Type::Double,
            5 | 6 => Type::String,
            7 => Type::Bytes,
            8 => Type::Timestamp,
            9 => Type::Duration,
            10 => Type::Opaque(self.opaque_ty()),
            11 => Type::Type,
            _ => Type::Dyn,
        }
    }

    pub(super) fn key_ty(&mut self) -> Type {
        match self.below(6) {
            0 => Type::Int,
            1 => Type::Uint,
            2 => Type::Bool,
            _ => Type::String,
        }
    }

    fn opaque_ty(&mut self) -> OpaqueType {
        self.one_of(&[
            OpaqueType::Quantity,
            OpaqueType::Ip,
            OpaqueType::Cidr,
            OpaqueType::Url,
            OpaqueType::Semver,
            OpaqueType::Format,
        ])
    }

    /// An expression that needs no brackets.
    pub(super) fn expr(&mut self, ty: &Type, depth: usize) -> String {
        self.parts = self.parts.saturating_sub(1);
        if depth == 0 || self.parts == 0 {
            return self.leaf(ty);
        }
        let depth = depth - 1;
        if *ty == Type::Bool && self.below(2) > 0 {
            return self.composed(ty, depth);
        }
        match self.below(16) {
            0 | 1 => self.leaf(ty),
            2..=5 => self.yielding(ty, depth),
            6 => self.ternary(ty, depth),
            7..=9 => self.composed(ty, depth),
            10 => self.bind(ty, depth),
            11 => self.out_of_optional(ty, depth),
            12 => self.out_of_container(ty, depth),
            13 => self.out_of_dyn(ty, depth),
            14 if self.below(3) == 2 => self.faulting(ty),
            _ => self.composed(ty, depth),
        }
    }

    fn yielding(&mut self, ty: &Type, depth: usize) -> String {
        let mut found = rows::yielding(ty);
        let few = found.iter().copied().filter(|row| rows::arity(*row) <= 4);
        if self.below(8) > 0 {
            found = few.collect();
        }
        match found.is_empty() {
            true => self.leaf(ty),
            false => {
                let row = self.one_of(&found);
                self.call(row, Some(ty), depth)
            }
        }
    }

    /// A call of an overload.
    fn call(&mut self, row: usize, ty: Option<&Type>, depth: usize) -> String {
        self.called.push(row);
        let params = [self.ty(1), self.ty(1)];
        let types = rows::params(row, ty, params);
        let mut args = Vec::new();
        for (at, ty) in types.iter().enumerate() {
            args.push(self.argument(row, at, ty, depth));
        }
        rows::written(row, &args)
    }

    fn argument(&mut self, row: usize, at: usize, ty: &Type, depth: usize) -> String {
        let plain = matches!(ty, Type::String | Type::Int);
        match literals::suited(rows::function(row), at) {
            Some(texts) if plain && self.below(4) > 0 => {
                let text = self.one_of(texts);
                match ty {
                    Type::Int if text.starts_with('\'') => self.expr(ty, depth),
                    _ => text.to_owned(),
                }
            }
            _ => self.expr(ty, depth),
        }
    }

    fn ternary(&mut self, ty: &Type, depth: usize) -> String {
        let condition = self.expr(&Type::Bool, depth);
        let (yes, no) = (self.expr(ty, depth), self.expr(ty, depth));
        format!("({condition} ? {yes} : {no})")
    }

    fn bind(&mut self, ty: &Type, depth: usize) -> String {
        let bound = self.ty(1);
        let value = self.expr(&bound, depth);
        let (name, body) = self.with(bound, |own| own.expr(ty, depth));
        format!("cel.bind({name}, {value}, {body})")
    }

    /// What is made in the scope of a new variable.
    pub(super) fn with<T>(&mut self, ty: Type, make: impl FnOnce(&mut Self) -> T) -> (String, T) {
        let name = format!("v{}", self.named);
        self.named += 1;
        self.scope.push((name.clone(), ty));
        let made = make(self);
        self.scope.pop();
        (name, made)
    }

    fn out_of_optional(&mut self, ty: &Type, depth: usize) -> String {
        let held = self.expr(&Type::optional(ty.clone()), depth);
        match self.below(4) {
            0 => format!("{held}.value()"),
            _ => format!("{held}.orValue({})", self.expr(ty, depth)),
        }
    }

    fn out_of_container(&mut self, ty: &Type, depth: usize) -> String {
        match self.below(3) {
            0 => {
                let list = self.expr(&Type::list(ty.clone()), depth);
                format!("{list}[{}]", self.one_of(&["0", "1", "i"]))
            }
            1 => {
                let map = self.expr(&Type::map(Type::String, ty.clone()), depth);
                format!("{map}.{}", self.one_of(&KEYS))
            }
            _ => {
                let key = self.key_ty();
                let map = self.expr(&Type::map(key.clone(), ty.clone()), depth);
                let key = self.expr(&key, depth.min(1));
                format!("{map}[{key}]")
            }
        }
    }

    /// The checker takes `dyn` for everything; that may be right.
    fn out_of_dyn(&mut self, ty: &Type, depth: usize) -> String {
        match self.below(4) {
            0 => self.expr(&Type::Dyn, depth),
            _ => format!("dyn({})", self.expr(ty, depth)),
        }
    }

    fn faulting(&mut self, ty: &Type) -> String {
        let leaf = self.leaf(ty);
        match self.below(10) {
            0 => format!("cel.bind(f, 1 / 0, {leaf})"),
            1 => format!("[{leaf}][7]"),
            2 => format!("{{'a': {leaf}}}.zz"),
            3 => format!("{{1: {leaf}, 1: {leaf}}}[1]"),
            4 => format!("(broken == '' ? {leaf} : {leaf})"),
            5 => format!("[absent].map(f, {leaf})[0]"),
            6 => "dyn({'wrong': 1})".to_owned(),
            7 => format!("[?dyn({leaf}), {leaf}][0]"),
            8 if self.loose => self
                .one_of(&["nobody", "nobody.home", "f(1)", "i.g()"])
                .to_owned(),
            _ => format!("{{dyn(1.5): {leaf}}}[dyn(1)]"),
        }
    }

    /// A variable or constant.
    pub(super) fn leaf(&mut self, ty: &Type) -> String {
        let of_type = |(name, own): &(String, Type)| (own == ty).then(|| name.clone());
        let own: Vec<String> = self.scope.iter().filter_map(of_type).collect();
        if !own.is_empty() && self.below(3) > 0 {
            return own[self.below(own.len())].clone();
        }
        if self.below(2) > 0 {
            let places = literals::places(ty);
            if !places.is_empty() {
                return self.one_of(&places).to_owned();
            }
        }
        self.constant(ty)
    }

    fn constant(&mut self, ty: &Type) -> String {
        match ty {
            Type::List(element) => self.constants(element),
            Type::Map(key, value) => self.constant_map(key, value),
            Type::Optional(held) => match self.below(3) {
                0 => "optional.none()".to_owned(),
                _ => format!("optional.of({})", self.leaf(held)),
            },
            Type::Opaque(opaque) => {
                let (function, texts) = literals::opaque(*opaque);
                format!("{function}({})", self.one_of(texts))
            }
            Type::Dyn => {
                let ty = self.ty(0);
                format!("dyn({})", self.one_of(literals::of_type(&ty)))
            }
            ty => self.one_of(literals::of_type(ty)).to_owned(),
        }
    }

    fn constants(&mut self, element: &Type) -> String {
        let count = self.below(4);
        let items: Vec<String> = (0..count).map(|_| self.leaf(element)).collect();
        format!("[{}]", items.join(", "))
    }

    fn constant_map(&mut self, key: &Type, value: &Type) -> String {
        let count = self.below(3);
        let mut entries = Vec::new();
        for at in 0..count {
            let key = match key {
                Type::String => format!("'{}'", KEYS[at]),
                Type::Bool => ["true", "false"][at % 2].to_owned(),
                Type::Int => at.to_string(),
                _ => format!("{at}u"),
            };
            entries.push(format!("{key}: {}", self.leaf(value)));
        }
        format!("{{{}}}", entries.join(", "))
    }
}
