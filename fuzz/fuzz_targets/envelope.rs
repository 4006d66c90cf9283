//! Any bytes as a protobuf envelope, with and without its first bytes, and as
//! an object in a good envelope; the first byte picks the kind.
#![no_main]

use carry_fuzz::{envelope, read};
use libfuzzer_sys::fuzz_target;

/// One of each shape: deep, wide, with maps, bytes, hidden messages, times,
/// quantities, embedded JSON, and without metadata.
const KINDS: [(&str, &str); 18] = [
    ("v1", "Pod"),
    ("v1", "Secret"),
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("v1", "Node"),
    ("v1", "PersistentVolume"),
    ("v1", "PodExecOptions"),
    ("v1", "Status"),
    ("apps/v1", "ControllerRevision"),
    ("apps/v1", "Deployment"),
    ("batch/v1", "CronJob"),
    ("networking.k8s.io/v1", "Ingress"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("resource.k8s.io/v1", "ResourceClaim"),
    ("certificates.k8s.io/v1", "CertificateSigningRequest"),
    ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition"),
    ("test.io/v1", "Cell"),
];

fuzz_target!(|bytes: &[u8]| {
    read(bytes, &[]);
    read(&[b"k8s\0", bytes].concat(), &[]);
    if let Some((first, object)) = bytes.split_first() {
        let (api_version, kind) = KINDS[usize::from(*first) % KINDS.len()];
        read(&envelope(api_version, kind, object), &[]);
    }
});
