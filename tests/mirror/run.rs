//! `carry run` as a process between two real etcds: the example, restarts,
//! SIGKILL, 20,000 keys, TLS, signals, and what it says when it cannot run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcd_client::GetOptions;
use rustix::process::Signal;

use super::harness::{
    Authority, Carry, Etcd, Options, Version, any_version, carry, eventually, temp_dir, versions,
};

fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy/examples")
        .join(path)
}

/// The example's stored bytes of one key.
fn stored(key: &str) -> Vec<u8> {
    std::fs::read(example("stored").join(key.trim_start_matches('/'))).expect("a stored value")
}

fn changed(key: &str) -> Vec<u8> {
    std::fs::read(example("changed").join(key.trim_start_matches('/'))).expect("a changed value")
}

async fn put_tree(etcd: &Etcd, folder: &Path, prefix: &str) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let key = format!("{prefix}/{name}");
        match path.is_dir() {
            true => Box::pin(put_tree(etcd, &path, &key)).await,
            false => drop(etcd.put(key, std::fs::read(&path).expect("a value")).await),
        }
    }
}

const CONFIG_MAP: &str = "/registry/configmaps/unit-test/influxdb1";
const SECRET: &str = "/registry/secrets/unique/influxdb";
const UNIQUE: &str = "/registry/namespaces/unique";
const UNIT_TEST: &str = "/registry/namespaces/unit-test";

/// Two etcds and the example's rules.
struct Pair {
    source: Etcd,
    destination: Etcd,
}

impl Pair {
    async fn with_example(version: Version) -> Pair {
        let pair = Pair {
            source: Etcd::plain(version),
            destination: Etcd::plain(version),
        };
        put_tree(&pair.source, &example("stored"), "").await;
        pair
    }

    /// Adds ConfigMaps that the rules select.
    async fn with_many(version: Version, count: usize) -> Pair {
        let pair = Pair::with_example(version).await;
        let value = stored(CONFIG_MAP);
        let items = (0..count).map(|number| (many(number), value.clone()));
        pair.source.load(items).await;
        pair
    }

    fn run(&self, more: &[&str]) -> Carry {
        let encryption = example("secrets-encryption.yaml");
        let mut args = vec![format!(
            "--encryption-provider-config={}",
            encryption.display()
        )];
        args.extend(more.iter().map(|arg| (*arg).to_owned()));
        Carry::between(
            &self.source,
            &self.destination,
            &example("rules.yaml"),
            &args,
        )
    }

    /// What the example's rules select, by what is known of its keys.
    async fn wanted(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut wanted = self.source.list("/registry/configmaps/unit-test/").await;
        wanted.remove(b"/registry/configmaps/unit-test/kube-root-ca.crt".as_slice());
        for key in [SECRET, UNIQUE, UNIT_TEST] {
            if let Some(value) = self.source.get(key).await {
                wanted.insert(key.into(), value);
            }
        }
        wanted
    }

    async fn mirrored(&self) {
        eventually(
            "the destination to hold exactly what is selected",
            || async { self.destination.list("/registry").await == self.wanted().await },
        )
        .await;
    }

    /// When each mirrored key was last written.
    async fn written(&self) -> BTreeMap<Vec<u8>, i64> {
        let options = GetOptions::new().with_prefix().with_keys_only();
        let mut kv = self.destination.client().await.kv_client();
        let answer = kv.get("/registry", Some(options)).await.expect("keys");
        answer
            .kvs()
            .iter()
            .map(|kv| (kv.key().to_vec(), kv.mod_revision()))
            .collect()
    }
}

fn many(number: usize) -> Vec<u8> {
    format!("/registry/configmaps/unit-test/many-{number:05}").into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example() {
    for version in versions("the example") {
        let pair = Pair::with_example(version).await;
        let mut running = pair.run(&[]);
        running.wait_ready();
        assert_eq!(
            pair.destination.keys("/registry").await,
            [CONFIG_MAP, UNIQUE, UNIT_TEST, SECRET]
        );
        pair.mirrored().await;
        pair.source.put(CONFIG_MAP, changed(CONFIG_MAP)).await;
        pair.mirrored().await;
        pair.source.put(UNIQUE, changed(UNIQUE)).await;
        eventually("what is unselected to go", || async {
            pair.destination.keys("/registry").await == [CONFIG_MAP, UNIT_TEST]
        })
        .await;
        pair.source.put(UNIQUE, stored(UNIQUE)).await;
        pair.mirrored().await;
        pair.source.delete(CONFIG_MAP).await;
        pair.mirrored().await;
        assert_eq!(running.stop(), 0);
        assert_eq!(pair.destination.get("/carry/default/leader").await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_writes_carrys_own_keys_only() {
    for version in versions("restarts") {
        let pair = Pair::with_example(version).await;
        let mut running = pair.run(&[]);
        running.wait_ready();
        let before = pair.written().await;
        assert_eq!(running.stop(), 0);
        let mut running = running.again();
        running.wait_ready();
        assert_eq!(pair.written().await, before);
        running.kill();
        let mut running = running.again();
        running.wait_ready();
        assert_eq!(pair.written().await, before);
        running.kill();
        pair.source.delete(CONFIG_MAP).await;
        let mut running = running.again_without_ledger();
        running.wait_ready();
        pair.mirrored().await;
        let mut after = before;
        after.remove(CONFIG_MAP.as_bytes());
        assert_eq!(pair.written().await, after);
        assert_eq!(running.stop(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_first_copy_of_20_000_keys() {
    for version in versions("SIGKILL in the first copy") {
        let pair = Pair::with_many(version, 20_000).await;
        let mut running = pair.run(&["--standby=live"]);
        for reached in [500, 5_000] {
            eventually("some keys to arrive", || async {
                pair.destination.count("/registry").await >= reached
            })
            .await;
            running.kill();
            let before = pair.written().await;
            assert!(before.len() < 20_000, "it was killed in the middle");
            running = running.again();
            eventually("the copy to go on", || async {
                pair.destination.count("/registry").await > before.len() as u64
            })
            .await;
            let after = pair.written().await;
            assert!(before.iter().all(|(key, at)| after.get(key) == Some(at)));
        }
        running.wait_ready();
        assert_eq!(
            pair.destination.list("/registry").await,
            pair.wanted().await
        );
        assert_eq!(running.stop(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_while_following() {
    for version in versions("SIGKILL while following") {
        let pair = Pair::with_many(version, 200).await;
        let mut running = pair.run(&[]);
        running.wait_ready();
        let value = stored(CONFIG_MAP);
        for round in 0..5 {
            for number in 0..100 {
                let key = many((round * 61 + number * 7) % 260);
                match number % 5 {
                    0 => drop(pair.source.delete(key).await),
                    _ => drop(pair.source.put(key, value.clone()).await),
                }
                if number == 50 {
                    running.kill();
                }
            }
            let namespace = if round % 2 == 0 {
                changed(UNIQUE)
            } else {
                stored(UNIQUE)
            };
            pair.source.put(UNIQUE, namespace).await;
            running = running.again();
            running.wait_ready();
        }
        pair.source.put(UNIQUE, stored(UNIQUE)).await;
        pair.mirrored().await;
        running.kill();
        let before = pair.written().await;
        let mut running = running.again();
        running.wait_ready();
        assert_eq!(pair.written().await, before);
        assert_eq!(running.stop(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn compacted_while_it_was_down() {
    for version in versions("compaction while down") {
        let pair = Pair::with_example(version).await;
        let mut running = pair.run(&[]);
        running.wait_ready();
        running.kill();
        pair.source.delete(CONFIG_MAP).await;
        let now = pair.source.put(UNIT_TEST, stored(UNIT_TEST)).await;
        pair.source.compact(now).await;
        let mut running = running.again();
        running.wait_ready();
        pair.mirrored().await;
        assert_eq!(running.stop(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn once_and_dry_run() {
    for version in versions("--once and --dry-run") {
        let pair = Pair::with_many(version, 300).await;
        let before = pair.destination.revision().await;
        let mut dry = pair.run(&["--dry-run"]);
        assert_eq!(dry.exit_code(), 0, "{}", dry.stderr());
        let said = dry.process().stdout();
        assert!(
            said.contains("304 would be written, 0 deleted, 0 held"),
            "{said}"
        );
        assert_eq!(pair.destination.revision().await, before);
        assert!(!dry.db_path().exists());
        let mut once = pair.run(&["--once"]);
        assert_eq!(once.exit_code(), 0, "{}", once.stderr());
        let said = once.process().stdout();
        assert!(said.contains("304 keys written, 0 deleted"), "{said}");
        assert_eq!(
            pair.destination.list("/registry").await,
            pair.wanted().await
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_mutual_certificates() {
    for version in versions("TLS") {
        let authority = Authority::new();
        let options = Options::new().tls(&authority);
        let source = Etcd::start(version, options.clone());
        let pair = Pair {
            source,
            destination: Etcd::start(version, options),
        };
        put_tree(&pair.source, &example("stored"), "").await;
        let flags = |side: &str| {
            let (ca, cert, key) = (
                authority.ca(),
                authority.client_cert(),
                authority.client_key(),
            );
            [
                format!("--{side}-cacert={}", ca.display()),
                format!("--{side}-cert={}", cert.display()),
                format!("--{side}-key={}", key.display()),
            ]
        };
        let args: Vec<String> = flags("master").into_iter().chain(flags("slave")).collect();
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut running = pair.run(&args);
        running.wait_ready();
        pair.mirrored().await;
        assert_eq!(running.stop(), 0);

        let other = Authority::new();
        let wrong = format!("--master-cacert={}", other.ca().display());
        let mut args = args.clone();
        args[0] = &wrong;
        refused(&mut pair.run(&args), "source: ");
    }
}

#[test]
fn signals_end_it_within_five_seconds() {
    let Some(version) = any_version("signals") else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let pair = runtime.block_on(Pair::with_example(version));
    for signal in [Signal::TERM, Signal::INT] {
        let mut running = pair.run(&[]);
        running.wait_ready();
        running.signal(signal);
        assert_eq!(running.exit_code_within(Duration::from_secs(5)), 0);
    }
    // The destination does not answer: still it ends.
    let mut running = pair.run(&[]);
    running.wait_ready();
    pair.destination.process().signal(Signal::STOP);
    runtime.block_on(pair.source.put(CONFIG_MAP, changed(CONFIG_MAP)));
    running.signal(Signal::TERM);
    running.exit_code_within(Duration::from_secs(6));
    pair.destination.process().signal(Signal::CONT);
}

fn refused(running: &mut Carry, why: &str) {
    let code = running.exit_code();
    let said = running.stderr();
    assert_eq!(code, 2, "{said}");
    let error = said
        .lines()
        .find(|line| line.starts_with("error: "))
        .unwrap_or_default();
    assert!(error.contains(why), "`{why}` is not in: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_says_when_it_cannot_run() {
    let Some(version) = any_version("refusals") else {
        return;
    };
    let pair = Pair::with_example(version).await;
    let rules = example("rules.yaml");
    let nowhere = "--slave-endpoints=http://127.0.0.1:1";
    let endpoints = format!("--master-endpoints={}", pair.source.url());
    let rule = format!("--mirror-rule={}", rules.display());
    let mut unreachable = Carry::start(&[endpoints.as_str(), nowhere, &rule]);
    refused(&mut unreachable, "destination: cannot reach etcd");

    let mut same = Carry::between(&pair.source, &pair.source, &rules, &["--once"]);
    refused(&mut same, "source and destination are the same etcd");

    let dir = temp_dir();
    let file = dir.path().join("file");
    std::fs::write(&file, "not a directory").expect("a file");
    let ended = carry(&[
        "run",
        &format!("--db-path={}", file.join("ledger").display()),
        "--bind-port=0",
        &endpoints,
        nowhere,
        &rule,
    ]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("--db-path"), "{}", ended.stderr);

    let mut first = pair.run(&[]);
    first.wait_ready();
    refused(&mut pair.run(&[]), "another carry named `default` leads");
    // The port is taken, and a dry run needs none.
    let beside = temp_dir();
    let ended = carry(&[
        "run",
        "--dry-run",
        &format!("--db-path={}", beside.path().join("none").display()),
        "--bind-address=127.0.0.1",
        &format!("--bind-port={}", first.port()),
        &format!(
            "--encryption-provider-config={}",
            example("secrets-encryption.yaml").display()
        ),
        &endpoints,
        &format!("--slave-endpoints={}", pair.destination.url()),
        &rule,
    ]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.stdout.contains("dry run at revision"),
        "{}",
        ended.stdout
    );
    let mut beside = pair.run(&["--name=beside", "--once"]);
    assert_eq!(beside.exit_code(), 0, "{}", beside.stderr());
    assert_eq!(first.stop(), 0);
}

/// Rules of two stages look at the same keys; each is told of once.
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_counts_each_key_once() {
    let Some(version) = any_version("a dry run in stages") else {
        return;
    };
    let pair = Pair::with_example(version).await;
    let (folder, namespace) = (temp_dir(), "{version: v1, kind: Namespace}");
    let rules = folder.path().join("rules.yaml");
    let rule = |more: &str, kinds: &str| {
        format!("    - {{name: \"{kinds}\", group: \"\", {more}resources: [{kinds}]}}\n")
    };
    let text = format!(
        "filters:\n  sequential:\n{}  secondary:\n{}",
        rule("sequence: 1, ", namespace),
        rule(
            "",
            &format!("{namespace}, {{version: v1, kind: ConfigMap}}")
        ),
    );
    std::fs::write(&rules, text).expect("rules");
    let run = |more| Carry::between(&pair.source, &pair.destination, &rules, &[more]);
    let mut all = pair.source.list("/registry/namespaces/").await.len();
    all += pair.source.list("/registry/configmaps/").await.len();
    let mut dry = run("--dry-run");
    assert_eq!(dry.exit_code(), 0, "{}", dry.stderr());
    let said = dry.process().stdout();
    assert!(said.contains(&format!("of {all} keys looked at")), "{said}");
    let put = said.lines().filter(|line| line.starts_with("put ")).count();
    let mut once = run("--once");
    assert_eq!(once.exit_code(), 0, "{}", once.stderr());
    assert_eq!(
        pair.destination.list("/registry").await.len(),
        put,
        "{said}"
    );
}

/// What mirrors a standby into its source would put that to rest, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_the_standby_of_the_destination_is_refused() {
    for version in versions("swapped endpoints") {
        let pair = Pair::with_example(version).await;
        let rules = example("rules.yaml");
        let mut first = pair.run(&["--once"]);
        assert_eq!(first.exit_code(), 0, "{}", first.stderr());
        let before = pair.source.list("").await;
        for more in [&["--once"][..], &["--dry-run"], &["--resync", "--once"]] {
            let mut swapped = Carry::between(&pair.destination, &pair.source, &rules, more);
            let why = "are `--master-endpoints` and `--slave-endpoints` swapped?";
            refused(&mut swapped, why);
        }
        assert!(pair.source.list("").await == before);
        let back = ["--name=back", "--once"];
        let mut back = Carry::between(&pair.destination, &pair.source, &rules, &back);
        assert_eq!(back.exit_code(), 0, "{}", back.stderr());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn either_etcd_may_go_away_for_a_while() {
    for version in versions("etcd away") {
        let mut pair = Pair::with_many(version, 50).await;
        let mut running = pair.run(&[]);
        running.wait_ready();
        pair.destination.kill();
        pair.source.put(CONFIG_MAP, changed(CONFIG_MAP)).await;
        pair.source.delete(many(7)).await;
        pair.destination.restart();
        pair.mirrored().await;
        pair.source.kill();
        pair.source.restart();
        pair.source.delete(many(8)).await;
        pair.mirrored().await;
        assert_eq!(running.stop(), 0);
    }
}

/// Rules over keys outside of Kubernetes, and a condition in CEL over objects
/// and their Namespace: mirrored, followed, and taken away again.
#[tokio::test(flavor = "multi_thread")]
async fn conditions_and_other_keys() {
    const RULES: &str = r#"
filters:
  sequential:
    - name: flags
      keys: [/flags/*]
  secondary:
    - name: settings
      keys: [/settings/**]
      when: value.enabled == true
    - name: marked
      group: ""
      resources: [{group: "", version: v1, kind: ConfigMap}]
      when: >-
        has(namespaceObject.metadata.labels) &&
        'unit-test' == namespaceObject.metadata.name &&
        object.metadata.name.startsWith('influx')
"#;
    for version in versions("conditions and other keys") {
        let folder = temp_dir();
        let rules = folder.path().join("rules.yaml");
        std::fs::write(&rules, RULES).expect("rules");
        let pair = Pair::with_example(version).await;
        let source = &pair.source;
        source.put("/flags/a", "on").await;
        source.put("/flags/a/b", "not a flag").await;
        source.put("/settings/x", r#"{"enabled": true}"#).await;
        source.put("/settings/y/z", "enabled: false\n").await;
        source.put("/other", "nobody's").await;
        pair.destination.put("/other/there", "not ours").await;
        let encryption = example("secrets-encryption.yaml");
        let args = [format!(
            "--encryption-provider-config={}",
            encryption.display()
        )];
        let mut running = Carry::between(source, &pair.destination, &rules, &args);
        running.wait_ready();
        let there = async |expected: &[&str]| {
            eventually("the keys at the destination", || async {
                let mut keys = pair.destination.keys("/").await;
                keys.retain(|key| !key.starts_with("/carry/"));
                keys == expected
            })
            .await;
        };
        there(&["/flags/a", "/other/there", CONFIG_MAP, "/settings/x"]).await;
        source.put("/settings/y/z", "enabled: true\n").await;
        source.put("/settings/x", r#"{"enabled": false}"#).await;
        source.put("/flags/b", "").await;
        there(&[
            "/flags/a",
            "/flags/b",
            "/other/there",
            CONFIG_MAP,
            "/settings/y/z",
        ])
        .await;
        // Bytes that are neither JSON nor YAML cannot be judged: they are held.
        source.put("/settings/held", "\u{1}").await;
        source.delete("/flags/a").await;
        source.delete("/settings/y/z").await;
        there(&["/flags/b", "/other/there", CONFIG_MAP]).await;
        assert_eq!(running.stop(), 0);
    }
}

/// Nothing is to be written, and the destination is gone: that is told, though
/// nothing is behind yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_that_is_gone_is_told_of_while_nothing_is_written() {
    let Some(version) = any_version("a silent destination") else {
        return;
    };
    let (source, mut destination) = (Etcd::plain(version), Etcd::plain(version));
    let rules = example("rules.yaml");
    let mut running = Carry::between(&source, &destination, &rules, &[] as &[&str]);
    running.wait_ready();
    destination.kill();
    running.wait_for("it to be told", |carry| {
        let told = carry.http("/readyz");
        // Whichever is seen first: that the leadership is not renewed, or that a
        // last checkpoint is not written.
        told.is_some_and(|(code, body)| code == 503 && body.contains("destination"))
    });
    destination.resume();
    running.wait_ready();
    assert_eq!(running.stop(), 0);
}
