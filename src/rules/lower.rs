//! From a rule as written to HIR: one small function per part of a rule.
//!
//! Promises that every condition keeps its place in the file and the name that
//! users know it by. Deliberately optimises nothing; that is `lang::fold`'s.

use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::k8s::Path;
use crate::lang::hir::{Node, NodeKind, Predicate, SlotId, Test};
use crate::lang::pattern::{Pattern, PatternError};
use crate::lang::{self, check};

use super::codes;
use super::field_check::{Selected, selected_kinds};
use super::rule_set::{
    Exclude, GroupPattern, Operator, Requirement, ResourceRef, Rule, Selector, When,
};
use super::scope::{Scope, equals, metadata};
use super::slots::SlotSource;
use super::variables::{CHECKING, RuleVariables};
use super::vocabulary;
use super::when::excluded_kinds;
use super::written::Written;

/// A rule's predicates.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The whole rule.
    pub predicate: Predicate,
    /// What its slots stand for.
    pub sources: Vec<SlotSource>,
    /// What the key and the Namespaces alone must satisfy: a necessary
    /// condition for `predicate`, over slots of its own.
    pub gate: Option<(Predicate, Vec<SlotSource>)>,
    /// Its conditions in CEL.
    pub written: Vec<Written>,
}

/// Lowers one rule.
///
/// # Errors
///
/// A diagnostic where a pattern or path cannot be compiled.
pub fn lower(rule: &Rule) -> Result<Lowered, Diagnostic> {
    let mut scope = Scope::default();
    let namespaces = namespace_conditions(rule, &mut scope)?;
    let gate = gate(namespaces, rule.span, scope);

    let mut scope = Scope::default();
    let kinds = selected_kinds(rule);
    let mut parts = Vec::new();
    if rule.keys.is_empty() {
        parts.push(group(&rule.group, &mut scope)?);
    } else {
        parts.push(keys(rule, &mut scope)?);
    }
    if !rule.resources.is_empty() {
        let any = rule.resources.iter().enumerate().map(|(index, resource)| {
            resource_is(resource, &mut scope).titled(format!("resources[{index}]"))
        });
        parts.push(Node::any(any.collect(), rule.span).titled("resources"));
    }
    parts.extend(namespace_conditions(rule, &mut scope)?);
    if !rule.label_selectors.is_empty() {
        parts.push(selectors(
            "labelSelectors",
            &rule.label_selectors,
            Read::Label,
            &mut scope,
        )?);
    }
    if !rule.field_selectors.is_empty() {
        parts.push(selectors(
            "fieldSelectors",
            &rule.field_selectors,
            Read::Field,
            &mut scope,
        )?);
    }
    if let Some(own) = &rule.when {
        let place = "when".to_owned();
        parts.push(when(place, own, rule, &kinds, &mut scope)?);
    }
    if !rule.excludes.is_empty() {
        parts.push(excludes(rule, &kinds, &mut scope)?);
    }
    let root = Node::all(parts, rule.span).titled(rule.name.value.clone());
    let written = std::mem::take(&mut scope.written);
    Ok(Lowered {
        predicate: scope.predicate(root),
        sources: scope.into_sources(),
        gate,
        written,
    })
}

fn gate(parts: Vec<Node>, span: Span, scope: Scope) -> Option<(Predicate, Vec<SlotSource>)> {
    if parts.is_empty() {
        return None;
    }
    let predicate = scope.predicate(Node::all(parts, span));
    Some((predicate, scope.into_sources()))
}

/// A condition in CEL. Its errors have been reported where the file was read.
fn when(
    place: String,
    when: &When,
    rule: &Rule,
    kinds: &[Selected],
    scope: &mut Scope,
) -> Result<Node, Diagnostic> {
    let variables = RuleVariables::of(rule, kinds);
    let checked = check::predicate(&when.tree, &variables, scope, &CHECKING);
    let Some(node) = checked.value else {
        return Err(refused(when, checked.diagnostics));
    };
    scope.written.push(Written::new(place, when, node.clone()));
    let mut node = folded(node);
    node.relocate(&|within| when.place(within));
    let joined = match node.kind {
        NodeKind::All(_) => node,
        _ => Node::all(vec![node], when.text.span),
    };
    Ok(joined.titled("when"))
}

/// The first of what was found, at its place in the file.
fn refused(when: &When, found: Vec<Diagnostic>) -> Diagnostic {
    let Some(mut first) = found.into_iter().next() else {
        return codes::TOO_LARGE
            .at(when.text.span, "`when` cannot be compiled")
            .help("write it simpler");
    };
    for label in &mut first.labels {
        label.span = when.place(label.span);
    }
    first
}

/// A trace reads better with comparisons than with calls of constants.
fn folded(root: Node) -> Node {
    let slots = Vec::new();
    lang::fold(&Predicate { root, slots }).root
}

fn keys(rule: &Rule, scope: &mut Scope) -> Result<Node, Diagnostic> {
    let slot = scope.slot(SlotSource::Key);
    let mut any = Vec::new();
    for glob in &rule.keys {
        let test = match glob.value.contains(['*', '?', '[', ']', '{', '}', '\\']) {
            true => {
                let pattern = Pattern::path(&glob.value);
                Test::Matches(pattern.map_err(|error| unusable(error, glob.span))?)
            }
            false => Test::Equals(glob.value.as_str().into()),
        };
        any.push(Node::test(slot, test, glob.span));
    }
    Ok(Node::any(any, rule.span).titled("keys"))
}

fn group(pattern: &Spanned<GroupPattern>, scope: &mut Scope) -> Result<Node, Diagnostic> {
    let test = match &pattern.value {
        GroupPattern::Exact(group) => Test::Equals(group.as_str().into()),
        GroupPattern::Glob(glob) if glob.bytes().all(|b| b == b'*') => {
            return Ok(Node::new(NodeKind::Const(true), pattern.span).titled("group"));
        }
        GroupPattern::Glob(glob) => {
            Test::Matches(Pattern::dotted(glob).map_err(|error| unusable(error, pattern.span))?)
        }
    };
    Ok(Node::test(scope.slot(SlotSource::Group), test, pattern.span).titled("group"))
}

fn unusable(error: PatternError, span: Span) -> Diagnostic {
    codes::TOO_LARGE
        .at(span, error.to_string())
        .help("write a shorter pattern")
}

fn resource_is(resource: &ResourceRef, scope: &mut Scope) -> Node {
    let mut parts = vec![equals(SlotSource::Group, &resource.group, scope)];
    if let Some(version) = &resource.version {
        parts.push(equals(SlotSource::Version, version, scope));
    }
    if let Some(kind) = &resource.kind {
        parts.push(equals(SlotSource::Kind, kind, scope));
    }
    Node::all(parts, resource.span)
}

/// Conditions that the key and the Namespaces decide. As in etcd-carry,
/// `namespace` takes the place of `namespaceSelectors`.
fn namespace_conditions(rule: &Rule, scope: &mut Scope) -> Result<Vec<Node>, Diagnostic> {
    let mut parts = Vec::new();
    if let Some(namespace) = &rule.namespace {
        parts.push(equals(metadata("namespace"), namespace, scope).titled("namespace"));
    }
    if !rule.namespaces.is_empty() {
        let slot = scope.slot(metadata("namespace"));
        let names = rule
            .namespaces
            .iter()
            .map(|name| namespace_name(name, slot));
        parts.push(Node::any(names.collect::<Result<_, _>>()?, rule.span).titled("namespaces"));
    }
    if rule.namespace.is_none() && !rule.namespace_selectors.is_empty() {
        // A Namespace that does not exist matches no selector, not even a
        // negative one; nor does an object without a namespace.
        let exists = scope.slot(SlotSource::Namespace);
        let exists = Node::test(exists, Test::Present, rule.span);
        let read = Read::NamespaceLabel;
        let any = selectors("", &rule.namespace_selectors, read, scope)?;
        let all = Node::all(vec![exists, any], rule.span);
        parts.push(all.titled("namespaceSelectors"));
    }
    Ok(parts)
}

fn namespace_name(name: &Spanned<String>, slot: SlotId) -> Result<Node, Diagnostic> {
    let test = if name.value.contains(['*', '?', '[', '{']) {
        Test::Matches(Pattern::shell(&name.value).map_err(|error| unusable(error, name.span))?)
    } else {
        Test::Equals(name.value.as_str().into())
    };
    Ok(Node::test(slot, test, name.span))
}

/// What the keys of a selector name.
#[derive(Clone, Copy)]
enum Read {
    Label,
    Field,
    NamespaceLabel,
}

fn selectors(
    title: &str,
    from: &[Selector],
    read: Read,
    scope: &mut Scope,
) -> Result<Node, Diagnostic> {
    let span = from
        .iter()
        .map(|selector| selector.span)
        .reduce(Span::to)
        .unwrap_or_default();
    let any = from
        .iter()
        .map(|from| selector(from, read, scope))
        .collect::<Result<_, _>>()?;
    Ok(Node::any(any, span).titled(title))
}

fn selector(from: &Selector, read: Read, scope: &mut Scope) -> Result<Node, Diagnostic> {
    let all = from
        .requirements
        .iter()
        .map(|from| requirement(from, read, scope));
    Ok(Node::all(all.collect::<Result<_, _>>()?, from.span))
}

fn requirement(from: &Requirement, read: Read, scope: &mut Scope) -> Result<Node, Diagnostic> {
    let source = match read {
        Read::Label => SlotSource::Field(Path::label(&from.key.value)),
        Read::NamespaceLabel => SlotSource::NamespaceLabel(from.key.value.as_str().into()),
        Read::Field => {
            SlotSource::Field(vocabulary::parse_path(&from.key.value, from.key.span)?.path())
        }
    };
    let slot = scope.slot(source);
    let one_of = || match from.values.as_slice() {
        [only] => Test::Equals(only.value.as_str().into()),
        values => Test::OneOf(
            values
                .iter()
                .map(|value| value.value.as_str().into())
                .collect(),
        ),
    };
    Ok(match from.operator {
        Operator::In => Node::test(slot, one_of(), from.span),
        Operator::NotIn => Node::test(slot, one_of(), from.span).negated(),
        Operator::Exists => Node::test(slot, Test::Present, from.span),
        Operator::DoesNotExist => Node::test(slot, Test::Present, from.span).negated(),
    })
}

fn excludes(rule: &Rule, kinds: &[Selected], scope: &mut Scope) -> Result<Node, Diagnostic> {
    let mut any = Vec::new();
    for (index, from) in rule.excludes.iter().enumerate() {
        let mut parts = exclude(from, scope)?;
        if let Some(own) = &from.when {
            let kinds = excluded_kinds(from, kinds);
            let place = format!("excludes[{index}].when");
            parts.push(when(place, own, rule, &kinds, scope)?);
        }
        any.push(Node::all(parts, from.span).titled(format!("excludes[{index}]")));
    }
    Ok(Node::any(any, rule.span).negated().titled("excludes"))
}

/// As in etcd-carry, `name` takes the place of `labelSelectors`.
fn exclude(from: &Exclude, scope: &mut Scope) -> Result<Vec<Node>, Diagnostic> {
    let mut parts = Vec::new();
    if let Some(resource) = &from.resource {
        parts.push(resource_is(resource, scope));
    }
    if let Some(name) = &from.name {
        parts.push(equals(metadata("name"), name, scope));
    }
    if let Some(namespace) = &from.namespace {
        parts.push(equals(metadata("namespace"), namespace, scope));
    }
    if from.name.is_none() && !from.label_selectors.is_empty() {
        parts.push(selectors("", &from.label_selectors, Read::Label, scope)?);
    }
    Ok(parts)
}
