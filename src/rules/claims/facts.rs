//! What is true of all objects that one rule selects, by their kinds.
//!
//! Promises nothing but what Kubernetes' own schema says of the kinds that the
//! rule names. Deliberately knows nothing of custom resources.

use crate::k8s::schema::{self, FieldType, JsonShape};
use crate::lang::solve::{Constraint, Formula, Language, States, Var};

use super::super::rule_set::{ResourceRef, Rule};
use super::super::slots::SlotSource;
use super::world::{Thing, World};

/// The kinds of a rule, if Kubernetes defines them all.
pub struct Kinds<'r> {
    resources: &'r [ResourceRef],
    /// Whether objects of all of them are in namespaces, or of none.
    namespaced: Option<bool>,
}

/// More kinds than this are not looked at one by one.
const MANY: usize = 8;

impl<'r> Kinds<'r> {
    /// Of `rule`.
    pub fn of(rule: &'r Rule) -> Option<Kinds<'r>> {
        let resources = rule.resources.as_slice();
        if resources.is_empty() || resources.len() > MANY {
            return None;
        }
        let scopes: Option<Vec<bool>> = resources
            .iter()
            .map(|own| {
                let kind = own.kind.as_ref()?;
                Some(schema::by_kind(&own.group.value, &kind.value)?.namespaced)
            })
            .collect();
        let scopes = scopes?;
        let first = scopes.first().copied();
        Some(Kinds {
            resources,
            namespaced: first.filter(|first| scopes.iter().all(|own| own == first)),
        })
    }

    /// What is true of `variables`.
    pub fn facts(&self, variables: &[Var], world: &World) -> Vec<Formula> {
        let mixed = self.namespaced.is_none()
            && variables.iter().any(|var| world.namespace() == Some(*var));
        let scopes = self.resources.iter().filter(|_| mixed);
        let scopes = scopes.filter_map(|own| scope(own, world));
        let facts = variables.iter().filter_map(|var| {
            let Thing::Read(SlotSource::Field(path), false) = world.thing(*var)? else {
                return None;
            };
            let names: Vec<Option<&str>> = path.steps().iter().map(|step| step.name()).collect();
            let states = match names.as_slice() {
                [Some("metadata"), Some("namespace")] => match self.namespaced? {
                    true => States::TEXT,
                    false => States::ABSENT,
                },
                [] | [Some("metadata" | "apiVersion" | "kind"), ..] => return None,
                _ => self.field(path)?,
            };
            Some(Formula::literal(*var, Constraint::states(states)))
        });
        facts.chain(scopes).collect()
    }

    fn field(&self, path: &crate::k8s::Path) -> Option<States> {
        let mut all = States::NONE;
        for own in self.resources {
            let version = own.version.as_ref().map(|version| version.value.as_str());
            let kind = &own.kind.as_ref()?.value;
            let found = schema::resolve(&own.group.value, version, kind, path).ok()?;
            // Another version may have no schema.
            let fault = match version {
                Some(_) => States::NONE,
                None => States::FAULT,
            };
            all = all | of_type(&found) | fault | States::ABSENT | States::NULL;
        }
        Some(all)
    }
}

/// That an object of this kind is in a namespace, or that it is not.
fn scope(resource: &ResourceRef, world: &World) -> Option<Formula> {
    let kind = resource.kind.as_ref()?;
    let known = schema::by_kind(&resource.group.value, &kind.value)?;
    let states = match known.namespaced {
        true => States::TEXT,
        false => States::ABSENT,
    };
    let var = |source| world.var(&Thing::Read(source, false));
    let other = |source, text: &str| {
        let only = Language::set([Box::from(text)]);
        Some(Formula::literal(
            var(source)?,
            Constraint::text(only, false),
        ))
    };
    Some(Formula::any([
        other(SlotSource::Group, &resource.group.value)?,
        other(SlotSource::Kind, &kind.value)?,
        Formula::literal(world.namespace()?, Constraint::states(states)),
    ]))
}

fn of_type(field: &FieldType) -> States {
    match field {
        FieldType::String | FieldType::Bytes => States::TEXT,
        FieldType::Bool => States::BOOL,
        FieldType::Int => States::INT,
        FieldType::Uint | FieldType::Double => States::NUMBER,
        FieldType::Map | FieldType::Message => States::MAP,
        FieldType::List => States::LIST,
        FieldType::Special(special) => match special.json_shape() {
            JsonShape::String => States::TEXT,
            JsonShape::Strings => States::LIST,
            JsonShape::IntOrString => States::INT | States::TEXT,
            JsonShape::Any => States::ANY,
        },
    }
}
