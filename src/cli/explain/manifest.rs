//! Manifests as people write them: YAML or JSON, several in one file, lists of
//! objects.
//!
//! Promises that each object is named by where it stands, and that one which is
//! none is an error, not left out. Deliberately asks no schema; `located` does.

use std::io::Read as _;
use std::path::Path;

use serde::Deserialize as _;
use serde_json::Value;

/// One object of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Which of the file it is: `document 2`.
    pub place: String,
    /// As it is written, with an `apiVersion`, a `kind` and a `metadata.name`.
    pub object: Value,
}

/// Much more than anybody writes.
const LARGEST: u64 = 256 << 20;

/// Reads a file; `None` for stdin.
///
/// # Errors
///
/// What is wrong with it, and where.
pub fn load(path: Option<&Path>) -> Result<Vec<Manifest>, String> {
    let name = path.map_or("stdin".to_owned(), |path| format!("`{}`", path.display()));
    let mut text = Vec::new();
    let read = match path {
        None => std::io::stdin().lock().take(LARGEST).read_to_end(&mut text),
        Some(path) => {
            std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut text))
        }
    };
    read.map_err(|error| format!("`--file`: {name} cannot be read: {error}"))?;
    let text = String::from_utf8(text);
    let text = text.map_err(|_| format!("`--file`: {name} is not UTF-8"))?;
    read_all(&text).map_err(|why| format!("`--file`: {name}: {why}"))
}

/// Reads all objects of a text.
///
/// # Errors
///
/// What is wrong with it, and where.
pub fn read_all(text: &str) -> Result<Vec<Manifest>, String> {
    let documents = documents(text)?;
    let alone = documents.len() == 1;
    let mut found = Vec::new();
    for (number, document) in (1..).zip(documents) {
        // Nothing between two separators.
        if document.is_null() {
            continue;
        }
        let place = match alone {
            true => String::new(),
            false => format!("document {number}"),
        };
        take(place, document, &mut found)?;
    }
    match found.is_empty() {
        true => Err("there is no object in it".to_owned()),
        false => Ok(found),
    }
}

/// JSON may have tabs, and several objects one behind the other: that is no
/// YAML.
fn documents(text: &str) -> Result<Vec<Value>, String> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with(['{', '[']) {
        let json = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        if let Ok(documents) = json.collect::<Result<Vec<_>, _>>() {
            return Ok(documents);
        }
    }
    let mut documents = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let number = documents.len() + 1;
        let document = Value::deserialize(document);
        let document = document.map_err(|error| match number {
            1 => error.to_string(),
            number => format!("document {number}: {error}"),
        });
        documents.push(document?);
    }
    Ok(documents)
}

/// Takes an object, or those of a list.
fn take(place: String, document: Value, found: &mut Vec<Manifest>) -> Result<(), String> {
    let at = |why: &str| match place.as_str() {
        "" => why.to_owned(),
        place => format!("{place}: {why}"),
    };
    let text = |name: &str| {
        document
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (api_version, kind) = (text("apiVersion").to_owned(), text("kind").to_owned());
    if api_version.is_empty() || kind.is_empty() {
        return Err(at(
            "it is not an object of Kubernetes: it has no `apiVersion` and `kind`",
        ));
    }
    let items = document.get("items").and_then(Value::as_array);
    if let (Some(of), Some(items)) = (kind.strip_suffix("List"), items) {
        for (number, item) in (1..).zip(items) {
            let mut item = item.clone();
            fill_in(&mut item, &api_version, of);
            let within = match place.as_str() {
                "" => format!("item {number}"),
                place => format!("{place}, item {number}"),
            };
            take(within, item, found)?;
        }
        return Ok(());
    }
    let name = document["metadata"].get("name").and_then(Value::as_str);
    match name {
        Some(name) if !name.is_empty() && !name.contains('/') => {}
        Some(name) => return Err(at(&format!("`{name}` is no name of an object"))),
        None if document["metadata"].get("generateName").is_some() => {
            return Err(at(
                "it has `metadata.generateName` only: give it the `metadata.name` that it shall have",
            ));
        }
        None => return Err(at("it has no `metadata.name`")),
    }
    found.push(Manifest {
        place,
        object: document,
    });
    Ok(())
}

/// A `PodList` need not say of each item that it is a Pod.
fn fill_in(item: &mut Value, api_version: &str, kind: &str) {
    let (Value::Object(members), false) = (item, kind.is_empty()) else {
        return;
    };
    if !members.contains_key("kind") && !members.contains_key("apiVersion") {
        members.insert("apiVersion".to_owned(), api_version.into());
        members.insert("kind".to_owned(), kind.into());
    }
}
