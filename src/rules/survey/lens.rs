//! A rule taken apart: its conditions without the excludes, and each exclude.
//!
//! Promises to look closer only where the rule itself does not select:
//! otherwise no exclude holds. Deliberately knows no counts.

use std::collections::HashSet;

use crate::lang::hir::{Node, NodeKind, Predicate, Slot};
use crate::lang::{self, Fault, Program, Slots, Verdict, listing};
use crate::rules::compiled::CompiledRule;
use crate::vm;

/// One rule.
pub struct Lens {
    /// What the rule says but for its excludes; nothing where it has none.
    bare: Option<Program>,
    excludes: Vec<Option<Program>>,
    /// Whether it must be tried whatever an index of whole rules says: what
    /// its excludes leave over may be in the index.
    pub always: bool,
}

/// What a rule says of one key.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    /// It selects it.
    Selected,
    /// These excludes alone keep it from that.
    Excluded(Vec<usize>),
    /// It does not, or that cannot be said.
    Not,
}

impl Lens {
    /// Takes a rule apart.
    pub fn of(rule: &CompiledRule) -> Lens {
        let none = || Lens {
            bare: None,
            excludes: Vec::new(),
            always: false,
        };
        let NodeKind::All(parts) = &rule.predicate.root.kind else {
            return none();
        };
        let Some((last, others)) = parts.split_last() else {
            return none();
        };
        let excludes = match &last.kind {
            NodeKind::Not(any) if last.title == "excludes" => any.parts(),
            _ => return none(),
        };
        let predicate = |root| Predicate {
            root,
            slots: rule.predicate.slots.clone(),
        };
        // A part of what was compiled is compiled, too.
        let program = |folded: &Predicate| lang::compile(folded).ok();
        let bare = lang::fold(&predicate(Node::all(others.to_vec(), rule.span)));
        let excludes = excludes.iter().cloned();
        Lens {
            excludes: excludes
                .map(|own| program(&lang::fold(&predicate(own))))
                .collect(),
            always: !compares_alike(&rule.folded, &bare),
            bare: program(&bare),
        }
    }

    /// How many excludes there are.
    pub fn excludes(&self) -> usize {
        self.excludes.len()
    }

    /// What the rule says, where its whole verdict is known.
    pub fn look<'v>(
        &self,
        verdict: Result<Verdict, Fault>,
        slots: &(impl Slots<'v> + ?Sized),
    ) -> Seen {
        match (verdict, &self.bare) {
            (Ok(Verdict::Match), _) => Seen::Selected,
            (Ok(Verdict::NoMatch), Some(bare)) if holds(bare, slots) => {
                let excludes = self.excludes.iter().enumerate();
                let by =
                    excludes.filter(|(_, own)| own.as_ref().is_some_and(|own| holds(own, slots)));
                Seen::Excluded(by.map(|(at, _)| at).collect())
            }
            _ => Seen::Not,
        }
    }
}

fn holds<'v>(program: &Program, slots: &(impl Slots<'v> + ?Sized)) -> bool {
    vm::eval(program, slots) == Ok(Verdict::Match)
}

/// Whether each comparison that all of a rule depends on is one without its
/// excludes, too.
fn compares_alike(whole: &Predicate, bare: &Predicate) -> bool {
    let is_comparison =
        |node: &&Node| matches!(node.kind, NodeKind::Test { .. } | NodeKind::Compare { .. });
    // By number: names of slots are for people and may coincide.
    let slots: Vec<Slot> = (0..bare.slots.len())
        .map(|number| Slot {
            name: format!("${number}"),
            may_fault: false,
        })
        .collect();
    let said = |predicate: &Predicate| -> HashSet<String> {
        let compared = conditions(&predicate.root).iter().filter(is_comparison);
        compared
            .map(|node| listing::on_one_line(node, &slots))
            .collect()
    };
    said(whole).is_subset(&said(bare))
}

fn conditions(root: &Node) -> &[Node] {
    match &root.kind {
        NodeKind::All(parts) => parts,
        _ => std::slice::from_ref(root),
    }
}
