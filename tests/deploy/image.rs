//! The image: what it is built from is there and is sent, it is of fixed
//! versions, and what runs in it is not root.

use std::path::Path;

use super::{path, read, tools};

const DOCKERFILE: &str = "Dockerfile";

/// The instructions, each in one line.
fn instructions() -> Vec<(String, String)> {
    let joined = read(DOCKERFILE).replace("\\\n", " ");
    let lines = joined
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .filter_map(|line| line.split_once(' '))
        .map(|(word, rest)| (word.to_owned(), rest.trim().to_owned()))
        .collect()
}

fn of(word: &str) -> Vec<String> {
    let all = instructions().into_iter();
    all.filter(|(name, _)| name == word)
        .map(|(_, rest)| rest)
        .collect()
}

#[test]
fn everything_that_is_copied_is_there_and_is_sent() {
    let ignored = read("Dockerfile.dockerignore");
    let sent: Vec<&str> = ignored
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    assert!(ignored.lines().any(|line| line == "*"));
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut copied = Vec::new();
    for copy in of("COPY").iter().filter(|copy| !copy.starts_with("--from")) {
        let words: Vec<&str> = copy.split_whitespace().collect();
        copied.extend(
            words[..words.len() - 1]
                .iter()
                .map(|word| (*word).to_owned()),
        );
    }
    for name in &copied {
        assert!(top.join(name).exists(), "{name} is copied");
        assert!(sent.contains(&name.as_str()), "{name} is not sent");
    }
    assert_eq!(copied.len(), sent.len(), "{copied:?} of {sent:?}");
    // What the sources take in while they are compiled.
    for needed in ["src", "grammar", "Cargo.lock"] {
        assert!(sent.contains(&needed), "{needed}");
    }
}

#[test]
fn images_are_of_fixed_versions_and_carry_is_not_root() {
    let images: Vec<String> = of("ARG")
        .into_iter()
        .filter(|arg| arg.contains("IMAGE"))
        .collect();
    assert_eq!(images.len(), 2);
    for image in &images {
        let (_, tag) = image.rsplit_once(':').expect("a tag");
        assert!(!tag.is_empty() && tag != "latest", "{image}");
    }
    // One C library for both.
    assert!(
        images[0].ends_with("bookworm") && images[1].contains("debian12"),
        "{images:?}"
    );
    assert_eq!(of("USER"), ["65532:65532"]);
    assert_eq!(of("ENTRYPOINT"), [r#"["/usr/local/bin/carry"]"#]);
    assert_eq!(of("EXPOSE"), ["10520"]);
    let version = format!("VERSION={}", env!("CARGO_PKG_VERSION"));
    assert!(of("ARG").contains(&version), "{version}");
}

#[test]
fn the_linter_of_dockerfiles_has_nothing_to_say() {
    let Some(hadolint) = tools::hadolint("the Dockerfile under hadolint") else {
        return;
    };
    let said = tools::stdout(
        &hadolint,
        &["--failure-threshold", "info", DOCKERFILE],
        &path(""),
    );
    assert_eq!(said, "");
}
