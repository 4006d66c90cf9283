//! What all rules of a file together can select: which kinds an object's owner
//! may be of to be mirrored too.
//!
//! Promises to count a kind as carried where any rule may select it.
//! Deliberately looks at kinds alone: an owner that is not mirrored itself has
//! its dependents deleted by the destination's garbage collector.

use std::collections::{BTreeMap, BTreeSet};

use crate::k8s::{KeyResource, schema};

use super::reach::Reach;
use super::rule_set::{GroupPattern, Rule};

/// The kinds that the rules of a file can select.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    service_accounts: bool,
    /// Conditions in CEL over `owner`, alternatives.
    owners: BTreeSet<String>,
    /// Kinds that are named, by their groups.
    kinds: BTreeMap<String, BTreeSet<String>>,
}

impl Carried {
    /// Those of `rules`, each with its reach.
    pub fn of<'r>(rules: impl Iterator<Item = (&'r Rule, &'r Reach)>) -> Carried {
        let accounts = schema::by_kind("", "ServiceAccount");
        let mut carried = Carried::default();
        for (rule, reach) in rules.filter(|(_, reach)| reach.keys().is_none()) {
            carried.service_accounts |= accounts
                .is_some_and(|accounts| reach.covers_resource(&KeyResource::BuiltIn(accounts)));
            carried.add(rule);
        }
        carried
    }

    /// What owners of a kind that `rule` selects look like.
    fn add(&mut self, rule: &Rule) {
        if rule.resources.is_empty() {
            self.owners.insert(match &rule.group.value {
                GroupPattern::Exact(group) => of_group(group),
                GroupPattern::Glob(glob) => of_glob(glob),
            });
        }
        for own in &rule.resources {
            let group = &own.group.value;
            match &own.kind {
                Some(kind) => {
                    let kinds = self.kinds.entry(group.clone()).or_default();
                    kinds.insert(kind.value.clone());
                }
                None => drop(self.owners.insert(of_group(group))),
            }
        }
    }

    /// Whether ServiceAccounts may be selected.
    pub fn service_accounts(&self) -> bool {
        self.service_accounts
    }

    /// Whether the kind of `owner`, in CEL, is one that is selected; `None`
    /// where none is.
    pub fn owners(&self) -> Option<String> {
        let of_kinds = self.kinds.iter().map(|(group, kinds)| {
            let kinds: Vec<String> = kinds.iter().map(|kind| quoted(kind)).collect();
            format!(
                "{} && owner.kind in [{}]",
                of_group(group),
                kinds.join(", ")
            )
        });
        let all: Vec<String> = self.owners.iter().cloned().chain(of_kinds).collect();
        (!all.is_empty()).then(|| any_of(&all))
    }
}

/// Alternatives as a tree of little depth, which is limited.
fn any_of(all: &[String]) -> String {
    match all {
        [] => "false".to_owned(),
        [only] => format!("({only})"),
        several => {
            let (first, second) = several.split_at(several.len() / 2);
            format!("({} || {})", any_of(first), any_of(second))
        }
    }
}

fn of_group(group: &str) -> String {
    match group {
        "" => "!owner.apiVersion.contains('/')".to_owned(),
        group => format!(
            "owner.apiVersion.startsWith({})",
            quoted(&format!("{group}/"))
        ),
    }
}

/// A glob's `*` stops at dots, `**` does not; alone they are every group.
fn of_glob(glob: &str) -> String {
    if glob.bytes().all(|byte| byte == b'*') {
        return "true".to_owned();
    }
    let mut pattern = String::from("^");
    let mut rest = glob;
    while let Some(next) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("**") {
            pattern.push_str("[^/]*");
            rest = after.trim_start_matches('*');
            continue;
        }
        match next {
            '*' => pattern.push_str("[^./]*"),
            other => pattern.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
        rest = rest.get(next.len_utf8()..).unwrap_or_default();
    }
    pattern.push('/');
    format!("owner.apiVersion.matches({})", quoted(&pattern))
}

/// A text as CEL writes it; names of groups and kinds are plain.
fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        if matches!(c, '\'' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out + "'"
}
