//! Conditions on namespaces for kinds that are in none.
//!
//! Promises to speak of entries that can select nothing. Deliberately leaves
//! kinds alone that were not named.

use super::view::{View, asks_for_namespace};
use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::schema;
use crate::rules::codes;
use crate::rules::rule_set::Rule;

/// Adds entries of `resources` that are in no namespace.
pub fn check(views: &[View<'_>], found: &mut Vec<Diagnostic>) {
    for rule in views.iter().map(|view| view.rule) {
        let Some((field, place)) = condition(rule).filter(|_| asks_for_namespace(rule)) else {
            continue;
        };
        for resource in &rule.resources {
            let Some(kind) = &resource.kind else { continue };
            let known = schema::by_kind(&resource.group.value, &kind.value);
            if known.is_none_or(|known| known.namespaced) {
                continue;
            }
            let message = format!(
                "a {} is in no namespace: with `{field}` this entry selects nothing",
                kind.value
            );
            found.push(
                codes::NO_NAMESPACE_OF_KIND
                    .at(kind.span, message)
                    .also(place, "asks for a namespace")
                    .help("select it by a rule of its own, with `labelSelectors` or `fieldSelectors` on `metadata.name`"),
            );
        }
    }
}

/// The field that asks for a namespace, and where.
fn condition(rule: &Rule) -> Option<(&'static str, Span)> {
    let namespace = rule.namespace.iter().map(|own| ("namespace", own.span));
    let namespaces = rule.namespaces.iter().map(|own| ("namespaces", own.span));
    let selectors = rule.namespace_selectors.iter();
    let selectors = selectors.map(|own| ("namespaceSelectors", own.span));
    namespace.chain(namespaces).chain(selectors).next()
}
