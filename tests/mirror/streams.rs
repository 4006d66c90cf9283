//! What carry prints and says where nobody reads it: closed pipes, full disks.
//!
//! Promises that neither breaks anything down.

use std::fs::File;
use std::process::{Output, Stdio};

use super::harness::{Carry, Etcd, any_version, carry_binary, clean, temp_dir};

fn full() -> File {
    let full = File::options().write(true).open("/dev/full");
    full.expect("a device of Linux")
}

/// A pipe that nobody reads.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

fn run(args: &[&str], stdout: Stdio, stderr: Stdio) -> Output {
    let mut command = clean(carry_binary());
    let command = command.args(args).stdout(stdout).stderr(stderr);
    command.output().expect("carry")
}

#[test]
fn a_stdout_that_is_closed_or_full() {
    let folder = temp_dir();
    let rules = folder.path().join("rules.yaml");
    std::fs::write(&rules, "filters: {secondary: [{keys: [/a]}]}\n").expect("rules");
    let rules = rules.to_str().expect("UTF-8");
    let print_config = [
        "run",
        "--print-config",
        &format!("--mirror-rule={rules}"),
        "--master-endpoints=a:1",
        "--slave-endpoints=b:1",
    ];
    for args in [
        &["version"][..],
        &["version", "--output=json"],
        &["completions", "bash"],
        &["man"],
        &print_config,
        &["check-rules", rules],
        &["check-rules", "--output=sarif", rules],
        &["check-rules", "--explain=E001"],
    ] {
        let unread = run(args, closed(), Stdio::piped());
        let said = String::from_utf8_lossy(&unread.stderr);
        assert_eq!((unread.status.code(), &*said), (Some(0), ""), "{args:?}");
        let lost = run(args, full().into(), Stdio::piped());
        let said = String::from_utf8_lossy(&lost.stderr);
        assert_eq!(lost.status.code(), Some(2), "{args:?}: {said}");
        assert!(
            said.starts_with("error: cannot write to stdout: "),
            "{said}"
        );
    }
}

#[test]
fn why_it_cannot_run_may_be_lost() {
    let args = ["run", "--master-endpoints=a:1", "--slave-endpoints=b:1"];
    for more in [&["--bind-port=x"][..], &["--mirror-rule=none"]] {
        for format in ["--log-format=human", "--log-format=json"] {
            let args = [&args[..], more, &[format]].concat();
            for stderr in [closed(), full().into()] {
                assert_eq!(run(&args, Stdio::null(), stderr).status.code(), Some(2));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_goes_on_where_nobody_reads_what_it_says() {
    let Some(version) = any_version("a stderr that is closed") else {
        return;
    };
    let folder = temp_dir();
    let rules = folder.path().join("rules.yaml");
    let text = "filters:\n  secondary:\n    - name: data\n      keys: [\"/data/**\"]\n";
    std::fs::write(&rules, text).expect("rules");
    let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
    let items = (0..100).map(|n| (format!("/data/{n:03}").into_bytes(), vec![b'x']));
    source.load(items).await;
    let ran = |stdout: Stdio, stderr: Stdio, more: &[&str]| {
        let args = [
            "run".to_owned(),
            "--bind-port=0".to_owned(),
            format!("--mirror-rule={}", rules.display()),
            format!("--master-endpoints={}", source.url()),
            format!("--slave-endpoints={}", destination.url()),
            format!("--db-path={}", folder.path().join("db").display()),
        ];
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        run(&[&args[..], more].concat(), stdout, stderr)
    };
    let dry = ran(closed(), Stdio::piped(), &["--dry-run"]);
    let said = String::from_utf8_lossy(&dry.stderr);
    assert_eq!(dry.status.code(), Some(0), "{said}");
    let dry = ran(full().into(), Stdio::piped(), &["--dry-run"]);
    let said = String::from_utf8_lossy(&dry.stderr);
    assert!(said.contains("error: cannot write to stdout: "), "{said}");
    assert_eq!(dry.status.code(), Some(2), "{said}");
    for format in ["--log-format=human", "--log-format=json"] {
        for stderr in [closed(), full().into()] {
            let once = ran(Stdio::piped(), stderr, &["--once", format]);
            let told = String::from_utf8_lossy(&once.stdout);
            assert_eq!(once.status.code(), Some(0), "{told}");
            assert!(told.starts_with("mirrored up to revision "), "{told}");
        }
    }
    assert_eq!(destination.count("/data/").await, 100);
}

/// Until it is connected it has much to wait for.
#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_it_connects_is_not_lost() {
    let Some(version) = any_version("SIGHUP at the start") else {
        return;
    };
    let folder = temp_dir();
    let rules = folder.path().join("rules.yaml");
    let write = |keys: &str| {
        let text = format!("filters:\n  secondary:\n    - name: data\n      keys: [{keys}]\n");
        std::fs::write(&rules, text).expect("rules");
    };
    let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
    source.put("/a/1", "1").await;
    source.put("/b/1", "1").await;
    for hangup in [true, false] {
        write("\"/a/**\"");
        source.process().signal(rustix::process::Signal::STOP);
        let more = ["--dial-timeout=1m", "--prune"];
        let mut running = Carry::between(&source, &destination, &rules, &more);
        running.wait_for("the admin port", |carry| carry.http("/healthz").is_some());
        write("\"/b/**\"");
        if hangup {
            running.signal(rustix::process::Signal::HUP);
        }
        source.process().signal(rustix::process::Signal::CONT);
        running.wait_for("the changed rules to be in use", |carry| {
            carry.metric("carry_rules_reloads_total{outcome=\"applied\"}") == Some(1.0)
        });
        running.wait_ready();
        super::harness::eventually("what the new rules select to be there", || async {
            destination.keys("/a/").await.is_empty() && destination.count("/b/").await == 1
        })
        .await;
        assert_eq!(running.stop(), 0);
    }
}
