//! `keys`: rules over keys outside of Kubernetes.
//!
//! Promises that such a rule never reaches below the key prefix or to carry's
//! own keys. Deliberately knows nothing of values.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::codes;
use super::fields::{self, Fields};
use super::findings::Findings;
use super::key_range::{KeyRange, normalize, without};
use super::rule_set::{GroupPattern, Rule};
use crate::diagnostic::Spanned;

/// Fields that say something of Kubernetes objects.
const OF_OBJECTS: [&str; 7] = [
    "group",
    "resources",
    "namespace",
    "namespaces",
    "namespaceSelectors",
    "labelSelectors",
    "fieldSelectors",
];

/// Where the keys of carry itself are.
pub(super) const OWN: &str = "/carry/";

/// Where a kube-apiserver, outside of its prefix, keeps what its compaction has
/// reached: of one cluster alone.
pub(super) const COMPACTION: &str = "compact_rev_key";

/// Reads the field `keys`.
pub fn keys(fields: &Fields<'_>, findings: &mut Findings<'_>) -> Vec<Spanned<String>> {
    let Some(entry) = fields.entry("keys") else {
        return Vec::new();
    };
    refuse_selectors(fields, findings);
    let mut keys = Vec::new();
    for node in fields.list("keys", findings) {
        let Some(glob) = fields::text(node, "a key", findings) else {
            continue;
        };
        match problem(&glob.value) {
            Some((message, help)) => {
                findings.push(codes::BAD_KEY_GLOB.at(glob.span, message).help(help));
            }
            None => {
                warn_of_stars(&glob, findings);
                keys.push(glob);
            }
        }
    }
    if keys.is_empty() && !findings.touch(fields.span) {
        findings.push(
            codes::EMPTY_VALUE
                .at(entry.key.span, "`keys` is empty: the rule selects nothing")
                .help("list keys or globs over keys: `- /settings/**`"),
        );
    }
    keys
}

fn refuse_selectors(fields: &Fields<'_>, findings: &mut Findings<'_>) {
    for name in OF_OBJECTS {
        if let Some(entry) = fields.entry(name) {
            let message = format!("`{name}` cannot stand beside `keys`");
            findings.push(codes::MISPLACED_FIELD.at(entry.key.span, message).help(
                "a rule with `keys` selects keys outside of Kubernetes: say more with `when`, over `key` and `value`",
            ));
        }
    }
}

/// Reports what an exclude of a rule over keys says of objects.
pub fn refuse_in_exclude(rule: &Fields<'_>, exclude: &Fields<'_>, findings: &mut Findings<'_>) {
    if rule.entry("keys").is_none() {
        return;
    }
    for name in ["resource", "name", "namespace", "labelSelectors"] {
        if let Some(entry) = exclude.entry(name) {
            let message = format!("`{name}` cannot stand in an exclude of a rule with `keys`");
            findings.push(
                codes::MISPLACED_FIELD
                    .at(entry.key.span, message)
                    .help("say what is left out with `when`, over `key` and `value`"),
            );
        }
    }
}

/// Warns of `**` within a segment, where it stops at slashes like `*`.
fn warn_of_stars(glob: &Spanned<String>, findings: &mut Findings<'_>) {
    if glob
        .value
        .split(['/', ',', '{', '}'])
        .any(|part| part != "**" && part.contains("**"))
    {
        let message = format!(
            "`**` within a segment of `{}` stops at slashes, as `*` does",
            glob.value
        );
        findings.push(
            codes::STARS_WITHIN_SEGMENT
                .at(glob.span, message)
                .help("let it stand alone between slashes: `/settings/**`, `/**/limits`"),
        );
    }
}

/// What is wrong with a glob, and what to do.
fn problem(glob: &str) -> Option<(String, &'static str)> {
    if glob.is_empty() {
        return Some((
            "a key is never empty".to_owned(),
            "write a key, or a glob over keys: `/settings/**`",
        ));
    }
    if glob.contains(['\n', '\r']) {
        return Some((
            "a key with a line break is none that anybody means".to_owned(),
            "write it in the line of its `-`, in quotes where it needs them",
        ));
    }
    if glob.starts_with(OWN) {
        return Some((
            format!("`{glob}` reaches to carry's own keys under `{OWN}`, which are never mirrored"),
            "remove it",
        ));
    }
    let broken = GlobBuilder::new(glob)
        .literal_separator(true)
        .build()
        .err()?;
    let why = broken.kind().to_string().replace('\'', "`");
    Some((
        format!("`{glob}` is not a glob: {why}"),
        "`*` and `?` stop at slashes, `**` does not; `[a-z]` and `{a,b}` are as in shells; a backslash takes a character as it is",
    ))
}

/// What stands in the place of a group, which such a rule has none of.
pub fn no_group(fields: &Fields<'_>) -> Spanned<GroupPattern> {
    Spanned::new(GroupPattern::Exact(String::new()), fields.head)
}

/// The keys of one rule.
#[derive(Clone, Debug)]
pub struct KeyGlobs {
    /// `None` where they are too many for one automaton: the rule's own
    /// condition tries them one by one.
    set: Option<GlobSet>,
    /// What each glob begins with, and whether that is all of it.
    prefixes: Vec<(String, bool)>,
}

impl KeyGlobs {
    /// The keys of `rule`; `None` for a rule over Kubernetes objects.
    pub fn of(rule: &Rule) -> Option<KeyGlobs> {
        if rule.keys.is_empty() {
            return None;
        }
        let mut set = GlobSetBuilder::new();
        for glob in &rule.keys {
            // Those that are not globs have been refused where they were read.
            if let Ok(glob) = GlobBuilder::new(&glob.value)
                .literal_separator(true)
                .build()
            {
                set.add(glob);
            }
        }
        let prefixes = rule.keys.iter().map(|glob| literal_prefix(&glob.value));
        Some(KeyGlobs {
            prefixes: prefixes.collect(),
            set: set.build().ok(),
        })
    }

    /// Whether the key is one of them. Keys that are not UTF-8 are none.
    pub fn matches(&self, key: &[u8]) -> bool {
        let set = self.set.as_ref();
        std::str::from_utf8(key).is_ok_and(|key| set.is_none_or(|set| set.is_match(key)))
    }

    /// Where they are: sorted, disjoint, outside of the key prefix and of
    /// carry's own keys.
    pub fn ranges(&self, prefix: &str) -> Vec<KeyRange> {
        let kubernetes = KeyRange::prefix(format!("{prefix}/"));
        let barred = [
            kubernetes,
            KeyRange::prefix(OWN),
            KeyRange::prefix(COMPACTION),
        ];
        let barred = normalize(barred.into());
        let ranges = self
            .prefixes
            .iter()
            .map(|own| match (own.0.as_str(), own.1) {
                // No key is empty, so that everything begins at the first byte.
                ("", _) => KeyRange {
                    start: vec![0],
                    end: vec![0xff; 16],
                },
                (key, true) => KeyRange::only(key),
                (start, false) => KeyRange::prefix(start),
            });
        let all = normalize(ranges.collect());
        let outside = all.iter().flat_map(|range| without(range, &barred));
        normalize(outside.collect())
    }
}

/// What every key that matches begins with: the glob up to its first special
/// character; and whether it has none.
fn literal_prefix(glob: &str) -> (String, bool) {
    match glob.find(['*', '?', '[', '{', '\\']) {
        Some(end) => (glob.get(..end).unwrap_or("").to_owned(), false),
        None => (glob.to_owned(), true),
    }
}
