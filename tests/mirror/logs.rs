//! What carry says while it runs: lines for people and for programs, bars on a
//! terminal, and lines in their place elsewhere.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::harness::{
    Carry, Etcd, any_version, carry_binary, carry_with, clean, eventually, temp_dir,
};

const RULES: &str = "filters:\n  secondary:\n    - name: data\n      keys: [\"/data/**\"]\n";

fn rules(folder: &Path) -> PathBuf {
    let path = folder.join("rules.yaml");
    std::fs::write(&path, RULES).expect("rules");
    path
}

async fn load(etcd: &Etcd, keys: usize) {
    let items = (0..keys).map(|n| (format!("/data/{n:06}").into_bytes(), vec![b'x'; 100]));
    etcd.load(items).await;
}

/// Every line is an object with the same fields, from the first to the last.
fn all_json(stderr: &str) -> Vec<Value> {
    let lines = stderr.lines().map(|line| {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        for field in ["level", "message", "target", "timestamp"] {
            assert!(object[field].is_string(), "{field}: {line}");
        }
        let time = object["timestamp"].as_str().expect("text");
        time.parse::<jiff::Timestamp>().expect("RFC 3339");
        object
    });
    lines.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn in_json_every_line_is_an_object() {
    let Some(version) = any_version("logs in JSON") else {
        return;
    };
    let folder = temp_dir();
    let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
    load(&source, 10).await;
    let more = ["--log-format=json", "--once"];
    let mut running = Carry::between(&source, &destination, &rules(folder.path()), &more);
    assert_eq!(running.exit_code(), 0);
    let lines = all_json(&running.stderr());
    let said = |text: &str| {
        let holds = |line: &&Value| line["message"].as_str().expect("text").contains(text);
        lines
            .iter()
            .find(holds)
            .unwrap_or_else(|| panic!("{text}: {lines:?}"))
    };
    assert_eq!(said("connected to the source")["level"], "INFO");
    assert_eq!(said("stage `secondary` done")["level"], "INFO");
    // No line for each key.
    assert!(lines.len() < 15, "{lines:?}");
}

/// Also what refuses a run.
#[test]
fn in_json_errors_are_objects_too() {
    let folder = temp_dir();
    let bad = folder.path().join("bad.yaml");
    std::fs::write(&bad, "filters:\n  secondry: []\n").expect("rules");
    let bad = format!("--mirror-rule={}", bad.display());
    let both = ["--master-endpoints=a:1", "--slave-endpoints=b:1"];
    // What is found in a rules file, and what that comes to.
    for (log, (more, said, count)) in [
        (
            &["run", "--bind-port=x"][..],
            "`--bind-port` `x` is not a port",
            1,
        ),
        (&["run", &bad], "did you mean `secondary`", 2),
        (&["verify", &bad], "did you mean `secondary`", 2),
    ]
    .into_iter()
    .flat_map(|case| ["", "carry::mirror=debug", "off"].map(|log| (log, case)))
    {
        let envs = [("CARRY_LOG_FORMAT", "json"), ("RUST_LOG", log)];
        let envs = envs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let ended = carry_with(&[more, &both[..]].concat(), &envs);
        assert_ne!(ended.code, 0);
        let lines = all_json(&ended.stderr);
        assert_eq!(lines.len(), count, "{lines:?}");
        assert!(lines.iter().all(|line| line["level"] == "ERROR"));
        assert!(
            lines[0]["message"].as_str().expect("text").contains(said),
            "{lines:?}"
        );
    }
}

#[test]
fn rust_log_says_what_is_logged_and_is_told_when_it_is_wrong() {
    let args = [
        "run",
        "--mirror-rule=none",
        "--master-endpoints=a:1",
        "--slave-endpoints=b:1",
    ];
    let log = |value: &str| carry_with(&args, &[("RUST_LOG".to_owned(), value.to_owned())]).stderr;
    let wrong = log("carry=loud");
    assert!(
        wrong.contains("`RUST_LOG` `carry=loud` cannot be used"),
        "{wrong}"
    );
    assert!(!log("").contains("RUST_LOG"));
}

/// Whatever cannot be done meanwhile: that the destination cannot be reached is
/// said once.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_told_of_once() {
    let Some(version) = any_version("an outage in the log") else {
        return;
    };
    let folder = temp_dir();
    let (source, mut destination) = (Etcd::plain(version), Etcd::plain(version));
    let more = ["--debug"];
    let mut running = Carry::between(&source, &destination, &rules(folder.path()), &more);
    running.wait_ready();
    destination.kill();
    source.put("/data/while-it-is-gone", "x").await;
    let met = |said: &str, level: &str| {
        let lines = said.lines().filter(|line| line.contains(level));
        lines
            .filter(|line| line.contains("cannot reach etcd"))
            .count()
    };
    running.wait_for("two tasks to meet the outage", |carry| {
        let said = carry.stderr();
        met(&said, " WARN ") + met(&said, "DEBUG ") >= 2
    });
    let said = running.stderr();
    assert_eq!(met(&said, " WARN "), 1, "{said}");
    destination.resume();
    running.wait_for("it to be over for both", |carry| {
        carry.stderr().contains("works again after")
    });
    eventually("what was written meanwhile", || async {
        destination.get("/data/while-it-is-gone").await.is_some()
    })
    .await;
    // The next one is another.
    destination.kill();
    running.wait_for("the next outage", |carry| {
        met(&carry.stderr(), " WARN ") == 2
    });
    destination.resume();
    running.wait_ready();
    assert_eq!(running.stop(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_singular() {
    let Some(version) = any_version("a dry run of one byte") else {
        return;
    };
    let folder = temp_dir();
    let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
    source.put("/data/one", "x").await;
    let more = ["--dry-run"];
    let mut dry = Carry::between(&source, &destination, &rules(folder.path()), &more);
    assert_eq!(dry.exit_code(), 0, "{}", dry.stderr());
    let said = dry.process().stdout();
    assert!(
        said.contains("put /data/one (1 byte, rule `data`)"),
        "{said}"
    );
}

/// What a terminal shows in the end of what was written to it.
fn screen(written: &str) -> Vec<String> {
    let mut rows: Vec<Vec<char>> = vec![Vec::new()];
    let (mut row, mut column) = (0usize, 0usize);
    let mut chars = written.chars();
    while let Some(c) = chars.next() {
        match c {
            '\r' => column = 0,
            '\n' => row += 1,
            '\x1b' => {
                let mut number = String::new();
                let action = loop {
                    match chars.next().expect("a whole sequence") {
                        c if c.is_ascii_alphabetic() => break c,
                        c => number.push(c),
                    }
                };
                let number = number.trim_start_matches('[').parse().unwrap_or(0);
                match (action, number) {
                    ('A', up) => row = row.saturating_sub(up.max(1)),
                    ('K', 0) => rows[row].truncate(column),
                    ('K', _) => rows[row].clear(),
                    ('J', _) => {
                        rows[row].truncate(column);
                        rows.truncate(row + 1);
                    }
                    _ => {}
                }
            }
            c => {
                let width = column.max(rows[row].len());
                rows[row].resize(width, ' ');
                match rows[row].get_mut(column) {
                    Some(there) => *there = c,
                    None => rows[row].push(c),
                }
                column += 1;
            }
        }
        if rows.len() <= row {
            rows.resize(row + 1, Vec::new());
        }
    }
    rows.into_iter().map(String::from_iter).collect()
}

/// Runs carry in a terminal; what it writes there, and its exit code.
fn in_terminal(args: &[String], term: &str, columns: usize) -> (String, i32) {
    let (program, args) = (carry_binary().display(), args.join(" "));
    let size = format!("stty columns {columns} rows 30");
    let command = format!("{size} && exec '{program}' {args}");
    let mut script = clean("script");
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]);
    script
        .env("TERM", term)
        .env_remove("NO_COLOR")
        .stdin(Stdio::null());
    let output = script.output().expect("`script` of util-linux");
    let code = output.status.code().expect("a code");
    (String::from_utf8_lossy(&output.stdout).into_owned(), code)
}

#[test]
fn in_json_a_terminal_gets_no_colours() {
    let folder = temp_dir();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let rules = write("rules.yaml", "filters:\n  secondry: []\n");
    let config = write("carry.yaml", "nothing-like-it: 1\n");
    for bad in [
        format!("--mirror-rule={rules}"),
        format!("--config={config}"),
    ] {
        let both = ["--master-endpoints=a:1", "--slave-endpoints=b:1"];
        let args = [&["run", "--log-format=json", &bad], &both[..]].concat();
        let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
        let (written, code) = in_terminal(&args, "xterm", 40);
        assert_eq!(code, 2, "{written}");
        let lines = all_json(&written);
        let message = lines[0]["message"].as_str().expect("text");
        assert!(!message.contains('\x1b'), "{message:?}");
        // Nothing is broken into lines of 40 columns.
        assert!(message.contains("help: "), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_shows_bars_that_do_not_tear_lines() {
    let Some(version) = any_version("bars") else {
        return;
    };
    let folder = temp_dir();
    let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
    load(&source, 20_000).await;
    let shared = [
        format!("--mirror-rule={}", rules(folder.path()).display()),
        format!("--master-endpoints={}", source.url()),
        format!("--slave-endpoints={}", destination.url()),
        format!("--db-path={}", folder.path().join("db").display()),
    ];
    let args = |first: &[&str]| -> Vec<String> {
        let first = first.iter().map(|arg| (*arg).to_owned());
        first.chain(shared.iter().cloned()).collect()
    };
    let once = ["run", "--once", "--bind-port=0"];
    for (first, term, columns, bar) in [
        (&once[..], "xterm", 120, Some("stage `secondary` [")),
        (&["verify"], "xterm", 120, Some("comparing [")),
        (&["verify"], "xterm", 0, None),
        (&["verify"], "dumb", 120, None),
        (&["verify", "--log-format=json"], "xterm", 120, None),
    ] {
        let (written, code) = in_terminal(&args(first), term, columns);
        assert_eq!(code, 0, "{written}");
        match bar {
            Some(bar) => {
                assert!(written.contains(bar), "{written:?}");
                assert!(written.contains(" of 20,000 keys, "), "{written:?}");
            }
            None => assert!(!written.contains(" of 20,000 keys"), "{written:?}"),
        }
        let shown = screen(&written);
        let logged = |line: &&String| line.contains(" INFO ");
        for line in shown.iter().filter(logged) {
            assert!(line.starts_with("20"), "{line:?} in {shown:#?}");
        }
        assert!(
            !shown.iter().any(|line| line.contains(" left")),
            "{shown:#?}"
        );
    }
}

/// Where there is no terminal, a list that takes long says how far it is.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_lines_say_how_far_it_is() {
    let Some(version) = any_version("lines of progress") else {
        return;
    };
    let folder = temp_dir();
    let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
    load(&source, 40_000).await;
    let mut running = Carry::between(&source, &destination, &rules(folder.path()), &["--once"]);
    running.wait_for("the first keys to be written", |carry| {
        let written = carry.metric("carry_operations_written_total");
        written.is_some_and(|written| written > 0.0)
    });
    destination.process().signal(Signal::STOP);
    running.wait_for("a line of progress", |carry| {
        carry.stderr().contains("stage `secondary`: ")
    });
    destination.process().signal(Signal::CONT);
    assert_eq!(running.exit_code_within(Duration::from_secs(60)), 0);
    let said = running.stderr();
    let line = said
        .lines()
        .find(|line| line.contains("stage `secondary`: "))
        .expect("a line");
    assert!(
        line.contains(" of 40,000 keys (") && line.contains(" a second, "),
        "{line}"
    );
}
