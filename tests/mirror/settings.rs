//! The command line: durations, flags with their defaults and aliases, and
//! all errors at once.

use std::path::Path;
use std::time::Duration;

use carry::cli::args::{Command, Output};
use carry::cli::command::parse;
use carry::cli::duration;
use carry::cli::explain::settings::{ExplainSettings, Subject};
use carry::cli::settings::{RunSettings, Standby, kube_prefix};
use carry::etcd::SourceRevision;
use carry::mirror::Mode;

use super::harness::{Authority, temp_dir};

fn run(args: &[&str]) -> Result<RunSettings, String> {
    let all = ["carry", "run"].iter().chain(args);
    match parse(all).map_err(|error| error.to_string())?.command {
        Command::Run(args) => {
            RunSettings::from_args(*args).map_err(|problems| problems.to_string())
        }
        other => Err(format!("parsed as {other:?}")),
    }
}

const PLAIN: [&str; 2] = ["--master-endpoints=a:1", "--slave-endpoints=b:2"];

fn run_plain(more: &[&str]) -> Result<RunSettings, String> {
    run(&[&PLAIN[..], more].concat())
}

#[test]
fn durations_as_go_reads_them() {
    let millis = |text: &str| duration::parse(text).map(|duration| duration.as_millis());
    for (text, expected) in [
        ("0", 0),
        ("2s", 2_000),
        ("+2s", 2_000),
        ("100ms", 100),
        ("1h30m", 5_400_000),
        ("1.5s", 1_500),
        (".5s", 500),
        ("1.s", 1_000),
        ("1m0.25s", 60_250),
        ("1000000us", 1_000),
        ("3000µs", 3),
        ("3000μs", 3),
        ("2m3ms", 120_003),
        ("0.3333333333333333333h", 1_199_999),
    ] {
        assert_eq!(millis(text), Ok(expected), "{text}");
    }
    assert_eq!(duration::parse("1ns"), Ok(Duration::from_nanos(1)));
    assert_eq!(duration::parse("1.9ns"), Ok(Duration::from_nanos(1)));
    for (text, part) in [
        ("", "empty"),
        ("2", "write `2s` for seconds"),
        ("-1s", "negative"),
        ("2 s", "unknown unit ` s`"),
        ("2d", "unknown unit `d`"),
        ("s", "not a duration"),
        (".s", "not a duration"),
        ("1s2", "has no unit"),
        ("1..5s", "unit"),
        ("9223372036854775808ns", "too long"),
        ("99999999999999999999999999999999999999999h", "too long"),
        ("2562048h", "too long"),
    ] {
        let error = millis(text).expect_err(text);
        assert!(error.contains(part), "{text}: {error}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_the_duration_parser(text in "[-+0-9.hmsuµn ]{0,12}") {
        let _ = duration::parse(&text);
    }
}

#[test]
fn defaults_are_those_of_etcd_carry() {
    let settings = run_plain(&[]).expect("settings");
    assert_eq!(settings.rules.file, Path::new("/etc/mirror/rules.yaml"));
    assert_eq!(settings.rules.kube_prefix, "/registry");
    assert_eq!(settings.max_txn_ops, 128);
    assert_eq!(settings.db_path, Path::new("/var/lib/mirror/db"));
    assert_eq!(settings.bind.to_string(), "0.0.0.0:10520");
    assert_eq!(settings.name, "default");
    assert_eq!(settings.standby, Standby::Auto);
    assert!(!settings.once && !settings.dry_run && !settings.debug);
    for side in [&settings.source, &settings.destination] {
        assert_eq!(side.dial_timeout, Duration::from_secs(2));
        assert_eq!(side.keepalive_time, Duration::from_secs(2));
        assert_eq!(side.keepalive_timeout, Duration::from_secs(6));
        assert_eq!(side.tls, None);
    }
    assert_eq!(settings.source.endpoints[0].to_string(), "http://a:1");
}

#[test]
fn every_flag_of_etcd_carry_is_taken() {
    let authority = Authority::new();
    let dir = temp_dir();
    let config = dir.path().join("encryption.yaml");
    std::fs::write(&config, "kind: EncryptionConfiguration").expect("write");
    let (ca, cert, key) = (
        authority.ca(),
        authority.client_cert(),
        authority.client_key(),
    );
    let show = |path: &Path| path.display().to_string();
    let text = format!(
        "--mirror-rule=r.yaml --encryption-provider-config={} --kube-prefix=/k8s --max-txn-ops=64 \
         --rev=0 --dial-timeout=1m --keepalive-time=30s --keepalive-timeout=1.5s \
         --master-endpoints=a:1,b:2 --master-endpoints https://c:3 --master-cacert={} \
         --master-cert={} --master-key={} --master-insecure-skip-tls-verify \
         --master-insecure-transport=false --slave-endpoints=d:4 --slave-insecure-transport \
         --slave-insecure-skip-tls-verify=false --db-path=/db --bind-address=::1 --bind-port=0 \
         --mode=standalone --debug",
        show(&config),
        show(&ca),
        show(&cert),
        show(&key),
    );
    let settings = run(&text.split_whitespace().collect::<Vec<_>>()).expect("settings");
    assert_eq!(settings.rules.encryption.as_deref(), Some(config.as_path()));
    assert_eq!(settings.rules.kube_prefix, "/k8s");
    assert_eq!(settings.max_txn_ops, 64);
    assert_eq!(settings.bind.to_string(), "[::1]:0");
    assert!(settings.debug);
    let shown: Vec<_> = settings
        .source
        .endpoints
        .iter()
        .map(|e| e.to_string())
        .collect();
    assert_eq!(shown, ["https://a:1", "https://b:2", "https://c:3"]);
    assert_eq!(settings.source.dial_timeout, Duration::from_secs(60));
    assert_eq!(
        settings.source.keepalive_timeout,
        Duration::from_millis(1500)
    );
    let tls = settings.source.tls.expect("TLS");
    assert!(tls.insecure_skip_verify);
    assert_eq!(
        (tls.ca, tls.cert, tls.key),
        (Some(ca), Some(cert), Some(key))
    );
    assert_eq!(settings.destination.endpoints[0].to_string(), "http://d:4");
}

#[test]
fn the_names_of_etcd_carry_0_2_mean_the_same() {
    let settings = run(&["--source-endpoints=a:1", "--dest-endpoints=b:2"]).expect("settings");
    assert_eq!(settings.source.endpoints[0].to_string(), "http://a:1");
    assert_eq!(settings.destination.endpoints[0].to_string(), "http://b:2");
}

/// Child process of the test below.
#[test]
fn reads_the_environment() {
    if std::env::var_os("CARRY_SOURCE_ENDPOINTS").is_none() {
        return;
    }
    let settings = run(&[]).expect("settings");
    assert_eq!(settings.source.endpoints.len(), 2);
    assert_eq!(settings.destination.endpoints[0].to_string(), "https://d:4");
    assert_eq!(settings.bind.port(), 7);
    assert!(settings.once && settings.debug);
    assert_eq!(settings.rules.dest_kube_prefix, "/standby");
    assert_eq!(settings.rules.dest_encryption, None);
    // The command line comes first.
    assert_eq!(run(&["--bind-port=8"]).expect("settings").bind.port(), 8);
    println!("read the environment");
}

#[test]
fn every_flag_can_come_from_the_environment() {
    let me = std::env::current_exe().expect("this binary");
    let output = std::process::Command::new(me)
        .args([
            "--exact",
            "mirror::settings::reads_the_environment",
            "--nocapture",
        ])
        .env("CARRY_SOURCE_ENDPOINTS", "a:1,b:2")
        .env("CARRY_SLAVE_ENDPOINTS", "https://d:4")
        .env("CARRY_DEST_ENDPOINTS", "not used:0")
        .env("CARRY_DEST_INSECURE_SKIP_TLS_VERIFY", "1")
        .env("CARRY_BIND_PORT", "7")
        .env("CARRY_DEST_KUBE_PREFIX", "/standby")
        .env("CARRY_DEST_ENCRYPTION_PROVIDER_CONFIG", "none")
        .env("CARRY_ONCE", "true")
        .env("CARRY_DEBUG", "yes")
        .output()
        .expect("child");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("read the environment"),
        "{said}"
    );
}

#[test]
fn tls_without_a_scheme_follows_the_flags() {
    let authority = Authority::new();
    let ca = format!("--master-cacert={}", authority.ca().display());
    let shown =
        |more: &[&str]| run_plain(more).map(|settings| settings.source.endpoints[0].to_string());
    assert_eq!(shown(&[]).as_deref(), Ok("http://a:1"));
    assert_eq!(shown(&[&ca]).as_deref(), Ok("https://a:1"));
    assert_eq!(
        shown(&[&ca, "--master-insecure-transport"]).as_deref(),
        Ok("http://a:1")
    );
    let skip = "--master-insecure-skip-tls-verify";
    assert_eq!(
        shown(&[skip, "--master-insecure-transport=false"]).as_deref(),
        Ok("https://a:1")
    );
    let error = shown(&["--master-insecure-transport=false"]).expect_err("nothing to trust");
    assert!(
        error.contains("TLS to the source (`--master-*`)"),
        "{error}"
    );
}

#[test]
fn all_errors_come_at_once() {
    let error = run(&[
        "--master-endpoints=a,ftp://b:1",
        "--encryption-provider-config=/missing/config",
        "--max-txn-ops=0",
        "--dial-timeout=2",
        "--keepalive-time=0s",
        "--name=Bad_Name",
        "--bind-address=nowhere",
        "--bind-port=99999",
        "--kube-prefix=/",
        "--dest-kube-prefix=other",
        "--dest-encryption-provider-config=/missing/other",
        "--db-path=",
        "--master-key=/missing/key",
        "--mode=solo",
        "--admin-token-file=/missing/token",
    ])
    .expect_err("bad");
    let parts = [
        "`--master-endpoints`: endpoint `a`",
        "`--master-endpoints`: endpoint `ftp://b:1`",
        "`--slave-endpoints` is missing",
        "`/missing/config` cannot be read",
        "`--max-txn-ops` `0`",
        "`--dial-timeout`: `2` has no unit",
        "`--keepalive-time`: `0s` is no time",
        "`--name` `Bad_Name`",
        "`--bind-address` `nowhere` is no IP address: write `127.0.0.1` for this machine alone",
        "`--bind-port` `99999`",
        "`--kube-prefix` `/`",
        "`--dest-kube-prefix` `other`",
        "`/missing/other` cannot be read",
        "`--db-path` is empty",
        "`--master-key` `/missing/key`",
        "`--mode` `solo`",
        "`--admin-token-file` `/missing/token` cannot be used",
    ];
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in:\n{error}");
    }
    assert_eq!(error.lines().count(), parts.len(), "{error}");
}

#[test]
fn where_to_begin_and_who_leads() {
    let plain = run_plain(&[]).expect("settings");
    assert_eq!((plain.mode, plain.rev), (Mode::Standalone, None));
    assert!(!plain.resync && !plain.prune);
    let flags = ["--mode=active-standby", "--rev=7", "--prune"];
    let settings = run_plain(&flags).expect("settings");
    let rev = Some(SourceRevision(7));
    assert_eq!((settings.mode, settings.rev), (Mode::ActiveStandby, rev));
    assert!(settings.prune);
    assert!(run_plain(&["--resync"]).expect("settings").resync);
    for (flags, part) in [
        (&["--rev=-1"][..], "`--rev` `-1` is not a revision"),
        (&["--rev=x"], "`--rev` `x` is not a revision"),
        (&["--rev=7", "--resync"], "exclude each other"),
    ] {
        let error = run_plain(flags).expect_err(part);
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_user_has_one_password() {
    let dir = temp_dir();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).expect("write");
        path.display().to_string()
    };
    let good = format!("--master-password-file={}", file("good", b"hunter2\n"));
    let empty = format!("--master-password-file={}", file("empty", b"\n"));
    let binary = format!("--master-password-file={}", file("binary", b"\xff"));
    let user = "--master-user=me";
    let settings = run_plain(&[user, &good]).expect("settings");
    let shown = format!("{settings:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let credentials = settings.source.credentials.expect("a user");
    assert_eq!(
        (&*credentials.user, &*credentials.password),
        ("me", "hunter2")
    );
    assert!(settings.warnings[0].contains("can be read by others"));
    assert!(settings.destination.credentials.is_none());
    for (flags, part) in [
        (&[user][..], "`--master-user` is given without a password"),
        (
            &["--master-password=hunter2"],
            "`--master-password` is given without a user",
        ),
        (
            &[&*good],
            "`--master-password-file` is given without a user",
        ),
        (
            &[user, "--master-password=hunter2", &good],
            "are both given",
        ),
        (
            &[user, "--source-password-file=/missing"],
            "`/missing` cannot be used",
        ),
        (&[user, &binary], "not UTF-8"),
        (&[user, &empty], "the password of `--master-user` is empty"),
        (&["--master-user=me:hunter2"], "`me:…` holds a colon"),
        (&["--master-user=", &good], "`--master-user` is empty"),
        (&["--dest-user=me"], "`CARRY_SLAVE_PASSWORD`"),
    ] {
        let error = run_plain(flags).expect_err(part);
        assert!(error.contains(part), "`{part}` is not in:\n{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn the_destination_is_as_the_source_unless_told() {
    let dir = temp_dir();
    let write = |name: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, "kind: EncryptionConfiguration").expect("write");
        path
    };
    let (here, there) = (write("source.yaml"), write("dest.yaml"));
    let source = format!("--encryption-provider-config={}", here.display());
    let rules = |more: &[&str]| {
        let settings = run_plain(&[&[source.as_str(), "--kube-prefix=/k8s"], more].concat());
        settings.map(|settings| settings.rules)
    };
    let alike = rules(&[]).expect("settings");
    assert_eq!(alike.dest_encryption.as_ref(), Some(&here));
    assert_eq!(alike.dest_kube_prefix, "/k8s");
    let flag = "--dest-encryption-provider-config";
    let other = [
        format!("{flag}={}", there.display()),
        "--dest-kube-prefix=/standby/eu/".to_owned(),
    ];
    let other = rules(&other.each_ref().map(String::as_str)).expect("settings");
    assert_eq!(other.encryption, Some(here));
    assert_eq!(other.dest_encryption, Some(there));
    assert_eq!(other.kube_prefix, "/k8s");
    assert_eq!(other.dest_kube_prefix, "/standby/eu");
    let none = rules(&[&format!("{flag}=none")]).expect("settings");
    assert_eq!(none.dest_encryption, None);
}

#[test]
fn what_the_destination_cannot_have_is_refused() {
    for (flag, part) in [
        (
            "--dest-encryption-provider-config=",
            "is empty: give a path, or `none`",
        ),
        (
            "--dest-encryption-provider-config=/missing/config",
            "`/missing/config` cannot be read",
        ),
        ("--dest-kube-prefix=registry", "begin with `/`"),
        ("--dest-kube-prefix=", "begin with `/`"),
        ("--dest-kube-prefix=/", "begin with `/`"),
        ("--dest-kube-prefix=/a//b", "begin with `/`"),
        (
            "--dest-kube-prefix=/carry",
            "where carry keeps its own keys",
        ),
        (
            "--dest-kube-prefix=/carry/x/",
            "where carry keeps its own keys",
        ),
        ("--kube-prefix=/carry/x", "where carry keeps its own keys"),
    ] {
        let error = run_plain(&[flag]).expect_err(flag);
        assert!(error.contains(part), "{flag}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    run_plain(&["--dest-kube-prefix=/carryall"]).expect("another prefix");
}

#[test]
fn a_command_line_of_etcd_carry_is_told_the_subcommand() {
    let error = parse(["carry", "--master-endpoints", "a:1"]).expect_err("no subcommand");
    assert!(
        error.to_string().contains("carry run --master-endpoints"),
        "{error}"
    );
    assert_eq!(error.exit_code(), 2);
    assert_eq!(
        parse(["carry", "--version"])
            .expect_err("version")
            .exit_code(),
        0
    );
    assert_eq!(parse(["carry", "--help"]).expect_err("help").exit_code(), 0);
    assert_eq!(parse(["carry"]).expect_err("nothing").exit_code(), 2);
}

#[test]
fn explain_and_check_rules() {
    let parsed = parse([
        "carry",
        "explain",
        "/registry/a",
        "--source-endpoints=a:1",
        "--output=json",
        "--all",
    ]);
    let Command::Explain(args) = parsed.expect("explain").command else {
        panic!("explain")
    };
    let settings = ExplainSettings::from_args(*args).expect("settings");
    let Subject::Key {
        key,
        destination,
        ledger,
        ..
    } = &settings.subject
    else {
        panic!("{settings:?}")
    };
    assert_eq!(
        (key.as_slice(), settings.output),
        (&b"/registry/a"[..], Output::Json)
    );
    assert!(
        destination.is_none() && ledger.is_none() && !settings.show_secrets && settings.look.all
    );
    let parsed = parse(["carry", "check-rules", "--dump=hir", "a.yaml", "b.yaml"]);
    let Command::CheckRules(args) = parsed.expect("check-rules").command else {
        panic!("check")
    };
    assert_eq!(args.files, ["a.yaml", "b.yaml"]);
    assert_eq!(args.kube_prefix, "/registry");
    let parsed = parse(["carry", "check-rules", "--mirror-rule=a.yaml"]);
    let Command::CheckRules(args) = parsed.expect("check-rules").command else {
        panic!("check")
    };
    assert_eq!(args.mirror_rule.as_deref(), Some("a.yaml"));
    assert_eq!(args.files, Vec::<String>::new());
}

#[test]
fn key_prefixes_are_normalised() {
    for text in ["/registry", "registry", "/registry/"] {
        assert_eq!(kube_prefix(text).as_deref(), Ok("/registry"), "{text}");
    }
    assert_eq!(kube_prefix("/a/b").as_deref(), Ok("/a/b"));
    for text in ["", "/", "//", "/a//b"] {
        kube_prefix(text).expect_err(text);
    }
}
