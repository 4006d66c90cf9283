//! `--what-if`: both verdicts, and what cannot be changed.

use super::{Folder, from_snapshot, with_snapshot};

#[test]
fn of_stored_objects() {
    let folder = with_snapshot();
    let deployment = "/registry/deployments/shop/db";
    let secret = "/registry/secrets/lab/token";
    for (name, key, changes) in [
        ("label", deployment, &["metadata.labels.app=web"][..]),
        (
            "two_changes",
            deployment,
            &["metadata.labels.app=web", "spec.replicas=1"],
        ),
        (
            "label_removed",
            "/registry/deployments/shop/web",
            &["metadata.labels.app-"],
        ),
        ("namespace_label", secret, &["namespace.labels.env=prod"]),
        (
            "namespace_label_removed",
            "/registry/secrets/shop/token",
            &["namespace.labels.env-"],
        ),
        ("another_namespace", secret, &["metadata.namespace=shop"]),
        (
            "a_namespace_that_is_not_there",
            secret,
            &["metadata.namespace=new", "namespace.labels.env=prod"],
        ),
        (
            "another_name",
            "/registry/secrets/shop/skip-me",
            &["metadata.name=keep-me"],
        ),
        ("nothing", deployment, &["spec.replicas=3"]),
        (
            "a_secret",
            "/registry/secrets/shop/token",
            &["data.password=bmV3", "type=other"],
        ),
        (
            "mended",
            "/registry/example.com/policies/shop/unsized",
            &["spec.size-", "spec.size=4"],
        ),
    ] {
        let changes = changes.iter().flat_map(|own| ["--what-if", own]);
        let told = folder.told(&from_snapshot(key, &changes.collect::<Vec<_>>()));
        assert!(!told.contains("aHVudGVyMjI="), "{told}");
        insta::assert_snapshot!(format!("what_if_{name}"), told);
    }
    let json = folder.json(&from_snapshot(
        deployment,
        &["--what-if", "metadata.labels.app=web"],
    ));
    assert_eq!(json["decision"], "skip");
    let then = &json["whatIf"];
    assert_eq!(then["result"]["decision"], "put");
    assert_eq!(then["result"]["rule"], "web");
    assert_eq!(
        then["changes"],
        serde_json::json!([{"path": "metadata.labels.app", "before": "db", "after": "web"}])
    );
}

#[test]
fn of_manifests() {
    let folder = Folder::new();
    let text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: shop}\n";
    let args = ["-f", "-", "--what-if", "namespace.labels.env=prod"];
    insta::assert_snapshot!("what_if_of_a_file", folder.told_of(text, &args));
    let text = format!("{text}---\napiVersion: v1\nkind: Secret\nmetadata: {{name: b}}\n");
    insta::assert_snapshot!("what_if_of_two_objects", folder.told_of(&text, &args));
}

#[test]
fn what_cannot_be_changed() {
    let folder = with_snapshot();
    let mut all = Vec::new();
    for (key, change) in [
        ("deployments/shop/web", "spec"),
        ("deployments/shop/web", "=3"),
        ("deployments/shop/web", "spec..x=3"),
        ("deployments/shop/web", "namespace=x"),
        ("deployments/shop/web", "spec.replcas=3"),
        ("deployments/shop/web", "spec.replicas=many"),
        ("deployments/shop/web", "spec.replicas.x=1"),
        ("deployments/shop/web", "spec.paused=yes"),
        ("deployments/shop/web", "spec.selector=x"),
        ("deployments/shop/web", "metadata.finalizers=x"),
        ("deployments/shop/web", "metadata.finalizers[1]=x"),
        ("deployments/shop/web", "metadata.labels.example.com=x"),
        ("deployments/shop/web", "metadata.labels.example.com/tier=x"),
        ("deployments/shop/web", "metadata.labels.none-"),
        ("deployments/shop/web", "metadata.name-"),
        ("secrets/shop/token", "data.password=***"),
        ("example.com/policies/shop/large", "spec.size.x=1"),
        ("namespaces/shop", "namespace.labels.a=b"),
        ("secrets/shop/none", "type=a"),
        ("pods/shop/web-0", "spec.nodeName=a"),
    ] {
        let key = format!("/registry/{key}");
        all.push(folder.told(&from_snapshot(&key, &["--what-if", change])));
    }
    all.push(folder.told(&from_snapshot(
        "/settings/mail",
        &["--what-if", "enabled=false"],
    )));
    insta::assert_snapshot!(
        "what_if_impossible",
        all.join("\n").replace("--snapshot etcd.db ", "")
    );
}

#[test]
fn values_become_what_the_field_is() {
    let folder = with_snapshot();
    for (key, change, place) in [
        (
            "deployments/shop/web",
            "metadata.labels.version=3",
            r#"+ metadata.labels.version: "3""#,
        ),
        (
            "deployments/shop/web",
            "metadata.labels['example.com/a=b']=x=y",
            r#"+ metadata.labels["example.com/a=b"]: "x=y""#,
        ),
        (
            "deployments/shop/web",
            "metadata.finalizers=[a, b]",
            r#"+ metadata.finalizers: ["a","b"]"#,
        ),
        (
            "deployments/shop/web",
            "metadata.finalizers[0]=a",
            r#"+ metadata.finalizers: ["a"]"#,
        ),
        (
            "deployments/shop/web",
            "spec.paused=true",
            "+ spec.paused: true",
        ),
        (
            "deployments/shop/web",
            "spec.selector={matchLabels: {a: b}}",
            r#"+ spec.selector: {"matchLabels":{"a":"b"}}"#,
        ),
        (
            "deployments/shop/web",
            "metadata.annotations.a=",
            r#"+ metadata.annotations: {"a":""}"#,
        ),
        (
            "deployments/shop/web",
            "metadata.labels.app-",
            r#"- metadata.labels: {"app":"web"}"#,
        ),
        (
            "example.com/policies/shop/large",
            "spec.size=5",
            "~ spec.size: 4 → 5",
        ),
        (
            "example.com/policies/shop/large",
            "spec.name=five",
            r#"+ spec.name: "five""#,
        ),
        (
            "example.com/policies/shop/large",
            "spec.on=true",
            "+ spec.on: true",
        ),
        (
            "example.com/policies/shop/large",
            "spec.l={a: [1]}",
            r#"+ spec.l: {"a":[1]}"#,
        ),
        (
            "example.com/policies/shop/large",
            "spec.s=\"5\"",
            r#"+ spec.s: "5""#,
        ),
        (
            "example.com/policies/shop/large",
            "metadata.labels.v=1",
            r#"+ metadata.labels: {"v":"1"}"#,
        ),
        (
            "example.com/policies/shop/unsized",
            "spec.size=5",
            r#"~ spec.size: "four" → "5""#,
        ),
    ] {
        let key = format!("/registry/{key}");
        let told = folder.told(&from_snapshot(&key, &["--what-if", change]));
        assert!(told.contains(&format!("    {place}\n")), "{change}: {told}");
    }
}
