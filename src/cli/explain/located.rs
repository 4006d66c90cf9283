//! Where etcd has an object, and how it would be stored there, from what the
//! object says of itself.
//!
//! Promises the key that a kube-apiserver makes of a kind that carry knows, and
//! says where it is but likely: of a custom resource whose definition is not
//! given. Deliberately fills in no more than a stored object cannot be without:
//! what an apiserver adds besides, such as defaults, it does not know.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::k8s::schema;

/// An object with its key.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    /// The whole etcd key.
    pub key: String,
    /// The namespace that it is in.
    pub namespace: Option<String>,
    /// As it would be stored.
    pub object: Value,
    /// What was taken for granted.
    pub notes: Vec<String>,
}

/// What CustomResourceDefinitions say of kinds.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    /// By group and kind: the plural, and whether objects are in namespaces.
    kinds: HashMap<(String, String), (String, bool)>,
}

impl Definitions {
    /// Those among `objects`.
    pub fn of<'o>(objects: impl Iterator<Item = &'o Value>) -> Definitions {
        let mut kinds = HashMap::new();
        for object in objects.filter(|own| own["kind"] == "CustomResourceDefinition") {
            let spec = &object["spec"];
            let names = &spec["names"];
            if let (Some(group), Some(kind), Some(plural)) = (
                spec["group"].as_str(),
                names["kind"].as_str(),
                names["plural"].as_str(),
            ) {
                let namespaced = spec["scope"] != "Cluster";
                kinds.insert(
                    (group.to_owned(), kind.to_owned()),
                    (plural.to_owned(), namespaced),
                );
            }
        }
        Definitions { kinds }
    }
}

/// Where the objects of a kind are.
struct Home {
    /// Between the key prefix and the namespace or name.
    path: String,
    /// Whether they are in namespaces; `None` where nobody says.
    namespaced: Option<bool>,
    /// The apiVersion that is stored, where that is known.
    stored_as: Option<String>,
    note: Option<String>,
}

/// Finds an object's key under `prefix`.
pub fn locate(mut object: Value, prefix: &str, definitions: &Definitions) -> Located {
    let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
    let api_version = text("apiVersion");
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let kind = text("kind").to_owned();
    let home = home(group, &kind, definitions);
    let mut notes: Vec<String> = home.note.into_iter().collect();
    let stored_as = home.stored_as.filter(|own| own != api_version);
    let metadata = object.get("metadata");
    let of_metadata = |name: &str| {
        let text = metadata
            .and_then(|own| own.get(name))
            .and_then(Value::as_str);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let name = of_metadata("name").unwrap_or_default();
    let namespace = match (home.namespaced, of_metadata("namespace")) {
        (Some(false), Some(_)) => {
            notes.push("its kind has no namespaces: `metadata.namespace` is left out".to_owned());
            None
        }
        (Some(true), None) => {
            notes.push("it names no namespace: taken to be in `default`".to_owned());
            Some("default".to_owned())
        }
        (None, None) => {
            notes.push("it names no namespace: its kind is taken to have none".to_owned());
            None
        }
        (_, namespace) => namespace,
    };
    if let Some(stored_as) = stored_as {
        notes.push(format!(
            "an apiserver stores it as `{stored_as}`: it is judged as such, with the fields as they are written"
        ));
        object["apiVersion"] = stored_as.into();
    }
    store(&mut object, namespace.as_deref());
    let below = match &namespace {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name,
    };
    Located {
        key: format!("{prefix}/{}/{below}", home.path),
        namespace,
        object,
        notes,
    }
}

fn home(group: &str, kind: &str, definitions: &Definitions) -> Home {
    if let Some(resource) = schema::by_kind(group, kind) {
        return Home {
            path: resource.path.to_owned(),
            namespaced: Some(resource.namespaced),
            stored_as: Some(resource.api_version()),
            note: None,
        };
    }
    let custom = group.contains('.') && !schema::is_built_in_group(group);
    let defined = definitions.kinds.get(&(group.to_owned(), kind.to_owned()));
    if let (true, Some((plural, namespaced))) = (custom, defined) {
        return Home {
            path: format!("{group}/{plural}"),
            namespaced: Some(*namespaced),
            stored_as: None,
            note: None,
        };
    }
    let plural = plural(kind);
    let (path, note) = match custom {
        true => (
            format!("{group}/{plural}"),
            format!(
                "its key is likely, not certain: `{plural}` is a guess at the plural of `{kind}`; put its CustomResourceDefinition into the same input to be sure"
            ),
        ),
        false => (
            plural.clone(),
            format!("its key is a guess: carry does not know the kind `{kind}` of this group"),
        ),
    };
    Home {
        path,
        namespaced: None,
        stored_as: None,
        note: Some(note),
    }
}

/// The plural that most authors of a kind would choose.
fn plural(kind: &str) -> String {
    let name = kind.to_lowercase();
    let vowel = |c: char| "aeiou".contains(c);
    let before_last = name.chars().rev().nth(1);
    if name.ends_with('y') && !before_last.is_some_and(vowel) {
        return format!("{}ies", name.trim_end_matches('y'));
    }
    match ["s", "x", "z", "ch", "sh"]
        .iter()
        .any(|end| name.ends_with(end))
    {
        true => format!("{name}es"),
        false => format!("{name}s"),
    }
}

/// What an apiserver does on the way into etcd that rules can see.
fn store(object: &mut Value, namespace: Option<&str>) {
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    let Value::Object(members) = object else {
        return;
    };
    if kind == "Secret"
        && let Some(Value::Object(texts)) = members.remove("stringData")
    {
        let data = members
            .entry("data")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(data) = data {
            let texts = texts.into_iter();
            data.extend(texts.map(|(name, text)| {
                let text = STANDARD.encode(text.as_str().unwrap_or_default());
                (name, text.into())
            }));
        }
    }
    let Some(Value::Object(metadata)) = members.get_mut("metadata") else {
        return;
    };
    metadata.remove("resourceVersion");
    match namespace {
        Some(namespace) => drop(metadata.insert("namespace".to_owned(), namespace.into())),
        None => drop(metadata.remove("namespace")),
    }
    if kind == "Namespace" {
        let name = metadata.get("name").cloned().unwrap_or_default();
        let labels = metadata
            .entry("labels")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(labels) = labels {
            labels.entry(NAME_LABEL).or_insert(name);
        }
    }
}

/// The label that every Namespace has.
pub const NAME_LABEL: &str = "kubernetes.io/metadata.name";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn kinds_have_their_places() {
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "spec": {"group": "example.com", "names": {"kind": "Site", "plural": "siteses"}, "scope": "Cluster"}});
        let definitions = Definitions::of([&definition].into_iter());
        for (api_version, kind, namespace, wanted) in [
            ("v1", "Secret", "a", "/registry/secrets/a/n"),
            ("v1", "Secret", "", "/registry/secrets/default/n"),
            ("v1", "Service", "a", "/registry/services/specs/a/n"),
            ("v1", "Node", "a", "/registry/minions/n"),
            (
                "extensions/v1beta1",
                "Ingress",
                "a",
                "/registry/ingress/a/n",
            ),
            ("apps/v1", "Deployment", "a", "/registry/deployments/a/n"),
            (
                "example.com/v1",
                "Site",
                "a",
                "/registry/example.com/siteses/n",
            ),
            (
                "example.com/v1",
                "Policy",
                "a",
                "/registry/example.com/policies/a/n",
            ),
            (
                "example.com/v1",
                "Gateway",
                "",
                "/registry/example.com/gateways/n",
            ),
            (
                "example.com/v1",
                "Mesh",
                "a",
                "/registry/example.com/meshes/a/n",
            ),
            ("apps/v2", "Novelty", "a", "/registry/novelties/a/n"),
        ] {
            let object = json!({"apiVersion": api_version, "kind": kind,
                "metadata": {"name": "n", "namespace": namespace}});
            let located = locate(object, "/registry", &definitions);
            assert_eq!(located.key, wanted, "{:?}", located.notes);
        }
    }

    #[test]
    fn what_is_stored() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "b"},
            "metadata": {"name": "n", "resourceVersion": "7"}});
        let located = locate(secret, "/registry", &Definitions::default());
        assert_eq!(
            located.object,
            json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "Yg=="},
                "metadata": {"name": "n", "namespace": "default"}})
        );
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "metadata": {"name": "n"},
            "kind": "CustomResourceDefinition"});
        let located = locate(definition, "/registry", &Definitions::default());
        assert_eq!(located.object["apiVersion"], "apiextensions.k8s.io/v1beta1");
        assert_eq!(located.notes.len(), 1);
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}});
        let located = locate(namespace, "/registry", &Definitions::default());
        assert_eq!(
            located.object["metadata"]["labels"],
            json!({NAME_LABEL: "n"})
        );
    }
}
