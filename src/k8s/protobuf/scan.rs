//! One pass over an object's bytes that fills the slots of a plan.
//!
//! Promises that every field is read to the end: a later one may replace or
//! extend an earlier one, so there is no early exit. What is no scalar is
//! gathered on the way and read at the end.

use super::super::chunks::Chunks;
use super::super::field::{Composite, Field, View};
use super::super::schema::Scalar;
use super::plan::{Beneath, Missing, Node, Place, Plan, Shape, Target, What, bit};
use super::scalar;
use super::special;
use super::wire::{Malformed, Reader, Value, entry};

/// Queries with more lists than this allocate their counters.
const INLINE_COUNTERS: usize = 8;
/// Likewise for what is no scalar.
const INLINE_PLACES: usize = 4;

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
    match plan.places.len() {
        0 => walk(plan, object, out, counters, &mut []),
        few @ 1..=INLINE_PLACES => {
            let mut places = [const { None }; INLINE_PLACES];
            let places = places.get_mut(..few).unwrap_or_default();
            walk(plan, object, out, counters, places)
        }
        many => walk(plan, object, out, counters, &mut vec![None; many]),
    }
}

#[inline]
fn walk<'a>(
    plan: &Plan,
    object: &'a [u8],
    out: &mut [Field<'a>],
    counters: &mut [u32],
    places: &mut [Option<Chunks<'a>>],
) -> Result<(), Malformed> {
    let mut walk = Walk {
        out,
        counters,
        places,
    };
    walk.message(&plan.root, object)?;
    for (place, gathered) in plan.places.iter().zip(places) {
        if let Some(chunks) = gathered.take() {
            settle(place, chunks, out)?;
        }
    }
    Ok(())
}

/// Reads what a place has gathered.
fn settle<'a>(place: &Place, chunks: Chunks<'a>, out: &mut [Field<'a>]) -> Result<(), Malformed> {
    let field = match place.what {
        What::Message(kind) => Field::Composite(View(Composite::Message(kind, chunks))),
        What::Whole(row) => Field::Composite(View(Composite::Whole(row, chunks))),
        What::Special(kind, special, row) => special::field(kind, special, row, &chunks)?,
    };
    for &slot in &place.slots {
        if let Some(out) = out.get_mut(slot as usize) {
            *out = field.clone();
        }
    }
    Ok(())
}

struct Walk<'a, 'o> {
    out: &'o mut [Field<'a>],
    /// How many elements of each list have been seen.
    counters: &'o mut [u32],
    /// What has been seen of each place.
    places: &'o mut [Option<Chunks<'a>>],
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
                self.shape(&edge.shape, value, bytes)?;
            }
        }
        Ok(())
    }

    /// The message is there: fields that JSON always shows are no longer
    /// absent.
    fn establish(&mut self, node: &Node) {
        for &(target, missing) in &node.defaults {
            if missing == Missing::Empty {
                if let Some(place) = self.places.get_mut(target as usize) {
                    place.get_or_insert_default();
                }
            } else if let Some(field) = self.out.get_mut(target as usize)
                && matches!(field, Field::Absent)
            {
                *field = match missing {
                    Missing::Zero(scalar) => scalar::zero(scalar),
                    Missing::Null | Missing::Empty => Field::Null,
                };
            }
        }
    }

    /// Adds a piece to a place.
    fn gather(&mut self, place: Option<u32>, chunk: &'a [u8]) {
        if let Some(place) = place.and_then(|place| self.places.get_mut(place as usize)) {
            place.get_or_insert_default().push(chunk);
        }
    }

    /// Adds the message that has the list or map, once for all its elements.
    #[inline]
    fn gather_whole(&mut self, place: Option<u32>, message: &'a [u8]) {
        let Some(place) = place else { return };
        let known = self.places.get(place as usize).and_then(Option::as_ref);
        if !known.is_some_and(|known| known.ends_with(message)) {
            self.gather(Some(place), message);
        }
    }

    #[inline]
    fn set(&mut self, slot: Option<u32>, field: Field<'a>) {
        if let Some(place) = slot.and_then(|slot| self.out.get_mut(slot as usize)) {
            *place = field;
        }
    }

    /// `within` is the message that holds the field.
    fn shape(
        &mut self,
        shape: &Shape,
        value: Value<'a>,
        within: &'a [u8],
    ) -> Result<(), Malformed> {
        match shape {
            Shape::One(target) => self.target(target, value),
            Shape::Map { whole, entries } => {
                self.gather_whole(*whole, within);
                self.entry(entries, value.bytes()?)
            }
            Shape::List {
                counter,
                whole,
                items,
                packed,
            } => match (packed, value) {
                (Some(scalar), Value::Bytes(bytes)) if scalar::packs(*scalar) => {
                    if !bytes.is_empty() {
                        self.gather_whole(*whole, within);
                    }
                    self.packed(*counter, items, *scalar, bytes)
                }
                _ => {
                    self.gather_whole(*whole, within);
                    self.item(*counter, items, value)
                }
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
                let field = scalar::field(*scalar, value)?;
                let omitted = *omit_zero && scalar::is_zero(&field);
                self.set(*slot, if omitted { Field::Absent } else { field });
                Ok(())
            }
            Target::Message { place, node } => {
                let bytes = value.bytes()?;
                self.gather(*place, bytes);
                self.message(node, bytes)
            }
            Target::Special { place } => {
                self.gather(Some(*place), value.bytes()?);
                Ok(())
            }
        }
    }

    fn entry(&mut self, entries: &[(Box<str>, Target)], bytes: &'a [u8]) -> Result<(), Malformed> {
        let (key, value) = entry(bytes)?;
        let Some((_, target)) = entries.iter().find(|(wanted, _)| wanted.as_bytes() == key) else {
            return Ok(());
        };
        match target {
            Target::Message { place, node } => {
                self.forget(*place);
                self.reset(&node.beneath);
            }
            Target::Special { place } => self.forget(Some(*place)),
            Target::Scalar { .. } => {}
        }
        let value = value.unwrap_or_else(|| nothing(target));
        self.target(target, value)
    }

    /// Forgets what an earlier entry of the same key has left.
    fn reset(&mut self, beneath: &Beneath) {
        for &slot in &beneath.slots {
            self.set(Some(slot), Field::Absent);
        }
        for &counter in &beneath.counters {
            if let Some(count) = self.counters.get_mut(counter as usize) {
                *count = 0;
            }
        }
        for &place in &beneath.places {
            self.forget(Some(place));
        }
    }

    fn forget(&mut self, place: Option<u32>) {
        if let Some(place) = place.and_then(|place| self.places.get_mut(place as usize)) {
            *place = None;
        }
    }

    fn item(
        &mut self,
        counter: u32,
        items: &[(u32, Target)],
        value: Value<'a>,
    ) -> Result<(), Malformed> {
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
        items: &[(u32, Target)],
        scalar: Scalar,
        bytes: &'a [u8],
    ) -> Result<(), Malformed> {
        let mut reader = Reader::new(bytes);
        while let Some(value) = scalar::unpack(scalar, &mut reader)? {
            self.item(counter, items, value)?;
        }
        Ok(())
    }
}

/// The value of a map's entry that has none on the wire.
fn nothing(target: &Target) -> Value<'static> {
    match target {
        Target::Scalar { scalar, .. } => scalar::nothing(*scalar),
        Target::Message { .. } | Target::Special { .. } => Value::Bytes(&[]),
    }
}
