//! Walking and printing what lies beneath a field: objects, maps and lists of
//! every encoding, alike.
//!
//! Promises that what a walk finds is what a path finds, and that printing
//! yields what the Kubernetes libraries print. Deliberately keeps nothing that
//! it has read: each look goes to the bytes.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::field::{Composite, Field, RecordError, View};
use super::path::{Path, Step};
use super::schema::{JsonType, Kind, Label};
use super::{cbor, json, number, protobuf};

impl<'a> View<'a> {
    /// Whether it is a list, and no object or map.
    pub fn is_list(&self) -> bool {
        match &self.0 {
            Composite::Object(..) | Composite::Message(..) => false,
            Composite::Whole(row, _) => row.label == Label::List,
            Composite::Json(_, text) => text.is_array(),
            Composite::Cbor(item) => item.is_array(),
        }
    }

    /// How many bytes a look into it may have to pass; 0 of CBOR, whose values
    /// do not say where they end.
    pub fn extent(&self) -> usize {
        match &self.0 {
            Composite::Object(_, bytes) => bytes.len(),
            Composite::Message(_, chunks) | Composite::Whole(_, chunks) => chunks.len(),
            Composite::Json(_, text) => text.len_of_text(),
            Composite::Cbor(_) => 0,
        }
    }

    /// The field, entry or element at `step`; `Absent` where there is none.
    pub fn get(&self, step: &Step) -> Result<Field<'a>, RecordError> {
        match step {
            Step::Field(name) | Step::Key(name) => self.member(name),
            Step::Index(index) => self.item(*index),
        }
    }

    /// The field or entry of this name; `Absent` where there is none, and of a
    /// list.
    pub fn member(&self, name: &str) -> Result<Field<'a>, RecordError> {
        match &self.0 {
            Composite::Object(kind, envelope) => object_member(*kind, envelope, name),
            Composite::Json(of, text) => json_child(text.member(name)?, of.member(name)),
            Composite::Cbor(item) => cbor_child(item.member(name)?),
            Composite::Message(kind, chunks) => Ok(protobuf::member(*kind, chunks, name)?),
            Composite::Whole(row, chunks) => match row.label {
                Label::Map => Ok(protobuf::value_at(row, chunks, name)?),
                _ => Ok(Field::Absent),
            },
        }
    }

    fn item(&self, index: u32) -> Result<Field<'a>, RecordError> {
        match &self.0 {
            Composite::Json(of, text) => json_child(
                text.items().nth(index as usize).transpose()?,
                (of.item(), false),
            ),
            Composite::Cbor(item) => cbor_child(item.item(index)?),
            _ => {
                let found = self.items().nth(index as usize);
                found.unwrap_or(Ok(Field::Absent))
            }
        }
    }

    /// How many elements, entries, or fields that JSON shows.
    pub fn len(&self) -> Result<usize, RecordError> {
        match &self.0 {
            Composite::Whole(row, chunks) if row.label == Label::List => {
                Ok(protobuf::items(row, chunks).count_left()?)
            }
            Composite::Json(_, text) if text.is_array() => Ok(text.len()?),
            Composite::Cbor(item) => Ok(item.len()?),
            _ => Ok(self.members()?.len()),
        }
    }

    /// Whether it has nothing in it.
    pub fn is_empty(&self) -> Result<bool, RecordError> {
        match self.is_list() {
            true => Ok(self.items().next().transpose()?.is_none()),
            false => Ok(self.members()?.is_empty()),
        }
    }

    /// The elements of a list; none of anything else. Ends after an error.
    pub fn items(&self) -> Items<'a> {
        Items(match &self.0 {
            Composite::Whole(row, chunks) if row.label == Label::List => {
                ItemsOf::Protobuf(protobuf::items(row, chunks))
            }
            Composite::Json(of, text) => ItemsOf::Json(*of, text.items()),
            Composite::Cbor(item) => ItemsOf::Cbor(item.items()),
            _ => ItemsOf::Json(JsonType::Dynamic, json::Text::whole(b"[]").items()),
        })
    }

    /// The fields of an object that JSON shows, or the entries of a map,
    /// sorted by name; none of a list.
    pub fn members(&self) -> Result<Vec<(Cow<'a, str>, Field<'a>)>, RecordError> {
        let mut found = match &self.0 {
            Composite::Object(kind, envelope) => object_members(*kind, envelope)?,
            Composite::Message(kind, chunks) => {
                let mut found = Vec::new();
                protobuf::members(*kind, chunks, &mut found)?;
                found
            }
            Composite::Whole(row, chunks) if row.label == Label::Map => {
                return Ok(protobuf::entries(row, chunks)?);
            }
            Composite::Whole(..) => Vec::new(),
            Composite::Json(of, text) => json_members(*of, *text)?,
            Composite::Cbor(item) => cbor_members(item)?,
        };
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(found)
    }

    /// What the Kubernetes libraries print of it.
    pub fn to_json(&self) -> Result<Value, RecordError> {
        self.print(protobuf::MAX_DEPTH)
    }

    /// Whether it is a list or map of a message, and so of its level.
    fn is_part(&self) -> bool {
        matches!(&self.0, Composite::Whole(..))
    }

    fn print(&self, depth: usize) -> Result<Value, RecordError> {
        if let Composite::Json(of, text) = &self.0 {
            return print_json(*of, *text, depth);
        }
        let levels = usize::from(!self.is_part());
        let Some(depth) = depth.checked_sub(levels) else {
            return Err(RecordError::Protobuf(protobuf::TOO_DEEP.0));
        };
        if let Composite::Cbor(item) = &self.0 {
            return Ok(item.to_value()?);
        }
        if self.is_list() {
            let items = self.items().map(|item| item?.print(depth));
            return Ok(Value::Array(items.collect::<Result<_, _>>()?));
        }
        let mut object = serde_json::Map::new();
        for (name, field) in self.members()? {
            object.insert(name.into_owned(), field.print(depth)?);
        }
        Ok(Value::Object(object))
    }
}

/// What Kubernetes passes on as it is keeps its digits. One function, and plain
/// loops: every call and every iterator's adaptor is stack for each level.
fn print_json(of: JsonType, text: json::Text<'_>, depth: usize) -> Result<Value, RecordError> {
    if matches!(of, JsonType::Dynamic | JsonType::Raw) {
        return Ok(text.to_value(of == JsonType::Dynamic)?);
    }
    let is_part = matches!(of, JsonType::Field(row) if row.label != Label::One);
    let Some(depth) = depth.checked_sub(usize::from(!is_part)) else {
        return Err(RecordError::Protobuf(protobuf::TOO_DEEP.0));
    };
    if text.is_array() {
        let mut items = Vec::new();
        for item in text.items() {
            items.push(print_json(of.item(), item?, depth)?);
        }
        return Ok(Value::Array(items));
    }
    if !text.is_object() {
        return text.field(of)?.print(depth);
    }
    let mut object = serde_json::Map::new();
    for (name, text) in json_texts(text)? {
        let (of, omits_null) = of.member(&name);
        let value = print_json(of, text, depth)?;
        if !(value.is_null() && omits_null) {
            object.insert(name.into_owned(), value);
        }
    }
    Ok(Value::Object(object))
}

impl<'a> Field<'a> {
    /// What the Kubernetes libraries print of it; `null` for what is absent.
    pub fn to_json(&self) -> Result<Value, RecordError> {
        self.print(protobuf::MAX_DEPTH)
    }

    fn print(&self, depth: usize) -> Result<Value, RecordError> {
        Ok(match self {
            Field::Absent | Field::Null => Value::Null,
            Field::Bool(value) => Value::Bool(*value),
            Field::Int(value) => Value::from(*value),
            Field::Uint(value) => Value::from(*value),
            Field::Double(value) if !value.is_finite() => {
                return Err(RecordError::Protobuf(protobuf::NOT_FINITE.0));
            }
            Field::Double(value) => number::double(*value),
            Field::String(text) => Value::String(text.clone().into_owned()),
            Field::Bytes(bytes) => Value::String(STANDARD.encode(bytes)),
            Field::Composite(view) => view.print(depth)?,
        })
    }

    /// What lies at `steps` beneath it.
    pub(super) fn descend(self, steps: &[Step]) -> Result<Field<'a>, RecordError> {
        steps.iter().try_fold(self, |field, step| match field {
            Field::Composite(view) => view.get(step),
            _ => Ok(Field::Absent),
        })
    }
}

/// The elements of a list, one after the other.
#[derive(Clone)]
pub struct Items<'a>(ItemsOf<'a>);

#[derive(Clone)]
enum ItemsOf<'a> {
    Protobuf(protobuf::Items<'a>),
    Json(JsonType, json::Items<'a>),
    Cbor(cbor::Items<'a>),
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Field<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            ItemsOf::Protobuf(items) => Some(items.next()?.map_err(RecordError::from)),
            ItemsOf::Json(of, items) => {
                let item = items.next()?.and_then(|item| item.field(of.item()));
                Some(item.map_err(RecordError::from))
            }
            ItemsOf::Cbor(items) => {
                let item = items.next()?.and_then(|item| item.field());
                Some(item.map_err(RecordError::from))
            }
        }
    }
}

fn no_schema(envelope: &protobuf::Envelope<'_>, steps: Vec<Step>) -> RecordError {
    RecordError::NoSchema {
        api_version: envelope.api_version.to_string(),
        kind: envelope.kind.to_string(),
        path: Path::new(steps),
    }
}

fn object_member<'a>(
    kind: Option<Kind>,
    envelope: &'a [u8],
    name: &str,
) -> Result<Field<'a>, RecordError> {
    let envelope = protobuf::Envelope::parse(envelope)?;
    let object = envelope.raw.into();
    match (name, kind) {
        ("apiVersion", _) => Ok(Field::String(envelope.api_version)),
        ("kind", _) => Ok(Field::String(envelope.kind)),
        (name, Some(kind)) => Ok(protobuf::member(kind, &object, name)?),
        ("metadata", None) => Ok(protobuf::metadata(&object)?),
        (name, None) => Err(no_schema(&envelope, vec![Step::Field(name.into())])),
    }
}

fn object_members(
    kind: Option<Kind>,
    envelope: &[u8],
) -> Result<Vec<(Cow<'_, str>, Field<'_>)>, RecordError> {
    let envelope = protobuf::Envelope::parse(envelope)?;
    let kind = kind.ok_or_else(|| no_schema(&envelope, Vec::new()))?;
    let mut found = vec![
        ("apiVersion".into(), Field::String(envelope.api_version)),
        ("kind".into(), Field::String(envelope.kind)),
    ];
    protobuf::members(kind, &envelope.raw.into(), &mut found)?;
    Ok(found)
}

fn json_child<'a>(
    found: Option<json::Text<'a>>,
    (of, omits_null): (JsonType, bool),
) -> Result<Field<'a>, RecordError> {
    Ok(match found.map(|found| found.field(of)).transpose()? {
        None => Field::Absent,
        Some(Field::Null) if omits_null => Field::Absent,
        Some(found) => found,
    })
}

fn json_members<'a>(
    of: JsonType,
    text: json::Text<'a>,
) -> Result<Vec<(Cow<'a, str>, Field<'a>)>, RecordError> {
    let mut members = Vec::new();
    for (name, text) in json_texts(text)? {
        let (of, omits_null) = of.member(&name);
        match text.field(of)? {
            Field::Null if omits_null => {}
            field => members.push((name, field)),
        }
    }
    Ok(members)
}

/// The members of an object, sorted by name; of a repeated name the last.
fn json_texts<'a>(
    text: json::Text<'a>,
) -> Result<Vec<(Cow<'a, str>, json::Text<'a>)>, RecordError> {
    let mut found = text.members().collect::<Result<Vec<_>, _>>()?;
    found.reverse();
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found.dedup_by(|(later, _), (first, _)| later == first);
    Ok(found)
}

fn cbor_child(found: Option<cbor::Item<'_>>) -> Result<Field<'_>, RecordError> {
    let field = found.map(|found| found.field()).transpose()?;
    Ok(field.unwrap_or_default())
}

fn cbor_members<'a>(item: &cbor::Item<'a>) -> Result<Vec<(Cow<'a, str>, Field<'a>)>, RecordError> {
    let members = item.sorted()?.into_iter();
    let fields = members.map(|(name, item)| Ok((name, item.field()?)));
    fields.collect()
}
