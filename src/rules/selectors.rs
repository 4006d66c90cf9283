//! Reads label selectors and field selectors.
//!
//! Promises the meaning that Kubernetes gives to `matchLabels` and
//! `matchExpressions`, and its validation. Deliberately does not compile them.

use super::codes;
use super::document::{Entry, Node, Value};
use super::fields::{self, Fields, Shape};
use super::findings::{Findings, listed, nearest};
use super::rule_set::{Operator, Requirement, Selector};
use super::{names, vocabulary};
use crate::diagnostic::{Fix, Span, Spanned};

/// What a selector looks at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Keys are label keys, values label values.
    Labels,
    /// Keys are field paths, values any text.
    Fields,
}

const SELECTOR: Shape = Shape {
    what: "a selector",
    fields: &["matchLabels", "matchExpressions"],
    refused: &[],
};
const EXPRESSION: Shape = Shape {
    what: "an expression",
    fields: &["key", "operator", "values"],
    refused: &[],
};

const OPERATORS: [(&str, Operator); 4] = [
    ("In", Operator::In),
    ("NotIn", Operator::NotIn),
    ("Exists", Operator::Exists),
    ("DoesNotExist", Operator::DoesNotExist),
];

/// The list of selectors under `name`: alternatives.
pub fn read(
    fields: &Fields<'_>,
    name: &str,
    subject: Subject,
    findings: &mut Findings,
) -> Vec<Selector> {
    let items = fields.list(name, findings);
    items
        .iter()
        .filter_map(|node| selector(node, name, subject, findings))
        .collect()
}

fn selector(
    node: &Node,
    list: &str,
    subject: Subject,
    findings: &mut Findings,
) -> Option<Selector> {
    if node.is_null() {
        findings.push(
            codes::EMPTY_VALUE
                .at(node.span, format!("an entry of `{list}` is empty"))
                .help("remove it, or write `matchLabels` or `matchExpressions` below it"),
        );
        return None;
    }
    let fields = fields::read(node, &SELECTOR, findings)?;
    let mut requirements = match_labels(&fields, subject, findings);
    for node in fields.list("matchExpressions", findings) {
        requirements.extend(expression(node, subject, findings));
    }
    if requirements.is_empty() && !findings.touch(node.span) {
        findings.push(
            codes::SELECTS_EVERYTHING
                .at(
                    node.head(),
                    format!("an entry of `{list}` without conditions matches everything"),
                )
                .help("add `matchLabels` or `matchExpressions`, or remove the whole list"),
        );
    }
    Some(Selector {
        span: node.span,
        requirements,
    })
}

fn match_labels(
    fields: &Fields<'_>,
    subject: Subject,
    findings: &mut Findings,
) -> Vec<Requirement> {
    let Some(node) = fields.value("matchLabels") else {
        return Vec::new();
    };
    match &node.value {
        Value::Mapping(entries) => entries
            .iter()
            .filter_map(|entry| equality(entry, subject, findings))
            .collect(),
        Value::Refused => Vec::new(),
        _ => {
            let message = format!("`matchLabels` must be a mapping, not {}", node.describe());
            let help = "write `key: value` lines below it; lists go into `matchExpressions`";
            findings.push(codes::WRONG_TYPE.at(node.head(), message).help(help));
            Vec::new()
        }
    }
}

/// One line of `matchLabels`.
fn equality(entry: &Entry, subject: Subject, findings: &mut Findings) -> Option<Requirement> {
    check_key(&entry.key, subject, findings);
    let what = format!("the value of `{}`", entry.key.value);
    let value = fields::text(&entry.value, &what, findings)?;
    check_value(&value, subject, findings);
    Some(Requirement {
        span: entry.key.span.to(entry.value.span),
        key: entry.key.clone(),
        operator: Operator::In,
        values: vec![value],
    })
}

fn expression(node: &Node, subject: Subject, findings: &mut Findings) -> Option<Requirement> {
    let fields = fields::read(node, &EXPRESSION, findings)?;
    let key = key(&fields, subject, findings);
    let operator = operator(&fields, findings);
    let values = values(&fields, subject, findings);
    let operator = operator?;
    check_count(&fields, &operator, findings);
    Some(Requirement {
        span: node.span,
        key: key?,
        operator: operator.value,
        values,
    })
}

fn key(fields: &Fields<'_>, subject: Subject, findings: &mut Findings) -> Option<Spanned<String>> {
    let Some(_) = fields.value("key") else {
        let help = match subject {
            Subject::Labels => "write the label that is compared: `key: app`",
            Subject::Fields => "write the field that is compared: `key: type`",
        };
        fields.missing("key", help, findings);
        return None;
    };
    let key = fields.text("key", findings)?;
    check_key(&key, subject, findings);
    Some(key)
}

fn operator(fields: &Fields<'_>, findings: &mut Findings) -> Option<Spanned<Operator>> {
    let names = || OPERATORS.iter().map(|(name, _)| *name);
    if fields.value("operator").is_none_or(Node::is_blank) {
        fields.missing(
            "operator",
            &format!("write one of {}", listed(names())),
            findings,
        );
        return None;
    }
    let written = fields.text("operator", findings)?;
    if let Some((_, operator)) = OPERATORS.iter().find(|(name, _)| *name == written.value) {
        return Some(Spanned::new(*operator, written.span));
    }
    let mut unknown = codes::UNKNOWN_WORD.at(
        written.span,
        format!("unknown operator `{}`", written.value),
    );
    if let Some(near) = meant(&written.value).or_else(|| nearest(&written.value, names())) {
        unknown = unknown.label(format!("did you mean `{near}`?"));
        if near.eq_ignore_ascii_case(&written.value) {
            unknown = unknown.fix(Fix::replace(written.span, near));
        }
    }
    findings.push(unknown.help(format!(
        "operators, in exactly this letter case: {}",
        listed(names())
    )));
    None
}

/// What people write who think of another language.
fn meant(operator: &str) -> Option<&'static str> {
    match operator.to_ascii_lowercase().as_str() {
        "=" | "==" | "eq" | "equals" | "equal" => Some("In"),
        "!=" | "ne" | "neq" | "notequals" | "notequal" => Some("NotIn"),
        "exist" | "present" => Some("Exists"),
        "notexists" | "notexist" | "doesnotexists" | "absent" => Some("DoesNotExist"),
        _ => None,
    }
}

fn values(fields: &Fields<'_>, subject: Subject, findings: &mut Findings) -> Vec<Spanned<String>> {
    let mut values: Vec<Spanned<String>> = Vec::new();
    for node in fields.list("values", findings) {
        let Some(value) = fields::text(node, "a value", findings) else {
            continue;
        };
        check_value(&value, subject, findings);
        let first = values.iter().find(|own| own.value == value.value);
        match first.map(|own| own.span) {
            Some(first) => findings.push_twice("the value", &value, first),
            None => values.push(value),
        }
    }
    values
}

/// `In` and `NotIn` need values, the others must not have any.
fn check_count(fields: &Fields<'_>, operator: &Spanned<Operator>, findings: &mut Findings) {
    let wants_values = matches!(operator.value, Operator::In | Operator::NotIn);
    let name = OPERATORS
        .iter()
        .find(|(_, known)| *known == operator.value)
        .map_or("", |(name, _)| name);
    let written = fields
        .value("values")
        .is_some_and(|node| match &node.value {
            Value::Sequence(items) => !items.is_empty(),
            _ => true,
        });
    match (wants_values, written, fields.entry("values")) {
        (true, false, entry) => {
            let place = entry.map_or(operator.span, |entry| entry.key.span);
            if !fields.is_refused("values") {
                findings.push(
                    codes::VALUES_OF_OPERATOR.at(place, format!("`{name}` needs at least one value"))
                        .help("list them: `values: [a, b]`; to ask only whether it is there, use `Exists` or `DoesNotExist`"),
                );
            }
        }
        (false, true, Some(entry)) => {
            let instead = if operator.value == Operator::Exists {
                "In"
            } else {
                "NotIn"
            };
            findings.push(
                codes::VALUES_OF_OPERATOR
                    .at(entry.key.span, format!("`{name}` takes no values"))
                    .also(operator.span, "asks only whether the key is there")
                    .help(format!("remove `values`, or use `{instead}`")),
            );
        }
        _ => {}
    }
}

fn check_key(key: &Spanned<String>, subject: Subject, findings: &mut Findings) {
    match subject {
        Subject::Labels => {
            if let Err(why) = names::label_key(&key.value) {
                findings.push(
                    codes::BAD_LABEL_KEY.at(key.span, names::sentence("the label key", &key.value, &why))
                        .help("a label key is `name` or `prefix/name`: `app`, `app.kubernetes.io/name`"),
                );
            }
        }
        Subject::Fields => {
            let whole = Span::new(0, key.value.len());
            if let Err(diagnostic) = vocabulary::parse_path(&key.value, whole) {
                findings.push_within(key, diagnostic);
            }
        }
    }
}

fn check_value(value: &Spanned<String>, subject: Subject, findings: &mut Findings) {
    if subject == Subject::Fields {
        return;
    }
    if let Err(why) = names::label_value(&value.value) {
        findings.push(
            codes::BAD_LABEL_VALUE.at(
                value.span,
                names::sentence("the label value", &value.value, &why),
            )
            .help("nothing can have such a label; selectors compare whole values: say patterns with `when`"),
        );
    }
}
