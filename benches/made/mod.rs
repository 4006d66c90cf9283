//! Objects as a kube-apiserver stores them, as many as a bench wants: in 100
//! Namespaces, with 1.6 KB in protobuf each.
//!
//! Promises the same objects in every run. Deliberately not all of it is used by
//! every bench.
#![allow(dead_code)]

use std::collections::BTreeMap;

use k8s_pb::api::core::v1::{ConfigMap, Namespace, Secret};
use k8s_pb::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use prost::Message;

/// How many Namespaces there are.
pub const NAMESPACES: usize = 100;

/// The Namespace of a number: its key and what is stored. One in four is of
/// `env: prod`.
pub fn namespace(number: usize) -> (String, Vec<u8>) {
    let env = if number.is_multiple_of(4) {
        "prod"
    } else {
        "dev"
    };
    let name = format!("team-{number}");
    let namespace = Namespace {
        metadata: Some(metadata(&name, None, &[("env", env)])),
        ..Namespace::default()
    };
    let key = format!("/registry/namespaces/{name}");
    (key, stored("Namespace", &namespace.encode_to_vec()))
}

/// Where the object of a number lies, below its plural.
pub fn place(number: usize) -> (String, String) {
    let team = format!("team-{}", number % NAMESPACES);
    (team, format!("object-{number:06}"))
}

/// The Secret of a number, with this label `app`.
pub fn secret(number: usize, app: &str) -> Vec<u8> {
    let secret = Secret {
        metadata: Some(labelled(number, app)),
        data: BTreeMap::from([("a".to_owned(), data().into_bytes())]),
        ..Secret::default()
    };
    stored("Secret", &secret.encode_to_vec())
}

/// The ConfigMap of a number, with this label `app`.
pub fn config_map(number: usize, app: &str) -> Vec<u8> {
    let config_map = ConfigMap {
        metadata: Some(labelled(number, app)),
        data: BTreeMap::from([("a".to_owned(), data())]),
        ..ConfigMap::default()
    };
    stored("ConfigMap", &config_map.encode_to_vec())
}

fn data() -> String {
    "setting: value\n".repeat(90)
}

fn labelled(number: usize, app: &str) -> ObjectMeta {
    let (team, name) = place(number);
    metadata(&name, Some(&team), &[("app", app), ("tier", "front")])
}

fn metadata(name: &str, namespace: Option<&str>, labels: &[(&str, &str)]) -> ObjectMeta {
    let labels = labels.iter();
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: namespace.map(str::to_owned),
        uid: Some("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9".to_owned()),
        labels: labels
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ..ObjectMeta::default()
    }
}

/// What is stored of a core object: its bytes in the envelope.
pub fn stored(kind: &str, object: &[u8]) -> Vec<u8> {
    let mut meta = Vec::new();
    prost::encoding::string::encode(1, &"v1".to_owned(), &mut meta);
    prost::encoding::string::encode(2, &kind.to_owned(), &mut meta);
    let mut value = b"k8s\0".to_vec();
    prost::encoding::bytes::encode(1, &meta, &mut value);
    prost::encoding::bytes::encode(2, &object.to_vec(), &mut value);
    prost::encoding::string::encode(3, &String::new(), &mut value);
    prost::encoding::string::encode(4, &String::new(), &mut value);
    value
}
