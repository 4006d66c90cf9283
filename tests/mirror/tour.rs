//! The tour of the README: each command, as a newcomer pastes it, says what the
//! README says.

use std::path::Path;
use std::process::Stdio;

use super::harness::{Etcd, carry_binary, clean, free_port, temp_dir, versions};

/// A block of commands, and what they say, where the README shows it.
struct Step {
    commands: String,
    said: Option<String>,
}

/// The blocks of a section. One of `text` belongs to the one of `sh` before it.
fn steps(readme: &str, title: &str) -> Vec<Step> {
    let (_, section) = readme.split_once(title).expect("the section");
    let (section, _) = section.split_once("\n## ").expect("another section");
    let mut steps: Vec<Step> = Vec::new();
    let mut blocks = section.split("\n```");
    blocks.next();
    for block in blocks {
        let (language, text) = block.split_once('\n').unwrap_or((block, ""));
        match language {
            "sh" => steps.push(Step {
                commands: text.to_owned(),
                said: None,
            }),
            "text" => {
                let step = steps.last_mut().expect("commands before it");
                assert!(step.said.is_none(), "two outputs of {}", step.commands);
                step.said = Some(text.to_owned());
            }
            _ => {}
        }
    }
    steps
}

/// `…` in what the README shows stands for anything within a line.
fn agrees(shown: &str, said: &str) -> bool {
    let pattern = regex::escape(shown.trim_end()).replace('…', ".*");
    let pattern = regex::Regex::new(&format!("^(?:{pattern})$")).expect("a pattern");
    pattern.is_match(said.trim_end())
}

/// Runs all in one shell, as they are pasted into one, and says what each said.
fn pasted(steps: &[Step], folder: &Path, env: &[(&str, String)]) -> Vec<String> {
    let mut script = String::from("exec 2>&1\ntrap 'kill $(jobs -p) 2>/dev/null' EXIT\n");
    for step in steps {
        script.push_str(&step.commands);
        script.push_str("\nprintf '\\036'\n");
    }
    std::fs::write(folder.join("tour.sh"), script).expect("a script");
    let mut command = clean("bash");
    command.args(["tour.sh"]).current_dir(folder);
    command.envs(env.iter().map(|(name, value)| (*name, value)));
    command.stdin(Stdio::null());
    let output = command.output().expect("bash runs");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let mut said: Vec<String> = said.split('\x1e').map(str::to_owned).collect();
    let rest = said.pop().unwrap_or_default();
    assert_eq!(
        (said.len(), rest.as_str()),
        (steps.len(), ""),
        "{said:?} {}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

fn link(from: &Path, to: &Path) {
    std::os::unix::fs::symlink(from, to).expect("a link");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_is_as_the_readme_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).expect("README.md");
    let steps = steps(&readme, "\n## A ten-minute tour\n");
    assert!(steps.len() > 8, "{}", steps.len());
    for version in versions("tour") {
        let (source, destination) = (Etcd::plain(version), Etcd::plain(version));
        let stored = root.join("deploy/examples/stored");
        source.load(tree(&stored)).await;
        let folder = temp_dir();
        link(&root.join("deploy"), &folder.path().join("deploy"));
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).expect("a folder");
        link(carry_binary(), &bin.join("carry"));
        let path = std::env::var("PATH").unwrap_or_default();
        let env = [
            ("PATH", format!("{}:{path}", bin.display())),
            ("ETCDCTL_API", "3".to_owned()),
            ("CARRY_MASTER_ENDPOINTS", source.url()),
            ("CARRY_SLAVE_ENDPOINTS", destination.url()),
            ("CARRY_BIND_PORT", free_port().to_string()),
        ];
        let said = pasted(&steps, folder.path(), &env);
        for (step, said) in steps.iter().zip(said) {
            let Step {
                commands,
                said: shown,
            } = step;
            let shown = shown.as_deref().unwrap_or_default();
            assert!(
                agrees(shown, &said),
                "{commands}\nshown:\n{shown}\nsaid:\n{said}"
            );
        }
    }
}

/// Whoever waits for a key in the tour waits for a carry that runs.
#[test]
fn waiting_ends_with_the_carry_that_is_waited_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).expect("README.md");
    let start = readme.find("arrived() {").expect("the function");
    let (function, _) = readme[start..].split_once("\n}\n").expect("its end");
    let folder = temp_dir();
    let script = format!(
        "etcdctl() {{ :; }}\nmkdir -p target/tour\necho 'it has died' >target/tour/carry.log\n\
         true &\nwait\n{function}\n}}\narrived /a 2>/dev/null\necho \"ended with $?\"\n"
    );
    std::fs::write(folder.path().join("waiting.sh"), script).expect("a script");
    let mut command = clean("timeout");
    command.args(["20", "bash", "waiting.sh"]);
    let output = command.current_dir(folder.path()).output();
    let output = output.expect("bash runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "it has died\nended with 1\n", "{output:?}");
}

/// The quickstart as it is run, but for the build: it judges itself, and carry
/// has nothing to warn of in it.
#[test]
fn the_quickstart_ends_well() {
    let mut here = versions("the quickstart").into_iter();
    let both = here.find_map(|version| Some((version.binary()?, version.etcdctl()?)));
    let Some((etcd, etcdctl)) = both else {
        println!("the quickstart: not run, no etcd has an etcdctl beside it");
        return;
    };
    let folder = temp_dir();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    link(&root.join("deploy"), &folder.path().join("deploy"));
    let (bin, release) = (
        folder.path().join("bin"),
        folder.path().join("built/release"),
    );
    for folder in [&bin, &release] {
        std::fs::create_dir_all(folder).expect("a folder");
    }
    link(carry_binary(), &release.join("carry"));
    link(&etcd, &bin.join("etcd"));
    link(&etcdctl, &bin.join("etcdctl"));
    let built = folder.path().join("built");
    let cargo = format!(
        "#!/bin/sh\nif [ \"$1\" = metadata ]; then echo '{{\"target_directory\":\"{}\"}}'; fi\n",
        built.display()
    );
    std::fs::write(bin.join("cargo"), cargo).expect("a script");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(bin.join("cargo"), executable).expect("a mode");
    let mut command = clean("timeout");
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", bin.display()));
    command
        .args(["120", "deploy/quickstart.sh"])
        .current_dir(folder.path());
    let output = command.stdin(Stdio::null()).output().expect("bash runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(said.contains("All as it should be"), "{said}");
    assert!(
        said.contains("$ carry explain") && !said.contains("warning"),
        "{said}"
    );
}

/// It needs nothing for that, not even Rust.
#[test]
fn the_quickstart_says_how_it_is_used() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/quickstart.sh");
    for flag in ["--help", "-h"] {
        let mut command = clean("bash");
        command.arg(&script).arg(flag).stdin(Stdio::null());
        command
            .env("PATH", "/usr/bin:/bin")
            .env("CARGO_HOME", "/none");
        let output = command.output().expect("bash runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(said.contains("--stay [MINUTES]"), "{said}");
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}

/// All files below a folder: the path of each is its key.
fn tree(folder: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    fn add(root: &Path, folder: &Path, all: &mut Vec<(Vec<u8>, Vec<u8>)>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                add(root, &path, all);
                continue;
            }
            let key = path.strip_prefix(root).expect("below it");
            let key = format!("/{}", key.display()).into_bytes();
            all.push((key, std::fs::read(&path).expect("a file")));
        }
    }
    let mut all = Vec::new();
    add(folder, folder, &mut all);
    all.sort();
    all
}

#[test]
fn what_differs_is_seen() {
    assert!(agrees("a … b\nc\n", "a 17 b\nc"));
    for said in ["a 17 b", "a 17 b\nd", "a b\nc", "a 1\n2 b\nc", "x a 1 b\nc"] {
        assert!(!agrees("a … b\nc\n", said), "{said}");
    }
    let found = steps(
        "\n## One\n\n```sh\na\n```\n\n```text\nb\n```\n```\nc\n```\n\n## Two\n",
        "\n## One\n",
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].said.as_deref(), Some("b"));
}
