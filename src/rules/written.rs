//! A condition in CEL beside its meaning, for who wants to see what each part of
//! it comes to.
//!
//! Promises places as offsets in the text of the condition, and the slots of the
//! rule. Deliberately not folded: every part that was written is there.

use crate::diagnostic::Span;
use crate::lang::ast::Expr;
use crate::lang::hir::Node;

use super::rule_set::When;

/// One condition of a rule.
#[derive(Clone, Debug)]
pub struct Written {
    /// Where it stands in the rule: `when`, `excludes[0].when`.
    pub place: String,
    /// Its text.
    pub text: String,
    /// The same as a tree.
    pub tree: Expr,
    /// What it means.
    pub node: Node,
    /// Where each line of the text begins in the file.
    pub lines: Vec<Span>,
    /// The whole of it in the file.
    whole: Span,
    /// Where each part stands in the text and in the file, sorted. Small beside
    /// a map of every character, which nobody needs once rules are compiled.
    parts: Vec<(Span, Span)>,
}

impl Written {
    /// A condition that means `node`.
    pub(super) fn new(place: String, when: &When, node: Node) -> Written {
        let text = &when.text.value;
        let (mut parts, mut open) = (Vec::new(), vec![&when.tree]);
        while let Some(part) = open.pop() {
            parts.push((part.span, when.place(part.span)));
            open.extend(part.parts());
        }
        parts.sort_unstable();
        Written {
            place,
            text: text.clone(),
            tree: when.tree.clone(),
            node,
            lines: line_starts(text).map(|at| when.place(at)).collect(),
            whole: when.text.span,
            parts,
        }
    }

    /// Where a part of it stands in the file.
    pub fn in_file(&self, part: Span) -> Span {
        let found = self.parts.binary_search_by_key(&part, |(own, _)| *own);
        let found = found.ok().and_then(|at| self.parts.get(at));
        found.map_or(self.whole, |(_, place)| *place)
    }
}

/// The first character of each line that is not white space.
fn line_starts(text: &str) -> impl Iterator<Item = Span> + '_ {
    let mut start = 0;
    text.split('\n').map(move |line| {
        let indent = line.len() - line.trim_start().len();
        let at = start + indent;
        start += line.len() + 1;
        Span::new(at, (at + 1).min(start))
    })
}
