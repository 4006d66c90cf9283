//! Values that are encrypted for the destination, under another key prefix, by
//! `carry run` between two real etcds; and configurations that change while it
//! runs.
//!
//! The values are those that a kube-apiserver stored (`kube/encryption`).

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use carry::cli::encryption::{Encryption, EncryptionFiles};
use carry::destination::etcd::EtcdDestination;
use carry::destination::prefixed::Prefixed;
use carry::etcd::{Endpoint, TransportSettings, connect};
use carry::k8s::{Key, Keyring};
use carry::kms::UnixPlugins;
use carry::metrics::{Metrics, Phase};
use carry::mirror::{
    Holder, Mirror, Options, Parts, Reload as _, Reloaded, Report, Summary, World,
};
use carry::rules::decide::{Judge, KeyMap};
use carry::source::EtcdSource;
use carry::state::{MemoryStore, StateStore as _};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::harness::{Carry, Ended, Etcd, any_version, carry, eventually, temp_dir, versions};
use super::kms_server::KmsServer;
use crate::shared;

const RULES: &str = r#"
filters:
  secondary:
    - name: everything
      group: ""
      resources:
        - {group: "", version: v1, kind: Secret}
        - {group: "", version: v1, kind: ConfigMap}
"#;

/// What a kube-apiserver stored under one configuration, and that.
struct Stored {
    config: String,
    values: BTreeMap<String, Vec<u8>>,
}

impl Stored {
    /// `None`, with one line, where the shared data is missing.
    fn under(name: &str) -> Option<Stored> {
        let folder = shared::folder("re-encryption")?.join("kube/encryption");
        let read = |file: &str| std::fs::read_to_string(folder.join(file)).expect("shared data");
        let vectors = read("vectors.jsonl");
        let vectors = vectors.lines().map(|line| {
            let vector: serde_json::Value = serde_json::from_str(line).expect("a vector");
            let text = |field: &str| vector[field].as_str().expect("text").to_owned();
            (text("config"), text("key"), text("value"))
        });
        let engine = base64::engine::general_purpose::STANDARD;
        let own = vectors.filter(|(config, _, _)| config == name);
        let values = own.map(|(_, key, value)| (key, engine.decode(value).expect("base64")));
        Some(Stored {
            config: read(name),
            values: values.collect(),
        })
    }

    /// The same objects, not encrypted.
    fn plain(self) -> Stored {
        let keyring = parse(&self.config);
        let opened = |(key, value): (String, Vec<u8>)| {
            let plain = open(&keyring, &key, &value).expect("its own configuration");
            (key, plain)
        };
        Stored {
            config: NOTHING.to_owned(),
            values: self.values.into_iter().map(opened).collect(),
        }
    }
}

/// A configuration that encrypts nothing.
const NOTHING: &str = "apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets]
    providers:
      - identity: {}
";

/// One that encrypts all with one key.
fn encrypts_with(provider: &str, name: &str, byte: u8) -> String {
    let secret = base64::engine::general_purpose::STANDARD.encode([byte; 32]);
    format!(
        "apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets, configmaps]
    providers:
      - {provider}:
          keys:
            - {{name: {name}, secret: {secret}}}
"
    )
}

fn parse(config: &str) -> Keyring {
    Keyring::parse_with("test.yaml", config, &UnixPlugins).expect("a configuration")
}

fn open(keyring: &Keyring, key: &str, value: &[u8]) -> Option<Vec<u8>> {
    let (group, plural) = place(key);
    let mut plain = Zeroizing::default();
    let opened = keyring.open(&group, &plural, key.as_bytes(), value, &mut plain);
    opened.ok().map(|opened| opened.plain.to_vec())
}

/// Whatever the prefix is: the resource is the segment before `/<ns>/<name>`.
fn place(key: &str) -> (String, String) {
    let resource = key
        .rsplit('/')
        .nth(2)
        .expect("a key of a namespaced object");
    let key = format!("/registry/{resource}/a/b");
    let parsed = Key::parse("/registry", key.as_bytes()).expect("a key");
    (parsed.group().to_owned(), parsed.plural().to_owned())
}

/// Two etcds, and the files that carry is given.
struct Between {
    source: Etcd,
    destination: Etcd,
    dir: TempDir,
    from: String,
    to: String,
    prefix: String,
}

impl Between {
    /// From `stored` to a destination with the configuration `to` under
    /// `prefix`.
    async fn new(
        version: super::harness::Version,
        stored: &Stored,
        to: &str,
        prefix: &str,
    ) -> Between {
        let between = Between {
            source: Etcd::plain(version),
            destination: Etcd::plain(version),
            dir: temp_dir(),
            from: stored.config.clone(),
            to: to.to_owned(),
            prefix: prefix.to_owned(),
        };
        between.write("rules.yaml", RULES);
        between.write("source.yaml", &stored.config);
        between.write("dest.yaml", to);
        for (key, value) in &stored.values {
            between.source.put(key.as_str(), value.as_slice()).await;
        }
        between
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// As a mounted Secret is changed: another file takes its place at once.
    fn write(&self, name: &str, text: &str) {
        let new = self.path(&format!("{name}.new"));
        std::fs::write(&new, text).expect("write");
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600)).expect("mode");
        std::fs::rename(&new, self.path(name)).expect("rename");
    }

    fn flags(&self) -> Vec<String> {
        vec![
            format!(
                "--encryption-provider-config={}",
                self.path("source.yaml").display()
            ),
            format!(
                "--dest-encryption-provider-config={}",
                self.path("dest.yaml").display()
            ),
            format!("--dest-kube-prefix={}", self.prefix),
        ]
    }

    fn run(&self, more: &[&str]) -> Carry {
        let mut args = self.flags();
        args.extend(more.iter().map(|arg| (*arg).to_owned()));
        let rules = self.path("rules.yaml");
        Carry::between(&self.source, &self.destination, &rules, &args)
    }

    /// The plain text of every key, by the configuration of its side, with the
    /// destination's keys as the source has them.
    async fn plain_texts(&self, side: &Etcd, prefix: &str, config: &str) -> Plain {
        let keyring = parse(config);
        let all = side.list(format!("{prefix}/")).await;
        let plain = all.into_iter().map(|(key, value)| {
            let key = String::from_utf8(key).expect("a key of text");
            let plain = open(&keyring, &key, &value);
            let rest = key.strip_prefix(prefix).expect("listed by it");
            (format!("/registry{rest}"), plain)
        });
        plain.collect()
    }

    async fn wanted(&self) -> Plain {
        self.plain_texts(&self.source, "/registry", &self.from)
            .await
    }

    async fn there(&self) -> Plain {
        self.plain_texts(&self.destination, &self.prefix, &self.to)
            .await
    }

    async fn mirrored(&self) {
        eventually("the destination to have the same objects", || async {
            self.there().await == self.wanted().await
        })
        .await;
    }
}

/// Key → plain text, `None` where it cannot be decrypted.
type Plain = BTreeMap<String, Option<Vec<u8>>>;

fn said(once: &mut Carry) -> String {
    assert_eq!(once.exit_code(), 0, "{}", once.stderr());
    once.process().stdout()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_configuration_for_both_copies_the_bytes() {
    let Some(version) = any_version("re-encryption") else {
        return;
    };
    for name in ["aescbc32.yaml", "aesgcm24.yaml", "secretbox.yaml"] {
        let Some(stored) = Stored::under(name) else {
            return;
        };
        let between = Between::new(version, &stored, &stored.config, "/registry").await;
        // First with a copy of the file, then with the file itself.
        let mut once = between.run(&["--once"]);
        assert!(said(&mut once).contains("2 keys written"));
        let source = format!(
            "--encryption-provider-config={}",
            between.path("source.yaml").display()
        );
        let there = || between.destination.list("/registry/");
        assert_eq!(
            there().await,
            between.source.list("/registry/").await,
            "{name}"
        );
        between.destination.delete_prefix("/").await;
        let rules = between.path("rules.yaml");
        let args = [source, "--once".to_owned()];
        let mut once = Carry::between(&between.source, &between.destination, &rules, &args);
        assert!(said(&mut once).contains("2 keys written"));
        assert_eq!(
            there().await,
            between.source.list("/registry/").await,
            "{name}"
        );
    }
}

/// What the destination has for every pair of configurations and prefixes, how
/// its values begin, and whether they are the source's bytes.
fn pairs() -> Option<Vec<(Stored, String, &'static str, &'static str)>> {
    let gcm = encrypts_with("aesgcm", "there", 7);
    let same = Stored::under("aesgcm16.yaml")?.config;
    Some(vec![
        (
            Stored::under("aescbc32.yaml")?,
            gcm.clone(),
            "/standby",
            "k8s:enc:aesgcm:v1:there:",
        ),
        (
            Stored::under("aescbc16.yaml")?.plain(),
            encrypts_with("secretbox", "box", 8),
            "/registry/standby",
            "k8s:enc:secretbox:v1:box:",
        ),
        (
            Stored::under("aesgcm32.yaml")?,
            NOTHING.to_owned(),
            "/other/prefix",
            "k8s\0",
        ),
        (
            Stored::under("secretbox.yaml")?,
            gcm,
            "/registry",
            "k8s:enc:aesgcm:v1:there:",
        ),
        // One configuration, but values that are bound to their keys.
        (
            Stored::under("aesgcm16.yaml")?,
            same,
            "/standby",
            "k8s:enc:aesgcm:v1:key1:",
        ),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_destination_decrypts_what_it_gets_and_nothing_is_written_twice() {
    let (Some(version), Some(pairs)) = (any_version("re-encryption"), pairs()) else {
        return;
    };
    for (stored, to, prefix, begins) in pairs {
        let between = Between::new(version, &stored, &to, prefix).await;
        let mut once = between.run(&["--once"]);
        assert!(
            said(&mut once).contains("2 keys written, 0 deleted"),
            "{begins}"
        );
        let wanted = between.wanted().await;
        assert_eq!(wanted.len(), 2);
        assert!(wanted.values().all(Option::is_some));
        assert_eq!(between.there().await, wanted, "{begins}");
        let written = between.destination.list(prefix).await;
        assert!(
            written
                .values()
                .all(|value| value.starts_with(begins.as_bytes()))
        );
        let other = between.destination.list("/registry/").await;
        assert_eq!(other.is_empty(), !prefix.starts_with("/registry"));

        // Other bytes and the same plain text are equal.
        let mut verify = vec![
            "verify".to_owned(),
            format!("--master-endpoints={}", between.source.url()),
            format!("--slave-endpoints={}", between.destination.url()),
            format!("--mirror-rule={}", between.path("rules.yaml").display()),
            format!("--db-path={}", once.db_path().display()),
        ];
        verify.extend(between.flags());
        let verified = super::harness::carry(&verify);
        assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
        assert!(
            verified
                .stdout
                .contains("2 of 2 selected keys are equal; equal"),
            "{}",
            verified.stdout
        );

        let mut again = once.again();
        assert!(
            said(&mut again).contains("0 keys written, 0 deleted"),
            "{begins}"
        );
        let mut again = again.again_without_ledger();
        assert!(
            said(&mut again).contains("0 keys written, 0 deleted"),
            "{begins}"
        );
        // A full list that has no ledger and no checkpoint to go by.
        between
            .destination
            .delete("/carry/default/checkpoint")
            .await;
        let mut again = again.again_without_ledger();
        assert!(
            said(&mut again).contains("0 keys written, 0 deleted"),
            "{begins}"
        );
        assert_eq!(between.destination.list(prefix).await, written, "{begins}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_follow_under_the_other_prefix() {
    for version in versions("re-encryption") {
        let Some(stored) = Stored::under("aescbc32.yaml") else {
            return;
        };
        let to = encrypts_with("aesgcm", "there", 7);
        let between = Between::new(version, &stored, &to, "/standby").await;
        between
            .destination
            .put("/registry/secrets/a/native", "theirs")
            .await;
        between
            .destination
            .put("/standby/secrets/a/native", "theirs")
            .await;
        between
            .destination
            .put("/standby/masterleases/192.0.2.1", "x")
            .await;
        let mut running = between.run(&[]);
        running.wait_ready();
        let seen = "writing in the live way";
        assert!(running.stderr().contains(seen), "{}", running.stderr());
        between
            .destination
            .delete("/standby/secrets/a/native")
            .await;
        between
            .destination
            .delete("/standby/masterleases/192.0.2.1")
            .await;
        between.mirrored().await;
        let samples = "carry_values_reencrypted_total";
        running.wait_for("two values to be counted", |carry| {
            carry.metric(samples) == Some(2.0)
        });

        let secret = "/registry/secrets/aescbc32/s1";
        let map = "/registry/configmaps/aescbc32/m1";
        let value = between.source.get(secret).await.expect("it is there");
        // aescbc does not bind a value to its key.
        between
            .source
            .put("/registry/secrets/other/s2", value.as_slice())
            .await;
        between.source.delete(map).await;
        between.mirrored().await;
        running.kill();
        between.source.put(secret, value.as_slice()).await;
        between.source.delete("/registry/secrets/other/s2").await;
        let mut running = running.again();
        running.wait_ready();
        between.mirrored().await;
        assert_eq!(between.there().await.len(), 1);
        assert_eq!(running.stop(), 0);
        let native = between.destination.list("/registry").await;
        assert_eq!(
            native.len(),
            1,
            "what lies under the source's prefix is not ours"
        );
        let own = between.destination.keys("/carry/").await;
        assert_eq!(own, ["/carry/default/checkpoint"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_prefix_than_before_is_refused() {
    let (Some(version), Some(stored)) = (
        any_version("another prefix"),
        Stored::under("aescbc32.yaml"),
    ) else {
        return;
    };
    let between = Between::new(version, &stored, &stored.config, "/standby").await;
    let mut once = between.run(&["--once"]);
    said(&mut once);
    let flags = |prefix: &str| {
        let mut args = between.flags();
        args.extend([
            format!("--master-endpoints={}", between.source.url()),
            format!("--slave-endpoints={}", between.destination.url()),
            format!("--mirror-rule={}", between.path("rules.yaml").display()),
            "--once".to_owned(),
        ]);
        args.retain(|arg| !arg.starts_with("--dest-kube-prefix"));
        args.push(format!("--dest-kube-prefix={prefix}"));
        args
    };
    let mut other = once.again_with(&flags("/registry"));
    assert_eq!(other.exit_code(), 2, "{}", other.stderr());
    for part in [
        "from `/registry/` to `/standby/`, not from `/registry/` to `/registry/`",
        "set `--kube-prefix` and `--dest-kube-prefix` back, or use another `--name`",
    ] {
        assert!(other.stderr().contains(part), "{}", other.stderr());
    }
    // An older carry did not record the prefixes: it had one for both sides.
    let key = "/carry/default/checkpoint";
    let text = between.destination.get(key).await.expect("a checkpoint");
    let mut old: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    old.as_object_mut().expect("an object").remove("prefixes");
    between.destination.put(key, old.to_string()).await;
    let mut standby = other.again_with(&flags("/standby"));
    assert_eq!(standby.exit_code(), 2, "{}", standby.stderr());
    let mut same = standby.again_with(&flags("/registry"));
    said(&mut same);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_destination_can_no_longer_read_is_written_again() {
    let (Some(version), Some(stored)) = (any_version("rotation"), Stored::under("aescbc32.yaml"))
    else {
        return;
    };
    // At first nobody says that the destination has a configuration of its own.
    let between = Between::new(version, &stored, &stored.config, "/registry").await;
    let (old, new) = (
        encrypts_with("aesgcm", "old", 7),
        encrypts_with("secretbox", "new", 8),
    );
    let both = new.clone() + old.split_once("providers:\n").expect("providers").1;
    let mut once = between.run(&["--once"]);
    assert!(said(&mut once).contains("2 keys written"));
    for (config, written) in [
        (&old, "2 keys written, 0 deleted"),
        (&old, "0 keys written, 0 deleted"),
        (&both, "0 keys written, 0 deleted"),
        (&new, "2 keys written, 0 deleted"),
        (&new, "0 keys written, 0 deleted"),
    ] {
        between.write("dest.yaml", config);
        once = once.again();
        let told = said(&mut once);
        assert!(told.contains(written), "{told}");
        let there = between.plain_texts(&between.destination, "/registry", config);
        assert_eq!(there.await, between.wanted().await);
    }
}

/// Two real etcds in one process with the mirror, so that it looks at the
/// files often.
struct InProcess;

impl World for InProcess {
    type Source = EtcdSource;
    type Destination = Prefixed<EtcdDestination>;
    type Store = MemoryStore;
    type Judge = Judge;
}

/// Remembers what is held.
#[derive(Default)]
struct Seen(Mutex<BTreeMap<Vec<u8>, String>>);

impl Seen {
    fn held(&self) -> BTreeMap<Vec<u8>, String> {
        self.0.lock().expect("lock").clone()
    }
}

impl Report for Seen {
    fn phase(&self, _: Phase) {}
    fn ready(&self, _: Option<&str>) {}
    fn saw_source(&self, _: i64) {}
    fn applied(&self, _: i64) {}
    fn progressed(&self) {}
    fn hold(&self, key: &[u8], reason: &str) {
        let mut held = self.0.lock().expect("lock");
        held.insert(key.to_vec(), reason.to_owned());
    }
    fn release(&self, key: &[u8]) {
        self.0.lock().expect("lock").remove(key);
    }
}

struct Running {
    task: JoinHandle<Summary>,
    stop: CancellationToken,
    seen: Arc<Seen>,
    metrics: Metrics,
}

impl Running {
    async fn stop(self) -> Summary {
        self.stop.cancel();
        self.task.await.expect("no panic")
    }

    async fn counts(&self, sample: &str) {
        eventually(sample, || async { self.metrics.encode().contains(sample) }).await;
    }
}

fn transport(etcd: &Etcd) -> TransportSettings {
    TransportSettings {
        asks_for: vec![0],
        endpoints: vec![Endpoint::parse(&etcd.url(), false).expect("an endpoint")],
        tls: None,
        dial_timeout: Duration::from_secs(2),
        keepalive_time: Duration::from_secs(10),
        keepalive_timeout: Duration::from_secs(6),
        credentials: None,
        on_reload: None,
    }
}

impl Between {
    async fn run_here(&self, store: &MemoryStore) -> Running {
        let files = EncryptionFiles {
            source: Some(self.path("source.yaml")),
            destination: Some(self.path("dest.yaml")),
        };
        let (encryption, keyrings) = Encryption::load(files).expect("configurations");
        let rules = std::fs::read(self.path("rules.yaml")).expect("rules");
        let (_, loaded) = carry::rules::load_bytes("rules.yaml", rules);
        let rules = loaded.rule_set.expect("rules");
        let plan = carry::rules::Plan::compile(&rules, "/registry").0;
        let judge = Arc::new(Judge::between(
            plan.expect("a plan"),
            keyrings,
            &self.prefix,
        ));
        let connected = |etcd: &Etcd| {
            let settings = transport(etcd);
            async move { connect(&settings).await.expect("a connection") }
        };
        let metrics = Metrics::default();
        let destination = EtcdDestination::new(connected(&self.destination).await);
        let map = KeyMap::new("/registry", &self.prefix);
        let parts = Parts::<InProcess> {
            source: Arc::new(EtcdSource::new(
                connected(&self.source).await,
                metrics.clone(),
            )),
            destination: Arc::new(Prefixed::new(destination, map)),
            store: Arc::new(store.clone()),
            judge: judge.clone(),
            metrics: metrics.clone(),
        };
        let holder = Holder {
            host: "here".to_owned(),
            pid: std::process::id(),
            store: None,
            token: "test".to_owned(),
        };
        let mut options = Options::new("test", holder);
        options.dest_kube_prefix = format!("{}/", self.prefix);
        options.checkpoint_every = Duration::from_millis(20);
        options.reload_every = Duration::from_millis(20);
        options.retry_held_after = Duration::from_millis(20);
        let (stop, seen) = (CancellationToken::new(), Arc::<Seen>::default());
        let mirror = Mirror::new(parts, options, seen.clone(), stop.clone());
        let mirror = mirror.with_reload(Arc::new(encryption.reload_into(judge)));
        Running {
            task: tokio::spawn(async move { mirror.run().await.expect("a clean end") }),
            stop,
            seen,
            metrics,
        }
    }
}

const SECRET: &str = "/registry/secrets/aesgcm32/s1";
const MAP: &str = "/registry/configmaps/aesgcm32/m1";

#[test]
fn a_file_that_is_being_written_is_not_taken() {
    let folder = temp_dir();
    let path = folder.path().join("dest.yaml");
    let write = |text: &str| std::fs::write(&path, text).expect("write");
    write(&encrypts_with("secretbox", "before", 7));
    let files = EncryptionFiles {
        source: None,
        destination: Some(path.clone()),
    };
    let (encryption, keyrings) = Encryption::load(files).expect("configurations");
    let (_, loaded) = carry::rules::load_bytes("rules.yaml", RULES.as_bytes().to_vec());
    let rules = loaded.rule_set.expect("rules");
    let plan = carry::rules::Plan::compile(&rules, "/registry").0;
    let judge = Judge::between(plan.expect("a plan"), keyrings, "/standby");
    let reload = encryption.reload_into(Arc::new(judge));
    assert_eq!(reload.reload(), Reloaded::Unchanged);
    // Each can be used, and only the last one stays.
    for name in ["half", "most", "whole"] {
        write(&encrypts_with("secretbox", name, 8));
        assert_eq!(reload.reload(), Reloaded::Unchanged, "{name}");
    }
    assert!(matches!(reload.reload(), Reloaded::Applied(_)));
    assert_eq!(reload.reload(), Reloaded::Unchanged, "told once");
    write("kind: 7");
    assert_eq!(reload.reload(), Reloaded::Unchanged);
    assert!(matches!(reload.reload(), Reloaded::Refused(_)));
    assert_eq!(reload.reload(), Reloaded::Unchanged, "told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_releases_what_is_held() {
    let (Some(version), Some(stored)) = (any_version("reload"), Stored::under("aesgcm32.yaml"))
    else {
        return;
    };
    let to = encrypts_with("secretbox", "there", 7);
    let between = Between::new(version, &stored, &to, "/standby").await;
    // The wrong key, and plain values are allowed.
    let wrong = encrypts_with("aesgcm", "key1", 1) + "      - identity: {}\n";
    between.write("source.yaml", &wrong);
    let store = MemoryStore::default();
    let running = between.run_here(&store).await;
    eventually("both to be held", || async {
        running.seen.held().len() == 2
    })
    .await;
    let why = running.seen.held()[SECRET.as_bytes()].clone();
    assert!(why.contains("not authentic"), "{why}");
    assert_eq!(between.there().await, Plain::new());

    // A bad file changes nothing, and is told once.
    between.write(
        "source.yaml",
        "kind: EncryptionConfiguration\nresources: 7\n",
    );
    running
        .counts("carry_encryption_reloads_total{outcome=\"refused\"} 1")
        .await;
    let plain = open(&parse(&stored.config), SECRET, &stored.values[SECRET]).expect("its own");
    between
        .source
        .put("/registry/secrets/a/plain", plain.as_slice())
        .await;
    let key = "/standby/secrets/a/plain";
    eventually("a plain value to arrive", || async {
        between.destination.get(key).await.is_some()
    })
    .await;
    assert_eq!(running.seen.held().len(), 2);

    let right = stored.config.clone();
    between.write("source.yaml", &right);
    between.mirrored().await;
    assert!(running.seen.held().is_empty());
    running
        .counts("carry_encryption_reloads_total{outcome=\"applied\"} 1")
        .await;
    let sample = "carry_encryption_reloads_total{outcome=\"refused\"} 1";
    assert!(running.metrics.encode().contains(sample), "told once");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_at_the_destination_keeps_the_one_before() {
    let (Some(version), Some(stored)) = (any_version("reload"), Stored::under("aesgcm32.yaml"))
    else {
        return;
    };
    let before = encrypts_with("secretbox", "before", 7);
    let between = Between::new(version, &stored, &before, "/standby").await;
    let store = MemoryStore::default();
    let running = between.run_here(&store).await;
    between.mirrored().await;
    std::fs::remove_file(between.path("dest.yaml")).expect("remove");
    running
        .counts("carry_encryption_reloads_total{outcome=\"refused\"} 1")
        .await;
    let changed = || {
        between
            .destination
            .mod_revision("/standby/secrets/aesgcm32/s1")
    };
    let value = &stored.values[SECRET];
    let at = changed().await;
    between.source.put(SECRET, value.as_slice()).await;
    eventually("the value to be written again", || async {
        changed().await > at
    })
    .await;
    between.mirrored().await;

    // A new key first, the old one behind it: what is written from now on.
    let after = encrypts_with("secretbox", "after", 8);
    let keys = |config: &str| config.lines().last().expect("a key").to_owned() + "\n";
    let both = after.clone() + &keys(&before);
    between.write("dest.yaml", &both);
    running
        .counts("carry_encryption_reloads_total{outcome=\"applied\"} 1")
        .await;
    between.source.put(SECRET, value.as_slice()).await;
    eventually("the new key to be used", || async {
        let there = between
            .destination
            .get("/standby/secrets/aesgcm32/s1")
            .await;
        there.is_some_and(|value| value.starts_with(b"k8s:enc:secretbox:v1:after:"))
    })
    .await;
    let map = between
        .destination
        .get("/standby/configmaps/aesgcm32/m1")
        .await;
    let map = map.expect("it is there");
    assert!(
        map.starts_with(b"k8s:enc:secretbox:v1:before:"),
        "not written again"
    );

    // Without the old key it can no longer be read, and is written again.
    between.write("dest.yaml", &after);
    eventually("all to be readable", || async {
        let there = between.plain_texts(&between.destination, "/standby", &after);
        there.await == between.wanted().await
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_known_after_a_restart() {
    let (Some(version), Some(stored)) = (any_version("restart"), Stored::under("aesgcm32.yaml"))
    else {
        return;
    };
    let to = encrypts_with("secretbox", "there", 7);
    let between = Between::new(version, &stored, &to, "/standby").await;
    // Secrets cannot be read, ConfigMaps can.
    let secrets = encrypts_with("aesgcm", "key1", 1).replace("[secrets, configmaps]", "[secrets]");
    let maps = stored
        .config
        .replace("[\"secrets\", \"configmaps\"]", "[configmaps]");
    let maps = maps.split_once("resources:\n").expect("entries").1;
    between.write("source.yaml", &(secrets.clone() + maps));
    let store = MemoryStore::default();
    let running = between.run_here(&store).await;
    eventually("the Secret to be held", || async {
        running.seen.held().len() == 1
    })
    .await;
    eventually("the first copy to be done", || async {
        let checkpoints = store.checkpoints().expect("memory");
        checkpoints.iter().any(|checkpoint| checkpoint.bootstrapped)
    })
    .await;
    assert_eq!(running.stop().await.held, 1);
    between.write("source.yaml", &stored.config);
    let running = between.run_here(&store).await;
    between.mirrored().await;
    assert_eq!(running.stop().await.puts, 1, "only what was held");
}

/// All values under a KMS plugin at `socket`.
fn kms(name: &str, socket: &Path, timeout: &str) -> String {
    format!(
        "apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets, configmaps]
    providers:
      - kms: {{apiVersion: v2, name: {name}, endpoint: 'unix://{}', timeout: {timeout}}}
      - identity: {{}}
",
        socket.display()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_kms_plugin_is_released_when_it_answers() {
    let (Some(version), Some(mut stored)) = (any_version("KMS"), Stored::under("kmsv2.yaml"))
    else {
        return;
    };
    let sockets = temp_dir();
    let [here, there] = ["here", "there"].map(|name| sockets.path().join(name));
    stored.config = kms("vec", &here, "3s");
    let between = Between::new(version, &stored, &kms("there", &there, "3s"), "/standby").await;
    let store = MemoryStore::default();
    let running = between.run_here(&store).await;
    let held_for = |plugin: &'static str| {
        let held = running.seen.held();
        held.len() == 2 && held.values().all(|why| why.contains(plugin))
    };
    let source = "the KMS plugin `vec` failed";
    eventually("both to be held for the source", || async {
        held_for(source)
    })
    .await;
    let _here = KmsServer::start(&here);
    let destination = "the KMS plugin `there` failed";
    eventually("both to be held for the destination", || async {
        held_for(destination)
    })
    .await;
    assert_eq!(between.destination.count("/standby").await, 0);
    let _there = KmsServer::start(&there);
    eventually("both to be released", || async {
        running.seen.held().is_empty()
    })
    .await;
    between.mirrored().await;
    let values = between.destination.list("/standby").await;
    assert_eq!(values.len(), 2);
    assert!(
        values
            .values()
            .all(|value| value.starts_with(b"k8s:enc:kms:v2:there:"))
    );
    assert_eq!(running.stop().await.held, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kms_plugin_that_hangs_keeps_nobody_from_stopping() {
    let (Some(version), Some(mut stored)) = (any_version("KMS"), Stored::under("kmsv2.yaml"))
    else {
        return;
    };
    let sockets = temp_dir();
    let socket = sockets.path().join("kms");
    stored.config = kms("vec", &socket, "60s");
    let server = KmsServer::start(&socket);
    server.stuck.store(true, Ordering::SeqCst);
    let between = Between::new(version, &stored, &stored.config, "/registry").await;
    let asked = || server.count("Decrypt");
    // In the first list.
    let mut running = between.run(&[]);
    eventually("the plugin to be asked", || async { asked() == 1 }).await;
    running.signal(Signal::TERM);
    running.exit_code_within(Duration::from_secs(6));
    // While it follows.
    between.source.delete_prefix("/registry").await;
    let mut running = between.run(&["--name=other"]);
    running.wait_ready();
    for (key, value) in &stored.values {
        between.source.put(key.as_str(), value.as_slice()).await;
    }
    eventually("the plugin to be asked", || async { asked() == 2 }).await;
    running.signal(Signal::TERM);
    running.exit_code_within(Duration::from_secs(6));
}

fn explain(between: &Between, key: &str, more: &[&str]) -> Ended {
    let mut args = vec!["explain".to_owned(), key.to_owned()];
    args.extend(between.flags());
    args.extend([
        format!("--master-endpoints={}", between.source.url()),
        format!("--slave-endpoints={}", between.destination.url()),
        format!("--mirror-rule={}", between.path("rules.yaml").display()),
    ]);
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    carry(&args)
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_says_how_a_value_is_stored_and_written() {
    let (Some(version), Some(stored)) = (any_version("explain"), Stored::under("aesgcm32.yaml"))
    else {
        return;
    };
    let to = encrypts_with("secretbox", "there", 7);
    let between = Between::new(version, &stored, &to, "/standby").await;
    let before = explain(&between, SECRET, &[]);
    assert_eq!(before.code, 0, "{}", before.stderr);
    for line in [
        "bytes, aesgcm, key `key1`\n",
        "mirrored: selected by `everything` (secondary[0])\n",
        "to be written: re-encrypted (secretbox, key `there`), under `/standby/secrets/aesgcm32/s1`\n",
        "destination: does not have the key\n",
    ] {
        assert!(before.stdout.contains(line), "{line}: {}", before.stdout);
    }
    let mut dry = between.run(&["--dry-run"]);
    let dry = said(&mut dry);
    assert!(
        dry.contains("2 would be written, 0 deleted, 0 held; 2 values re-encrypted"),
        "{dry}"
    );
    assert!(
        dry.contains("rule `everything`, re-encrypted: secretbox, key `there`)"),
        "{dry}"
    );
    said(&mut between.run(&["--once"]));
    let after = explain(&between, SECRET, &[]);
    let line = "destination: has the same content (secretbox, key `there`), since its revision";
    assert!(after.stdout.contains(line), "{}", after.stdout);
    let json = explain(&between, SECRET, &["--output=json"]);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json["source"]["encryption"], "aesgcm, key `key1`");
    assert_eq!(json["write"]["key"], "/standby/secrets/aesgcm32/s1");
    assert_eq!(json["write"]["reencrypted"], true);
    assert_eq!(json["write"]["encryption"], "secretbox, key `there`");
    assert_eq!(json["destination"]["equal"], true);
    assert_eq!(json["destination"]["sameBytes"], false);
    assert_eq!(json["destination"]["encryption"], "secretbox, key `there`");

    between
        .destination
        .put("/standby/configmaps/aesgcm32/m1", "k8s:enc:aesgcm:v1:x:y")
        .await;
    let broken = explain(&between, MAP, &[]);
    let line = "its apiserver cannot decrypt them: the value is encrypted (aesgcm, key `x`)";
    assert!(broken.stdout.contains(line), "{}", broken.stdout);
    between.write("source.yaml", &encrypts_with("aesgcm", "other", 1));
    let held = explain(&between, SECRET, &[]);
    assert!(
        held.stdout.contains("held, neither written nor deleted"),
        "{}",
        held.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_others_can_read_are_a_warning() {
    let (Some(version), Some(stored)) = (any_version("modes"), Stored::under("aesgcm32.yaml"))
    else {
        return;
    };
    let between = Between::new(version, &stored, &stored.config, "/registry").await;
    let warning = "holds keys and can be read by others than its owner (mode 0640)";
    let mode = |name: &str, mode: u32| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(between.path(name), permissions).expect("mode");
    };
    let explained = explain(&between, SECRET, &[]);
    assert!(
        !explained.stderr.contains("can be read by others"),
        "{}",
        explained.stderr
    );
    mode("source.yaml", 0o640);
    // What a link leads to is what counts.
    std::fs::rename(between.path("dest.yaml"), between.path("..data")).expect("rename");
    std::os::unix::fs::symlink(between.path("..data"), between.path("dest.yaml")).expect("link");
    mode("..data", 0o640);
    let explained = explain(&between, SECRET, &[]);
    assert_eq!(explained.code, 0);
    assert_eq!(
        explained.stderr.matches(warning).count(),
        2,
        "{}",
        explained.stderr
    );
    let mut once = between.run(&["--once"]);
    said(&mut once);
    assert_eq!(
        once.stderr().matches(warning).count(),
        2,
        "{}",
        once.stderr()
    );
    secrets_are_not_told(
        &between,
        &[&explained.stdout, &explained.stderr, &once.stderr()],
    );
}

/// No output holds what is in the configurations.
fn secrets_are_not_told(between: &Between, outputs: &[&str]) {
    let text = |path: &Path| std::fs::read_to_string(path).expect("a configuration");
    for config in [
        text(&between.path("source.yaml")),
        text(&between.path("dest.yaml")),
    ] {
        let secrets = config
            .lines()
            .filter_map(|line| line.split_once("secret: "));
        for (_, secret) in secrets {
            let secret = secret.trim_end_matches('}').trim();
            assert!(secret.len() > 20, "the configuration has secrets");
            assert!(outputs.iter().all(|output| !output.contains(secret)));
        }
    }
}
