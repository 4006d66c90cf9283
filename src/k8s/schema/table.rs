//! The table of fields in memory, read once from `table.txt`.
//!
//! The file holds one record a line, its columns separated by tabs:
//! `R path group version kind plural namespaced encoding`, `P package group
//! version` (group and version only where the package holds kinds), `M message
//! mark` (`kind`, or how its JSON is special) and, after each message, its
//! fields: `number name flags type`.
//! Flags: `*` pointer, `e` omitempty, `z` omitzero, `r` repeated, `m` map, `i`
//! inline. A type is a scalar of protobuf, or a package's place in the file
//! and a message of it.
//!
//! A line that does not fit is left out: the test that makes the file also
//! counts what was read from it.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::resource::{Encoding, Resource};

/// A scalar of protobuf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    String,
    Int32,
    Int64,
    Bool,
    Double,
    Bytes,
}

/// A message whose JSON is no object with its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Special {
    /// A number with a unit, as text.
    Quantity,
    /// A time in seconds, as text.
    Time,
    /// A time in microseconds, as text.
    MicroTime,
    /// A span of time, as text.
    Duration,
    /// A number or a text.
    IntOrString,
    /// JSON of any shape.
    Json,
    /// A list of texts.
    Strings,
    /// One of several shapes, in the schema of a CustomResourceDefinition.
    Choice,
}

/// What JSON shows of a [`Special`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JsonShape {
    /// A text.
    String,
    /// A number or a text.
    IntOrString,
    /// A list of texts.
    Strings,
    /// Whatever is stored: only the value tells.
    Any,
}

impl Special {
    /// What JSON shows of it. Times and embedded JSON may also be `null`.
    pub fn json_shape(self) -> JsonShape {
        match self {
            Special::Quantity | Special::Time | Special::MicroTime | Special::Duration => {
                JsonShape::String
            }
            Special::IntOrString => JsonShape::IntOrString,
            Special::Strings => JsonShape::Strings,
            Special::Json | Special::Choice => JsonShape::Any,
        }
    }

    fn parse(text: &str) -> Option<Special> {
        Some(match text {
            "quantity" => Special::Quantity,
            "time" => Special::Time,
            "microtime" => Special::MicroTime,
            "duration" => Special::Duration,
            "intorstring" => Special::IntOrString,
            "json" => Special::Json,
            "strings" => Special::Strings,
            "choice" => Special::Choice,
            _ => return None,
        })
    }
}

/// A message, by its place in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind(pub(super) u32);

impl Kind {
    fn message(self) -> Option<&'static Message> {
        table().messages.get(self.0 as usize)
    }

    /// Its fields.
    pub fn rows(self) -> &'static [Row] {
        self.message().map_or(&[], |message| &message.rows)
    }

    /// Whether its JSON is no object with its fields.
    pub fn special(self) -> Option<Special> {
        self.message()?.special
    }

    pub(super) fn is_kind(self) -> bool {
        self.message().is_some_and(|message| message.is_kind)
    }

    /// Its name without the package.
    pub fn name(self) -> &'static str {
        self.message().map_or("", |message| message.name)
    }
}

/// The type of a field, or of the elements of a list or map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Scalar(Scalar),
    Message(Kind),
}

/// How often a field occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    One,
    List,
    Map,
}

/// When Go's JSON leaves a field out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Omit {
    Never,
    Empty,
    Zero,
}

/// A field of a message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub number: u32,
    /// In JSON; `-` where JSON has none.
    pub name: &'static str,
    pub pointer: bool,
    pub omit: Omit,
    pub label: Label,
    /// A hidden message: its fields are shown in its place.
    pub inline: bool,
    pub of: Type,
}

#[derive(Debug)]
pub(super) struct Package {
    pub group: Option<&'static str>,
    pub version: &'static str,
}

#[derive(Debug)]
pub(super) struct Message {
    pub name: &'static str,
    /// Whether it is an object of its own, with an apiVersion and a kind.
    pub is_kind: bool,
    pub special: Option<Special>,
    pub rows: Vec<Row>,
}

#[derive(Default)]
pub(super) struct Table {
    pub resources: Vec<Resource>,
    pub packages: Vec<Package>,
    pub messages: Vec<Message>,
    by_name: HashMap<(usize, &'static str), Kind>,
}

impl Table {
    pub fn message(&self, package: usize, name: &str) -> Option<Kind> {
        self.by_name.get(&(package, name)).copied()
    }
}

/// The one table.
pub(super) fn table() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| read(include_str!("table.txt")));
    &TABLE
}

fn read(text: &'static str) -> Table {
    let mut table = Table::default();
    for line in text.lines() {
        declare(&mut table, line);
    }
    let mut current = 0;
    for line in text.lines() {
        match line.strip_prefix("M\t") {
            Some(_) => current += 1,
            None => add_row(&mut table, current, line),
        }
    }
    table.resources.sort_by_key(|resource| resource.path);
    table
}

/// Everything but fields, which may refer to messages further down.
fn declare(table: &mut Table, line: &'static str) {
    let columns: Vec<&'static str> = line.split('\t').collect();
    match columns.as_slice() {
        ["R", rest @ ..] => table.resources.extend(resource(rest)),
        ["P", _, group @ ..] => table.packages.push(Package {
            group: group.first().copied(),
            version: group.get(1).copied().unwrap_or_default(),
        }),
        ["M", name, mark] => {
            let package = table.packages.len().saturating_sub(1);
            let place = Kind(table.messages.len() as u32);
            table.by_name.insert((package, name), place);
            table.messages.push(Message {
                name,
                is_kind: *mark == "kind",
                special: Special::parse(mark),
                rows: Vec::new(),
            });
        }
        _ => {}
    }
}

fn resource(columns: &[&'static str]) -> Option<Resource> {
    let &[path, group, version, kind, plural, namespaced, encoding] = columns else {
        return None;
    };
    let encoding = if encoding == "json" {
        Encoding::Json
    } else {
        Encoding::Protobuf
    };
    Some(Resource {
        group,
        version,
        kind,
        plural,
        path,
        namespaced: namespaced == "true",
        encoding,
    })
}

/// `current` is one past the place of the message that the line belongs to.
fn add_row(table: &mut Table, current: usize, line: &'static str) {
    let row = row(table, line);
    let place = current.checked_sub(1);
    if let (Some(row), Some(message)) = (row, place.and_then(|place| table.messages.get_mut(place)))
    {
        message.rows.push(row);
    }
}

fn row(table: &Table, line: &'static str) -> Option<Row> {
    let columns: Vec<&'static str> = line.split('\t').collect();
    let &[number, name, flags, of] = columns.as_slice() else {
        return None;
    };
    Some(Row {
        number: number.parse().ok()?,
        name,
        pointer: flags.contains('*'),
        omit: match (flags.contains('e'), flags.contains('z')) {
            (_, true) => Omit::Zero,
            (true, false) => Omit::Empty,
            (false, false) => Omit::Never,
        },
        label: match (flags.contains('r'), flags.contains('m')) {
            (true, _) => Label::List,
            (_, true) => Label::Map,
            _ => Label::One,
        },
        inline: flags.contains('i'),
        of: type_of(table, of)?,
    })
}

fn type_of(table: &Table, text: &str) -> Option<Type> {
    if let Some((package, message)) = text.split_once('.') {
        return Some(Type::Message(
            table.message(package.parse().ok()?, message)?,
        ));
    }
    Some(Type::Scalar(match text {
        "string" => Scalar::String,
        "int32" => Scalar::Int32,
        "int64" => Scalar::Int64,
        "bool" => Scalar::Bool,
        "double" => Scalar::Double,
        "bytes" => Scalar::Bytes,
        _ => return None,
    }))
}
