//! The loop: one instruction after the other, jumps forward only.

use crate::lang::{Fault, Op, Operands, Program, Slots, Value, Verdict};

use super::notes::Notes;

/// What `program` says of `slots`.
///
/// # Errors
///
/// A fault where the verdict depends on a slot that could not be read; it
/// names the instruction, whose place in the source is [`Program::span`].
pub fn eval<S: Slots + ?Sized>(program: &Program, slots: &S) -> Result<Verdict, Fault> {
    let code = program.code();
    let mut notes = Notes::default();
    let mut at = 0;
    while let Some(&op) = code.get(at) {
        let target = match op {
            Op::Match => return notes.outermost().map_or(Ok(Verdict::Match), Err),
            Op::NoMatch => return Ok(Verdict::NoMatch),
            Op::Always { target } => Some(target),
            Op::EnterList { level } => {
                notes.clear(level);
                None
            }
            Op::LeaveList {
                level,
                outer,
                target,
            } => notes.hand_on(level, outer).then_some(target),
            Op::IfPresent(level, o)
            | Op::UnlessPresent(level, o)
            | Op::IfEqual(level, o)
            | Op::UnlessEqual(level, o)
            | Op::IfIn(level, o)
            | Op::UnlessIn(level, o)
            | Op::IfMatches(level, o)
            | Op::UnlessMatches(level, o) => match slots.value(o.slot) {
                Value::Fault(kind) => {
                    notes.note(level, *kind, at);
                    None
                }
                value => test(program, op, o, value).then_some(o.target),
            },
        };
        at = target.map_or(at + 1, usize::from);
    }
    // Not reached: a verified program ends in a verdict.
    Ok(Verdict::NoMatch)
}

/// Whether a test's jump is taken.
fn test(program: &Program, op: Op, o: Operands, value: &Value<'_>) -> bool {
    match op {
        Op::IfPresent(..) => value.is_present(),
        Op::UnlessPresent(..) => !value.is_present(),
        Op::IfEqual(..) => value.text_is(program.string(o.constant)),
        Op::UnlessEqual(..) => !value.text_is(program.string(o.constant)),
        Op::IfIn(..) => member(program, o, value),
        Op::UnlessIn(..) => !member(program, o, value),
        Op::IfMatches(..) => matches(program, o, value),
        _ => !matches(program, o, value),
    }
}

fn member(program: &Program, o: Operands, value: &Value<'_>) -> bool {
    let set = program.set(o.constant);
    set.is_some_and(|set| value.with_text(|text| set.contains(text)))
}

fn matches(program: &Program, o: Operands, value: &Value<'_>) -> bool {
    let pattern = program.pattern(o.constant);
    pattern.is_some_and(|pattern| value.with_text(|text| pattern.matches(text)))
}
