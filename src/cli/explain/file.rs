//! The objects of a file, explained.
//!
//! Promises that a Namespace in the same file gives its labels to the objects
//! in it. Deliberately asks no etcd: what the file does not say is not known,
//! and that is said.

use serde_json::Value;

use super::change::Whose;
use super::imagined::{self, Imagined, NamespaceObjects, namespace};
use super::labels::Labels;
use super::located::{Definitions, locate};
use super::manifest::Manifest;
use super::settings::ExplainSettings;
use super::told::Told;
use super::what_if;
use crate::diagnostic::SourceText;
use crate::rules::decide::Judge;
use crate::rules::namespaces::Namespaces;

/// The objects of a file, each where it would be.
pub struct Objects {
    /// In the order of the file.
    pub all: Vec<Imagined>,
    namespaces: NamespaceObjects,
}

impl Objects {
    /// Finds the keys of what is written, and the Namespaces that it is in.
    pub fn new(
        judge: &Judge,
        manifests: Vec<Manifest>,
        labels: Option<&Labels>,
    ) -> Result<Objects, String> {
        let definitions = Definitions::of(manifests.iter().map(|own| &own.object));
        let prefix = judge.plan().prefix();
        let several = manifests.len() > 1;
        let mut all = Vec::new();
        let mut namespaces = NamespaceObjects::new();
        for Manifest { place, object } in manifests {
            let located = locate(object, prefix, &definitions);
            let place = several.then(|| format!("from {place}"));
            if is_namespace(&located.object)
                && let Some(name) = located.object["metadata"]["name"].as_str()
            {
                namespaces.insert(name.to_owned(), located.object.clone());
            }
            all.push(Imagined {
                key: located.key.into_bytes(),
                object: located.object,
                notes: place.into_iter().chain(located.notes).collect(),
                changes: Vec::new(),
            });
        }
        let mut objects = Objects { all, namespaces };
        objects.find_namespaces(judge, labels)?;
        Ok(objects)
    }

    fn find_namespaces(&mut self, judge: &Judge, labels: Option<&Labels>) -> Result<(), String> {
        let given: Vec<String> = self.namespaces.keys().cloned().collect();
        for object in &mut self.all {
            let Some(name) = object.namespace().map(str::to_owned) else {
                continue;
            };
            let unknown = !given.contains(&name) && labels.is_none();
            if unknown && judge.asks_for_namespace(&object.key) {
                object.notes.push(format!(
                    "nothing is known of Namespace `{name}`: it is taken to have no labels; put it into the same input, or give `--namespace-labels`"
                ));
            }
            let made = namespace(&name);
            self.namespaces.entry(name).or_insert(made);
        }
        let Some(labels) = labels else {
            return Ok(());
        };
        if self.namespaces.is_empty() {
            return Err("`--namespace-labels`: no object of the file is in a namespace".to_owned());
        }
        for object in self.namespaces.values_mut() {
            for (key, value) in labels {
                object["metadata"]["labels"][key.as_str()] = value.as_str().into();
            }
        }
        Ok(())
    }

    /// What is known of their Namespaces, to a judge that reads plain values.
    pub fn known(&self, judge: &Judge) -> Namespaces {
        imagined::known(judge, &self.namespaces)
    }

    /// Explains each of them.
    pub fn explain(
        &self,
        judge: &Judge,
        rules: &SourceText,
        settings: &ExplainSettings,
    ) -> Result<Told, String> {
        let namespaces = self.known(judge);
        // A Namespace beside other objects is there for them.
        let others = self.all.iter().any(|own| !is_namespace(&own.object));
        let about = self
            .all
            .iter()
            .filter(|own| !(others && is_namespace(&own.object)));
        let about = about.count();
        if !settings.changes.is_empty() && about > 1 {
            return Err(format!(
                "`--what-if` is about one object, and the file has {about}: leave the others out"
            ));
        }
        let (mut human, mut json) = (Vec::new(), Vec::new());
        for object in &self.all {
            let now = object.report(judge, settings, &namespaces);
            let concerned = !(others && is_namespace(&object.object));
            if settings.changes.is_empty() || !concerned {
                human.push(now.human(rules, settings.look));
                json.push(now.json(rules));
                continue;
            }
            let prefix = judge.plan().prefix();
            let mut then = object.changed(&settings.changes, prefix, settings.show_secrets)?;
            let mut objects = self.namespaces.clone();
            let concerns_namespace = settings
                .changes
                .iter()
                .any(|own| own.whose == Whose::Namespace);
            if concerns_namespace {
                then.change_namespace(&settings.changes, &mut objects)?;
            }
            let namespaces = imagined::known(judge, &objects);
            let report = then.report(judge, settings, &namespaces);
            let told = what_if::told((&now, &report), &then, rules, settings.look);
            human.push(told.human);
            json.push(told.json);
        }
        Ok(Told {
            human: human.join("\n"),
            json: Value::Array(json),
            found: true,
        })
    }
}

fn is_namespace(object: &Value) -> bool {
    object["kind"] == "Namespace" && object["apiVersion"] == "v1"
}
