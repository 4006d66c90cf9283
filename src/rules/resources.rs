//! Reads which groups, versions and kinds a rule is for.
//!
//! Promises that what is left out means what `rule_set` says. Deliberately
//! does not know which groups and kinds exist (see `lint`).

use super::codes;
use super::document::Node;
use super::fields::{self, Fields, Shape};
use super::findings::Findings;
use super::names;
use super::rule_set::{GroupPattern, ResourceRef};
use crate::diagnostic::{Diagnostic, Fix, Span, Spanned};

const RESOURCE: Shape = Shape {
    what: "a resource",
    fields: &["group", "version", "kind"],
    refused: &[],
};

/// The rule's group. Left out it is the core group, as it was in etcd-carry.
pub fn group(fields: &Fields<'_>, findings: &mut Findings) -> Option<Spanned<GroupPattern>> {
    let Some(_) = fields.value("group") else {
        let place = fields
            .entry("group")
            .map_or(fields.head, |entry| entry.key.span);
        if !findings.touch(fields.span) {
            let fix = findings.with_field(fields.span, fields.head, "group: \"\"");
            let fix = fix.filter(|_| fields.entry("group").is_none());
            findings.push(core_group(place, fix));
        }
        return Some(Spanned::new(GroupPattern::Exact(String::new()), place));
    };
    let written = fields.text("group", findings)?;
    let is_glob = written.value.contains('*');
    if !check_group(&written, true, findings) {
        return None;
    }
    let pattern = if is_glob {
        GroupPattern::Glob
    } else {
        GroupPattern::Exact
    };
    Some(Spanned::new(pattern(written.value), written.span))
}

fn core_group(place: Span, fix: Option<Fix>) -> Diagnostic {
    let found = codes::NO_GROUP
        .at(
            place,
            "the rule has no `group`: it is read as the core group",
        )
        .help("write `group: \"\"` to say so");
    Diagnostic { fix, ..found }
}

/// Reports what is wrong with a group's name; true if nothing is.
fn check_group(group: &Spanned<String>, globs: bool, findings: &mut Findings) -> bool {
    let text = &group.value;
    let (why, help) = if text.is_empty() {
        return true;
    } else if let Some((head, version)) = text.split_once('/') {
        (
            "contains a version".to_owned(),
            format!("write `group: {head}`, and `version: {version}` in `resources`"),
        )
    } else if text.contains('*') && !globs {
        (
            "cannot be a glob here".to_owned(),
            "write one entry for each group".to_owned(),
        )
    } else if text.contains(['?', '[', ']', '{', '}']) {
        (
            "is not a group or glob".to_owned(),
            "globs know `*` (any characters but `.`) and `**` (any characters) only".to_owned(),
        )
    } else if text.contains("***") {
        (
            "has more than two `*` in a row".to_owned(),
            "write `*` for any characters but `.`, `**` for any".to_owned(),
        )
    } else if let Err(why) = names::dns_subdomain(&text.replace('*', "a")) {
        let lower = text.to_lowercase();
        let help = match lower != *text {
            true => format!("write `{lower}`"),
            false => "a group is a domain name such as `apps` or `networking.k8s.io`; the core group is `\"\"`".to_owned(),
        };
        (why, help)
    } else {
        return true;
    };
    findings.push(
        codes::BAD_GROUP
            .at(group.span, format!("the group `{text}` {why}"))
            .help(help),
    );
    false
}

/// The entries of `resources`.
pub fn resources(
    fields: &Fields<'_>,
    group: Option<&Spanned<GroupPattern>>,
    findings: &mut Findings,
) -> Vec<ResourceRef> {
    let nodes = fields.list("resources", findings);
    nodes
        .iter()
        .filter_map(|node| resource(node, group, findings))
        .collect()
}

/// One group, version and kind.
pub fn resource(
    node: &Node,
    rule_group: Option<&Spanned<GroupPattern>>,
    findings: &mut Findings,
) -> Option<ResourceRef> {
    let fields = fields::read(node, &RESOURCE, findings)?;
    let group = resource_group(&fields, rule_group, findings);
    let version = version(&fields, findings);
    let kind = kind(&fields, findings);
    Some(ResourceRef {
        span: fields.span,
        group: group?,
        version,
        kind: kind?,
    })
}

/// A resource's group: its own, or the rule's where that is one group.
fn resource_group(
    fields: &Fields<'_>,
    rule_group: Option<&Spanned<GroupPattern>>,
    findings: &mut Findings,
) -> Option<Spanned<String>> {
    if fields.value("group").is_some() {
        let group = fields.text("group", findings)?;
        return check_group(&group, false, findings).then_some(group);
    }
    let rule_group = rule_group?;
    match &rule_group.value {
        GroupPattern::Exact(group) => Some(Spanned::new(group.clone(), rule_group.span)),
        GroupPattern::Glob(glob) => {
            let message = format!(
                "a resource of a rule for several groups must name its own, and `{glob}` is a glob"
            );
            findings.push(
                codes::RESOURCE_WITHOUT_GROUP
                    .at(fields.head, message)
                    .also(rule_group.span, "the rule's group")
                    .help("add `group:` to the resource; the core group is `group: \"\"`"),
            );
            None
        }
    }
}

fn version(fields: &Fields<'_>, findings: &mut Findings) -> Option<Spanned<String>> {
    let version = fields.non_empty_text("version", findings)?;
    if version.value == "*" {
        return None;
    }
    if let Err(why) = names::version(&version.value) {
        let (why, help) = match version.value.split_once('/') {
            Some((group, version)) => (
                "contains a group".to_owned(),
                format!("write `group: {group}` and `version: {version}`"),
            ),
            None => (
                why,
                "write a version such as `v1` or `v1beta1`; left out or `*` it means any"
                    .to_owned(),
            ),
        };
        findings.push(
            codes::BAD_VERSION
                .at(
                    version.span,
                    names::sentence("the version", &version.value, &why),
                )
                .help(help),
        );
        return None;
    }
    Some(version)
}

/// `Some(None)` for any kind, `None` where it is missing.
fn kind(fields: &Fields<'_>, findings: &mut Findings) -> Option<Option<Spanned<String>>> {
    let help =
        "write a kind as in a manifest's `kind:`, such as `ConfigMap`, or `\"*\"` for every kind";
    if fields.value("kind").is_none() {
        fields.missing("kind", help, findings);
        return None;
    }
    let Some(kind) = fields.non_empty_text("kind", findings) else {
        if fields.value("kind").is_some_and(Node::is_blank) {
            fields.missing("kind", help, findings);
        }
        return None;
    };
    if kind.value == "*" {
        return Some(None);
    }
    if let Err(why) = names::kind(&kind.value) {
        findings.push(
            codes::BAD_KIND
                .at(kind.span, names::sentence("the kind", &kind.value, &why))
                .help(help),
        );
        return None;
    }
    Some(Some(kind))
}
