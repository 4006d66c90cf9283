//! What the schema says of resources and paths.

use carry::k8s::schema::{by_kind, by_path, is_built_in_group, legacy_groups, resolve, resources};
use carry::k8s::{Encoding, FieldType, Path, PathError};

fn field(
    group: &str,
    version: Option<&str>,
    kind: &str,
    path: &str,
) -> Result<FieldType, PathError> {
    resolve(group, version, kind, &path.parse().expect(path))
}

#[test]
fn resources_are_found_by_path_and_kind() {
    for resource in resources() {
        assert_eq!(by_path(resource.path), Some(resource));
        assert_eq!(by_kind(resource.group, resource.kind), Some(resource));
        assert!(is_built_in_group(resource.group));
    }
    let path = |group, kind| by_kind(group, kind).map(|resource| resource.path);
    assert_eq!(path("extensions", "Ingress"), Some("ingress"));
    assert_eq!(path("extensions", "Deployment"), Some("deployments"));
    assert_eq!(path("events.k8s.io", "Event"), Some("events"));
    assert_eq!(path("", "Event"), Some("events"));
    assert_eq!(path("", "Node"), Some("minions"));
    assert_eq!(path("test.io", "Secret"), None);
    assert_eq!(by_path("masterleases"), None);
    let events = by_path("events").expect("events");
    assert_eq!(legacy_groups(events), ["events.k8s.io"]);
    let crds = by_kind("apiextensions.k8s.io", "CustomResourceDefinition").expect("CRDs");
    assert_eq!(
        (crds.encoding, crds.api_version().as_str()),
        (Encoding::Json, "apiextensions.k8s.io/v1beta1")
    );
}

#[test]
fn groups_are_told_apart() {
    for group in [
        "",
        "apps",
        "extensions",
        "events.k8s.io",
        "authorization.k8s.io",
    ] {
        assert!(is_built_in_group(group), "{group}");
    }
    for group in ["test.io", "k8s.io", "*", "app"] {
        assert!(!is_built_in_group(group), "{group}");
    }
}

#[test]
fn paths_have_types() {
    let cases = [
        ("Secret", "type", FieldType::String),
        ("Secret", "kind", FieldType::String),
        ("Secret", "immutable", FieldType::Bool),
        ("Secret", "data", FieldType::Map),
        ("Secret", "data.password", FieldType::Bytes),
        ("Secret", "metadata", FieldType::Message),
        ("Secret", "metadata.generation", FieldType::Int),
        ("Secret", "metadata.labels['a/b']", FieldType::String),
        ("Secret", "metadata.finalizers", FieldType::List),
        ("Secret", "metadata.finalizers[0]", FieldType::String),
        ("Pod", "spec.containers[0].image", FieldType::String),
        (
            "Pod",
            "spec.volumes[1].secret.secretName",
            FieldType::String,
        ),
        ("Pod", "spec['hostNetwork']", FieldType::Bool),
    ];
    for (kind, path, expected) in cases {
        assert_eq!(field("", None, kind, path), Ok(expected), "{kind} {path}");
    }
    assert_eq!(
        field("apps", None, "Deployment", "spec.replicas"),
        Ok(FieldType::Int)
    );
    assert_eq!(
        field("extensions", None, "Ingress", "spec.rules[0].host"),
        Ok(FieldType::String)
    );
    assert_eq!(
        field("apps", Some("v1beta1"), "Deployment", "spec.replicas"),
        Ok(FieldType::Int)
    );
    assert_eq!(
        resolve("", None, "Secret", &Path::new(Vec::new())),
        Ok(FieldType::Message)
    );
}

#[test]
fn what_is_not_there_is_told() {
    let unknown = |kind: &str, path: &str| match field("", None, kind, path) {
        Err(PathError::UnknownField {
            segment,
            name,
            suggestion,
            ..
        }) => (segment, name, suggestion),
        other => panic!("{kind} {path}: {other:?}"),
    };
    let told = |segment, name: &str, suggestion: Option<&str>| {
        (segment, name.to_owned(), suggestion.map(str::to_owned))
    };
    assert_eq!(unknown("Secret", "typ"), told(0, "typ", Some("type")));
    assert_eq!(unknown("Secret", "Type"), told(0, "Type", Some("type")));
    assert_eq!(
        unknown("Pod", "spec.nodename"),
        told(1, "nodename", Some("nodeName"))
    );
    assert_eq!(unknown("Pod", "spec.qqqq"), told(1, "qqqq", None));
    assert_eq!(unknown("Secret", "type.x"), told(1, "x", None));
    assert_eq!(unknown("Secret", "data.a.b"), told(2, "b", None));
    assert_eq!(
        unknown("Pod", "spec.containers.image"),
        told(2, "image", None)
    );
    assert_eq!(unknown("Secret", "metadata[0]"), told(1, "[0]", None));
    // A hidden message has no name of its own.
    assert_eq!(unknown("Pod", "spec.volumes[0].volumeSource").0, 3);
    assert_eq!(
        field("test.io", None, "Cell", "spec"),
        Err(PathError::UnknownKind)
    );
    assert_eq!(
        field("", None, "PodSpec", "containers"),
        Err(PathError::UnknownKind)
    );
    assert_eq!(
        field("", Some("v2"), "Secret", "type"),
        Err(PathError::UnknownKind)
    );
    for path in [
        "metadata.creationTimestamp",
        "metadata.creationTimestamp.seconds",
    ] {
        assert!(
            matches!(
                field("", None, "Secret", path),
                Err(PathError::NotReadable { .. })
            ),
            "{path}"
        );
    }
}
