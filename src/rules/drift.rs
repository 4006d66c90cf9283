//! What somebody else has changed in what carry wrote to the destination.
//!
//! Promises to name fields and never values, and none of those that a cluster's
//! own components keep in every object: `status`, who manages which field,
//! finalizers, their own annotations, and what they fill in where it was left
//! open. Deliberately says nothing where the two cannot be compared: an object
//! that is stored in another version is compared by its metadata alone, one of a
//! kind without a schema not at all.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::k8s::{Path, Record, Step, Transferred};

use super::as_there::AsThere;
use super::decide::Judge;
use super::outgoing::OutgoingScratch;
use super::policy::OnDrift;
use super::rule_set::RuleId;

/// How a key differs from what carry wrote.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Drift {
    /// It is not there.
    Gone,
    /// The destination's apiserver cannot read it.
    Unreadable,
    /// These fields of the object; never none.
    Fields(Vec<Changed>),
    /// The value of a key outside of Kubernetes.
    Value,
}

/// A field that somebody has changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Changed {
    /// Where it is.
    pub path: Path,
    /// Tells what is there from what else may be there.
    digest: u64,
}

impl Changed {
    fn new(names: &[&str], there: Option<&Value>) -> Changed {
        let mut hasher = DefaultHasher::new();
        let there = Zeroizing::new(there.map(Value::to_string).unwrap_or_default());
        there.hash(&mut hasher);
        Changed {
            path: path(names),
            digest: hasher.finish(),
        }
    }
}

/// So many fields are named.
const NAMED: usize = 5;

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = match self {
            Drift::Gone => return f.write_str("it is gone"),
            Drift::Unreadable => return f.write_str("its value cannot be read"),
            Drift::Value => return f.write_str("its value is another one"),
            Drift::Fields(fields) => fields,
        };
        let (named, rest) = fields.split_at(fields.len().min(NAMED));
        let verb = if fields.len() == 1 { "is" } else { "are" };
        for (at, field) in named.iter().enumerate() {
            let between = match at {
                0 => "",
                _ if at + 1 == fields.len() => " and ",
                _ => ", ",
            };
            write!(f, "{between}`{}`", field.path)?;
        }
        if !rest.is_empty() {
            write!(f, " and {} more fields", rest.len())?;
        }
        write!(f, " {verb} not as at the source")
    }
}

impl Judge {
    /// What others have changed in the value `there`, which carry wrote for the
    /// source's `value` of `key` under `rule`; `None` where it is nothing, or
    /// nothing can be said. May wait for a KMS plugin.
    pub fn drift(
        &self,
        key: &[u8],
        value: &[u8],
        there: &[u8],
        rule: RuleId,
        scratch: &mut OutgoingScratch,
    ) -> Option<Drift> {
        if self.is_there(key, value, there, Some(rule), scratch) {
            return None;
        }
        if self.is_outside_kubernetes(key) {
            return Some(Drift::Value);
        }
        let place = self.place(key).ok()?;
        let [group, plural] = [place.group(), place.plural()];
        let to_key = self.key_map().to_destination(key);
        let keyrings = self.keyrings();
        let (mut here, mut away) = (Zeroizing::default(), Zeroizing::default());
        // What must not be written is for nobody to compare with.
        let outgoing = self.outgoing_over(key, value, there, rule, scratch).ok()?;
        let wanted = match outgoing.value {
            Transferred::AsItIs => keyrings.source.open(group, plural, key, value, &mut here),
            Transferred::Sealed { value, .. } => {
                let destination = &keyrings.destination;
                destination.open(group, plural, &to_key, value, &mut here)
            }
        };
        let wanted = wanted.ok()?;
        let there = keyrings
            .destination
            .open(group, plural, &to_key, there, &mut away);
        match there {
            Ok(there) => {
                let expected = AsThere::of(&place, self.policies(Some(rule)));
                drifted(&expected.expected(wanted.plain, there.plain), there.plain)
            }
            // A plugin that does not answer says nothing of the value.
            Err(error) if error.is_transient() => None,
            Err(_) => Some(Drift::Unreadable),
        }
    }

    /// What becomes of it.
    pub fn on_drift(&self, rule: RuleId) -> OnDrift {
        let rule = self.plan().rules().get(rule.0 as usize);
        rule.map_or_else(OnDrift::default, |rule| rule.policies.drift)
    }
}

/// What others have changed in the plain value of an object that should be
/// `wanted`, and is `there`.
pub fn drifted(wanted: &[u8], there: &[u8]) -> Option<Drift> {
    if wanted == there {
        return None;
    }
    let wanted = Record::parse(wanted).ok()?;
    let readable = Record::parse(there).and_then(|there| there.verify().map(|()| there));
    let Ok(there) = readable else {
        return Some(Drift::Unreadable);
    };
    if wanted.kind() != there.kind() {
        return Some(Drift::Fields(vec![Changed::new(&["kind"], None)]));
    }
    let same_version = wanted.api_version() == there.api_version();
    let (mut wanted, mut there) = (wanted.to_json().ok()?, there.to_json().ok()?);
    let mut found = Vec::new();
    forget(&mut wanted, &mut there);
    let none = Map::new();
    let [wanted, there] = [&wanted, &there].map(|own| own.as_object().unwrap_or(&none));
    for top in names(wanted, there) {
        let versionless = top == "metadata" || same_version;
        if top != "apiVersion" && versionless {
            compare(top, wanted.get(top), there.get(top), &mut found);
        }
    }
    (!found.is_empty()).then_some(Drift::Fields(found))
}

fn names<'v>(one: &'v Map<String, Value>, other: &'v Map<String, Value>) -> Vec<&'v str> {
    let mut names: Vec<&str> = one.keys().chain(other.keys()).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Names what differs below `top`, one level down where there is one.
fn compare(top: &str, wanted: Option<&Value>, there: Option<&Value>, found: &mut Vec<Changed>) {
    let (Some(Value::Object(wanted)), Some(Value::Object(there))) = (wanted, there) else {
        if !is_same(wanted, there) {
            found.push(Changed::new(&[top], there));
        }
        return;
    };
    for name in names(wanted, there) {
        if !is_same(wanted.get(name), there.get(name)) {
            found.push(Changed::new(&[top, name], there.get(name)));
        }
    }
}

/// What is `null` is as if it was not there.
fn is_same(one: Option<&Value>, other: Option<&Value>) -> bool {
    let known = |own: &&Value| !own.is_null();
    match (one.filter(known), other.filter(known)) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let mut names = names(one, other).into_iter();
            names.all(|name| is_same(one.get(name), other.get(name)))
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.all(|(one, other)| is_same(Some(one), Some(other)))
        }
        (one, other) => one == other,
    }
}

fn path(names: &[&str]) -> Path {
    Path::new(
        names
            .iter()
            .map(|name| Step::Field((*name).into()))
            .collect(),
    )
}

/// What every apiserver and controller writes into metadata for itself.
const METADATA: &[&str] = &[
    "managedFields",
    "generation",
    "resourceVersion",
    "selfLink",
    "finalizers",
    "deletionGracePeriodSeconds",
];

/// Labels and annotations that a cluster's own controllers keep their notes in
/// begin so.
const NOTES: &[&str] = &[
    "autoscaling.alpha.kubernetes.io/",
    "batch.kubernetes.io/",
    "control-plane.alpha.kubernetes.io/",
    "deployment.kubernetes.io/",
    "deprecated.daemonset.template.generation",
    "endpoints.kubernetes.io/",
    "kubernetes.io/legacy-token-",
    "pv.kubernetes.io/",
    "volume.beta.kubernetes.io/",
    "volume.kubernetes.io/",
];

/// What a cluster's components write into objects of a kind: always, or where
/// the source left it open.
struct Own {
    group: &'static str,
    kind: &'static str,
    always: &'static [&'static str],
    open: &'static [&'static str],
}

const OWN: &[Own] = &[
    Own {
        group: "",
        kind: "PersistentVolume",
        always: &["/spec/claimRef/uid", "/spec/claimRef/resourceVersion"],
        open: &["/spec/claimRef"],
    },
    Own {
        group: "",
        kind: "PersistentVolumeClaim",
        always: &[],
        open: &["/spec/volumeName"],
    },
    Own {
        group: "",
        kind: "Pod",
        always: &[],
        open: &["/spec/nodeName"],
    },
    Own {
        group: "",
        kind: "Service",
        always: &[],
        open: &[
            "/spec/clusterIP",
            "/spec/clusterIPs",
            "/spec/ipFamilies",
            "/spec/ipFamilyPolicy",
            "/spec/healthCheckNodePort",
        ],
    },
    Own {
        group: "",
        kind: "ServiceAccount",
        always: &["/secrets"],
        open: &[],
    },
];

/// Takes out of both what is no drift.
fn forget(wanted: &mut Value, there: &mut Value) {
    let group_kind = [there["apiVersion"].as_str(), there["kind"].as_str()];
    let [version, kind] = group_kind.map(|text| text.unwrap_or_default().to_owned());
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let of_kind = OWN
        .iter()
        .filter(|own| (own.group, own.kind) == (group, &*kind));
    for own in of_kind {
        for pointer in own.open.iter().filter(|at| !is_set(wanted, at)) {
            remove(there, pointer);
        }
        for pointer in own.always {
            remove(wanted, pointer);
            remove(there, pointer);
        }
    }
    let type_ = "kubernetes.io/service-account-token";
    let is_token = kind == "Secret" && there["type"] == type_ && wanted["type"] == type_;
    let is_aggregated = kind == "ClusterRole" && !there["aggregationRule"].is_null();
    for object in [wanted, there] {
        remove(object, "/status");
        if is_token {
            remove(object, "/data");
        }
        if is_aggregated {
            remove(object, "/rules");
        }
        if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
            forget_notes(metadata);
        }
    }
}

fn forget_notes(metadata: &mut Map<String, Value>) {
    METADATA
        .iter()
        .for_each(|name| drop(metadata.remove(*name)));
    for notes in ["labels", "annotations"] {
        if let Some(Value::Object(notes)) = metadata.get_mut(notes) {
            notes.retain(|name, _| !NOTES.iter().any(|own| name.starts_with(own)));
        }
    }
    metadata.retain(|_, value| match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    });
}

fn is_set(object: &Value, pointer: &str) -> bool {
    let value = object.pointer(pointer);
    value.is_some_and(|value| !value.is_null() && *value != "")
}

fn remove(object: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        return;
    };
    if let Some(Value::Object(members)) = object.pointer_mut(parent) {
        members.remove(name);
    }
}
