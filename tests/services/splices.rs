//! What is written of a Service differs from the source's in the fields that
//! the plan names, and in all of those.

use carry::k8s::services::{Outcome, Plan, Policy, ServiceName, World};
use carry::k8s::{Path, Record, Step};
use k8s_pb::api::core::v1::{LoadBalancerIngress, LoadBalancerStatus, Service, ServiceStatus};
use proptest::prelude::*;

use super::made::*;

/// The Service without the field at `path`.
fn reset(service: &mut Service, path: &Path) {
    let spec = service.spec.get_or_insert_default();
    let steps: Vec<_> = path.steps().iter().map(Step::name).collect();
    match (steps.as_slice(), path.steps().get(2)) {
        ([_, Some("clusterIP")], _) => spec.cluster_ip = None,
        ([_, Some("clusterIPs")], _) => spec.cluster_ips.clear(),
        ([_, Some("ipFamilies")], _) => spec.ip_families.clear(),
        ([_, Some("healthCheckNodePort")], _) => spec.health_check_node_port = None,
        ([Some("status"), Some("loadBalancer")], _) => {
            service.status.get_or_insert_default().load_balancer = None;
        }
        ([_, Some("ports"), None, Some("nodePort")], Some(Step::Index(index))) => {
            spec.ports[*index as usize].node_port = None;
        }
        _ => panic!("an edit of `{path}`"),
    }
}

/// Resets all edited fields but one of both, and compares.
fn same_without(source: &[u8], written: &[u8], paths: &[&Path]) -> bool {
    let [mut source, mut written] = [source, written].map(message::<Service>);
    for path in paths {
        reset(&mut source, path);
        reset(&mut written, path);
    }
    source == written
}

/// Asserts that what the plan writes differs from the source's in the fields
/// that it names, and in each of them.
pub fn differs_exactly(source: &[u8], plan: &Plan) {
    let written = &plan.transaction.puts[0].value;
    let paths: Vec<&Path> = plan.edits.iter().map(|(path, _)| path).collect();
    assert!(same_without(source, written, &paths), "{paths:?}");
    for (place, path) in paths.iter().enumerate() {
        let mut others = paths.clone();
        others.remove(place);
        assert!(
            !same_without(source, written, &others),
            "`{path}` is the same"
        );
    }
    Record::parse(written)
        .and_then(|record| record.verify())
        .expect("a Service");
}

/// A Service with much besides its addresses.
fn service_of(words: &[String], addresses: &[&str], ports: &[(&str, i32, i32)]) -> Service {
    let mut made = exposed(service("web", addresses), "LoadBalancer", ports);
    let pairs = || {
        words
            .iter()
            .map(|word| (word.clone(), format!("{word}-value")))
    };
    let metadata = made.metadata.as_mut().expect("metadata");
    metadata.labels = pairs().collect();
    metadata.annotations = pairs().collect();
    metadata.uid = words.first().cloned();
    metadata.finalizers = words.to_vec();
    let spec = made.spec.as_mut().expect("a spec");
    spec.selector = pairs().collect();
    spec.external_ips = words.to_vec();
    spec.load_balancer_ip = words.first().cloned();
    spec.session_affinity = Some("ClientIP".to_owned());
    spec.internal_traffic_policy = Some("Local".to_owned());
    spec.external_traffic_policy = Some("Local".to_owned());
    spec.ip_family_policy = Some("PreferDualStack".to_owned());
    let ingress = words.iter().map(|word| LoadBalancerIngress {
        hostname: Some(word.clone()),
        ..LoadBalancerIngress::default()
    });
    made.status = Some(ServiceStatus {
        load_balancer: Some(LoadBalancerStatus {
            ingress: ingress.collect(),
        }),
        ..ServiceStatus::default()
    });
    made
}

fn destination() -> World {
    world(&[
        (
            "/registry/servicecidrs/kubernetes",
            service_cidr(&["10.0.0.0/24"]),
        ),
        (NODE_PORTS, bitmap("30000-32767", &[1])),
    ])
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn nothing_else_differs(
        words in prop::collection::vec("[a-z]{1,12}", 0..5),
        there in prop::option::of(prop::collection::vec("[a-z]{1,12}", 0..3)),
        v4 in "10\\.0\\.[01]\\.[1-9]",
        two in any::<bool>(),
        node_port in 29_990..30_010i32,
    ) {
        let addresses = [v4.as_str(), "fd00::1"];
        let addresses = &addresses[..1 + usize::from(two)];
        let ports = [("TCP", 80, node_port), ("UDP", 80, node_port), ("TCP", 81, 0)];
        let source = service_of(&words, addresses, &ports);
        let there = there.map(|words| service_of(&words, &["10.0.0.200"], &[("TCP", 81, 32_000)]));
        let plan = planned_over(&source, there.as_ref(), &destination()).expect("a plan");
        differs_exactly(&service_bytes(&source), &plan);
    }
}

/// Fields that carry does not know go with the Service.
#[test]
fn unknown_fields_stay() {
    let name = ServiceName::new("shop", "web");
    let source = service("web", &["10.9.0.1"]);
    let unknown: &[u8] = b"\xfa\x7f\x03new";
    let mut raw = prost::Message::encode_to_vec(&source);
    raw.extend_from_slice(unknown);
    let envelope = k8s_pb::apimachinery::pkg::runtime::Unknown {
        type_meta: Some(k8s_pb::apimachinery::pkg::runtime::TypeMeta {
            api_version: Some("v1".to_owned()),
            kind: Some("Service".to_owned()),
        }),
        raw: Some(raw),
        ..Default::default()
    };
    let value = [b"k8s\0".to_vec(), prost::Message::encode_to_vec(&envelope)].concat();
    let outcome = outcome(Policy::Reallocate, &name, &value, None, &destination(), 0);
    let Ok(Outcome::Write(plan)) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(!plan.edits.is_empty());
    let written = &plan.transaction.puts[0].value;
    assert!(written.windows(unknown.len()).any(|bytes| bytes == unknown));
}

/// A cluster may store JSON.
#[test]
fn json_is_spliced_as_well() {
    let name = ServiceName::new("shop", "web");
    let source = br#"{"kind": "Service", "apiVersion": "v1", "spec": {"ports": [{"port": 80, "nodePort": 29000}], "clusterIP": "10.9.0.1", "clusterIPs": ["10.9.0.1"], "type": "NodePort", "new": [1]}}"#;
    let outcome = outcome(Policy::Reallocate, &name, source, None, &destination(), 0);
    let Ok(Outcome::Write(plan)) = outcome else {
        panic!("{outcome:?}")
    };
    let written = std::str::from_utf8(&plan.transaction.puts[0].value).expect("a text");
    assert_eq!(
        written,
        r#"{"kind": "Service", "apiVersion": "v1", "spec": {"ports": [{"port": 80, "nodePort": 30086}], "clusterIP": "10.0.0.17", "clusterIPs": ["10.0.0.17"], "type": "NodePort", "new": [1]}}"#
    );
}
