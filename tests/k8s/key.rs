//! Keys taken apart.

use carry::k8s::key::is_cluster_local;
use carry::k8s::{Key, KeyError, KeyResource};

fn parse(key: &str) -> Result<String, KeyError> {
    let key = Key::parse("/registry", key.as_bytes())?;
    let resource = match key.resource {
        KeyResource::BuiltIn(resource) => format!("built-in {}", resource.kind),
        KeyResource::Custom { .. } => "custom".to_owned(),
        KeyResource::Unknown(_) => "unknown".to_owned(),
    };
    let namespace = key.namespace.unwrap_or("-");
    Ok(format!(
        "{resource} {:?} {} {namespace} {}",
        key.group(),
        key.plural(),
        key.name
    ))
}

#[test]
fn keys_are_taken_apart() {
    let cases = [
        ("/registry/secrets/a/b", r#"built-in Secret "" secrets a b"#),
        ("/registry/minions/n1", r#"built-in Node "" nodes - n1"#),
        (
            "/registry/services/specs/a/b",
            r#"built-in Service "" services a b"#,
        ),
        (
            "/registry/services/endpoints/a/b",
            r#"built-in Endpoints "" endpoints a b"#,
        ),
        (
            "/registry/ingress/a/b",
            r#"built-in Ingress "networking.k8s.io" ingresses a b"#,
        ),
        (
            "/registry/apiextensions.k8s.io/customresourcedefinitions/x.y.z",
            r#"built-in CustomResourceDefinition "apiextensions.k8s.io" customresourcedefinitions - x.y.z"#,
        ),
        (
            "/registry/test.io/cells/a/b",
            r#"custom "test.io" cells a b"#,
        ),
        ("/registry/test.io/cells/b", r#"custom "test.io" cells - b"#),
        (
            "/registry/masterleases/10.0.0.1",
            r#"unknown "" masterleases - 10.0.0.1"#,
        ),
        (
            "/registry/podsecuritypolicies/p",
            r#"unknown "" podsecuritypolicies - p"#,
        ),
        (
            "/registry/services/other/a",
            r#"unknown "" services other a"#,
        ),
    ];
    for (key, expected) in cases {
        assert_eq!(parse(key).as_deref(), Ok(expected), "{key}");
    }
}

#[test]
fn other_keys_are_refused() {
    let cases = [
        ("/other/secrets/a/b", KeyError::Outside),
        ("/registryx/secrets/a/b", KeyError::Outside),
        ("/registry", KeyError::Outside),
        ("/registry/", KeyError::Shape),
        ("/registry/secrets", KeyError::Shape),
        ("/registry/secrets/a", KeyError::Shape),
        ("/registry/secrets/a/", KeyError::Shape),
        ("/registry/secrets//b", KeyError::Shape),
        ("/registry/secrets/a/b/c", KeyError::Shape),
        ("/registry/namespaces/a/b", KeyError::Shape),
        ("/registry/test.io/a", KeyError::Shape),
        ("/registry/test.io//a", KeyError::Shape),
        ("/registry//a/b", KeyError::Shape),
        ("/registry//a", KeyError::Shape),
    ];
    for (key, expected) in cases {
        assert_eq!(parse(key), Err(expected), "{key}");
    }
    assert_eq!(
        Key::parse("/registry", b"/registry/secrets/a/\xff"),
        Err(KeyError::NotUtf8)
    );
}

#[test]
fn the_prefix_may_end_in_a_slash() {
    let key = Key::parse("/k8s/", b"/k8s/secrets/a/b").expect("a key");
    assert_eq!((key.namespace, key.name), (Some("a"), "b"));
}

#[test]
fn cluster_local_keys_are_known() {
    let local = |key: &str| is_cluster_local("/registry", key.as_bytes());
    assert!(local("/registry/masterleases/10.0.0.1"));
    assert!(local("/registry/peerserverleases/x"));
    assert!(local("/registry/ranges/servicenodeports"));
    assert!(!local("/registry/leases/kube-node-lease/n1"));
    assert!(!local("/masterleases/10.0.0.1"));
    assert!(!local("/registry/masterleasesx/10.0.0.1"));
}
