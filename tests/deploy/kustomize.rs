//! The kustomize base and its overlays, as kubectl builds them.

use serde_json::{Value, json};

use super::{documents, hardening, kinds, list, only, path, read, starts, text, tools};
use crate::mirror::harness::temp_dir;

/// What a cluster has to have before.
const SECRETS: [&str; 3] = [
    "carry-source-tls",
    "carry-destination-tls",
    "carry-encryption",
];

/// The overlay `standalone`, where there is kubectl.
pub fn standalone(what: &str) -> Option<Vec<Value>> {
    built("kustomize/overlays/standalone", what)
}

fn built(folder: &str, what: &str) -> Option<Vec<Value>> {
    let kubectl = tools::kubectl(what)?;
    let folder = path(folder);
    Some(documents(&tools::stdout(
        &kubectl,
        &["kustomize", "."],
        &folder,
    )))
}

fn overlays(what: &str) -> Option<[(&'static str, Vec<Value>); 2]> {
    Some([
        ("standalone", standalone(what)?),
        (
            "active-standby",
            built("kustomize/overlays/active-standby", what)?,
        ),
    ])
}

#[test]
fn every_file_of_the_base_is_as_its_kind_wants_it() {
    let mut objects = Vec::new();
    for entry in std::fs::read_dir(path("kustomize/base")).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_str().expect("UTF-8");
        if name.ends_with(".yaml") && !matches!(name, "kustomization.yaml" | "rules.yaml") {
            objects.extend(documents(&read(&format!("kustomize/base/{name}"))));
        }
    }
    assert_eq!(objects.len(), 5);
    kinds::assert_good(&objects, "base");
    assert!(kinds::assert_misspelling_is_found(&objects) > 100);
}

#[test]
fn overlays_are_good_and_nothing_in_them_is_insecure() {
    let Some(overlays) = overlays("kustomize overlays") else {
        return;
    };
    for (from, objects) in &overlays {
        kinds::assert_good(objects, from);
        kinds::assert_misspelling_is_found(objects);
        hardening::assert_hardened(objects, from);
        hardening::assert_fits_together(objects, &SECRETS, from);
    }
}

#[test]
fn two_carries_are_on_two_nodes() {
    let Some([(_, one), (_, two)]) = overlays("kustomize overlays") else {
        return;
    };
    let (one, two) = (only(&one, "StatefulSet"), only(&two, "StatefulSet"));
    assert_eq!(
        (&one["spec"]["replicas"], &two["spec"]["replicas"]),
        (&json!(1), &json!(2))
    );
    let pod = &two["spec"]["template"];
    let terms = "/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution";
    let [term] = list(pod, terms) else {
        panic!("one term");
    };
    assert_eq!(text(term, "/topologyKey"), "kubernetes.io/hostname");
    assert_eq!(
        term["labelSelector"]["matchLabels"],
        pod["metadata"]["labels"]
    );
    // One must not wait for the other to have caught up.
    assert_eq!(text(two, "/spec/podManagementPolicy"), "Parallel");
}

/// All of the Secret's keys are, `admin-token` among them: README.md says where.
#[test]
fn a_token_is_mounted_where_the_readme_says() {
    let Some(objects) = standalone("a token is mounted") else {
        return;
    };
    let pod = &only(&objects, "StatefulSet")["spec"]["template"]["spec"];
    let mounts = list(&pod["containers"][0], "/volumeMounts").iter();
    let at = mounts.filter(|mount| text(mount, "/mountPath") == "/etc/mirror");
    let volume = at.map(|mount| text(mount, "/name")).next();
    let mut volumes = list(pod, "/volumes").iter();
    let volume = volumes.find(|one| Some(text(one, "/name")) == volume);
    let sources = list(volume.expect("a volume"), "/projected/sources").iter();
    let mut secrets = sources.map(|source| &source["secret"]);
    let secret = secrets.find(|secret| text(secret, "/name") == "carry-encryption");
    assert!(secret.expect("the Secret").get("items").is_none());
}

/// Filled in, the settings of each overlay start carry; as they are, carry says
/// what is missing.
#[test]
fn settings_are_what_carry_takes() {
    let Some(overlays) = overlays("settings of kustomize overlays") else {
        return;
    };
    for (from, objects) in &overlays {
        let mode = starts::kustomized(objects, from);
        assert_eq!(mode, *from);
    }
}

/// What README.md shows, built.
#[test]
fn the_overlay_of_the_readme_can_be_built() {
    let Some(kubectl) = tools::kubectl("the overlay of README.md") else {
        return;
    };
    let readme = include_str!("../../README.md");
    let (_, rest) = readme
        .split_once("```yaml\n# kustomization.yaml\n")
        .expect("the example");
    let (example, _) = rest.split_once("```").expect("its end");
    let folder = temp_dir();
    let copied = folder.path().join("carry");
    copy(&path(""), &copied.join("deploy"));
    let mine = folder.path().join("mine");
    std::fs::create_dir(&mine).expect("a folder");
    std::fs::write(mine.join("kustomization.yaml"), example).expect("a file");
    std::fs::write(mine.join("rules.yaml"), read("examples/rules.yaml")).expect("a file");
    let objects = documents(&tools::stdout(&kubectl, &["kustomize", "."], &mine));
    kinds::assert_good(&objects, "README.md");
    kinds::assert_misspelling_is_found(&objects);
    hardening::assert_hardened(&objects, "README.md");
    hardening::assert_fits_together(&objects, &SECRETS, "README.md");
    let set = only(&objects, "StatefulSet");
    let image = text(set, "/spec/template/spec/containers/0/image");
    assert!(image.starts_with("registry.example.com/"), "{image}");
    let rules = objects
        .iter()
        .find(|object| text(object, "/metadata/name") == "carry-rules");
    let rules = rules.map(|rules| text(rules, "/data/rules.yaml"));
    assert_eq!(rules, Some(read("examples/rules.yaml").as_str()));
    let settings = objects
        .iter()
        .find(|object| text(object, "/metadata/name").starts_with("carry-settings"));
    let settings = &settings.expect("settings")["data"];
    assert!(text(settings, "/CARRY_MASTER_ENDPOINTS").starts_with("https://"));
    for kind in ["ServiceMonitor", "PrometheusRule"] {
        only(&objects, kind);
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        match from.is_dir() {
            true => copy(&from, &to),
            false => {
                std::fs::copy(&from, &to).expect("copied");
            }
        }
    }
}
