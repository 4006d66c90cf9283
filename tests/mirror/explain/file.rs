//! Manifests, as people write them.

use super::Folder;

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  labels: {app: web}
spec:
  replicas: 2
";

const SECRET: &str = "apiVersion: v1
kind: Secret
metadata: {name: token, namespace: shop}
type: Opaque
stringData: {password: hunter22}
";

const PROD: &str = "apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {env: prod}
";

const POLICY: &str = "apiVersion: example.com/v1
kind: Policy
metadata: {name: large, namespace: shop}
spec: {size: 4}
";

const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: polizze.example.com}
spec:
  group: example.com
  scope: Cluster
  names: {kind: Policy, plural: polizze}
";

fn documents(all: &[&str]) -> String {
    all.join("---\n")
}

#[test]
fn one_object() {
    let folder = Folder::new();
    let other = DEPLOYMENT.replace("app: web", "app: db");
    let small = DEPLOYMENT.replace("replicas: 2", "replicas: 1");
    let unset = DEPLOYMENT.replace("  replicas: 2\n", "  paused: true\n");
    let nowhere = DEPLOYMENT.replace("  namespace: shop\n", "");
    let cluster_wide = POLICY.replace(", namespace: shop", "");
    let node = "apiVersion: v1\nkind: Node\nmetadata: {name: n, namespace: shop}\n";
    let novelty = "apiVersion: apps/v9\nkind: Novelty\nmetadata: {name: n, namespace: shop}\n";
    for (name, text) in [
        ("selected", DEPLOYMENT),
        ("misses_a_label", &other),
        ("fails_its_condition", &small),
        ("has_no_such_field", &unset),
        ("in_no_namespace", &nowhere),
        ("nothing_known_of_its_namespace", SECRET),
        ("a_custom_resource", POLICY),
        ("a_custom_resource_without_namespace", &cluster_wide),
        ("of_a_kind_without_namespaces", node),
        ("of_an_unknown_kind", novelty),
    ] {
        folder.write("object.yaml", text);
        let told = folder.told(&["-f", "object.yaml"]);
        insta::assert_snapshot!(format!("file_{name}"), told);
    }
}

#[test]
fn namespaces_come_along() {
    let folder = Folder::new();
    let text = documents(&[PROD, SECRET]);
    insta::assert_snapshot!(
        "file_with_its_namespace",
        folder.told_of(&text, &["-f", "-"])
    );
    let by_hand = ["-f", "-", "--namespace-labels", "env=prod,team=web"];
    insta::assert_snapshot!("file_labels_by_hand", folder.told_of(SECRET, &by_hand));
    let node = "apiVersion: v1\nkind: Node\nmetadata: {name: n}\n";
    insta::assert_snapshot!("file_labels_of_nothing", folder.told_of(node, &by_hand));
    let shown = ["-f", "-", "--namespace-labels", "env=prod", "--show-object"];
    insta::assert_snapshot!("file_a_secret_is_not_shown", folder.told_of(SECRET, &shown));
    assert!(!folder.told_of(SECRET, &shown).contains("aHVudGVyMjI="));
    let all = [&shown[..], &["--show-secrets"]].concat();
    assert!(folder.told_of(SECRET, &all).contains("aHVudGVyMjI="));
}

#[test]
fn several_objects() {
    let folder = Folder::new();
    let text = documents(&[DEFINITION, POLICY, "# nothing\n"]);
    insta::assert_snapshot!(
        "file_with_its_definition",
        folder.told_of(&text, &["-f", "-"])
    );
    let list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop}}\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: shop}}\n";
    insta::assert_snapshot!("file_list", folder.told_of(list, &["-f", "-"]));
    let typed = "apiVersion: v1\nkind: NamespaceList\nitems:\n- metadata: {name: shop}\n";
    insta::assert_snapshot!("file_typed_list", folder.told_of(typed, &["-f", "-"]));
    let json = "{\n\t\"apiVersion\": \"v1\", \"kind\": \"Namespace\",\n\t\"metadata\": {\"name\": \"a\"}\n}\n{\"apiVersion\": \"v1\", \"kind\": \"Namespace\", \"metadata\": {\"name\": \"b\"}}";
    let told = folder.told_of(json, &["-f", "-", "--table"]);
    insta::assert_snapshot!("file_json", told);
    let args = ["-f", "-", "--output", "json"];
    let (_, json) = folder
        .told_of(list, &args)
        .split_once('\n')
        .map(|(head, rest)| (head.to_owned(), rest.replace("exit code 0\n", "")))
        .expect("two lines");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json[0]["decision"], "put");
    assert_eq!(json[0]["rule"], "shop-settings");
    assert_eq!(json[1]["decision"], "skip");
    assert!(json[0]["source"].is_null(), "{json:#}");
}

/// Who has written an object is not known before a cluster has it: that is said
/// where it decides, and nowhere else.
#[test]
fn endpoints_of_nobody_yet() {
    const DECIDES: &str =
        "in the cluster `metadata.managedFields` decides that, and the input has none";
    let rules = "filters:\n  secondary:\n    - name: core\n      group: \"\"\n";
    let folder = Folder::with(rules);
    let by = |manager: &str| format!("managedFields: [{{manager: {manager}, operation: Update}}]");
    let managed = "labels: {endpoints.kubernetes.io/managed-by: endpoint-controller}";
    for (metadata, decision, says_so) in [
        ("managedFields: []", "skip", true),
        ("labels: {app: db}", "skip", true),
        (managed, "skip", false),
        (&by("kube-controller-manager"), "skip", false),
        (&by("kubectl"), "put", false),
    ] {
        let text = format!(
            "apiVersion: v1\nkind: Endpoints\nmetadata:\n  name: db\n  namespace: shop\n  {metadata}\n"
        );
        folder.write("object.yaml", &text);
        let told = folder.told(&["-f", "object.yaml"]);
        let verdict = told.lines().nth(2).expect("a verdict");
        assert_eq!(verdict.ends_with(DECIDES), says_so, "{metadata}: {told}");
        let table = folder.told(&["-f", "object.yaml", "--table"]);
        assert_eq!(table.contains(DECIDES), says_so, "{metadata}: {table}");
        let json = folder.json(&["-f", "object.yaml"]);
        assert_eq!(json[0]["decision"], decision, "{metadata}: {json:#}");
        assert_eq!(json[0]["reason"], verdict, "{metadata}: {json:#}");
    }
    // Other kinds that policies keep out are so whoever writes them.
    folder.write(
        "object.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kube-root-ca.crt, namespace: shop}\n",
    );
    let told = folder.told(&["-f", "object.yaml"]);
    assert!(told.contains("keeps it out"), "{told}");
    assert!(!told.contains("managedFields"), "{told}");
}

#[test]
fn files_without_objects() {
    let folder = Folder::new();
    let mut all = Vec::new();
    for text in [
        "",
        "---\n---\n",
        "a text",
        "a: [",
        "kind: Secret\nmetadata: {name: a}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {generateName: a-}\n",
        "apiVersion: v1\nkind: Secret\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a/b}\n",
        "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Secret}]\n",
        &documents(&[PROD, "a: b\n"]),
        &documents(&[PROD, "a: 'b\n"]),
        "{\"apiVersion\": \"v1\", ",
        &format!("a: {}", "[".repeat(5_000)),
    ] {
        folder.write("object.yaml", text);
        let told = folder.told(&["-f", "object.yaml"]);
        let told = told.lines().skip(1).collect::<Vec<_>>().join("\n");
        let text: String = text.chars().take(70).collect();
        all.push(format!("{text:?}\n{told}\n"));
    }
    all.push(folder.told(&["-f", "none.yaml"]));
    std::fs::write(folder.path("object.yaml"), b"\xff\xfe").expect("write");
    all.push(folder.told(&["-f", "object.yaml"]));
    insta::assert_snapshot!("file_no_objects", all.join("\n"));
}
