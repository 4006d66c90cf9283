//! The way to a field that is to be changed: hops over the wire, then steps
//! within embedded JSON.
//!
//! Promises that a path beneath a type with a JSON form of its own leads to
//! where its parts are on the wire. Deliberately does not look at values.

use super::super::path::{Path, Step};
use super::super::schema::{self, Hop, Kind, Label, PathError, Row, Select, Special, Type};

/// From an object's message to a field of it.
pub(super) struct Way<'p> {
    pub hops: Vec<Hop>,
    /// What is left of the path once it has led into embedded JSON. The last
    /// hop is then the bytes that hold the JSON.
    pub beneath: &'p [Step],
}

/// The way to `path`, which has at least one step.
pub(super) fn way(kind: Kind, path: &Path) -> Result<Way<'_>, PathError> {
    let schema::Way { mut hops, rest } = schema::wire_path(kind, path)?;
    let mut beneath = rest;
    while let (Some(step), Some(special)) = (beneath.first(), last_message(&hops)) {
        if special.special() == Some(Special::Json) {
            hops.extend(special.rows().first().map(whole));
            break;
        }
        // The path was checked as a whole before, so there is a part.
        let (hop, steps) = match (step, part(special, step)) {
            (Step::Index(_), Some(hop)) => (hop, beneath.get(1..).unwrap_or_default()),
            (_, Some(hop)) => (hop, beneath),
            (_, None) => break,
        };
        let within = hop.beneath();
        hops.push(hop);
        beneath = match within {
            Some(message) => {
                let on = schema::walk(message, steps, path.steps().len() - steps.len())?;
                hops.extend(on.hops);
                on.rest
            }
            None => steps,
        };
    }
    Ok(Way { hops, beneath })
}

fn whole(row: &'static Row) -> Hop {
    Hop {
        row,
        select: Select::Whole,
    }
}

/// The message that the hops end at.
fn last_message(hops: &[Hop]) -> Option<Kind> {
    match hops.last()?.row.of {
        Type::Message(message) => Some(message),
        Type::Scalar(_) => None,
    }
}

/// The part of a message of several shapes, or of a list of texts, that
/// `step` leads into: an element of its list, or its object.
fn part(special: Kind, step: &Step) -> Option<Hop> {
    let mut rows = special.rows().iter();
    match step {
        Step::Index(index) => {
            let row = rows.find(|row| row.label == Label::List)?;
            let select = Select::Item(*index);
            Some(Hop { row, select })
        }
        Step::Field(_) | Step::Key(_) => {
            let object = |row: &&Row| row.label == Label::One && matches!(row.of, Type::Message(_));
            rows.find(object).map(whole)
        }
    }
}
