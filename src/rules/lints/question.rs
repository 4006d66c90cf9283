//! Whether a rule can select a certain kind of object.
//!
//! Promises never to say no of what it can select. Deliberately sets a few
//! facts of the object only, and leaves all others open.

use crate::k8s::schema::Resource;
use crate::k8s::{Path, Step};
use crate::lang::solve::{Constraint, Formula, Language, States};
use crate::rules::claims::{Terms, Thing, World};
use crate::rules::slots::SlotSource;

/// The label that a kube-apiserver gives to every Namespace.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// An object of which some facts are known.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// Its kind.
    pub kind: &'q Resource,
    /// Its name.
    pub name: Option<&'q str>,
    /// Its namespace, which has no labels of anybody's.
    pub namespace: Option<&'q str>,
    /// All labels that it has.
    pub labels: Option<&'q [(&'q str, &'q str)]>,
    /// A label with what it has there, if anything, whatever others there are.
    pub labelled: Option<(&'q str, Option<&'q str>)>,
    /// An annotation that it has, whatever others there are.
    pub annotated: Option<&'q str>,
    /// Its field `type`.
    pub type_field: Option<&'q str>,
}

impl<'q> Question<'q> {
    /// Any object of a kind.
    pub fn any(kind: &'q Resource) -> Question<'q> {
        Question {
            kind,
            name: None,
            namespace: None,
            labels: None,
            labelled: None,
            annotated: None,
            type_field: None,
        }
    }

    /// What is known of one thing that rules read.
    fn fact(&self, source: &SlotSource) -> Option<Constraint> {
        match source {
            SlotSource::Group => Some(text(self.kind.group)),
            SlotSource::Kind => Some(text(self.kind.kind)),
            SlotSource::NamespaceLabel(label) => {
                let namespace = self.namespace?;
                Some(match &**label == NAME_LABEL {
                    true => text(namespace),
                    false => Constraint::states(States::ABSENT),
                })
            }
            SlotSource::Field(path) => self.field(path),
            _ => None,
        }
    }

    fn field(&self, path: &Path) -> Option<Constraint> {
        let names: Vec<&str> = path.steps().iter().filter_map(Step::name).collect();
        match names.as_slice() {
            ["type"] => self.type_field.map(text),
            ["metadata", "name"] => self.name.map(text),
            ["metadata", "namespace"] if !self.kind.namespaced => {
                Some(Constraint::states(States::ABSENT))
            }
            ["metadata", "namespace"] => self.namespace.map(text),
            ["metadata", "labels", label] => {
                if let Some((_, value)) = self.labelled.filter(|(own, _)| own == label) {
                    return Some(value.map_or(Constraint::states(States::ABSENT), text));
                }
                let mut labels = self.labels?.iter();
                let own = labels.find(|(key, _)| key == label);
                Some(own.map_or(Constraint::states(States::ABSENT), |(_, value)| text(value)))
            }
            ["metadata", "annotations", annotation] => {
                let has = self.annotated.is_some_and(|own| own == *annotation);
                has.then(|| Constraint::text(Language::any(), true))
            }
            _ => None,
        }
    }
}

fn text(text: &str) -> Constraint {
    Constraint::text(Language::set([text.into()]), true)
}

/// What is known of all rules of a file.
pub struct Answers<'a, 'r> {
    /// What they read.
    pub world: &'a World,
    /// The rules in their order.
    pub terms: &'a [Terms<'r>],
}

impl Answers<'_, '_> {
    /// Whether the rule at this place can select such an object, and no policy
    /// keeps that out.
    pub fn may_select(&self, rule: usize, question: &Question<'_>) -> bool {
        let Some(terms) = self.terms.get(rule) else {
            return true;
        };
        let variables = &terms.whole.variables;
        let facts: Vec<Formula> = variables
            .iter()
            .filter_map(|var| match self.world.thing(*var)? {
                Thing::Read(source, _) => Some(Formula::literal(*var, question.fact(source)?)),
                Thing::Unknown(_) => None,
            })
            .collect();
        let kind = question.kind;
        let mut formulas = terms.all_of(kind.group, kind.kind);
        formulas.extend(&facts);
        !self.world.never(&formulas, &[variables])
    }
}
