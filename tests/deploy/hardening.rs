//! What every Pod of carry must be, whoever made its manifest: nothing by
//! default that a security review would ask about.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{list, of_kind, only, text};

/// The specifications of all Pods, and the labels that those have.
pub fn pods(objects: &[Value]) -> Vec<(&Value, &Value)> {
    let sets = of_kind(objects, "StatefulSet").into_iter();
    let sets = sets.map(|set| &set["spec"]["template"]);
    let pods = sets.chain(of_kind(objects, "Pod"));
    pods.map(|pod| (&pod["spec"], &pod["metadata"]["labels"]))
        .collect()
}

/// Containers of either sort.
pub fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    let first = list(pod, "/initContainers").iter();
    first.chain(list(pod, "/containers"))
}

/// Whatever is wrong.
fn findings(objects: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    for account in of_kind(objects, "ServiceAccount") {
        if account["automountServiceAccountToken"] != json!(false) {
            found.push("the account's token is mounted".to_owned());
        }
    }
    for (pod, _) in pods(objects) {
        let expected = [
            ("/automountServiceAccountToken", json!(false)),
            ("/enableServiceLinks", json!(false)),
            ("/securityContext/runAsNonRoot", json!(true)),
            (
                "/securityContext/seccompProfile/type",
                json!("RuntimeDefault"),
            ),
        ];
        expect(pod, &expected, &mut found);
        for field in ["hostNetwork", "hostPID", "hostIPC", "hostUsers"] {
            if pod.get(field).is_some() {
                found.push(format!("{field} is set"));
            }
        }
        if list(pod, "/volumes")
            .iter()
            .any(|volume| volume.get("hostPath").is_some())
        {
            found.push("a hostPath is mounted".to_owned());
        }
        for container in containers(pod) {
            let expected = [
                ("/securityContext/allowPrivilegeEscalation", json!(false)),
                ("/securityContext/privileged", json!(false)),
                ("/securityContext/readOnlyRootFilesystem", json!(true)),
                ("/securityContext/capabilities", json!({"drop": ["ALL"]})),
            ];
            expect(container, &expected, &mut found);
            for pointer in [
                "/resources/requests/cpu",
                "/resources/requests/memory",
                "/resources/limits/memory",
            ] {
                if container.pointer(pointer).is_none() {
                    found.push(format!("{pointer} is missing"));
                }
            }
            let image = text(container, "/image");
            let tag = image.rsplit_once('/').map_or(image, |(_, last)| last);
            if image.ends_with(":latest") || !(tag.contains(':') || tag.contains('@')) {
                found.push(format!("`{image}` may be any version"));
            }
            for mount in list(container, "/volumeMounts") {
                let is_ours = text(mount, "/name") == "state" || is_empty_dir(pod, mount);
                if !is_ours && mount["readOnly"] != json!(true) {
                    found.push(format!("{mount} can be written"));
                }
            }
        }
    }
    found.extend(insecure_settings(objects));
    found
}

/// Whether what is mounted holds nothing but what the Pod itself has put there.
fn is_empty_dir(pod: &Value, mount: &Value) -> bool {
    let mut volumes = list(pod, "/volumes").iter();
    volumes.any(|volume| volume["name"] == mount["name"] && volume.get("emptyDir").is_some())
}

/// Commands beside `run` need a place for RocksDB's log.
fn assert_tmp_can_be_written(set: &Value, from: &str) {
    let pod = &set["spec"]["template"]["spec"];
    let mounts = list(&pod["containers"][0], "/volumeMounts").iter();
    let tmp = mounts
        .filter(|mount| mount["mountPath"] == json!("/tmp"))
        .find(|mount| is_empty_dir(pod, mount) && mount["readOnly"] != json!(true));
    assert!(tmp.is_some(), "{from}: /tmp cannot be written");
}

fn expect(value: &Value, expected: &[(&str, Value)], found: &mut Vec<String>) {
    for (pointer, wanted) in expected {
        if value.pointer(pointer) != Some(wanted) {
            found.push(format!("{pointer} is not {wanted}"));
        }
    }
}

/// No transport without TLS, no server whose certificate is not looked at, no
/// password where everybody sees it.
fn insecure_settings(objects: &[Value]) -> Vec<String> {
    let all = serde_json::to_string(objects).expect("JSON");
    let words = [
        "insecure",
        "INSECURE",
        "skip-tls",
        "_PASSWORD\"",
        "-password=",
        "http://",
    ];
    let used = words.iter().filter(|word| all.contains(*word));
    used.map(|word| format!("`{word}` occurs")).collect()
}

/// All of it is as it must be.
pub fn assert_hardened(objects: &[Value], from: &str) {
    let found = findings(objects);
    assert!(found.is_empty(), "{from}: {found:#?}");
    assert!(!pods(objects).is_empty(), "{from}: no Pods");
}

/// The objects belong together: what is selected is there, what is mounted is
/// made here or named among `from_elsewhere`.
pub fn assert_fits_together(objects: &[Value], from_elsewhere: &[&str], from: &str) {
    let set = only(objects, "StatefulSet");
    assert_tmp_can_be_written(set, from);
    let labels = &set["spec"]["template"]["metadata"]["labels"];
    let selectors = [
        ("StatefulSet", "/spec/selector/matchLabels"),
        ("Service", "/spec/selector"),
        ("PodDisruptionBudget", "/spec/selector/matchLabels"),
        ("NetworkPolicy", "/spec/podSelector/matchLabels"),
    ];
    for (kind, pointer) in selectors {
        for object in of_kind(objects, kind) {
            let selector = object.pointer(pointer).and_then(Value::as_object);
            let selector = selector.filter(|labels| !labels.is_empty());
            let selector = selector.unwrap_or_else(|| panic!("{from}: {kind} selects anything"));
            for (name, value) in selector {
                assert_eq!(labels.get(name), Some(value), "{from}: {kind}");
            }
        }
    }
    let service = only(objects, "Service");
    assert_eq!(
        set["spec"]["serviceName"], service["metadata"]["name"],
        "{from}"
    );
    for monitor in of_kind(objects, "ServiceMonitor") {
        let wanted = monitor["spec"]["selector"]["matchLabels"].as_object();
        for (name, value) in wanted.expect("labels") {
            assert_eq!(
                service["metadata"]["labels"].get(name),
                Some(value),
                "{from}"
            );
        }
        let ports: Vec<&str> = list(service, "/spec/ports")
            .iter()
            .map(|port| text(port, "/name"))
            .collect();
        for endpoint in list(monitor, "/spec/endpoints") {
            assert!(
                ports.contains(&text(endpoint, "/port")),
                "{from}: {ports:?}"
            );
        }
    }
    let made: BTreeSet<&str> = ["ConfigMap", "Secret", "ServiceAccount"]
        .iter()
        .flat_map(|kind| of_kind(objects, kind))
        .map(|object| text(object, "/metadata/name"))
        .collect();
    for (pod, _) in pods(objects) {
        for name in references(pod) {
            assert!(
                made.contains(name.as_str()) || from_elsewhere.contains(&name.as_str()),
                "{from}: `{name}` is not there"
            );
        }
        mounts_are_volumes(pod, set, from);
    }
}

/// The names of ConfigMaps, Secrets and accounts that a Pod needs.
fn references(pod: &Value) -> Vec<String> {
    let mut names = vec![text(pod, "/serviceAccountName").to_owned()];
    let mut note = |value: &Value, pointer| {
        let name = text(value, pointer);
        if !name.is_empty() {
            names.push(name.to_owned());
        }
    };
    for volume in list(pod, "/volumes") {
        note(volume, "/secret/secretName");
        note(volume, "/configMap/name");
        for source in list(volume, "/projected/sources") {
            note(source, "/configMap/name");
            note(source, "/secret/name");
        }
    }
    for container in containers(pod) {
        for source in list(container, "/envFrom") {
            note(source, "/configMapRef/name");
            note(source, "/secretRef/name");
        }
    }
    names
}

fn mounts_are_volumes(pod: &Value, set: &Value, from: &str) {
    let own = list(pod, "/volumes")
        .iter()
        .map(|volume| text(volume, "/name"));
    let claims = list(set, "/spec/volumeClaimTemplates").iter();
    let claims = claims.map(|claim| text(claim, "/metadata/name"));
    let volumes: BTreeSet<&str> = own.chain(claims).collect();
    for container in containers(pod) {
        for mount in list(container, "/volumeMounts") {
            assert!(volumes.contains(text(mount, "/name")), "{from}: {mount}");
        }
    }
}

#[test]
fn each_weakness_is_found() {
    let Some(objects) = super::kustomize::standalone("weaknesses are found") else {
        return;
    };
    assert_hardened(&objects, "standalone");
    let at = objects
        .iter()
        .position(|object| text(object, "/kind") == "StatefulSet");
    let spec = "/spec/template/spec";
    for (pointer, value) in [
        ("/securityContext/runAsNonRoot", json!(false)),
        ("/securityContext/seccompProfile/type", json!("Unconfined")),
        ("/automountServiceAccountToken", json!(true)),
        (
            "/containers/0/securityContext/readOnlyRootFilesystem",
            json!(false),
        ),
        (
            "/containers/0/securityContext/capabilities",
            json!({"drop": []}),
        ),
        ("/containers/0/image", json!("carry:latest")),
        ("/containers/0/image", json!("registry:5000/carry")),
        (
            "/containers/0/args",
            json!(["run", "--master-insecure-skip-tls-verify"]),
        ),
        ("/containers/0/args", json!(["run", "--slave-password=x"])),
        ("/containers/0/resources/limits", json!({})),
        ("/containers/0/volumeMounts/1/readOnly", json!(false)),
        (
            "/volumes/0",
            json!({"name": "configuration", "hostPath": {"path": "/"}}),
        ),
    ] {
        let mut objects = objects.clone();
        let place = objects[at.expect("one")].pointer_mut(&format!("{spec}{pointer}"));
        *place.expect(pointer) = value;
        assert!(!findings(&objects).is_empty(), "{pointer}");
    }
}
