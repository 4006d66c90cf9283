//! `when:` and `keys:` in rules files: what is selected, held and listed, by
//! VM and oracle alike, and that large files decide as small ones do.

use carry::diagnostic::{SourceText, Style, render};
use carry::k8s::Keyring;
use carry::lang::inspect::Found;
use carry::rules::decide::{Decision, DeleteReason, Event, Judge, Scratch, Selection, SkipReason};
use carry::rules::namespaces::Namespaces;
use carry::rules::trace::{Condition, Truth};
use carry::rules::{self, Plan, RuleId};
use serde_json::{Value, json};

use crate::shared;

fn judge(rules: &str) -> Judge {
    let source = SourceText::new("rules.yaml", rules);
    let loaded = rules::load(&source);
    let shown = render(&source, &loaded.diagnostics, Style::default());
    let rules = loaded.rule_set.unwrap_or_else(|| panic!("{shown}"));
    let (plan, found) = Plan::compile(&rules, "/registry");
    let plan = plan.unwrap_or_else(|| panic!("{found:?}"));
    Judge::new(plan, Keyring::default())
}

/// A secondary rule over custom resources of a group.
fn over_sites(rest: &str) -> Judge {
    judge(&format!(
        "filters:\n  secondary:\n    - name: sites\n      group: example.com\n{rest}"
    ))
}

fn site(name: &str, spec: &Value) -> (String, Vec<u8>) {
    let object = json!({
        "apiVersion": "example.com/v1",
        "kind": "Site",
        "metadata": {"name": name, "namespace": "red", "labels": {"app": "web"}},
        "spec": spec,
    });
    (
        format!("/registry/example.com/sites/red/{name}"),
        object.to_string().into_bytes(),
    )
}

fn namespace(labels: &Value, annotations: &Value) -> Vec<u8> {
    let object = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "red", "labels": labels, "annotations": annotations},
    });
    object.to_string().into_bytes()
}

const NAMESPACE_KEY: &[u8] = b"/registry/namespaces/red";

fn decide(judge: &Judge, namespaces: &Namespaces, key: &str, value: &[u8]) -> Decision {
    let event = Event {
        key: key.as_bytes(),
        value: Some(value),
        leased: false,
        owned: true,
    };
    let decision = judge.decide(&event, namespaces, &mut Scratch::default());
    // What explain shows is what was decided.
    let traced = judge
        .trace(key.as_bytes(), value, namespaces, false)
        .unwrap_or_default();
    let selecting = traced.iter().find(|rule| {
        let condition = rule.condition.as_ref();
        condition.is_some_and(|own| own.truth == Truth::Holds)
    });
    match decision {
        Decision::Put { rule } => assert_eq!(selecting.map(|own| own.rule), Some(rule)),
        _ => assert!(selecting.is_none(), "{decision:?}"),
    }
    for condition in traced.iter().filter_map(|rule| rule.condition.as_ref()) {
        assert_traced(condition);
    }
    decision
}

/// What is shown of the whole of a condition in CEL is how it came out.
fn assert_traced(condition: &Condition) {
    if let Some(expression) = &condition.expression {
        let mut parts = expression.parts.iter().map(|own| &own.part);
        let whole = parts.find(|part| part.whole).map(|part| &part.found);
        let shown = match whole {
            Some(Found::Truth(true, _)) => Truth::Holds,
            Some(Found::Truth(false, _)) => Truth::Fails,
            Some(Found::Fault(..)) => Truth::Faults,
            // A condition of constants has no parts.
            None => condition.truth,
            other => panic!("{}: {other:?}", expression.text),
        };
        assert_eq!(shown, condition.truth, "{}", expression.text);
    }
    condition.parts.iter().for_each(assert_traced);
}

fn selects(judge: &Judge, key: &str, value: &[u8]) -> bool {
    match decide(judge, &Namespaces::default(), key, value) {
        Decision::Put { .. } => true,
        Decision::Delete(DeleteReason::Unselected) => false,
        other => panic!("{key}: {other:?}"),
    }
}

#[test]
fn conditions_select() {
    let judge = over_sites(concat!(
        "      when: >-\n",
        "        object.spec.size > 3 &&\n",
        "        object.metadata.labels.app in ['web', 'api'] &&\n",
        "        object.spec.hosts.exists(h, h.endsWith('.example.com'))\n",
    ));
    for (spec, expected) in [
        (json!({"size": 4, "hosts": ["a.example.com"]}), true),
        (json!({"size": 4.5, "hosts": ["b", "a.example.com"]}), true),
        (json!({"size": 3, "hosts": ["a.example.com"]}), false),
        (json!({"size": 4, "hosts": ["a.example.org"]}), false),
        (json!({"size": 4, "hosts": []}), false),
        // What is false anyway needs no field.
        (json!({"size": 1}), false),
    ] {
        let (key, value) = site("a", &spec);
        assert_eq!(selects(&judge, &key, &value), expected, "{spec}");
    }
}

/// What warnings about absent fields tell to write selects what is there, and
/// never fails where something is not.
#[test]
fn advice_about_absent_fields_is_right() {
    let conditions = [
        r#"object.metadata.?labels.app.orValue("") == 'web'"#,
        r#"object.metadata.?labels["app"].orValue("") == 'web'"#,
        r#"object.metadata.?labels.`app`.orValue("") == 'web'"#,
        r#"object.metadata.?labels.?app.orValue("") == 'web'"#,
        r#"object.metadata.?labels[?"app"].orValue("") == 'web'"#,
        "has(object.metadata.labels) && has(object.metadata.labels.app) && object.metadata.labels.app == 'web'",
        r#"has(object.metadata.labels) && "app" in object.metadata.labels && object.metadata.labels.app == 'web'"#,
        r#"object.metadata.?labels.?app.hasValue() && object.metadata.?labels.?app.value() == 'web'"#,
        r#"cel.bind(l, object.metadata.?labels, l.app.orValue("") == 'web')"#,
    ];
    let labels = [
        (json!({}), false),
        (json!({"labels": {}}), false),
        (json!({"labels": {"tier": "web"}}), false),
        (json!({"labels": {"app": "api"}}), false),
        (json!({"labels": {"app": "web"}}), true),
    ];
    for condition in conditions {
        for (group, resource, kind) in [
            ("apps", "deployments", "Deployment"),
            ("example.com", "sites", "Site"),
        ] {
            let judge = judge(&format!(
                "filters:\n  secondary:\n    - group: {group}\n      when: |\n        {condition}\n"
            ));
            let custom = kind == "Site";
            let key = match custom {
                true => "/registry/example.com/sites/red/a".to_owned(),
                false => format!("/registry/{resource}/red/a"),
            };
            for (metadata, expected) in &labels {
                let mut object = json!({
                    "apiVersion": format!("{group}/v1"), "kind": kind, "metadata": metadata, "spec": {},
                });
                object["metadata"]["name"] = json!("a");
                object["metadata"]["namespace"] = json!("red");
                let selected = selects(&judge, &key, object.to_string().as_bytes());
                assert_eq!(selected, *expected, "{condition}: {object}");
            }
        }
    }
}

#[test]
fn cluster_scoped_objects_have_no_namespace() {
    let judge = judge(
        "filters:\n  secondary:\n    - group: ''\n      resources: [{version: v1, kind: Namespace}]\n      when: namespaceObject == null\n",
    );
    let red = namespace(&json!({}), &json!({}));
    assert!(selects(&judge, "/registry/namespaces/red", &red));
}

#[test]
fn excludes_take_conditions() {
    let judge = over_sites(concat!(
        "      excludes:\n",
        "        - when: object.metadata.name.startsWith('tmp-')\n",
        "        - labelSelectors: [{matchLabels: {app: web}}]\n",
        "          when: object.spec.?private.orValue(false)\n",
    ));
    let selected = |name: &str, spec: Value| {
        let (key, value) = site(name, &spec);
        selects(&judge, &key, &value)
    };
    assert!(selected("a", json!({})));
    assert!(!selected("tmp-a", json!({})));
    assert!(!selected("a", json!({"private": true})));
    assert!(selected("a", json!({"private": false})));
}

#[test]
fn what_cannot_be_evaluated_is_held_or_skipped() {
    let (key, value) = site("a", &json!({}));
    let held = over_sites("      when: object.spec.size > 3\n");
    match decide(&held, &Namespaces::default(), &key, &value) {
        Decision::Hold {
            rule: Some(RuleId(0)),
            reason,
            transient: false,
        } => assert_eq!(reason, "it reads a field or key that is not there"),
        other => panic!("{other:?}"),
    }
    let skipped = over_sites("      onError: skip\n      when: object.spec.size > 3\n");
    assert!(!selects(&skipped, &key, &value));
    // Another rule may select what one cannot judge.
    let both = over_sites(concat!(
        "      when: object.spec.size > 3\n",
        "    - name: all\n",
        "      group: example.com\n",
    ));
    let decision = decide(&both, &Namespaces::default(), &key, &value);
    assert_eq!(decision, Decision::Put { rule: RuleId(1) });
}

#[test]
fn conditions_see_the_namespace() {
    let judge = over_sites(concat!(
        "      when: >-\n",
        "        has(namespaceObject.metadata.annotations) &&\n",
        "        'mirror' in namespaceObject.metadata.annotations &&\n",
        "        namespaceObject.metadata.?labels.?team.orValue('') == 'red'\n",
    ));
    let (key, value) = site("a", &json!({}));
    let view = |labels: Value, annotations: Value| {
        judge.namespace_view(NAMESPACE_KEY, &namespace(&labels, &annotations))
    };
    let with = |view| {
        let mut namespaces = Namespaces::default();
        namespaces.set("red", view);
        matches!(
            decide(&judge, &namespaces, &key, &value),
            Decision::Put { .. }
        )
    };
    let (on, other_team) = (
        view(json!({"team": "red"}), json!({"mirror": ""})),
        view(json!({"team": "blue"}), json!({"mirror": ""})),
    );
    assert!(with(on.clone()));
    assert!(!with(other_team.clone()));
    assert!(!with(view(json!({"team": "red"}), json!({"other": ""}))));
    // A change of what it reads has the Namespace's keys judged again.
    let flipped = judge.flipped_by("red", &on, &other_team);
    assert!(flipped.iter().any(|range| range.contains(key.as_bytes())));
    let unread = view(json!({"team": "red", "x": "y"}), json!({"mirror": ""}));
    assert_eq!(judge.flipped_by("red", &on, &unread), []);
}

#[test]
fn keys_outside_of_kubernetes_are_selected() {
    let judge = judge(concat!(
        "filters:\n",
        "  sequential:\n",
        "    - name: flags\n",
        "      keys: [/flags/*]\n",
        "      when: string(value).startsWith('on')\n",
        "  secondary:\n",
        "    - name: settings\n",
        "      keys: [/settings/**, '/exact']\n",
        "      when: key == '/exact' || value.enabled == true\n",
        "    - name: maps\n",
        "      group: ''\n",
        "      resources: [{group: '', version: v1, kind: ConfigMap}]\n",
    ));
    let selected = |key: &str, value: &str| selects(&judge, key, value.as_bytes());
    assert!(selected("/settings/a/b", r#"{"enabled": true}"#));
    assert!(!selected("/settings/a/b", r#"{"enabled": false}"#));
    assert!(selected("/settings/a", "enabled: true\nname: x\n"));
    assert!(selected("/exact", "anything"));
    assert!(selected("/flags/a", "on, since yesterday"));
    assert!(!selected("/flags/a", "off"));
    // `*` stops at slashes; nothing reaches to Kubernetes' keys or our own.
    for key in ["/flags/a/b", "/exact/b", "/elsewhere", "/carry/x/leader"] {
        let decision = decide(&judge, &Namespaces::default(), key, b"on");
        assert_eq!(
            decision,
            Decision::Delete(DeleteReason::Unselected),
            "{key}"
        );
    }
    let held = decide(&judge, &Namespaces::default(), "/settings/a", b"\xff\xfe");
    assert!(matches!(held, Decision::Hold { .. }), "{held:?}");
    for key in ["/settings/a/b", "/exact", "/flags/a"] {
        let within = |range: &carry::rules::decide::KeyRange| range.contains(key.as_bytes());
        assert!(judge.ranges().iter().any(within), "{key}");
    }
    assert!(
        !judge
            .ranges()
            .iter()
            .any(|range| range.contains(b"/carry/x"))
    );
}

#[test]
fn keys_that_are_named_are_all_that_is_looked_at() {
    let judge = judge(concat!(
        "filters:\n",
        "  secondary:\n",
        "    - keys: [/exact, '/glob/*']\n",
        "    - group: ''\n",
        "      namespaces: [a, b]\n",
        "      resources: [{group: '', version: v1, kind: ConfigMap}]\n",
        "      fieldSelectors:\n",
        "        - matchLabels: {metadata.name: one}\n",
        "        - matchExpressions: [{key: metadata.name, operator: In, values: [two, three]}]\n",
        "    - group: ''\n",
        "      resources: [{group: '', version: v1, kind: Namespace}]\n",
        "      fieldSelectors: [{matchLabels: {metadata.name: a}}]\n",
        // Any name may fit.
        "    - group: ''\n",
        "      namespace: c\n",
        "      resources: [{group: '', version: v1, kind: Secret}]\n",
        "      fieldSelectors:\n",
        "        - matchLabels: {metadata.name: one}\n",
        "        - matchLabels: {type: Opaque}\n",
    ));
    let looked_at = |key: &str| {
        let mut ranges = judge.ranges().iter();
        ranges.any(|range| range.contains(key.as_bytes()))
    };
    for key in [
        "/exact",
        "/glob/x",
        "/registry/configmaps/a/one",
        "/registry/configmaps/b/three",
        "/registry/namespaces/a",
        "/registry/secrets/c/any",
    ] {
        assert!(looked_at(key), "{key}");
    }
    for key in [
        "/exact/",
        "/exactly",
        "/glob",
        "/registry/configmaps/a/on",
        "/registry/configmaps/a/one-more",
        "/registry/configmaps/c/one",
        "/registry/namespaces/ab",
        "/registry/secrets/d/one",
    ] {
        assert!(!looked_at(key), "{key}");
    }
}

#[test]
fn a_glob_over_everything_leaves_kubernetes_alone() {
    let judge = judge("filters:\n  secondary:\n    - keys: ['**']\n");
    assert!(selects(&judge, "/anything/at/all", b"x"));
    assert!(selects(&judge, "registry", b"x"));
    let mut scratch = Scratch::default();
    for key in ["/registry/configmaps/a/b", "/carry/default/leader"] {
        let selection = judge.select(key.as_bytes(), b"x", &Namespaces::default(), &mut scratch);
        assert!(
            matches!(
                selection,
                Selection::Not(SkipReason::NoCandidate | SkipReason::Outside)
            ),
            "{key}: {selection:?}"
        );
        assert!(
            !judge
                .ranges()
                .iter()
                .any(|range| range.contains(key.as_bytes())),
            "{key}"
        );
    }
}

/// Rules of every kind that sets index or share: each decides alone as it does
/// among the others.
#[test]
fn large_files_decide_as_their_rules_do() {
    let Some(corpus) = shared::corpus("conditions") else {
        return;
    };
    let keys = shared::corpus_encryption("conditions").expect("beside the corpus");
    let rules: Vec<String> = (0..60)
        .map(|number| {
            let own = match number % 5 {
                0 => format!("      namespaces: [team-{number}, unique, kube-system]\n"),
                1 => format!("      labelSelectors: [{{matchLabels: {{app: app-{number}}}}}]\n"),
                2 => "      labelSelectors: [{matchExpressions: [{key: app, operator: Exists}]}]\n"
                    .to_owned(),
                3 => format!(
                    "      when: has(object.metadata.labels) && object.metadata.labels.size() > {} && object.metadata.name.matches('^[a-m]')\n",
                    number % 3
                ),
                _ => format!(
                    "      fieldSelectors: [{{matchLabels: {{metadata.name: name-{number}}}}}]\n      when: object.metadata.name.matches('^[a-m]')\n"
                ),
            };
            format!("    - name: r{number}\n      group: \"*\"\n{own}")
        })
        .collect();
    let file = |rules: &[String]| format!("filters:\n  secondary:\n{}", rules.concat());
    let with_keys = |judge: Judge| {
        let keyring = Keyring::parse("encryption.yaml", &keys).expect("keys");
        judge.set_keyrings(carry::rules::decide::Keyrings::alike(keyring));
        judge
    };
    let together = with_keys(judge(&file(&rules)));
    let alone: Vec<Judge> = rules
        .iter()
        .map(|rule| with_keys(judge(&file(std::slice::from_ref(rule)))))
        .collect();
    let (namespaces, mut scratch) = (Namespaces::default(), Scratch::default());
    let mut selected = 0;
    for stored in &corpus {
        let key = stored.key.as_bytes();
        let mut first = None;
        for (number, judge) in alone.iter().enumerate() {
            match judge.select(key, &stored.value, &namespaces, &mut scratch) {
                Selection::Selected(_) => {
                    first = Some(Some(number));
                    break;
                }
                Selection::Unknown { .. } => first = first.or(Some(None)),
                Selection::Not(_) => {}
            }
        }
        let found = together.select(key, &stored.value, &namespaces, &mut scratch);
        let found = match found {
            Selection::Selected(rule) => Some(Some(rule.0 as usize)),
            Selection::Unknown { .. } => Some(None),
            Selection::Not(_) => None,
        };
        selected += usize::from(matches!(found, Some(Some(_))));
        assert_eq!(found, first, "{}", stored.key);
    }
    assert!(selected > 20, "only {selected} were selected");
}

/// What a judge decides about a key that is attached to a lease, and what it
/// shows.
fn decide_leased(judge: &Judge, key: &str, value: &[u8], owned: bool) -> (Decision, String) {
    let event = Event {
        key: key.as_bytes(),
        value: Some(value),
        leased: true,
        owned,
    };
    let namespaces = Namespaces::default();
    let decision = judge.decide(&event, &namespaces, &mut Scratch::default());
    let traced = judge.trace(key.as_bytes(), value, &namespaces, false);
    let mut traced = traced.unwrap_or_default();
    judge.trace_lease(&mut traced);
    let mut shown = Vec::new();
    for rule in &traced {
        let Some(condition) = &rule.condition else {
            continue;
        };
        assert!(condition.parts[0].title.starts_with("leases: "));
        let holds = condition.truth == Truth::Holds;
        shown.push(format!(
            "{}: {holds}, {}",
            rule.name, condition.parts[0].title
        ));
    }
    (decision, shown.join("; "))
}

const LEASED: &str = "
filters:
  secondary:
    - name: all
      keys: [/a/**, /b/**]
    - name: locks
      keys: [/b/**, /c/**]
      when: \"key != '/c/no'\"
      leases: mirror
    - name: faulty
      keys: [/d/**]
      when: value.x
    - name: pods
      group: \"\"
      resources: [{version: v1, kind: Pod}]
    - name: maps
      group: \"\"
      resources: [{version: v1, kind: ConfigMap}]
      namespaces: [red]
      leases: mirror
";

#[test]
fn leased_keys_are_selected_by_rules_that_ask_for_them() {
    let judge = judge(LEASED);
    assert!(judge.mirrors_leases());
    let skipped = Decision::Skip(SkipReason::Leased);
    let by = |rule| Decision::Put {
        rule: carry::rules::RuleId(rule),
    };
    for (key, decision, shown) in [
        ("/a/1", &skipped, "all: false, leases: skip"),
        (
            "/b/1",
            &by(1),
            "all: false, leases: skip; locks: true, leases: mirror",
        ),
        ("/c/1", &by(1), "locks: true, leases: mirror"),
        ("/c/no", &skipped, "locks: false, leases: mirror"),
        // A rule that is not asked cannot hold.
        ("/d/1", &skipped, "faulty: false, leases: skip"),
    ] {
        let found = decide_leased(&judge, key, b"x", false);
        assert_eq!((&found.0, found.1.as_str()), (decision, shown), "{key}");
    }
    let none = Decision::Skip(SkipReason::NoCandidate);
    assert_eq!(decide_leased(&judge, "/e/1", b"x", false).0, none);
    // What is ours and gets a lease is no longer selected.
    let (decision, _) = decide_leased(&judge, "/a/1", b"x", true);
    assert_eq!(decision, Decision::Delete(DeleteReason::Unselected));
    // Without a lease each is the first rule's.
    let unleased = decide(&judge, &Namespaces::default(), "/b/1", b"x");
    assert_eq!(unleased, by(0));
}

#[test]
fn leased_objects_are_selected_by_rules_that_ask_for_them() {
    let judge = judge(LEASED);
    let object = |kind: &str, namespace: &str| {
        let metadata = json!({"name": "a", "namespace": namespace});
        let object = json!({"apiVersion": "v1", "kind": kind, "metadata": metadata});
        object.to_string().into_bytes()
    };
    let skipped = Decision::Skip(SkipReason::Leased);
    let by = |rule| Decision::Put {
        rule: carry::rules::RuleId(rule),
    };
    for (key, value, decision) in [
        (
            "/registry/configmaps/red/a",
            object("ConfigMap", "red"),
            &by(4),
        ),
        (
            "/registry/configmaps/blue/a",
            object("ConfigMap", "blue"),
            &skipped,
        ),
        ("/registry/pods/red/a", object("Pod", "red"), &skipped),
        // Nor does what no asked rule could read hold it.
        ("/registry/pods/red/a", b"{".to_vec(), &skipped),
    ] {
        assert_eq!(
            &decide_leased(&judge, key, &value, false).0,
            decision,
            "{key}"
        );
    }
    let (held, _) = decide_leased(&judge, "/registry/configmaps/red/a", b"{", false);
    assert!(matches!(held, Decision::Hold { .. }), "{held:?}");
    let local = decide_leased(&judge, "/registry/masterleases/1.2.3.4", b"x", false);
    assert_eq!(local.0, Decision::Skip(SkipReason::ClusterLocal));
}

#[test]
fn a_file_without_the_field_means_what_it_meant() {
    let judge_of = |leases: &str| {
        judge(&format!(
            "filters:\n  secondary:\n    - keys: [/a/*]\n{leases}"
        ))
    };
    let (without, skip) = (judge_of(""), judge_of("      leases: skip\n"));
    let mirror = judge_of("      leases: mirror\n");
    assert_eq!(without.digest(), skip.digest());
    assert_ne!(without.digest(), mirror.digest());
    assert!(!without.mirrors_leases() && !skip.mirrors_leases());
    let listing = mirror.plan().listing();
    assert!(
        listing.contains("keys attached to a lease\n  secondary[0]\n"),
        "{listing}"
    );
    assert!(!without.plan().listing().contains("lease"));
}
