//! Random rules from a small grammar, over what the universe holds.

/// Numbers that one seed determines (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// What the conditions of a rule may speak of.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    Site,
    Deployment,
    Any,
}

/// A rule, as the lines of its YAML.
pub fn rule(dice: &mut Dice, name: &str) -> String {
    let (of, head) = match dice.below(10) {
        0 => (Of::Any, "group: \"\"\n"),
        1 => (Of::Any, "group: \"\"\nresources: [{kind: ConfigMap}]\n"),
        2 => (
            Of::Deployment,
            "group: apps\nresources: [{kind: Deployment}]\n",
        ),
        3 => (Of::Any, "group: \"*\"\n"),
        4 => (
            Of::Any,
            "group: \"\"\nresources: [{kind: ConfigMap}, {kind: Namespace}]\n",
        ),
        5 => (
            Of::Any,
            "group: \"\"\nresources: [{kind: PersistentVolumeClaim}]\n",
        ),
        6 => (Of::Any, "group: coordination.k8s.io\n"),
        _ => (Of::Site, "group: example.com\n"),
    };
    let mut lines = format!("name: {name}\n{head}");
    match dice.below(10) {
        0 => lines += "policy: {persistentVolumes: retain}\n",
        1 => lines += "policy: {systemObjects: mirror}\n",
        _ => {}
    }
    match dice.below(6) {
        0 => lines += &format!("namespace: {}\n", dice.pick(&["a", "ab"])),
        1 => {
            let globs = ["a", "b", "a*", "'*b'", "'?'", "'*'"];
            let (first, second) = (dice.pick(&globs), dice.pick(&globs));
            lines += &format!("namespaces: [{first}, {second}]\n");
        }
        2 => {
            lines += &format!(
                "namespaceSelectors: {}\n",
                selectors(dice, &["env"], &["p", "q"])
            )
        }
        _ => {}
    }
    if dice.chance(50) {
        lines += &format!(
            "labelSelectors: {}\n",
            selectors(dice, &["app", "tier"], &["a", "b", "''"])
        );
    }
    if dice.chance(20) {
        let names = selectors(dice, &["metadata.name"], &["a", "ab", "b"]);
        lines += &format!("fieldSelectors: {names}\n");
    }
    if dice.chance(60) {
        lines += &format!("when: {:?}\n", condition(dice, of, 3));
    }
    if dice.chance(40) {
        lines += "excludes:\n";
        for _ in 0..=dice.below(3) {
            lines += &exclude(dice, of);
        }
    }
    if dice.chance(10) {
        lines += "onError: skip\n";
    }
    lines
}

fn selectors(dice: &mut Dice, keys: &[&str], values: &[&str]) -> String {
    let lists: Vec<String> = (0..=dice.below(2))
        .map(|_| {
            let all: Vec<String> = (0..=dice.below(2))
                .map(|_| requirement(dice, keys, values))
                .collect();
            format!("{{matchExpressions: [{}]}}", all.join(", "))
        })
        .collect();
    format!("[{}]", lists.join(", "))
}

fn requirement(dice: &mut Dice, keys: &[&str], values: &[&str]) -> String {
    let key = dice.pick(keys);
    let operator = dice.pick(&["In", "In", "NotIn", "Exists", "DoesNotExist"]);
    if !operator.ends_with("In") {
        return format!("{{key: {key}, operator: {operator}}}");
    }
    let mut own = vec![dice.pick(values)];
    let more = dice.pick(values);
    if dice.chance(40) && more != own[0] {
        own.push(more);
    }
    format!(
        "{{key: {key}, operator: {operator}, values: [{}]}}",
        own.join(", ")
    )
}

fn exclude(dice: &mut Dice, of: Of) -> String {
    let mut parts = Vec::new();
    if dice.chance(20) {
        let kind = dice.pick(&[
            "{group: '', kind: ConfigMap}",
            "{group: apps, kind: Deployment}",
            "{group: example.com, kind: Site}",
        ]);
        parts.push(format!("resource: {kind}"));
    }
    if dice.chance(30) {
        parts.push(format!("name: {}", dice.pick(&["a", "ab", "b"])));
    }
    if dice.chance(30) {
        parts.push(format!("namespace: {}", dice.pick(&["a", "ab", "b"])));
    }
    if dice.chance(30) {
        parts.push(format!(
            "labelSelectors: {}",
            selectors(dice, &["app"], &["a", "b"])
        ));
    }
    if parts.is_empty() || dice.chance(20) {
        parts.push(format!("when: {:?}", condition(dice, of, 2)));
    }
    format!("  - {}\n", parts.join("\n    "))
}

fn condition(dice: &mut Dice, of: Of, depth: usize) -> String {
    if depth > 0 && dice.chance(55) {
        let mut nested = || condition(dice, of, depth - 1);
        let (left, right, other) = (nested(), nested(), nested());
        return match dice.below(10) {
            0 => format!("!({left})"),
            1 => format!("({left} ? {right} : {other})"),
            2..5 => format!("({left} || {right})"),
            _ => format!("({left} && {right})"),
        };
    }
    let of_all = dice.chance(30);
    match of {
        Of::Site if !of_all => of_site(dice),
        Of::Deployment if !of_all => {
            let number = dice.pick(&["0", "1", "2", "1.5"]);
            match dice.below(3) {
                0 => "has(object.spec.replicas)".to_owned(),
                1 => format!(
                    "object.spec.replicas {} {number}",
                    dice.pick(&["<", "<=", ">", ">=", "==", "!="])
                ),
                _ => format!(
                    "object.?spec.?replicas.orValue(1) {} {}",
                    dice.pick(&["<", ">", "=="]),
                    dice.pick(&["0", "1", "2"])
                ),
            }
        }
        _ => of_any(dice),
    }
}

fn of_any(dice: &mut Dice) -> String {
    let name = dice.pick(&[
        "object.metadata.name",
        "object.metadata.name",
        "object.metadata.namespace",
        "object.metadata.labels.app",
    ]);
    let text = dice.pick(&["a", "ab", "b"]);
    match dice.below(12) {
        0 => format!("{name}.startsWith('{text}')"),
        1 => format!("{name}.endsWith('{text}')"),
        2 => format!("{name}.contains('{text}')"),
        3 => format!(
            "{name}.matches('{}')",
            dice.pick(&["^a", "b$", "^a?b$", "a|b", "^[^b]*$"])
        ),
        4 => format!(
            "{name} {} '{text}'",
            dice.pick(&["<", "<=", ">", ">=", "!="])
        ),
        5 => format!(
            "size({name}) {} {}",
            dice.pick(&["<", ">", "=="]),
            dice.pick(&["1", "2"])
        ),
        6 => format!("{name} in ['{text}', 'b']"),
        7 => format!(
            "'{}' in object.metadata.labels",
            dice.pick(&["app", "tier"])
        ),
        8 => format!(
            "has(object.metadata.{})",
            dice.pick(&["labels", "namespace", "labels.app"])
        ),
        9 => format!(
            "namespaceObject.metadata.labels.env == '{}'",
            dice.pick(&["p", "q"])
        ),
        _ => format!("{name} == '{text}'"),
    }
}

fn of_site(dice: &mut Dice) -> String {
    let field = dice.pick(&["x", "x", "b"]);
    let number = dice.pick(&["0", "1", "2", "1.5", "1.0"]);
    match dice.below(14) {
        0 => format!("has(object.spec.{field})"),
        1 => "has(object.spec)".to_owned(),
        2 => "object.spec.b".to_owned(),
        3 => format!("object.spec.b == {}", dice.pick(&["true", "false"])),
        4 => format!(
            "object.spec.x == {}",
            dice.pick(&["'a'", "null", "true", "'1'"])
        ),
        5 => format!(
            "object.?spec.?x.orValue(1) {} {number}",
            dice.pick(&["<", "==", "!="])
        ),
        6 => format!("object.spec.x in [1, {}]", dice.pick(&["2", "'a'", "null"])),
        7 => format!("object.spec.l.exists(i, i > {number})"),
        8 => format!("object.spec.x {} object.spec.y", dice.pick(&["==", "<"])),
        9 => format!(
            "size(object.spec.l) {} {}",
            dice.pick(&["<", ">", "=="]),
            dice.pick(&["0", "1", "2"])
        ),
        10 => "object.?spec.?x.hasValue()".to_owned(),
        _ => format!(
            "object.spec.x {} {number}",
            dice.pick(&["<", "<=", ">", ">=", "==", "!="])
        ),
    }
}
