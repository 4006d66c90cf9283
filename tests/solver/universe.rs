//! All objects of a small universe, as what rules read of them.

use carry::k8s::{Path, Step};
use carry::lang::hir::{Node, Predicate};
use carry::lang::{Fault, FaultKind, Value, Verdict, oracle};
use serde_json::{Value as Json, json};

/// An object, and what is known of its Namespace.
pub struct World {
    pub object: Json,
    pub group: &'static str,
    pub version: &'static str,
    /// `None` where it does not exist, `Some(Err)` where it cannot be read.
    pub namespace: Option<Result<Json, ()>>,
}

/// How a condition comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    Holds,
    Fails,
    Faults,
}

/// Every object there is.
pub fn all() -> Vec<World> {
    let mut all = Vec::new();
    let specs = [
        json!(null),
        json!({}),
        json!({"x": 1}),
        json!({"x": 2, "y": 1, "l": [1]}),
        json!({"x": 1.5, "b": true}),
        json!({"x": "a", "b": false, "l": []}),
        json!({"x": "1", "y": "1"}),
        json!({"x": true, "l": [1, 2]}),
        json!({"x": null, "b": true}),
        json!({"x": 0, "y": 0, "b": "a"}),
        json!({"b": true, "l": {"k": 2}}),
        json!({"b": false}),
        json!("text"),
    ];
    let replicas = [
        json!(null),
        json!({}),
        json!({"replicas": 0}),
        json!({"replicas": 1}),
        json!({"replicas": 2}),
    ];
    let none = [json!(null)];
    for (group, version, kind, specs) in [
        ("", "v1", "ConfigMap", &none[..]),
        ("", "v1", "Namespace", &none[..]),
        ("", "v1", "PersistentVolumeClaim", &none[..]),
        ("coordination.k8s.io", "v1", "Lease", &none[..]),
        ("apps", "v1", "Deployment", &replicas[..]),
        ("example.com", "v1", "Site", &specs[..]),
    ] {
        for spec in specs {
            for labels in labels() {
                add(&mut all, (group, version, kind), spec, &labels, None);
            }
        }
        for owner in OWNERS {
            add(
                &mut all,
                (group, version, kind),
                &specs[0],
                &json!({}),
                Some(owner),
            );
        }
    }
    all
}

/// The controllers that objects may have.
const OWNERS: [(&str, &str); 3] = [
    ("v1", "ConfigMap"),
    ("apps/v1", "Deployment"),
    ("example.com/v1", "Site"),
];

fn labels() -> Vec<Json> {
    vec![
        json!({}),
        json!({"app": "a"}),
        json!({"app": "b", "tier": "a"}),
        json!({"app": "", "tier": "b"}),
        json!({"tier": ""}),
    ]
}

fn add(
    all: &mut Vec<World>,
    (group, version, kind): (&'static str, &'static str, &'static str),
    spec: &Json,
    labels: &Json,
    owner: Option<(&str, &str)>,
) {
    let namespaces: &[Option<&str>] = match kind {
        "Namespace" => &[None],
        "Site" => &[None, Some("a"), Some("ab")],
        _ => &[Some("a"), Some("b"), Some("ab")],
    };
    for namespace in namespaces {
        for name in ["a", "b", "ab"] {
            let mut metadata = json!({"name": name});
            if let Some(namespace) = namespace {
                metadata["namespace"] = json!(namespace);
            }
            if labels.as_object().is_some_and(|labels| !labels.is_empty()) {
                metadata["labels"] = labels.clone();
            }
            if let Some((api_version, kind)) = owner {
                metadata["ownerReferences"] = json!([
                    {"apiVersion": api_version, "kind": kind, "name": "o", "uid": "u", "controller": true}
                ]);
            }
            let mut object = json!({"apiVersion": format!("{group}/{version}"), "kind": kind, "metadata": metadata});
            if !spec.is_null() {
                object["spec"] = spec.clone();
            }
            // What the Namespace is, is spread over the objects of each.
            let known = match (namespace, all.len() % 7 % 5) {
                (None, _) | (_, 0) => None,
                (_, 1) => Some(Err(())),
                (Some(own), 2) => Some(Ok(json!({"metadata": {"name": own}}))),
                (Some(own), 3) => Some(Ok(
                    json!({"metadata": {"name": own, "labels": {"env": "p"}}}),
                )),
                (Some(own), _) => Some(Ok(
                    json!({"metadata": {"name": own, "labels": {"env": "q"}}}),
                )),
            };
            all.push(World {
                object,
                group,
                version,
                namespace: known,
            });
        }
    }
}

/// Where a slot's value comes from.
enum Source {
    Group,
    Version,
    Object(Path),
    /// `None` for whether there is a Namespace.
    Namespace(Option<Path>),
}

impl Source {
    fn of(slot: &str) -> Source {
        let path = |text: &str| text.parse().expect("a path");
        match (slot, slot.strip_prefix("namespaceObject.")) {
            ("group", _) => Source::Group,
            ("version", _) => Source::Version,
            ("object", _) => Source::Object(Path::new(Vec::new())),
            ("namespaceObject", _) => Source::Namespace(None),
            (_, Some(below)) => Source::Namespace(Some(path(below))),
            _ => Source::Object(path(slot)),
        }
    }

    fn value<'w>(&self, world: &'w World) -> Value<'w> {
        match (self, &world.namespace) {
            (Source::Group, _) => Value::str(world.group),
            (Source::Version, _) => Value::str(world.version),
            (Source::Object(path), _) => at(&world.object, path),
            (Source::Namespace(_), None) => Value::Absent,
            (Source::Namespace(_), Some(Err(()))) => Value::Fault(FaultKind::Unreadable),
            (Source::Namespace(None), Some(Ok(_))) => Value::Bool(true),
            (Source::Namespace(Some(path)), Some(Ok(object))) => at(object, path),
        }
    }
}

/// The values of a predicate's slots for every object.
pub fn values<'w>(universe: &'w [World], predicate: &Predicate) -> Vec<Vec<Value<'w>>> {
    let slots = predicate.slots.iter();
    let sources: Vec<Source> = slots.map(|slot| Source::of(&slot.name)).collect();
    let worlds = universe.iter();
    worlds
        .map(|world| sources.iter().map(|source| source.value(world)).collect())
        .collect()
}

/// What an object has at a path: nothing where the way ends early.
fn at<'w>(object: &'w Json, path: &Path) -> Value<'w> {
    let mut at = object;
    for step in path.steps() {
        let found = match step {
            Step::Field(name) | Step::Key(name) => at.get(&**name),
            Step::Index(index) => at.get(*index as usize),
        };
        match found {
            Some(found) => at = found,
            None => return Value::Absent,
        }
    }
    Value::from(at)
}

impl From<Result<Verdict, Fault>> for Truth {
    fn from(verdict: Result<Verdict, Fault>) -> Truth {
        match verdict {
            Ok(Verdict::Match) => Truth::Holds,
            Ok(Verdict::NoMatch) => Truth::Fails,
            Err(_) => Truth::Faults,
        }
    }
}

/// How a condition comes out for these values.
pub fn truth(node: &Node, values: &[Value<'_>]) -> Truth {
    oracle::truth(node, values).map(Verdict::from).into()
}
