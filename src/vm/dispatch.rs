//! The loop: one instruction after the other, and where faults go.
//! Deliberately knows what no instruction computes.

use crate::lang::{Fault, FaultKind, Op, Program, Slots, Value, Verdict};

use super::machine::{Machine, Step};

/// What `program` says of `slots`: the verdict of a predicate, or of an
/// expression whose value is a truth value.
///
/// # Errors
///
/// A fault where the verdict depends on what has no value; it names the
/// instruction and its place in the source.
#[inline]
pub fn eval<'a, S: Slots<'a> + ?Sized>(program: &Program, slots: &S) -> Result<Verdict, Fault> {
    match run(program, slots)? {
        (Value::Bool(value), _) => Ok(value.into()),
        (_, at) => Err(fault(program, FaultKind::NoSuchOverload, at)),
    }
}

/// The value of an expression; of a predicate a truth value.
///
/// # Errors
///
/// As [`eval`].
#[inline]
pub fn evaluate<'a, S: Slots<'a> + ?Sized>(
    program: &Program,
    slots: &S,
) -> Result<Value<'a>, Fault> {
    run(program, slots).map(|(value, _)| value)
}

fn run<'a, S: Slots<'a> + ?Sized>(
    program: &Program,
    slots: &S,
) -> Result<(Value<'a>, usize), Fault> {
    let mut machine = Machine::new(program, slots);
    let code = program.code();
    let mut at = 0;
    while let Some(&op) = code.get(at) {
        let step = match op {
            Op::If(check, o) => machine
                .test(check, o)
                .map(|passes| Step::jump_if(passes, o.target)),
            Op::Unless(check, o) => machine
                .test(check, o)
                .map(|passes| Step::jump_if(!passes, o.target)),
            Op::Always { target } => Ok(Step::Jump(target)),
            Op::Match => return Ok((Value::Bool(true), at)),
            Op::NoMatch => return Ok((Value::Bool(false), at)),
            Op::Return { value } => match machine.read(value) {
                Ok(value) => return Ok((value.clone(), at)),
                Err(kind) => Err(kind),
            },
            Op::Enter { note } => {
                machine.notes.clear(note);
                Ok(Step::Next)
            }
            Op::Raise { note } => match machine.notes.noted(note) {
                None => Ok(Step::Next),
                Some(fault) => {
                    at = hand_on(program, &mut machine, fault, at)?;
                    continue;
                }
            },
            Op::Again { target, .. } => {
                let round = at.saturating_sub(usize::from(target));
                let paid = machine.pay_for_round(round);
                paid.map(|()| Step::Jump(target))
            }
            op => machine.step(op),
        };
        at = match step {
            Ok(Step::Next) => at + 1,
            Ok(Step::Jump(target)) => usize::from(target),
            Err(kind) => hand_on(program, &mut machine, fault(program, kind, at), at)?,
        };
    }
    // Not reached: a verified program ends in a verdict or value.
    Ok((Value::Bool(false), at))
}

#[cold]
fn fault(program: &Program, kind: FaultKind, at: usize) -> Fault {
    let at = u32::try_from(at).unwrap_or(u32::MAX);
    let span = program.span(at);
    Fault { kind, at, span }
}

/// Notes a fault in the innermost region around the instruction, behind which
/// the run goes on. Nothing outlives the end of the fuel.
#[cold]
fn hand_on<'a, S: Slots<'a> + ?Sized>(
    program: &Program,
    machine: &mut Machine<'_, 'a, S>,
    fault: Fault,
    at: usize,
) -> Result<usize, Fault> {
    if fault.kind == FaultKind::OutOfFuel {
        return Err(fault);
    }
    let regions = program.regions();
    let begun = regions.partition_point(|region| usize::from(region.start) <= at);
    let around = regions[..begun].iter().rev();
    let mut around = around.filter(|region| usize::from(region.end) > at);
    let region = around.next().ok_or(fault)?;
    machine.notes.note(region.note, fault);
    Ok(usize::from(region.end))
}
