//! Users and passwords at both sides, against real etcd: tokens that expire
//! under a running mirror, roles that may do no more than they have to, and
//! what is said where something is missing.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use etcd_client::{Client, ConnectOptions, Permission, PermissionType};
use tempfile::TempDir;

use super::harness::{
    Carry, Ended, Etcd, Options, Version, any_version, carry, eventually, temp_dir, versions,
};

const RULES: &str = r#"
filters:
  secondary:
    - name: config
      group: ""
      resources: [{group: "", version: v1, kind: ConfigMap}]
"#;

const ROOT: &str = "root-secret";
const PASSWORD: &str = "p:w with spaces";

fn key(n: usize) -> String {
    format!("/registry/configmaps/team/{n:04}")
}

fn config_map(n: usize, text: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{n:04}","namespace":"team"}},"data":{{"text":"{text}"}}}}"#
    )
}

/// A server that asks who one is: `root`, and `carry` who may do what `grants`
/// say.
struct Guarded {
    etcd: Etcd,
    root: Client,
}

async fn root_client(etcd: &Etcd) -> Client {
    let options = ConnectOptions::new()
        .with_user("root", ROOT)
        .with_auto_token_refresh(true);
    Client::connect([etcd.plain_url()], Some(options))
        .await
        .expect("root")
}

impl Guarded {
    async fn start(
        version: Version,
        options: Options,
        grants: &[(PermissionType, &str)],
    ) -> Guarded {
        let etcd = Etcd::start(version, options.arg("--bcrypt-cost=4"));
        let mut client = etcd.client().await;
        client.user_add("root", ROOT, None).await.expect("user");
        client.role_add("root").await.expect("role");
        client.user_grant_role("root", "root").await.expect("grant");
        client
            .user_add("carry", PASSWORD, None)
            .await
            .expect("user");
        client.role_add("mirror").await.expect("role");
        client
            .user_grant_role("carry", "mirror")
            .await
            .expect("grant");
        for &(kind, prefix) in grants {
            let permission = Permission::new(kind, prefix).with_prefix();
            let granted = client.role_grant_permission("mirror", permission).await;
            granted.expect("grant");
        }
        client.auth_enable().await.expect("auth");
        let root = root_client(&etcd).await;
        Guarded { etcd, root }
    }

    async fn put(&mut self, n: usize, text: &str) {
        self.root
            .put(key(n), config_map(n, text), None)
            .await
            .expect("put");
    }

    async fn text_of(&self, n: usize) -> Option<String> {
        let answer = self.root.clone().get(key(n), None).await.ok()?;
        let value = answer.kvs().first()?.value_str().ok()?.to_owned();
        Some(value)
    }
}

/// What a restricted user needs at either side, and no more.
const SOURCE_GRANTS: &[(PermissionType, &str)] = &[(PermissionType::Read, "/registry/")];
const DEST_GRANTS: &[(PermissionType, &str)] = &[
    (PermissionType::Readwrite, "/registry/"),
    (PermissionType::Readwrite, "/carry/"),
];

struct Files {
    dir: TempDir,
}

impl Files {
    fn new() -> Files {
        let dir = temp_dir();
        std::fs::write(dir.path().join("rules.yaml"), RULES).expect("rules");
        std::fs::write(dir.path().join("password"), format!("{PASSWORD}\n")).expect("password");
        Files { dir }
    }

    fn rules(&self) -> PathBuf {
        self.dir.path().join("rules.yaml")
    }

    fn password(&self) -> PathBuf {
        self.dir.path().join("password")
    }

    fn user_flags(&self) -> Vec<String> {
        let password = self.password();
        let flags = ["master", "slave"].map(|side| {
            [
                format!("--{side}-user=carry"),
                format!("--{side}-password-file={}", password.display()),
            ]
        });
        flags.concat()
    }
}

fn once(source: &Etcd, destination: &Etcd, rules: &Path, more: &[String]) -> Ended {
    let dir = temp_dir();
    let mut args = vec![
        "run".to_owned(),
        "--once".to_owned(),
        format!("--master-endpoints={}", source.url()),
        format!("--slave-endpoints={}", destination.url()),
        format!("--mirror-rule={}", rules.display()),
        format!("--db-path={}", dir.path().join("db").display()),
        "--bind-address=127.0.0.1".to_owned(),
        "--bind-port=0".to_owned(),
    ];
    args.extend(more.iter().cloned());
    carry(&args)
}

/// Writes for longer than two lives of a token, restarts both servers (which
/// forget their tokens) and changes users (which outdates them).
async fn outlives_tokens(version: Version, token: &str, with: &Path) {
    let options = || {
        let options = Options::new().arg("--auth-token-ttl=5");
        match token {
            "simple" => options,
            _ => options.arg(format!(
                "--auth-token=jwt,sign-method=HS256,priv-key={},ttl=5s",
                with.display()
            )),
        }
    };
    let mut source = Guarded::start(version, options(), SOURCE_GRANTS).await;
    let mut destination = Guarded::start(version, options(), DEST_GRANTS).await;
    source.put(0, "first").await;
    let files = Files::new();
    let mut running = Carry::between(
        &source.etcd,
        &destination.etcd,
        &files.rules(),
        &files.user_flags(),
    );
    running.wait_ready();
    assert!(
        running
            .stderr()
            .contains("holds a password and can be read by others")
    );

    let begun = Instant::now();
    let mut n = 0;
    while begun.elapsed() < Duration::from_secs(13) {
        n += 1;
        source.put(n, "under way").await;
        let there = format!(
            "key {n} at the destination of etcd {} with {token} tokens",
            version.name()
        );
        eventually(&there, || async { destination.text_of(n).await.is_some() }).await;
        if n % 50 == 25 {
            // An outdated token is refused in other words than an expired one.
            for root in [&mut source.root, &mut destination.root] {
                root.role_add(format!("role-{n}")).await.expect("role");
                root.refresh_token().await.expect("token");
            }
        }
    }
    source.etcd.restart();
    destination.etcd.restart();
    source.root = root_client(&source.etcd).await;
    destination.root = root_client(&destination.etcd).await;
    source.put(n + 1, "after the restart").await;
    eventually("the last write", || async {
        let text = destination.text_of(n + 1).await;
        text.is_some_and(|text| text.contains("after the restart"))
    })
    .await;
    assert_eq!(running.stop(), 0, "{}", running.stderr());
    let said = running.stderr();
    assert!(!said.contains(PASSWORD), "{said}");
    // The leadership was kept all the time, and given back at the end.
    assert!(!said.contains("the leadership was lost"), "{said}");
    let mut root = destination.root.clone();
    let leader = root.get("/carry/default/leader", None).await.expect("get");
    assert!(leader.kvs().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_outlives_simple_tokens() {
    for version in versions("simple tokens") {
        outlives_tokens(version, "simple", Path::new("")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_outlives_signed_tokens() {
    let dir = temp_dir();
    let secret = dir.path().join("secret");
    std::fs::write(&secret, [7; 64]).expect("secret");
    for version in versions("signed tokens") {
        outlives_tokens(version, "jwt", &secret).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_is_not_accepted_is_told_what_to_look_at() {
    let Some(version) = any_version("refused users") else {
        return;
    };
    let source = Guarded::start(version, Options::new(), SOURCE_GRANTS).await;
    let open = Etcd::plain(version);
    let files = Files::new();
    std::fs::write(files.dir.path().join("wrong"), "hunter2").expect("password");
    let wrong = format!(
        "--master-password-file={}",
        files.dir.path().join("wrong").display()
    );
    let right = format!("--master-password-file={}", files.password().display());
    let user = "--master-user=carry".to_owned();
    let refused = |source: &Etcd, flags: &[String], parts: &[&str]| {
        let ended = once(source, &open, &files.rules(), flags);
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        for part in parts {
            assert!(
                ended.stderr.contains(part),
                "`{part}` is not in:\n{}",
                ended.stderr
            );
        }
        assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    };
    refused(
        &source.etcd,
        &[user.clone(), wrong],
        &[
            "source: etcd does not accept the user",
            "`carry`",
            "`--master-password-file`",
        ],
    );
    refused(
        &source.etcd,
        &[],
        &["etcd asks for a user: give `--master-user`"],
    );
    let other = Etcd::plain(version);
    refused(
        &other,
        &[user, right],
        &["authentication is not enabled", "leave `--master-user` out"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_permission_names_the_command_that_grants_it() {
    let Some(version) = any_version("missing permissions") else {
        return;
    };
    let files = Files::new();
    let full = Guarded::start(version, Options::new(), DEST_GRANTS).await;
    let readable = Guarded::start(version, Options::new(), SOURCE_GRANTS).await;
    let blind = Guarded::start(version, Options::new(), &[]).await;
    let only_carry = &[(PermissionType::Readwrite, "/carry/")];
    let half = Guarded::start(version, Options::new(), only_carry).await;
    let only_keys = &[
        (PermissionType::Readwrite, "/registry/"),
        (PermissionType::Read, "/carry/"),
    ];
    let other_half = Guarded::start(version, Options::new(), only_keys).await;
    for (source, destination, part) in [
        (
            &blind,
            &full,
            "grant-permission ROLE read --prefix '/registry/'",
        ),
        (
            &readable,
            &half,
            "grant-permission ROLE readwrite --prefix '/registry/'",
        ),
        (
            &readable,
            &other_half,
            "grant-permission ROLE readwrite --prefix '/carry/default/'",
        ),
    ] {
        let ended = once(
            &source.etcd,
            &destination.etcd,
            &files.rules(),
            &files.user_flags(),
        );
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(
            ended.stderr.contains(part) && ended.stderr.contains("permission denied"),
            "`{part}` is not in:\n{}",
            ended.stderr
        );
    }
    // Whoever only reads is told the same.
    let user = files.user_flags();
    let master = format!("--master-endpoints={}", blind.etcd.url());
    let readable_master = format!("--master-endpoints={}", readable.etcd.url());
    let slave = format!("--slave-endpoints={}", other_half.etcd.url());
    let blind_slave = format!("--slave-endpoints={}", blind.etcd.url());
    let rules = files.rules();
    let rules = rules.to_str().expect("UTF-8");
    let of_rules = format!("--mirror-rule={rules}");
    let (key, of_source) = (key(1), &user[..2]);
    for (command, flags, part) in [
        (
            &["explain", &key, &of_rules, &master][..],
            of_source,
            Some("read --prefix '/registry/'"),
        ),
        (
            &["explain", "/registry/configmaps/", &of_rules, &master],
            of_source,
            Some("read --prefix '/registry/'"),
        ),
        (
            &["explain", "/elsewhere", &of_rules, &master],
            of_source,
            Some("read '/elsewhere'"),
        ),
        (
            &["check-rules", rules, &master],
            of_source,
            Some("read --prefix '/registry/'"),
        ),
        (
            &["explain", &key, &of_rules, &readable_master, &blind_slave],
            &user,
            Some("read --prefix '/registry/'"),
        ),
        (
            &["explain", &key, &of_rules, &readable_master, &slave],
            &user,
            None,
        ),
        (
            &["promote", "--without-source", &blind_slave, &of_rules],
            &user[2..],
            Some("readwrite --prefix '/carry/default/'"),
        ),
    ] {
        let mut args: Vec<String> = command.iter().map(|arg| (*arg).to_owned()).collect();
        args.extend(flags.iter().cloned());
        let ended = carry(&args);
        let grant = part.map(|part| format!("grant-permission ROLE {part}"));
        let told = ended.stderr.contains("permission denied");
        assert_eq!(told, grant.is_some(), "{args:?}\n{}", ended.stderr);
        if let Some(grant) = grant {
            let said = &ended.stderr;
            assert_eq!(ended.code, 2, "{args:?}\n{said}");
            assert!(said.contains(&grant), "`{grant}`: {args:?}\n{said}");
        }
    }
    let mirrored = once(
        &readable.etcd,
        &full.etcd,
        &files.rules(),
        &files.user_flags(),
    );
    assert_eq!(mirrored.code, 0, "{}", mirrored.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_logs_in_too() {
    let Some(version) = any_version("explain with a user") else {
        return;
    };
    let mut source = Guarded::start(version, Options::new(), SOURCE_GRANTS).await;
    source.put(1, "here").await;
    let files = Files::new();
    let ended = super::harness::carry_with(
        &[
            "explain".to_owned(),
            key(1),
            format!("--master-endpoints={}", source.etcd.url()),
            format!("--mirror-rule={}", files.rules().display()),
            "--source-user=carry".to_owned(),
        ],
        &[("CARRY_SOURCE_PASSWORD".to_owned(), PASSWORD.to_owned())],
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("config"), "{}", ended.stdout);
}
