//! From HIR to bytecode: one small function per kind of node.
//!
//! Every node is generated in one shape: "jump to the target if its truth is
//! `sense`, else fall through". A fault falls through as well, after it has
//! been noted at the level of the list around the node; so the commutative
//! `all` and `any` of [`super::hir`] cost nothing where nothing can fault.

use crate::diagnostic::Span;

use super::constants::Constants;
use super::hir::{Node, NodeKind, Predicate, SlotId, Test};
use super::program::{Draft, MAX_LEVELS, Op, Operands};
use super::verify::VerifyError;

/// A predicate that bytecode cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// More instructions, constants or slots than 16 bits count.
    #[error("it is too large: at most 65,535 comparisons, constants and slots each")]
    TooLarge,
    /// Lists in lists in lists.
    #[error("it is nested too deeply: at most {MAX_LEVELS} lists in lists")]
    TooDeep,
    /// A defect of carry itself.
    #[error("the compiled form failed verification (a defect of carry): {0}")]
    Unverified(VerifyError),
}

pub(super) fn generate(predicate: &Predicate) -> Result<Draft, CompileError> {
    if predicate.slots.len() > usize::from(u16::MAX) {
        return Err(CompileError::TooLarge);
    }
    let draft = Draft {
        slots: predicate.slots.clone(),
        ..Draft::default()
    };
    let mut generator = Generator {
        draft,
        constants: Constants::default(),
        labels: Vec::new(),
    };
    let no_match = generator.label();
    generator.node(
        &predicate.root,
        Exit {
            sense: false,
            label: no_match,
            level: 0,
        },
    )?;
    generator.push(Op::Match, predicate.root.span)?;
    generator.place(no_match)?;
    generator.push(Op::NoMatch, predicate.root.span)?;
    generator.finish()
}

/// Where a node leaves to when its truth is `sense`, and the level of the list
/// around it.
#[derive(Clone, Copy)]
struct Exit {
    sense: bool,
    label: Label,
    level: u8,
}

/// A place in the code that may not be known yet.
#[derive(Clone, Copy)]
struct Label(u16);

struct Generator {
    /// Jump targets hold label numbers until `finish`.
    draft: Draft,
    constants: Constants,
    labels: Vec<u16>,
}

impl Generator {
    fn node(&mut self, node: &Node, exit: Exit) -> Result<(), CompileError> {
        match &node.kind {
            NodeKind::Const(value) => self.constant(*value, node.span, exit),
            NodeKind::Test { slot, test } => self.test(*slot, test, node.span, exit),
            NodeKind::Not(part) => self.node(
                part,
                Exit {
                    sense: !exit.sense,
                    ..exit
                },
            ),
            NodeKind::All(parts) => self.list(parts, false, node, exit),
            NodeKind::Any(parts) => self.list(parts, true, node, exit),
        }
    }

    fn constant(&mut self, value: bool, span: Span, exit: Exit) -> Result<(), CompileError> {
        if value == exit.sense {
            self.push(
                Op::Always {
                    target: exit.label.0,
                },
                span,
            )?;
        }
        Ok(())
    }

    fn test(
        &mut self,
        slot: SlotId,
        test: &Test,
        span: Span,
        exit: Exit,
    ) -> Result<(), CompileError> {
        let constant = match test {
            Test::Present => 0,
            Test::Equals(text) => self.constants.string(text),
            Test::OneOf(texts) => self.constants.set(texts),
            Test::Matches(pattern) => self.constants.pattern(pattern),
        };
        let constant = u16::try_from(constant).map_err(|_| CompileError::TooLarge)?;
        let operands = Operands {
            slot: slot.0,
            constant,
            target: exit.label.0,
        };
        let op = match (test, exit.sense) {
            (Test::Present, true) => Op::IfPresent,
            (Test::Present, false) => Op::UnlessPresent,
            (Test::Equals(_), true) => Op::IfEqual,
            (Test::Equals(_), false) => Op::UnlessEqual,
            (Test::OneOf(_), true) => Op::IfIn,
            (Test::OneOf(_), false) => Op::UnlessIn,
            (Test::Matches(_), true) => Op::IfMatches,
            (Test::Matches(_), false) => Op::UnlessMatches,
        };
        self.push(op(exit.level, operands), span)
    }

    /// `decisive` is the truth of a part that decides the whole list.
    fn list(
        &mut self,
        parts: &[Node],
        decisive: bool,
        node: &Node,
        exit: Exit,
    ) -> Result<(), CompileError> {
        let behind = self.label();
        let guarded = self.may_fault(node);
        let level = if guarded {
            self.deeper(exit.level)?
        } else {
            exit.level
        };
        if guarded {
            self.push(Op::EnterList { level }, node.span)?;
        }
        let decided = if exit.sense == decisive {
            exit.label
        } else {
            behind
        };
        for part in parts {
            self.node(
                part,
                Exit {
                    sense: decisive,
                    label: decided,
                    level,
                },
            )?;
        }
        if guarded {
            let leave = Op::LeaveList {
                level,
                outer: exit.level,
                target: behind.0,
            };
            self.push(leave, node.span)?;
        }
        if exit.sense != decisive {
            self.push(
                Op::Always {
                    target: exit.label.0,
                },
                node.span,
            )?;
        }
        self.place(behind)
    }

    fn deeper(&mut self, level: u8) -> Result<u8, CompileError> {
        let deeper = level + 1;
        if deeper >= MAX_LEVELS {
            return Err(CompileError::TooDeep);
        }
        Ok(deeper)
    }

    fn may_fault(&self, node: &Node) -> bool {
        match &node.kind {
            NodeKind::Test { slot, .. } => self
                .draft
                .slots
                .get(usize::from(slot.0))
                .is_none_or(|slot| slot.may_fault),
            _ => node.parts().iter().any(|part| self.may_fault(part)),
        }
    }

    fn label(&mut self) -> Label {
        let id = self.labels.len();
        self.labels.push(u16::MAX);
        Label(u16::try_from(id).unwrap_or(u16::MAX))
    }

    fn place(&mut self, label: Label) -> Result<(), CompileError> {
        let at = self.here()?;
        *self
            .labels
            .get_mut(usize::from(label.0))
            .ok_or(CompileError::TooLarge)? = at;
        Ok(())
    }

    fn push(&mut self, op: Op, span: Span) -> Result<(), CompileError> {
        self.here()?;
        self.draft.code.push(op);
        self.draft.spans.push(span);
        Ok(())
    }

    fn here(&self) -> Result<u16, CompileError> {
        match u16::try_from(self.draft.code.len()) {
            Ok(at) if at < u16::MAX => Ok(at),
            _ => Err(CompileError::TooLarge),
        }
    }

    /// Puts places for labels, and takes in the constants.
    fn finish(mut self) -> Result<Draft, CompileError> {
        if self.labels.len() >= usize::from(u16::MAX) {
            return Err(CompileError::TooLarge);
        }
        let may_fault = self.draft.slots.iter().any(|slot| slot.may_fault);
        self.draft.levels = if may_fault { MAX_LEVELS } else { 0 };
        for op in &mut self.draft.code {
            if let Some(target) = op.target_mut() {
                *target = self
                    .labels
                    .get(usize::from(*target))
                    .copied()
                    .unwrap_or(u16::MAX);
            }
        }
        self.draft.take_constants(self.constants);
        Ok(self.draft)
    }
}
