//! Whether the fields that a rule reads exist and can be compared.
//!
//! Promises that a mistyped field of a kind with a schema is an error with a
//! suggestion, since it would silently select everything or nothing.

use crate::diagnostic::{Diagnostic, Spanned};
use crate::k8s::Path;
use crate::k8s::schema::{self, FieldType, PathError};

use super::lower::to_path;
use super::rule_set::{GroupPattern, Operator, Requirement, Rule};
use super::vocabulary;

/// One kind that a rule selects from.
struct Selected {
    group: String,
    version: Option<String>,
    kind: String,
}

/// Findings about the `fieldSelectors` of `rule`.
pub fn check_fields(rule: &Rule) -> Vec<Diagnostic> {
    let kinds = selected_kinds(rule);
    let requirements = rule
        .field_selectors
        .iter()
        .flat_map(|selector| &selector.requirements);
    requirements
        .filter_map(|requirement| check(requirement, &kinds))
        .collect()
}

/// The kinds of `resources`; without, every kind that carry knows of a group
/// that is named in full.
fn selected_kinds(rule: &Rule) -> Vec<Selected> {
    if rule.resources.is_empty() {
        let GroupPattern::Exact(group) = &rule.group.value else {
            return Vec::new();
        };
        let known = schema::resources()
            .iter()
            .filter(|known| known.group == group);
        return known
            .map(|known| Selected {
                group: group.clone(),
                version: None,
                kind: known.kind.to_owned(),
            })
            .collect();
    }
    let text = |spanned: &Spanned<String>| spanned.value.clone();
    let named = rule.resources.iter().filter_map(|resource| {
        Some(Selected {
            group: text(&resource.group),
            version: resource.version.as_ref().map(text),
            kind: resource.kind.as_ref().map(text)?,
        })
    });
    named.collect()
}

fn check(requirement: &Requirement, kinds: &[Selected]) -> Option<Diagnostic> {
    // A path that does not parse is reported where the rule is lowered.
    let path = vocabulary::parse_path(&requirement.key.value, requirement.key.span).ok()?;
    let path = to_path(&path);
    let mut missing = Vec::new();
    for selected in kinds {
        let version = selected.version.as_deref();
        match schema::resolve(&selected.group, version, &selected.kind, &path) {
            Ok(found) => {
                if let Some(diagnostic) = check_type(requirement, selected, &found) {
                    return Some(diagnostic);
                }
            }
            Err(PathError::UnknownKind) => {}
            Err(error @ PathError::UnknownField { .. }) => missing.push((selected, error)),
            Err(error) => return Some(refused(requirement, selected, &path, &error)),
        }
    }
    // With several kinds, a field that one of them has is no mistake.
    let all = !missing.is_empty() && missing.len() == kinds.len();
    let (selected, error) = missing.into_iter().next().filter(|_| all)?;
    Some(refused(requirement, selected, &path, &error))
}

fn check_type(requirement: &Requirement, of: &Selected, found: &FieldType) -> Option<Diagnostic> {
    let scalar = !matches!(
        found,
        FieldType::Bytes | FieldType::Map | FieldType::List | FieldType::Message
    );
    if scalar
        || matches!(
            requirement.operator,
            Operator::Exists | Operator::DoesNotExist
        )
    {
        return None;
    }
    let (key, kind) = (&requirement.key, &of.kind);
    let message = format!("`{}` of {kind} cannot be compared with a text", key.value);
    Some(Diagnostic::error(key.span, message).label("not a scalar field").help(
        "compare a scalar field below it, or ask with `Exists` or `DoesNotExist` whether it is there",
    ))
}

fn refused(requirement: &Requirement, of: &Selected, path: &Path, error: &PathError) -> Diagnostic {
    let span = requirement.key.span;
    match error {
        PathError::UnknownField {
            name, suggestion, ..
        } => {
            let message = format!("{} has no field `{name}`", of.kind);
            let diagnostic = Diagnostic::error(span, message).label("unknown field");
            match suggestion {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic.help("write it as the Kubernetes API shows it, from the top of the object (`type`, `spec.type`, `metadata.name`)"),
            }
        }
        error => Diagnostic::error(
            span,
            format!("`{path}` of {} cannot be read: {error}", of.kind),
        )
        .help("select by labels instead"),
    }
}
