//! Any bytes as a stored value: parsing, labels, reading fields one by one
//! and all at once, which must agree.
#![no_main]

use std::sync::LazyLock;

use carry::k8s::{Field, Path, Query, Record};
use libfuzzer_sys::fuzz_target;

const PATHS: [&str; 14] = [
    "kind",
    "type",
    "immutable",
    "data.a",
    "metadata",
    "metadata.name",
    "metadata.generation",
    "metadata.labels",
    "metadata.labels['app']",
    "metadata.ownerReferences[0].kind",
    "spec.replicas",
    "spec.template.spec.containers[0].image",
    "spec.securityContext.supplementalGroups[2]",
    "spec.names.kind",
];

static PARSED: LazyLock<Vec<Path>> =
    LazyLock::new(|| PATHS.iter().map(|path| path.parse().expect(path)).collect());

fuzz_target!(|bytes: &[u8]| {
    let Ok(record) = Record::parse(bytes) else {
        return;
    };
    let _ = record.labels();
    let readable: Vec<Path> = PARSED
        .iter()
        .filter(|path| record.get(path).is_ok())
        .cloned()
        .collect();
    let query = Query::new(&readable, record.api_version(), record.kind());
    let mut out = vec![Field::Absent; query.len()];
    let scanned = record.scan(&query, &mut out);
    assert!(scanned.is_ok() || readable.is_empty());
    for (path, field) in readable.iter().zip(&out) {
        assert_eq!(record.get(path).as_ref(), Ok(field), "{path}");
    }
});
