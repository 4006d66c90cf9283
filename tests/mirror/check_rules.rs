//! `carry check-rules` as users and their machines run it: outputs, levels,
//! fixes, globs, exit codes.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::mirror::harness::{carry_binary, clean, temp_dir};

const FILE: &str = r#"# What is not quite right.
filters:
  secondary:
    - Group: ""   # in other letter case
      name: first
      resources:
        - kind: Secret   # kept
      namespaces: [a, b, a]
      fieldSelectors:
        - matchExpressions:
            - {key: type, operator: in, values: [Opaque]}
    # carry: allow W002 the core group is meant
    - resources: [{kind: ConfigMap}]
      name: second
      namespaces: [é]
      when: object.metadata.name = "x" and true
"#;

/// Runs in a folder that holds `files`.
struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    fn with(files: &[(&str, &str)]) -> Folder {
        let folder = temp_dir();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        Folder { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file")
    }

    fn run(&self, args: &[&str]) -> Output {
        command(self.folder.path(), args)
            .output()
            .expect("carry runs")
    }
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = clean(carry_binary());
    command.current_dir(folder).arg("check-rules").args(args);
    command
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

#[test]
fn one_line_for_each_finding() {
    let folder = Folder::with(&[("rules.yaml", FILE)]);
    let short = folder.run(&["--output=short", "rules.yaml"]);
    assert_eq!(code(&short), 1);
    insta::assert_snapshot!("check_short", out(&short));
    let github = folder.run(&["--output=github", "rules.yaml"]);
    assert_eq!(code(&github), 1);
    insta::assert_snapshot!("check_github", out(&github));
    assert_eq!(out(&github).lines().count(), out(&short).lines().count());
}

/// Who begins with an example of the README is warned of nothing.
#[test]
fn the_readme_shows_rules_that_are_good() {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once("\n### Write rules\n").expect("it");
    let (section, _) = section.split_once("\n### ").expect("its end");
    let examples = section.split("\n```yaml\n").skip(1);
    let examples = examples.map(|rest| rest.split_once("\n```").expect("its end").0);
    let examples: Vec<&str> = examples.collect();
    assert_eq!(examples.len(), 2);
    for text in examples {
        let folder = Folder::with(&[("rules.yaml", text)]);
        // Whether Secrets are encrypted is not the file's to say.
        let checked = folder.run(&["rules.yaml", "--deny=warnings", "--allow=N001"]);
        assert_eq!(code(&checked), 0, "{}", out(&checked));
        assert!(out(&checked).contains("no warnings\n"), "{}", out(&checked));
    }
}

#[test]
fn text_of_users_cannot_end_a_workflow_command() {
    let file = "filters:\n  secondary:\n    - {group: \"\", \"a\\n::error::b,c:%0A\": 1}\n";
    let folder = Folder::with(&[("a,b:c.yaml", file)]);
    let github = out(&folder.run(&["--output=github", "a,b:c.yaml"]));
    for line in github.lines() {
        let (start, message) = line.split_once("title=").expect("a title");
        assert!(start.contains("file=a%2Cb%3Ac.yaml,line=3,"), "{line}");
        assert!(
            message.contains("%0A::error::b,c:%250A") || !message.contains("::error"),
            "{line}"
        );
    }
    assert!(github.contains("%250A"), "{github}");
}

#[test]
fn json_and_sarif_say_the_same() {
    let folder = Folder::with(&[("rules.yaml", FILE), ("sub/é b.yaml", "filters: {}\n")]);
    let files = ["rules.yaml", "sub/é b.yaml"];
    let json = folder.run(&[&["--output=json"], &files[..]].concat());
    let sarif = folder.run(&[&["--output=sarif"], &files[..]].concat());
    assert_eq!((code(&json), code(&sarif)), (1, 1));
    let json: Value = serde_json::from_str(&out(&json)).expect("JSON");
    let sarif: Value = serde_json::from_str(&out(&sarif)).expect("JSON");
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let rules: Vec<&str> = run["tool"]["driver"]["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .map(|rule| rule["id"].as_str().expect("id"))
        .collect();
    let results = run["results"].as_array().expect("results");
    let found: Vec<&Value> = json
        .as_array()
        .expect("files")
        .iter()
        .flat_map(|file| file["diagnostics"].as_array().expect("found"))
        .collect();
    assert_eq!(results.len(), found.len());
    for (result, found) in results.iter().zip(&found) {
        assert_eq!(result["ruleId"], found["code"]);
        assert!(rules.contains(&found["code"].as_str().expect("code")));
        assert_eq!(result["level"], found["level"]);
        let region = &result["locations"][0]["physicalLocation"]["region"];
        assert_eq!(region["startLine"], found["line"]);
        assert_eq!(region["endColumn"], found["end_column"]);
        assert_eq!(
            result.get("fixes").is_some(),
            !found["fix"].is_null(),
            "{found}"
        );
    }
    let last = results.last().expect("results");
    assert_eq!(
        last["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "sub/%C3%A9%20b.yaml"
    );
    insta::assert_snapshot!("check_json", format!("{json:#}"));
    insta::assert_snapshot!(
        "check_sarif_result",
        format!(
            "{:#}",
            results
                .iter()
                .find(|own| own.get("fixes").is_some())
                .expect("a fix")
        )
    );
}

#[test]
fn fixes_keep_comments_and_layout() {
    let folder = Folder::with(&[("rules.yaml", FILE)]);
    let fixed = folder.run(&["--fix", "--output=short", "rules.yaml"]);
    assert_eq!(code(&fixed), 1, "a namespace stays wrong");
    assert!(
        err(&fixed).contains("rules.yaml: 5 changes made"),
        "{}",
        err(&fixed)
    );
    let text = folder.read("rules.yaml");
    insta::assert_snapshot!("check_fixed", text);
    // Nothing is left to do, and then nothing is written.
    let before = std::fs::metadata(folder.path("rules.yaml")).expect("a file");
    let again = folder.run(&["--fix", "--output=short", "rules.yaml"]);
    assert_eq!(out(&again), out(&fixed));
    assert_eq!(err(&again), "");
    let after = std::fs::metadata(folder.path("rules.yaml")).expect("a file");
    assert_eq!(
        before.modified().expect("a time"),
        after.modified().expect("a time")
    );
    let stdin = folder.run(&["--fix", "-"]);
    assert_eq!(code(&stdin), 2);
}

#[test]
fn levels_by_flag_and_comment() {
    let rules = "filters:\n  secondary:\n    - {resources: [{kind: Secret}], namespaces: [a]}\n";
    let folder = Folder::with(&[("rules.yaml", rules)]);
    let levels = |args: &[&str]| {
        let run = folder.run(&[args, &["--output=short", "rules.yaml"]].concat());
        let lines = out(&run);
        let found = lines.lines().map(|line| {
            let (_, rest) = line.split_once(": ").expect("a place");
            rest.split(':').next().expect("a level").to_owned()
        });
        (code(&run), found.collect::<Vec<String>>())
    };
    let (exit, plain) = levels(&[]);
    assert_eq!(exit, 0);
    assert!(plain.contains(&"warning[W002]".to_owned()), "{plain:?}");
    assert!(plain.contains(&"note[N001]".to_owned()), "{plain:?}");
    let (exit, denied) = levels(&["--deny=warnings"]);
    assert_eq!(exit, 1);
    assert!(denied.contains(&"error[W002]".to_owned()), "{denied:?}");
    assert!(denied.contains(&"note[N001]".to_owned()), "{denied:?}");
    let (exit, some) = levels(&["--allow=W002,w045", "--warn", "N001", "--note=W031"]);
    assert_eq!(exit, 0);
    assert_eq!(some, ["note[W031]", "warning[N001]"]);
    let (exit, _) = levels(&["--deny=notes", "--allow=N001"]);
    assert_eq!(exit, 0);
    let (exit, _) = levels(&["--deny=n001"]);
    assert_eq!(exit, 1);
    // A comment goes before a flag.
    let commented = format!("# carry: warn W002 we know\n{rules}");
    std::fs::write(folder.path("rules.yaml"), commented).expect("a file");
    let (_, found) = levels(&["--allow=W002", "--deny=warnings"]);
    assert!(found.contains(&"error[W002]".to_owned()), "{found:?}");
    for (wrong, what) in [
        ("--allow=W999", "no such code"),
        ("--allow=E010", "an error's level cannot be set"),
        ("--warn=warnings", "no such code"),
    ] {
        let run = folder.run(&[wrong, "rules.yaml"]);
        assert_eq!(code(&run), 2, "{wrong}");
        assert!(err(&run).contains(what), "{wrong}: {}", err(&run));
    }
}

#[test]
fn globs_and_standard_input() {
    let good = "filters:\n  sequential:\n    - {group: \"\", resources: [{kind: Namespace}]}\n";
    let folder = Folder::with(&[
        ("a/1.yaml", good),
        ("a/b/2.yaml", good),
        ("a/[x].yaml", good),
    ]);
    let named = |args: &[&str]| {
        let run = folder.run(args);
        let lines = out(&run);
        let names = lines
            .lines()
            .filter_map(|line| Some(line.split_once(": ok")?.0.to_owned()));
        (code(&run), names.collect::<Vec<_>>(), err(&run))
    };
    let (exit, names, _) = named(&["a/**/*.yaml", "a/1.yaml"]);
    assert_eq!(
        (exit, names),
        (
            0,
            vec!["a/1.yaml".into(), "a/[x].yaml".into(), "a/b/2.yaml".into()]
        )
    );
    // A file that exists is meant, whatever its name.
    let (exit, names, _) = named(&["a/[x].yaml"]);
    assert_eq!((exit, names), (0, vec!["a/[x].yaml".to_owned()]));
    let (exit, _, said) = named(&["b/*.yaml"]);
    assert!(
        exit == 2 && said.contains("no file matches `b/*.yaml`"),
        "{said}"
    );
    let (exit, _, said) = named(&["a"]);
    assert!(exit == 2 && said.contains("'a/**/*.yaml'"), "{said}");
    let mut child = command(folder.folder.path(), &["-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("carry runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(good.as_bytes()).expect("written");
    drop(stdin);
    let done = child.wait_with_output().expect("carry ends");
    assert_eq!(code(&done), 0);
    assert!(
        out(&done).starts_with("<stdin>: ok: 1 sequential rule"),
        "{}",
        out(&done)
    );
}

/// Without a name, the file that `carry run` would have is checked.
#[test]
fn the_file_of_run() {
    let good = "filters:\n  sequential:\n    - {group: \"\", resources: [{kind: Namespace}]}\n";
    let folder = Folder::with(&[
        ("rules.yaml", good),
        ("others.yaml", good),
        ("carry.yaml", "mirror-rule: rules.yaml\nsettle: 3s\n"),
    ]);
    let checked = |args: &[&str], variable: Option<&str>| {
        let mut command = command(folder.folder.path(), args);
        command.envs(variable.map(|file| ("CARRY_MIRROR_RULE", file)));
        let run = command.output().expect("carry runs");
        (code(&run), format!("{}{}", out(&run), err(&run)))
    };
    for (args, variable, named) in [
        (&["--config=carry.yaml"][..], None, "rules.yaml: ok"),
        (&[], Some("rules.yaml"), "rules.yaml: ok"),
        (&["--mirror-rule=rules.yaml"], None, "rules.yaml: ok"),
        // What is named by itself goes before it.
        (
            &["others.yaml", "--config=carry.yaml"],
            None,
            "others.yaml: ok",
        ),
        (&["others.yaml"], Some("rules.yaml"), "others.yaml: ok"),
    ] {
        let (exit, said) = checked(args, variable);
        assert_eq!(exit, 0, "{said}");
        assert!(
            said.starts_with(named) && said.lines().count() == 1,
            "{said}"
        );
    }
    for (args, why) in [
        (&[][..], "nothing to check"),
        (
            &["others.yaml", "--mirror-rule=rules.yaml"],
            "leave one of them out",
        ),
    ] {
        let (exit, said) = checked(args, None);
        assert!(exit == 2 && said.contains(why), "{exit} {said}");
    }
}

#[test]
fn codes_are_explained() {
    let folder = Folder::with(&[]);
    let one = folder.run(&["--explain", "e010"]);
    assert_eq!(code(&one), 0);
    assert!(
        out(&one).starts_with("error[E010]: ") && out(&one).contains("good:"),
        "{}",
        out(&one)
    );
    let all = folder.run(&["--explain", "all"]);
    assert!(out(&all).lines().count() > 80, "{}", out(&all));
    let none = folder.run(&["--explain", "E999"]);
    assert_eq!(code(&none), 2);
    assert!(err(&none).contains("`E999`"), "{}", err(&none));
}

#[test]
fn colours_when_they_are_asked_for() {
    let folder = Folder::with(&[("rules.yaml", FILE)]);
    assert!(!out(&folder.run(&["rules.yaml"])).contains('\u{1b}'));
    assert!(out(&folder.run(&["--color=always", "rules.yaml"])).contains('\u{1b}'));
}

/// What the scripts must know of.
#[test]
fn shells_complete_all_commands() {
    let commands = ["run", "check-rules", "explain", "verify", "completions"];
    let flags = ["--deny", "--what-if", "--repair", "--standby", "--snapshot"];
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = Command::new(carry_binary())
            .args(["completions", shell])
            .output()
            .expect("carry runs");
        assert_eq!(code(&script), 0);
        let script = out(&script);
        for word in commands.iter().chain(&flags) {
            let written = word.trim_start_matches("--");
            assert!(script.contains(written), "{shell}: {word}");
        }
    }
    // A shell reads it, and offers what was asked for.
    let asked = "source <(\"$0\" completions bash); COMP_WORDS=(carry check-rules --de); COMP_CWORD=2; _carry carry --de check-rules; echo \"${COMPREPLY[@]}\"";
    let bash = Command::new("bash")
        .args(["-c", asked])
        .arg(carry_binary())
        .output()
        .expect("bash runs");
    assert_eq!(out(&bash).trim(), "--deny", "{}", err(&bash));
}

/// What `--witness` prints is what `explain` takes.
#[test]
fn witnesses_are_explained_as_they_are_said_to_be() {
    let folder = Folder::with(&[]);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in [
        "one-namespace",
        "secrets",
        "custom-resources",
        "many-groups",
    ] {
        let rules = root.join(format!("rules/{name}.yaml"));
        let rules = rules.to_str().expect("UTF-8");
        let witnesses = folder.run(&["--witness", rules]);
        assert_eq!(code(&witnesses), 0);
        let yaml = out(&witnesses);
        let selected = yaml.matches(" selects `/").count();
        let excluded = yaml.matches(" leaves out `/").count();
        assert!(selected > 0, "{yaml}");
        let path = folder.path(name);
        std::fs::write(&path, &yaml).expect("a file");
        let mut explain = clean(carry_binary());
        explain
            .current_dir(folder.folder.path())
            .args(["explain", "--table", "--output=json"]);
        let table = explain
            .arg(format!("--file={name}"))
            .arg(format!("--mirror-rule={rules}"))
            .output()
            .expect("carry runs");
        let table = out(&table);
        for line in yaml.lines().filter(|line| line.starts_with("# `")) {
            let selects = line.contains(" selects `");
            let key = line
                .split('`')
                .find(|word| word.starts_with('/'))
                .expect("a key");
            let row = table
                .lines()
                .find(|row| row.contains(&format!("\"{key}\"")));
            let row: Value = serde_json::from_str(row.expect("a row")).expect("JSON");
            assert_eq!(
                row["decision"],
                if selects { "put" } else { "skip" },
                "{line}: {row}"
            );
        }
        assert!(excluded > 0 || !yaml.contains("excludes["), "{yaml}");
    }
}
