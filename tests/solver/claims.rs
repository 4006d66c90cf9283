//! Each kind of claim, by small rules files.

use carry::diagnostic::{Level, SourceText, Style, render};
use carry::rules::claims::{Claim, Part, Why, claims};
use carry::rules::{Plan, RuleId, RuleSet, load};

/// The claims about a file, one a line.
fn claimed(filters: &str) -> Vec<String> {
    let text = format!("filters:\n{filters}");
    let source = SourceText::new("rules.yaml", text.clone());
    let loaded = load(&source);
    let failed = loaded
        .diagnostics
        .iter()
        .any(|own| own.level == Level::Error);
    let shown = render(&source, &loaded.diagnostics, Style::default());
    assert!(!failed, "{shown}");
    let rules = loaded.rule_set.expect("a file without errors");
    let (plan, found) = Plan::compile(&rules, "/registry");
    let plan = plan.unwrap_or_else(|| panic!("{found:?}"));
    let all = claims(&rules, &plan);
    all.iter()
        .map(|claim| shown_claim(claim, &rules, &text))
        .collect()
}

fn shown_claim(claim: &Claim, rules: &RuleSet, text: &str) -> String {
    let name = |id: &RuleId| {
        let rule = rules.rules().nth(id.0 as usize).expect("a rule");
        rule.name.value.clone()
    };
    let part = |part: &Part| {
        let written = &text[part.span.start as usize..part.span.end as usize];
        let line = written.lines().next().unwrap_or_default().trim();
        match written.len() > 40 {
            true => part.title.clone(),
            false => format!("{} `{line}`", part.title),
        }
    };
    let parts = |all: &[Part]| {
        all.iter()
            .map(|part| part.title.clone())
            .collect::<Vec<_>>()
            .join(" + ")
    };
    let said = match claim {
        Claim::Never { core, .. } => format!("never: {}", parts(core)),
        Claim::KeptOut { policies, .. } => {
            let names: Vec<&str> = policies.iter().map(|own| own.name()).collect();
            format!("kept out: {}", names.join(" + "))
        }
        Claim::AlwaysTrue { part: own, .. } => format!("always true: {}", part(own)),
        Claim::AlwaysFalse { part: own, .. } => format!("always false: {}", part(own)),
        Claim::Shadowed { by, identical, .. } => {
            let by: Vec<String> = by.iter().map(name).collect();
            let same = if *identical { " (identical)" } else { "" };
            format!("shadowed by {}{same}", by.join(", "))
        }
        Claim::ExcludesNothing {
            exclude, because, ..
        } => {
            let why = match because {
                Why::OtherKind => "another kind".to_owned(),
                Why::Contradicts(with) => format!("contradicts {}", parts(with)),
                Why::CoveredBy(other) => format!("covered by excludes[{other}]"),
            };
            format!("excludes[{exclude}] takes nothing: {why}")
        }
        Claim::ExcludesAll { exclude, .. } => format!("excludes[{exclude}] takes all"),
        Claim::Covered { part: own, by, .. } => {
            format!("{} is covered by {}", part(own), part(by))
        }
    };
    format!("{}: {said}", name(&claim.rule()))
}

/// The claims about secondary rules `a`, `b`, …, each given by its fields.
fn of(rules: &[&str]) -> Vec<String> {
    let mut text = String::from("  secondary:\n");
    for (name, fields) in ('a'..='z').zip(rules) {
        text.push_str(&format!("    - name: {name}\n"));
        for line in fields.lines() {
            text.push_str(&format!("      {line}\n"));
        }
    }
    claimed(&text)
}

/// The claims about one rule over custom resources with this condition.
fn when(condition: &str) -> Vec<String> {
    of(&[&format!("group: example.com\nwhen: >-\n  {condition}")])
}

/// Of what policies leave nothing; an earlier rule does not shadow what its own
/// policies keep out.
#[test]
fn policies() {
    let claims = "group: \"\"\nresources: [{kind: PersistentVolumeClaim}]\n";
    let retained = format!("{claims}policy: {{persistentVolumes: retain}}\n");
    let kept = ["a: kept out: persistentVolumes"];
    assert_eq!(of(&[claims]), kept);
    assert_eq!(of(&[&retained]), [""; 0]);
    assert_eq!(of(&[claims, &retained]), kept);
    assert_eq!(
        of(&[&retained, &retained]),
        ["b: shadowed by a (identical)"]
    );
    let services = "group: \"\"\nresources: [{kind: Service}]\n";
    assert_eq!(of(&[services]), [""; 0]);
    let skipped = format!("{services}policy: {{services: skip}}\n");
    assert_eq!(of(&[&skipped]), ["a: kept out: services"]);
    let headless = format!("{services}policy: {{services: headless-only}}\n");
    assert_eq!(of(&[&headless]), [""; 0]);
    let roots = "group: \"\"\nresources: [{kind: ConfigMap}]\nfieldSelectors: [{matchLabels: {metadata.name: kube-root-ca.crt}}]\n";
    assert_eq!(of(&[roots]), ["a: kept out: systemObjects"]);
    // An exclude is not blamed for what a policy does besides.
    let excluded =
        "group: \"\"\nresources: [{kind: ConfigMap}]\nexcludes: [{name: kube-root-ca.crt}]\n";
    assert_eq!(of(&[excluded]), [""; 0]);
    // One rule keeps out, unless it names them, what the other one does not.
    let all = "group: '*'\npolicy: {persistentVolumes: retain}\n";
    let open = "group: coordination.k8s.io\npolicy: {systemObjects: mirror}\n";
    assert_eq!(of(&[all, open]), [""; 0]);
    // To name a kind besides all others is to ask for it.
    let both = "group: coordination.k8s.io\nresources: [{kind: Lease}, {kind: '*'}]\n";
    assert_eq!(of(&[both]), [""; 0]);
    let leases = "group: coordination.k8s.io\n";
    let named = "group: coordination.k8s.io\nresources: [{kind: Lease}]\n";
    assert_eq!(of(&[leases, named]), [""; 0]);
}

#[test]
fn contradictions() {
    let labels = |expressions: &str| {
        of(&[&format!(
            "group: apps\nlabelSelectors: [{{matchExpressions: [{expressions}]}}]"
        )])
    };
    let never = ["a: never: labelSelectors[0] + labelSelectors[0]"];
    assert_eq!(
        labels("{key: x, operator: In, values: [a]}, {key: x, operator: In, values: [b]}"),
        never
    );
    assert_eq!(
        labels("{key: x, operator: In, values: [a]}, {key: x, operator: NotIn, values: [a, b]}"),
        never
    );
    assert_eq!(
        labels("{key: x, operator: Exists}, {key: x, operator: DoesNotExist}"),
        never
    );
    // What is not there is not in.
    assert_eq!(
        labels("{key: x, operator: DoesNotExist}, {key: x, operator: In, values: ['']}"),
        never
    );
    assert_eq!(
        labels("{key: x, operator: DoesNotExist}, {key: x, operator: NotIn, values: [a]}"),
        ["a: always true: labelSelectors[0] `{key: x, operator: NotIn, values: [a]}`"]
    );
    assert_eq!(
        labels("{key: x, operator: Exists}, {key: x, operator: NotIn, values: [a]}"),
        [""; 0]
    );
}

#[test]
fn conditions() {
    let mut wrong = Vec::new();
    for (condition, expected) in [
        (
            "object.spec.x > 3 && object.spec.x < 3",
            "never: when + when",
        ),
        ("object.spec.x > 3 && object.spec.x < 4", ""),
        (
            "object.spec.x == 3 && object.spec.x == 3.0",
            "always true: when",
        ),
        (
            "object.spec.x > 9007199254740992 && object.spec.x < 9007199254740993.0",
            "never: when + when",
        ),
        (
            "object.spec.x == 'a' && object.spec.x > 1",
            "never: when + when",
        ),
        (
            "object.spec.x.startsWith('ab') && object.spec.x.endsWith('ba')",
            "",
        ),
        (
            "object.spec.x.startsWith('ab') && object.spec.x.matches('^b')",
            "never: when + when",
        ),
        (
            "object.spec.x.startsWith('ab') && !object.spec.x.matches('b')",
            "never: when + when",
        ),
        (
            "object.spec.x.matches('^[a-c]+$') && object.spec.x.contains('d')",
            "never: when + when",
        ),
        (
            "object.spec.x.matches('ß+$') && object.spec.x.endsWith('ss')",
            "never: when + when",
        ),
        (
            "object.spec.x.matches('^.$') && size(object.spec.x) > 1",
            "never: when + when",
        ),
        ("object.spec.x == '' && object.spec.x.matches('^$')", ""),
        (
            "object.metadata.name == 'x' && object.metadata.name.matches('^x?$')",
            "always true: when",
        ),
        ("size(object.spec.x) < 0", "never: when"),
        (
            "has(object.spec.x) && !has(object.spec.x)",
            "never: when + when",
        ),
        (
            "!has(object.spec) && object.spec.x == 1",
            "never: when + when",
        ),
        ("!has(object.spec.x) || object.spec.x == 1", ""),
        ("has(object.spec.x) && object.spec.x == 1", ""),
        (
            "has(object.metadata.labels) && 'a' in object.metadata.labels && object.metadata.labels.a == 'b'",
            "",
        ),
        ("object.metadata.name == ''", "never: when"),
        (
            "object.kind == 'A' && object['kind'] == 'B'",
            "never: when + when",
        ),
        (
            "object.spec.items.exists(i, i == 1) && !object.spec.items.exists(i, i == 1)",
            "never: when + when",
        ),
        (
            "object.spec.a + object.spec.b == 3 && object.spec.a + object.spec.b != 3",
            "never: when + when",
        ),
        (
            "object.spec.a + object.spec.b == 3 && object.spec.b + object.spec.a != 3",
            "",
        ),
        ("object.spec.x ? object.spec.x : object.spec.y", ""),
        (
            "(object.spec.x ? object.spec.y : false) && !object.spec.x",
            "never: when + when",
        ),
        (
            "object.?spec.?x.orValue(3) == 3 && has(object.spec.x) && object.spec.x == 4",
            "never: when + when",
        ),
        (
            "object.?spec.?x.orValue(3) == 3 && !object.?spec.?x.hasValue()",
            "",
        ),
        (
            "object.spec.x == true && object.spec.x == 'true'",
            "never: when + when",
        ),
        (
            "object.spec.x < 'b' && object.spec.x > 'a' && object.spec.x != 'aa'",
            "",
        ),
        (
            "object.spec.x <= 'a' && object.spec.x >= 'a' && object.spec.x != 'a'",
            "never: when + when + when",
        ),
        (
            "object.metadata.name == 'a' || object.metadata.name == 'a' && object.spec.x",
            "",
        ),
        (
            "object.metadata.name == 'a' && (object.metadata.name == 'b' || object.spec.x)",
            "always false: when",
        ),
    ] {
        let found = when(condition);
        let shown: Vec<&str> = found
            .iter()
            .map(|own| {
                let own = own.strip_prefix("a: ").expect("the rule");
                own.split(" `").next().expect("its words")
            })
            .collect();
        if shown.join("; ") != expected {
            wrong.push(format!("{condition}\n  {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn kinds() {
    let none = [""; 0];
    // A Deployment's replicas are whole numbers; a custom resource's are what
    // they are.
    let between = "when: object.spec.replicas > 2.5 && object.spec.replicas < 3";
    let deployment = "group: apps\nresources: [{kind: Deployment}]\n";
    assert_eq!(
        of(&[&format!("{deployment}{between}")]),
        ["a: never: when + when"]
    );
    assert_eq!(of(&[&format!("group: example.com\n{between}")]), none);
    // Cluster-scoped kinds are in no namespace.
    let role = "group: rbac.authorization.k8s.io\nresources: [{kind: ClusterRole}]\n";
    assert_eq!(
        of(&[&format!("{role}namespaces: ['*']")]),
        ["a: never: namespaces"]
    );
    assert_eq!(
        of(&[&format!("{role}excludes: [{{namespace: kube-system}}]")]),
        ["a: excludes[0] takes nothing: contradicts "]
    );
    let mixed = "group: ''\nresources: [{kind: Namespace}, {kind: ConfigMap}]\nnamespace: x\n";
    assert_eq!(
        of(&[&format!(
            "{mixed}excludes: [{{resource: {{kind: ConfigMap}}}}]"
        )]),
        [
            "a: never: resources + namespace + excludes[0]",
            "a: excludes[0] takes all"
        ]
    );
    assert_eq!(
        of(&["group: apps\nresources: [{group: batch, kind: Job}]"]),
        ["a: never: group + resources"]
    );
}

#[test]
fn shadows() {
    let none = [""; 0];
    let pods = "group: ''\nresources: [{kind: Pod}]\n";
    let of_two =
        |earlier: &str, later: &str| of(&[&format!("{pods}{earlier}"), &format!("{pods}{later}")]);
    let shadowed = ["b: shadowed by a"];
    assert_eq!(of_two("", "namespace: x"), shadowed);
    assert_eq!(
        of_two("namespace: x", "namespace: x"),
        ["b: shadowed by a (identical)"]
    );
    assert_eq!(of_two("namespace: x", ""), none);
    assert_eq!(
        of_two("namespaces: ['team-*']", "namespaces: [team-a, 'team-b-*']"),
        shadowed
    );
    assert_eq!(
        of_two("namespaces: ['team-?']", "namespaces: ['team-*']"),
        none
    );
    assert_eq!(of_two("excludes: [{name: x}]", "namespace: w"), none);
    assert_eq!(
        of_two("excludes: [{name: x, namespace: z}]", "namespace: w"),
        shadowed
    );
    // A glob over groups takes the core group, too.
    let all = "group: '*'\npolicy: {controlledObjects: mirror}";
    assert_eq!(of(&[all, pods]), shadowed);
    // What the first leaves out since it does not name it.
    assert_eq!(of(&["group: '*'", pods]), none);
    assert_eq!(of(&["group: '*.io'", "group: test.io"]), shadowed);
    assert_eq!(of(&["group: '*.io'", "group: a.test.io"]), none);
    // Keys that are attached to a lease are another matter.
    assert_eq!(of_two("", "namespace: x\nleases: mirror"), none);
    assert_eq!(of_two("leases: mirror", "namespace: x"), shadowed);
    // What faults selects nothing.
    let custom = |earlier: &str, later: &str| {
        of(&[
            &format!("group: example.com\nwhen: {earlier}"),
            &format!("group: example.com\nwhen: {later}"),
        ])
    };
    assert_eq!(custom("object.spec.x < 3", "object.spec.x == 2"), shadowed);
    assert_eq!(
        custom("object.spec.x != 3", "object.spec.x == 'a'"),
        shadowed
    );
    assert_eq!(custom("object.spec.x < 3", "has(object.spec.x)"), none);
    assert_eq!(
        custom(
            "'!has(object.spec.x) || object.spec.x < 3'",
            "'!has(object.spec.x)'"
        ),
        shadowed
    );
    assert_eq!(
        custom(
            "'!has(object.spec.x) || object.spec.x < 3'",
            "'!has(object.spec)'"
        ),
        none
    );
    // A search through a text of any length may run out of fuel.
    let search = "object.spec.x.matches('a+b')";
    assert_eq!(custom(search, "object.spec.x == 'ab'"), none);
    assert_eq!(
        custom(search, &format!("{search} && object.spec.y == 1")),
        shadowed
    );
}

#[test]
fn shadows_of_several() {
    let namespace = |name: &str| format!("group: ''\nnamespace: {name}");
    let both = "group: ''\nnamespaces: [x, w]";
    assert_eq!(
        of(&[&namespace("x"), &namespace("z"), &namespace("w"), both]),
        ["d: shadowed by a, c"]
    );
    assert_eq!(
        of(&[&namespace("x"), both, &namespace("w")]),
        ["c: shadowed by b"]
    );
    let label = |operator: &str| {
        format!(
            "group: ''\nlabelSelectors: [{{matchExpressions: [{{key: x, operator: {operator}}}]}}]"
        )
    };
    assert_eq!(
        of(&[&label("Exists"), &label("DoesNotExist"), "group: ''"]),
        ["c: shadowed by a, b"]
    );
}

#[test]
fn excluded() {
    let config = |excludes: &str| {
        of(&[&format!(
            "group: ''\nresources: [{{kind: ConfigMap}}]\nlabelSelectors: [{{matchLabels: {{x: a}}}}]\nexcludes: [{excludes}]"
        )])
    };
    for (excludes, expected) in [
        ("{name: x}", ""),
        (
            "{resource: {kind: Secret}}",
            "excludes[0] takes nothing: another kind",
        ),
        (
            "{labelSelectors: [{matchLabels: {x: b}}]}",
            "excludes[0] takes nothing: contradicts labelSelectors[0]",
        ),
        (
            "{labelSelectors: [{matchExpressions: [{key: w, operator: In, values: [b]}, {key: w, operator: DoesNotExist}]}]}",
            "excludes[0] takes nothing: contradicts ",
        ),
        (
            "{name: x, namespace: w}, {name: x}",
            "excludes[0] takes nothing: covered by excludes[1]",
        ),
        (
            "{name: x}, {name: x}",
            "excludes[1] takes nothing: covered by excludes[0]",
        ),
        (
            "{name: x}, {name: x, when: object.data.y == 'z'}",
            "excludes[1] takes nothing: covered by excludes[0]",
        ),
        (
            "{labelSelectors: [{matchExpressions: [{key: x, operator: Exists}]}]}",
            "never: labelSelectors[0] + excludes[0]; excludes[0] takes all",
        ),
        // Where the value is missing both fault, which selects nothing either.
        (
            "{when: object.data.y == 'z'}, {when: object.data.y != 'z'}",
            "never: excludes[0] + excludes[1]",
        ),
        (
            "{when: \"has(object.data) && 'y' in object.data\"}, {when: '!has(object.data)'}",
            "",
        ),
    ] {
        let found = config(excludes).join("; ").replace("a: ", "");
        assert_eq!(found, expected, "{excludes}");
    }
}

#[test]
fn lists() {
    for (fields, expected) in [
        (
            "namespaces: [team-a, 'team-*']",
            "namespaces[0] `team-a` is covered by namespaces[1] `'team-*'`",
        ),
        (
            "namespaces: ['a*', '*a', 'a*a']",
            "namespaces[2] `'a*a'` is covered by namespaces[0] `'a*'`",
        ),
        ("namespaces: ['a?', 'a*b']", ""),
        (
            "labelSelectors: [{matchLabels: {x: a}}, {matchLabels: {x: a, w: b}}]",
            "labelSelectors[1] `{matchLabels: {x: a, w: b}}` is covered by labelSelectors[0] `{matchLabels: {x: a}}`",
        ),
        (
            "labelSelectors: [{matchLabels: {x: a}}, {matchLabels: {x: a}}]",
            "labelSelectors[1] `{matchLabels: {x: a}}` is covered by labelSelectors[0] `{matchLabels: {x: a}}`",
        ),
        (
            "resources: [{kind: Pod}, {version: v1, kind: Pod}]",
            "resources[1] `{version: v1, kind: Pod}` is covered by resources[0] `{kind: Pod}`",
        ),
        (
            "excludes: [{labelSelectors: [{matchLabels: {x: a}}, {matchLabels: {x: a}}]}]",
            "excludes[0].labelSelectors[1] `{matchLabels: {x: a}}` is covered by excludes[0].labelSelectors[0] `{matchLabels: {x: a}}`",
        ),
    ] {
        let found = of(&[&format!("group: ''\n{fields}")]).join("; ");
        assert_eq!(found.replace("a: ", ""), expected, "{fields}");
    }
}

#[test]
fn keys() {
    let none = [""; 0];
    assert_eq!(
        of(&["keys: ['/x/**']", "keys: [/x/y/z, '/x/*']"]),
        ["b: shadowed by a"]
    );
    assert_eq!(of(&["keys: ['/x/*']", "keys: ['/x/**']"]), none);
    assert_eq!(
        of(&["keys: [/registry/x, '/carry*/x']"]),
        ["a: always false: keys[0] `/registry/x`"]
    );
    assert_eq!(of(&["keys: [/registry/x]"]), ["a: never: keys"]);
    // A rule over keys takes nothing of Kubernetes.
    assert_eq!(of(&["keys: ['**']", "group: ''"]), none);
    assert_eq!(
        of(&["keys: ['/x/*']\nwhen: value.a == 1 && !has(value.a)"]),
        ["a: never: when + when"]
    );
    assert_eq!(
        of(&["keys: ['/é*']\nwhen: key.matches('^/.$') && key != '/é'"]),
        ["a: never: keys + when + when"]
    );
    // What is bytes has no fields: that is a fault, not an absence.
    assert_eq!(of(&["keys: ['/x/*']\nwhen: '!has(value.a)'"]), none);
}
