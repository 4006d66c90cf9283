//! The house rules, checked over the repository's own files: layers, sizes,
//! names, what may be left in a file and what may lie at the top level.
//!
//! Each rule is a function from files to findings; beside each stands a test
//! that a file which breaks the rule is found. Deliberately does not judge
//! style that rustfmt and clippy judge.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;
const MEDIAN_LINES: usize = 10;
const MODULE_DOC_WORDS: usize = 8;

const TOP_LEVEL: &[&str] = &[
    ".ci",
    ".gitignore",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README-zh_CN.md",
    "README.md",
    "benches",
    "deploy",
    "fuzz",
    "grammar",
    "rules",
    "src",
    "tests",
];

const BAD_MODULES: &[&str] = &[
    "utils", "util", "common", "types", "helpers", "helper", "misc",
];
const PRINTING: &[&str] = &["println", "print", "eprintln", "eprint"];

/// Imports inside one layer that are meant: the VM runs what `lang` compiles.
const WITHIN_LAYER: &[(&str, &str)] = &[("vm", "lang")];

/// A tracked file: its path from the top of the repository, and its text.
struct File {
    path: String,
    text: String,
}

impl File {
    fn new(path: &str, text: &str) -> File {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    fn is_src(&self) -> bool {
        self.path.starts_with("src/") && self.is_rust()
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// `rules` for `src/rules/plan.rs` and `metrics` for `src/metrics.rs`;
    /// nothing for `lib.rs` and `main.rs`.
    fn module(&self) -> Option<&str> {
        let path = self.path.strip_prefix("src/")?;
        let first = path.split('/').next()?;
        let name = first.strip_suffix(".rs").unwrap_or(first);
        (!matches!(name, "lib" | "main")).then_some(name)
    }

    fn tokens(&self) -> Vec<Token> {
        let stream = self
            .text
            .parse()
            .unwrap_or_else(|error| panic!("{}: {error}", self.path));
        let mut tokens = Vec::new();
        flatten(stream, &mut tokens);
        tokens
    }
}

// ---------------------------------------------------------------------------
// Tokens: paths are found in macros too, and never in comments and strings.

#[derive(Debug, PartialEq, Eq)]
struct Token {
    text: String,
    line: usize,
}

fn flatten(stream: TokenStream, into: &mut Vec<Token>) {
    let mut joined = false;
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::None => ("", ""),
                };
                into.push(Token {
                    text: open.to_owned(),
                    line,
                });
                flatten(group.stream(), into);
                into.push(Token {
                    text: close.to_owned(),
                    line,
                });
                joined = false;
            }
            TokenTree::Punct(punct) => {
                match into.last_mut().filter(|_| joined) {
                    Some(last) => last.text.push(punct.as_char()),
                    None => into.push(Token {
                        text: punct.as_char().to_string(),
                        line,
                    }),
                }
                joined = punct.as_char() == ':' && punct.spacing() == Spacing::Joint;
            }
            other => {
                into.push(Token {
                    text: other.to_string(),
                    line,
                });
                joined = false;
            }
        }
    }
}

/// The names that directly follow `root::` anywhere in a file, groups
/// (`root::{a::B, c}`) included, with their lines.
fn names_under<'t>(tokens: &'t [Token], root: &str) -> Vec<(&'t str, usize)> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let after_path = at > 0 && tokens[at - 1].text == "::";
        if token.text != root || after_path || text_at(tokens, at + 1) != "::" {
            continue;
        }
        match text_at(tokens, at + 2) {
            "{" => names_in_group(&tokens[at + 3..], &mut found),
            _ => found.extend(
                tokens
                    .get(at + 2)
                    .map(|name| (name.text.as_str(), name.line)),
            ),
        }
    }
    found
}

/// The first name of each entry of a use group, up to its closing brace.
fn names_in_group<'t>(tokens: &'t [Token], found: &mut Vec<(&'t str, usize)>) {
    let (mut depth, mut entry_begins) = (0, true);
    for token in tokens {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" if depth == 0 => return,
            "}" => depth -= 1,
            "," if depth == 0 => entry_begins = true,
            name if depth == 0 && entry_begins => {
                found.push((name, token.line));
                entry_begins = false;
            }
            _ => {}
        }
    }
}

fn text_at(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| token.text.as_str())
}

// ---------------------------------------------------------------------------
// Layers and circles

/// The layer of each module, from the table in the doc comment of `lib.rs`.
fn layers(lib: &str) -> BTreeMap<String, u32> {
    let mut layers = BTreeMap::new();
    for line in lib.lines() {
        let Some(row) = line.strip_prefix("//! | ") else {
            continue;
        };
        let Some((layer, modules)) = row.split_once(" | ") else {
            continue;
        };
        let Ok(layer) = layer.trim().parse() else {
            continue;
        };
        let quoted = modules.split('`').skip(1).step_by(2);
        layers.extend(quoted.map(|module| (module.to_owned(), layer)));
    }
    layers
}

fn imports_go_down(files: &[File], layers: &BTreeMap<String, u32>) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_src()) {
        let Some(from) = file.module() else { continue };
        let Some(layer) = layers.get(from) else {
            findings.push(format!(
                "{}: `{from}` has no layer in the table of src/lib.rs",
                file.path
            ));
            continue;
        };
        let tokens = file.tokens();
        for (to, line) in names_under(&tokens, "crate") {
            let down = layers.get(to).is_some_and(|other| other < layer);
            if to != from && !down && !WITHIN_LAYER.contains(&(from, to)) {
                let place = format!("{}:{line}", file.path);
                findings.push(format!("{place}: `{from}` (layer {layer}) imports `{to}`"));
            }
        }
    }
    findings
}

/// Circles among the files of one folder. What lies in a `mod.rs` belongs to
/// all of them and is left out.
fn no_circles(files: &[File]) -> Vec<String> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.is_src()) {
        let Some((folder, stem)) = folder_and_stem(&file.path) else {
            continue;
        };
        let tokens = file.tokens();
        let siblings = names_under(&tokens, "super")
            .into_iter()
            .map(|(name, _)| name);
        let within = siblings.chain(named_from_root(&tokens, folder));
        let here = within
            .filter(|name| *name != stem)
            .map(|name| format!("{folder}/{name}"));
        let known = here.filter(|name| files.iter().any(|file| is_module(&file.path, name)));
        edges
            .entry(format!("{folder}/{stem}"))
            .or_default()
            .extend(known);
    }
    edges
        .keys()
        .filter_map(|start| circle(&edges, start))
        .collect()
}

/// The way from `start` back to itself, if there is one.
fn circle(edges: &BTreeMap<String, BTreeSet<String>>, start: &str) -> Option<String> {
    let mut ways = vec![vec![start]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        for next in edges.get(way[way.len() - 1]).into_iter().flatten() {
            let longer = [way.as_slice(), &[next]].concat();
            if next == start {
                return Some(format!("{start}: a circle: {}", longer.join(" -> ")));
            }
            if seen.insert(next) {
                ways.push(longer);
            }
        }
    }
    None
}

/// `("src/rules", "plan")` for `src/rules/plan.rs`.
fn folder_and_stem(path: &str) -> Option<(&str, &str)> {
    let (folder, name) = path.rsplit_once('/')?;
    let stem = name.strip_suffix(".rs")?;
    (stem != "mod" && folder != "src").then_some((folder, stem))
}

fn is_module(path: &str, name: &str) -> bool {
    let rest = path.strip_prefix(name);
    matches!(rest, Some(".rs" | "/mod.rs"))
}

/// The names used as `crate::<folder>::NAME`.
fn named_from_root<'t>(tokens: &'t [Token], folder: &str) -> Vec<&'t str> {
    let folder: Vec<_> = folder.split('/').skip(1).collect();
    let mut names = Vec::new();
    for at in 0..tokens.len() {
        let mut next = at + 1;
        let matches = tokens[at].text == "crate"
            && folder.iter().all(|part| {
                next += 2;
                text_at(tokens, next - 2) == "::" && text_at(tokens, next - 1) == *part
            });
        if matches && text_at(tokens, next) == "::" {
            names.push(text_at(tokens, next + 1));
        }
    }
    names
}

// ---------------------------------------------------------------------------
// Sizes, names and doc comments

fn files_are_short(files: &[File]) -> Vec<String> {
    let long = |file: &&File| file.is_src() && file.text.lines().count() > FILE_LINES;
    let describe = |file: &File| format!("{}: {} lines", file.path, file.text.lines().count());
    files.iter().filter(long).map(describe).collect()
}

/// Name and number of lines of every function.
#[derive(Default)]
struct Functions {
    found: Vec<(String, usize, usize)>,
}

impl Functions {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let (first, last) = (signature.span().start().line, block.span().end().line);
        self.found
            .push((signature.ident.to_string(), first, last + 1 - first));
    }
}

impl<'a> Visit<'a> for Functions {
    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.add(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

fn functions(file: &File) -> Vec<(String, usize, usize)> {
    let parsed =
        syn::parse_file(&file.text).unwrap_or_else(|error| panic!("{}: {error}", file.path));
    let mut functions = Functions::default();
    functions.visit_file(&parsed);
    functions.found
}

fn functions_are_short(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    let mut sizes = Vec::new();
    for file in files.iter().filter(|file| file.is_src()) {
        for (name, line, lines) in functions(file) {
            sizes.push(lines);
            if lines > FUNCTION_LINES {
                findings.push(format!("{}:{line}: `{name}` has {lines} lines", file.path));
            }
        }
    }
    sizes.sort_unstable();
    if let Some(&median) = sizes.get(sizes.len() / 2)
        && median >= MEDIAN_LINES
    {
        findings.push(format!("src: the median function has {median} lines"));
    }
    findings
}

fn modules_are_named_well(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let parts = file
            .path
            .split('/')
            .map(|part| part.strip_suffix(".rs").unwrap_or(part));
        let in_path = parts.filter(|part| BAD_MODULES.contains(part));
        findings.extend(in_path.map(|name| format!("{}: module `{name}`", file.path)));
        for pair in file.tokens().windows(2) {
            if pair[0].text == "mod" && BAD_MODULES.contains(&pair[1].text.as_str()) {
                let (line, name) = (pair[1].line, &pair[1].text);
                findings.push(format!("{}:{line}: module `{name}`", file.path));
            }
        }
    }
    findings
}

/// Every Rust file opens with a `//!` comment; in `src` it has room for what
/// the file promises and what it does not do.
fn files_open_with_a_doc_comment(files: &[File]) -> Vec<String> {
    let too_short = |file: &&File| {
        let doc = file.text.lines().map_while(|line| line.strip_prefix("//!"));
        let words = doc.flat_map(str::split_whitespace).count();
        words < if file.is_src() { MODULE_DOC_WORDS } else { 3 }
    };
    let rust = files.iter().filter(|file| file.is_rust());
    let say = |file: &File| {
        format!(
            "{}: does not open with a `//!` comment that says enough",
            file.path
        )
    };
    rust.filter(too_short).map(say).collect()
}

// ---------------------------------------------------------------------------
// What must not be left in a file

fn nothing_is_unfinished(files: &[File]) -> Vec<String> {
    let words = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["XX", "X"].concat(),
    ];
    let macros = ["todo", "unimplemented", "dbg"];
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        for (at, line) in file.text.lines().enumerate() {
            let mut parts = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            if let Some(word) = parts.find(|part| words.iter().any(|word| word == part)) {
                findings.push(format!("{}:{}: `{word}`", file.path, at + 1));
            }
        }
        let tokens = file.tokens();
        for at in 0..tokens.len() {
            let (here, next) = (tokens[at].text.as_str(), text_at(&tokens, at + 1));
            let ignored = here == "[" && next == "ignore" && at > 0 && tokens[at - 1].text == "#";
            if ignored || (next == "!" && macros.contains(&here)) {
                findings.push(format!("{}:{}: `{here}{next}`", file.path, tokens[at].line));
            }
        }
    }
    findings
}

fn only_cli_prints(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.is_src() && file.module() != Some("cli"))
    {
        for pair in file.tokens().windows(2) {
            if pair[1].text == "!" && PRINTING.contains(&pair[0].text.as_str()) {
                let (line, name) = (pair[0].line, &pair[0].text);
                findings.push(format!("{}:{line}: `{name}!` outside of cli/", file.path));
            }
        }
    }
    findings
}

fn feature_is_spelled_in_lib(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.is_src() && file.path != "src/lib.rs")
    {
        for three in file.tokens().windows(3) {
            let [name, equals, value] = three else {
                continue;
            };
            if name.text == "feature" && equals.text == "=" && value.text == "\"mirror\"" {
                findings.push(format!("{}:{}: the feature `mirror`", file.path, name.line));
            }
        }
    }
    findings
}

fn top_level_is_as_designed(files: &[File]) -> Vec<String> {
    let first = |file: &File| file.path.split('/').next().unwrap_or_default().to_owned();
    let entries: BTreeSet<_> = files.iter().map(first).collect();
    let strange = entries
        .into_iter()
        .filter(|entry| !TOP_LEVEL.contains(&entry.as_str()));
    strange
        .map(|entry| format!("{entry}: not one of the top level's entries"))
        .collect()
}

fn no_path_of_a_machine(files: &[File]) -> Vec<String> {
    let folders = ["root", "home", "work"].map(|folder| format!("/{folder}/"));
    let mut findings = Vec::new();
    for file in files {
        for (at, line) in file.text.lines().enumerate() {
            if let Some(folder) = folders.iter().find(|folder| line.contains(folder.as_str())) {
                findings.push(format!("{}:{}: a path under `{folder}`", file.path, at + 1));
            }
        }
    }
    findings
}

// ---------------------------------------------------------------------------
// The repository

/// All tracked files; in an unpacked archive without git, all files but those
/// of builds.
fn repository() -> Vec<File> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tracked = Command::new("git")
        .arg("-C")
        .arg(top)
        .args(["ls-files", "-z"])
        .output();
    let paths = match tracked {
        Ok(output) if output.status.success() && !output.stdout.is_empty() => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.split_terminator('\0').map(str::to_owned).collect()
        }
        _ => walk(top),
    };
    let read = |path: String| {
        // A tracked file may have been deleted and not yet committed.
        let bytes = std::fs::read(top.join(&path)).ok()?;
        Some(File {
            path,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        })
    };
    let files: Vec<_> = paths.into_iter().filter_map(read).collect();
    assert!(
        files.iter().any(|file| file.path == "src/lib.rs"),
        "the repository has no src/lib.rs"
    );
    files
}

fn walk(top: &Path) -> Vec<String> {
    let (mut paths, mut open) = (Vec::new(), vec![top.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("folder").flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() && name != "target" && name != ".git" {
                open.push(path);
            } else if path.is_file() {
                let below = path.strip_prefix(top).expect("below the top");
                paths.push(below.to_string_lossy().into_owned());
            }
        }
    }
    paths
}

#[track_caller]
fn assert_none(findings: Vec<String>) {
    assert!(
        findings.is_empty(),
        "{} finding(s):\n{}",
        findings.len(),
        findings.join("\n")
    );
}

#[test]
fn imports_go_down_the_layers() {
    let files = repository();
    let lib = files
        .iter()
        .find(|file| file.path == "src/lib.rs")
        .expect("src/lib.rs");
    let layers = layers(&lib.text);
    assert!(
        layers.len() > 8,
        "the table of layers in src/lib.rs was not understood: {layers:?}"
    );
    assert_none(imports_go_down(&files, &layers));
}

#[test]
fn folders_have_no_circles() {
    assert_none(no_circles(&repository()));
}

#[test]
fn files_and_functions_are_short() {
    assert_none(files_are_short(&repository()));
    assert_none(functions_are_short(&repository()));
}

#[test]
fn files_say_what_they_are() {
    assert_none(modules_are_named_well(&repository()));
    assert_none(files_open_with_a_doc_comment(&repository()));
}

#[test]
fn files_are_finished() {
    assert_none(nothing_is_unfinished(&repository()));
}

#[test]
fn printing_and_the_feature_are_where_they_belong() {
    assert_none(only_cli_prints(&repository()));
    assert_none(feature_is_spelled_in_lib(&repository()));
}

#[test]
fn the_repository_holds_what_it_should() {
    assert_none(top_level_is_as_designed(&repository()));
    assert_none(no_path_of_a_machine(&repository()));
}

// ---------------------------------------------------------------------------
// Each rule finds what breaks it, and only that

mod finds {
    use super::*;

    fn table() -> BTreeMap<String, u32> {
        layers("//! | 3 | `rules` (no I/O) |\n//! | 2 | `lang` (low), `vm` |\n//! | 1 | `k8s` |\n")
    }

    #[track_caller]
    fn places(findings: &[String], expected: &[&str]) {
        let begins = |(finding, start): (&String, &&str)| finding.starts_with(*start);
        let all = findings.iter().zip(expected).all(begins);
        assert!(
            all && findings.len() == expected.len(),
            "{findings:?} are not {expected:?}"
        );
    }

    #[test]
    fn the_table_of_layers() {
        let expected = [("k8s", 1), ("lang", 2), ("rules", 3), ("vm", 2)];
        assert_eq!(
            table(),
            expected
                .map(|(name, layer)| (name.to_owned(), layer))
                .into()
        );
    }

    #[test]
    fn imports_that_go_up() {
        let good =
            "//! `crate::rules` in a comment\nuse crate::k8s::{self, Key};\nuse crate::lang::X;";
        let bad =
            "use std::fmt;\nuse crate::{k8s::{Key, rules}, vm::Y};\nfn f() { m!(crate::rules::Z) }";
        let files = [
            File::new("src/rules/a.rs", good),
            File::new("src/vm/mod.rs", good),
            File::new("src/lang/mod.rs", bad),
            File::new("src/k8s.rs", "use crate::{k8s::A};"),
            File::new("src/lib.rs", "use crate::rules::A;"),
            File::new("src/new.rs", ""),
        ];
        let expected = [
            "src/lang/mod.rs:2: `lang` (layer 2) imports `vm`",
            "src/lang/mod.rs:3",
            "src/new.rs:",
        ];
        places(&imports_go_down(&files, &table()), &expected);
    }

    #[test]
    fn circles() {
        let files = [
            File::new(
                "src/rules/mod.rs",
                "mod a; mod b; mod c; use crate::rules::a::A;",
            ),
            File::new("src/rules/a.rs", "use super::b::B;"),
            File::new("src/rules/b.rs", "use super::{Top, c::C};"),
            File::new("src/rules/c.rs", "fn f() { crate::rules::a::f() }"),
            File::new("src/rules/d.rs", "use super::{a::A, missing::M};"),
        ];
        places(
            &no_circles(&files),
            &["src/rules/a:", "src/rules/b:", "src/rules/c:"],
        );
        places(&no_circles(&files[..3]), &[]);
    }

    #[test]
    fn long_files_and_functions() {
        let lines = |count: usize| "\n".repeat(count);
        let long = File::new("src/a.rs", &lines(FILE_LINES + 1));
        let files = [File::new("src/b.rs", &lines(FILE_LINES)), long];
        places(&files_are_short(&files), &["src/a.rs: 501"]);

        let function = |count: usize| format!("fn f() {{{}}}\n", lines(count - 1));
        let short = function(FUNCTION_LINES) + &function(1).repeat(3);
        places(&functions_are_short(&[File::new("src/a.rs", &short)]), &[]);
        let method = format!(
            "impl A {{\n{}}}\n{}",
            function(FUNCTION_LINES + 1),
            function(1).repeat(3)
        );
        let found = functions_are_short(&[File::new("src/a.rs", &method)]);
        places(&found, &["src/a.rs:2: `f` has 71 lines"]);
        let medium = function(MEDIAN_LINES).repeat(2) + &function(1);
        places(
            &functions_are_short(&[File::new("src/a.rs", &medium)]),
            &["src: the median"],
        );
    }

    #[test]
    fn names_and_missing_doc_comments() {
        let files = [
            File::new("src/k8s/utils.rs", "mod misc {}"),
            File::new("src/a.rs", "mod a;"),
        ];
        places(
            &modules_are_named_well(&files),
            &["src/k8s/utils.rs: ", "src/k8s/utils.rs:1"],
        );

        let doc = "//! Says in some detail what\n//! it is and is not.\n";
        let files = [
            File::new("src/a.rs", doc),
            File::new("src/b.rs", "//! Too short.\n"),
            File::new("src/c.rs", &format!("use a;\n{doc}")),
            File::new("tests/d.rs", "//! Short will do.\n"),
            File::new("tests/e.rs", "//!\n"),
        ];
        places(
            &files_open_with_a_doc_comment(&files),
            &["src/b.rs", "src/c.rs", "tests/e.rs"],
        );
    }

    #[test]
    fn what_is_unfinished() {
        let comment = ["// TO", "DO: more\n// TODOS and todo are fine\n"].concat();
        let code = "fn f() { g(todo!()) }\n#[test]\n#[ignore]\nfn t() { dbg!(1); let todo = 1; }";
        let text = comment + code;
        let expected = [
            "src/a.rs:1",
            "src/a.rs:3: `todo!`",
            "src/a.rs:5: `[ignore`",
            "src/a.rs:6",
        ];
        places(
            &nothing_is_unfinished(&[File::new("src/a.rs", &text)]),
            &expected,
        );
    }

    #[test]
    fn prints_and_features_elsewhere() {
        let text =
            "// println!\n#[cfg(feature = \"mirror\")]\nfn f() { x!(eprintln!(\"\")); print(1) }";
        let paths = ["src/cli/a.rs", "src/k8s/a.rs", "src/lib.rs", "tests/a.rs"];
        let files = paths.map(|path| File::new(path, text));
        places(
            &only_cli_prints(&files),
            &["src/k8s/a.rs:3: `eprintln!`", "src/lib.rs:3"],
        );
        places(
            &feature_is_spelled_in_lib(&files),
            &["src/cli/a.rs:2", "src/k8s/a.rs:2"],
        );
    }

    #[test]
    fn strange_entries_and_paths() {
        let path = ["/ro", "ot/x"].concat();
        let files = [
            File::new("notes.md", "/usr/root is fine"),
            File::new("src/a.rs", &path),
            File::new("clippy.toml", ""),
        ];
        places(
            &top_level_is_as_designed(&files),
            &["clippy.toml", "notes.md"],
        );
        places(&no_path_of_a_machine(&files), &["src/a.rs:1"]);
    }
}
