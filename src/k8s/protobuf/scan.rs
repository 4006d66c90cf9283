//! One pass over an object's bytes that fills the slots of a plan.
//!
//! Promises that every field is read to the end: a later one may replace or
//! extend an earlier one, so there is no early exit.

use std::borrow::Cow;

use super::super::field::Field;
use super::super::schema::Scalar;
use super::plan::{Missing, Node, Plan, Shape, Target, bit};
use super::wire::{Malformed, Reader, Value, entry};

/// Queries with more lists than this allocate their counters.
const INLINE_COUNTERS: usize = 8;

/// Fills the slots of `plan`, which hold `Absent` before.
pub(crate) fn scan<'a>(
    plan: &Plan,
    object: &'a [u8],
    out: &mut [Field<'a>],
) -> Result<(), Malformed> {
    let mut inline = [0u32; INLINE_COUNTERS];
    let mut heap = Vec::new();
    let counters = match inline.get_mut(..plan.counters as usize) {
        Some(counters) => counters,
        None => {
            heap.resize(plan.counters as usize, 0);
            heap.as_mut_slice()
        }
    };
    Walk { out, counters }.message(&plan.root, object)
}

struct Walk<'a, 'o> {
    out: &'o mut [Field<'a>],
    /// How many elements of each list have been seen.
    counters: &'o mut [u32],
}

impl<'a> Walk<'a, '_> {
    fn message(&mut self, node: &Node, bytes: &'a [u8]) -> Result<(), Malformed> {
        self.establish(node);
        let mut reader = Reader::new(bytes);
        while let Some((number, value)) = reader.field()? {
            if number < 64 && node.mask & bit(number) == 0 {
                continue;
            }
            if let Some(edge) = node.edges.iter().find(|edge| edge.number == number) {
                self.shape(&edge.shape, value)?;
            }
        }
        Ok(())
    }

    /// The message is there: fields that JSON always shows are no longer
    /// absent.
    fn establish(&mut self, node: &Node) {
        for &(slot, default) in &node.defaults {
            if let Some(field) = self.out.get_mut(slot as usize)
                && *field == Field::Absent
            {
                *field = default_field(default);
            }
        }
    }

    #[inline]
    fn set(&mut self, slot: Option<u32>, field: Field<'a>) {
        if let Some(place) = slot.and_then(|slot| self.out.get_mut(slot as usize)) {
            *place = field;
        }
    }

    fn shape(&mut self, shape: &Shape, value: Value<'a>) -> Result<(), Malformed> {
        match shape {
            Shape::One(target) => self.target(target, value),
            Shape::Map { whole, entries } => {
                self.set(*whole, Field::Composite);
                self.entry(entries, value.bytes()?)
            }
            Shape::List {
                counter,
                whole,
                items,
                packed,
            } => match (packed, value) {
                (Some(scalar), Value::Bytes(bytes))
                    if !matches!(scalar, Scalar::String | Scalar::Bytes) =>
                {
                    self.packed(*counter, *whole, items, *scalar, bytes)
                }
                _ => self.item(*counter, *whole, items, value),
            },
        }
    }

    fn target(&mut self, target: &Target, value: Value<'a>) -> Result<(), Malformed> {
        match target {
            Target::Scalar {
                scalar,
                slot,
                omit_zero,
            } => {
                let field = scalar_field(*scalar, value)?;
                let omitted = *omit_zero && is_zero(&field);
                self.set(*slot, if omitted { Field::Absent } else { field });
                Ok(())
            }
            Target::Message { slot, node } => {
                self.set(*slot, Field::Composite);
                self.message(node, value.bytes()?)
            }
        }
    }

    fn entry(&mut self, entries: &[(Box<str>, Target)], bytes: &'a [u8]) -> Result<(), Malformed> {
        let (key, value) = entry(bytes)?;
        let Some((_, target)) = entries.iter().find(|(wanted, _)| wanted.as_bytes() == key) else {
            return Ok(());
        };
        if let Target::Message { node, .. } = target {
            self.reset(node);
        }
        let value = value.unwrap_or_else(|| nothing(target));
        self.target(target, value)
    }

    /// Forgets what an earlier entry of the same key has left.
    fn reset(&mut self, node: &Node) {
        for &slot in &node.beneath.slots {
            self.set(Some(slot), Field::Absent);
        }
        for &counter in &node.beneath.counters {
            if let Some(count) = self.counters.get_mut(counter as usize) {
                *count = 0;
            }
        }
    }

    fn item(
        &mut self,
        counter: u32,
        whole: Option<u32>,
        items: &[(u32, Target)],
        value: Value<'a>,
    ) -> Result<(), Malformed> {
        self.set(whole, Field::Composite);
        let Some(count) = self.counters.get_mut(counter as usize) else {
            return Ok(());
        };
        let index = *count;
        *count = index.saturating_add(1);
        match items.iter().find(|(wanted, _)| *wanted == index) {
            Some((_, target)) => self.target(target, value),
            None => Ok(()),
        }
    }

    fn packed(
        &mut self,
        counter: u32,
        whole: Option<u32>,
        items: &[(u32, Target)],
        scalar: Scalar,
        bytes: &'a [u8],
    ) -> Result<(), Malformed> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let value = match scalar {
                Scalar::Double => Value::Fixed64(reader.fixed64()?),
                _ => Value::Varint(reader.varint()?),
            };
            self.item(counter, whole, items, value)?;
        }
        Ok(())
    }
}

/// The value of a map's entry that has none on the wire.
fn nothing(target: &Target) -> Value<'static> {
    match target {
        Target::Scalar {
            scalar: Scalar::Double,
            ..
        } => Value::Fixed64(0),
        Target::Scalar {
            scalar: Scalar::Int32 | Scalar::Int64 | Scalar::Bool,
            ..
        } => Value::Varint(0),
        Target::Scalar { .. } | Target::Message { .. } => Value::Bytes(&[]),
    }
}

fn default_field(default: Missing) -> Field<'static> {
    match default {
        Missing::Null => Field::Null,
        Missing::Composite => Field::Composite,
        Missing::Zero(Scalar::String) => Field::String(Cow::Borrowed("")),
        Missing::Zero(Scalar::Bytes) => Field::Bytes(&[]),
        Missing::Zero(Scalar::Bool) => Field::Bool(false),
        Missing::Zero(Scalar::Double) => Field::Double(0.0),
        Missing::Zero(Scalar::Int32 | Scalar::Int64) => Field::Int(0),
    }
}

#[inline]
fn scalar_field(scalar: Scalar, value: Value<'_>) -> Result<Field<'_>, Malformed> {
    const WRONG: Malformed = Malformed("a field has the wrong wire type");
    Ok(match (scalar, value) {
        (Scalar::String, _) => Field::String(Cow::Borrowed(value.text()?)),
        (Scalar::Bytes, _) => Field::Bytes(value.bytes()?),
        (Scalar::Bool, Value::Varint(n)) => Field::Bool(n != 0),
        // Only the lower 32 bits count, as in Go.
        (Scalar::Int32, Value::Varint(n)) => Field::Int(i64::from(n as i32)),
        (Scalar::Int64, Value::Varint(n)) => Field::Int(n as i64),
        (Scalar::Double, Value::Fixed64(bits)) => Field::Double(f64::from_bits(bits)),
        _ => return Err(WRONG),
    })
}

fn is_zero(field: &Field<'_>) -> bool {
    match field {
        Field::Bool(value) => !value,
        Field::Int(value) => *value == 0,
        Field::Double(value) => *value == 0.0,
        Field::String(value) => value.is_empty(),
        Field::Bytes(value) => value.is_empty(),
        _ => false,
    }
}
