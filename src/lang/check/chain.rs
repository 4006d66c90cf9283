//! Selections and indexes, one after the other: `object.spec.ports[0].name`.
//!
//! Promises that a path of constants from a variable is one slot. Deliberately
//! gives no slots to what a slot's table cannot tell apart: keys that are no
//! strings, and indexes of what may be a list or a map.

use crate::diagnostic::Span;
use crate::k8s::Step;
use crate::lang::ast::{Expr, ExprKind, Field, Literal};
use crate::lang::function::Function;
use crate::lang::hir::{self, SlotId};
use crate::lang::ty::Type;
use crate::lang::value::Value;

use super::checker::{Checker, make};
use super::names::Found;
use super::places::{Need, Read, Root};

/// A chain up to some step.
pub(super) struct Access<'a> {
    pub ty: Type,
    form: Form,
    /// Whether any field on the way may be absent, the last one included.
    absent: bool,
    /// Whether the last step was the key of a map.
    of_map: bool,
    /// The steps that fault where there is nothing, and where that may be.
    needs: Vec<Need<'a>>,
}

/// How its value is read.
enum Form {
    /// From the slot at a path.
    Slot(Path),
    /// From the slot at a path with a `?` in it, none where there is nothing.
    /// The slot before the `?` must be there, if it is given.
    Optional(Path, Option<SlotId>),
    /// In any other way.
    Value(Box<hir::Expr>),
}

struct Path {
    variable: String,
    steps: Vec<Step>,
    /// Whether what is `dyn` on the way is JSON, as within objects.
    json: bool,
}

/// What one step finds in a type.
struct Member {
    ty: Type,
    /// Whether it may be absent.
    absent: bool,
    /// Whether a read without a guard is worth a warning.
    warned: bool,
    /// The step of a slot's path, where it can be one.
    step: Option<Step>,
    /// Whether it can be one only within JSON.
    json: bool,
}

impl Member {
    fn unknown() -> Member {
        Member {
            ty: Type::Dyn,
            absent: true,
            warned: false,
            step: None,
            json: false,
        }
    }

    /// A member of what is known only when it is evaluated.
    fn of_dyn(of: &Type, step: Option<Step>) -> Member {
        Member {
            step: step.filter(|_| *of == Type::Dyn),
            json: true,
            ..Member::unknown()
        }
    }

    /// The step, if a path may take it.
    fn step_from(&self, path: &Path) -> Option<Step> {
        let possible = path.json || !self.json;
        self.step.clone().filter(|_| possible)
    }
}

impl<'a> Checker<'a> {
    /// The meaning of a name, selection or index.
    pub fn chain(&mut self, from: &'a Expr) -> Box<hir::Expr> {
        let access = self.access(from);
        self.value(access, from)
    }

    /// `has(operand.field)`.
    pub fn presence(
        &mut self,
        call: &'a Expr,
        operand: &'a Expr,
        field: &'a Field,
    ) -> Box<hir::Expr> {
        let access = self.access(operand);
        self.presence_in(access, call, operand, field)
    }

    fn presence_in(
        &mut self,
        mut access: Box<Access<'a>>,
        call: &'a Expr,
        operand: &'a Expr,
        field: &'a Field,
    ) -> Box<hir::Expr> {
        let needs = std::mem::take(&mut access.needs);
        let held = held(&access.ty).clone();
        let member = self.field(&held, access.of_map, field, operand);
        self.reads.add(Read {
            needs,
            chain: call,
            ty: Type::Bool,
            tested: true,
        });
        let kind = match access.form {
            Form::Slot(mut path) if member.step_from(&path).is_some() => {
                let parent = access.absent.then(|| self.slot(&path));
                path.steps.extend(member.step_from(&path));
                let slot = self.slot(&path);
                hir::ExprKind::HasSlot { slot, parent }
            }
            form => hir::ExprKind::Has {
                of: self.materialize(form, access.ty, operand.span),
                name: field.name.as_str().into(),
            },
        };
        make(kind, call.span, Type::Bool)
    }

    fn value(&mut self, mut access: Box<Access<'a>>, from: &'a Expr) -> Box<hir::Expr> {
        self.reads.add(Read {
            needs: std::mem::take(&mut access.needs),
            chain: from,
            ty: access.ty.clone(),
            tested: false,
        });
        self.materialize(access.form, access.ty, from.span)
    }

    fn materialize(&mut self, form: Form, ty: Type, span: Span) -> Box<hir::Expr> {
        let kind = match form {
            Form::Slot(path) => hir::ExprKind::Slot(self.slot(&path)),
            Form::Optional(path, parent) => hir::ExprKind::OptionalSlot {
                slot: self.slot(&path),
                parent,
            },
            Form::Value(value) => return value,
        };
        make(kind, span, ty)
    }

    fn slot(&mut self, path: &Path) -> SlotId {
        self.slots.slot(&path.variable, &path.steps)
    }

    /// Walks the chain from its root.
    fn access(&mut self, from: &'a Expr) -> Box<Access<'a>> {
        let mut steps = Vec::new();
        let mut at = from;
        while let ExprKind::Select { operand, .. } | ExprKind::Index { operand, .. } = &at.kind {
            steps.push(at);
            at = operand;
        }
        steps.reverse();
        let (mut access, used) = match at.kind {
            ExprKind::Ident { .. } => self.name(at, &steps),
            _ => (self.value_of(at), 0),
        };
        for step in steps.into_iter().skip(used) {
            self.step(&mut access, step);
        }
        access
    }

    fn value_of(&mut self, at: &'a Expr) -> Box<Access<'a>> {
        let value = self.expr(at);
        Access::of(value)
    }

    fn name(&mut self, at: &'a Expr, steps: &[&'a Expr]) -> (Box<Access<'a>>, usize) {
        let (value, used) = match self.resolve(at, steps) {
            Some((Found::Variable(variable, ty), used)) => {
                let json = self.options.json_paths || matches!(ty, Type::Object(_));
                return (Access::of_variable(variable, ty, json), used);
            }
            Some((Found::Local(local), used)) => {
                let ty = local.ty.clone();
                (make(hir::ExprKind::Local(local.id), at.span, ty), used)
            }
            Some((Found::Type(named), used)) => {
                let value = hir::ExprKind::Const(Value::Type(named));
                (make(value, at.span, Type::Type), used)
            }
            None => {
                self.unknown_name(at, steps);
                (self.unknown(at.span), 0)
            }
        };
        (Access::of(value), used)
    }

    fn step(&mut self, access: &mut Access<'a>, node: &'a Expr) {
        access.ty = self.types.resolve(&access.ty);
        match &node.kind {
            ExprKind::Index { index, .. } => {
                let key = self.expr(index);
                self.go_by_index(access, node, key);
            }
            _ => self.go_by_name(access, node),
        }
    }

    fn go_by_name(&mut self, access: &mut Access<'a>, node: &'a Expr) {
        let ExprKind::Select {
            operand,
            field,
            optional,
        } = &node.kind
        else {
            return;
        };
        let member = self.field(held(&access.ty), access.of_map, field, operand);
        self.note_need(access, &member, node, field.span, *optional);
        self.go(access, member, *optional, node, |of| {
            let name = field.name.as_str().into();
            if *optional {
                hir::ExprKind::OptionalField { of, name }
            } else {
                hir::ExprKind::Field { of, name }
            }
        });
    }

    fn go_by_index(&mut self, access: &mut Access<'a>, node: &'a Expr, key: Box<hir::Expr>) {
        let ExprKind::Index {
            operand,
            index,
            optional,
        } = &node.kind
        else {
            return;
        };
        let member = self.element(held(&access.ty), index, &key.ty, operand);
        self.note_need(access, &member, node, index.span, *optional);
        self.go(access, member, *optional, node, |of| {
            let function = if *optional {
                Function::OptionalIndex
            } else {
                Function::Index
            };
            let args = vec![*of, *key];
            hir::ExprKind::Call { function, args }
        });
    }

    fn note_need(
        &mut self,
        access: &mut Access<'a>,
        member: &Member,
        node: &'a Expr,
        span: Span,
        optional: bool,
    ) {
        let forgiving = optional || matches!(access.ty, Type::Optional(_));
        if forgiving || !member.warned || !self.options.check {
            return;
        }
        if let Some(place) = self.place(node) {
            // What an expression makes itself is known to whoever wrote it.
            let made = matches!(place.root, Root::Value(_));
            if made && matches!(node.kind, ExprKind::Index { .. }) {
                return;
            }
            access.needs.push(Need { place, node, span });
        }
    }

    /// Goes on to `member`, by the slot's path if that is possible.
    fn go(
        &mut self,
        access: &mut Access<'a>,
        member: Member,
        optional: bool,
        node: &Expr,
        generic: impl FnOnce(Box<hir::Expr>) -> hir::ExprKind,
    ) {
        let was_optional = matches!(access.ty, Type::Optional(_));
        let ty = if optional || was_optional {
            Type::optional(member.ty.clone())
        } else {
            member.ty.clone()
        };
        let form = std::mem::replace(&mut access.form, Form::Value(self.unknown(node.span)));
        let step = match &form {
            Form::Slot(path) if !was_optional => member.step_from(path),
            Form::Optional(path, _) => member.step_from(path),
            _ => None,
        };
        access.form = match (form, step) {
            (Form::Slot(mut path), Some(step)) => {
                let parent = (optional && access.absent).then(|| self.slot(&path));
                path.steps.push(step);
                if optional {
                    Form::Optional(path, parent)
                } else {
                    Form::Slot(path)
                }
            }
            (Form::Optional(mut path, parent), Some(step)) => {
                path.steps.push(step);
                Form::Optional(path, parent)
            }
            (form, _) => {
                let of = self.materialize(form, access.ty.clone(), before(node));
                Form::Value(make(generic(of), node.span, ty.clone()))
            }
        };
        access.absent |= member.absent;
        access.of_map = matches!(held(&access.ty), Type::Map(..));
        access.ty = ty;
    }

    /// The field `field` of a value of type `of`, which a map may hold.
    fn field(&mut self, of: &Type, in_map: bool, field: &'a Field, operand: &'a Expr) -> Member {
        let step = || Some(Step::Field(field.name.as_str().into()));
        match of {
            Type::Object(object) => self.object_field(*object, &field.name, field.span),
            Type::Map(key, value) => self.map_entry(key, value, field, operand),
            Type::Dyn | Type::Param(_) => Member::of_dyn(of, step()),
            other => {
                self.object_to(|checker| {
                    let found = checker.no_fields(other, field, operand);
                    match checker.dotted_key(other, field, operand) {
                        Some(help) if in_map => found.help(help),
                        _ => found,
                    }
                });
                Member::unknown()
            }
        }
    }

    fn object_field(&mut self, object: u32, name: &str, span: Span) -> Member {
        match self.scheme.field(object, name) {
            Ok(info) => Member {
                ty: info.ty,
                absent: info.may_be_absent,
                warned: info.may_be_absent,
                json: false,
                step: Some(Step::Field(name.into())),
            },
            Err(unknown) => {
                self.object_to(|checker| checker.unknown_field(object, name, span, &unknown));
                Member::unknown()
            }
        }
    }

    fn map_entry(&mut self, key: &Type, value: &Type, field: &Field, operand: &Expr) -> Member {
        if !self.types.fits(&Type::String, key) {
            self.object_to(|checker| checker.keys_are_no_strings(key, field, operand));
            return Member::unknown();
        }
        Member {
            ty: value.clone(),
            absent: true,
            warned: true,
            json: false,
            step: (*key == Type::String).then(|| Step::Field(field.name.as_str().into())),
        }
    }

    /// The element at an index or key of a value of type `of`.
    fn element(&mut self, of: &Type, index: &'a Expr, key: &Type, operand: &'a Expr) -> Member {
        let text = constant_key(index);
        match of {
            Type::List(element) => {
                self.demand_index(of, &Type::Int, key, index, operand);
                Member {
                    ty: (**element).clone(),
                    step: list_index(index).map(Step::Index),
                    ..Member::unknown()
                }
            }
            Type::Map(keys, value) => {
                self.demand_index(of, keys, key, index, operand);
                Member {
                    ty: (**value).clone(),
                    absent: true,
                    warned: matches!(index.kind, ExprKind::Literal(_)),
                    json: false,
                    step: text.filter(|_| **keys == Type::String),
                }
            }
            Type::Object(object) => match &index.kind {
                ExprKind::Literal(Literal::String(name)) => {
                    self.object_field(*object, name, index.span)
                }
                _ => {
                    self.demand_index(of, &Type::String, key, index, operand);
                    Member::unknown()
                }
            },
            Type::Dyn | Type::Param(_) => Member::of_dyn(of, text),
            other => {
                self.object_to(|checker| checker.no_elements(other, operand));
                Member::unknown()
            }
        }
    }

    fn demand_index(
        &mut self,
        of: &Type,
        wanted: &Type,
        key: &Type,
        index: &'a Expr,
        operand: &'a Expr,
    ) {
        if !self.types.fits(key, wanted) {
            self.object_to(|checker| checker.bad_index(of, wanted, key, index, operand));
        }
    }
}

impl<'a> Access<'a> {
    fn of(value: Box<hir::Expr>) -> Box<Access<'a>> {
        Box::new(Access {
            ty: value.ty.clone(),
            form: Form::Value(value),
            absent: false,
            of_map: false,
            needs: Vec::new(),
        })
    }

    fn of_variable(variable: String, ty: Type, json: bool) -> Box<Access<'a>> {
        let path = Path {
            variable,
            steps: Vec::new(),
            json,
        };
        Box::new(Access {
            ty,
            form: Form::Slot(path),
            absent: false,
            of_map: false,
            needs: Vec::new(),
        })
    }
}

/// Where the chain up to a step stands.
fn before(step: &Expr) -> Span {
    match &step.kind {
        ExprKind::Select { operand, .. } | ExprKind::Index { operand, .. } => operand.span,
        _ => step.span,
    }
}

/// What an optional holds; else the type itself. Selections go through
/// optionals.
fn held(ty: &Type) -> &Type {
    match ty {
        Type::Optional(inner) => inner,
        other => other,
    }
}

fn constant_key(index: &Expr) -> Option<Step> {
    match &index.kind {
        ExprKind::Literal(Literal::String(key)) => Some(Step::Key(key.as_str().into())),
        _ => None,
    }
}

fn list_index(index: &Expr) -> Option<u32> {
    match &index.kind {
        ExprKind::Literal(Literal::Int(index)) => u32::try_from(*index).ok(),
        _ => None,
    }
}
