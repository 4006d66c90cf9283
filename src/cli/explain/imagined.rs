//! An object as it might be: changed by `--what-if`, or from a file.
//!
//! Promises that it is judged as stored JSON would be, by the very same code.
//! Deliberately encrypts nothing: how it would be stored is not known.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::change::{Change, Whose};
use super::judged::{self, Found};
use super::located::{Definitions, NAME_LABEL, locate};
use super::settings::ExplainSettings;
use crate::cli::explain_report::{Report, Whence};
use crate::etcd::SourceRevision;
use crate::k8s::Keyring;
use crate::rules::decide::{Judge, Keyrings};
use crate::rules::difference::{Difference, differences};
use crate::rules::namespaces::Namespaces;
use crate::source::Item;

/// Namespaces by name, as objects.
pub type NamespaceObjects = BTreeMap<String, Value>;

/// An object that is not stored.
#[derive(Clone, Debug)]
pub struct Imagined {
    /// Where it would be.
    pub key: Vec<u8>,
    /// The object.
    pub object: Value,
    /// What is to be said of it.
    pub notes: Vec<String>,
    /// Where it differs from what there was, the object's places first.
    pub changes: Vec<(Whose, Difference)>,
}

impl Imagined {
    /// What `object`, which is under `key`, would be with these changes.
    pub fn changed(
        &self,
        changes: &[Change],
        prefix: &str,
        show_secrets: bool,
    ) -> Result<Imagined, String> {
        let mut object = self.object.clone();
        for change in changes.iter().filter(|own| own.whose == Whose::Object) {
            change.apply(&mut object)?;
        }
        let mut found = Imagined {
            changes: differences(&self.object, &object, show_secrets)
                .into_iter()
                .map(|place| (Whose::Object, place))
                .collect(),
            object,
            ..self.clone()
        };
        if name_of(&found.object) != name_of(&self.object) {
            if found.object["metadata"]["name"]
                .as_str()
                .is_none_or(str::is_empty)
            {
                return Err("`--what-if`: the object would have no name".to_owned());
            }
            let located = locate(found.object, prefix, &Definitions::default());
            found.key = located.key.into_bytes();
            found.object = located.object;
            found.notes.extend(located.notes);
        }
        Ok(found)
    }

    /// The namespace that it would be in.
    pub fn namespace(&self) -> Option<&str> {
        self.object["metadata"]["namespace"].as_str()
    }

    /// Changes the Namespace that it would be in, and notes it.
    pub fn change_namespace(
        &mut self,
        changes: &[Change],
        namespaces: &mut NamespaceObjects,
    ) -> Result<(), String> {
        let changes = changes.iter().filter(|own| own.whose == Whose::Namespace);
        let changes: Vec<&Change> = changes.collect();
        if changes.is_empty() {
            return Ok(());
        }
        let Some(name) = self.namespace().map(str::to_owned) else {
            return Err(
                "`--what-if`: the object is in no namespace that could be changed".to_owned(),
            );
        };
        let known = namespaces.contains_key(&name);
        let object = namespaces.entry(name.clone());
        let object = object.or_insert_with(|| namespace(&name));
        if !known {
            self.notes.push(format!(
                "there is no Namespace `{name}`: one is taken to be there"
            ));
        }
        let before = object.clone();
        for change in changes {
            change.apply(object)?;
        }
        let places = differences(&before, object, true).into_iter();
        self.changes
            .extend(places.map(|place| (Whose::Namespace, place)));
        Ok(())
    }

    /// The report of it, by a judge that [`reads_plain`].
    pub fn report(
        &self,
        judge: &Judge,
        settings: &ExplainSettings,
        namespaces: &Namespaces,
    ) -> Report {
        let found = Found {
            key: &self.key,
            item: Some(self.item()),
            whence: Whence::Imagined,
            namespaces,
        };
        let mut report = judged::report(judge, settings, found);
        report.notes.clone_from(&self.notes);
        report.unsigned = is_unsigned(&self.object);
        report
    }

    /// As if it were stored.
    pub fn item(&self) -> Item {
        Item {
            key: self.key.clone(),
            value: self.object.to_string().into_bytes(),
            revision: SourceRevision(0),
            lease: 0,
        }
    }
}

/// What an object's key is made of.
fn name_of(object: &Value) -> [&Value; 4] {
    let metadata = &object["metadata"];
    [
        &object["apiVersion"],
        &object["kind"],
        &metadata["namespace"],
        &metadata["name"],
    ]
}

/// Whether it does not say who has written it: whoever stores it, adds that.
pub fn is_unsigned(object: &Value) -> bool {
    let writers = object["metadata"]["managedFields"].as_array();
    writers.is_none_or(Vec::is_empty)
}

/// A Namespace of which no more is known than its name.
pub fn namespace(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": {NAME_LABEL: name}},
    })
}

/// From now on values are read as they are: what is imagined is not encrypted.
pub fn reads_plain(judge: &Judge) {
    judge.set_keyrings(Keyrings::alike(Keyring::identity()));
}

/// What a judge that [`reads_plain`] knows of these Namespaces.
pub fn known(judge: &Judge, objects: &NamespaceObjects) -> Namespaces {
    let mut namespaces = Namespaces::default();
    for (name, object) in objects {
        let mut key = judge.namespace_range().start;
        key.extend_from_slice(name.as_bytes());
        namespaces.set(
            name,
            judge.namespace_view(&key, object.to_string().as_bytes()),
        );
    }
    namespaces
}
