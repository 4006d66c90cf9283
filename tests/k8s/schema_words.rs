//! What the schema says of resources and paths.

use carry::k8s::schema::{by_kind, by_path, is_built_in_group, legacy_groups, resolve, resources};
use carry::k8s::{Encoding, FieldType, JsonShape, Path, PathError, Special};

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
        "admission.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "meta.k8s.io",
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

/// Kinds that Kubernetes 1.36 sends but does not store, and those that older
/// releases stored.
#[test]
fn kinds_that_are_not_stored_have_fields() {
    let cases = [
        ("", "v1", "PodExecOptions", "command[0]"),
        ("", "v1", "Status", "reason"),
        ("", "v1", "DeleteOptions", "preconditions.uid"),
        ("apps", "v1", "DeleteOptions", "preconditions.uid"),
        ("autoscaling", "v1", "Scale", "status.selector"),
        (
            "authorization.k8s.io",
            "v1beta1",
            "SubjectAccessReview",
            "spec.group[0]",
        ),
        (
            "policy",
            "v1beta1",
            "PodSecurityPolicy",
            "spec.seLinux.rule",
        ),
        (
            "autoscaling",
            "v2beta1",
            "HorizontalPodAutoscaler",
            "spec.metrics[0].pods.metricName",
        ),
        (
            "resource.k8s.io",
            "v1alpha2",
            "ResourceSlice",
            "namedResources.instances[0].attributes[0].string",
        ),
    ];
    for (group, version, kind, path) in cases {
        let found = field(group, Some(version), kind, path);
        assert_eq!(found, Ok(FieldType::String), "{group}/{version} {kind}");
    }
    let of_another_version = field("policy", Some("v1"), "PodSecurityPolicy", "spec");
    assert_eq!(of_another_version, Err(PathError::UnknownKind));
    let custom = field("test.io", Some("v1"), "Status", "reason");
    assert_eq!(custom, Err(PathError::UnknownKind));
    for kind in ["PodSecurityPolicy", "Scale", "Status"] {
        assert!(resources().iter().all(|own| own.kind != kind), "{kind}");
    }
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
    assert_eq!(
        unknown("Secret", "metadata.creationTimestamp.seconds"),
        told(2, "seconds", None)
    );
    assert_eq!(unknown("Pod", "spec.overhead.cpu.string").0, 3);
}

#[test]
fn special_fields_have_types() {
    let special = |special| Ok(FieldType::Special(special));
    let cases = [
        ("metadata.creationTimestamp", Special::Time),
        ("metadata.managedFields[0].fieldsV1", Special::Json),
        (
            "metadata.managedFields[0].fieldsV1['f:a'].b[0]",
            Special::Json,
        ),
        ("spec.overhead.cpu", Special::Quantity),
        (
            "spec.containers[0].livenessProbe.httpGet.port",
            Special::IntOrString,
        ),
    ];
    for (path, expected) in cases {
        assert_eq!(field("", None, "Pod", path), special(expected), "{path}");
        assert_eq!(
            expected.json_shape() == JsonShape::Any,
            expected == Special::Json
        );
    }
    let crd = |path: &str| {
        let path = format!("spec.validation.openAPIV3Schema.{path}");
        field(
            "apiextensions.k8s.io",
            None,
            "CustomResourceDefinition",
            &path,
        )
    };
    assert_eq!(crd("items"), special(Special::Choice));
    assert_eq!(crd("items.type"), Ok(FieldType::String));
    assert_eq!(crd("items[1].type"), Ok(FieldType::String));
    assert_eq!(crd("items[1]"), Ok(FieldType::Message));
    assert_eq!(crd("items[1].items.default.x"), special(Special::Json));
    assert_eq!(crd("dependencies.a[0]"), Ok(FieldType::String));
    assert_eq!(crd("dependencies.a.type"), Ok(FieldType::String));
    for wrong in [
        "items.typ",
        "dependencies.a[0].b",
        "additionalProperties[0]",
    ] {
        assert!(
            matches!(crd(wrong), Err(PathError::UnknownField { .. })),
            "{wrong}"
        );
    }
    let extra = |path| {
        field(
            "certificates.k8s.io",
            None,
            "CertificateSigningRequest",
            path,
        )
    };
    assert_eq!(extra("spec.extra.a"), special(Special::Strings));
    assert_eq!(extra("spec.extra.a[0]"), Ok(FieldType::String));
    assert!(extra("spec.extra.a.items").is_err());
}
