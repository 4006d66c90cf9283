//! What the solver has decided, in words.
//!
//! Promises nothing but what was decided (see `rules::claims`). Deliberately
//! leaves out what another finding explains already.

use super::view::View;
use crate::diagnostic::{Diagnostic, Span};
use crate::rules::claims::{Claim, Part, Why};
use crate::rules::codes;
use crate::rules::policy::Policy;
use crate::rules::rule_set::RuleId;

/// Adds the claims that `found` and `before` do not explain.
pub fn check(
    views: &[View<'_>],
    claims: Vec<Claim>,
    before: &[Diagnostic],
    found: &mut Vec<Diagnostic>,
) {
    let explained = Explained::by(before.iter().chain(found.iter()));
    let emptied: Vec<RuleId> = claims.iter().filter_map(emptied).collect();
    for claim in claims {
        let twice = matches!(&claim, Claim::Never { rule, .. } if emptied.contains(rule));
        let Some(view) = views.get(claim.rule().0 as usize) else {
            continue;
        };
        let made = Words { views, view }.of(&claim);
        if !twice && !explained.within(place(view, &claim)) {
            found.push(made);
        }
    }
}

/// The rule of which an exclude leaves nothing: that says it all.
fn emptied(claim: &Claim) -> Option<RuleId> {
    match claim {
        Claim::ExcludesAll { rule, .. } => Some(*rule),
        _ => None,
    }
}

/// Where things are that have been found to select nothing.
struct Explained(Vec<u32>);

impl Explained {
    fn by<'d>(found: impl Iterator<Item = &'d Diagnostic>) -> Explained {
        let codes = [
            codes::UNKNOWN_KIND,
            codes::OTHER_VERSION,
            codes::UNKNOWN_GROUP,
            codes::FOREIGN_GROUP,
            codes::UNREACHABLE_KEYS,
            codes::NO_NAMESPACE_OF_KIND,
            codes::EXCLUDES_EVERYTHING,
            codes::SELECTS_EVERYTHING,
            codes::FOREGONE,
        ];
        let places = found.filter(|own| codes.contains(&own.code));
        let starts = places.map(|own| own.place().start);
        let mut starts: Vec<u32> = starts.collect();
        starts.sort_unstable();
        Explained(starts)
    }

    fn within(&self, span: Span) -> bool {
        let after = self.0.partition_point(|start| *start < span.start);
        self.0
            .get(after)
            .is_some_and(|start| *start < span.end.max(span.start + 1))
    }
}

/// The part of the file that a claim is about.
fn place(view: &View<'_>, claim: &Claim) -> Span {
    match claim {
        Claim::Never { .. } | Claim::KeptOut { .. } | Claim::Shadowed { .. } => view.rule.span,
        Claim::AlwaysTrue { part, .. }
        | Claim::AlwaysFalse { part, .. }
        | Claim::Covered { part, .. } => part.span,
        Claim::ExcludesNothing { span, .. } | Claim::ExcludesAll { span, .. } => *span,
    }
}

/// Finds words for claims of one rule.
struct Words<'v, 'r> {
    views: &'v [View<'r>],
    view: &'v View<'r>,
}

impl Words<'_, '_> {
    fn of(&self, claim: &Claim) -> Diagnostic {
        match claim {
            Claim::Never { core, .. } => self.never(core),
            Claim::KeptOut { policies, .. } => self.kept_out(policies),
            Claim::AlwaysTrue { part, .. } => codes::ALWAYS_TRUE
                .at(
                    part.span,
                    "this condition says nothing: it holds wherever the rule's others do",
                )
                .help("remove it, or write what was meant"),
            Claim::AlwaysFalse { part, .. } => codes::NEVER_TRUE
                .at(
                    part.span,
                    "this alternative never holds where the rule's other conditions do",
                )
                .help("remove it, or write what was meant"),
            Claim::Shadowed { by, identical, .. } => self.shadowed(by, *identical),
            Claim::ExcludesNothing {
                exclude,
                span,
                because,
                ..
            } => self.excludes_nothing(*exclude, *span, because),
            Claim::ExcludesAll { exclude, span, .. } => codes::EXCLUDES_EVERYTHING
                .at(
                    *span,
                    format!("`excludes[{exclude}]` leaves nothing of the rule"),
                )
                .help("say more exactly what is left out, or remove the rule"),
            Claim::Covered { part, by, .. } => codes::COVERED_ALTERNATIVE
                .at(
                    part.span,
                    format!(
                        "`{}` adds nothing: whatever it matches, `{}` matches",
                        part.title, by.title
                    ),
                )
                .also(by.span, "this one matches more")
                .help(
                    "remove it, or write what was meant: the entries of this list are alternatives",
                ),
        }
    }

    fn never(&self, core: &[Part]) -> Diagnostic {
        match core {
            [] => codes::MATCHES_NOTHING
                .at(self.view.head(), "this rule selects nothing")
                .help(
                    "no object can satisfy all of its conditions: change one, or remove the rule",
                ),
            [only] => codes::MATCHES_NOTHING
                .at(
                    only.span,
                    format!("this rule selects nothing: `{}` never holds", only.title),
                )
                .help("write what was meant, or remove the rule"),
            [first, rest @ ..] => {
                let message = format!(
                    "this rule selects nothing: {} contradict each other",
                    listed(core.iter().map(|part| part.title.as_str()))
                );
                let found = codes::MATCHES_NOTHING.at(first.span, message);
                let found = rest.iter().fold(found.label("cannot hold"), |found, part| {
                    found.also(part.span, "where this does")
                });
                found.help(
                    "all conditions of a rule must hold: change one of them, or make two rules",
                )
            }
        }
    }

    fn kept_out(&self, policies: &[Policy]) -> Diagnostic {
        let names = listed(policies.iter().map(|policy| policy.name()));
        let (keep, settings) = match policies {
            [one] => ("keeps", mirrored(*one)),
            several => {
                let settings = several.iter().copied().map(mirrored);
                ("keep", settings.collect::<Vec<_>>().join(", "))
            }
        };
        let message = format!(
            "nothing of this rule is mirrored: the {} {names} {keep} out whatever it selects",
            if policies.len() == 1 {
                "policy"
            } else {
                "policies"
            },
        );
        codes::KEPT_OUT.at(self.view.head(), message).help(format!(
            "mirror such objects all the same with `policy: {{{settings}}}`, or remove the rule"
        ))
    }

    fn shadowed(&self, by: &[RuleId], identical: bool) -> Diagnostic {
        let earlier: Vec<&View<'_>> = by
            .iter()
            .filter_map(|rule| self.views.get(rule.0 as usize))
            .collect();
        let names = listed(earlier.iter().map(|view| view.rule.name.value.as_str()));
        let (code, message) = match identical {
            true => (
                codes::SAME_RULE,
                format!("this rule selects exactly what {names} selects, which comes first"),
            ),
            false => (
                codes::SHADOWED,
                format!(
                    "whatever this rule selects, {names} {} before it",
                    if earlier.len() == 1 {
                        "selects"
                    } else {
                        "select"
                    }
                ),
            ),
        };
        let found = code.at(self.view.head(), message);
        let found = earlier.iter().fold(found, |found, view| {
            found.also(view.head(), "tried earlier")
        });
        found.help(
            "the first rule that selects a key decides: remove this one, or write what was meant",
        )
    }

    fn excludes_nothing(&self, exclude: usize, span: Span, because: &Why) -> Diagnostic {
        match because {
            Why::OtherKind => codes::EXCLUDES_OTHER_KIND
                .at(
                    span,
                    format!("`excludes[{exclude}]` names a kind that this rule does not select"),
                )
                .help("remove it, or name a kind of the rule's `resources`"),
            Why::CoveredBy(other) => {
                let found = codes::EXCLUDES_NOTHING.at(
                    span,
                    format!("`excludes[{exclude}]` adds nothing: `excludes[{other}]` leaves all of that out"),
                );
                let other = self.view.rule.excludes.get(*other).map(|own| own.span);
                let found = match other {
                    Some(other) => found.also(other, "this one leaves out more"),
                    None => found,
                };
                found.help("remove it, or write what was meant")
            }
            Why::Contradicts(parts) => {
                let message = match parts.as_slice() {
                    [] => format!("`excludes[{exclude}]` leaves nothing out: it never holds"),
                    parts => format!(
                        "`excludes[{exclude}]` leaves nothing out: it contradicts {}",
                        listed(parts.iter().map(|part| part.title.as_str()))
                    ),
                };
                let found = codes::EXCLUDES_NOTHING.at(span, message);
                let found = parts.iter().fold(found, |found, part| {
                    found.also(part.span, "the rule wants this")
                });
                found.help("remove it, or write what was meant")
            }
        }
    }
}

/// `` `a`, `b` and `c` ``
fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// The setting by which a policy keeps nothing out.
fn mirrored(policy: Policy) -> String {
    let word = match policy {
        Policy::PersistentVolumes => "retain",
        Policy::Services => "reallocate",
        _ => "mirror",
    };
    format!("{policy}: {word}")
}
