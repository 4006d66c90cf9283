//! How `carry explain` explains: rules and an object in, text and JSON out,
//! without an etcd.
//!
//! A case is a file of `tests/cases/explained`: rules, then the object, then
//! perhaps its Namespace, as documents of YAML. A comment that begins with
//! `# explain:` says what else there is to it.

use std::fs;
use std::path::Path;

use carry::cli::explain_report::{AtDestination, Look, Report, Whence};
use carry::diagnostic::{SourceText, Style, render};
use carry::etcd::SourceRevision;
use carry::k8s::{Keyring, schema};
use carry::rules::decide::{Event, Judge, Scratch};
use carry::rules::namespaces::{Namespaces, View};
use carry::rules::{self, Plan};
use carry::source::Item;
use serde_json::Value;

use crate::shared;

/// A case, read.
struct Case {
    source: SourceText,
    judge: Judge,
    key: String,
    value: Vec<u8>,
    namespaces: Namespaces,
    options: Vec<String>,
}

/// Rules that compile, and what judges by them.
fn judge(source: &SourceText) -> Judge {
    judge_with(source, Keyring::default())
}

fn judge_with(source: &SourceText, keyring: Keyring) -> Judge {
    let loaded = rules::load(source);
    let shown = render(source, &loaded.diagnostics, Style::default());
    let set = loaded.rule_set.unwrap_or_else(|| panic!("{shown}"));
    let (plan, found) = Plan::compile(&set, "/registry");
    let plan = plan.unwrap_or_else(|| panic!("{found:?}"));
    Judge::new(plan, keyring)
}

/// As the command reports it.
fn report_of(
    judge: &Judge,
    key: &str,
    value: &[u8],
    namespaces: &Namespaces,
    lease: i64,
    show_secrets: bool,
) -> Report {
    let bytes = key.as_bytes();
    let event = Event {
        key: bytes,
        value: Some(value),
        leased: lease != 0,
        owned: false,
    };
    let decision = judge.decide(&event, namespaces, &mut Scratch::default());
    let mut rules = judge.trace(bytes, value, namespaces, show_secrets);
    if let (Ok(traces), true) = (&mut rules, lease != 0) {
        judge.trace_lease(traces);
    }
    let names = judge.plan().rules().iter().map(|rule| rule.name.clone());
    let candidates = judge.candidates(bytes).into_iter();
    Report {
        whence: Whence::Source,
        past: None,
        notes: Vec::new(),
        asides: Vec::new(),
        depends: Vec::new(),
        by_key: Vec::new(),
        key: key.to_owned(),
        item: Some(Item {
            key: bytes.to_vec(),
            value: value.to_vec(),
            revision: SourceRevision(7),
            lease,
        }),
        identity: Some(judge.identify(bytes, value)),
        outside: judge.is_outside_kubernetes(bytes),
        rule_names: names.collect(),
        candidates: candidates.map(str::to_owned).collect(),
        decision,
        left_out: None,
        conflict: None,
        difference: None,
        to_write: None,
        rules: Some(rules),
        destination: AtDestination::NotAsked,
        object: None,
        unsigned: false,
    }
}

fn text<'v>(object: &'v Value, path: &str) -> &'v str {
    object
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Where an apiserver stores it. Plurals of custom resources are guessed.
fn key_of(object: &Value) -> String {
    let (version, kind) = (text(object, "/apiVersion"), text(object, "/kind"));
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let path = match schema::by_kind(group, kind) {
        Some(resource) => resource.path.to_owned(),
        None => format!("{group}/{}s", kind.to_lowercase()),
    };
    let name = text(object, "/metadata/name");
    match text(object, "/metadata/namespace") {
        "" => format!("/registry/{path}/{name}"),
        namespace => format!("/registry/{path}/{namespace}/{name}"),
    }
}

impl Case {
    fn read(path: &Path) -> Case {
        let text = fs::read_to_string(path).expect("a case");
        let options = text
            .lines()
            .filter_map(|line| line.strip_prefix("# explain:"));
        let options: Vec<String> = options
            .flat_map(str::split_whitespace)
            .map(str::to_owned)
            .collect();
        let mut documents = text.split("\n---\n");
        let rules = documents.next().expect("rules").to_owned() + "\n";
        let source = SourceText::new("rules.yaml", rules);
        let object = documents.next().expect("an object");
        let own_key = options.iter().find_map(|own| own.strip_prefix("key="));
        let parse = |yaml: &str| -> Value { serde_yaml::from_str(yaml).expect("YAML") };
        let (key, value) = match own_key {
            Some(key) => (key.to_owned(), object.as_bytes().to_vec()),
            None => {
                let object = parse(object);
                (key_of(&object), object.to_string().into_bytes())
            }
        };
        let judge = judge(&source);
        let mut namespaces = Namespaces::default();
        for document in documents {
            let object = parse(document);
            let (key, value) = (key_of(&object), object.to_string().into_bytes());
            let view = judge.namespace_view(key.as_bytes(), &value);
            namespaces.set(self::text(&object, "/metadata/name"), view);
        }
        let unreadable = options
            .iter()
            .filter_map(|own| own.strip_prefix("unreadable="));
        for name in unreadable {
            namespaces.set(name, View::Unreadable);
        }
        Case {
            source,
            judge,
            key,
            value,
            namespaces,
            options,
        }
    }

    fn is(&self, option: &str) -> bool {
        self.options.iter().any(|own| own == option)
    }

    fn report(&self, show_secrets: bool) -> Report {
        let lease = i64::from(self.is("leased"));
        let (judge, namespaces) = (&self.judge, &self.namespaces);
        report_of(
            judge,
            &self.key,
            &self.value,
            namespaces,
            lease,
            show_secrets,
        )
    }

    fn widths(&self) -> Vec<usize> {
        let given = self
            .options
            .iter()
            .filter_map(|own| own.strip_prefix("width="));
        let given: Vec<usize> = given.map(|own| own.parse().expect("a width")).collect();
        match given.is_empty() {
            true => vec![80],
            false => given,
        }
    }
}

/// The text of every case is a snapshot.
#[test]
fn cases() {
    insta::glob!("..", "cases/explained/*.yaml", |path| {
        let case = Case::read(path);
        let report = case.report(case.is("show-secrets"));
        let mut shown = String::new();
        for width in case.widths() {
            let look = Look {
                width,
                all: case.is("all"),
            };
            if case.widths().len() > 1 {
                shown.push_str(&format!("== {width} columns\n"));
            }
            shown.push_str(&report.human(&case.source, look));
        }
        assert_eq!(report.verdict().lines().count(), 1, "{}", report.verdict());
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../cases/explained/shown" }, {
            insta::assert_snapshot!(shown);
        });
    });
}

/// A whole line of what `explain` says for programs, as an example.
#[test]
fn json() {
    for name in [
        "when_fault",
        "when_secret",
        "excluded_by_when",
        "macro_fault",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/explained");
        let case = Case::read(&path.join(format!("{name}.yaml")));
        let json = case.report(false).json(&case.source);
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../cases/explained/shown" }, {
            insta::assert_snapshot!(format!("json@{name}"), format!("{json:#}"));
        });
    }
}

/// What is wrong with `value` by a JSON Schema of the few keywords that ours
/// has; any other keyword is a mistake in it.
fn objections(root: &Value, schema: &Value, value: &Value, at: &str, into: &mut Vec<String>) {
    for (keyword, says) in schema.as_object().expect("a schema is an object") {
        match keyword.as_str() {
            "$ref" => {
                let pointer = says.as_str().and_then(|own| own.strip_prefix('#'));
                let target = pointer.and_then(|own| root.pointer(own));
                let target = target.unwrap_or_else(|| panic!("{says} leads nowhere"));
                objections(root, target, value, at, into);
            }
            "anyOf" => {
                let fits = says.as_array().expect("a list").iter().any(|own| {
                    let mut found = Vec::new();
                    objections(root, own, value, at, &mut found);
                    found.is_empty()
                });
                if !fits {
                    into.push(format!("{at}: nothing of {says} fits {value}"));
                }
            }
            "type" => {
                let names = says
                    .as_array()
                    .map_or(std::slice::from_ref(says), Vec::as_slice);
                let own = match value {
                    Value::Null => "null",
                    Value::Bool(_) => "boolean",
                    Value::Number(_) => "integer",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                };
                if !names.iter().any(|name| name == own) {
                    into.push(format!("{at}: {own}, not {says}"));
                }
            }
            "enum" => {
                if !says.as_array().expect("a list").contains(value) {
                    into.push(format!("{at}: {value} is not one of {says}"));
                }
            }
            "required" => {
                let names = says
                    .as_array()
                    .expect("a list")
                    .iter()
                    .filter_map(Value::as_str);
                let missing = names.filter(|name| value.is_object() && value.get(name).is_none());
                into.extend(missing.map(|name| format!("{at}: no {name}")));
            }
            "additionalProperties" => {
                assert_eq!(says, false, "only whole lists of properties");
                let known = schema["properties"].as_object().expect("properties");
                let own = value.as_object().into_iter().flatten();
                let strange = own.filter(|(name, _)| !known.contains_key(*name));
                into.extend(strange.map(|(name, _)| format!("{at}: {name} is not in the schema")));
            }
            "properties" => {
                for (name, own) in says.as_object().expect("properties") {
                    if let Some(member) = value.get(name) {
                        objections(root, own, member, &format!("{at}/{name}"), into);
                    }
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    objections(root, says, item, &format!("{at}/{index}"), into);
                }
            }
            "$schema" | "$defs" | "title" | "description" => {}
            other => panic!("the schema's keyword {other} is not checked"),
        }
    }
}

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/explained/schema.json");
    serde_json::from_slice(&fs::read(path).expect("the schema")).expect("JSON")
}

#[test]
fn all_json_is_as_the_schema_says() {
    let schema = schema();
    insta::glob!("..", "cases/explained/*.yaml", |path| {
        let case = Case::read(path);
        for secrets in [false, true] {
            let mut report = case.report(secrets);
            report.destination = AtDestination::Read(None);
            let json = report.json(&case.source);
            let mut found = Vec::new();
            objections(&schema, &schema, &json, "", &mut found);
            assert!(found.is_empty(), "{}: {found:#?}", path.display());
        }
    });
    // And what is not as it says is found.
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/explained/label.yaml");
    let case = Case::read(&case);
    let good = case.report(false).json(&case.source);
    for (pointer, bad) in [
        ("/decision", Value::from("perhaps")),
        ("/rules/0/condition/parts/0/decides", Value::Null),
        ("/rules/0/nearness", serde_json::json!({"held": 1})),
        (
            "/source",
            serde_json::json!({"revision": 1, "bytes": 1, "encryption": "x", "lease": 0, "more": 1}),
        ),
    ] {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).expect("a place") = bad;
        let mut found = Vec::new();
        objections(&schema, &schema, &changed, "", &mut found);
        assert!(!found.is_empty(), "{pointer}");
    }
}

/// Rules that read what Secrets hold in many ways.
const READING_SECRETS: &str = r#"
filters:
  secondary:
    - group: ""
      resources: [{version: v1, kind: Secret}]
      fieldSelectors:
        - matchExpressions:
            - {key: 'metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]', operator: NotIn, values: [x]}
      when: object.data.exists(k, v, v == 'x') || size(object.data) == 77
    - group: ""
      when: object.data.transformList(k, v, v).exists(v, v.startsWith('zz')) || object == {"a":1}
    - group: ""
      when: |
        object.data.all(k, base64.decode(object.data[k]) == b'x') ||
        cel.bind(d, object.data, d.exists(k, d[k] > 'zzzzzzzz')) ||
        object.?data.?password.optMap(p, p + "!").orValue('none') == 'x'
    - group: ""
      when: int(object.metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]) > 3
      excludes:
        - when: object.data.exists(k, v, v.size() > 1000) || object.metadata.managedFields.exists(f, f.manager == 'x')
    - group: ""
      excludes:
        - when: object.data.transformMap(k, v, [v, v]).all(k, v, v[0] != 'x')
    - group: ""
      when: object.data.filter(k, object.data[k] != '')[0] == object.data.password
"#;

/// The first characters of what Secrets hold, decoded and not: values that are
/// cut would be found too.
fn beginnings(secrets: &[shared::Stored]) -> Vec<String> {
    use base64::Engine as _;
    let data = secrets
        .iter()
        .filter_map(|stored| stored.json["data"].as_object());
    let values = data
        .flat_map(|data| data.values())
        .filter_map(Value::as_str);
    let mut texts = Vec::new();
    for value in values {
        let decoded = base64::engine::general_purpose::STANDARD.decode(value);
        texts.push(value.to_owned());
        texts.extend(decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok()));
    }
    let start = |text: &String| text.chars().take(8).collect::<String>();
    let mut starts: Vec<String> = texts.iter().map(start).collect();
    starts.retain(|text| text.len() >= 8);
    starts.sort();
    starts.dedup();
    starts
}

/// A Secret that says something of its own wherever one can.
fn talkative() -> shared::Stored {
    let json = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "talkative", "namespace": "unique", "labels": {"user": "x"},
            "annotations": {
                "note": "hushhush in an annotation",
                "kubectl.kubernetes.io/last-applied-configuration": "hushhush as it was applied",
            },
            "managedFields": [{"manager": "hushhush of a manager"}],
        },
        "data": {"user": "aHVzaGh1c2gx", "password": "aHVzaGh1c2gy"},
        "stringData": {"more": "hushhush in plain text"},
    });
    shared::Stored {
        key: "/registry/secrets/unique/talkative".to_owned(),
        value: json.to_string().into_bytes(),
        lease: 0,
        json,
    }
}

#[test]
fn no_explanation_holds_what_secrets_hold() {
    let Some(corpus) = shared::corpus("explained") else {
        return;
    };
    let encryption = shared::corpus_encryption("explained").expect("beside the corpus");
    let keyring = Keyring::parse("encryption.yaml", &encryption).expect("a keyring");
    let source = SourceText::new("rules.yaml", READING_SECRETS);
    let judge = judge_with(&source, keyring);
    let mut secrets = corpus;
    secrets.retain(|stored| stored.json["kind"] == "Secret");
    secrets.push(talkative());
    let starts = beginnings(&secrets);
    assert!(secrets.len() > 5 && starts.len() > 5, "{starts:?}");
    let (mut traced, mut shown_anyway) = (0, 0);
    for stored in &secrets {
        for show in [false, true] {
            let report = report_of(
                &judge,
                &stored.key,
                &stored.value,
                &Namespaces::default(),
                0,
                show,
            );
            let Some(Ok(rules)) = &report.rules else {
                panic!("{}", stored.key);
            };
            traced += rules.len();
            let mut all = report.json(&source).to_string();
            for (width, all_rules) in [(80, false), (80, true), (200, true)] {
                let look = Look {
                    width,
                    all: all_rules,
                };
                all.push_str(&report.human(&source, look));
            }
            let told: Vec<_> = starts
                .iter()
                .filter(|start| all.contains(start.as_str()))
                .collect();
            match show {
                true => shown_anyway += told.len(),
                false => assert!(told.is_empty(), "{}: {told:?}\n{all}", stored.key),
            }
        }
    }
    // The search finds what is there to be found.
    assert!(traced > 60 && shown_anyway > 5, "{traced}, {shown_anyway}");
}

/// The example of the README is what is printed.
#[test]
fn the_readme_shows_what_is_shown() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let case = Case::read(&top.join("tests/cases/explained/readme.yaml"));
    let look = Look {
        width: 80,
        all: false,
    };
    let shown = case.report(false).human(&case.source, look);
    let readme = fs::read_to_string(top.join("README.md")).expect("README.md");
    let example = format!("```text\n{shown}```\n");
    assert!(
        readme.contains(&example),
        "README.md has no such example:\n{example}"
    );
}
