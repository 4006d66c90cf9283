//! Objects against the schemas of their kinds: carry's own table of fields,
//! which is always there, and Kubernetes' JSON schemas, which also know what is
//! required and what values are allowed.

use std::sync::LazyLock;

use carry::k8s::schema::{FieldType, PathError, resolve};
use carry::k8s::{Path, Special, Step};
use serde_json::{Value, json};

use super::{text, tools};

/// What is wrong with an object.
pub fn findings(object: &Value) -> Vec<String> {
    let mut found = by_table(object);
    let validator = match text(object, "/apiVersion") {
        "monitoring.coreos.com/v1" => Some(jsonschema::validator_for(&monitoring(object))),
        _ => kubernetes(object).map(|schema| jsonschema::validator_for(&schema)),
    };
    if let Some(validator) = validator {
        let validator = validator.expect("a schema");
        for error in validator.iter_errors(object) {
            found.push(format!("{}: {error}", error.instance_path()));
        }
    }
    found
}

/// Every object is as its kind wants it.
pub fn assert_good(objects: &[Value], from: &str) {
    assert!(!objects.is_empty(), "{from}: nothing");
    for object in objects {
        let found = findings(object);
        let (kind, name) = (text(object, "/kind"), text(object, "/metadata/name"));
        assert!(found.is_empty(), "{from}: {kind} {name}: {found:#?}");
    }
}

// ---------------------------------------------------------------------------
// By carry's own table

fn by_table(object: &Value) -> Vec<String> {
    let api_version = text(object, "/apiVersion");
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    if group == "monitoring.coreos.com" {
        return Vec::new();
    }
    let kind = text(object, "/kind");
    let mut found = Vec::new();
    let mut steps = Vec::new();
    let resolve = |path: &Path| resolve(group, Some(version), kind, path);
    look(object, &mut steps, &resolve, &mut found);
    found
}

fn look(
    value: &Value,
    steps: &mut Vec<Step>,
    resolve: &dyn Fn(&Path) -> Result<FieldType, PathError>,
    found: &mut Vec<String>,
) {
    let path = Path::new(steps.clone());
    let here = match resolve(&path) {
        Ok(here) => here,
        Err(error) => return found.push(format!("{path}: {error}")),
    };
    if !fits(here, value) {
        found.push(format!("{path}: {value} is no {here:?}"));
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if is_type_of_template(steps, name) {
                    continue;
                }
                steps.push(match here {
                    FieldType::Map => Step::Key(name.as_str().into()),
                    _ => Step::Field(name.as_str().into()),
                });
                look(value, steps, resolve, found);
                steps.pop();
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                steps.push(Step::Index(u32::try_from(at).expect("short")));
                look(value, steps, resolve, found);
                steps.pop();
            }
        }
        _ => {}
    }
}

/// A template of claims says what it is, and is stored without.
fn is_type_of_template(steps: &[Step], name: &str) -> bool {
    let in_template = matches!(steps, [.., list, Step::Index(_)]
        if list.name() == Some("volumeClaimTemplates"));
    in_template && matches!(name, "apiVersion" | "kind")
}

fn fits(here: FieldType, value: &Value) -> bool {
    match here {
        FieldType::String | FieldType::Bytes => value.is_string(),
        FieldType::Bool => value.is_boolean(),
        FieldType::Int | FieldType::Uint => value.is_i64() || value.is_u64(),
        FieldType::Double => value.is_number(),
        FieldType::Map | FieldType::Message => value.is_object(),
        FieldType::List => value.is_array(),
        FieldType::Special(Special::IntOrString | Special::Quantity) => {
            value.is_string() || value.is_number()
        }
        FieldType::Special(_) => true,
    }
}

// ---------------------------------------------------------------------------
// By JSON schemas

static DEFINITIONS: LazyLock<Option<Value>> = LazyLock::new(|| {
    let path = tools::kube_schemas("manifests against Kubernetes' JSON schemas")?;
    let bytes = std::fs::read(path).expect("the schemas");
    Some(serde_json::from_slice(&bytes).expect("JSON"))
});

/// The schema of a built-in kind; `None` where the schemas are not there.
fn kubernetes(object: &Value) -> Option<Value> {
    let definitions = DEFINITIONS.as_ref()?["$defs"].as_object()?;
    let api_version = text(object, "/apiVersion");
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let wanted = json!({"group": group, "version": version, "kind": text(object, "/kind")});
    let is_it = |definition: &&Value| {
        let kinds = definition["x-kubernetes-group-version-kind"].as_array();
        kinds.is_some_and(|kinds| kinds.contains(&wanted))
    };
    let found = definitions.values().find(is_it);
    let mut schema = found
        .unwrap_or_else(|| panic!("no such kind: {wanted}"))
        .clone();
    schema["$defs"] = Value::Object(definitions.clone());
    Some(schema)
}

/// What of Prometheus Operator's kinds is in use here.
fn monitoring(object: &Value) -> Value {
    let strict = |required: &[&str], properties: Value| {
        json!({
            "type": "object", "additionalProperties": false,
            "required": required, "properties": properties,
        })
    };
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let duration = json!({"type": "string", "pattern": "^([0-9]+(ms|s|m|h|d))+$"});
    let spec = match text(object, "/kind") {
        "ServiceMonitor" => {
            let endpoint = json!({
                "port": {"type": "string"}, "path": {"type": "string", "pattern": "^/"},
                "interval": duration, "scrapeTimeout": duration,
            });
            strict(
                &["selector", "endpoints"],
                json!({
                    "selector": strict(&["matchLabels"], json!({"matchLabels": texts})),
                    "endpoints": {"type": "array", "minItems": 1, "items": strict(&["port"], endpoint)},
                }),
            )
        }
        "PrometheusRule" => {
            let rule = json!({
                "alert": {"type": "string", "pattern": "^[A-Z][A-Za-z]+$"},
                "expr": {"type": "string", "minLength": 1}, "for": duration,
                "labels": texts, "annotations": texts,
            });
            let rules = json!({
                "type": "array", "minItems": 1,
                "items": strict(&["alert", "expr", "labels", "annotations"], rule),
            });
            let group = json!({"name": {"type": "string"}, "rules": rules});
            let group = strict(&["name", "rules"], group);
            let groups = json!({"type": "array", "minItems": 1, "items": group});
            strict(&["groups"], json!({"groups": groups}))
        }
        other => panic!("{other} is not known"),
    };
    let metadata = json!({
        "name": {"type": "string"}, "namespace": {"type": "string"}, "labels": texts,
    });
    let metadata = strict(&["name"], metadata);
    let all = json!({
        "apiVersion": {"type": "string"}, "kind": {"type": "string"},
        "metadata": metadata, "spec": spec,
    });
    strict(&["apiVersion", "kind", "metadata", "spec"], all)
}

// ---------------------------------------------------------------------------

/// The same object with one field's name misspelt, for each field whose name is
/// not the user's to choose.
fn misspelt(object: &Value) -> Vec<(String, Value)> {
    let mut places = Vec::new();
    fields(object, String::new(), &mut places);
    let misspell = |pointer: &String| {
        let mut object = object.clone();
        let (parent, name) = pointer.rsplit_once('/').expect("a field");
        let parent = object.pointer_mut(parent).expect("there").as_object_mut();
        let parent = parent.expect("an object");
        let value = parent.remove(&name.replace("~1", "/")).expect("there");
        parent.insert(format!("{name}q"), value);
        (pointer.clone(), object)
    };
    places.iter().map(misspell).collect()
}

fn fields(value: &Value, at: String, places: &mut Vec<String>) {
    const FREE: [&str; 8] = [
        "labels",
        "annotations",
        "matchLabels",
        "data",
        "selector",
        "nodeSelector",
        "requests",
        "limits",
    ];
    match value {
        Value::Object(fields_here) => {
            let is_free = FREE.iter().any(|name| at.ends_with(&format!("/{name}")))
                && !fields_here.contains_key("matchLabels");
            for (name, value) in fields_here {
                let pointer = format!("{at}/{}", name.replace('/', "~1"));
                if !is_free {
                    places.push(pointer.clone());
                }
                fields(value, pointer, places);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                fields(value, format!("{at}/{index}"), places);
            }
        }
        _ => {}
    }
}

/// No field may be misspelt in any of these objects without being found.
pub fn assert_misspelling_is_found(objects: &[Value]) -> usize {
    let mut tried = 0;
    for object in objects {
        for (pointer, wrong) in misspelt(object) {
            if matches!(pointer.as_str(), "/kind" | "/apiVersion") {
                continue;
            }
            tried += 1;
            let found = match text(object, "/apiVersion") {
                "monitoring.coreos.com/v1" => findings(&wrong),
                _ => by_table(&wrong),
            };
            assert!(
                !found.is_empty(),
                "{}: `{pointer}` is misspelt, and nobody says so",
                text(object, "/kind")
            );
        }
    }
    tried
}

#[test]
fn values_of_other_types_are_found() {
    let good = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "carry", "labels": {"a/b": "c"}},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"a": "b"}}},
    });
    assert_eq!(findings(&good), Vec::<String>::new());
    for (pointer, value) in [
        ("/metadata/name", json!(1)),
        ("/metadata/labels/a~1b", json!(true)),
        ("/spec/maxUnavailable", json!({})),
        ("/spec/selector", json!([])),
    ] {
        let mut wrong = good.clone();
        *wrong.pointer_mut(pointer).expect("there") = value;
        assert_eq!(by_table(&wrong).len(), 1, "{pointer}");
    }
}
