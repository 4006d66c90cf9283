//! `carry promote` between real etcds, beside mirrors that run: what rests at
//! the standby is woken, and nobody mirrors into it any more.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use carry::destination::election::{Campaign, Election as _};
use carry::destination::etcd::EtcdDestination;
use carry::destination::{Destination as _, Op, Outcome};
use carry::etcd::{Endpoint, TransportSettings, connect};
use carry::k8s::{Edit, Keyring, Path, Record, rewrite, schema};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::{
    Carry, Ended, Etcd, Process, Version, any_version, carry, carry_binary, eventually, temp_dir,
    versions, wait_until,
};
use crate::shared;

type Keys = BTreeMap<Vec<u8>, Vec<u8>>;

const MARK: &str = "/carry/default/promoted";
const WEB: &str = "/registry/deployments/test1/web";
const NIGHTLY: &str = "/registry/cronjobs/test1/nightly";

fn rules(workloads: &str) -> String {
    format!(
        r#"policies: {{workloads: {workloads}}}
filters:
  secondary:
    - name: apps
      group: apps
      resources: [{{kind: Deployment}}, {{kind: StatefulSet}}, {{kind: ReplicaSet}}, {{kind: DaemonSet}}]
    - name: jobs
      group: batch
    - name: core
      group: ""
      resources: [{{kind: ReplicationController}}, {{kind: Service}}]
"#
    )
}

/// What a real kube-apiserver stored of each kind that rests, and a Service.
fn workloads() -> Option<Keys> {
    let wanted = [
        "/registry/controllers/test1/",
        "/registry/daemonsets/test1/",
        "/registry/deployments/test1/",
        "/registry/jobs/test1/",
        "/registry/replicasets/test1/",
        "/registry/services/specs/test1/",
        "/registry/statefulsets/test1/",
    ];
    let corpus = shared::corpus("promote")?.into_iter();
    let is_wanted = |key: &str| wanted.iter().any(|start| key.starts_with(start));
    let items = corpus.filter(|own| is_wanted(&own.key));
    let mut items: Keys = items.map(|own| (own.key.into_bytes(), own.value)).collect();
    let cron = json!({
        "apiVersion": "batch/v1", "kind": "CronJob",
        "metadata": {"name": "nightly", "namespace": "test1", "uid": "u"},
        "spec": {"schedule": "0 3 * * *", "suspend": false},
    });
    let key = NIGHTLY.as_bytes().to_vec();
    items.insert(key, cron.to_string().into_bytes());
    Some(items)
}

struct Sides {
    source: Etcd,
    destination: Etcd,
    dir: TempDir,
}

impl Sides {
    async fn with(version: Version, items: &Keys) -> Sides {
        let sides = Sides {
            source: Etcd::plain(version),
            destination: Etcd::plain(version),
            dir: temp_dir(),
        };
        sides.write("scaled-to-zero");
        sides.source.load(items.clone()).await;
        sides
    }

    fn rules(&self) -> PathBuf {
        self.dir.path().join("rules.yaml")
    }

    fn write(&self, workloads: &str) {
        std::fs::write(self.rules(), rules(workloads)).expect("rules");
    }

    fn mirror(&self, more: &[&str]) -> Carry {
        Carry::between(&self.source, &self.destination, &self.rules(), more)
    }

    fn args(&self, mirror: &Carry, more: &[&str]) -> Vec<String> {
        let mut args = vec![
            "promote".to_owned(),
            format!("--slave-endpoints={}", self.destination.url()),
            format!("--mirror-rule={}", self.rules().display()),
            format!("--db-path={}", mirror.db_path().display()),
            "--settle=2s".to_owned(),
        ];
        if !more.contains(&"--without-source") && !more.contains(&"--revert") {
            args.push(format!("--master-endpoints={}", self.source.url()));
        }
        args.extend(more.iter().map(|arg| (*arg).to_owned()));
        args
    }

    fn promote(&self, mirror: &Carry, more: &[&str]) -> Ended {
        carry(&self.args(mirror, more))
    }

    async fn there(&self) -> Keys {
        self.destination.list("/registry").await
    }
}

fn field(value: &[u8], path: &str) -> Value {
    let path: Path = path.parse().expect("a path");
    let record = Record::parse(value).expect("an object");
    let field = record.get(&path).expect("readable");
    field.to_json().expect("readable")
}

fn changed(value: &[u8], path: &str, to: Value) -> Vec<u8> {
    let edit = (path.parse().expect("a path"), Edit::Set(to));
    rewrite(value, &[edit]).expect("an object").to_vec()
}

/// Ready, and nothing waits for its owner any more.
fn settled(mirror: &mut Carry) {
    mirror.wait_ready();
    mirror.wait_for("nothing to be held", |mirror| {
        mirror.metric("carry_held_keys") == Some(0.0)
    });
}

/// How many of the objects rest.
fn resting(keys: &Keys) -> usize {
    let annotation = "metadata.annotations['standby.carry/source']";
    let marked = |value: &&Vec<u8>| field(value, annotation).is_string();
    keys.values().filter(marked).count()
}

/// What it says of itself when nobody may lead any more.
fn ends_as_promoted(mirror: &mut Carry) {
    assert_eq!(mirror.exit_code(), 2, "{}", mirror.stderr());
    let said = mirror.stderr();
    let error = "error: `default` was promoted at this destination (2";
    assert!(said.contains(error), "{said}");
    assert!(
        said.contains("`carry promote --revert` takes that back"),
        "{said}"
    );
}

/// The whole way: a standby, the failover beside a mirror that runs, nobody who
/// can write again, and a standby once more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_and_its_taking_back() {
    let Some(items) = workloads() else {
        return;
    };
    for version in versions("promote") {
        let sides = Sides::with(version, &items).await;
        let mut mirror = sides.mirror(&[]);
        settled(&mut mirror);
        let standby = sides.there().await;
        assert_eq!((standby.len(), resting(&standby)), (items.len(), 7));
        assert_eq!(field(&standby[WEB.as_bytes()], "spec.replicas"), json!(0));
        let rested = mirror.metric("carry_policy_actions_total{policy=\"workloads\"}");
        assert_eq!(rested, Some(7.0));
        let mut waiting = Carry::between(
            &sides.source,
            &sides.destination,
            &sides.rules(),
            &["--mode=active-standby"],
        );
        waiting.wait_ready();

        let promoted = sides.promote(&mirror, &[]);
        assert_eq!(promoted.code, 0, "{}", promoted.stderr);
        insta::assert_snapshot!("promoted", promoted.stdout);
        assert!(sides.there().await == items);
        ends_as_promoted(&mut mirror);
        ends_as_promoted(&mut waiting);

        // Nobody can write again, whatever happens at the source.
        sides.source.delete(NIGHTLY).await;
        let mut args = vec![
            format!("--master-endpoints={}", sides.source.url()),
            format!("--slave-endpoints={}", sides.destination.url()),
            format!("--mirror-rule={}", sides.rules().display()),
        ];
        for more in ["--resync", "--mode=active-standby", "--dry-run", "--debug"] {
            let args = [&args[..], &[more.to_owned()]].concat();
            mirror = mirror.again_with(&args);
            ends_as_promoted(&mut mirror);
        }
        assert!(sides.there().await == items);
        let again = sides.promote(&mirror, &[]);
        assert_eq!(again.code, 0, "{}", again.stderr);
        insta::assert_snapshot!("promoted_again", again.stdout);

        // Back to a standby.
        let reverted = sides.promote(&mirror, &["--revert"]);
        assert_eq!(reverted.code, 0, "{}", reverted.stderr);
        insta::assert_snapshot!("reverted", reverted.stdout);
        assert!(sides.there().await == items);
        let nothing = sides.promote(&mirror, &["--revert"]);
        assert_eq!(nothing.code, 0, "{}", nothing.stderr);
        insta::assert_snapshot!("reverted_again", nothing.stdout);
        // What supervises carry may start it at once.
        for more in ["--mode=active-standby", "--dry-run", "--debug"] {
            let args = [&args[..], &[more.to_owned()]].concat();
            mirror = mirror.again_with(&args);
            assert_eq!(mirror.exit_code(), 2, "{}", mirror.stderr());
            let said = mirror.stderr();
            let error = "error: `default` was promoted at this destination, and that was taken back: `carry run --resync`";
            assert!(said.contains(error), "{said}");
        }
        assert!(sides.there().await == items);
        args.push("--resync".to_owned());
        let mut mirror = mirror.again_with(&args);
        settled(&mut mirror);
        let mut expected = standby;
        expected.remove(NIGHTLY.as_bytes());
        assert!(sides.there().await == expected);
        args.pop();
        let mut mirror = mirror.again_with(&args);
        settled(&mut mirror);
        assert!(sides.there().await == expected);
    }
}

/// The source is gone: that has to be said, and then nothing of it is needed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_source() {
    let (Some(items), Some(version)) = (workloads(), any_version("promote")) else {
        return;
    };
    let mut sides = Sides::with(version, &items).await;
    let mut mirror = sides.mirror(&[]);
    settled(&mut mirror);
    eventually("the checkpoint of all", || async {
        let checkpoint = sides.destination.get("/carry/default/checkpoint").await;
        let checkpoint: Value =
            serde_json::from_slice(&checkpoint.unwrap_or_default()).unwrap_or_default();
        checkpoint["bootstrapped"] == true && checkpoint["revision"] == 2
    })
    .await;
    sides.source.kill();
    let url = sides.source.url();
    let refused = sides.promote(&mirror, &[]);
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
    let errors = refused
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: "));
    let errors: Vec<String> = errors.map(|line| line.replace(&url, "URL")).collect();
    let errors = errors
        .join("\n")
        .replace(&sides.source.plain_port().to_string(), "PORT");
    insta::assert_snapshot!("no_source", errors);
    assert_eq!(sides.destination.get(MARK).await, None);

    std::fs::write(sides.rules(), "nothing that is needed").expect("rules");
    let promoted = sides.promote(&mirror, &["--without-source", "--output=json"]);
    assert_eq!(promoted.code, 0, "{}", promoted.stderr);
    let warned =
        "without the source: all up to its revision 2 was applied, what came later may be lost";
    assert!(promoted.stderr.contains(warned), "{}", promoted.stderr);
    let mut told: Value = serde_json::from_str(&promoted.stdout).expect("JSON");
    let mark: Value =
        serde_json::from_slice(&sides.destination.get(MARK).await.expect("a mark")).expect("JSON");
    assert_eq!(told["mark"], mark);
    assert_eq!(mark["checkpoint"], 2);
    for own in ["time", "host", "pid", "token", "lease"] {
        assert!(!told["mark"][own].is_null(), "{own}");
        told["mark"][own] = json!("…");
    }
    insta::assert_snapshot!("without_source_json", format!("{told:#}"));
    assert!(sides.there().await == items);
    // It ends though it cannot ask its source.
    ends_as_promoted(&mut mirror);
}

/// Cut off after the mark was written, and while objects are restored: the next
/// run finishes it, without asking anybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_off_anywhere() {
    let (Some(mut items), Some(version)) = (workloads(), any_version("promote")) else {
        return;
    };
    let web = items[WEB.as_bytes()].clone();
    let more = (0..1500).map(|number| {
        let value = changed(&web, "metadata.uid", json!(format!("uid-{number}")));
        (format!("{WEB}-{number:04}").into_bytes(), value)
    });
    items.extend(more);
    let mut sides = Sides::with(version, &items).await;
    let mut mirror = sides.mirror(&[]);
    settled(&mut mirror);
    let all = resting(&sides.there().await);
    assert_eq!(all, 1507);
    mirror.kill();

    let args = sides.args(&mirror, &[]);
    let mut promoting = Process::start(carry_binary(), &args, &[]);
    wait_until("some objects to be restored", || {
        let ended = promoting.ended().is_some();
        let told = promoting.stdout();
        ended || told.lines().any(|line| line.starts_with("restored "))
    });
    promoting.kill();
    sides.source.kill();
    let left = resting(&sides.there().await);
    assert!((1..all).contains(&left), "{left} of {all} are left");

    let finished = sides.promote(&mirror, &[]);
    assert_eq!(finished.code, 0, "{}", finished.stderr);
    assert!(
        finished.stderr.contains("was promoted before (2"),
        "{}",
        finished.stderr
    );
    let told = format!("`default` was promoted before: {left} more objects restored\n");
    assert!(finished.stdout.ends_with(&told), "{}", finished.stdout);
    assert!(sides.there().await == items);
}

/// What has changed at the standby is a difference: it stops a failover that is
/// not forced, and stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn differences_stop_it() {
    let (Some(items), Some(version)) = (workloads(), any_version("promote")) else {
        return;
    };
    let sides = Sides::with(version, &items).await;
    let mut mirror = sides.mirror(&[]);
    settled(&mut mirror);
    // Else it is waited for that it mends this.
    assert_eq!(mirror.stop(), 0);
    let there = sides.there().await;
    let scaled = changed(&there[WEB.as_bytes()], "spec.replicas", json!(1));
    let scaled = changed(&scaled, "metadata.labels.own", json!("a"));
    sides.destination.put(WEB, scaled).await;
    let broken = "/registry/statefulsets/test1/broken";
    sides.destination.put(broken, "not an object").await;
    let before = sides.there().await;

    let refused = sides.promote(&mirror, &[]);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    insta::assert_snapshot!("differences", refused.stdout);
    assert!(sides.there().await == before);
    assert_eq!(sides.destination.get(MARK).await, None);

    let forced = sides.promote(&mirror, &["--force"]);
    assert_eq!(forced.code, 1, "{}", forced.stderr);
    insta::assert_snapshot!("forced", forced.stdout);
    let there = sides.there().await;
    assert_eq!(resting_of(&there, broken), 0);
    assert_eq!(field(&there[WEB.as_bytes()], "spec.replicas"), json!(1));
    assert_eq!(
        field(&there[WEB.as_bytes()], "metadata.labels.own"),
        json!("a")
    );
    let others = items.iter().filter(|(key, _)| *key != WEB.as_bytes());
    for (key, value) in others {
        assert!(there[key] == *value, "{}", key.escape_ascii());
    }
}

/// What the standby's own controllers write is none, and stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn controllers_do_not_stop_it() {
    let (Some(items), Some(version)) = (workloads(), any_version("promote")) else {
        return;
    };
    let sides = Sides::with(version, &items).await;
    let mut mirror = sides.mirror(&[]);
    settled(&mut mirror);
    assert_eq!(mirror.stop(), 0);
    let there = sides.there().await;
    let seen = changed(
        &there[WEB.as_bytes()],
        "status.observedGeneration",
        json!(77),
    );
    sides.destination.put(WEB, seen).await;
    let promoted = sides.promote(&mirror, &[]);
    assert_eq!(promoted.code, 0, "{}{}", promoted.stdout, promoted.stderr);
    let there = sides.there().await;
    let seen = field(&there[WEB.as_bytes()], "status.observedGeneration");
    assert_eq!(seen, json!(77));
    assert_eq!(
        field(&there[WEB.as_bytes()], "spec.replicas"),
        field(&items[WEB.as_bytes()], "spec.replicas")
    );
}

/// As [`resting`], beside a key that holds no object.
fn resting_of(keys: &Keys, without: &str) -> usize {
    let mut keys = keys.clone();
    keys.remove(without.as_bytes());
    resting(&keys)
}

/// Another `--name` is another mirror: what it has made to rest is not woken,
/// and one that never was here is not promoted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_name_counts() {
    let (Some(items), Some(version)) = (workloads(), any_version("promote")) else {
        return;
    };
    let sides = Sides::with(version, &items).await;
    let mut mirror = sides.mirror(&["--name=blue"]);
    settled(&mut mirror);
    let standby = sides.there().await;
    let unknown = sides.promote(&mirror, &["--without-source"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (2, ""));
    let error = "error: no carry named `default` has mirrored into this destination (there is no `/carry/default/checkpoint`): check `--name` and `--slave-endpoints`\n";
    assert!(unknown.stderr.ends_with(error), "{}", unknown.stderr);
    let checkpoint = sides
        .destination
        .get("/carry/blue/checkpoint")
        .await
        .expect("a checkpoint");
    // As if another one had mirrored here too.
    sides
        .destination
        .put("/carry/default/checkpoint", checkpoint)
        .await;
    let other = sides.promote(&mirror, &["--without-source"]);
    assert_eq!(other.code, 0, "{}", other.stderr);
    assert_eq!(other.stdout, "`default` is promoted: 0 objects restored\n");
    assert!(sides.there().await == standby);
    let verified = sides.promote(&mirror, &["--name=blue"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
    assert!(sides.there().await == items);
    assert_eq!(mirror.exit_code(), 2);
}

/// Another setting writes anew what is at the destination already: when the
/// rules change, and at a start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_setting() {
    let (Some(items), Some(version)) = (workloads(), any_version("promote")) else {
        return;
    };
    let sides = Sides::with(version, &items).await;
    sides.write("as-is");
    let mut mirror = sides.mirror(&[]);
    settled(&mut mirror);
    assert!(sides.there().await == items);
    sides.write("scaled-to-zero");
    eventually("everything to rest", || async {
        resting(&sides.there().await) == 7
    })
    .await;
    sides.write("suspended");
    let mut mirror = mirror.again();
    settled(&mut mirror);
    assert_eq!(resting(&sides.there().await), 2);
    sides.write("as-is");
    let mut mirror = mirror.again();
    settled(&mut mirror);
    assert!(sides.there().await == items);
}

/// No fence that was won before the mark holds after it, and none is won.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_wins_beside_a_mark() {
    const LEADER: &[u8] = b"/carry/test/leader";
    for version in versions("promote") {
        let etcd = Etcd::plain(version);
        let endpoint = Endpoint::parse(&etcd.url(), false).expect("an endpoint");
        let connection = connect(&TransportSettings::new(vec![endpoint])).await;
        let destination = EtcdDestination::new(connection.expect("a connection"));
        let rival = destination.clone();
        let campaigning = tokio::spawn(async move {
            let mut fences = Vec::new();
            loop {
                let holder = format!("holder {}", fences.len());
                let ttl = Duration::from_secs(60);
                match rival.campaign(LEADER, holder.as_bytes(), ttl).await {
                    Ok(Campaign::Won(term)) => {
                        fences.push(term.fence.clone());
                        rival.resign(&term).await.expect("resigned");
                    }
                    Ok(Campaign::Promoted(mark)) => return (fences, mark),
                    Ok(Campaign::Lost(_)) | Err(_) => {}
                }
            }
        });
        eventually("a leader or two", || async { etcd.revision().await > 10 }).await;
        let marked = destination
            .promote(LEADER, b"a mark")
            .await
            .expect("a mark");
        let again = destination
            .promote(LEADER, b"another")
            .await
            .expect("a mark");
        assert_eq!(marked, again);
        let (fences, mark) = campaigning.await.expect("campaigns");
        assert_eq!(mark, b"a mark");
        assert!(!fences.is_empty());
        assert_eq!(etcd.get(LEADER).await, None);
        let op = Op::put(b"/r/a".to_vec(), b"1".to_vec(), 0);
        for fence in &fences {
            let late = destination
                .commit(fence, &[], std::slice::from_ref(&op))
                .await;
            assert_eq!(late.expect("an answer"), Outcome::Fenced);
        }
        assert_eq!(etcd.get("/r/a").await, None);
    }
}

/// A mirror that hangs, and comes back with something to write: what it has not
/// applied is told before, and it cannot apply it afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_that_comes_back() {
    let (Some(items), Some(version)) = (workloads(), any_version("promote")) else {
        return;
    };
    let sides = Sides::with(version, &items).await;
    let mut mirror = sides.mirror(&[]);
    settled(&mut mirror);
    mirror.signal(Signal::STOP);
    let larger = changed(&items[WEB.as_bytes()], "spec.replicas", json!(9));
    sides.source.put(WEB, larger).await;
    let refused = sides.promote(&mirror, &[]);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    let promoted = sides.promote(&mirror, &["--force"]);
    assert_eq!(promoted.code, 0, "{}", promoted.stderr);
    // Its lease may have ended meanwhile.
    let told = promoted
        .stdout
        .replace("mirror, which does not run,", "mirror");
    insta::assert_snapshot!("behind", told);
    assert!(sides.there().await == items);
    mirror.signal(Signal::CONT);
    ends_as_promoted(&mut mirror);
    assert!(sides.there().await == items);
}

/// Under another prefix and other keys than the source has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_other_keys() {
    let (Some(items), Some(version)) = (workloads(), any_version("promote")) else {
        return;
    };
    let sides = Sides::with(version, &items).await;
    let config = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n  - resources: [deployments.apps, jobs.batch, services]\n    providers:\n      - aesgcm: {keys: [{name: a, secret: MDEyMzQ1Njc4OWFiY2RlZg==}]}\n";
    let file = sides.dir.path().join("standby.yaml");
    std::fs::write(&file, config).expect("a configuration");
    let provider = format!("--dest-encryption-provider-config={}", file.display());
    let more = [provider.as_str(), "--dest-kube-prefix=/standby"];
    let mut mirror = sides.mirror(&more);
    settled(&mut mirror);
    assert_eq!(mirror.stop(), 0);
    // Nothing rests under the source's prefix there.
    let why = "is of a mirror from `/registry/` to `/standby/`, not from `/registry/` to `/registry/`: give `--kube-prefix` and `--dest-kube-prefix`";
    let mut verify = sides.args(&mirror, &[&provider]);
    "verify".clone_into(&mut verify[0]);
    for refused in [
        sides.promote(&mirror, &[&provider, "--without-source"]),
        sides.promote(&mirror, &[&provider, "--force"]),
        carry(&verify),
    ] {
        assert_eq!(refused.code, 2, "{}", refused.stdout);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    }
    assert_eq!(sides.destination.get(MARK).await, None);
    let promoted = sides.promote(&mirror, &more);
    assert_eq!(promoted.code, 0, "{}", promoted.stderr);
    assert!(
        promoted
            .stdout
            .ends_with("`default` is promoted: 7 objects restored\n")
    );
    let keyring = Keyring::parse("standby.yaml", config).expect("a configuration");
    let there = sides.destination.list("/standby").await;
    assert_eq!(there.len(), items.len());
    for (key, value) in &items {
        let rest = key.strip_prefix(b"/registry").expect("a key");
        let key = [b"/standby", rest].concat();
        let path = String::from_utf8_lossy(rest).into_owned();
        let resource = path.split('/').nth(1).expect("a resource");
        let resource = schema::by_path(match resource {
            "services" => "services/specs",
            other => other,
        });
        let resource = resource.expect("a resource");
        let mut plain = Default::default();
        let opened = keyring.open(
            resource.group,
            resource.plural,
            &key,
            &there[&key],
            &mut plain,
        );
        assert!(opened.expect("readable").plain == value, "{path}");
        let is_plain = there[&key] == *value;
        let encrypted = ["deployments", "jobs", "services"].contains(&resource.plural);
        assert_eq!(is_plain, !encrypted, "{path}");
    }
}

/// It has none: another command is that.
#[test]
fn a_dry_run_is_told_of_verify() {
    let refused = carry(&["promote", "--dry-run"]);
    assert_eq!(refused.code, 2);
    let said = &refused.stderr;
    assert!(
        said.contains("unexpected argument '--dry-run'") && said.contains("tip: `carry verify`"),
        "{said}"
    );
    let other = carry(&["verify", "--dry-run"]);
    assert_eq!(other.code, 2);
    assert!(!other.stderr.contains("`carry verify`"), "{}", other.stderr);
}

#[test]
fn the_help() {
    let all = carry(&["--help"]);
    assert_eq!(all.code, 0);
    insta::assert_snapshot!("help_of_all", all.stdout);
    let help = carry(&["promote", "--help"]);
    assert_eq!(help.code, 0);
    let sides = help
        .stdout
        .find("\nThe source")
        .expect("the source's flags");
    insta::assert_snapshot!("help", &help.stdout[..sides]);
}
