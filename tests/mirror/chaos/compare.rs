//! What the destination must hold, worked out from both sides' contents by a few
//! lines that know the rules of these tests. Nothing of carry is used.

use std::collections::BTreeMap;

use etcd_client::{Compare, CompareOp, Txn, TxnOp};

use super::access::{Access, Stored};
use super::values::{contains, has_label, namespace_key, pod};

/// The rules of these tests; [`selected`] says the same.
pub const RULES: &str = r#"
filters:
  sequential:
    - name: red-namespaces
      group: ""
      resources: [{group: "", version: v1, kind: Namespace}]
      labelSelectors:
        - matchLabels: {team: red}
  secondary:
    - name: red-objects
      group: ""
      resources:
        - {group: "", version: v1, kind: ConfigMap}
        - {group: "", version: v1, kind: Secret}
      namespaceSelectors:
        - matchLabels: {team: red}
      excludes:
        - name: map-0
    - name: always
      group: ""
      resources: [{group: "", version: v1, kind: ConfigMap}]
      labelSelectors:
        - matchLabels: {mirror: always}
    - name: settings
      keys: ["/settings/**"]
      when: value.?enabled.orValue(false)
"#;

/// Whether the rules select this key, given everything at the source.
fn selected(key: &str, value: &[u8], source: &Stored) -> bool {
    let red = |value: &[u8]| has_label(value, "team", "red");
    if key.starts_with("/settings/") {
        return contains(value, b"\"enabled\": true");
    }
    let Some(rest) = key.strip_prefix("/registry/") else {
        return false;
    };
    let parts: Vec<&str> = rest.split('/').collect();
    let namespace_is_red = |name: &str| {
        let namespace = source.get(namespace_key(name).as_bytes());
        namespace.is_some_and(|kv| red(&kv.value))
    };
    match parts[..] {
        ["namespaces", _] => red(value),
        ["secrets", namespace, _] => namespace_is_red(namespace),
        ["configmaps", namespace, name] => {
            has_label(value, "mirror", "always") || name != "map-0" && namespace_is_red(namespace)
        }
        _ => false,
    }
}

/// What must be at the destination for this source, without foreign keys.
pub fn expected(source: &Stored) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let selected = source
        .iter()
        .filter(|(key, kv)| selected(&String::from_utf8_lossy(key), &kv.value, source));
    selected
        .map(|(key, kv)| (key.clone(), kv.value.clone()))
        .collect()
}

/// Keys at the destination that are none of carry's business, each with its
/// value and the revision of its one write.
#[derive(Clone, Default)]
pub struct Foreign(BTreeMap<Vec<u8>, (Vec<u8>, i64)>);

impl Foreign {
    /// Some keys in the middle of what carry writes, and beside it.
    pub async fn put_first(destination: &Access) -> Foreign {
        let mut foreign = Foreign::default();
        for key in [
            "/registry/configmaps/native/settings",
            "/registry/configmaps/team-1/native",
            "/registry/namespaces/native",
            "/registry/pods/team-1/native",
            "/registry/secrets/team-2/native",
            "/settings/native",
            "/zzz/native",
        ] {
            foreign.put(destination, key).await;
        }
        foreign
    }

    /// One more key, once; it is not there yet.
    pub async fn put(&mut self, destination: &Access, key: &str) {
        let value = pod("native", "native", self.0.len() as u64);
        let absent = Compare::create_revision(key, CompareOp::Equal, 0);
        let put = TxnOp::put(key, value.as_slice(), None);
        let txn = Txn::new().when([absent]).and_then([put]);
        let put = |mut kv: etcd_client::KvClient| {
            let txn = txn.clone();
            async move { kv.txn(txn).await }
        };
        destination.ask("put of a foreign key", put).await;
        let there = destination.get(key.as_bytes()).await;
        let there = there.expect("the foreign key is there");
        assert_eq!(there.version, 1, "`{key}` was written by somebody else");
        self.0.insert(key.into(), (value, there.mod_revision));
    }
}

/// Everything that is wrong at the destination, in words.
pub fn differences(source: &Stored, destination: &Stored, foreign: &Foreign) -> Vec<String> {
    let mut wanted = expected(source);
    let mut wrong = Vec::new();
    for (key, kv) in destination {
        let name = String::from_utf8_lossy(key);
        if let Some((value, written)) = foreign.0.get(key) {
            if (&kv.value, kv.mod_revision) != (value, *written) {
                wrong.push(format!("foreign `{name}` was touched"));
            }
        } else if !name.starts_with("/carry/") {
            match wanted.remove(key) {
                None => wrong.push(format!("`{name}` is extra")),
                Some(value) if value != kv.value => wrong.push(format!("`{name}` is different")),
                Some(_) => {}
            }
        }
    }
    let missing = wanted
        .keys()
        .map(|key| format!("`{}` is missing", String::from_utf8_lossy(key)));
    wrong.extend(missing);
    let gone = foreign
        .0
        .keys()
        .filter(|key| !destination.contains_key(*key));
    wrong.extend(gone.map(|key| format!("foreign `{}` is gone", String::from_utf8_lossy(key))));
    wrong
}
