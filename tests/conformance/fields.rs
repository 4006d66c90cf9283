//! A value compared with the JSON that the Kubernetes libraries make of it:
//! as a whole, by every path alone, by all paths at once, and by walking.
//!
//! The check goes both ways: every place in the JSON is read by its path, and
//! every field of the schema that the JSON does not show is absent.

use carry::k8s::schema::{self, FieldType, PathError};
use carry::k8s::{Field, Path, Query, Record, Step, View};
use serde_json::Value;

/// Compares everything that can be read of `record` with its JSON. Yields how
/// many scalars and how many objects, maps and lists were read.
pub fn check_record(record: &Record<'_>, json: &Value) -> Result<(usize, usize), String> {
    equal(
        "apiVersion",
        Some(record.api_version()),
        json["apiVersion"].as_str(),
    )?;
    equal("kind", Some(record.kind()), json["kind"].as_str())?;
    record.verify().map_err(|error| error.to_string())?;
    let printed = record.to_json().map_err(|error| error.to_string())?;
    if printed != *json {
        return Err(format!("printed {}", difference("", &printed, json)));
    }
    check_labels(record, json)?;
    walk(&record.view(), json)?;
    let mut paths = Vec::new();
    collect(json, &mut Vec::new(), &mut paths);
    let composites = paths.iter().filter_map(|path| at(json, path));
    let composites = composites.filter(|json| is_composite(json)).count();
    let counts = (paths.len() - composites, composites);
    absent_fields(record, json, &mut paths);
    let query = Query::new(&paths, record.api_version(), record.kind());
    let mut out = vec![Field::Absent; query.len()];
    record
        .scan(&query, &mut out)
        .map_err(|error| error.to_string())?;
    for (path, field) in paths.iter().zip(&out) {
        let wanted = at(json, path);
        if !same(field, wanted) {
            return Err(format!("`{path}` is {field:?}, expected {wanted:?}"));
        }
        if record.get(path).as_ref() != Ok(field) {
            return Err(format!("`{path}` read alone differs"));
        }
        if let Some(FieldType::Message | FieldType::Map | FieldType::List) = type_of(record, path) {
            let composite = matches!(field, Field::Absent | Field::Null | Field::Composite(_));
            assert!(composite, "`{path}` has another type than the schema says");
        }
    }
    Ok(counts)
}

fn equal(what: &str, found: Option<&str>, wanted: Option<&str>) -> Result<(), String> {
    match found == wanted {
        true => Ok(()),
        false => Err(format!("{what} is {found:?}, expected {wanted:?}")),
    }
}

/// The first place where two values differ.
fn difference(path: &str, found: &Value, wanted: &Value) -> String {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            let names = found.keys().chain(wanted.keys());
            let mut differing = names.filter(|name| found.get(*name) != wanted.get(*name));
            let name = differing.next().expect("they differ");
            match (found.get(name), wanted.get(name)) {
                (Some(found), Some(wanted)) => difference(&format!("{path}.{name}"), found, wanted),
                (found, wanted) => format!("{path}.{name}: {found:?} for {wanted:?}"),
            }
        }
        (Value::Array(found), Value::Array(wanted)) if found.len() == wanted.len() => {
            let place = (0..found.len()).find(|&place| found[place] != wanted[place]);
            let place = place.expect("they differ");
            difference(&format!("{path}[{place}]"), &found[place], &wanted[place])
        }
        _ => format!("{path}: {found} for {wanted}"),
    }
}

fn check_labels(record: &Record<'_>, json: &Value) -> Result<(), String> {
    let found = record.labels().map_err(|error| error.to_string())?;
    let empty = serde_json::Map::new();
    let wanted = json["metadata"]["labels"].as_object().unwrap_or(&empty);
    let mut wanted: Vec<_> = wanted
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    wanted.sort();
    let found: Vec<_> = found
        .iter()
        .map(|(key, value)| (&**key, Some(&**value)))
        .collect();
    match found == wanted {
        true => Ok(()),
        false => Err(format!("the labels are {found:?}, expected {wanted:?}")),
    }
}

/// Members, elements and lengths, level by level.
fn walk(view: &View<'_>, json: &Value) -> Result<(), String> {
    let say = |error: carry::k8s::RecordError| error.to_string();
    let (members, items) = (view.members().map_err(say)?, view.items());
    let items: Vec<_> = items.collect::<Result<_, _>>().map_err(say)?;
    let wanted: Vec<(Option<&str>, &Value)> = match json {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (Some(name.as_str()), value))
            .collect(),
        Value::Array(items) => items.iter().map(|value| (None, value)).collect(),
        _ => return Err(format!("a view of {json}")),
    };
    let found: Vec<(Option<&str>, &Field<'_>)> = members
        .iter()
        .map(|(name, field)| (Some(&**name), field))
        .chain(items.iter().map(|field| (None, field)))
        .collect();
    let length = view.len().map_err(say)?;
    if found.len() != wanted.len() || length != wanted.len() || view.is_list() != json.is_array() {
        return Err(format!("{} found for {}", found.len(), wanted.len()));
    }
    assert_eq!(view.is_empty().map_err(say)?, wanted.is_empty());
    for ((name, field), (wanted_name, wanted)) in found.into_iter().zip(wanted) {
        if name != wanted_name || !same(field, Some(wanted)) {
            return Err(format!("walking finds {name:?} for {wanted_name:?}"));
        }
        if let Field::Composite(view) = field {
            walk(view, wanted)?;
        }
    }
    Ok(())
}

/// The path of every value within `json`, whole objects and lists included.
pub fn collect(json: &Value, steps: &mut Vec<Step>, paths: &mut Vec<Path>) {
    paths.push(Path::new(steps.clone()));
    let children: Vec<(Step, &Value)> = match json {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (Step::Field(name.as_str().into()), value))
            .collect(),
        Value::Array(items) => (0..).map(Step::Index).zip(items).collect(),
        _ => Vec::new(),
    };
    for (step, child) in children {
        steps.push(step);
        collect(child, steps, paths);
        steps.pop();
    }
}

fn type_of(record: &Record<'_>, path: &Path) -> Option<FieldType> {
    match schema::resolve(record.group(), Some(record.version()), record.kind(), path) {
        Ok(of) => Some(of),
        Err(PathError::UnknownKind) => None,
        Err(error) => panic!("`{path}` of `{}`: {error}", record.kind()),
    }
}

/// For every object of the JSON, the fields that its message has besides.
fn absent_fields(record: &Record<'_>, json: &Value, paths: &mut Vec<Path>) {
    let resolve =
        |path: &Path| schema::resolve(record.group(), Some(record.version()), record.kind(), path);
    let mut more = Vec::new();
    for path in paths.iter() {
        if !matches!(resolve(path), Ok(FieldType::Message)) {
            continue;
        }
        let mut steps = path.steps().to_vec();
        steps.push(Step::Field("no such field".into()));
        let Err(PathError::UnknownField { candidates, .. }) = resolve(&Path::new(steps.clone()))
        else {
            panic!("`{path}` has every field")
        };
        for name in candidates {
            steps.pop();
            steps.push(Step::Field(name.into()));
            let path = Path::new(steps.clone());
            if at(json, &path).is_none() {
                more.push(path);
            }
        }
    }
    paths.extend(more);
}

fn at<'j>(json: &'j Value, path: &Path) -> Option<&'j Value> {
    path.steps().iter().try_fold(json, |json, step| match step {
        Step::Field(name) | Step::Key(name) => json.get(&**name),
        Step::Index(index) => json.get(*index as usize),
    })
}

fn is_composite(json: &Value) -> bool {
    json.is_object() || json.is_array()
}

fn same(field: &Field<'_>, json: Option<&Value>) -> bool {
    match (field, json) {
        (Field::Absent, json) => json.is_none(),
        (Field::Composite(_), Some(json)) if !is_composite(json) => false,
        (_, json) => field.to_json().ok().as_ref() == json,
    }
}
