//! What each code means: entries, examples, and how findings look at the width
//! of a terminal.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use carry::diagnostic::{Code, Diagnostic, Level, SourceText, Style, render};
use carry::rules::catalogue::{Entry, all_codes, code, entry};
use carry::rules::{Check, check, load_bytes};

const CATALOGUE: &str = include_str!("../src/rules/catalogue.md");
const README: &str = include_str!("../README.md");

/// A narrow terminal, and a wide one.
const WIDTHS: [usize; 2] = [80, 120];

fn entries() -> Vec<Entry> {
    let all = all_codes().into_iter();
    all.map(|code| entry(code).unwrap_or_else(|| panic!("{code} has no entry")))
        .collect()
}

/// Files in which codes are found that no example in a text can show.
fn hidden(code: Code) -> Option<Vec<u8>> {
    let rule =
        "filters:\n  sequential:\n    - group: \"\"\n      resources:\n        - kind: Namespace\n";
    Some(match code.as_str() {
        "E001" => rule.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "E032" => {
            let glob = "?".repeat(20_000);
            format!("filters:\n  secondary:\n    - keys: [\"/{glob}\"]\n").into_bytes()
        }
        "W003" => format!("\u{feff}{rule}").into_bytes(),
        _ => return None,
    })
}

/// What only data can show: see `mirror::check_data`.
const OF_DATA: [&str; 3] = ["W053", "N003", "N004"];

/// The entries of codes that a file alone can have.
fn of_files() -> impl Iterator<Item = Entry> {
    let all = entries().into_iter();
    all.filter(|entry| !OF_DATA.contains(&entry.code.as_str()))
}

fn bad(entry: &Entry) -> Vec<u8> {
    let shown = entry.bad.map(|text| text.as_bytes().to_vec());
    let bad = hidden(entry.code).or(shown);
    bad.unwrap_or_else(|| panic!("{} has no bad example", entry.code))
}

fn found(name: &str, bytes: Vec<u8>) -> (SourceText, Vec<Diagnostic>) {
    let (source, loaded) = load_bytes(name, bytes);
    let how = Check {
        prefix: "/registry".to_owned(),
        lints: true,
        ..Check::default()
    };
    (source, check(loaded, &how).diagnostics)
}

/// As it looks at each width; the wider one only where it differs.
fn shown(source: &SourceText, found: &[Diagnostic]) -> String {
    let [narrow, wide] = WIDTHS.map(|width| {
        let style = Style {
            color: false,
            width: Some(width),
        };
        render(source, found, style)
    });
    let mut shown = format!("== 80 columns\n\n{narrow}");
    if wide != narrow {
        let _ = write!(shown, "\n== 120 columns\n\n{wide}");
    }
    shown
}

#[test]
fn every_code_has_an_entry_and_every_entry_a_code() {
    let headings = CATALOGUE
        .lines()
        .filter_map(|line| line.strip_prefix("## "));
    let written: Vec<&str> = headings
        .map(|heading| heading.split_once(' ').expect("a title").0)
        .collect();
    let codes: Vec<&str> = all_codes().iter().map(|code| code.as_str()).collect();
    assert_eq!(written, codes, "in the order of `all_codes`");
}

#[test]
fn entries_can_be_read() {
    let mut titles = BTreeSet::new();
    for entry in entries() {
        let code = entry.code;
        assert!(titles.insert(entry.title), "{code}: the title is taken");
        assert!(
            !entry.title.is_empty() && !entry.title.ends_with('.'),
            "{code}"
        );
        let lines = entry.text.lines().count();
        assert!((2..=6).contains(&lines), "{code}: {lines} lines of text");
        assert!(entry.text.ends_with('.'), "{code}: {}", entry.text);
        assert_eq!(
            entry.bad.is_some(),
            entry.good.is_some() && hidden(code).is_none(),
            "{code}: examples come in pairs"
        );
        let of = |example: Option<&str>| example.unwrap_or("\n").ends_with('\n');
        assert!(of(entry.bad) && of(entry.good), "{code}");
    }
    for (number, line) in (1..).zip(CATALOGUE.lines()) {
        let width = line.chars().count();
        assert!(width <= 120, "line {number} has {width} characters");
    }
}

/// Words such as `E010` and fields in backticks are what they seem to be.
#[test]
fn entries_refer_to_codes_that_exist() {
    let is_code = |word: &&str| {
        let digits = word.strip_prefix(['E', 'W', 'N']).unwrap_or_default();
        digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let words = CATALOGUE.split(|c: char| !c.is_ascii_alphanumeric());
    let codes: Vec<&str> = words.filter(is_code).collect();
    assert!(codes.len() > all_codes().len());
    for word in codes {
        assert!(code(word).is_some(), "{word}");
    }
}

#[test]
fn bad_examples_are_found() {
    let mut wrong = Vec::new();
    for entry in of_files() {
        let (source, found) = found("rules.yaml", bad(&entry));
        let own = found.iter().filter(|own| own.code == entry.code).count();
        let mut errors = found.iter().filter(|own| own.level == Level::Error);
        if own != 1 || errors.any(|other| other.code != entry.code) {
            let shown = render(&source, &found, Style::default());
            wrong.push(format!("{}: found {own} times\n{shown}", entry.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn good_examples_are_good() {
    for entry in entries() {
        let Some(good) = entry.good else { continue };
        let (source, found) = found("rules.yaml", good.as_bytes().to_vec());
        let bad = found
            .iter()
            .any(|own| own.code == entry.code || own.level == Level::Error);
        let shown = render(&source, &found, Style::default());
        assert!(!bad, "{}:\n{shown}", entry.code);
    }
}

/// Examples of bad files, as people see them.
#[test]
fn findings_of_bad_examples() {
    for entry in of_files() {
        let (source, found) = found("rules.yaml", bad(&entry));
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "cases/catalogue" }, {
            insta::assert_snapshot!(entry.code.as_str(), shown(&source, &found));
        });
    }
}

/// What terminals and editors count differently: wide and combined characters,
/// tabs, long lines, `\r\n`; and several places in one snippet.
#[test]
fn findings_of_strange_texts() {
    insta::glob!("cases/shown/*.yaml", |path| {
        let name = path.file_name().expect("a file").to_string_lossy();
        let (source, found) = found(&name, std::fs::read(path).expect("case"));
        assert!(!found.is_empty(), "{name}");
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "cases/shown/found" }, {
            insta::assert_snapshot!(shown(&source, &found));
        });
    });
}

/// No line is wider than the terminal, unless a single word of it is.
#[test]
fn findings_fit_the_terminal() {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/rules");
    for file in std::fs::read_dir(cases).expect("cases") {
        let path = file.expect("case").path();
        if path.is_file() {
            let name = path.file_name().expect("a file").to_string_lossy();
            files.push((name.into_owned(), std::fs::read(&path).expect("case")));
        }
    }
    files.extend(of_files().map(|own| (own.code.to_string(), bad(&own))));
    for (name, bytes) in files {
        let (source, found) = found(&name, bytes);
        for width in WIDTHS {
            let style = Style {
                color: false,
                width: Some(width),
            };
            for line in render(&source, &found, style).lines() {
                let wide = line.chars().count() > width;
                assert!(
                    !wide || !breakable(line, width),
                    "{name} at {width}:\n{line}"
                );
            }
        }
    }
}

/// Whether a sentence could have been broken before it got too wide. Lines of
/// a file, and labels beside them, are as the library cuts them.
fn breakable(line: &str, width: usize) -> bool {
    let text = line.trim_start();
    let sentence = !text.contains(" | ") && !text.starts_with('|');
    let words = line.chars().take(width).collect::<String>();
    sentence && words.trim_start().matches(' ').count() > 3
}

#[test]
fn the_readme_lists_all_codes() {
    let mut table = String::from("| code | level | meaning |\n|---|---|---|\n");
    for entry in entries() {
        let (code, level) = (entry.code, entry.code.level().name());
        let _ = writeln!(table, "| {code} | {level} | {} |", entry.title);
    }
    let section = section(README, "### Diagnostics");
    let start = section.find("| code |").unwrap_or(section.len());
    let rest = &section[start..];
    let written = rest.split("\n\n").next().unwrap_or_default().trim_end();
    assert!(
        written == table.trim_end(),
        "the table under `### Diagnostics` should be:\n\n{table}"
    );
}

/// What the README shows of a check is what a check shows.
#[test]
fn the_readme_shows_a_finding() {
    let entry = entry(code("W013").expect("a code")).expect("an entry");
    let (source, found) = found("rules/definitions.yaml", bad(&entry));
    let style = Style {
        color: false,
        width: Some(120),
    };
    let shown = render(&source, &found, style);
    let section = section(README, "### Check rules");
    assert!(
        section.contains(shown.trim_end()),
        "the README should show:\n\n{shown}"
    );
}

/// The lines from a heading to the next one of its level or above.
fn section<'t>(text: &'t str, heading: &str) -> &'t str {
    let start = text.find(&format!("\n{heading}\n")).expect("a section") + 1;
    let rest = &text[start..];
    let ends = ["\n## ", "\n### "].map(|next| rest.find(next).unwrap_or(rest.len()));
    &rest[..ends[0].min(ends[1])]
}

/// However many kinds a rule selects, what a policy keeps out of it is none of
/// them; and with the policy off it is found.
#[test]
fn lints_know_what_policies_keep_out_of_rules_of_every_group() {
    let codes = |more: &str| -> BTreeSet<String> {
        let rules =
            format!("filters:\n  secondary:\n    - group: \"**\"\n      namespace: x\n{more}");
        let (_, found) = found("rules.yaml", rules.into_bytes());
        found
            .iter()
            .map(|own| own.code.as_str().to_owned())
            .collect()
    };
    let kept_out = ["W043", "W052"];
    let with_policies = codes("");
    assert!(with_policies.contains("W051"), "{with_policies:?}");
    for code in kept_out {
        assert!(!with_policies.contains(code), "{with_policies:?}");
    }
    let without = codes("      policy: {systemObjects: mirror}\n");
    for code in kept_out {
        assert!(without.contains(code), "{without:?}");
    }
}

/// What is said of policies holds where they are off, too.
#[test]
fn a_rule_for_everything_is_told_what_its_policies_do() {
    let help = |more: &str| -> String {
        let rules = format!("{more}filters:\n  secondary:\n    - group: \"*\"\n");
        let (_, found) = found("rules.yaml", rules.into_bytes());
        let found = found.into_iter().find(|own| own.code.as_str() == "W036");
        found.and_then(|own| own.help).expect("a help").to_string()
    };
    let keeps_out = "policies keep out only what every cluster makes";
    let (with, without) = (help(""), help("policies: {systemObjects: mirror}\n"));
    assert!(with.contains(keeps_out), "{with}");
    assert!(
        !without.contains(keeps_out) && without.contains("`systemObjects: mirror`"),
        "{without}"
    );
}

/// Endpoints and EndpointSlices that people make pass where a rule does not name
/// the kind: what is warned of is what controllers manage.
#[test]
fn endpoints_are_warned_of_where_a_rule_gets_those_of_controllers() {
    let warned = |rule: &str| -> bool {
        let rules = format!("filters:\n  secondary:\n{rule}");
        let (_, found) = found("rules.yaml", rules.into_bytes());
        found.iter().any(|own| own.code.as_str() == "W043")
    };
    let labelled = "labelSelectors: [{matchLabels: {app: web}}]";
    let endpoints = "    - group: \"\"\n      resources: [{kind: Endpoints}]\n";
    let of_nobody = [
        "!('endpoints.kubernetes.io/managed-by' in object.metadata.labels)",
        "!('endpoints.kubernetes.io/last-change-trigger-time' in object.metadata.annotations)",
    ];
    for silent in [
        "    - group: \"\"\n",
        "    - group: \"\"\n      resources: [{kind: \"*\"}]\n",
        "    - group: discovery.k8s.io\n",
        "    - group: \"*\"\n      namespaces: [red]\n",
        "    - group: \"**\"\n      namespaces: [red]\n",
        "    - group: \"**\"\n      namespaces: [\"team-*\"]\n",
        &format!("    - group: \"**\"\n      namespace: red\n      {labelled}\n"),
        // Not the controllers', of whatever version.
        &format!("{endpoints}      when: \"{}\"\n", of_nobody.join(" && ")),
        // Nor where policies know them.
        &format!("    - group: \"\"\n      when: \"{}\"\n", of_nobody[0]),
    ] {
        assert!(!warned(silent), "{silent}");
    }
    for loud in [
        "    - group: \"\"\n      resources: [{kind: Endpoints}]\n",
        "    - group: \"\"\n      resources: [{kind: ConfigMap}, {kind: Endpoints}]\n",
        "    - group: \"\"\n      resources: [{kind: Endpoints}, {kind: \"*\"}]\n",
        "    - group: discovery.k8s.io\n      resources: [{kind: EndpointSlice}]\n",
        "    - group: \"\"\n      policy: {systemObjects: mirror}\n",
        "    - group: \"**\"\n      namespaces: [red]\n      policy: {systemObjects: mirror}\n",
        &format!("{endpoints}      {labelled}\n"),
        // Before 1.33 controllers set no label.
        &format!("{endpoints}      when: \"{}\"\n", of_nobody[0]),
        &format!(
            "{endpoints}      labelSelectors: [{{matchExpressions: [{{key: endpoints.kubernetes.io/managed-by, operator: DoesNotExist}}]}}]\n"
        ),
        &format!(
            "{endpoints}      excludes: [{{labelSelectors: [{{matchLabels: {{endpoints.kubernetes.io/managed-by: endpoint-controller}}}}]}}]\n"
        ),
    ] {
        assert!(warned(loud), "{loud}");
    }
}
