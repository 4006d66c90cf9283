//! A rule as lints see it: the kinds that it can select, and where each is
//! named.
//!
//! Deliberately without the rule's other conditions (see `question`).

use crate::diagnostic::{Diagnostic, Span};
use crate::k8s::KeyResource;
use crate::k8s::schema::{self, Resource};
use crate::rules::compiled::CompiledRule;
use crate::rules::plan::Plan;
use crate::rules::rule_set::{Exclude, GroupPattern, Rule, RuleSet};

/// One rule and what it is for.
pub struct View<'r> {
    /// Its place among all rules.
    pub at: usize,
    /// As written.
    pub rule: &'r Rule,
    compiled: &'r CompiledRule,
    /// Kubernetes' own kinds that it can select.
    pub kinds: Vec<&'static Resource>,
}

impl<'r> View<'r> {
    /// Every rule of a file.
    pub fn of_all(rules: &'r RuleSet, plan: &'r Plan) -> Vec<View<'r>> {
        let both = rules.rules().zip(plan.rules()).enumerate();
        both.map(|(at, (rule, compiled))| View::of(at, rule, compiled))
            .collect()
    }

    fn of(at: usize, rule: &'r Rule, compiled: &'r CompiledRule) -> View<'r> {
        let of_rule = |resource: &&'static Resource| {
            compiled
                .reach
                .covers_resource(&KeyResource::BuiltIn(resource))
                && (resource.namespaced || !asks_for_namespace(rule))
                && !rule.excludes.iter().any(|own| takes_all_of(own, resource))
        };
        // A rule of named kinds need not be compared with all that there are.
        let named = rule.resources.iter().map(|own| {
            let kind = own.kind.as_ref()?;
            schema::by_kind(&own.group.value, &kind.value)
        });
        let named: Option<Vec<&'static Resource>> = named.collect();
        let kinds = match named.filter(|named| !named.is_empty()) {
            Some(named) => named.into_iter().filter(of_rule).collect(),
            None => schema::resources().iter().filter(of_rule).collect(),
        };
        View {
            at,
            rule,
            compiled,
            kinds,
        }
    }

    /// Whether it can select this kind.
    pub fn selects(&self, group: &str, kind: &str) -> bool {
        self.kind(group, kind).is_some()
    }

    /// The kind, if the rule can select it.
    pub fn kind(&self, group: &str, kind: &str) -> Option<&'static Resource> {
        let mut kinds = self.kinds.iter();
        kinds
            .find(|own| own.group == group && own.kind == kind)
            .copied()
    }

    /// Whether it selects from every group there is.
    pub fn is_of_every_group(&self) -> bool {
        matches!(&self.rule.group.value, GroupPattern::Glob(glob) if glob.bytes().all(|b| b == b'*'))
            && self.rule.resources.is_empty()
    }

    /// Where a group of custom resources is named, and the group; a glob where
    /// it is one.
    pub fn custom(&self) -> Option<(Span, &'r str)> {
        if !self.compiled.reach.selects_custom() {
            return None;
        }
        let listed = self.rule.resources.iter();
        let mut listed = listed.filter(|own| !schema::is_built_in_group(&own.group.value));
        if let Some(first) = listed.next() {
            return Some((first.group.span, first.group.value.as_str()));
        }
        let group = &self.rule.group;
        match &group.value {
            GroupPattern::Exact(name) if schema::is_built_in_group(name) => None,
            GroupPattern::Exact(name) | GroupPattern::Glob(name) => Some((group.span, name)),
        }
    }

    /// The only names that it selects, where it names them all.
    pub fn names(&self) -> Option<&[String]> {
        self.compiled.reach.names()
    }

    /// The only namespaces that it selects from, where it names them all.
    pub fn namespaces(&self) -> Option<&[String]> {
        self.compiled.reach.namespaces()
    }

    /// Where a kind that it selects is named, or the group that it comes by.
    pub fn place(&self, resource: &Resource) -> Span {
        let listed = self.rule.resources.iter();
        let mut of_group = listed.filter(|own| own.group.value == resource.group);
        let kinds = of_group.clone().filter_map(|own| own.kind.as_ref());
        let mut named = kinds.filter(|kind| kind.value == resource.kind);
        match named.next() {
            Some(kind) => kind.span,
            None => of_group.next().map_or(self.rule.group.span, |own| own.span),
        }
    }

    /// A place to point at for what concerns the rule as a whole.
    pub fn head(&self) -> Span {
        self.rule.name.span
    }
}

/// Whether a rule wants its objects to be in a namespace.
pub fn asks_for_namespace(rule: &Rule) -> bool {
    rule.namespace.is_some() || !rule.namespaces.is_empty() || !rule.namespace_selectors.is_empty()
}

/// Whether an exclude leaves nothing of a kind.
fn takes_all_of(exclude: &Exclude, resource: &Resource) -> bool {
    let alone = exclude.name.is_none()
        && exclude.namespace.is_none()
        && exclude.label_selectors.is_empty()
        && exclude.when.is_none();
    let Some(own) = exclude.resource.as_ref().filter(|_| alone) else {
        return false;
    };
    own.group.value == resource.group
        && own.version.is_none()
        && own
            .kind
            .as_ref()
            .is_none_or(|kind| kind.value == resource.kind)
}

/// One finding for all that are concerned: it is made at the first, and counts
/// the others.
pub fn once<'v, 'r: 'v>(
    mut concerned: impl Iterator<Item = &'v View<'r>>,
    found: &mut Vec<Diagnostic>,
    make: impl FnOnce(&View<'r>, &str) -> Diagnostic,
) {
    let Some(first) = concerned.next() else {
        return;
    };
    let second = concerned.next();
    let others = usize::from(second.is_some()) + concerned.count();
    let others = match others {
        0 => String::new(),
        1 => " and another one".to_owned(),
        many => format!(" and {many} others"),
    };
    let diagnostic = make(first, &others);
    found.push(match second {
        Some(second) => diagnostic.also(second.head(), "here, too"),
        None => diagnostic,
    });
}
