//! `--what-if`: one change of an object, or of its Namespace.
//!
//! Promises that a value becomes what the schema says the field is, and that a
//! field which the schema does not have is refused: a mistyped one would make
//! no difference, and seem to be the answer. Deliberately checks no more than
//! types; whether an apiserver would take the object is its to say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::cli::explain_report::at;
use crate::k8s::schema::{self, FieldType, JsonShape, PathError};
use crate::k8s::{Path, Step};

/// What is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The object.
    Object,
    /// Its Namespace.
    Namespace,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is changed.
    pub whose: Whose,
    written: String,
    path: Path,
    /// `None` where it is removed.
    to: Option<String>,
}

impl Change {
    /// Reads one `--what-if`.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Change, String> {
        let (path, to) = split(text).ok_or_else(|| {
            format!(
                "`--what-if` `{text}` changes nothing: write `PATH=VALUE`, or `PATH-` to remove"
            )
        })?;
        let parsed: Path = path.parse().map_err(|error| {
            format!("`--what-if`: {error}, or `metadata.labels['example.com/tier']`")
        })?;
        let (whose, path) = whose(parsed);
        if path.steps().is_empty() {
            return Err(format!(
                "`--what-if` `{text}` says nothing of the Namespace: write `namespace.labels.KEY=VALUE`"
            ));
        }
        Ok(Change {
            whose,
            written: text.to_owned(),
            path,
            to: to.map(str::to_owned),
        })
    }

    /// Changes `object`.
    ///
    /// # Errors
    ///
    /// Why it cannot be changed so.
    pub fn apply(&self, object: &mut Value) -> Result<(), String> {
        let changed = match &self.to {
            Some(text) => self.set(object, text),
            None => self.remove(object),
        };
        changed.map_err(|why| format!("`--what-if` `{}`: {why}", self.written))
    }

    fn set(&self, object: &mut Value, text: &str) -> Result<(), String> {
        let known = field_type(object, &self.path)?;
        let here = at(object, self.path.steps());
        let value = value(text, known, here)?;
        put(object, &self.path, 0, value)
    }

    fn remove(&self, object: &mut Value) -> Result<(), String> {
        field_type(object, &self.path)?;
        let Some((last, above)) = self.path.steps().split_last() else {
            return Ok(());
        };
        let parent = at_mut(object, above);
        let removed = match (parent, last) {
            (Some(Value::Array(items)), Step::Index(index)) => {
                let index = usize::try_from(*index).unwrap_or(usize::MAX);
                (index < items.len()).then(|| items.remove(index))
            }
            (Some(Value::Object(members)), step) => {
                step.name().and_then(|name| members.remove(name))
            }
            _ => None,
        };
        if removed.is_none() {
            return Err("there is nothing to remove".to_owned());
        }
        // An apiserver stores no map that has nothing in it.
        let above = Path::new(above.to_vec());
        let empty = at(object, above.steps()).is_some_and(|own| *own == Value::Object(Map::new()));
        if empty
            && field_type(object, &above) == Ok(Some(FieldType::Map))
            && let Some((map, owner)) = above.steps().split_last()
            && let Some(Value::Object(members)) = at_mut(object, owner)
            && let Some(name) = map.name()
        {
            members.remove(name);
        }
        Ok(())
    }
}

/// The path, and the value after the first `=` that is not in quotes; without
/// one, a `-` at the end.
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in text.char_indices() {
        match quote {
            _ if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if c == '=' => return Some((text.get(..at)?, text.get(at + 1..))),
            None => {}
        }
    }
    Some((text.strip_suffix('-')?, None))
}

/// `namespace.labels` are those of the Namespace; no object has a field
/// `namespace` at its top.
fn whose(path: Path) -> (Whose, Path) {
    match path.steps().split_first() {
        Some((first, rest)) if first.name() == Some("namespace") => {
            let metadata = Step::Field("metadata".into());
            let short = rest.first().and_then(Step::name);
            let short = short.is_some_and(|name| matches!(name, "labels" | "annotations"));
            let steps = short.then_some(metadata).into_iter();
            let steps = steps.chain(rest.iter().cloned());
            (Whose::Namespace, Path::new(steps.collect()))
        }
        _ => (Whose::Object, path),
    }
}

/// What the schema says stands there; `None` where it says nothing.
fn field_type(object: &Value, path: &Path) -> Result<Option<FieldType>, String> {
    let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let mut found = schema::resolve(group, Some(version), kind, path);
    // The metadata of every kind is alike.
    let first = path.steps().first().and_then(Step::name);
    if found == Err(PathError::UnknownKind) && first == Some("metadata") && !kind.is_empty() {
        found = schema::resolve("", Some("v1"), "ConfigMap", path);
    }
    match found {
        Ok(known) => Ok(Some(known)),
        Err(PathError::UnknownKind) => Ok(None),
        Err(PathError::UnknownField {
            name,
            suggestion,
            segment,
            ..
        }) => Err(match suggestion {
            Some(meant) => format!("unknown field `{name}`; did you mean `{meant}`?"),
            None if is_entry(path, segment) => format!(
                "`{name}` lies within a text; a key with dots is written in brackets, as in `metadata.labels['example.com/tier']`"
            ),
            None => format!("unknown field `{name}`"),
        }),
    }
}

/// Whether the step before is the key of a label or an annotation.
fn is_entry(path: &Path, segment: usize) -> bool {
    let maps = path.steps().get(..segment).unwrap_or_default().iter();
    let mut maps = maps.map(Step::name);
    maps.any(|name| matches!(name, Some("labels" | "annotations" | "matchLabels")))
}

/// The value that a text stands for.
fn value(text: &str, known: Option<FieldType>, here: Option<&Value>) -> Result<Value, String> {
    let wrong = |wanted: &str| Err(format!("`{text}` is not {wanted}"));
    let parsed = || serde_yaml::from_str::<Value>(text).ok();
    match known {
        Some(FieldType::String) => Ok(text.into()),
        Some(FieldType::Bool) => text
            .parse::<bool>()
            .map(Value::from)
            .or_else(|_| wrong("`true` or `false`")),
        Some(FieldType::Int) => text
            .parse::<i64>()
            .map(Value::from)
            .or_else(|_| wrong("a whole number")),
        Some(FieldType::Uint) => text
            .parse::<u64>()
            .map(Value::from)
            .or_else(|_| wrong("a whole number from 0 up")),
        Some(FieldType::Double) => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number.into()),
            _ => wrong("a number"),
        },
        Some(FieldType::Bytes) => match STANDARD.decode(text) {
            Ok(_) => Ok(text.into()),
            Err(_) => wrong("base64, as such data is written"),
        },
        Some(FieldType::List) => match parsed() {
            Some(list @ Value::Array(_)) => Ok(list),
            _ => wrong("a list: write `[a, b]`"),
        },
        Some(FieldType::Map | FieldType::Message) => match parsed() {
            Some(object @ Value::Object(_)) => Ok(object),
            _ => wrong("an object: write `{a: b}`"),
        },
        Some(FieldType::Special(special)) if special.json_shape() == JsonShape::String => {
            Ok(text.into())
        }
        Some(FieldType::Special(special)) if special.json_shape() == JsonShape::Strings => {
            match parsed() {
                Some(list @ Value::Array(_)) => Ok(list),
                _ => wrong("a list: write `[a, b]`"),
            }
        }
        Some(FieldType::Special(_)) | None => Ok(guessed(text, here)),
    }
}

/// Where no schema helps: what stands there says whether it is a text; else
/// numbers, truth values, lists and objects are what they look like.
fn guessed(text: &str, here: Option<&Value>) -> Value {
    if here.is_some_and(Value::is_string) {
        return text.into();
    }
    if let Ok(json) = serde_json::from_str(text) {
        return json;
    }
    let container = text.starts_with(['[', '{']);
    let yaml = container.then(|| serde_yaml::from_str(text).ok()).flatten();
    yaml.unwrap_or_else(|| text.into())
}

fn at_mut<'v>(object: &'v mut Value, steps: &[Step]) -> Option<&'v mut Value> {
    steps.iter().try_fold(object, |own, step| match step {
        Step::Index(index) => own.get_mut(usize::try_from(*index).ok()?),
        Step::Field(name) | Step::Key(name) => own.get_mut(&**name),
    })
}

/// Puts `value` where the steps from number `done` on lead, and makes what is
/// missing on the way.
fn put(into: &mut Value, path: &Path, done: usize, value: Value) -> Result<(), String> {
    let Some(step) = path.steps().get(done) else {
        *into = value;
        return Ok(());
    };
    let so_far = || match done {
        0 => "the object".to_owned(),
        _ => format!(
            "`{}`",
            Path::new(path.steps().iter().take(done).cloned().collect())
        ),
    };
    let next = match step {
        Step::Index(index) => {
            if into.is_null() {
                *into = Value::Array(Vec::new());
            }
            let Value::Array(items) = into else {
                return Err(format!("{} is not a list", so_far()));
            };
            let (index, count) = (usize::try_from(*index).unwrap_or(usize::MAX), items.len());
            if index == count {
                items.push(Value::Null);
            }
            let item = items.get_mut(index);
            item.ok_or_else(|| format!("{} has {count} elements: the next is [{count}]", so_far()))?
        }
        Step::Field(name) | Step::Key(name) => {
            if into.is_null() {
                *into = Value::Object(Map::new());
            }
            let Value::Object(members) = into else {
                return Err(format!("{} is not an object", so_far()));
            };
            members.entry(&**name).or_insert(Value::Null)
        }
    };
    put(next, path, done + 1, value)
}
