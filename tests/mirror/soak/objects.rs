//! The objects of a cluster that is busy and does not grow: a fixed set of keys,
//! of nine kinds in some Namespaces, and a value for each write.
//!
//! Promises that one key's object keeps its uid until it is deleted and made
//! anew. Encoded by another library than carry's.

use std::collections::BTreeMap;

use k8s_pb::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStatus};
use k8s_pb::api::coordination::v1::{Lease, LeaseSpec};
use k8s_pb::api::core::v1::{
    ConfigMap, Container, Event, Namespace, NamespaceStatus, Pod, PodSpec, PodStatus,
    PodTemplateSpec, Secret, Service, ServicePort, ServiceSpec,
};
use k8s_pb::apimachinery::pkg::apis::meta::v1::{
    FieldsV1, LabelSelector, ManagedFieldsEntry, MicroTime, ObjectMeta, Time,
};
use serde_json::json;

use crate::mirror::chaos::random::Random;
use crate::services::made::stored;

/// The type of Secrets that no rule of the soak selects.
pub const TOKEN: &str = "kubernetes.io/service-account-token";

/// The Namespace from which nothing is selected.
pub const SYSTEM: &str = "kube-system";

const DEFINITION: &str =
    "/registry/apiextensions.k8s.io/customresourcedefinitions/widgets.shop.example.com";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Namespace,
    Pod,
    Lease,
    Event,
    ConfigMap,
    Secret,
    Deployment,
    Service,
    Widget,
}

/// Of forty objects; more than half of them are selected.
const MIX: [(Kind, usize); 8] = [
    (Kind::Pod, 12),
    (Kind::Lease, 2),
    (Kind::Event, 4),
    (Kind::ConfigMap, 8),
    (Kind::Secret, 4),
    (Kind::Deployment, 6),
    (Kind::Service, 1),
    (Kind::Widget, 3),
];

/// A key that may have an object.
#[derive(Clone, Debug)]
pub struct Slot {
    at: usize,
    kind: Kind,
    namespace: String,
    name: String,
}

/// So many keys, Namespaces first.
pub fn slots(count: usize) -> Vec<Slot> {
    let namespaces = (count / 200).max(4);
    let kinds: Vec<Kind> = MIX
        .iter()
        .flat_map(|&(kind, times)| std::iter::repeat_n(kind, times))
        .collect();
    let slot = |at: usize| {
        let namespace = match at % namespaces {
            0 => SYSTEM.to_owned(),
            number => format!("team-{number}"),
        };
        let kind = match at < namespaces {
            true => Kind::Namespace,
            // A stride, so that each Namespace has something of each kind.
            false => kinds[(at / namespaces + at) % kinds.len()],
        };
        Slot {
            at,
            kind,
            namespace,
            name: format!("object-{at}"),
        }
    };
    (0..count).map(slot).collect()
}

/// The definition of the one custom resource.
pub fn definition() -> (Vec<u8>, Vec<u8>) {
    let names = json!({
        "plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"
    });
    let condition = |name: &str| {
        json!({
            "type": name, "status": "True", "reason": "Fine", "message": "fine",
            "lastTransitionTime": "2026-01-01T00:00:00Z"
        })
    };
    let value = json!({
        "kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1beta1",
        "metadata": {
            "name": "widgets.shop.example.com", "uid": "5f0c2a1e-7b1d-4c3a-9d52-ffffffffffff",
            "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"
        },
        "spec": {
            "group": "shop.example.com", "version": "v1", "names": names, "scope": "Namespaced",
            "validation": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true
            }},
            "versions": [{"name": "v1", "served": true, "storage": true}],
            "conversion": {"strategy": "None"}, "preserveUnknownFields": false
        },
        "status": {
            "conditions": [condition("NamesAccepted"), condition("Established")],
            "acceptedNames": names, "storedVersions": ["v1"]
        }
    });
    (DEFINITION.into(), value.to_string().into_bytes())
}

impl Slot {
    /// The key.
    pub fn key(&self) -> Vec<u8> {
        let Slot {
            namespace, name, ..
        } = self;
        let resource = match self.kind {
            Kind::Namespace => return format!("/registry/namespaces/{namespace}").into_bytes(),
            Kind::Pod => "pods",
            Kind::Lease => "leases",
            Kind::Event => "events",
            Kind::ConfigMap => "configmaps",
            Kind::Secret => "secrets",
            Kind::Deployment => "deployments",
            Kind::Service => "services/specs",
            Kind::Widget => "shop.example.com/widgets",
        };
        format!("/registry/{resource}/{namespace}/{name}").into_bytes()
    }

    /// Whether it is ever deleted: what is in a Namespace would go with it.
    pub fn may_go(&self) -> bool {
        self.kind != Kind::Namespace
    }

    /// What the write of this number stores; `life` counts how often the
    /// object was made anew.
    pub fn value(&self, life: u32, write: u64, random: &mut Random) -> Vec<u8> {
        let metadata = Some(self.metadata(life, write));
        match self.kind {
            Kind::Namespace => stored("v1", "Namespace", &namespace(metadata)),
            Kind::Pod => stored("v1", "Pod", &pod(metadata, write)),
            Kind::Lease => stored("coordination.k8s.io/v1", "Lease", &lease(metadata, write)),
            Kind::Event => stored("v1", "Event", &event(metadata, write)),
            Kind::ConfigMap => stored("v1", "ConfigMap", &config_map(metadata, random)),
            Kind::Secret => stored("v1", "Secret", &secret(metadata, life, random)),
            Kind::Deployment => stored("apps/v1", "Deployment", &deployment(metadata, write)),
            Kind::Service => stored("v1", "Service", &self.service(metadata)),
            Kind::Widget => self.widget(life, write, random),
        }
    }

    fn uid(&self, life: u32) -> String {
        format!("5f0c2a1e-7b1d-4c3a-{life:04x}-{:012x}", self.at)
    }

    fn metadata(&self, life: u32, write: u64) -> ObjectMeta {
        let (name, namespace) = match self.kind {
            Kind::Namespace => (self.namespace.clone(), String::new()),
            _ => (self.name.clone(), self.namespace.clone()),
        };
        let mut labels = pairs(&[("app", "web"), ("tier", "front")]);
        if self.kind == Kind::Namespace {
            labels.insert("kubernetes.io/metadata.name".to_owned(), name.clone());
        }
        ObjectMeta {
            name: Some(name),
            namespace: Some(namespace),
            uid: Some(self.uid(life)),
            generation: Some(1),
            creation_timestamp: time(0),
            labels,
            annotations: pairs(&[("example.io/write", &write.to_string())]),
            managed_fields: vec![managed(write)],
            ..ObjectMeta::default()
        }
    }

    fn service(&self, metadata: Option<ObjectMeta>) -> Service {
        let address = format!("10.96.{}.{}", self.at / 250 % 250, self.at % 250 + 1);
        let port = ServicePort {
            name: Some("http".to_owned()),
            protocol: Some("TCP".to_owned()),
            port: Some(80),
            ..ServicePort::default()
        };
        let spec = ServiceSpec {
            ports: vec![port],
            selector: pairs(&[("app", "web")]),
            cluster_ip: Some(address.clone()),
            cluster_ips: vec![address],
            r#type: Some("ClusterIP".to_owned()),
            session_affinity: Some("None".to_owned()),
            ip_families: vec!["IPv4".to_owned()],
            ip_family_policy: Some("SingleStack".to_owned()),
            ..ServiceSpec::default()
        };
        Service {
            metadata,
            spec: Some(spec),
            ..Service::default()
        }
    }

    fn widget(&self, life: u32, write: u64, random: &mut Random) -> Vec<u8> {
        let value = json!({
            "apiVersion": "shop.example.com/v1", "kind": "Widget",
            "metadata": {
                "name": self.name, "namespace": self.namespace, "uid": self.uid(life),
                "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z",
                "annotations": {"example.io/write": write.to_string()}
            },
            "spec": {"size": random.below(100), "text": text(random, 600)}
        });
        value.to_string().into_bytes()
    }
}

fn namespace(metadata: Option<ObjectMeta>) -> Namespace {
    Namespace {
        metadata,
        status: Some(NamespaceStatus {
            phase: Some("Active".to_owned()),
            ..NamespaceStatus::default()
        }),
        ..Namespace::default()
    }
}

fn pod(metadata: Option<ObjectMeta>, write: u64) -> Pod {
    let status = PodStatus {
        phase: Some("Running".to_owned()),
        start_time: time(write),
        ..PodStatus::default()
    };
    Pod {
        metadata,
        spec: Some(pod_spec()),
        status: Some(status),
    }
}

fn lease(metadata: Option<ObjectMeta>, write: u64) -> Lease {
    let spec = LeaseSpec {
        holder_identity: Some("node-1".to_owned()),
        lease_duration_seconds: Some(40),
        renew_time: Some(MicroTime {
            seconds: Some(1_767_225_600 + write as i64),
            nanos: Some(0),
        }),
        ..LeaseSpec::default()
    };
    Lease {
        metadata,
        spec: Some(spec),
    }
}

fn event(metadata: Option<ObjectMeta>, write: u64) -> Event {
    Event {
        metadata,
        reason: Some("Pulled".to_owned()),
        message: Some("Container image is already present on machine".to_owned()),
        last_timestamp: time(write),
        count: Some(1),
        r#type: Some("Normal".to_owned()),
        ..Event::default()
    }
}

fn config_map(metadata: Option<ObjectMeta>, random: &mut Random) -> ConfigMap {
    let length = random.below(2000);
    ConfigMap {
        metadata,
        data: pairs(&[("settings.conf", &text(random, length))]),
        ..ConfigMap::default()
    }
}

/// One life in eight is a token's: the type of a Secret cannot be changed.
fn secret(metadata: Option<ObjectMeta>, life: u32, random: &mut Random) -> Secret {
    let kind = if life % 8 == 7 { TOKEN } else { "Opaque" };
    let data = [("password".to_owned(), text(random, 64).into_bytes())];
    Secret {
        metadata,
        data: data.into(),
        r#type: Some(kind.to_owned()),
        ..Secret::default()
    }
}

fn deployment(metadata: Option<ObjectMeta>, write: u64) -> Deployment {
    let labels = pairs(&[("app", "web")]);
    let template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: labels.clone(),
            ..ObjectMeta::default()
        }),
        spec: Some(pod_spec()),
    };
    let replicas = Some((write % 5 + 1) as i32);
    let spec = DeploymentSpec {
        replicas,
        selector: Some(LabelSelector {
            match_labels: labels,
            ..LabelSelector::default()
        }),
        template: Some(template),
        ..DeploymentSpec::default()
    };
    let status = DeploymentStatus {
        replicas,
        ready_replicas: replicas,
        ..DeploymentStatus::default()
    };
    Deployment {
        metadata,
        spec: Some(spec),
        status: Some(status),
    }
}

fn pod_spec() -> PodSpec {
    let container = Container {
        name: Some("web".to_owned()),
        image: Some("registry.example.com/shop/web:1.2.3".to_owned()),
        args: vec!["--listen=:8080".to_owned(), "--verbose".to_owned()],
        ..Container::default()
    };
    PodSpec {
        containers: vec![container],
        restart_policy: Some("Always".to_owned()),
        dns_policy: Some("ClusterFirst".to_owned()),
        service_account_name: Some("default".to_owned()),
        ..PodSpec::default()
    }
}

/// What a kube-apiserver notes of who has set which field: much of an object.
fn managed(write: u64) -> ManagedFieldsEntry {
    let fields = r#"{"f:metadata":{"f:labels":{"f:app":{},"f:tier":{}},"f:annotations":{"f:example.io/write":{}}},"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:args":{},"f:image":{},"f:name":{}}},"f:restartPolicy":{},"f:serviceAccountName":{}}}}}"#;
    ManagedFieldsEntry {
        manager: Some("kubectl".to_owned()),
        operation: Some("Apply".to_owned()),
        api_version: Some("v1".to_owned()),
        time: time(write),
        fields_type: Some("FieldsV1".to_owned()),
        fields_v1: Some(FieldsV1 {
            raw: Some(fields.as_bytes().to_vec()),
        }),
        ..ManagedFieldsEntry::default()
    }
}

fn time(after: u64) -> Option<Time> {
    Some(Time {
        seconds: Some(1_767_225_600 + after as i64),
        nanos: Some(0),
    })
}

fn pairs(of: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = of
        .iter()
        .map(|(key, value)| (key.to_string(), value.to_string()));
    owned.collect()
}

/// Text that hardly compresses.
fn text(random: &mut Random, length: usize) -> String {
    let mut text = String::with_capacity(length + 16);
    while text.len() < length {
        text += &format!("{:016x}", random.next());
    }
    text.truncate(length);
    text
}
