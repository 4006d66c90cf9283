//! Workloads that rest at a standby: what makes them rest, and what wakes them
//! when the standby is promoted.
//!
//! Promises that waking an object needs nothing but the object: what rested in
//! it is written down in an annotation of its own, for the mirror and the
//! object that it was written by and for, since controllers and people copy
//! annotations. Only the few fields that carry sets are ever woken, and only
//! where they still have what carry has set. Deliberately touches no bytes:
//! `k8s::rewrite` does.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::k8s::schema::{self, legacy_groups};
use crate::k8s::{Edit, Field, Path, Record, Resource, Step};

use super::policy::Workloads;

/// The annotation that holds what the source has in fields that rest.
pub const ANNOTATION: &str = "standby.carry/source";

/// What a kind has to keep it from running.
struct Rest {
    group: &'static str,
    kind: &'static str,
    /// As the annotation has it.
    field: &'static str,
    path: Path,
    /// The map of which the field is an entry.
    map: Option<Path>,
    /// What the field has while it rests.
    resting: Value,
    /// Whether it would do the source's work once more.
    repeats: bool,
}

/// A label that no node has: DaemonSets have no number of replicas.
const NODE_SELECTOR: &str = "spec.template.spec.nodeSelector['standby.carry/promoted']";

static RESTS: LazyLock<Vec<Rest>> = LazyLock::new(|| {
    let (replicas, suspend) = ("spec.replicas", "spec.suspend");
    [
        ("apps", "Deployment", replicas),
        ("apps", "StatefulSet", replicas),
        ("apps", "ReplicaSet", replicas),
        ("", "ReplicationController", replicas),
        ("apps", "DaemonSet", NODE_SELECTOR),
        ("batch", "CronJob", suspend),
        ("batch", "Job", suspend),
    ]
    .into_iter()
    .filter_map(|(group, kind, field)| {
        let path: Path = field.parse().ok()?;
        let (resting, map) = match field {
            NODE_SELECTOR => {
                let (_, above) = path.steps().split_last()?;
                let map = Path::new(above.to_vec());
                // A node's label is a text.
                (Value::from("true"), Some(map))
            }
            field if field == suspend => (Value::from(true), None),
            _ => (Value::from(0), None),
        };
        Some(Rest {
            group,
            kind,
            field,
            path,
            map,
            resting,
            repeats: field == suspend,
        })
    })
    .collect()
});

static UID: LazyLock<Path> = LazyLock::new(|| of_metadata("uid"));
static ANNOTATIONS: LazyLock<Path> = LazyLock::new(|| of_metadata("annotations"));
static CONDITIONS: LazyLock<Option<Path>> = LazyLock::new(|| "status.conditions".parse().ok());

fn of_metadata(field: &str) -> Path {
    let steps = ["metadata", field].map(|name| Step::Field(name.into()));
    Path::new(steps.to_vec())
}

/// Changes of single fields.
pub(super) type Edits = Vec<(Path, Edit)>;

/// What the annotation holds.
#[derive(Serialize, Deserialize)]
struct Source {
    /// The name of the mirror that wrote it.
    mirror: String,
    /// The object that it was written for.
    uid: String,
    /// What the source has in each field; `null` where it has none.
    fields: BTreeMap<String, Value>,
}

/// The resources whose objects may rest.
pub fn resources() -> Vec<&'static Resource> {
    let kinds = RESTS.iter().map(|rest| (rest.group, rest.kind));
    kinds
        .filter_map(|(group, kind)| schema::by_kind(group, kind))
        .collect()
}

/// Those that rest under a setting.
pub fn resting(setting: Workloads) -> Vec<&'static Resource> {
    let asked = RESTS.iter().filter(|rest| rest.is_asked(setting));
    asked
        .filter_map(|rest| schema::by_kind(rest.group, rest.kind))
        .collect()
}

/// The edits that make an object rest, as `setting` asks for, with the
/// annotation that tells how to wake it.
pub(super) fn rested(record: &Record<'_>, setting: Workloads, mirror: &str) -> Edits {
    let asked = (setting != Workloads::AsIs).then(|| Rest::of(record));
    let Some(rest) = asked.flatten().filter(|rest| rest.is_asked(setting)) else {
        return Vec::new();
    };
    // What cannot be read cannot be changed either: that is told then.
    let now = shown(record, &rest.path);
    if now == rest.resting || has_ended(record) {
        return Vec::new();
    }
    let source = Source {
        mirror: mirror.to_owned(),
        uid: text(record, &UID),
        fields: BTreeMap::from([(rest.field.to_owned(), now)]),
    };
    // Texts, numbers and maps by texts: that cannot fail.
    let source = serde_json::to_string(&source).unwrap_or_default();
    vec![
        (rest.path.clone(), Edit::Set(rest.resting.clone())),
        (Path::annotation(ANNOTATION), Edit::Set(source.into())),
    ]
}

impl Rest {
    fn of(record: &Record<'_>) -> Option<&'static Rest> {
        let (group, kind) = (record.group(), record.kind());
        let legacy = |rest: &Rest| {
            let known = schema::by_kind(rest.group, rest.kind);
            known.is_some_and(|known| legacy_groups(known).contains(&group))
        };
        let mut rests = RESTS.iter();
        rests.find(|rest| rest.kind == kind && (rest.group == group || legacy(rest)))
    }

    fn is_asked(&self, setting: Workloads) -> bool {
        match setting {
            Workloads::AsIs => false,
            Workloads::ScaledToZero => true,
            Workloads::Suspended => self.repeats,
        }
    }
}

/// Whether it is a Job that will never run again.
fn has_ended(record: &Record<'_>) -> bool {
    let Some(path) = CONDITIONS.as_ref().filter(|_| record.kind() == "Job") else {
        return false;
    };
    let is_end = |condition: &Value| {
        let kind = condition.get("type").and_then(Value::as_str);
        let status = condition.get("status").and_then(Value::as_str);
        matches!(kind, Some("Complete" | "Failed")) && status == Some("True")
    };
    let conditions = shown(record, path);
    conditions
        .as_array()
        .is_some_and(|all| all.iter().any(is_end))
}

/// A field in the API's JSON; `null` where there is none, or it cannot be read.
fn shown(record: &Record<'_>, path: &Path) -> Value {
    let field = record.get(path).ok();
    let shown = field.and_then(|field| field.to_json().ok());
    shown.unwrap_or_default()
}

fn text(record: &Record<'_>, path: &Path) -> String {
    match record.get(path) {
        Ok(Field::String(text)) => text.into_owned(),
        _ => String::new(),
    }
}

/// A field of an object that is woken.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Woken {
    /// The field.
    pub field: String,
    /// What the source had there; `null` where it had nothing.
    pub value: Value,
    /// Whether it is put back; else the standby has something else there than
    /// carry has set, and keeps that.
    pub restored: bool,
}

/// The fields of an object at the destination that are woken, and what does
/// it; `None` where the mirror of this name has not made it rest.
pub(super) fn woken(record: &Record<'_>, mirror: &str) -> Option<(Vec<Woken>, Edits)> {
    let rest = Rest::of(record)?;
    let annotation = Path::annotation(ANNOTATION);
    let source: Source = serde_json::from_str(&text(record, &annotation)).ok()?;
    if source.mirror != mirror || source.uid != text(record, &UID) {
        return None;
    }
    let (mut fields, mut edits) = (Vec::new(), Vec::new());
    for (field, value) in source.fields {
        if field != rest.field {
            continue;
        }
        let restored = shown(record, &rest.path) == rest.resting;
        if restored {
            edits.push(match (&value, &rest.map) {
                (Value::Null, Some(map)) => (without_entry(record, map, &rest.path), Edit::Remove),
                (Value::Null, None) => (rest.path.clone(), Edit::Remove),
                (value, _) => (rest.path.clone(), Edit::Set(value.clone())),
            });
        }
        fields.push(Woken {
            field,
            value,
            restored,
        });
    }
    let gone = without_entry(record, &ANNOTATIONS, &annotation);
    edits.push((gone, Edit::Remove));
    Some((fields, edits))
}

/// What has to go with an entry of a map: a kube-apiserver writes no empty one.
fn without_entry(record: &Record<'_>, map: &Path, entry: &Path) -> Path {
    let entries = shown(record, map);
    let is_last = entries.as_object().is_some_and(|all| all.len() == 1);
    match is_last {
        true => map.clone(),
        false => entry.clone(),
    }
}
