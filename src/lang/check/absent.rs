//! Warnings about fields that are read where they may be absent.
//!
//! Promises the text of a guard and of a default for each. Deliberately
//! changes nothing itself.

use crate::diagnostic::Diagnostic;
use crate::lang::ast::{Expr, ExprKind};
use crate::lang::codes;
use crate::lang::ty::Type;

use super::checker::Checker;
use super::fixes::empty;
use super::places::{Need, Place, Read, Reads};

/// How many guards one message spells out.
const MAX_GUARDS: usize = 3;

impl<'a> Checker<'a> {
    /// Everything that was found, warnings included.
    pub fn finish(mut self) -> Vec<Diagnostic> {
        let reads = std::mem::take::<Reads<'a>>(&mut self.reads);
        let mut reported: Vec<Place<'a>> = Vec::new();
        for mut read in reads.into_unguarded() {
            read.needs.retain(|need| !reported.contains(&need.place));
            if let Some(first) = read.needs.first() {
                let found = self.may_be_absent(&read, first);
                self.report(found);
            }
            reported.extend(read.needs.into_iter().map(|need| need.place));
        }
        self.diagnostics
    }

    fn may_be_absent(&self, read: &Read<'a>, first: &Need<'a>) -> Diagnostic {
        let field = self.text(first.node);
        let message = if read.tested {
            let test = self.text(read.chain);
            format!("`{field}` may be absent, and then `{test}` is an error")
        } else {
            format!("`{field}` may be absent, and reading it then is an error")
        };
        let mut found = codes::MAY_BE_ABSENT
            .at(first.span, message)
            .label("may be absent");
        for need in read.needs.iter().skip(1) {
            found = found.also(need.span, "may be absent, too");
        }
        let guards = self.guards(&read.needs);
        let instead = match (read.tested, self.with_default(read, first)) {
            (true, Some(test)) => format!(", or ask `{test}`"),
            (false, Some(value)) => format!(", or read `{value}`"),
            (_, None) => String::new(),
        };
        found.help(format!("guard it with `{guards}`{instead}"))
    }

    /// `has(a.b) && 'c' in a.d && …`
    fn guards(&self, needs: &[Need<'a>]) -> String {
        let guards = needs.iter().take(MAX_GUARDS);
        let mut guards: Vec<_> = guards.map(|need| self.one_guard(need.node)).collect();
        guards.push("…".into());
        guards.join(" && ")
    }

    fn one_guard(&self, node: &Expr) -> String {
        match &node.kind {
            _ if is_optional(node) => format!("{}.hasValue()", self.quote(node)),
            ExprKind::Index { operand, index, .. } => {
                format!("{} in {}", self.quote(index), self.quote(operand))
            }
            // Backticks within backticks would be hard to read.
            ExprKind::Select { operand, field, .. } if field.quoted => {
                format!("{:?} in {}", field.name, self.quote(operand))
            }
            _ => format!("has({})", self.text(node)),
        }
    }

    /// The chain with a `?` where it may end early, and what it is then.
    fn with_default(&self, read: &Read<'a>, first: &Need<'a>) -> Option<String> {
        let chain = match (&read.chain.kind, read.tested) {
            (ExprKind::Call { args, .. }, true) => args.first()?,
            _ => read.chain,
        };
        if self.text(chain) == "…" {
            return None;
        }
        let mut chain = chain.clone();
        make_optional(&mut chain, first.node, read.tested);
        if read.tested {
            return Some(format!("{chain}.hasValue()"));
        }
        if matches!(read.ty, Type::Optional(_)) {
            return Some(chain.to_string());
        }
        let default = empty(&read.ty)?;
        Some(format!("{chain}.orValue({default})"))
    }
}

/// Whether a chain has a `?`.
fn is_optional(mut at: &Expr) -> bool {
    while let ExprKind::Select {
        operand, optional, ..
    }
    | ExprKind::Index {
        operand, optional, ..
    } = &at.kind
    {
        if *optional {
            return true;
        }
        at = operand;
    }
    false
}

/// Puts a `?` into the step of `chain` that is `node`, and into the last one
/// too if that is `tested`.
fn make_optional(chain: &mut Expr, node: &Expr, tested: bool) {
    let (mut at, mut last) = (chain, tested);
    loop {
        let this = at.span == node.span || last;
        last = false;
        match &mut at.kind {
            ExprKind::Select {
                operand, optional, ..
            }
            | ExprKind::Index {
                operand, optional, ..
            } => {
                *optional |= this;
                at = operand;
            }
            _ => return,
        }
    }
}
