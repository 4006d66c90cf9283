//! Rules files: what is found in them and how it is shown.

use std::fs;
use std::path::{Path, PathBuf};

use carry::diagnostic::{Diagnostic, Level, SourceText, Span, Style, render, to_json};
use carry::k8s::Step;
use carry::lang::listing;
use carry::rules::codes;
use carry::rules::source_map::SourceMap;
use carry::rules::vocabulary::parse_path;
use carry::rules::{self, GroupPattern, OnError, Operator, Plan, Requirement, load_bytes};
use proptest::prelude::*;

use crate::shared;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .expect("a file")
        .to_string_lossy()
        .into_owned()
}

/// Every file of `tests/cases/rules` has its diagnostics as a snapshot.
#[test]
fn cases() {
    insta::glob!("cases/rules/*.yaml", |path| {
        let (source, loaded) = load_bytes(&file_name(path), fs::read(path).expect("case"));
        let refused = loaded
            .diagnostics
            .iter()
            .any(|found| found.level == Level::Error);
        assert_eq!(loaded.rule_set.is_none(), refused, "{}", path.display());
        let mut shown = render(&source, &loaded.diagnostics, Style::default());
        if loaded.diagnostics.is_empty() {
            shown.push_str("nothing found\n");
        }
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "cases/rules/found" }, {
            insta::assert_snapshot!(shown);
        });
    });
}

/// What the rules of every file with good conditions become, optimised and
/// compiled.
#[test]
fn listings() {
    insta::glob!("cases/rules/{when,keys}_*.yaml", |path| {
        let (_, loaded) = load_bytes(&file_name(path), fs::read(path).expect("case"));
        let Some(rules) = loaded.rule_set else {
            return;
        };
        if !fs::read_to_string(path).expect("case").contains("when:") {
            return;
        }
        let (plan, found) = Plan::compile(&rules, "/registry");
        let plan = plan.unwrap_or_else(|| panic!("{}: {found:?}", path.display()));
        let mut shown = String::new();
        for rule in plan.rules() {
            shown.push_str(&format!("== {}\n", rule.name));
            shown.push_str(&listing::hir(&rule.folded));
            shown.push_str("--\n");
            shown.push_str(&listing::bytecode(&rule.program));
        }
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "cases/rules/listed" }, {
            insta::assert_snapshot!(shown);
        });
    });
}

/// A condition may be long, though not longer than the bound.
#[test]
fn long_conditions() {
    let with = |names: usize| {
        let names: Vec<_> = (0..names)
            .map(|number| format!("          'name-{number:05}'"))
            .collect();
        let text = format!(
            "filters:\n  secondary:\n    - group: apps\n      when: >-\n        object.metadata.name in [\n{}]\n",
            names.join(",\n")
        );
        let source = SourceText::new("long", text);
        let loaded = rules::load(&source);
        render(&source, &loaded.diagnostics, Style::default())
    };
    assert_eq!(with(4_000), "");
    let shown = with(8_000);
    assert!(
        shown.starts_with("error[E103]: the expression is too long: ")
            && shown.contains("long:5:9"),
        "{shown}"
    );
}

/// What is said of the examples, lints included: no more and no less than they
/// deserve.
#[test]
fn lints_of_examples() {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("rules"))
        .expect("rules/")
        .map(|entry| entry.expect("entry").path())
        .collect();
    files.sort();
    let mut shown = String::new();
    for path in files {
        let (source, loaded) = load_bytes(&file_name(&path), fs::read(&path).expect("file"));
        let how = rules::Check {
            prefix: "/registry".to_owned(),
            lints: true,
            ..rules::Check::default()
        };
        let checked = rules::check(loaded, &how);
        assert!(checked.plan.is_some(), "{}", path.display());
        shown.push_str(&format!("== {}\n", source.name));
        shown.push_str(&render(&source, &checked.diagnostics, Style::default()));
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "cases/rules/found" }, {
        insta::assert_snapshot!("lints_of_examples", shown);
    });
}

/// The files that we ship mean what they say: nothing is found in them.
#[test]
fn shipped_files() {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("rules"))
        .expect("rules/")
        .map(|entry| entry.expect("entry").path())
        .collect();
    files.push(root().join("deploy/examples/rules.yaml"));
    assert!(files.len() > 6, "{files:?}");
    for path in files {
        let (source, loaded) = load_bytes(&file_name(&path), fs::read(&path).expect("file"));
        let shown = render(&source, &loaded.diagnostics, Style::default());
        assert!(loaded.diagnostics.is_empty(), "{shown}");
        assert!(
            loaded
                .rule_set
                .is_some_and(|rules| rules.rules().next().is_some())
        );
    }
}

/// What etcd-carry accepts is accepted.
#[test]
fn etcd_carry_files() {
    let Some(folder) = shared::folder("rules::etcd_carry_files") else {
        return;
    };
    let path = folder.join("conformance/etcd-carry/cases.jsonl");
    let text = fs::read_to_string(path).expect("cases.jsonl");
    let mut refused = Vec::new();
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("case");
        let (name, rules) = (case["name"].as_str().expect("name"), &case["rules"]);
        let source = SourceText::new(name, rules.as_str().expect("rules"));
        let loaded = rules::load(&source);
        if loaded.rule_set.is_none() {
            refused.push(render(&source, &loaded.diagnostics, Style::default()));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// What is read is what was meant, every field in its place.
#[test]
fn meaning() {
    let path = root().join("tests/cases/rules/ok_whole_language.yaml");
    let (source, loaded) = load_bytes("rules", fs::read(path).expect("case"));
    let rules = loaded.rule_set.expect("rules");
    let written = |span: Span| &source.text[span.start as usize..span.end as usize];

    let names: Vec<&str> = rules.rules().map(|rule| rule.name.value.as_str()).collect();
    assert_eq!(
        names,
        [
            "definitions",
            "sequential[1]",
            "secondary[0]",
            "secondary[1]"
        ]
    );
    let namespaces = &rules.sequential[1];
    assert_eq!(
        namespaces.sequence.as_ref().map(|sequence| sequence.value),
        Some(2)
    );
    assert_eq!(namespaces.on_error, OnError::Skip);
    assert_eq!(namespaces.resources[0].group.value, "");
    let choice = &namespaces.label_selectors[1].requirements[0];
    assert_eq!(
        (choice.operator, written(choice.key.span)),
        (Operator::In, "team")
    );
    assert_eq!(values(choice), ["red", "green"]);
    assert_eq!(written(choice.values[1].span), "green");

    let secrets = &rules.secondary[0];
    assert_eq!(secrets.group.value, GroupPattern::Exact(String::new()));
    assert_eq!(
        secrets.resources[0]
            .version
            .as_ref()
            .map(|v| v.value.as_str()),
        Some("v1")
    );
    assert_eq!(
        secrets.field_selectors[0].requirements[0].operator,
        Operator::NotIn
    );
    assert_eq!(
        secrets.namespace_selectors[0].requirements[0].operator,
        Operator::Exists
    );
    let exclude = &secrets.excludes[0];
    assert_eq!(
        exclude.name.as_ref().map(|name| written(name.span)),
        Some("\"private\"")
    );
    assert_eq!(
        exclude.namespace.as_ref().map(|name| name.value.as_str()),
        Some("one")
    );
    let globs = &rules.secondary[1];
    assert_eq!(
        globs.group.value,
        GroupPattern::Glob("*.example.com".into())
    );
    assert_eq!(globs.namespaces.len(), 2);
}

/// `matchLabels` is `In` with one value; empty lists and fields are left out.
#[test]
fn meaning_of_short_forms() {
    let quoted =
        fs::read(root().join("tests/cases/rules/ok_quotes_and_blocks.yaml")).expect("case");
    let rules = load_bytes("rules", quoted).1.rule_set.expect("rules");
    let labels = &rules.secondary[0].label_selectors[0].requirements;
    let labels: Vec<_> = labels
        .iter()
        .map(|r| (r.key.value.as_str(), r.operator, values(r)))
        .collect();
    let expected = [("app", "1"), ("tier", "front"), ("long", "value")];
    assert_eq!(
        labels,
        expected.map(|(key, value)| (key, Operator::In, vec![value]))
    );

    let empty = fs::read(root().join("tests/cases/rules/ok_empty_lists.yaml")).expect("case");
    let rules = load_bytes("rules", empty).1.rule_set.expect("rules");
    let rule = &rules.secondary[0];
    assert!(rules.sequential.is_empty() && rule.namespace.is_none() && rule.excludes.is_empty());
    assert!(rule.resources.is_empty() && rule.namespace_selectors.is_empty());
}

fn values(requirement: &Requirement) -> Vec<&str> {
    requirement
        .values
        .iter()
        .map(|value| value.value.as_str())
        .collect()
}

/// Every field, and the fallbacks of group, version and kind.
#[test]
fn meaning_of_resources() {
    let text = "filters:\n  secondary:\n  - group: apps\n    resources:\n    - kind: '*'\n    \
                - {kind: A, version: '*', group: b.c}\n";
    let rules = rules::load(&SourceText::new("rules", text))
        .rule_set
        .expect("rules");
    let resources = &rules.secondary[0].resources;
    assert_eq!(resources[0].group.value, "apps");
    assert!(resources[0].kind.is_none() && resources[0].version.is_none());
    assert_eq!(resources[1].group.value, "b.c");
    assert!(resources[1].kind.is_some() && resources[1].version.is_none());
}

#[test]
fn field_paths() {
    let span = Span::new(10, 10 + "a.b[0][\"c/d\"].e-f".len());
    let path = parse_path("a.b[0][\"c/d\"].e-f", span).expect("a path");
    let steps: Vec<Step> = path.steps.iter().map(|step| step.value.clone()).collect();
    let field = |name: &str| Step::Field(name.into());
    assert_eq!(
        steps,
        [
            field("a"),
            field("b"),
            Step::Index(0),
            Step::Key("c/d".into()),
            field("e-f")
        ]
    );
    assert_eq!(path.steps[1].span, Span::new(12, 13));
    let quoted = parse_path("a.b", Span::new(10, 15)).expect("a path");
    assert_eq!(quoted.steps[1].span, Span::new(13, 14), "inside its quotes");
}

/// A marked word of a value is found where it was written, in every style.
#[test]
fn places_in_scalars() {
    let cases = [
        ("spec.WORD.x", "spec.WORD.x"),
        ("'it''s WORD'", "it's WORD"),
        (r#""\x61\u00e9\U0001F600\t\"WORD""#, "aé😀\t\"WORD"),
        (r#""\u00e9W\x4fRD""#, "éWORD"),
        ("\"a\n   b\n\n   WORD\"", "a b\nWORD"),
        ("\"a\\\n   bWORD\"", "abWORD"),
        ("a\n    b WORD", "a b WORD"),
        (
            "first\n    second\n      WORD\n    last\n",
            "first\nsecond\n  WORD\nlast\n",
        ),
        ("one\r\n  two\r\n  WORD", "one two WORD"),
        ("größe 日本 WORD", "größe 日本 WORD"),
        ("'quoted' in a block WORD", "'quoted' in a block WORD"),
    ];
    for (written, value) in cases {
        let file = format!("ä: {written} # after");
        let start = "ä: ".len();
        let map = SourceMap::new(&file, Span::new(start, start + written.len()), value);
        let map = map.unwrap_or_else(|| panic!("no map of {written:?}"));
        let at = value.find("WORD").expect("marked");
        let found = map.span(Span::new(at, at + 4));
        let shown = &file[found.start as usize..found.end as usize];
        assert!(
            shown == "WORD" || shown == r"W\x4fRD",
            "{written:?}: {shown:?}"
        );
    }
    assert_eq!(SourceMap::new("a: b", Span::new(3, 4), "c"), None);
}

/// A value in quotes ends at its quote, and not where the next one begins: a
/// fix leaves the comment behind it alone.
#[test]
fn quoted_values_end_at_their_quotes() {
    let file = |one: &str, two: &str| {
        format!(
            "filters:\n  sequential:\n    - group: ''   # the core's\n      resources: [{{kind: Namespace}}]\n      \
             labelSelectors:\n        - matchExpressions:\n            - key: \"te\\x61m\"   # \"team\"\n              \
             operator: {one}   # it's \"there\"\n        - matchExpressions:\n            - {{operator: {two}  , key: a}}\n"
        )
    };
    let source = SourceText::new("rules", file("\"exists\"", "'doesnotexist'"));
    let found = rules::load(&source).diagnostics;
    let fixes: Vec<_> = found.iter().filter_map(|own| own.fix.as_ref()).collect();
    let (fixed, count) = carry::diagnostic::apply(&source.text, fixes);
    assert_eq!((fixed, count), (file("Exists", "DoesNotExist"), 2));
}

#[test]
fn diagnostics_as_json() {
    let source = SourceText::new("r.yaml", "ä: é b\r\nc: d\n");
    let diagnostics = [
        codes::NOT_YAML
            .at(Span::new(4, 6), "wrong")
            .label("here")
            .also(Span::new(10, 11), "there")
            .help("do"),
        codes::NO_RULES.at(Span::new(0, 0), "hm"),
    ];
    let expected = serde_json::json!([
        {"file": "r.yaml", "code": "E002", "level": "error", "message": "wrong", "help": "do", "fix": null, "label": "here",
         "line": 1, "column": 4, "end_line": 1, "end_column": 5,
         "labels": [{"line": 2, "column": 1, "end_line": 2, "end_column": 2, "label": "there"}]},
        {"file": "r.yaml", "code": "W009", "level": "warning", "message": "hm", "help": null, "fix": null, "label": "",
         "line": 1, "column": 1, "end_line": 1, "end_column": 1, "labels": []},
    ]);
    assert_eq!(to_json(&source, &diagnostics), expected);
}

#[test]
fn colour_only_when_asked() {
    let source = SourceText::new("r.yaml", "a: b\n");
    let found = [codes::NOT_YAML.at(Span::new(0, 1), "wrong")];
    let style = |color| Style {
        color,
        width: Some(80),
    };
    assert!(render(&source, &found, style(true)).contains("\u{1b}["));
    assert!(!render(&source, &found, style(false)).contains("\u{1b}["));
}

/// Rendering must not fail on any span, right or wrong.
fn renders(source: &SourceText, diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        assert!(
            diagnostic.labels[0].span.end as usize <= source.text.len(),
            "{diagnostic:?}"
        );
    }
    let shown = render(
        source,
        diagnostics,
        Style {
            color: false,
            width: Some(100),
        },
    );
    assert_eq!(shown.is_empty(), diagnostics.is_empty());
    let data = to_json(source, diagnostics);
    assert_eq!(data.as_array().map(Vec::len), Some(diagnostics.len()));
}

fn shipped_texts() -> Vec<String> {
    [
        "tests/cases/rules/ok_whole_language.yaml",
        "deploy/examples/rules.yaml",
        "rules/secrets.yaml",
    ]
    .map(|path| fs::read_to_string(root().join(path)).expect("file"))
    .to_vec()
}

/// What is put into a valid file to break it.
fn fragment() -> impl Strategy<Value = String> {
    let known = [
        "\n",
        "  ",
        "- ",
        ": ",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "'",
        "&a ",
        "*a",
        "!!str ",
        "? ",
        "|\n",
        ">",
        "#",
        "---\n",
        "<<",
        "\t",
        "\r\n",
        "é",
        "日本",
        "\u{301}",
        "\u{feff}",
        "\0",
        "true",
        "1",
        "~",
        "group",
        "namespace",
        "In",
    ];
    prop_oneof![3 => proptest::sample::select(known.to_vec()).prop_map(String::from), 1 => "\\PC{0,4}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_loads(text in "(?s).{0,200}") {
        let source = SourceText::new("any", text);
        renders(&source, &rules::load(&source).diagnostics);
    }

    #[test]
    fn any_yaml_like_text_loads(parts in prop::collection::vec(fragment(), 0..40)) {
        let source = SourceText::new("any", parts.concat());
        renders(&source, &rules::load(&source).diagnostics);
    }

    #[test]
    fn broken_files_load(
        file in 0..3_usize,
        edits in prop::collection::vec((0.0..1.0_f64, 0..6_usize, fragment()), 1..6),
    ) {
        let mut text: Vec<char> = shipped_texts()[file].chars().collect();
        for (place, cut, put) in edits {
            let at = (place * text.len() as f64) as usize;
            let end = (at + cut).min(text.len());
            text.splice(at..end, put.chars());
        }
        let source = SourceText::new("broken", text.into_iter().collect::<String>());
        renders(&source, &rules::load(&source).diagnostics);
    }

    #[test]
    fn any_bytes_decode(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let (source, loaded) = load_bytes("any", bytes);
        renders(&source, &loaded.diagnostics);
    }

    #[test]
    fn any_scalar_maps_within_itself(written in "[\"']?[ a-z\\\\x0-9'\"\né]{0,20}[\"']?", value in "[ a-z\né]{0,10}") {
        let whole = Span::new(0, written.len());
        if let Some(map) = SourceMap::new(&written, whole, &value) {
            for at in 0..=value.len() {
                let found = map.span(Span::new(at, at + 1));
                prop_assert!(found.start <= found.end && found.end <= whole.end);
            }
        }
    }

    #[test]
    fn any_span_renders(text in "(?s).{0,60}", spans in prop::collection::vec((0..80_usize, 0..80_usize), 1..4)) {
        let source = SourceText::new("any", text);
        let mut found = codes::NOT_YAML.at(Span::new(spans[0].0, spans[0].1), "wrong").label("here");
        for (start, end) in &spans[1..] {
            found = found.also(Span::new(*start, *end), "there");
        }
        let shown = render(&source, &[found], Style::default());
        prop_assert!(shown.contains("error[E002]: wrong") && shown.contains("any:"));
    }

    #[test]
    fn any_path_parses_or_is_refused_in_place(text in "[a-z.\\[\\]\"'0-9é/]{0,20}") {
        let span = Span::new(5, 5 + text.len());
        match parse_path(&text, span) {
            Ok(path) => prop_assert!(!path.steps.is_empty()),
            Err(found) => {
                let at = found.labels[0].span;
                prop_assert!(span.start <= at.start && at.end <= span.end, "{found:?}");
            }
        }
    }
}

/// Ten thousand rules take about ten times as long as one thousand.
#[test]
fn long_files_are_read_in_linear_time() {
    let rule = "  - group: apps\n    namespace: one\n    labelSelectors:\n    - matchLabels: {app: x, tier: front}\n";
    let load = |rules: usize| {
        let source = SourceText::new(
            "long",
            format!("filters:\n  secondary:\n{}", rule.repeat(rules)),
        );
        let start = std::time::Instant::now();
        assert!(rules::load(&source).rule_set.is_some());
        start.elapsed().as_secs_f64()
    };
    let best = |rules| (0..3).map(|_| load(rules)).fold(f64::INFINITY, f64::min);
    let (short, long) = (best(1_000), best(10_000));
    assert!(
        long < short * 50.0,
        "1,000 rules: {short} s, 10,000 rules: {long} s"
    );
    println!("10,000 rules: {long:.3} s");
}
