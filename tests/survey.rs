//! `rules::survey` against brute force: judges of single rules, which decide
//! key by key.

use std::collections::BTreeMap;

use carry::diagnostic::SourceText;
use carry::k8s::Keyring;
use carry::rules::decide::{Decision, Event, Judge, Scratch, SkipReason};
use carry::rules::namespaces::Namespaces;
use carry::rules::policy::{Kept, Policies, Policy, Volumes};
use carry::rules::survey::{Change, Changes, Comparison, Stored, Survey, Surveyed, Tally};
use carry::rules::{Check, OnError, Phase, Plan, Rule, RuleSet, check, load};
use proptest::prelude::*;
use serde_json::json;

use crate::shared;

/// One key of the data.
struct Item {
    key: String,
    value: Vec<u8>,
    leased: bool,
}

impl Item {
    fn stored(&self) -> Stored<'_> {
        Stored {
            key: self.key.as_bytes(),
            value: &self.value,
            leased: self.leased,
        }
    }

    fn bytes(&self) -> u64 {
        (self.key.len() + self.value.len()) as u64
    }
}

fn rules_of(text: &str) -> RuleSet {
    let loaded = load(&SourceText::new("rules.yaml", text));
    loaded
        .rule_set
        .unwrap_or_else(|| panic!("{:?}\n{text}", loaded.diagnostics))
}

fn judge(rules: &RuleSet, keyring: &Keyring) -> Judge {
    let plan = Plan::compile(rules, "/registry").0.expect("a plan");
    Judge::new(plan, keyring.clone())
}

fn namespaces(judge: &Judge, items: &[Item]) -> Namespaces {
    let mut namespaces = Namespaces::default();
    for item in items.iter().filter(|_| judge.reads_namespaces()) {
        if let Some(name) = judge.namespace_of_key(item.key.as_bytes()) {
            namespaces.set(name, judge.namespace_view(item.key.as_bytes(), &item.value));
        }
    }
    namespaces
}

/// What is decided of every key.
fn decide(rules: &RuleSet, keyring: &Keyring, items: &[Item]) -> Vec<Decision> {
    let judge = judge(rules, keyring);
    let (namespaces, mut scratch) = (namespaces(&judge, items), Scratch::default());
    let decide = |item: &Item| {
        let event = Event {
            key: item.key.as_bytes(),
            value: Some(&item.value),
            leased: item.leased,
            owned: false,
        };
        judge.decide(&event, &namespaces, &mut scratch)
    };
    items.iter().map(decide).collect()
}

fn survey(rules: &RuleSet, keyring: &Keyring, items: &[Item]) -> Surveyed {
    let judge = judge(rules, keyring);
    let namespaces = namespaces(&judge, items);
    let mut survey = Survey::new(&judge);
    for item in items {
        survey.add(&item.stored(), &namespaces);
    }
    survey.finish()
}

fn alone(rule: Rule) -> RuleSet {
    let mut rules = RuleSet::default();
    match rule.phase {
        Phase::Sequential => rules.sequential.push(rule),
        Phase::Secondary => rules.secondary.push(rule),
    }
    rules
}

fn is_put(decision: &Decision) -> bool {
    matches!(decision, Decision::Put { .. })
}

fn tally<'i>(items: impl Iterator<Item = &'i Item>) -> Tally {
    items.fold(Tally::default(), |own, item| Tally {
        keys: own.keys + 1,
        bytes: own.bytes + item.bytes(),
    })
}

/// Compares every figure with brute force; how many keys are written and how
/// many are excluded.
fn compare(rules: &RuleSet, keyring: &Keyring, items: &[Item]) -> (u64, u64) {
    for rule in rules.rules() {
        compare_policies(&alone(rule.clone()), keyring, items);
    }
    // What an exclude takes away may be kept out besides.
    let rules = &without_policies(rules);
    let mut excluded = 0;
    compare_conditions(rules, keyring, items, &mut excluded)
}

fn without_policies(rules: &RuleSet) -> RuleSet {
    let mut rules = rules.clone();
    for rule in rules.sequential.iter_mut().chain(&mut rules.secondary) {
        rule.policies = Policies {
            system_objects: Kept::Mirror,
            controlled_objects: Kept::Mirror,
            persistent_volumes: Volumes::Retain,
            ..Policies::default()
        };
    }
    rules
}

/// What policies take away of one rule.
fn compare_policies(rules: &RuleSet, keyring: &Keyring, items: &[Item]) {
    let surveyed = survey(rules, keyring, items);
    let decided = decide(rules, keyring, items);
    let mut all = BTreeMap::new();
    for policy in Policy::ALL {
        let by_it = Decision::Skip(SkipReason::KeptOut(policy));
        let kept = items.iter().zip(&decided).filter(|(_, own)| **own == by_it);
        let kept = tally(kept.map(|(item, _)| item));
        all.extend((kept.keys > 0).then_some((policy, kept)));
    }
    assert_eq!(surveyed.rules[0].kept_out, all);
    assert_eq!(surveyed.kept_out, all);
    let written = items.iter().zip(&decided).filter(|(_, own)| is_put(own));
    let written = tally(written.map(|(item, _)| item));
    assert_eq!(surveyed.rules[0].selects, written);
    assert_eq!(surveyed.written, written);
}

fn compare_conditions(
    rules: &RuleSet,
    keyring: &Keyring,
    items: &[Item],
    excluded: &mut u64,
) -> (u64, u64) {
    let surveyed = survey(rules, keyring, items);
    let decided = decide(rules, keyring, items);
    for (at, (rule, counts)) in rules.rules().zip(&surveyed.rules).enumerate() {
        let by_it = |own: &Decision| matches!(own, Decision::Put { rule } if rule.0 as usize == at);
        let written = items.iter().zip(&decided).filter(|(_, own)| by_it(own));
        assert_eq!(
            counts.writes,
            tally(written.map(|(item, _)| item)),
            "{}",
            rule.name.value
        );
        let own = decide(&alone(rule.clone()), keyring, items);
        let selected = items.iter().zip(&own).filter(|(_, own)| is_put(own));
        assert_eq!(
            counts.selects,
            tally(selected.map(|(item, _)| item)),
            "{}",
            rule.name.value
        );
        let with = |excludes| {
            let excludes = Rule {
                excludes,
                // Else what cannot be evaluated looks like what is excluded.
                on_error: OnError::Hold,
                ..rule.clone()
            };
            decide(&alone(excludes), keyring, items)
        };
        let whole = with(rule.excludes.clone());
        let bare = with(Vec::new());
        for (exclude, counted) in rule.excludes.iter().zip(&counts.excludes) {
            let left = with(vec![exclude.clone()]);
            let taken = (0..items.len()).filter(|&at| {
                // Where the whole rule cannot be evaluated nothing is said of
                // its excludes.
                is_put(&bare[at])
                    && matches!(left[at], Decision::Skip(_))
                    && matches!(whole[at], Decision::Skip(_))
            });
            let taken = tally(taken.map(|at| &items[at]));
            assert_eq!(*counted, taken, "{}", rule.name.value);
            *excluded += taken.keys;
        }
    }
    let held = decided
        .iter()
        .filter(|own| matches!(own, Decision::Hold { .. }));
    assert_eq!(surveyed.held_keys(), held.count() as u64);
    let written = items.iter().zip(&decided).filter(|(_, own)| is_put(own));
    assert_eq!(surveyed.written, tally(written.map(|(item, _)| item)));
    assert_eq!(
        surveyed.read.keys,
        surveyed.written.keys + surveyed.held_keys() + surveyed.unselected.keys
    );
    assert_eq!(surveyed.all_kept_out(), Tally::default());
    (surveyed.written.keys, *excluded)
}

/// All of a real cluster, by rules of every sort.
#[test]
fn counts_are_those_of_brute_force_over_a_real_cluster() {
    let (Some(corpus), Some(config)) = (
        shared::corpus("survey"),
        shared::corpus_encryption("survey"),
    ) else {
        return;
    };
    let keyring = Keyring::parse("encryption.yaml", &config).expect("a configuration");
    let items = corpus.into_iter().map(|own| Item {
        key: own.key,
        value: own.value,
        leased: own.lease != 0,
    });
    let items: Vec<Item> = items.collect();
    let rules = rules_of(
        r#"filters:
  sequential:
    - {name: namespaces, group: "", resources: [{version: v1, kind: Namespace}]}
  secondary:
    - name: config
      group: ""
      resources: [{kind: ConfigMap}, {kind: Secret}]
      excludes:
        - name: kube-root-ca.crt
        - namespace: kube-system
        - resource: {kind: Secret}
          when: "object.type != 'Opaque'"
    - name: all
      group: "**"
      excludes:
        - {resource: {group: coordination.k8s.io, kind: Lease}}
        - when: "!(object.metadata.name == 'default')"
    - name: leases
      group: coordination.k8s.io
      leases: mirror
"#,
    );
    let (written, excluded) = compare(&rules, &keyring, &items);
    assert!(written > 10 && excluded > 10, "{written} {excluded}");
    let surveyed = survey(&rules, &keyring, &items);
    let other = surveyed.written.keys + surveyed.held_keys() + surveyed.unselected.keys;
    let kept_out = surveyed.all_kept_out().keys;
    assert_eq!(surveyed.read.keys, other + kept_out);
    assert!(kept_out > 10, "{:?}", surveyed.kept_out);
    let versions: u64 = surveyed.versions.iter().map(|own| own.keys).sum();
    assert!(versions > 100, "{:?}", surveyed.versions);
}

/// A cluster in which every part of the rules below makes a difference.
fn cluster() -> Vec<Item> {
    let mut items = Vec::new();
    let mut add = |key: String, value: serde_json::Value, leased| {
        items.push(Item {
            key,
            value: value.to_string().into_bytes(),
            leased,
        });
    };
    for (name, env) in [("red", "prod"), ("blue", "test")] {
        let metadata = json!({"name": name, "labels": {"env": env}});
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
        add(format!("/registry/namespaces/{name}"), namespace, false);
        for number in 0..6 {
            let name_of_object = format!("o{number}");
            let mut labels = json!({"app": format!("a{}", number % 3)});
            if number < 2 {
                labels["tier"] = json!(if number == 0 { "front" } else { "back" });
            }
            let metadata = json!({"name": name_of_object, "namespace": name,
                "labels": labels});
            for (plural, kind) in [("configmaps", "ConfigMap"), ("secrets", "Secret")] {
                let object = json!({"apiVersion": "v1", "kind": kind, "metadata": metadata});
                let key = format!("/registry/{plural}/{name}/{name_of_object}");
                add(key, object, number == 5);
            }
            let size = if number == 4 {
                json!("four")
            } else {
                json!(number)
            };
            let site = json!({"apiVersion": "example.com/v1", "kind": "Site",
                "metadata": metadata, "spec": {"size": size}});
            add(
                format!("/registry/example.com/sites/{name}/{name_of_object}"),
                site,
                false,
            );
        }
    }
    for number in 0..4 {
        add(
            format!("/settings/{number}"),
            json!({"enabled": number % 2 == 0, "number": number}),
            number == 3,
        );
    }
    items
}

/// The lines of one rule, from parts.
fn rule() -> impl Strategy<Value = String> {
    let kinds = prop::sample::select(vec![
        "group: \"\"\n      resources: [{kind: ConfigMap}]",
        "group: \"\"\n      resources: [{kind: ConfigMap}, {kind: Secret}]",
        "group: \"\"",
        "group: example.com\n      when: object.spec.size > 2",
        "group: \"*\"\n      when: \"!(object.metadata.name == 'o1')\"",
        "keys: [\"/settings/*\"]\n      when: value.enabled",
    ]);
    let places = prop::sample::select(vec![
        "",
        "      namespaces: [red]\n",
        "      namespaceSelectors: [{matchLabels: {env: prod}}]\n",
        "      labelSelectors: [{matchLabels: {app: a1}}, {matchLabels: {app: a2}}]\n",
        "      onError: skip\n",
        "      leases: mirror\n",
    ]);
    let excludes = prop::collection::vec(
        prop::sample::select(vec![
            "{name: o2}",
            "{namespace: blue}",
            "{labelSelectors: [{matchLabels: {app: a0}}]}",
            "{when: \"!(object.metadata.name == 'o3')\"}",
            "{resource: {group: \"\", kind: Secret}}",
            "{when: object.metadata.labels.tier == 'front'}",
        ]),
        0..3,
    );
    (kinds, places, excludes, 0..4_u8).prop_map(|(kind, place, excludes, name)| {
        let plain = kind.starts_with("keys");
        let place = if plain && !place.contains("onError") && !place.contains("leases") {
            ""
        } else {
            place
        };
        let excludes = match excludes.is_empty() || plain {
            true => String::new(),
            false => format!("      excludes: [{}]\n", excludes.join(", ")),
        };
        format!("      {kind}\n{place}{excludes}\u{0}{name}")
    })
}

/// A file of rules, whose names may be those of other files' rules.
fn rules() -> impl Strategy<Value = String> {
    prop::collection::vec(rule(), 1..5).prop_map(|rules| {
        let mut text = "filters:\n  secondary:\n".to_owned();
        for (number, rule) in rules.iter().enumerate() {
            let (lines, name) = rule.split_once('\u{0}').expect("a name");
            text.push_str(&format!("    - name: r{number}-{name}\n{lines}"));
        }
        text
    })
}

/// Rules alike so many that they are indexed.
fn many(text: &str) -> String {
    let mut text = text.to_owned();
    for number in 0..20 {
        text.push_str(&format!(
            "    - name: many-{number}\n      group: \"\"\n      labelSelectors: [{{matchLabels: {{app: a{number}}}}}]\n      excludes: [{{when: \"!(object.metadata.name == 'o{number}')\"}}]\n"
        ));
    }
    text
}

fn changes(now: &RuleSet, before: &RuleSet, items: &[Item]) -> Changes {
    let keyring = Keyring::default();
    let (now, before) = (judge(now, &keyring), judge(before, &keyring));
    let of_now = namespaces(&now, items);
    let of_before = namespaces(&before, items);
    let mut comparison = Comparison::new(&now, &before);
    for item in items {
        comparison.add(&item.stored(), &of_now, &of_before);
    }
    comparison.finish()
}

fn sum(change: &Change) -> Tally {
    change
        .groups
        .iter()
        .fold(Tally::default(), |own, group| Tally {
            keys: own.keys + group.tally.keys,
            bytes: own.bytes + group.tally.bytes,
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn counts_are_those_of_brute_force(text in rules(), indexed in any::<bool>()) {
        let text = if indexed { many(&text) } else { text };
        compare(&rules_of(&text), &Keyring::default(), &cluster());
    }

    #[test]
    fn what_is_gained_is_lost_the_other_way_round(one in rules(), other in rules()) {
        let items = cluster();
        let (one, other) = (rules_of(&one), rules_of(&other));
        let (there, back) = (changes(&one, &other, &items), changes(&other, &one, &items));
        prop_assert_eq!(&there.gained, &back.lost);
        prop_assert_eq!(&there.lost, &back.gained);
        prop_assert_eq!(there.moved.total, back.moved.total);
        prop_assert_eq!(there.kept, back.kept);
        for change in [&there.gained, &there.lost, &there.moved] {
            prop_assert_eq!(change.total, sum(change));
        }
        let keyring = Keyring::default();
        let both = decide(&one, &keyring, &items).into_iter().zip(decide(&other, &keyring, &items));
        let (mut gained, mut lost) = (0, 0);
        for (now, before) in both {
            gained += u64::from(is_put(&now) && !is_put(&before));
            lost += u64::from(!is_put(&now) && is_put(&before));
        }
        prop_assert_eq!((there.gained.total.keys, there.lost.total.keys), (gained, lost));
        let same = changes(&one, &one, &items);
        prop_assert_eq!(same.gained.total.keys + same.lost.total.keys + same.moved.total.keys, 0);
    }
}

/// Of what cannot be read it is said which rules may select it, as far as its
/// key and its lease tell.
#[test]
fn what_cannot_be_read_may_be_selected() {
    let rules = rules_of(
        r#"filters:
  secondary:
    - {name: secrets, group: "", resources: [{kind: Secret}]}
    - name: of-lab
      group: ""
      resources: [{kind: Secret}]
      namespace: lab
    - name: by-name
      group: ""
      resources: [{kind: Secret}]
      fieldSelectors:
        - matchExpressions: [{key: metadata.name, operator: In, values: [b]}]
    - {name: skips, group: "", resources: [{kind: Secret}], onError: skip}
    - {name: leased, group: "", resources: [{kind: Secret}], leases: mirror}
    - {name: maps, group: "", resources: [{kind: ConfigMap}], onError: skip}
"#,
    );
    let judge = judge(&rules, &Keyring::identity());
    let mut survey = Survey::new(&judge);
    for (key, leased) in [
        ("/registry/secrets/shop/a", false),
        ("/registry/secrets/shop/b", false),
        ("/registry/secrets/lab/c", true),
        ("/registry/configmaps/shop/d", false),
    ] {
        let stored = Stored {
            key: key.as_bytes(),
            value: b"k8s:enc:aescbc:v1:key1:0123456789abcdef",
            leased,
        };
        survey.add(&stored, &Namespaces::default());
    }
    let surveyed = survey.finish();
    let counted = surveyed.rules.iter();
    let counted: Vec<_> = counted
        .map(|own| (own.name.as_str(), own.may_select))
        .collect();
    assert_eq!(
        counted,
        [
            ("secrets", 2),
            ("of-lab", 0),
            ("by-name", 1),
            ("skips", 2),
            ("leased", 3),
            ("maps", 0)
        ]
    );
    // What its only rule would rather skip is not held.
    assert_eq!(surveyed.held_keys(), 3);
    assert_eq!(
        surveyed.held[0].reason,
        "the value is encrypted (aescbc, key `key1`), and no encryption configuration was given"
    );
    let found = surveyed.findings(&rules);
    let of = |name: &str| {
        let mut own = found.iter();
        own.find(|own| own.message.contains(&format!("`{name}`")))
            .map(|own| own.message.as_str())
    };
    assert_eq!(
        of("secrets"),
        Some(
            "`secrets` selects nothing of the data that can be read: 2 keys that it may select are held"
        )
    );
    assert_eq!(of("maps"), Some("`maps` selects nothing of the data"));
}

/// Codes of data obey comments, which are not blamed where nobody looked.
#[test]
fn comments_hold_for_what_data_shows() {
    let text = r#"filters:
  secondary:
    # carry: allow N003 to come
    - {name: none, group: apps, resources: [{kind: Deployment}]}
    - name: some
      group: ""
      resources: [{version: v1, kind: ConfigMap}]
      excludes:
        - name: nobody  # carry: warn N004
    - name: old
      group: example.com
      resources: [{group: example.com, version: v1beta1, kind: Site}]
    # carry: allow N003 found all the same
    - {name: sites, group: example.com}
"#;
    let how = Check {
        prefix: "/registry".to_owned(),
        ..Check::default()
    };
    let mut checked = check(load(&SourceText::new("rules.yaml", text)), &how);
    assert_eq!(checked.diagnostics, [], "nobody looked");
    let rules = checked.rule_set.clone().expect("rules");
    let found = survey(&rules, &Keyring::default(), &cluster()).findings(&rules);
    checked.add(found, &how.levels);
    let shown: Vec<String> = checked
        .diagnostics
        .iter()
        .map(|own| format!("{}[{}] {}", own.level.name(), own.code, own.message))
        .collect();
    assert_eq!(
        shown,
        [
            "warning[N004] this exclude takes nothing of the data away: of 10 keys that `some` would select without excludes, none is like this",
            "note[N003] `old` selects nothing of the data",
            "warning[W053] the data has no Site in `v1beta1`, but in `v1` (12 keys)",
            "note[N090] nothing is found here that `allow N003` is for",
        ]
    );
}
