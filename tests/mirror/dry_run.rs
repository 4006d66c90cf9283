//! What a dry run says is what a run then does, between two real etcds.

use std::path::PathBuf;
use std::time::Duration;

use carry::etcd::SourceRevision;
use carry::k8s::services::ServiceName;
use carry::rules::identity::Identity;
use carry::state::{LedgerChange, LedgerEntry, RocksStore, StateStore as _};
use k8s_pb::api::core::v1::Service;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::{
    Ended, Etcd, Process, any_version, carry, carry_binary, eventually, free_port, http_get,
    temp_dir,
};
use crate::services::made::{
    address_key, ip_address, message, service, service_bytes, service_cidr, service_key,
};

type Stored = (Vec<u8>, Vec<u8>);

fn object(key: &str, api_version: &str, kind: &str, metadata: Value, mut more: Value) -> Stored {
    more["apiVersion"] = api_version.into();
    more["kind"] = kind.into();
    more["metadata"] = metadata;
    (key.into(), more.to_string().into())
}

fn config_map(name: &str, uid: &str, owner: Option<&str>) -> Stored {
    let mut metadata = json!({"name": name, "namespace": "shop", "uid": uid});
    if let Some(owner) = owner {
        metadata["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": format!("uid-of-{owner}")}]);
    }
    let key = format!("/registry/configmaps/shop/{name}");
    object(&key, "v1", "ConfigMap", metadata, json!({"data": {}}))
}

fn definition_key(plural: &str, group: &str) -> String {
    format!("/registry/apiextensions.k8s.io/customresourcedefinitions/{plural}.{group}")
}

fn definition(plural: &str, kind: &str, group: &str) -> Stored {
    let names = json!({"plural": plural, "kind": kind});
    let spec = json!({"group": group, "names": names, "scope": "Namespaced",
        "versions": [{"name": "v1", "served": true, "storage": true}]});
    let condition = |name: &str| json!({"type": name, "status": "True"});
    let conditions = [condition("Established"), condition("NamesAccepted")];
    let status =
        json!({"conditions": conditions, "acceptedNames": names, "storedVersions": ["v1"]});
    let metadata = json!({"name": format!("{plural}.{group}"), "uid": plural});
    let more = json!({"spec": spec, "status": status});
    let version = "apiextensions.k8s.io/v1";
    let key = definition_key(plural, group);
    object(&key, version, "CustomResourceDefinition", metadata, more)
}

fn site(name: &str) -> Stored {
    let key = format!("/registry/example.com/sites/shop/{name}");
    let metadata = json!({"name": name, "namespace": "shop", "uid": name});
    object(&key, "example.com/v1", "Site", metadata, json!({}))
}

/// Rules that select all, under these policies.
fn all_under(policies: &str) -> String {
    format!(
        "policies: {{{policies}}}\nfilters:\n  secondary:\n    - name: all\n      group: \"*\"\n    - name: sites\n      group: example.com\n    - name: definitions\n      group: apiextensions.k8s.io\n"
    )
}

/// Two etcds and a ledger.
struct Pair {
    source: Etcd,
    destination: Etcd,
    folder: TempDir,
    /// Where in the folder the ledger is.
    db: &'static str,
}

impl Pair {
    fn new(what: &str) -> Option<Pair> {
        let version = any_version(what)?;
        Some(Pair {
            source: Etcd::plain(version),
            destination: Etcd::plain(version),
            folder: temp_dir(),
            db: "db",
        })
    }

    fn db_path(&self) -> PathBuf {
        self.folder.path().join(self.db)
    }

    fn ended(&self, rules: &str, how: &[&str]) -> Ended {
        let mut args = self.args("run", "rules.yaml", rules);
        args.extend([
            "--bind-address=127.0.0.1".to_owned(),
            format!("--bind-port={}", free_port()),
        ]);
        args.extend(how.iter().map(|own| (*own).to_owned()));
        carry(&args)
    }

    fn args(&self, command: &str, file: &str, rules: &str) -> Vec<String> {
        let path = self.folder.path().join(file);
        std::fs::write(&path, rules).expect("rules");
        vec![
            command.to_owned(),
            format!("--mirror-rule={}", path.display()),
            format!("--source-endpoints={}", self.source.url()),
            format!("--dest-endpoints={}", self.destination.url()),
            format!("--db-path={}", self.db_path().display()),
        ]
    }

    /// A carry that goes on, by a rules file of its own.
    fn running(&self, rules: &str) -> Running {
        let port = free_port();
        let mut args = self.args("run", "running.yaml", rules);
        args.extend([
            "--bind-address=127.0.0.1".to_owned(),
            format!("--bind-port={port}"),
        ]);
        let process = Process::start(carry_binary(), &args, &[]);
        Running { process, port }
    }

    /// A dry run while something else goes on in this test.
    async fn beside(&self, rules: &str) -> Ended {
        let mut args = self.args("run", "rules.yaml", rules);
        args.push("--dry-run".to_owned());
        let ended = tokio::task::spawn_blocking(move || carry(&args));
        ended.await.expect("carry ends")
    }

    /// What `verify` says by the last rules.
    fn verified(&self) -> String {
        let rules = std::fs::read_to_string(self.folder.path().join("rules.yaml"));
        let ended = carry(&self.args("verify", "rules.yaml", &rules.expect("rules")));
        assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
        ended.stdout
    }

    fn run(&self, rules: &str, how: &[&str]) -> String {
        let ended = self.ended(rules, how);
        assert_eq!(ended.code, 0, "{rules}, {how:?}: {}", ended.stderr);
        ended.stdout
    }

    async fn dry(&self, policies: &str) -> String {
        self.dry_under(&all_under(policies), &[]).await
    }

    async fn dry_under(&self, rules: &str, how: &[&str]) -> String {
        let before = self.destination.revision().await;
        let said = self.run(rules, &[how, &["--dry-run"]].concat());
        let after = self.destination.revision().await;
        assert_eq!(before, after, "a dry run writes nothing");
        said
    }

    async fn agreed(&self, policies: &str) -> String {
        self.agreed_under(&all_under(policies), &[]).await
    }

    /// What a dry run says, which is what a run then does; after that nothing is
    /// left to do.
    async fn agreed_under(&self, rules: &str, how: &[&str]) -> String {
        let said = self.dry_under(rules, how).await;
        let done = self.run(rules, &[how, &["--once"]].concat());
        for (would, did) in [
            (" would be written", " written"),
            (" deleted", " deleted"),
            (" held;", " held\n"),
        ] {
            let before = |text: &str, end: &str| -> usize {
                let (start, _) = text
                    .split_once(end)
                    .unwrap_or_else(|| panic!("{end}: {text}"));
                let start = start.trim_end_matches(" key").trim_end_matches(" keys");
                let number = start.rsplit([' ', '\n']).next().expect("a word");
                number
                    .replace(',', "")
                    .parse()
                    .unwrap_or_else(|_| panic!("{end}: {text}"))
            };
            let summary = said.find("dry run at").expect("a summary");
            assert_eq!(
                before(&said[summary..], would),
                before(&done, did),
                "{rules}: {said}{done}"
            );
        }
        let again = self.dry_under(rules, how).await;
        assert!(
            again.contains(" 0 would be written, 0 deleted"),
            "{rules}: {again}"
        );
        said
    }

    /// What the destination has under a key.
    async fn there(&self, key: &str) -> String {
        let there = self.destination.get(key).await;
        String::from_utf8(there.unwrap_or_default()).expect("JSON")
    }
}

/// A carry with the ledger of a [`Pair`].
struct Running {
    process: Process,
    port: u16,
}

impl Running {
    async fn wait_ready(&self) {
        let port = self.port;
        eventually("carry is ready", || async move {
            http_get(port, "/readyz").is_some_and(|(code, _)| code == 200)
        })
        .await;
    }

    fn metrics(&self) -> String {
        http_get(self.port, "/metrics").expect("metrics").1
    }

    fn stop(mut self) {
        self.process.signal(Signal::TERM);
        let status = self.process.wait_within(Duration::from_secs(30));
        assert!(status.success(), "{}", self.process.stderr());
    }
}

/// What is said of a key.
fn line<'s>(said: &'s str, key: &str) -> &'s str {
    let of_key = |own: &&str| own.split(' ').any(|word| word == key);
    let found = said.lines().find(of_key);
    found.unwrap_or_else(|| panic!("{key}: {said}"))
}

fn says(said: &str, lines: &[&str]) {
    for line in lines {
        assert!(said.lines().any(|own| own.contains(line)), "{line}: {said}");
    }
}

/// A changed policy `services` is foreseen, both ways.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services() {
    let Some(pair) = Pair::new("a dry run over Services") else {
        return;
    };
    pair.destination.load(a_range("10.0.0.0/29")).await;
    // One fits there, of two others the second shows what the first has taken.
    let all = [
        named("shop", "fits", "10.0.0.4"),
        named("shop", "one", "10.96.0.5"),
        named("shop", "two", "10.96.0.6"),
    ];
    pair.source.load(all).await;
    let said = pair.agreed("services: keep").await;
    says(
        &said,
        &[
            "put /registry/services/specs/shop/one (",
            " 3 would be written",
        ],
    );
    assert!(!said.contains("changed by"), "{said}");
    let said = pair.agreed("services: reallocate").await;
    let lines = [
        "shop/fits (80 bytes, rule `all`, together with 1 other key)",
        "rule `all`, changed by `services`, together with 1 other key)",
        " 3 would be written",
    ];
    says(&said, &lines);
    // At the checkpoint what is gone goes last, and another cannot have what it
    // has.
    let fits = service_key(&ServiceName::new("shop", "fits"));
    pair.source.delete(fits).await;
    pair.source.load([named("shop", "gets", "10.0.0.4")]).await;
    let said = pair.agreed("services: reallocate").await;
    let gets = service_key(&ServiceName::new("shop", "gets"));
    let there = pair.destination.get(gets.clone()).await.expect("a Service");
    let spec = message::<Service>(&there).spec.expect("a spec");
    assert_ne!(spec.cluster_ip(), "10.0.0.4");
    assert!(
        line(&said, &gets).contains("changed by `services`"),
        "{said}"
    );
    let said = pair.agreed("services: keep").await;
    says(
        &said,
        &["together with 1 other key)", " 3 would be written"],
    );
}

/// A range of addresses of a destination, and its own Service.
fn a_range(cidr: &str) -> [Stored; 3] {
    let kubernetes = ServiceName::new("default", "kubernetes");
    [
        (
            b"/registry/servicecidrs/kubernetes".to_vec(),
            service_cidr(&[cidr]),
        ),
        (
            address_key("10.0.0.1").into(),
            ip_address("10.0.0.1", &kubernetes),
        ),
        (
            service_key(&kubernetes).into(),
            service_bytes(&service("kubernetes", &["10.0.0.1"])),
        ),
    ]
}

fn named(namespace: &str, name: &str, address: &str) -> Stored {
    let mut service = service(name, &[address]);
    if let Some(metadata) = &mut service.metadata {
        metadata.namespace = Some(namespace.to_owned());
    }
    let key = service_key(&ServiceName::new(namespace, name));
    (key.into(), service_bytes(&service))
}

/// Who waits is judged after what it waits for, whatever becomes of that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits() {
    let Some(pair) = Pair::new("a dry run over those who wait") else {
        return;
    };
    // The names are in no order of theirs.
    let chain = [("d", "gone"), ("b", "d"), ("c", "b"), ("a", "c")];
    let chain = chain.map(|(name, owner)| config_map(name, &format!("uid-of-{name}"), Some(owner)));
    let broken = "/registry/configmaps/shop/broken";
    pair.source.load(chain).await;
    pair.source
        .load([
            (broken.into(), Vec::new()),
            config_map("of-broken", "x", Some("broken")),
            config_map("kept", "y", None),
        ])
        .await;
    let said = pair.agreed("owners: skip").await;
    let lines = [
        " 1 would be written, 0 deleted, 1 held",
        "  5 left out by the policy `owners`, by what the destination has",
        "hold /registry/configmaps/shop/broken (",
        "skip /registry/configmaps/shop/of-broken (policy `owners`",
    ];
    says(&said, &lines);
    let said = pair.agreed("owners: strip").await;
    says(&said, &[" 4 would be written, 0 deleted, 2 held"]);
    for (name, changes) in [("d", true), ("b", false), ("c", false), ("a", false)] {
        let key = format!("/registry/configmaps/shop/{name}");
        let there = pair.there(&key).await;
        assert_eq!(there.contains("ownerReferences"), !changes, "{there}");
        let said = line(&said, &key);
        assert_eq!(said.contains("changed by `owners`"), changes, "{said}");
    }
    // Of what was mirrored before and cannot be compared any more, too.
    let kept = "/registry/configmaps/shop/kept";
    pair.source.load([(kept.into(), Vec::new())]).await;
    let rules = all_under("owners: strip");
    let said = pair.agreed_under(&rules, &["--resync"]).await;
    says(&said, &[" 3 held", "hold /registry/configmaps/shop/kept ("]);
}

/// What no rule can select any more, with `--prune`: what carry has written over
/// stays, and what is given up is free for who waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_swept() {
    let Some(pair) = Pair::new("a dry run over what is swept") else {
        return;
    };
    pair.destination.load(a_range("10.0.0.0/30")).await;
    let own = |uid: &str| config_map("own", uid, None);
    pair.destination.load([own("theirs")]).await;
    pair.source
        .load([
            own("ours"),
            config_map("new", "new", None),
            named("other", "old", "10.96.0.5"),
        ])
        .await;
    let policies = "onConflict: overwrite, services: reallocate";
    let said = pair.agreed(policies).await;
    says(&said, &[" 3 would be written"]);
    pair.source.load([named("shop", "new", "10.96.0.6")]).await;
    let rules = format!(
        "policies: {{{policies}}}\nfilters:\n  secondary:\n    - name: services\n      group: \"\"\n      resources: [{{kind: Service}}]\n      namespace: shop\n"
    );
    let said = pair.agreed_under(&rules, &["--prune"]).await;
    says(&said, &[" 1 would be written, 2 deleted, 0 held"]);
    assert!(!said.contains("shop/own"), "{said}");
}

/// A definition that would go is there no more for who comes after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn definitions_that_go() {
    let Some(pair) = Pair::new("a dry run over definitions that go") else {
        return;
    };
    let rules = |owners: &str| {
        let rule = |name: &str, group: &str| format!("    - name: {name}\n      group: {group}\n");
        let rules = [
            ("sites", "example.com"),
            ("definitions", "apiextensions.k8s.io"),
            ("shops", "example.net"),
        ];
        let rules: String = rules.map(|(name, group)| rule(name, group)).concat();
        format!("policies: {{owners: {owners}}}\nfilters:\n  sequential:\n{rules}")
    };
    let shop = || {
        let key = "/registry/example.net/shops/shop/one";
        let metadata = json!({"name": "one", "namespace": "shop", "uid": "one"});
        object(key, "example.net/v1", "Shop", metadata, json!({}))
    };
    pair.source
        .load([
            definition("sites", "Site", "example.com"),
            definition("shops", "Shop", "example.net"),
            site("first"),
        ])
        .await;
    pair.agreed_under(&rules("hold"), &[]).await;
    let gone = definition_key("shops", "example.net");
    pair.source.delete(gone.clone()).await;
    pair.source.load([site("second"), shop()]).await;
    // Other rules: everything is listed.
    let said = pair.agreed_under(&rules("strip"), &[]).await;
    let lines = [
        &format!("delete {gone}"),
        "hold /registry/example.net/shops/shop/one (",
        " 1 would be written, 1 deleted, 1 held",
    ];
    says(&said, &lines);
}

/// Where the ledger is lost, or does not say how what was under way has ended, the
/// destination says whose its objects are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_is_recalled() {
    let Some(mut pair) = Pair::new("a dry run without the ledger") else {
        return;
    };
    let keys = ["arrived", "gone", "other"].map(|name| format!("/registry/configmaps/shop/{name}"));
    let [arrived, gone, other] = &keys;
    pair.destination
        .load([config_map("other", "theirs", None)])
        .await;
    pair.source
        .load([
            config_map("arrived", "arrived", None),
            config_map("gone", "gone", None),
            config_map("stays", "stays", None),
        ])
        .await;
    let unknown = "there is no ledger at `";
    let said = pair.agreed("onConflict: keep").await;
    assert!(!said.contains(unknown), "{said}");
    pair.source.delete(gone.clone()).await;
    pair.db = "another";
    let said = pair.agreed("onConflict: keep").await;
    says(
        &said,
        &[
            &format!("delete {gone}"),
            " 0 would be written, 1 deleted",
            unknown,
        ],
    );
    let said = pair.agreed("onConflict: keep").await;
    assert!(!said.contains(unknown), "{said}");
    // As a carry leaves it that is killed between the ledger and the destination.
    pair.source.load([config_map("other", "ours", None)]).await;
    let store = RocksStore::open(&pair.db_path()).expect("the ledger");
    for (key, uid) in [(arrived, "arrived"), (other, "ours")] {
        let revision = pair.source.mod_revision(key.clone()).await;
        let revision = SourceRevision(revision.expect("a revision"));
        let entry = LedgerEntry {
            intent: Some(Identity::of("uid", uid.as_bytes())),
            ..LedgerEntry::new(revision, "all")
        };
        let (key, entry) = (key.clone().into_bytes(), Some(entry));
        let noted = store.apply(&[LedgerChange { key, entry }]);
        noted.expect("the ledger");
    }
    drop(store);
    pair.source.delete(arrived.clone()).await;
    let said = pair.agreed("onConflict: keep").await;
    let lines = [
        &format!("delete {arrived}"),
        &format!("keep {other} ("),
        " 0 would be written, 1 deleted",
    ];
    says(&said, &lines);
}

/// What a run refuses, a dry run refuses.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revision_that_is_gone() {
    let Some(pair) = Pair::new("a dry run of a revision that is gone") else {
        return;
    };
    let gone = pair.source.load([config_map("a", "a", None)]).await;
    let newest = pair.source.load([config_map("b", "b", None)]).await;
    pair.source.compact(newest).await;
    for rev in [gone, newest + 5] {
        let rev = format!("--rev={rev}");
        let ends = ["--dry-run", "--once"].map(|how| {
            let ended = pair.ended(&all_under(""), &[how, &rev]);
            (ended.code, last(&ended).map(str::to_owned))
        });
        assert_eq!(ends[0], ends[1], "{rev}");
        assert_ne!(ends[0].0, 0, "{rev}");
    }
}

/// Owners and definitions that are to come count as there, and what lacks one is
/// told of with the reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_and_definitions() {
    let Some(pair) = Pair::new("a dry run over owners") else {
        return;
    };
    // The owners come after what they own.
    pair.source
        .load([
            config_map("a", "uid-of-a", Some("b")),
            config_map("b", "uid-of-b", Some("c")),
            config_map("c", "uid-of-c", None),
            config_map("orphan", "uid-of-orphan", Some("gone")),
            config_map("of-orphan", "uid-of-of-orphan", Some("orphan")),
            site("first"),
        ])
        .await;
    let said = pair.agreed("owners: hold").await;
    let lines = [
        " 3 would be written, 0 deleted, 3 held",
        "hold /registry/configmaps/shop/orphan (its owner, ConfigMap `gone`, is not at the destination)",
        "  2 held: its owner, ConfigMap `…`, is not at the destination",
        "  1 held: the destination has no CustomResourceDefinition `…`",
    ];
    says(&said, &lines);
    let said = pair.dry("owners: skip").await;
    let lines = [
        "skip /registry/configmaps/shop/orphan (policy `owners`: its owner, ConfigMap `gone`, is not at the destination)",
        "  2 left out by the policy `owners`, by what the destination has",
    ];
    says(&said, &lines);
    pair.source
        .load([definition("sites", "Site", "example.com")])
        .await;
    let said = pair.agreed("owners: strip").await;
    let lines = [
        "put /registry/configmaps/shop/orphan (",
        "changed by `owners`)",
        "changed by `definitions`)",
        "put /registry/example.com/sites/shop/first (",
        " 4 would be written, 0 deleted, 0 held",
    ];
    says(&said, &lines);
    // Who waits for what comes without its owner keeps its own.
    let key = "/registry/configmaps/shop/of-orphan";
    assert!(pair.there(key).await.contains("uid-of-orphan\""));
    assert!(!line(&said, key).contains("changed by"), "{said}");
    // What is deleted is there no more.
    pair.source.delete("/registry/configmaps/shop/c").await;
    let said = pair.agreed("owners: strip").await;
    says(&said, &["delete /registry/configmaps/shop/c", " 1 deleted"]);
}

/// What becomes of others' objects is told, as each setting has it, and how that
/// ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others() {
    let over = [
        "rule `all`, over another object, which is not carry's)",
        "  1 written over other objects",
        "of 0 the destination has something else",
    ];
    for (setting, lines) in [
        (
            "keep",
            [
                "keep /registry/configmaps/shop/own (",
                "of 1 the destination has something else",
                " 0 held",
            ],
        ),
        ("adopt", over),
        ("overwrite", over),
    ] {
        let Some(pair) = others_objects().await else {
            return;
        };
        let said = pair.agreed(&format!("onConflict: {setting}")).await;
        says(&said, &lines);
        says(&said, &["put /registry/configmaps/shop/copy ("]);
        assert!(!said.contains("shop/copy (the destination"), "{said}");
    }
    let Some(pair) = others_objects().await else {
        return;
    };
    let rules = all_under("onConflict: stop");
    let dry = pair.ended(&rules, &["--dry-run"]);
    let lines = [
        "stop at /registry/configmaps/shop/own (",
        "put /registry/configmaps/shop/copy (",
        "of 1 the destination has something else",
        "  1 of which the destination has something else: carry would end at the first",
    ];
    says(&dry.stdout, &lines);
    let run = pair.ended(&rules, &["--once"]);
    assert!(run.stderr.contains("`onConflict: stop`"), "{}", run.stderr);
    assert_eq!((dry.code, last(&dry)), (2, last(&run)));
    assert_eq!(run.code, 2);
}

/// Both sides have other objects under one key, and the same under another.
async fn others_objects() -> Option<Pair> {
    let pair = Pair::new("a dry run over others' objects")?;
    pair.destination
        .load([
            config_map("own", "theirs", None),
            config_map("copy", "copy", Some("x")),
        ])
        .await;
    pair.source
        .load([
            config_map("own", "ours", None),
            config_map("copy", "copy", None),
        ])
        .await;
    Some(pair)
}

/// The last line of its log.
fn last(ended: &Ended) -> Option<&str> {
    ended.stderr.lines().last()
}

/// Beside a carry that runs its ledger says what would be deleted, kept and no
/// longer followed; that carry notices nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_a_carry_that_runs() {
    let Some(pair) = Pair::new("a dry run beside a carry that runs") else {
        return;
    };
    let [one, two] = ["one", "two"].map(|name| config_map(name, name, None));
    let metadata = json!({"name": "third", "namespace": "shop", "uid": "third"});
    let secret = "/registry/secrets/shop/third";
    let third = object(secret, "v1", "Secret", metadata, json!({}));
    pair.source.load([one, two, third]).await;
    let running = pair.running(&all_under(""));
    running.wait_ready().await;
    let fewer = "filters:\n  secondary:\n    - name: one\n      group: \"\"\n      resources: [{kind: ConfigMap}]\n      excludes: [{name: two}]\n";
    let said = pair.dry_under(fewer, &[]).await;
    let lines = [
        "keep /registry/configmaps/shop/two (no rule selects it any more)",
        "keep /registry/secrets/shop/third (no rule selects it any more)",
        " 0 would be written, 0 deleted, 0 held",
        " 2 keys no longer selected would stay;",
    ];
    says(&said, &lines);
    let pruned = pair.dry_under(fewer, &["--prune"]).await;
    let lines = [
        "delete /registry/configmaps/shop/two",
        "delete /registry/secrets/shop/third",
        " 0 would be written, 2 deleted, 0 held",
        " 0 keys no longer selected would stay;",
    ];
    says(&pruned, &lines);
    // The ledger is that carry's still.
    let refused = pair.ended(fewer, &["--once"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    let why = "is in use by another process; `--dry-run` reads it beside a carry that runs";
    assert!(refused.stderr.contains(why), "{}", refused.stderr);
    pair.source.load([config_map("new", "new", None)]).await;
    let new = "/registry/configmaps/shop/new";
    let arrived = || async { pair.destination.get(new).await.is_some() };
    eventually("the new one arrives", arrived).await;
    running.stop();
    let said = pair.agreed_under(fewer, &["--prune"]).await;
    says(&said, &[" 0 would be written, 2 deleted, 0 held"]);
}

/// What has just come, and is in the ledger already, is not taken for gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_a_carry_that_is_busy() {
    let Some(pair) = Pair::new("a dry run beside a carry that is busy") else {
        return;
    };
    let named = |number: usize| config_map(&format!("m{number:06}"), &format!("{number}"), None);
    pair.source.load((0..500).map(named)).await;
    let running = pair.running(&all_under(""));
    running.wait_ready().await;
    let stop = std::sync::atomic::AtomicBool::new(false);
    let writes = async {
        let mut number = 500;
        while !stop.load(std::sync::atomic::Ordering::Relaxed) {
            pair.source.load([named(number)]).await;
            number += 1;
        }
        number
    };
    let looks = async {
        for _ in 0..5 {
            let ended = pair.beside(&all_under("")).await;
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            says(&ended.stdout, &[" deleted, 0 held;"]);
            assert!(!ended.stdout.contains("delete "), "{}", ended.stdout);
            assert!(ended.stdout.contains(" 0 deleted"), "{}", ended.stdout);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    let (written, ()) = tokio::join!(writes, looks);
    assert!(written > 510, "something came meanwhile: {written}");
    running.stop();
}

/// What no rule selects since before is counted as `verify` counts it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_kept_before() {
    let Some(pair) = Pair::new("a dry run over what was kept before") else {
        return;
    };
    let names = ["a", "b", "c", "d"];
    let maps = names.map(|name| config_map(name, name, None));
    pair.source.load(maps).await;
    pair.agreed("").await;
    let but = |names: &[&str]| {
        let excludes: Vec<String> = names.iter().map(|own| format!("{{name: {own}}}")).collect();
        format!(
            "filters:\n  secondary:\n    - name: some\n      group: \"\"\n      resources: [{{kind: ConfigMap}}]\n      excludes: [{}]\n",
            excludes.join(", ")
        )
    };
    pair.agreed_under(&but(&["a", "b"]), &[]).await;
    pair.source.delete("/registry/configmaps/shop/a").await;
    let counts = |said: &str, verified: &str, all: usize, before: usize| {
        let lines = [
            &format!(" {all} keys no longer selected would stay;"),
            &format!("  {before} no longer selected, and kept since before"),
        ];
        says(said, &lines.map(String::as_str));
        let kept = format!("{all} keys kept though no rule selects them any more");
        assert!(verified.contains(&kept), "{kept}: {verified}");
    };
    let said = pair.dry_under(&but(&["a", "b"]), &[]).await;
    counts(&said, &pair.verified(), 2, 2);
    // One more, and one that is selected again.
    let rules = but(&["a", "c"]);
    let said = pair.agreed_under(&rules, &[]).await;
    says(&said, &["keep /registry/configmaps/shop/c (no rule"]);
    counts(&said, &pair.verified(), 2, 1);
    let said = pair.dry_under(&rules, &["--prune"]).await;
    says(&said, &[" 0 keys no longer selected would stay;"]);
    assert!(!said.contains("since before"), "{said}");
}

/// What policies keep out is counted, as often as a run counts it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_policies_keep_out() {
    let Some(pair) = Pair::new("a dry run over what policies keep out") else {
        return;
    };
    let controlled = |name: &str| {
        let owner = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "web", "controller": true});
        let metadata =
            json!({"name": name, "namespace": "shop", "uid": name, "ownerReferences": [owner]});
        let key = format!("/registry/replicasets/shop/{name}");
        object(&key, "apps/v1", "ReplicaSet", metadata, json!({}))
    };
    pair.source
        .load([
            config_map("kube-root-ca.crt", "root", None),
            named("shop", "one", "10.96.0.5"),
            named("shop", "two", "10.96.0.6"),
            controlled("first"),
            controlled("second"),
            controlled("third"),
            config_map("a", "a", None),
        ])
        .await;
    // Two rules of two stages have all of them.
    let rules = "policies: {services: skip}\nfilters:\n  sequential:\n    - name: first\n      group: \"*\"\n  secondary:\n    - name: all\n      group: \"*\"\n";
    let said = pair.dry_under(rules, &[]).await;
    let kept = [
        ("controlledObjects", 3),
        ("services", 2),
        ("systemObjects", 1),
    ];
    for (policy, count) in kept {
        let line = format!("  {count} kept out by the policy `{policy}`");
        assert!(said.lines().any(|own| own == line), "{line}: {said}");
    }
    let running = pair.running(rules);
    running.wait_ready().await;
    let metrics = running.metrics();
    for (policy, count) in kept {
        let sample = format!("carry_policy_actions_total{{policy=\"{policy}\"}} {count}");
        assert!(
            metrics.lines().any(|own| own == sample),
            "{sample}: {metrics}"
        );
    }
    running.stop();
    // What it kept out then, too.
    let said = pair.agreed_under(rules, &[]).await;
    says(&said, &["  2 kept out by the policy `services`"]);
}

/// Where the destination names keys otherwise, that is said once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_another_prefix() {
    let Some(pair) = Pair::new("a dry run under another prefix") else {
        return;
    };
    pair.source.load([config_map("a", "a", None)]).await;
    let rules = all_under("");
    let said = pair
        .agreed_under(&rules, &["--dest-kube-prefix=/standby"])
        .await;
    let mut lines = said.lines();
    assert_eq!(
        lines.next(),
        Some(
            "keys are named as at the source: what is below `/registry/` there is below `/standby/` at the destination"
        )
    );
    let key = "/registry/configmaps/shop/a";
    assert!(lines.next().is_some_and(|own| own.contains(key)), "{said}");
    assert_eq!(said.matches("/standby/").count(), 1, "{said}");
    assert!(
        pair.there("/standby/configmaps/shop/a")
            .await
            .contains("uid")
    );
    let Some(pair) = Pair::new("a dry run under the same prefix") else {
        return;
    };
    pair.source.load([config_map("a", "a", None)]).await;
    let said = pair.agreed("").await;
    assert!(said.starts_with("put "), "{said}");
}

/// No change reads like a delete.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_deletion_leaves_out() {
    let Some(pair) = Pair::new("a dry run over finalizers") else {
        return;
    };
    let key = "/registry/configmaps/shop/held";
    let metadata = json!({"name": "held", "namespace": "shop", "uid": "held", "finalizers": ["a.b/c"],
        "deletionTimestamp": "2026-01-01T00:00:00Z", "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "gone"}]});
    let held = object(key, "v1", "ConfigMap", metadata, json!({"data": {}}));
    let space = "/registry/namespaces/ends";
    let metadata =
        json!({"name": "ends", "uid": "ends", "deletionTimestamp": "2026-01-01T00:00:00Z"});
    let ends = json!({"status": {"phase": "Terminating"}});
    let ends = object(space, "v1", "Namespace", metadata, ends);
    pair.source.load([held, ends]).await;
    let said = pair.agreed("owners: strip").await;
    let how = line(&said, key);
    let end = "changed by `owners`, `deletion` leaves out metadata.deletionTimestamp, metadata.finalizers)";
    assert!(how.ends_with(end), "{how}");
    let how = line(&said, space);
    let end = ", `deletion` leaves out metadata.deletionTimestamp, `deletion` sets status.phase)";
    assert!(how.ends_with(end), "{how}");
    for (key, goes) in [(key, "finalizers"), (space, "Terminating")] {
        assert!(!pair.there(key).await.contains(goes), "{key}");
    }
}

/// Where a run could not have its ledger, a dry run says so, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_cannot_be() {
    let Some(mut pair) = Pair::new("a dry run without a place for the ledger") else {
        return;
    };
    std::fs::write(pair.folder.path().join("file"), "").expect("a file");
    for db in ["file", "file/below"] {
        pair.db = db;
        let [dry, run] = ["--dry-run", "--once"].map(|how| pair.ended(&all_under(""), &[how]));
        assert_eq!((dry.code, last(&dry)), (2, last(&run)), "{}", dry.stdout);
        assert_eq!(run.code, 2);
        assert!(
            dry.stderr.contains("a file is in the way"),
            "{}",
            dry.stderr
        );
    }
    pair.db = "not/there";
    pair.dry("").await;
    assert!(!pair.folder.path().join("not").exists());
}
