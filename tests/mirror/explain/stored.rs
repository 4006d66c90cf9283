//! Keys of a snapshot file, one by one.

use super::{Folder, cluster, from_snapshot, with_snapshot};
use crate::mirror::bolt::Database;
use crate::shared;

#[test]
fn what_is_in_a_snapshot() {
    let folder = with_snapshot();
    for (name, key) in [
        ("selected_by_a_condition", "/registry/deployments/shop/web"),
        ("misses_a_label", "/registry/deployments/shop/db"),
        ("selected_by_its_namespace", "/registry/secrets/shop/token"),
        ("excluded", "/registry/secrets/shop/skip-me"),
        ("in_another_namespace", "/registry/secrets/lab/token"),
        ("has_another_name", "/registry/configmaps/shop/other"),
        (
            "a_custom_resource",
            "/registry/example.com/policies/shop/large",
        ),
        (
            "cannot_be_evaluated",
            "/registry/example.com/policies/shop/unsized",
        ),
        ("no_rule_is_for_it", "/registry/pods/shop/web-0"),
        ("outside_of_kubernetes", "/settings/mail"),
        ("outside_and_not_selected", "/settings/fax"),
        ("of_one_cluster_alone", "/registry/masterleases/192.0.2.1"),
    ] {
        let told = folder.told(&from_snapshot(key, &[]));
        insta::assert_snapshot!(format!("stored_{name}"), told);
    }
}

/// Of a key that is not there, its name still says something.
#[test]
fn what_is_not_in_a_snapshot() {
    let folder = with_snapshot();
    for (name, key) in [
        ("depends_on_its_value", "/registry/deployments/shop/none"),
        ("could_be_selected", "/registry/namespaces/none"),
        (
            "in_a_namespace_with_other_labels",
            "/registry/secrets/lab/none",
        ),
        (
            "in_no_namespace_that_there_is",
            "/registry/secrets/none/none",
        ),
        ("would_have_another_name", "/registry/configmaps/shop/none"),
        ("in_another_namespace", "/registry/configmaps/lab/settings"),
        ("no_rule_is_for_it", "/registry/pods/shop/none"),
        ("outside_of_kubernetes", "/settings/none"),
        ("elsewhere", "/elsewhere"),
        ("of_one_cluster_alone", "/registry/masterleases/none"),
        ("a_resource", "/registry/secrets"),
        ("a_namespace_of_a_resource", "/registry/secrets/lab"),
        ("a_folder_outside_of_kubernetes", "/settings"),
        ("without_its_slash", "registry/secrets/lab/token"),
        ("a_resource_without_its_slash", "registry/secrets"),
        ("in_the_singular", "/registry/secret/lab/token"),
        ("as_the_api_names_it", "/registry/services/shop/web"),
    ] {
        let told = folder.told(&from_snapshot(key, &[]));
        insta::assert_snapshot!(format!("absent_{name}"), told);
    }
    for (words, meant) in [
        (
            "services/default/kubernetes",
            "/registry/services/specs/default/kubernetes",
        ),
        (
            "/svc/default/kubernetes",
            "/registry/services/specs/default/kubernetes",
        ),
        ("pods/shop/web-0", "/registry/pods/shop/web-0"),
        ("pod/web-0", "/registry/pods/*/web-0"),
        ("Deployment/shop/web", "/registry/deployments/shop/web"),
        ("deploy.apps/shop/web", "/registry/deployments/shop/web"),
        (
            "ingresses.networking.k8s.io/shop/web",
            "/registry/ingress/shop/web",
        ),
        ("ns/shop", "/registry/namespaces/shop"),
        ("pods/shop/", "/registry/pods/shop/"),
        ("cm/", "/registry/configmaps/"),
    ] {
        let told = folder.told(&from_snapshot(words, &[]));
        let meant = format!("did you mean `{meant}`?");
        assert!(told.contains(&meant), "{meant} {told}");
    }
    let elsewhere = folder.told(&from_snapshot(
        "svc/default/kubernetes",
        &["--kube-prefix", "/other"],
    ));
    assert!(
        elsewhere.contains("`/other/services/specs/default/kubernetes`"),
        "{elsewhere}"
    );
    for key in [
        "pods",
        "ns/shop/web",
        "pods/a/b/c",
        "deployments.example.com/a/b",
    ] {
        let told = folder.told(&from_snapshot(key, &[]));
        assert!(!told.contains("did you mean"), "{told}");
    }
    // What is asked for by its right name is not doubted.
    for key in [
        "/registry/secrets/lab/none",
        "/registry/example.com/policies/lab/none",
        "/settings/none",
        "/elsewhere",
    ] {
        let told = folder.told(&from_snapshot(key, &[]));
        let doubts = ["did you mean", "for a table"];
        assert!(!doubts.iter().any(|own| told.contains(own)), "{told}");
    }
    let json = folder.json(&from_snapshot("/registry/secrets/lab/none", &[]));
    insta::assert_snapshot!("absent_json", format!("{json:#}"));
}

#[test]
fn one_byte_is_one() {
    let folder = Folder::new();
    let mut database = Database::default();
    database.put("/settings/one", "1");
    database.save(&folder.path("etcd.db"));
    let told = folder.told(&from_snapshot("/settings/one", &[]));
    assert!(told.contains("\n  1 byte\n"), "{told}");
}

#[test]
fn as_of_a_revision() {
    let folder = with_snapshot();
    let at = |key, revision| folder.told(&from_snapshot(key, &["--at-revision", revision]));
    insta::assert_snapshot!(
        "at_revision_other_replicas",
        at("/registry/deployments/shop/web", "5")
    );
    // The Namespace, too, is as it was.
    insta::assert_snapshot!(
        "at_revision_other_namespace",
        at("/registry/secrets/shop/token", "17")
    );
    insta::assert_snapshot!(
        "at_revision_not_deleted_yet",
        at("/registry/secrets/shop/gone", "17")
    );
    insta::assert_snapshot!(
        "at_revision_deleted",
        at("/registry/secrets/shop/gone", "18")
    );
    insta::assert_snapshot!(
        "at_revision_future",
        at("/registry/secrets/shop/gone", "99")
    );
    let mut database = cluster();
    database.compact(17);
    database.save(&folder.path("etcd.db"));
    insta::assert_snapshot!(
        "at_revision_compacted",
        at("/registry/secrets/shop/gone", "16")
    );
    insta::assert_snapshot!(
        "at_revision_oldest",
        at("/registry/secrets/shop/gone", "17")
    );
}

#[test]
fn files_that_are_no_snapshots() {
    let folder = with_snapshot();
    let whole = std::fs::read(folder.path("etcd.db")).expect("read");
    let mut all = Vec::new();
    let mut tell = |bytes: &[u8]| {
        std::fs::write(folder.path("etcd.db"), bytes).expect("write");
        all.push(folder.told(&from_snapshot("/a", &[])));
    };
    tell(&whole[..whole.len() / 2]);
    tell(b"apiVersion: v1");
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    tell(&changed);
    all.push(folder.told(&["/a", "--snapshot", "none.db"]));
    all.push(folder.told(&["/a", "--snapshot", "."]));
    insta::assert_snapshot!("no_snapshots", all.join("\n"));
}

/// The shared snapshot and its Namespaces, by the rules of the quickstart.
#[test]
fn a_real_snapshot() {
    let Some(shared) = shared::folder("a real snapshot") else {
        return;
    };
    let folder = Folder::with(include_str!("../../../deploy/examples/rules.yaml"));
    let path = shared.join("kube/snapshot/etcd-3.6.snapshot.db");
    std::os::unix::fs::symlink(path, folder.path("etcd.db")).expect("link");
    let told = folder.told(&from_snapshot(
        "/registry/namespaces/default",
        &["--show-object"],
    ));
    insta::assert_snapshot!("real_namespace", told);
    let told = folder.told(&from_snapshot("/registry/**/s1", &[]));
    insta::assert_snapshot!("real_glob", told);
}
