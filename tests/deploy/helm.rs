//! The Helm chart: its values against their schema, what it renders against the
//! schemas of the kinds, and what it refuses.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{
    document, documents, hardening, kinds, list, of_kind, only, path, read, starts, text, tools,
};
use crate::mirror::harness::temp_dir;

const CHART: &str = "helm/carry";
const VALUES: [&str; 4] = ["standalone", "active-standby", "everything", "plaintext"];
/// What a cluster has to have before.
const ELSEWHERE: [&str; 6] = [
    "carry-source-tls",
    "carry-destination-tls",
    "carry-encryption",
    "carry-source-auth",
    "carry-destination-auth",
    "our-rules",
];

fn values(name: &str) -> Value {
    document(&read(&format!("{CHART}/ci/{name}-values.yaml")))
}

/// As Helm lays one over the other.
fn laid_over(below: &Value, above: &Value) -> Value {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            let mut all = below.clone();
            for (name, value) in above {
                let laid = below.get(name).map(|below| laid_over(below, value));
                all.insert(name.clone(), laid.unwrap_or_else(|| value.clone()));
            }
            Value::Object(all)
        }
        _ => above.clone(),
    }
}

struct Helm {
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl Helm {
    fn find(what: &str) -> Option<Helm> {
        let program = tools::helm(what)?;
        let folder = temp_dir();
        Some(Helm { program, folder })
    }

    fn template(&self, values: &Value) -> tools::Ran {
        let file = self.folder.path().join("values.yaml");
        std::fs::write(&file, values.to_string()).expect("values");
        let file = file.to_str().expect("UTF-8");
        let chart = path(CHART);
        let arguments = [
            "template",
            "blue",
            ".",
            "--namespace",
            "standby",
            "--values",
            file,
        ];
        tools::run(&self.program, &arguments, &chart)
    }

    fn objects(&self, values: &Value) -> Vec<Value> {
        let ran = self.template(values);
        assert!(ran.ok, "{values}: {}", ran.stderr);
        documents(&ran.stdout)
    }
}

#[test]
fn values_fit_their_schema_and_misspelt_ones_do_not() {
    let schema: Value =
        serde_json::from_str(&read(&format!("{CHART}/values.schema.json"))).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let defaults = document(&read(&format!("{CHART}/values.yaml")));
    let errors = |values: &Value| -> Vec<String> {
        let errors = validator.iter_errors(values);
        errors
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    };
    for name in VALUES {
        let values = laid_over(&defaults, &values(name));
        assert_eq!(errors(&values), Vec::<String>::new(), "{name}");
    }
    let good = laid_over(&defaults, &values("standalone"));
    for wrong in [
        json!({"mdoe": "standalone"}),
        json!({"source": {"endpoint": ["https://10.0.0.1:2379"]}}),
        json!({"source": {"tls": {"insecureSkipVerify": true}}}),
        json!({"mode": "standby"}),
        json!({"mode": "standalone", "replicas": 2}),
        json!({"mode": "active-standby", "replicas": 1}),
        json!({"image": {"tag": "latest"}}),
        json!({"source": {"endpoints": ["http://10.0.0.1:2379"]}}),
        json!({"source": {"endpoints": ["10.0.0.1:2379"]}}),
        json!({"source": {"endpoints": "https://10.0.0.1:2379"}}),
        json!({"destination": {"tls": {"enabled": false}}}),
        json!({"extraArgs": ["--master-password=x"]}),
        json!({"extraArgs": ["max-txn-ops"]}),
        json!({"podLabels": {"app.kubernetes.io/name": "x"}}),
        json!({"persistence": {"accessModes": ["ReadWriteMany"]}}),
        json!({"maxLag": 30}),
        json!({"spoolLimit": "4G"}),
        json!({"bindAddress": "localhost"}),
        json!({"podDisruptionBudget": {"maxUnavailable": 0}}),
        json!({"podDisruptionBudget": {"maxUnavailable": "0%"}}),
        json!({"extraContainers": [{"image": "kms"}]}),
    ] {
        assert!(!errors(&laid_over(&good, &wrong)).is_empty(), "{wrong}");
    }
}

#[test]
fn what_is_rendered_is_good_and_nothing_in_it_is_insecure() {
    let Some(helm) = Helm::find("the Helm chart") else {
        return;
    };
    for name in VALUES {
        let objects = helm.objects(&values(name));
        kinds::assert_good(&objects, name);
        kinds::assert_misspelling_is_found(&objects);
        hardening::assert_fits_together(&objects, &ELSEWHERE, name);
        if name != "plaintext" {
            hardening::assert_hardened(&objects, name);
        }
    }
}

#[test]
fn what_is_rendered_starts_carry() {
    let Some(helm) = Helm::find("the Helm chart's flags") else {
        return;
    };
    let root = starts::Root::new();
    for name in VALUES {
        let objects = helm.objects(&values(name));
        for (pod, _) in hardening::pods(&objects) {
            for container in hardening::containers(pod) {
                if text(container, "/name") == "kms" {
                    continue;
                }
                let arguments = starts::arguments(container);
                let variables = starts::variables(container, name);
                if arguments[0] == "check-rules" {
                    let ended = root.run(&arguments, &BTreeMap::new());
                    assert_eq!(ended.code, 0, "{name}: {}", ended.stderr);
                    continue;
                }
                root.assert_starts(&arguments, &variables, name);
            }
        }
    }
}

/// Values end where they are meant to.
#[test]
fn values_take_effect() {
    let Some(helm) = Helm::find("values of the Helm chart") else {
        return;
    };
    let objects = helm.objects(&values("everything"));
    let set = only(&objects, "StatefulSet");
    assert_eq!(set["spec"]["replicas"], json!(3));
    let pod = &set["spec"]["template"]["spec"];
    assert!(pod["affinity"].get("podAntiAffinity").is_none());
    let policy = only(&objects, "NetworkPolicy");
    let [_, etcd, more] = list(policy, "/spec/egress") else {
        panic!("{policy}");
    };
    let ports = |rule| -> Vec<i64> {
        let ports = list(rule, "/ports").iter();
        ports.filter_map(|port| port["port"].as_i64()).collect()
    };
    assert_eq!((ports(etcd), ports(more)), (vec![2379, 12379], vec![443]));
    let rule = only(&objects, "PrometheusRule").to_string();
    assert!(rule.contains("8589934592") && !rule.contains("2147483648"));
    assert!(rule.contains("524288000") && !rule.contains("4294967296"));
    let settings = starts::variables(&pod["containers"][0], "everything");
    for (name, value) in [
        ("CARRY_BIND_ADDRESS", "::"),
        ("CARRY_PRUNE", "true"),
        (
            "CARRY_SLAVE_PASSWORD_FILE",
            "/etc/carry/destination-auth/password",
        ),
    ] {
        assert_eq!(settings[name], value, "{name}");
    }

    let objects = helm.objects(&values("active-standby"));
    let set = only(&objects, "StatefulSet");
    assert_eq!(set["spec"]["replicas"], json!(2));
    let affinity = &set["spec"]["template"]["spec"]["affinity"]["podAntiAffinity"];
    let terms = list(affinity, "/requiredDuringSchedulingIgnoredDuringExecution");
    assert_eq!(text(&terms[0], "/topologyKey"), "kubernetes.io/hostname");
    let alerts = document(&read("prometheus/alerts.yaml"));
    assert_eq!(only(&objects, "PrometheusRule")["spec"], alerts);
    let maps = of_kind(&objects, "ConfigMap");
    let dashboard = maps
        .iter()
        .find_map(|map| map["data"]["carry.json"].as_str());
    assert_eq!(
        dashboard.map(str::trim),
        Some(read("grafana/carry.json").trim())
    );

    let objects = helm.objects(&values("plaintext"));
    for kind in [
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Pod",
        "ServiceMonitor",
        "PrometheusRule",
    ] {
        assert!(of_kind(&objects, kind).is_empty(), "{kind}");
    }
}

#[test]
fn what_has_to_be_said_is_asked_for() {
    let Some(helm) = Helm::find("refusals of the Helm chart") else {
        return;
    };
    let good = values("standalone");
    for (above, message) in [
        (
            json!({"image": {"repository": ""}}),
            "image.repository is required",
        ),
        (
            json!({"source": {"endpoints": []}}),
            "source.endpoints is required",
        ),
        (
            json!({"destination": {"endpoints": []}}),
            "destination.endpoints is required",
        ),
        (
            json!({"source": {"tls": {"existingSecret": ""}}}),
            "source.tls.existingSecret is required",
        ),
        (
            json!({"source": {"auth": {"user": "carry"}}}),
            "source.auth.existingSecret is required",
        ),
        (
            json!({"rules": {"content": ""}}),
            "rules.content is required",
        ),
        (
            json!({"encryption": {"destination": "other.yaml"}}),
            "give encryption.existingSecret too",
        ),
        (json!({"replicas": 2}), "replicas"),
        (
            json!({"persistence": {"size": "4Gi"}}),
            "spoolLimit 4Gi does not fit into persistence.size 4Gi",
        ),
        (
            json!({"source": {"endpoints": ["http://10.0.0.1:2379"]}}),
            "source/endpoints/0",
        ),
        (json!({"sourse": {}}), "sourse"),
    ] {
        let ran = helm.template(&laid_over(&good, &above));
        assert!(
            !ran.ok && ran.stderr.contains(message),
            "{above}: {}",
            ran.stderr
        );
    }
}

#[test]
fn the_chart_is_of_this_version_and_passes_lint() {
    let chart = document(&read(&format!("{CHART}/Chart.yaml")));
    for field in ["version", "appVersion"] {
        assert_eq!(
            text(&chart, &format!("/{field}")),
            env!("CARGO_PKG_VERSION")
        );
    }
    let Some(helm) = Helm::find("helm lint") else {
        return;
    };
    for name in VALUES {
        let file = format!("ci/{name}-values.yaml");
        tools::stdout(
            &helm.program,
            &["lint", "--strict", ".", "--values", &file],
            &path(CHART),
        );
    }
}
