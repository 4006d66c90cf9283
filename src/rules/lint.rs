//! What a rules file allows but its author hardly meant.
//!
//! Promises warnings only. Deliberately looks at the file alone, never at a
//! cluster: what it says of kinds and versions is what Kubernetes itself
//! defines, and custom resources are left alone.

use super::codes;
use super::findings::{Findings, nearest};
use super::rule_set::{GroupPattern, ResourceRef, Rule, RuleSet};
use crate::diagnostic::{Diagnostic, Spanned};
use crate::k8s::schema::{self, Resource};

/// Adds what is conspicuous about `rules`.
pub fn check(rules: &RuleSet, findings: &mut Findings<'_>) {
    for rule in rules.rules() {
        if let GroupPattern::Exact(group) = &rule.group.value {
            findings.extend(unknown_group(&Spanned::new(group.clone(), rule.group.span)));
        }
        for resource in &rule.resources {
            findings.extend(foreign_group(rule, resource));
        }
        let excluded = rule
            .excludes
            .iter()
            .filter_map(|exclude| exclude.resource.as_ref());
        for resource in rule.resources.iter().chain(excluded) {
            if resource.group.span != rule.group.span {
                findings.extend(unknown_group(&resource.group).filter(|_| is_glob(rule)));
            }
            findings.extend(kind_or_version(resource));
        }
    }
}

fn is_glob(rule: &Rule) -> bool {
    matches!(rule.group.value, GroupPattern::Glob(_))
}

/// A kind of a group that the rule's own `group` shuts out.
fn foreign_group(rule: &Rule, resource: &ResourceRef) -> Option<Diagnostic> {
    let GroupPattern::Exact(group) = &rule.group.value else {
        return None;
    };
    let written = &resource.group.value;
    if group == written {
        return None;
    }
    let message = format!(
        "{} is not the rule's group: this entry selects nothing",
        described(written)
    );
    Some(
        codes::FOREIGN_GROUP
            .at(resource.group.span, message)
            .also(rule.group.span, "the rule's group")
            .help("make them equal, or write a rule of its own for this group"),
    )
}

/// A group that can be neither Kubernetes' own nor a custom one, or that looks
/// like a slip.
fn unknown_group(group: &Spanned<String>) -> Option<Diagnostic> {
    let name = group.value.as_str();
    if schema::is_built_in_group(name) {
        return None;
    }
    let known = || schema::resources().iter().map(|resource| resource.group);
    let near = match name {
        "core" | "v1" => Some(""),
        name => nearest(name, known().filter(|known| !known.is_empty())),
    };
    let near = near.filter(|near| !name.contains('.') || strsim::levenshtein(name, near) <= 2);
    if near.is_none() && name.contains('.') {
        return None;
    }
    let found = codes::UNKNOWN_GROUP.at(group.span, format!("Kubernetes has no group `{name}`"));
    Some(match near {
        Some("") => found.help("the core group is the empty name: write `group: \"\"`"),
        Some(near) => found.label(format!("did you mean `{near}`?")).help(format!(
            "write `{near}`; groups of custom resources are left alone"
        )),
        None => found.help("groups of custom resources have a `.` in their name"),
    })
}

/// A kind that does not exist, or is stored in another version.
fn kind_or_version(resource: &ResourceRef) -> Option<Diagnostic> {
    let kind = resource.kind.as_ref()?;
    let group = resource.group.value.as_str();
    if !schema::is_built_in_group(group) {
        return None;
    }
    match schema::by_kind(group, &kind.value) {
        Some(known) => other_version(resource, known),
        None => Some(unknown_kind(group, kind)),
    }
}

fn other_version(resource: &ResourceRef, known: &Resource) -> Option<Diagnostic> {
    let version = resource.version.as_ref()?;
    // Older groups of a resource have versions of their own.
    if version.value == known.version || resource.group.value != known.group {
        return None;
    }
    let (kind, stored) = (known.kind, known.version);
    let message = format!(
        "`{kind}` is stored as `{stored}`, not as `{}`",
        version.value
    );
    Some(codes::OTHER_VERSION.at(version.span, message).help(format!(
        "write `version: {stored}`, or leave it out for any; what is compared is the version in etcd, \
         not the one that clients ask for"
    )))
}

fn unknown_kind(group: &str, kind: &Spanned<String>) -> Diagnostic {
    let name = kind.value.as_str();
    let found = codes::UNKNOWN_KIND.at(
        kind.span,
        format!("{} of Kubernetes has no kind `{name}`", described(group)),
    );
    let of_group = || {
        schema::resources()
            .iter()
            .filter(|resource| resource.group == group)
    };
    let called = |resource: &&Resource| {
        resource.plural.eq_ignore_ascii_case(name) || resource.kind.eq_ignore_ascii_case(name)
    };
    if let Some(resource) = of_group().find(called) {
        return found
            .label(format!("did you mean `{}`?", resource.kind))
            .help("write the kind as in a manifest's `kind:`, in its letter case");
    }
    let elsewhere = schema::resources()
        .iter()
        .find(|resource| resource.kind == name);
    if let Some(elsewhere) = elsewhere {
        let other = elsewhere.group;
        return found.help(format!(
            "it belongs to {}: write `group: \"{other}\"`",
            described(other)
        ));
    }
    match nearest(name, of_group().map(|resource| resource.kind)) {
        Some(near) => found
            .label(format!("did you mean `{near}`?"))
            .help("kinds are compared as they are written"),
        None => found.help("kinds are written as in a manifest's `kind:`"),
    }
}

/// A group in a message.
fn described(group: &str) -> String {
    match group {
        "" => "the core group".to_owned(),
        group => format!("the group `{group}`"),
    }
}
