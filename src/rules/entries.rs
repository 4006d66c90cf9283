//! Reads rules, excludes and what they name.
//!
//! Promises that each field means what `rule_set` says of it. Deliberately
//! looks at one entry at a time (see `lint` for what is wrong between them).

use super::choice::choice;
use super::codes;
use super::document::{Node, Value};
use super::fields::{self, Fields, Refused, Shape};
use super::findings::Findings;
use super::keys;
use super::names;
use super::policy::Policies;
use super::policy_fields::{self, POLICIES, POLICY};
use super::resources;
use super::rule_set::{Exclude, GroupPattern, Leases, OnError, Phase, Rule};
use super::selectors::{self, Subject};
use super::when;
use crate::diagnostic::{Fix, Spanned};

const SECONDARY_ONLY: &str = "is a field of secondary rules, not of sequential ones";
const USE_SECONDARY: &str =
    "remove it, or move the rule to `secondary`; etcd-carry ignored it here without a word";
const fn secondary_only(name: &'static str) -> Refused {
    Refused {
        name,
        why: SECONDARY_ONLY,
        help: USE_SECONDARY,
    }
}

const SEQUENTIAL: Shape = Shape {
    what: "a sequential rule",
    fields: &[
        "name",
        "group",
        "sequence",
        "resources",
        "labelSelectors",
        "when",
        "keys",
        "onError",
        "leases",
        "policy",
    ],
    refused: &[
        secondary_only("namespace"),
        secondary_only("namespaces"),
        secondary_only("namespaceSelectors"),
        secondary_only("fieldSelectors"),
        secondary_only("excludes"),
        POLICIES,
    ],
};

const SECONDARY: Shape = Shape {
    what: "a secondary rule",
    fields: &[
        "name",
        "group",
        "resources",
        "namespace",
        "namespaces",
        "namespaceSelectors",
        "labelSelectors",
        "fieldSelectors",
        "when",
        "excludes",
        "keys",
        "onError",
        "leases",
        "policy",
    ],
    refused: &[
        Refused {
            name: "sequence",
            why: "is a field of sequential rules, not of secondary ones",
            help: "remove it, or move the rule to `sequential`; secondary rules have no order",
        },
        POLICIES,
    ],
};

const EXCLUDE: Shape = Shape {
    what: "an exclude",
    fields: &["resource", "name", "namespace", "labelSelectors", "when"],
    refused: &[POLICY, POLICIES],
};

/// Reads one rule; what is wrong in it is reported and left out.
///
/// `policies` are the file's.
pub fn rule(
    node: &Node,
    (phase, index): (Phase, usize),
    policies: Policies,
    findings: &mut Findings,
) -> Option<Rule> {
    let shape = match phase {
        Phase::Sequential => &SEQUENTIAL,
        Phase::Secondary => &SECONDARY,
    };
    let fields = fields::read(node, shape, findings)?;
    let keys = keys::keys(&fields, findings);
    let group = match fields.entry("keys") {
        Some(_) => Some(keys::no_group(&fields)),
        None => resources::group(&fields, findings),
    };
    let rule = Rule {
        span: fields.span,
        phase,
        index,
        name: name(&fields, phase, index, findings),
        sequence: sequence(&fields, findings),
        resources: resources::resources(&fields, group.as_ref(), findings),
        namespace: namespace(&fields, findings),
        namespaces: namespaces(&fields, findings),
        namespace_selectors: selectors::read(
            &fields,
            "namespaceSelectors",
            Subject::Labels,
            findings,
        ),
        label_selectors: selectors::read(&fields, "labelSelectors", Subject::Labels, findings),
        field_selectors: selectors::read(&fields, "fieldSelectors", Subject::Fields, findings),
        keys,
        when: when::read(&fields, findings),
        excludes: excludes(&fields, group.as_ref(), findings),
        on_error: on_error(&fields, findings),
        leases: leases(&fields, findings),
        policies: policy_fields::of_rule(&fields, policies, findings),
        group: group?,
    };
    selectors_without_use(&fields, findings);
    Some(rule)
}

fn name(
    fields: &Fields<'_>,
    phase: Phase,
    index: usize,
    findings: &mut Findings,
) -> Spanned<String> {
    let default = || Spanned::new(format!("{phase}[{index}]"), fields.head);
    if fields
        .entry("name")
        .is_some_and(|entry| entry.value.is_null())
    {
        fields.missing("name", "write a name, or remove the field", findings);
    }
    let Some(name) = fields.text("name", findings) else {
        return default();
    };
    if name.value.trim().is_empty() || name.value.chars().any(char::is_control) {
        findings.push(
            codes::BAD_RULE_NAME
                .at(
                    name.span,
                    "a rule's name must hold visible characters and no line breaks",
                )
                .help("write a name, or remove the field"),
        );
        return default();
    }
    name
}

/// `sequence`: an integer.
fn sequence(fields: &Fields<'_>, findings: &mut Findings) -> Option<Spanned<i64>> {
    let node = fields.value("sequence")?;
    let number = node.integer();
    if number.is_none() && !fields.is_refused("sequence") {
        let found = match &node.value {
            Value::Scalar(scalar) => format!("`{}`", scalar.text),
            _ => node.describe().to_owned(),
        };
        let message = format!("`sequence` must be a whole number, not {found}");
        let help = "write decimal digits without quotes; what counts is the order in the file";
        let wrong = codes::WRONG_TYPE.at(node.head(), message).help(help);
        findings.push(match quoted_integer(node) {
            Some(digits) => wrong.fix(Fix::replace(node.span, digits)),
            None => wrong,
        });
    }
    Some(Spanned::new(number?, node.span))
}

/// The digits in quotes.
fn quoted_integer(node: &Node) -> Option<String> {
    let Value::Scalar(scalar) = &node.value else {
        return None;
    };
    let number: i64 = scalar.text.parse().ok()?;
    (number.to_string() == scalar.text).then_some(number.to_string())
}

fn namespace(fields: &Fields<'_>, findings: &mut Findings) -> Option<Spanned<String>> {
    let namespace = fields.non_empty_text("namespace", findings)?;
    if let Err(why) = names::dns_label(&namespace.value) {
        let help = match namespace.value.contains(['*', '?']) {
            true => "`namespace` is one name; globs go into the rule's `namespaces`",
            false => "a namespace is written as `kubectl get namespaces` shows it",
        };
        let message = names::sentence("the namespace", &namespace.value, &why);
        findings.push(codes::BAD_NAMESPACE.at(namespace.span, message).help(help));
    }
    Some(namespace)
}

/// `namespaces`: names or globs.
fn namespaces(fields: &Fields<'_>, findings: &mut Findings) -> Vec<Spanned<String>> {
    let mut namespaces: Vec<Spanned<String>> = Vec::new();
    for node in fields.list("namespaces", findings) {
        let Some(name) = fields::text(node, "a namespace", findings) else {
            continue;
        };
        if let Err(why) = names::dns_label(&name.value.replace(['*', '?'], "a")) {
            findings.push(
                codes::BAD_NAMESPACE
                    .at(
                        name.span,
                        names::sentence("the namespace", &name.value, &why),
                    )
                    .help(
                        "write a name, or a glob with `*` (any characters) and `?` (one character)",
                    ),
            );
            continue;
        }
        let first = namespaces.iter().find(|own| own.value == name.value);
        match first.map(|own| own.span) {
            Some(first) => findings.push_twice("the namespace", &name, first),
            None => namespaces.push(name),
        }
    }
    namespaces
}

fn excludes(
    fields: &Fields<'_>,
    group: Option<&Spanned<GroupPattern>>,
    findings: &mut Findings,
) -> Vec<Exclude> {
    let nodes = fields.list("excludes", findings);
    nodes
        .iter()
        .filter_map(|node| exclude(node, fields, group, findings))
        .collect()
}

fn exclude(
    node: &Node,
    rule: &Fields<'_>,
    group: Option<&Spanned<GroupPattern>>,
    findings: &mut Findings,
) -> Option<Exclude> {
    let fields = fields::read(node, &EXCLUDE, findings)?;
    keys::refuse_in_exclude(rule, &fields, findings);
    let exclude = Exclude {
        span: fields.span,
        resource: fields
            .value("resource")
            .and_then(|node| resources::resource(node, group, findings)),
        name: object_name(&fields, findings),
        namespace: namespace(&fields, findings),
        label_selectors: selectors::read(&fields, "labelSelectors", Subject::Labels, findings),
        when: when::read(&fields, findings),
    };
    let has_condition = exclude.resource.is_some()
        || exclude.name.is_some()
        || exclude.namespace.is_some()
        || !exclude.label_selectors.is_empty()
        || exclude.when.is_some();
    if !has_condition && !findings.touch(fields.span) {
        findings.push(
            codes::EXCLUDES_EVERYTHING.at(
                fields.head,
                "an exclude without conditions leaves nothing of the rule",
            )
            .help("name what is left out: `resource`, `name`, `namespace`, `labelSelectors` or `when`"),
        );
    }
    ignored(&fields, "name", "labelSelectors", findings);
    Some(exclude)
}

fn object_name(fields: &Fields<'_>, findings: &mut Findings) -> Option<Spanned<String>> {
    let name = fields.non_empty_text("name", findings)?;
    if let Err(why) = names::object_name(&name.value) {
        findings.push(
            codes::BAD_NAME
                .at(name.span, names::sentence("the name", &name.value, &why))
                .help("write the object's name alone; its kind goes into `resource`, its Namespace into `namespace`"),
        );
    } else if name.value.contains(['*', '?']) {
        findings.push(
            codes::NAME_IS_NO_GLOB
                .at(
                    name.span,
                    format!("`{}` is compared as it is, not as a glob", name.value),
                )
                .help("write whole names, one exclude for each, or say it with `labelSelectors` or `when`"),
        );
    }
    Some(name)
}

/// What etcd-carry did not look at either, so that its files keep their
/// meaning.
fn selectors_without_use(fields: &Fields<'_>, findings: &mut Findings) {
    ignored(fields, "namespace", "namespaceSelectors", findings);
}

/// Warns that `list` has no effect beside `field`.
fn ignored(fields: &Fields<'_>, field: &str, list: &str, findings: &mut Findings) {
    let (Some(field_entry), Some(list_entry)) = (fields.entry(field), fields.entry(list)) else {
        return;
    };
    if field_entry.value.is_blank() || list_entry.value.is_blank() {
        return;
    }
    findings.push(
        codes::IGNORED_SELECTOR
            .at(
                list_entry.key.span,
                format!("`{list}` is ignored beside `{field}`"),
            )
            .also(field_entry.key.span, "this decides alone, as in etcd-carry")
            .help("remove one of the two"),
    );
}

fn on_error(fields: &Fields<'_>, findings: &mut Findings) -> OnError {
    let words = [("hold", OnError::Hold), ("skip", OnError::Skip)];
    let help = "what cannot be judged is held, or taken as not selected";
    choice(fields, "onError", &words, help, findings).unwrap_or_default()
}

fn leases(fields: &Fields<'_>, findings: &mut Findings) -> Leases {
    let words = [("skip", Leases::Skip), ("mirror", Leases::Mirror)];
    let help = "keys that are attached to an etcd lease are not selected, or written under a lease of the destination";
    choice(fields, "leases", &words, help, findings).unwrap_or_default()
}
