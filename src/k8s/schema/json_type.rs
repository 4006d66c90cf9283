//! What the schema says of a place in JSON, step by step.
//!
//! Promises an answer for every place, be it that nothing is known of it.
//! Deliberately looks at no value: of a choice it takes the shape that the
//! step fits.

use super::super::path::{Path, Step};
use super::resolve::{choice, hidden, own_field};
use super::table::{Kind, Label, Omit, Row, Special, Type};

/// What is known of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum JsonType {
    /// Nothing: part of a custom resource.
    Dynamic,
    /// JSON that Kubernetes passes on as it is.
    Raw,
    Message(Kind),
    /// A whole field.
    Field(&'static Row),
    /// An element of a list or map.
    Element(&'static Row),
}

impl JsonType {
    /// What is known of the member or element at `step`, and whether the API
    /// leaves it out where it is `null`.
    pub fn at(self, step: &Step) -> (JsonType, bool) {
        match step.name() {
            Some(name) => self.member(name),
            None => (self.item(), false),
        }
    }

    /// What is known of an element of the array.
    pub fn item(self) -> JsonType {
        match self {
            JsonType::Raw => JsonType::Raw,
            JsonType::Field(row) if row.label == Label::List => element(row),
            JsonType::Field(row) if row.label == Label::Map => JsonType::Dynamic,
            JsonType::Field(Row { of, .. }) | JsonType::Element(Row { of, .. }) => match of {
                Type::Message(message) => item_of(*message),
                Type::Scalar(_) => JsonType::Dynamic,
            },
            JsonType::Message(message) => item_of(message),
            JsonType::Dynamic => JsonType::Dynamic,
        }
    }

    /// What is known of the member of this name, and whether the API leaves it
    /// out where it is `null`.
    pub fn member(self, name: &str) -> (JsonType, bool) {
        match self {
            JsonType::Dynamic | JsonType::Raw => (self, false),
            JsonType::Field(row) if row.label == Label::Map => (element(row), false),
            JsonType::Field(row) if row.label == Label::List => UNKNOWN,
            JsonType::Field(Row { of, .. }) | JsonType::Element(Row { of, .. }) => match of {
                Type::Message(message) => member_of(*message, name),
                Type::Scalar(_) => UNKNOWN,
            },
            JsonType::Message(message) => member_of(message, name),
        }
    }
}

const UNKNOWN: (JsonType, bool) = (JsonType::Dynamic, false);

fn element(row: &'static Row) -> JsonType {
    known(row, JsonType::Element(row))
}

/// Only a choice may be an array and no field that is a list.
fn item_of(message: Kind) -> JsonType {
    match (message.special(), choice(message, true)) {
        (Some(Special::Choice), Some(Type::Message(of))) => JsonType::Message(of),
        _ => JsonType::Dynamic,
    }
}

fn member_of(message: Kind, name: &str) -> (JsonType, bool) {
    match message.special() {
        None => field(message, name).map_or(UNKNOWN, |row| {
            let of = match row.label {
                Label::One => known(row, JsonType::Field(row)),
                Label::List | Label::Map => JsonType::Field(row),
            };
            (of, row.omit != Omit::Never)
        }),
        Some(Special::Choice) => match choice(message, false) {
            Some(Type::Message(of)) => JsonType::Message(of).member(name),
            _ => UNKNOWN,
        },
        Some(_) => UNKNOWN,
    }
}

/// `of`, or raw JSON where the row says so.
fn known(row: &'static Row, of: JsonType) -> JsonType {
    match row.of {
        Type::Message(message) if message.special() == Some(Special::Json) => JsonType::Raw,
        _ => of,
    }
}

fn field(message: Kind, name: &str) -> Option<&'static Row> {
    own_field(message, name)
        .or_else(|| hidden(message).find_map(|(_, message)| field(message, name)))
}

/// What is known of the value at `path` of an object, and whether the API
/// leaves it out where it is `null`.
pub(crate) fn json_type(kind: Option<Kind>, path: &Path) -> (JsonType, bool) {
    let start = kind.map_or(JsonType::Dynamic, JsonType::Message);
    let step = |(of, _): (JsonType, bool), step: &Step| of.at(step);
    path.steps().iter().fold((start, false), step)
}
