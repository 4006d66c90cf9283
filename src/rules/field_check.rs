//! Whether the fields that a rule reads exist and can be compared.
//!
//! Promises that a mistyped field of a kind with a schema is an error with a
//! suggestion, since it would silently select everything or nothing.

use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::k8s::schema::{self, FieldType, JsonShape, PathError};

use super::codes;
use super::findings::Findings;
use super::rule_set::{GroupPattern, Operator, Requirement, Rule, RuleSet};
use super::vocabulary::{self, FieldPath};

/// One kind that a rule selects from.
#[derive(Clone, Debug)]
pub(super) struct Selected {
    pub group: String,
    pub version: Option<String>,
    pub kind: String,
}

/// Adds what is wrong with the `fieldSelectors` of `rules`.
pub fn check(rules: &RuleSet, findings: &mut Findings<'_>) {
    for rule in rules
        .rules()
        .filter(|rule| !rule.field_selectors.is_empty())
    {
        let kinds = selected_kinds(rule);
        let requirements = rule
            .field_selectors
            .iter()
            .flat_map(|selector| &selector.requirements);
        for requirement in requirements {
            if let Some(diagnostic) = check_requirement(requirement, &kinds) {
                findings.push_within(&requirement.key, diagnostic);
            }
        }
    }
}

/// The kinds of `resources`, none where one of those is any; without, every kind that carry knows of a group
/// that is named in full.
pub(super) fn selected_kinds(rule: &Rule) -> Vec<Selected> {
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
    // Any kind of a group may have any field.
    if rule
        .resources
        .iter()
        .any(|resource| resource.kind.is_none())
    {
        return Vec::new();
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

/// Places in what it returns are offsets in the text of the requirement's key.
fn check_requirement(requirement: &Requirement, kinds: &[Selected]) -> Option<Diagnostic> {
    let whole = Span::new(0, requirement.key.value.len());
    // A path that does not parse has been reported where it was read.
    let written = vocabulary::parse_path(&requirement.key.value, whole).ok()?;
    let path = written.path();
    let mut missing = Vec::new();
    for selected in kinds {
        let version = selected.version.as_deref();
        match schema::resolve(&selected.group, version, &selected.kind, &path) {
            Ok(found) => {
                if let Some(diagnostic) = check_type(requirement, whole, selected, &found) {
                    return Some(diagnostic);
                }
            }
            Err(PathError::UnknownKind) => {}
            Err(PathError::UnknownField {
                segment,
                name,
                suggestion,
                ..
            }) => missing.push(Missing {
                kind: &selected.kind,
                segment,
                name,
                suggestion,
            }),
        }
    }
    // With several kinds, a field that one of them has is no mistake.
    let all = !missing.is_empty() && missing.len() == kinds.len();
    let missing = missing.into_iter().next().filter(|_| all)?;
    Some(unknown(&written, missing, kinds.len() > 1))
}

fn check_type(
    requirement: &Requirement,
    whole: Span,
    of: &Selected,
    found: &FieldType,
) -> Option<Diagnostic> {
    let scalar = match found {
        FieldType::Bytes | FieldType::Map | FieldType::List | FieldType::Message => false,
        // Of what may have any shape only the value tells.
        FieldType::Special(special) => special.json_shape() != JsonShape::Strings,
        _ => true,
    };
    if scalar
        || matches!(
            requirement.operator,
            Operator::Exists | Operator::DoesNotExist
        )
    {
        return None;
    }
    let (key, kind) = (&requirement.key.value, &of.kind);
    let message = format!("`{key}` of {kind} cannot be compared with a text");
    Some(codes::NO_SCALAR_FIELD.at(whole, message).label("not a scalar field").help(
        "compare a scalar field below it, or ask with `Exists` or `DoesNotExist` whether it is there",
    ))
}

/// A field that a kind does not have.
struct Missing<'k> {
    kind: &'k str,
    /// Which step of the path.
    segment: usize,
    name: String,
    suggestion: Option<String>,
}

fn unknown(path: &FieldPath, missing: Missing<'_>, several_kinds: bool) -> Diagnostic {
    let Missing {
        kind,
        segment,
        name,
        suggestion,
    } = missing;
    let message = match several_kinds {
        true => format!("no kind that this rule selects has a field `{name}`"),
        false => format!("{kind} has no field `{name}`"),
    };
    let place = path.steps.get(segment).map(|step| step.span);
    let diagnostic = crate::lang::codes::UNKNOWN_FIELD
        .at(place.unwrap_or_default(), message)
        .label("unknown field");
    match suggestion {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help("write it as the Kubernetes API shows it, from the top of the object (`type`, `spec.type`, `metadata.name`)"),
    }
}
