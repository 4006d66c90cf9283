//! The state of one run, and what each instruction does to it.
//!
//! Promises that a program without registers costs no memory. Deliberately
//! without control flow beyond one step (see `dispatch`).

use std::sync::Arc;

use smallvec::SmallVec;

use crate::lang::container::{self, Entries};
use crate::lang::library;
use crate::lang::{
    Budget, Check, FaultKind, Map, NO_PARENT, Op, Operand, Operands, Place, Program, Slots,
    TypeName, Value, access,
};

use super::builder::Builder;
use super::check;
use super::notes::Notes;

/// Where a run goes on.
pub(super) enum Step {
    /// At the next instruction.
    Next,
    /// There.
    Jump(u16),
}

impl Step {
    #[inline]
    pub(super) fn jump_if(jump: bool, target: u16) -> Step {
        if jump { Step::Jump(target) } else { Step::Next }
    }
}

type Outcome = Result<Step, FaultKind>;

/// So many registers and arguments need no heap.
const INLINE: usize = 6;

/// So many loops within each other need none.
const INLINE_LOOPS: usize = 2;

/// One loop that runs.
struct Iteration<'a> {
    entries: Entries<'a>,
    of_map: bool,
}

pub(super) struct Machine<'s, 'a, S: ?Sized> {
    program: &'s Program,
    slots: &'s S,
    registers: SmallVec<[Value<'a>; INLINE]>,
    builders: Vec<Option<Builder<'a>>>,
    iterations: SmallVec<[Option<Iteration<'a>>; INLINE_LOOPS]>,
    pub(super) notes: Notes,
    budget: Budget,
}

impl<'s, 'a, S: Slots<'a> + ?Sized> Machine<'s, 'a, S> {
    #[inline]
    pub(super) fn new(program: &'s Program, slots: &'s S) -> Self {
        let mut registers = SmallVec::new();
        if program.registers() > 0 {
            registers.resize_with(program.registers(), || Value::Null);
        }
        Machine {
            program,
            slots,
            registers,
            builders: Vec::new(),
            iterations: SmallVec::new(),
            notes: Notes::default(),
            budget: Budget::default(),
        }
    }

    /// The value of an operand, absent or not.
    #[inline]
    fn raw(&self, operand: Operand) -> &Value<'a> {
        match operand.place() {
            Place::Slot(number) => self.slots.value(number),
            Place::Register(number) => self
                .registers
                .get(usize::from(number))
                .unwrap_or(&Value::Null),
            Place::Constant(number) => self.program.constant(number),
        }
    }

    #[inline]
    pub(super) fn read(&self, operand: Operand) -> Result<&Value<'a>, FaultKind> {
        self.raw(operand).present()
    }

    #[inline]
    pub(super) fn test(&mut self, check: Check, o: Operands) -> Result<bool, FaultKind> {
        if check == Check::HasSlot {
            return Ok(self.found(self.raw(o.of), o.constant)?.is_some());
        }
        // A copy of the budget, since the value borrows the machine.
        let mut budget = self.budget;
        let passes = check::passes(self.program, check, o.constant, self.raw(o.of), &mut budget);
        self.budget = budget;
        passes
    }

    fn found<'v>(
        &'v self,
        slot: &'v Value<'a>,
        parent: u16,
    ) -> Result<Option<&'v Value<'a>>, FaultKind> {
        let parent = (parent != NO_PARENT).then(|| self.slots.value(parent));
        access::found(slot, parent)
    }

    #[inline]
    fn write(&mut self, to: u16, value: Value<'a>) -> Outcome {
        if let Some(register) = self.registers.get_mut(usize::from(to)) {
            *register = value;
        }
        Ok(Step::Next)
    }

    /// Pays for a round of a loop whose body has so many instructions: tests
    /// cost nothing by themselves, a quarter of a step here.
    #[inline]
    pub(super) fn pay_for_round(&mut self, instructions: usize) -> Result<(), FaultKind> {
        self.budget.spend(1 + instructions as u64 / 4)
    }

    /// Everything but tests, jumps, notes and ends.
    pub(super) fn step(&mut self, op: Op) -> Outcome {
        self.budget.spend(1)?;
        match op {
            Op::Move { to, from } => self.copy(to, from),
            Op::Field { to, of, name } => self.field(to, of, name),
            Op::OptionalField { to, of, name } => self.optional_field(to, of, name),
            Op::OptionalSlot { to, slot, parent } => self.optional_slot(to, slot, parent),
            Op::Call1 { function, to, a } => self.call1(function, to, a),
            Op::Call2 { function, to, a, b } => self.call2(function, to, (a, b)),
            Op::Call {
                function,
                to,
                first,
                count,
            } => self.call(function, to, first, count),
            Op::Wrap { to, from } => self.wrap(to, from),
            Op::Unwrap { to, from, none } => self.unwrap(to, from, none),
            Op::Iterate { iterator, source } => self.iterate(iterator, source),
            Op::Next { iterator, to, exit } => self.next(iterator, to, exit),
            Op::NextEntry { iterator, to, exit } => self.next_entry(iterator, to, exit),
            Op::Count { register } => self.count(register),
            Op::Undeclared => Err(FaultKind::Undeclared),
            op => self.build(op),
        }
    }

    /// Pays for finding something in a value.
    fn pay_for_look(&mut self, of: Operand) -> Result<(), FaultKind> {
        let cost = container::cost(self.read(of)?);
        self.budget.spend(cost)
    }

    fn copy(&mut self, to: u16, from: Operand) -> Outcome {
        let value = self.read(from)?.clone();
        self.write(to, value)
    }

    fn field(&mut self, to: u16, of: Operand, name: u16) -> Outcome {
        self.pay_for_look(of)?;
        match access::look_up(self.read(of)?, self.program.string(name)) {
            Value::Absent => Err(FaultKind::NoSuchKey),
            Value::Fault(kind) => Err(kind),
            value => self.write(to, value),
        }
    }

    fn optional_field(&mut self, to: u16, of: Operand, name: u16) -> Outcome {
        self.pay_for_look(of)?;
        let value = access::optional_field(self.read(of)?, self.program.string(name))?;
        self.write(to, value)
    }

    fn optional_slot(&mut self, to: u16, slot: u16, parent: u16) -> Outcome {
        let found = self.found(self.slots.value(slot), parent)?.cloned();
        self.write(to, Value::Optional(found.map(Arc::new)))
    }

    fn call1(&mut self, function: crate::lang::function::Function, to: u16, a: Operand) -> Outcome {
        let mut budget = self.budget;
        let value = library::call(function, &[self.read(a)?], &mut budget);
        self.budget = budget;
        self.write(to, value?)
    }

    fn call2(
        &mut self,
        function: crate::lang::function::Function,
        to: u16,
        (a, b): (Operand, Operand),
    ) -> Outcome {
        let mut budget = self.budget;
        let value = library::call(function, &[self.read(a)?, self.read(b)?], &mut budget);
        self.budget = budget;
        self.write(to, value?)
    }

    fn call(
        &mut self,
        function: crate::lang::function::Function,
        to: u16,
        first: u16,
        count: u16,
    ) -> Outcome {
        let (first, count) = (usize::from(first), usize::from(count));
        let args = self.registers.get(first..first + count).unwrap_or_default();
        let args: SmallVec<[&Value<'a>; INLINE]> = args.iter().collect();
        let mut budget = self.budget;
        let value = library::call(function, &args, &mut budget);
        drop(args);
        self.budget = budget;
        self.write(to, value?)
    }

    fn wrap(&mut self, to: u16, from: Operand) -> Outcome {
        let value = Value::some(self.read(from)?.clone());
        self.write(to, value)
    }

    fn unwrap(&mut self, to: u16, from: Operand, none: u16) -> Outcome {
        match self.read(from)? {
            Value::Optional(None) => Ok(Step::Jump(none)),
            Value::Optional(Some(value)) => {
                let value = (**value).clone();
                self.write(to, value)
            }
            _ => Err(FaultKind::NoSuchOverload),
        }
    }

    fn iterate(&mut self, iterator: u8, source: Operand) -> Outcome {
        self.pay_for_look(source)?;
        let source = self.read(source)?;
        let of_map = source.type_name() == TypeName::Map;
        let entries = container::entries(source)?;
        let number = usize::from(iterator);
        if self.iterations.len() <= number {
            self.iterations
                .resize_with(self.program.iterators(), || None);
        }
        if let Some(place) = self.iterations.get_mut(number) {
            *place = Some(Iteration { entries, of_map });
        }
        Ok(Step::Next)
    }

    /// The next entry.
    fn advance(&mut self, iterator: u8) -> Result<Option<(Value<'a>, Value<'a>)>, FaultKind> {
        let place = self.iterations.get_mut(usize::from(iterator));
        let Some(Some(iteration)) = place else {
            return Ok(None);
        };
        iteration.entries.next().transpose()
    }

    fn next(&mut self, iterator: u8, to: u16, exit: u16) -> Outcome {
        let iteration = self.iterations.get_mut(usize::from(iterator));
        let register = self.registers.get_mut(usize::from(to));
        let (Some(Some(iteration)), Some(register)) = (iteration, register) else {
            return Ok(Step::Jump(exit));
        };
        match iteration.of_map {
            true => iteration.entries.next_key(register),
            false => iteration.entries.next_item(register),
        }
        .map(|found| Step::jump_if(!found, exit))
    }

    fn next_entry(&mut self, iterator: u8, to: u16, exit: u16) -> Outcome {
        match self.advance(iterator)? {
            None => Ok(Step::Jump(exit)),
            Some((key, value)) => {
                self.write(to, key)?;
                self.write(to.saturating_add(1), value)
            }
        }
    }

    fn count(&mut self, register: u16) -> Outcome {
        match self.registers.get_mut(usize::from(register)) {
            Some(Value::Int(count)) => *count = count.saturating_add(1),
            _ => return Err(FaultKind::NoSuchOverload),
        }
        Ok(Step::Next)
    }

    fn build(&mut self, op: Op) -> Outcome {
        match op {
            Op::NewList { builder } => self.begin(builder, Builder::List(Vec::new())),
            Op::NewMap { builder } => self.begin(builder, Builder::Map(Map::default())),
            Op::Push { builder, value } => {
                let value = self.read(value)?.clone();
                self.builder(builder)?.push(value)?;
                Ok(Step::Next)
            }
            Op::PushOptional { builder, value } => {
                if let Some(value) = self.taken(value)? {
                    self.builder(builder)?.push(value)?;
                }
                Ok(Step::Next)
            }
            Op::Insert {
                builder,
                key,
                value,
            } => {
                let (key, value) = (self.read(key)?.clone(), self.read(value)?.clone());
                self.builder(builder)?.insert(key, value)?;
                Ok(Step::Next)
            }
            Op::InsertOptional {
                builder,
                key,
                value,
            } => {
                let key = self.read(key)?.clone();
                if let Some(value) = self.taken(value)? {
                    self.builder(builder)?.insert(key, value)?;
                }
                Ok(Step::Next)
            }
            Op::InsertAll { builder, value } => {
                self.pay_for_look(value)?;
                let value = self.read(value)?.clone();
                let count = container::size(&value)?.unwrap_or(0);
                self.budget.spend(count as u64)?;
                self.builder(builder)?.insert_all(&value)?;
                Ok(Step::Next)
            }
            Op::Finish { builder, to } => self.finish(builder, to),
            _ => Ok(Step::Next),
        }
    }

    fn begin(&mut self, number: u8, builder: Builder<'a>) -> Outcome {
        if self.builders.len() <= usize::from(number) {
            self.builders.resize_with(self.program.builders(), || None);
        }
        if let Some(place) = self.builders.get_mut(usize::from(number)) {
            *place = Some(builder);
        }
        Ok(Step::Next)
    }

    fn builder(&mut self, number: u8) -> Result<&mut Builder<'a>, FaultKind> {
        let place = self.builders.get_mut(usize::from(number));
        place.and_then(Option::as_mut).ok_or(FaultKind::TooLarge)
    }

    fn finish(&mut self, number: u8, to: u16) -> Outcome {
        let place = self.builders.get_mut(usize::from(number));
        let builder = place.and_then(Option::take).ok_or(FaultKind::TooLarge)?;
        self.write(to, builder.finish())
    }

    /// The value of an optional, if it has one.
    fn taken(&self, operand: Operand) -> Result<Option<Value<'a>>, FaultKind> {
        match self.read(operand)? {
            Value::Optional(value) => Ok(value.as_ref().map(|value| (**value).clone())),
            _ => Err(FaultKind::NoSuchOverload),
        }
    }
}
