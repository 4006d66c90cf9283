//! What the predicates of one rule read.
//!
//! Promises that one thing is one slot, by whatever part of the rule it is
//! read. Deliberately knows nothing of conditions.

use crate::diagnostic::Spanned;
use crate::k8s::{Path, Step};
use crate::lang::hir::{Node, Predicate, Slot, SlotId, Test};
use crate::lang::scheme::SlotTable;

use super::slots::SlotSource;
use super::written::Written;

/// The slots of one predicate, each thing once.
#[derive(Default)]
pub struct Scope {
    sources: Vec<SlotSource>,
    /// Conditions in CEL.
    pub written: Vec<Written>,
}

impl Scope {
    /// The slot that reads `source`.
    pub fn slot(&mut self, source: SlotSource) -> SlotId {
        let at = self
            .sources
            .iter()
            .position(|own| *own == source)
            .unwrap_or_else(|| {
                self.sources.push(source);
                self.sources.len() - 1
            });
        // More than 65,535 are refused when the program is compiled.
        SlotId(u16::try_from(at).unwrap_or(u16::MAX))
    }

    /// A predicate over the slots so far.
    pub fn predicate(&self, root: Node) -> Predicate {
        let slots = self.sources.iter().map(|source| Slot {
            name: source.to_string(),
            may_fault: source.may_fault(),
        });
        Predicate {
            root,
            slots: slots.collect(),
        }
    }

    /// What the slots stand for.
    pub fn into_sources(self) -> Vec<SlotSource> {
        self.sources
    }
}

/// The fields that `when` reads are slots beside those of selectors.
impl SlotTable for Scope {
    fn slot(&mut self, variable: &str, path: &[Step]) -> SlotId {
        let source = match variable {
            "object" => SlotSource::Field(Path::new(keyed(path))),
            "namespaceObject" => of_namespace(path),
            "value" => SlotSource::Value(Path::new(path.to_vec())),
            _ => SlotSource::Key,
        };
        Scope::slot(self, source)
    }
}

fn of_namespace(path: &[Step]) -> SlotSource {
    match path {
        [metadata, labels, label]
            if metadata.name() == Some("metadata") && labels.name() == Some("labels") =>
        {
            let own = label
                .name()
                .map(|name| SlotSource::NamespaceLabel(name.into()));
            own.unwrap_or_else(|| SlotSource::NamespaceField(Path::new(path.to_vec())))
        }
        path => SlotSource::NamespaceField(Path::new(path.to_vec())),
    }
}

/// `labels.app` and `labels['app']` are one slot, and the selectors' too.
fn keyed(path: &[Step]) -> Vec<Step> {
    let mut steps = path.to_vec();
    let in_metadata = steps.first().and_then(Step::name) == Some("metadata");
    let of_map = matches!(
        steps.get(1).and_then(Step::name),
        Some("labels" | "annotations")
    );
    if let Some(Step::Field(name)) = steps.get(2).cloned()
        && in_metadata
        && of_map
    {
        steps[2] = Step::Key(name);
    }
    steps
}

/// That a field is this text.
pub fn equals(source: SlotSource, text: &Spanned<String>, scope: &mut Scope) -> Node {
    let test = Test::Equals(text.value.as_str().into());
    Node::test(scope.slot(source), test, text.span)
}

/// A field of the metadata.
pub fn metadata(field: &str) -> SlotSource {
    SlotSource::Field(Path::new(vec![
        Step::Field("metadata".into()),
        Step::Field(field.into()),
    ]))
}
