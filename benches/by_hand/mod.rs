//! Scanners of stored protobuf as one would write them for one query of one
//! kind: no schema, no plan.
//!
//! Promises to read every field to its end, as proto2 asks: the last one
//! counts. Deliberately knows no more fields than the benches ask for.
#![allow(dead_code)]

/// Name, label and `type` of a Secret.
pub fn secret<'a>(value: &'a [u8], label: &str) -> Option<[&'a str; 3]> {
    object(value, label, |number, field, found| {
        if number == 3 {
            *found = text(field?);
        }
        Some(())
    })
}

/// Name, label and `spec.nodeName` of a Pod.
pub fn pod<'a>(value: &'a [u8], label: &str) -> Option<[&'a str; 3]> {
    object(value, label, |number, spec, found| {
        if number != 2 {
            return Some(());
        }
        let mut spec = spec?;
        while let Some((number, field)) = field(&mut spec) {
            if number == 10 {
                *found = text(field?);
            }
        }
        spec.is_empty().then_some(())
    })
}

/// A label of any object.
pub fn label<'a>(value: &'a [u8], label: &str) -> Option<&'a str> {
    let mut object = content(value)?;
    let (mut name, mut labelled) = (None, None);
    while let Some((number, field)) = field(&mut object) {
        if number == 1 {
            metadata(field?, label, &mut name, &mut labelled)?;
        }
    }
    object.is_empty().then_some(labelled?)
}

/// The namespace of any object.
pub fn namespace(value: &[u8]) -> Option<&str> {
    let mut object = content(value)?;
    let mut found = None;
    while let Some((number, metadata)) = field(&mut object) {
        if number != 1 {
            continue;
        }
        let mut metadata = metadata?;
        while let Some((number, field)) = field(&mut metadata) {
            if number == 3 {
                found = text(field?);
            }
        }
        if !metadata.is_empty() {
            return None;
        }
    }
    object.is_empty().then_some(found?)
}

/// Every field is read to the end, as proto2 asks: the last one counts.
#[inline(always)]
fn object<'a>(
    value: &'a [u8],
    label: &str,
    mut rest_of_object: impl FnMut(u64, Option<&'a [u8]>, &mut Option<&'a str>) -> Option<()>,
) -> Option<[&'a str; 3]> {
    let mut object = content(value)?;
    let (mut name, mut labelled, mut found) = (None, None, None);
    while let Some((number, field)) = field(&mut object) {
        match number {
            1 => metadata(field?, label, &mut name, &mut labelled)?,
            number => rest_of_object(number, field, &mut found)?,
        }
    }
    object.is_empty().then_some([name?, labelled?, found?])
}

/// The object within its envelope.
#[inline(always)]
fn content(value: &[u8]) -> Option<&[u8]> {
    let mut value = value.strip_prefix(b"k8s\0")?;
    let mut object: &[u8] = &[];
    while let Some((number, field)) = field(&mut value) {
        if number == 2 {
            object = field?;
        }
    }
    Some(object)
}

#[inline(always)]
fn metadata<'a>(
    mut metadata: &'a [u8],
    label: &str,
    name: &mut Option<&'a str>,
    labelled: &mut Option<&'a str>,
) -> Option<()> {
    while let Some((number, field)) = field(&mut metadata) {
        match number {
            1 => *name = text(field?),
            11 => {
                let (key, value) = entry(field?)?;
                if key == label.as_bytes() {
                    *labelled = text(value);
                }
            }
            _ => {}
        }
    }
    metadata.is_empty().then_some(())
}

fn entry(mut entry: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
    while let Some((number, field)) = field(&mut entry) {
        match number {
            1 => key = field?,
            2 => value = field?,
            _ => {}
        }
    }
    Some((key, value))
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// The next field: its number, and its bytes where it has any. What is
/// malformed ends it, and is left in `rest`.
#[inline(always)]
pub fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Option<&'a [u8]>)> {
    let mut at = *rest;
    let tag = varint(&mut at)?;
    let bytes = match tag & 7 {
        0 => {
            varint(&mut at)?;
            None
        }
        1 => Some(take(&mut at, 8)?),
        2 => {
            let length = varint(&mut at)?;
            Some(take(&mut at, usize::try_from(length).ok()?)?)
        }
        5 => Some(take(&mut at, 4)?),
        _ => return None,
    };
    *rest = at;
    Some((tag >> 3, bytes))
}

#[inline(always)]
fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

#[inline(always)]
fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for (place, &byte) in rest.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            *rest = rest.get(place + 1..)?;
            return Some(value);
        }
    }
    None
}
