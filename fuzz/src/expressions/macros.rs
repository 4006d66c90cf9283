//! Conditions, macros and literals: what is no call of a function.
//!
//! Promises each macro in each of its forms.

use carry::lang::Type;

use super::generator::{Generator, KEYS};

impl Generator<'_> {
    /// What only expressions of this type are, else a call.
    pub(super) fn composed(&mut self, ty: &Type, depth: usize) -> String {
        match ty {
            Type::Bool => self.truth(depth),
            Type::List(element) => self.list(element, depth),
            Type::Map(key, value) => self.map(key, value, depth),
            Type::Optional(held) => self.optional(held, depth),
            Type::Dyn => self.dynamic(depth),
            ty => self.leaf(ty),
        }
    }

    fn truth(&mut self, depth: usize) -> String {
        match self.below(10) {
            0 | 1 => self.joined("&&", depth),
            2 | 3 => self.joined("||", depth),
            4 => format!("(!{})", self.expr(&Type::Bool, depth)),
            5 => self.has(depth),
            6 => self.compared(depth),
            _ => self.quantified(depth),
        }
    }

    fn joined(&mut self, operator: &str, depth: usize) -> String {
        let count = 2 + self.below(3);
        let parts: Vec<String> = (0..count).map(|_| self.expr(&Type::Bool, depth)).collect();
        format!("({})", parts.join(&format!(" {operator} ")))
    }

    /// With constants on either side, which folding makes tests of.
    fn compared(&mut self, depth: usize) -> String {
        let ty = self.ty(1);
        let operator = self.one_of(&["==", "!=", "<", "<=", ">", ">="]);
        let operator = match ty {
            Type::Bool | Type::Int | Type::Uint | Type::Double | Type::String | Type::Dyn => {
                operator
            }
            _ => "==",
        };
        let (own, other) = (self.expr(&ty, depth), self.leaf(&ty));
        match self.below(3) {
            0 => format!("({other} {operator} {own})"),
            1 => format!(
                "({own} in [{other}, {}, {}])",
                self.leaf(&ty),
                self.leaf(&ty)
            ),
            _ => format!("({own} {operator} {other})"),
        }
    }

    fn has(&mut self, depth: usize) -> String {
        let key = self.one_of(&KEYS);
        let ty = self.ty(0);
        let map = Type::map(Type::String, ty);
        match self.below(3) {
            0 => format!("has({}.{key})", self.expr(&Type::Dyn, depth)),
            1 => format!("has({}.{key})", self.expr(&Type::optional(map), depth)),
            _ => format!("has({}.{key})", self.expr(&map, depth)),
        }
    }

    /// What a loop goes over, with the types of its keys and values.
    fn source(&mut self, depth: usize) -> (String, bool, Type, Type) {
        let value = self.ty(1);
        match self.below(5) {
            0 | 1 => {
                let list = self.expr(&Type::list(value.clone()), depth);
                (list, false, Type::Int, value)
            }
            2 | 3 => {
                let key = self.key_ty();
                let map = self.expr(&Type::map(key.clone(), value.clone()), depth);
                (map, true, key, value)
            }
            _ => (self.leaf(&Type::Dyn), false, Type::Dyn, Type::Dyn),
        }
    }

    fn quantified(&mut self, depth: usize) -> String {
        let name = self.one_of(&["all", "exists", "exists_one", "existsOne"]);
        let (source, is_map, key, value) = self.source(depth);
        match self.below(2) {
            0 => {
                let one = if is_map { key } else { value };
                let (var, body) = self.with(one, |own| own.expr(&Type::Bool, depth));
                format!("{source}.{name}({var}, {body})")
            }
            _ => {
                let (first, (second, body)) =
                    self.two(key, value, |own| own.expr(&Type::Bool, depth));
                format!("{source}.{name}({first}, {second}, {body})")
            }
        }
    }

    fn two<T>(
        &mut self,
        key: Type,
        value: Type,
        make: impl FnOnce(&mut Self) -> T,
    ) -> (String, (String, T)) {
        self.with(key, |own| own.with(value, make))
    }

    fn list(&mut self, element: &Type, depth: usize) -> String {
        match self.below(6) {
            0 => self.list_literal(element, depth),
            1 | 2 => {
                let (source, is_map, key, value) = self.source(depth);
                let one = if is_map { key } else { value };
                let (var, body) = self.with(one, |own| own.body(element, depth));
                format!("{source}.map({var}, {body})")
            }
            3 => self.filter(element, depth),
            _ => {
                let (source, _, key, value) = self.source(depth);
                let (first, (second, body)) = self.two(key, value, |own| own.body(element, depth));
                format!("{source}.transformList({first}, {second}, {body})")
            }
        }
    }

    /// What a loop makes, at times under a condition.
    fn body(&mut self, ty: &Type, depth: usize) -> String {
        match self.below(2) {
            0 => self.expr(ty, depth),
            _ => {
                let condition = self.expr(&Type::Bool, depth);
                format!("{condition}, {}", self.expr(ty, depth))
            }
        }
    }

    fn filter(&mut self, element: &Type, depth: usize) -> String {
        let is_key = matches!(element, Type::Int | Type::Uint | Type::Bool | Type::String);
        let source = match self.below(3) {
            0 if is_key => Type::map(element.clone(), self.ty(1)),
            _ => Type::list(element.clone()),
        };
        let source = self.expr(&source, depth);
        let (var, body) = self.with(element.clone(), |own| own.expr(&Type::Bool, depth));
        format!("{source}.filter({var}, {body})")
    }

    fn list_literal(&mut self, element: &Type, depth: usize) -> String {
        let mut items = Vec::new();
        for _ in 0..self.below(4) {
            items.push(match self.below(3) {
                0 => format!("?{}", self.expr(&Type::optional(element.clone()), depth)),
                _ => self.expr(element, depth),
            });
        }
        format!("[{}]", items.join(", "))
    }

    fn map(&mut self, key: &Type, value: &Type, depth: usize) -> String {
        match self.below(5) {
            0 | 1 => self.map_literal(key, value, depth),
            2 => {
                let held = self.ty(1);
                let source = match (key, self.below(2)) {
                    (Type::Int, 0) => Type::list(held.clone()),
                    _ => Type::map(key.clone(), held.clone()),
                };
                let source = self.expr(&source, depth);
                let (first, (second, body)) =
                    self.two(key.clone(), held, |own| own.body(value, depth));
                format!("{source}.transformMap({first}, {second}, {body})")
            }
            _ => {
                let (source, _, own, held) = self.source(depth);
                let entries = Type::map(key.clone(), value.clone());
                let (first, (second, body)) = self.two(own, held, |own| match own.below(3) {
                    0 => own.body(&entries, depth),
                    _ => format!("{{{}: {}}}", own.expr(key, depth), own.expr(value, depth)),
                });
                format!("{source}.transformMapEntry({first}, {second}, {body})")
            }
        }
    }

    fn map_literal(&mut self, key: &Type, value: &Type, depth: usize) -> String {
        let mut entries = Vec::new();
        let count = self.below(4);
        for (at, name) in KEYS.iter().enumerate().take(count) {
            let key = match key {
                Type::String if self.below(4) > 0 => format!("'{name}'"),
                Type::Int if self.below(4) > 0 => at.to_string(),
                key => self.expr(key, depth),
            };
            entries.push(match self.below(3) {
                0 => format!(
                    "?{key}: {}",
                    self.expr(&Type::optional(value.clone()), depth)
                ),
                _ => format!("{key}: {}", self.expr(value, depth)),
            });
        }
        format!("{{{}}}", entries.join(", "))
    }

    fn optional(&mut self, held: &Type, depth: usize) -> String {
        let from = self.ty(1);
        let target = Type::optional(from.clone());
        match self.below(5) {
            0 => {
                let target = self.expr(&target, depth);
                let (var, body) = self.with(from, |own| own.expr(held, depth));
                format!("{target}.optMap({var}, {body})")
            }
            1 => {
                let target = self.expr(&target, depth);
                let wanted = Type::optional(held.clone());
                let (var, body) = self.with(from, |own| own.expr(&wanted, depth));
                format!("{target}.optFlatMap({var}, {body})")
            }
            2 => {
                let wanted = Type::optional(held.clone());
                let (own, other) = (self.expr(&wanted, depth), self.expr(&wanted, depth));
                format!("{own}.or({other})")
            }
            3 => {
                let map = self.expr(&Type::map(Type::String, held.clone()), depth);
                format!("{map}.?{}", self.one_of(&KEYS))
            }
            _ => {
                let list = self.expr(&Type::list(held.clone()), depth);
                format!("{list}[?{}]", self.one_of(&["0", "1", "9"]))
            }
        }
    }

    fn dynamic(&mut self, depth: usize) -> String {
        let of = self.expr(&Type::Dyn, depth);
        match self.below(5) {
            0 => format!("{of}.{}", self.one_of(&["name", "spec", "app", "zz"])),
            1 => format!("{of}['{}']", self.one_of(&KEYS)),
            2 => format!("{of}[{}]", self.one_of(&["0", "1u", "dyn(0.0)", "9"])),
            3 => format!("({of} + {})", self.expr(&Type::Dyn, depth)),
            _ => format!(
                "{of}.?{}.orValue({})",
                self.one_of(&KEYS),
                self.leaf(&Type::Dyn)
            ),
        }
    }
}
