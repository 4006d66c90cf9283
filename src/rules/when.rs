//! `when`: conditions in CEL, read and checked.
//!
//! Promises that every finding stands at its character in the rules file, in
//! whatever style the YAML scalar is written. Deliberately evaluates nothing,
//! and compiles only to see what can never work.

use super::codes;
use super::constants::never_works;
use super::document::{Entry, Kind, Value};
use super::field_check::{Selected, selected_kinds};
use super::fields::Fields;
use super::findings::Findings;
use super::rule_set::{Exclude, RuleSet, When};
use super::source_map::SourceMap;
use super::variables::{CHECKING, RuleVariables};
use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::lang::ast::{Expr, ExprKind};
use crate::lang::check;
use crate::lang::hir::{NodeKind, Predicate};
use crate::lang::scheme::Fields as Slots;
use crate::lang::{fold_and_report, parse};

/// Reads the field `when`.
pub fn read(fields: &Fields<'_>, findings: &mut Findings<'_>) -> Option<When> {
    let entry = fields.entry("when")?;
    if let Some(found) = no_text(entry) {
        findings.push(found);
        return None;
    }
    let text = fields.text("when", findings)?;
    let places = findings.source_map(&text);
    if let Some(found) = joined_comment(&text, places.as_ref(), findings) {
        findings.push(found);
        return None;
    }
    let tree = match parse::parse(&text.value) {
        Ok(tree) => tree,
        Err(error) => {
            let error = cut_short(&text, error, findings);
            findings.push_within(&text, error);
            return None;
        }
    };
    Some(When { text, tree, places })
}

/// What is said of values that are no expression. One that is empty is not as
/// if it were left out: the rule would select more than was meant.
fn no_text(entry: &Entry) -> Option<Diagnostic> {
    let node = &entry.value;
    let (message, help) = match &node.value {
        Value::Sequence(_) => (
            "`when` must be one expression, not a list",
            "join conditions that must all hold with `&&`, alternatives with `||`",
        ),
        Value::Mapping(_) => (
            "`when` must be an expression, not a mapping",
            "write it as text: in quotes, or in the lines below `when: |`",
        ),
        Value::Scalar(scalar) if node.is_null() || scalar.text.trim().is_empty() => (
            "`when` is empty",
            "write an expression that is `true` for what is meant, or leave `when` out",
        ),
        Value::Scalar(scalar) if scalar.kind() == Kind::Boolean && !is_cel_bool(&scalar.text) => (
            "`when` must be an expression",
            "write `\"true\"` or `\"false\"`",
        ),
        _ => return None,
    };
    let place = match node.head() {
        head if head.start == head.end => entry.key.span,
        head => head,
    };
    Some(codes::WHEN_WITHOUT_EXPRESSION.at(place, message).help(help))
}

fn is_cel_bool(text: &str) -> bool {
    matches!(text, "true" | "false")
}

/// A comment that goes on into lines which stand below it in the file: YAML has
/// joined them, and what they say would be lost without a word.
fn joined_comment(
    text: &Spanned<String>,
    places: Option<&SourceMap>,
    findings: &Findings<'_>,
) -> Option<Diagnostic> {
    for comment in parse::comments(&text.value) {
        let place = places?.span(comment);
        let written = findings.written(place);
        let first = written.lines().next().map_or(0, str::len);
        let mut at = place.start as usize;
        for line in written.split_inclusive('\n') {
            let code = line.trim();
            let start = at + line.find(code).unwrap_or(0);
            at += line.len();
            if !code.is_empty() && !code.starts_with("//") {
                let begin = Span::new(place.start as usize, place.start as usize + first);
                let message = "this line becomes part of the comment above it: YAML joins the two";
                return Some(
                    codes::JOINED_COMMENT.at(Span::new(start, start + code.len()), message)
                        .also(begin, "the comment")
                        .help("write `when: |`, which keeps the ends of lines, or move the comment out of the text, with `#`"),
                );
            }
        }
    }
    None
}

/// What ends too early because YAML has taken the rest as its own comment.
fn cut_short(text: &Spanned<String>, error: Diagnostic, findings: &Findings<'_>) -> Diagnostic {
    let end = text.value.trim_end().len();
    let at_end = error.labels.first().map(|label| label.span.start as usize) == Some(end);
    match at_end && findings.rest_of_line(text.span).trim_start().starts_with('#') {
        true => error.help(
            "` #` begins a comment of YAML: put the whole expression in quotes, or in the lines below `when: |`",
        ),
        false => error,
    }
}

/// Adds what is wrong with the conditions of `rules`.
pub fn check(rules: &RuleSet, findings: &mut Findings<'_>) {
    for rule in rules.rules() {
        let kinds = selected_kinds(rule);
        if let Some(when) = &rule.when {
            condition(when, &RuleVariables::of(rule, &kinds), findings);
        }
        for exclude in &rule.excludes {
            if let Some(when) = &exclude.when {
                let kinds = excluded_kinds(exclude, &kinds);
                condition(when, &RuleVariables::of(rule, &kinds), findings);
            }
        }
    }
}

/// The kinds that an exclude of a rule can leave out.
pub(super) fn excluded_kinds(exclude: &Exclude, kinds: &[Selected]) -> Vec<Selected> {
    let Some(resource) = &exclude.resource else {
        return kinds.to_vec();
    };
    let text = |spanned: &Spanned<String>| spanned.value.clone();
    let kind = resource.kind.as_ref().map(text);
    let only = kind.map(|kind| Selected {
        group: text(&resource.group),
        version: resource.version.as_ref().map(text),
        kind,
    });
    only.into_iter().collect()
}

fn condition(when: &When, variables: &RuleVariables, findings: &mut Findings<'_>) {
    let mut slots = Slots::default();
    let checked = check::predicate(&when.tree, variables, &mut slots, &CHECKING);
    for diagnostic in checked.diagnostics {
        findings.push_within(&when.text, diagnostic);
    }
    if let Some(root) = checked.value {
        let predicate = Predicate {
            root,
            slots: Vec::new(),
        };
        let (folded, faults) = fold_and_report(&predicate);
        if let Some(found) = foregone(&folded, &when.tree) {
            findings.push_within(&when.text, found);
        }
        for fault in faults {
            findings.push_within(&when.text, never_works(&fault, &when.tree));
        }
    }
}

/// A condition that reads nothing in the end. `true` and `false` by themselves
/// are meant.
fn foregone(folded: &Predicate, tree: &Expr) -> Option<Diagnostic> {
    let NodeKind::Const(value) = folded.root.kind else {
        return None;
    };
    let message = format!("this condition is always `{value}`");
    (!matches!(tree.kind, ExprKind::Literal(_))).then(|| {
        codes::FOREGONE
            .at(tree.span, message)
            .help("compare with a field of the object, or leave the condition out")
    })
}
