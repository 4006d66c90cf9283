//! `carry verify` between two real etcds: what it finds, what it leaves alone,
//! beside a mirror that runs, and what it mends.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::harness::{
    Carry, Ended, Etcd, Version, any_version, carry, eventually, temp_dir, versions,
};

const RULES: &str = r#"
filters:
  secondary:
    - name: settings
      keys: ["/settings/**"]
      excludes:
        - when: key.endsWith('/skipped')
    - name: checked
      keys: ["/checked/**"]
      when: value.enabled == true
"#;

struct Sides {
    source: Etcd,
    destination: Etcd,
    dir: TempDir,
}

impl Sides {
    fn new(version: Version) -> Sides {
        let sides = Sides {
            source: Etcd::plain(version),
            destination: Etcd::plain(version),
            dir: temp_dir(),
        };
        std::fs::write(sides.rules(), RULES).expect("rules");
        sides
    }

    fn rules(&self) -> PathBuf {
        self.dir.path().join("rules.yaml")
    }

    fn db(&self) -> PathBuf {
        self.dir.path().join("db")
    }

    fn args(&self, command: &str) -> Vec<String> {
        vec![
            command.to_owned(),
            format!("--master-endpoints={}", self.source.url()),
            format!("--slave-endpoints={}", self.destination.url()),
            format!("--mirror-rule={}", self.rules().display()),
        ]
    }

    fn mirror_once(&self) {
        let mut args = self.args("run");
        args.extend([
            format!("--db-path={}", self.db().display()),
            "--once".to_owned(),
            "--bind-address=127.0.0.1".to_owned(),
            "--bind-port=0".to_owned(),
        ]);
        let ended = carry(&args);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    }

    fn verify(&self, more: &[String]) -> Ended {
        let mut args = self.args("verify");
        args.extend(more.iter().cloned());
        carry(&args)
    }

    fn with_ledger(&self, more: &[&str]) -> Ended {
        let mut args = vec![format!("--db-path={}", self.db().display())];
        args.extend(more.iter().map(|arg| (*arg).to_owned()));
        self.verify(&args)
    }

    fn json(&self, more: &[&str]) -> (i32, Value) {
        let more = [more, &["--output=json"]].concat();
        let ended = self.with_ledger(&more);
        (ended.code, json_of(&ended))
    }
}

fn json_of(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout)
        .unwrap_or_else(|error| panic!("{error}:\n{}\n{}", ended.stdout, ended.stderr))
}

fn keys(found: &Value, kind: &str) -> Vec<String> {
    let examples = found["examples"][kind].as_array().expect("examples");
    let key = |example: &Value| example["key"].as_str().expect("a key").to_owned();
    examples.iter().map(key).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_found_and_mended() {
    for version in versions("verify") {
        let sides = Sides::new(version);
        for n in 0..30 {
            sides.source.put(format!("/settings/{n:02}"), "on").await;
        }
        sides.source.put("/settings/skipped", "off").await;
        sides.source.put("/checked/a", r#"{"enabled": true}"#).await;
        sides.source.put("/checked/held", "{}").await;
        sides
            .destination
            .put("/settings/own", "the standby's")
            .await;
        sides.destination.put("/other", "the standby's").await;
        sides.mirror_once();
        let (code, found) = sides.json(&[]);
        assert_eq!(code, 0, "{found:#}");
        assert_eq!(found["equal"], true);
        assert_eq!(found["ledger"], true);
        assert_eq!(found["counts"]["selected"], 31);
        assert_eq!(found["counts"]["equal"], 31);
        assert_eq!(found["counts"]["held"], 1);
        assert_eq!(found["foreign"], 1);
        assert_eq!(found["rules"]["settings"]["equal"], 30);
        assert_eq!(found["rules"]["checked"]["equal"], 1);
        assert_eq!(keys(&found, "held"), ["/checked/held"]);
        assert!(found["examples"]["held"][0]["reason"].is_string());

        sides.destination.delete("/settings/03").await;
        sides.destination.delete("/settings/04").await;
        sides.destination.put("/settings/05", "other").await;
        sides.source.delete("/settings/06").await;
        sides
            .source
            .put("/checked/a", r#"{"enabled": false}"#)
            .await;
        let (code, found) = sides.json(&["--examples=1"]);
        assert_eq!(code, 1, "{found:#}");
        assert_eq!(found["equal"], false);
        assert_eq!(found["counts"]["missing"], 2);
        assert_eq!(keys(&found, "missing"), ["/settings/03"]);
        assert_eq!(keys(&found, "different"), ["/settings/05"]);
        assert_eq!(found["counts"]["extra"], 2);
        assert_eq!(found["rules"]["settings"]["extra"], 1);
        let human = sides.with_ledger(&[]);
        assert_eq!(human.code, 1);
        for part in [
            "missing /settings/03 (rule `settings`)",
            "different /settings/05 (rule `settings`)",
            "extra /settings/06 (rule `settings`)",
            "extra /checked/a (rule `checked`)",
            "5 differences: 2 missing, 1 different, 2 extra",
            "1 key held: it",
            "1 key not carry's",
        ] {
            assert!(
                human.stdout.contains(part),
                "`{part}` is not in:\n{}",
                human.stdout
            );
        }

        let before = sides.destination.mod_revision("/settings/07").await;
        let (code, found) = sides.json(&["--repair"]);
        assert_eq!(code, 0, "{found:#}");
        assert_eq!(found["equal"], true);
        assert_eq!(found["repaired"]["missing"], 2);
        assert_eq!(found["repaired"]["different"], 1);
        assert_eq!(found["repaired"]["extra"], 2);
        assert_eq!(found["repaired"]["left"], 0);
        assert_eq!(found["repaired"]["written"], 3);
        assert_eq!(found["repaired"]["deleted"], 2);
        // What was right is not written again, and what is not ours stays.
        assert_eq!(sides.destination.mod_revision("/settings/07").await, before);
        let own = sides.destination.get("/settings/own").await;
        assert_eq!(own.as_deref(), Some(&b"the standby's"[..]));
        assert!(sides.destination.get("/settings/06").await.is_none());
        assert!(
            sides
                .destination
                .get("/carry/default/leader")
                .await
                .is_none()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_ledger_nothing_is_called_extra() {
    let Some(version) = any_version("verify without a ledger") else {
        return;
    };
    let sides = Sides::new(version);
    sides.source.put("/settings/a", "on").await;
    sides.source.put("/settings/skipped", "a copy").await;
    sides.mirror_once();
    // Selected if the source had it; a copy of what is not selected; its own.
    sides.destination.put("/settings/b", "whose?").await;
    sides.destination.put("/settings/skipped", "a copy").await;
    sides
        .destination
        .put("/settings/x/skipped", "its own")
        .await;
    let missing = sides.dir.path().join("nowhere");
    let ended = sides.verify(&[
        format!("--db-path={}", missing.display()),
        "--output=json".to_owned(),
    ]);
    let found = json_of(&ended);
    assert_eq!(ended.code, 0, "{found:#}");
    assert_eq!(found["ledger"], false);
    assert_eq!(found["counts"]["extra"], 0);
    assert_eq!(
        keys(&found, "unclear"),
        ["/settings/b", "/settings/skipped"]
    );
    assert_eq!(found["foreign"], 1);
    assert!(
        ended.stderr.contains("there is no ledger"),
        "{}",
        ended.stderr
    );
    assert!(!missing.exists(), "verify made a directory");
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_mirror_that_runs_only_true_differences_count() {
    let Some(version) = any_version("verify beside a mirror") else {
        return;
    };
    let sides = Sides::new(version);
    for n in 0..2000 {
        sides.source.put(format!("/settings/{n:04}"), "first").await;
    }
    let mut running =
        Carry::between::<&str>(&sides.source, &sides.destination, &sides.rules(), &[]);
    running.wait_ready();
    let mut client = sides.source.client().await;
    let writing = tokio::spawn(async move {
        for n in 0_u64.. {
            let key = format!("/settings/{:04}", n % 1000);
            match n % 5 {
                0 => drop(client.delete(key, None).await.expect("delete")),
                _ => drop(client.put(key, n.to_string(), None).await.expect("put")),
            }
        }
    });
    let db = format!("--db-path={}", running.db_path().display());
    for _ in 0..5 {
        let ended = sides.verify(&[db.clone(), "--output=json".to_owned()]);
        let found = json_of(&ended);
        assert_eq!(ended.code, 0, "{found:#}");
        assert_eq!(found["ledger"], true);
        assert!(
            found["counts"]["selected"].as_u64() >= Some(1000),
            "{found:#}"
        );
    }
    // Behind the mirror's back: that it cannot know of.
    sides.destination.delete("/settings/1500").await;
    sides.destination.put("/settings/1501", "other").await;
    let ended = sides.verify(&[db.clone(), "--output=json".to_owned()]);
    let found = json_of(&ended);
    assert_eq!(ended.code, 1, "{found:#}");
    assert_eq!(keys(&found, "missing"), ["/settings/1500"]);
    assert_eq!(keys(&found, "different"), ["/settings/1501"]);
    assert_eq!(found["counts"]["extra"], 0);
    // Two may not write at a time.
    let refused = sides.verify(&[db, "--repair".to_owned()]);
    assert_eq!(refused.code, 2, "{}", refused.stdout);
    assert!(
        refused.stderr.contains("a running carry has the ledger"),
        "{}",
        refused.stderr
    );
    let elsewhere = format!("--db-path={}", sides.db().display());
    let refused = sides.verify(&[elsewhere, "--repair".to_owned()]);
    assert_eq!(refused.code, 2, "{}", refused.stdout);
    assert!(
        refused
            .stderr
            .contains("another carry named `default` leads"),
        "{}",
        refused.stderr
    );
    writing.abort();
    assert_eq!(running.stop(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_lags_is_waited_for() {
    let Some(version) = any_version("verify and lag") else {
        return;
    };
    let sides = Sides::new(version);
    sides.source.put("/settings/a", "first").await;
    let mut running =
        Carry::between::<&str>(&sides.source, &sides.destination, &sides.rules(), &[]);
    running.wait_ready();
    running.signal(rustix::process::Signal::STOP);
    sides.source.put("/settings/a", "second").await;
    sides.source.put("/settings/b", "new").await;
    let db = format!("--db-path={}", running.db_path().display());
    let mut args = sides.args("verify");
    args.extend([db, "--output=json".to_owned(), "--settle=20s".to_owned()]);
    let verifying = tokio::task::spawn_blocking(move || carry(&args));
    // It must have seen the lag before the mirror goes on.
    let begun = std::time::Instant::now();
    eventually("two seconds of verifying", || async {
        begun.elapsed() > Duration::from_secs(2)
    })
    .await;
    running.signal(rustix::process::Signal::CONT);
    let ended = verifying.await.expect("verify");
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    assert_eq!(json_of(&ended)["counts"]["equal"], 2);
    assert_eq!(running.stop(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_found_out_is_exit_code_2() {
    let Some(version) = any_version("verify that cannot run") else {
        return;
    };
    let sides = Sides::new(version);
    let ended = sides.verify(&["--settle=soon".to_owned(), "--examples=few".to_owned()]);
    assert_eq!(ended.code, 2);
    for part in ["`--settle`", "`--examples` `few`"] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    let mut args = sides.args("verify");
    args[2] = format!("--slave-endpoints={}", sides.source.url());
    let ended = carry(&args);
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.contains("are the same etcd"),
        "{}",
        ended.stderr
    );
    // Nobody has mirrored yet: whoever has mistyped the name hears of it.
    let ended = sides.verify(&["--name=typo".to_owned()]);
    let said = "no carry named `typo` has mirrored into this destination (there is no `/carry/typo/checkpoint`): check `--name`";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    std::fs::write(sides.rules(), "filters: {secondary: [{nonsense: 1}]}").expect("rules");
    assert_eq!(sides.verify(&[]).code, 1);
}
