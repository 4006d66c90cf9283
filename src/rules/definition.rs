//! What a CustomResourceDefinition says, and which part of it is its own
//! cluster's.
//!
//! Promises that of a definition that comes to the destination the versions
//! under which the destination may have stored objects are kept, and what its
//! controllers say of it. Deliberately knows no keys.

use serde_json::{Map, Value};

use crate::k8s::{Edit, Path, Record};

use super::policy::Policy;
use super::rewriting::Rewriting;

/// What a CustomResourceDefinition says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The API group.
    pub group: String,
    /// The kind of its objects.
    pub kind: String,
    /// The lower-case plural, as in URLs and keys.
    pub plural: String,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// The names of its versions.
    pub versions: Vec<String>,
    /// Under which versions objects may be stored.
    pub stored_versions: Vec<String>,
    /// Whether a kube-apiserver has taken it up: its condition `Established`
    /// is `True`, and `NamesAccepted` is not `False`.
    pub established: bool,
    /// Whether it is being deleted, with all its objects.
    pub deleting: bool,
    /// The revision that changed it last.
    pub mod_revision: i64,
}

/// What the controllers of each cluster say for themselves, under `status`.
const OWN: [&str; 2] = ["conditions", "acceptedNames"];
const STORED: &str = "storedVersions";

impl Definition {
    /// Of the object as the API shows it; `None` where it defines nothing.
    pub fn of(object: &Value, mod_revision: i64) -> Option<Definition> {
        let spec = object.get("spec")?;
        let conditions = status(object, "conditions").and_then(Value::as_array);
        let condition = |name: &str| {
            let mut all = conditions?.iter();
            let found = all.find(|own| own.get("type").and_then(Value::as_str) == Some(name))?;
            found.get("status")?.as_str()
        };
        let names = spec.get("names")?;
        let deletion = object
            .get("metadata")
            .and_then(|own| own.get("deletionTimestamp"));
        Some(Definition {
            group: text(spec, "group")?,
            kind: text(names, "kind")?,
            plural: text(names, "plural")?,
            namespaced: text(spec, "scope").as_deref() == Some("Namespaced"),
            versions: versions(spec),
            stored_versions: texts(status(object, STORED)),
            established: condition("Established") == Some("True")
                && condition("NamesAccepted") != Some("False"),
            deleting: deletion.is_some_and(|time| !time.is_null()),
            mod_revision,
        })
    }

    /// Whether it has a version of this name.
    pub fn has(&self, version: &str) -> bool {
        self.versions.iter().any(|own| own == version)
    }
}

/// Those in `versions`; one that is stored without has a single `version`.
fn versions(spec: &Value) -> Vec<String> {
    let all = spec.get("versions").and_then(Value::as_array);
    let listed = all.into_iter().flatten();
    let listed: Vec<String> = listed.filter_map(|own| text(own, "name")).collect();
    match (listed.is_empty(), text(spec, "version")) {
        (true, Some(name)) => vec![name],
        _ => listed,
    }
}

/// What changes in the source's definition `here` where the destination has
/// `there`, or nothing.
pub fn rewritings(here: &Value, there: Option<&Value>) -> Vec<Rewriting> {
    let mut found = Vec::new();
    for name in OWN {
        let ours = status(here, name);
        let theirs = there.and_then(|there| status(there, name));
        let edit = match theirs {
            _ if ours == theirs => continue,
            Some(theirs) => Edit::Set(theirs.clone()),
            None => Edit::Remove,
        };
        found.extend(rewriting(name, edit));
    }
    let ours = texts(status(here, STORED));
    let wanted = there.map_or_else(|| ours.clone(), |there| stored(here, there));
    if wanted != ours {
        found.extend(rewriting(STORED, Edit::Set(wanted.into())));
    }
    found
}

fn rewriting(name: &str, edit: Edit) -> Option<Rewriting> {
    let path: Path = format!("status.{name}").parse().ok()?;
    let policy = Policy::Definitions;
    Some(Rewriting { policy, path, edit })
}

/// Under which versions objects may be stored at the destination: those of the
/// source, which come, and those of its own that are versions still.
fn stored(here: &Value, there: &Value) -> Vec<String> {
    let mut all = texts(status(here, STORED));
    let versions = here.get("spec").map(versions).unwrap_or_default();
    for version in texts(status(there, STORED)) {
        if versions.contains(&version) && !all.contains(&version) {
            all.push(version);
        }
    }
    all
}

/// The versions under which the destination may have stored objects and that
/// the source's definition no longer has.
pub fn dropped(here: &Value, there: &Value) -> Vec<String> {
    let versions = here.get("spec").map(versions).unwrap_or_default();
    let mut stored = texts(status(there, STORED));
    stored.retain(|version| !versions.contains(version));
    stored
}

/// Whether the destination's plain value needs no write for the source's, but
/// for what is the destination's own.
pub fn is_there(here: &[u8], there: &[u8]) -> bool {
    let object = |plain| Record::parse(plain).and_then(|record| record.to_json());
    let (Ok(here), Ok(there)) = (object(here), object(there)) else {
        return false;
    };
    dropped(&here, &there).is_empty()
        && stored(&here, &there).len() == texts(status(&there, STORED)).len()
        && carried(here) == carried(there)
}

/// The object without what is its cluster's own.
fn carried(mut object: Value) -> Value {
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        status.remove(STORED);
        for name in OWN {
            status.remove(name);
        }
        let is_empty = status.is_empty();
        remove_if(is_empty, &mut object, "status");
    }
    // Who has written the status.
    if let Some(metadata) = object.get_mut("metadata")
        && let Some(fields) = metadata
            .get_mut("managedFields")
            .and_then(Value::as_array_mut)
    {
        fields.retain(|own| own.get("subresource").and_then(Value::as_str) != Some("status"));
        let is_empty = fields.is_empty();
        remove_if(is_empty, metadata, "managedFields");
    }
    object
}

fn remove_if(is_so: bool, object: &mut Value, name: &str) {
    let map: Option<&mut Map<String, Value>> = object.as_object_mut().filter(|_| is_so);
    map.map(|map| map.remove(name));
}

/// A field of the status that is more than `null`.
fn status<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    let found = object.get("status")?.get(name)?;
    Some(found).filter(|found| !found.is_null())
}

fn text(of: &Value, name: &str) -> Option<String> {
    Some(of.get(name)?.as_str()?.to_owned())
}

fn texts(list: Option<&Value>) -> Vec<String> {
    let all = list.and_then(Value::as_array).into_iter().flatten();
    let texts = all.filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}
