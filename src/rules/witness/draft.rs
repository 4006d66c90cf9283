//! From a model to a key and its value.
//!
//! Promises an object that kubectl could show. Deliberately does not know
//! whether it is what was looked for: the judge does.

use serde_json::{Map, Value as Json, json};

use crate::k8s::schema::{self, Resource};
use crate::k8s::{Path, Step};
use crate::lang::Value;
use crate::lang::solve::{Model, Point};

use super::super::claims::{Terms, Thing, World};
use super::super::rule_set::GroupPattern;
use super::super::slots::SlotSource;
use super::variants::Variant;
use super::{Content, Witness};

/// What a model says of everything that is read.
struct Said<'m> {
    points: Vec<(&'m SlotSource, &'m Point)>,
    /// Fields of which it says nothing.
    free: Vec<(&'m Path, Json)>,
    variant: &'m Variant,
}

impl<'m> Said<'m> {
    fn of(model: &'m Model, world: &'m World, variant: &'m Variant) -> Said<'m> {
        let points = model
            .points()
            .iter()
            .filter_map(|(var, point)| match world.thing(*var)? {
                Thing::Read(source, _) => Some((source, point)),
                Thing::Unknown(_) => None,
            });
        Said {
            points: points.collect(),
            free: Vec::new(),
            variant,
        }
    }

    /// Fields that the rule reads and the model says nothing of.
    fn add_free(&mut self, terms: &Terms<'_>, model: &Model, world: &'m World) {
        let silent = terms.slots.iter().filter(|var| model.get(**var).is_none());
        let paths = silent.filter_map(|var| match world.thing(*var)? {
            Thing::Read(SlotSource::Field(path) | SlotSource::Value(path), _) => Some(path),
            _ => None,
        });
        let own = |path: &&Path| path.steps().first().and_then(Step::name) != Some("metadata");
        let values = self.variant.fields.iter().cycle();
        self.free = paths.filter(own).zip(values.cloned()).collect();
    }

    fn text(&self, source: &SlotSource) -> Option<String> {
        let found = self.points.iter().find(|(own, _)| *own == source);
        match found?.1 {
            Point::Value(Value::String(text)) => Some(text.to_string()),
            _ => None,
        }
    }

    fn field(&self, names: &[&str]) -> Option<String> {
        let steps = names.iter().map(|name| Step::Field((*name).into()));
        self.text(&SlotSource::Field(Path::new(steps.collect())))
    }

    /// Whether anything is said of the object's Namespace but that it is not
    /// there.
    fn has_namespace(&self) -> bool {
        self.points.iter().any(|(source, point)| {
            let there = !matches!(point, Point::Absent | Point::Value(Value::Null));
            source.may_fault() && there
        })
    }

    /// Puts what is free where there is nothing yet.
    fn fill_free(&self, root: &mut Json) {
        for (path, value) in &self.free {
            let there = path.steps().iter().try_fold(&*root, |at, step| match step {
                Step::Field(name) | Step::Key(name) => at.get(&**name),
                Step::Index(index) => at.get(*index as usize),
            });
            if there.is_none() {
                // Where there is no room for it, it is left out.
                let _ = put(root, path.steps(), value.clone());
            }
        }
    }

    /// The fields of one root, those further up first.
    fn fields(&self, path: fn(&SlotSource) -> Option<&Path>) -> Vec<(&'m Path, &'m Point)> {
        let points = self.points.iter();
        let own = points.filter_map(|(source, point)| Some((path(source)?, *point)));
        let mut own: Vec<(&Path, &Point)> = own.collect();
        own.sort_by_key(|(path, _)| path.steps().len());
        own
    }
}

/// What the model of a rule's conditions looks like; `None` where it cannot be
/// written down.
pub fn draft(
    model: &Model,
    terms: &Terms<'_>,
    world: &World,
    prefix: &str,
    variant: &Variant,
) -> Option<Witness> {
    let mut said = Said::of(model, world, variant);
    said.add_free(terms, model, world);
    match terms.plain {
        true => plain(&said),
        false => object(&said, terms, prefix),
    }
}

fn plain(said: &Said<'_>) -> Option<Witness> {
    let value = |source: &SlotSource| -> bool { matches!(source, SlotSource::Value(_)) };
    let fields = said.fields(|source| match source {
        SlotSource::Value(path) => Some(path),
        _ => None,
    });
    let is_read = said.points.iter().any(|(source, _)| value(source));
    let content = match fields.first() {
        Some((path, Point::Bytes(size))) if path.steps().is_empty() => {
            Content::Text("x".repeat(*size))
        }
        _ if !is_read => Content::Text("example".to_owned()),
        _ => {
            let mut document = json!({});
            fill(&mut document, &fields, said.variant)?;
            said.fill_free(&mut document);
            Content::Document(document)
        }
    };
    Some(Witness {
        key: said.text(&SlotSource::Key)?,
        content,
        namespace: None,
    })
}

fn object(said: &Said<'_>, terms: &Terms<'_>, prefix: &str) -> Option<Witness> {
    let mut namespace = said.field(&["metadata", "namespace"]);
    if namespace.is_none() && said.has_namespace() {
        namespace = Some("default".to_owned());
    }
    let place = Place::of(said, terms, namespace.is_some());
    if place.namespaced == Some(true) {
        namespace = namespace.or(Some("default".to_owned()));
    }
    let name = said.field(&["metadata", "name"]);
    let name = name.unwrap_or_else(|| "example".to_owned());
    let api_version = match place.group.as_str() {
        "" => place.version.clone(),
        group => format!("{group}/{}", place.version),
    };
    let mut metadata = json!({ "name": name });
    if let Some(namespace) = &namespace {
        metadata["namespace"] = json!(namespace);
    }
    let mut manifest = json!({
        "apiVersion": api_version,
        "kind": place.kind,
        "metadata": metadata,
    });
    let fields = said.fields(|source| match source {
        SlotSource::Field(path) => Some(path),
        _ => None,
    });
    fill(&mut manifest, &fields, said.variant)?;
    said.fill_free(&mut manifest);
    let within = namespace.iter().map(|own| format!("{own}/"));
    let key = format!(
        "{prefix}/{}/{}{name}",
        place.path,
        within.collect::<String>()
    );
    let known = namespace.filter(|_| said.has_namespace());
    Some(Witness {
        key,
        content: Content::Object(manifest),
        namespace: match known {
            Some(name) => Some(namespace_object(said, &name)?),
            None => None,
        },
    })
}

fn namespace_object(said: &Said<'_>, name: &str) -> Option<Json> {
    let mut manifest = json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": name },
    });
    let fields = said.fields(|source| match source {
        SlotSource::NamespaceField(path) => Some(path),
        _ => None,
    });
    fill(&mut manifest, &fields, said.variant)?;
    for (source, point) in &said.points {
        if let (SlotSource::NamespaceLabel(key), Point::Value(_)) = (source, point) {
            manifest["metadata"]["labels"][&**key] = json(point, 0, said.variant)?;
        }
    }
    Some(manifest)
}

/// What an object is, and where its like are kept.
struct Place {
    group: String,
    version: String,
    kind: String,
    path: String,
    /// `None` for custom resources.
    namespaced: Option<bool>,
}

impl Place {
    fn of(said: &Said<'_>, terms: &Terms<'_>, in_namespace: bool) -> Place {
        let kind = said.text(&SlotSource::Kind);
        let group = said
            .text(&SlotSource::Group)
            .or_else(|| match &terms.rule.group.value {
                GroupPattern::Exact(group) => Some(group.clone()),
                GroupPattern::Glob(_) => None,
            });
        let of_kind = |own: &&Resource| kind.as_ref().is_none_or(|kind| own.kind == kind);
        let of_group = |own: &&Resource| group.as_ref().is_none_or(|group| own.group == group);
        let known = schema::resources().iter();
        let known = known.filter(|own| of_kind(own) && of_group(own));
        // What is asked for by name is taken as it is.
        let fits = |own: &&Resource| kind.is_some() || own.namespaced == in_namespace;
        let well_known = |own: &&Resource| {
            !matches!(
                own.kind,
                "ConfigMap" | "Deployment" | "ClusterRole" | "Namespace"
            )
        };
        let found = known.filter(fits).min_by_key(well_known);
        let version = said.text(&SlotSource::Version);
        match found {
            Some(own) => Place {
                group: own.group.to_owned(),
                version: version.unwrap_or_else(|| own.version.to_owned()),
                kind: own.kind.to_owned(),
                path: own.path.to_owned(),
                namespaced: Some(own.namespaced),
            },
            None => Place::unknown(group, version, kind),
        }
    }

    /// Of a custom resource, or a kind of an older group.
    fn unknown(group: Option<String>, version: Option<String>, kind: Option<String>) -> Place {
        let group = group.unwrap_or_else(|| "example.com".to_owned());
        let kind = kind.unwrap_or_else(|| "Example".to_owned());
        let plural = format!("{}s", kind.to_lowercase());
        let (path, namespaced) = match schema::by_kind(&group, &kind) {
            Some(own) => (own.path.to_owned(), Some(own.namespaced)),
            None if group.contains('.') => (format!("{group}/{plural}"), None),
            None => (plural, None),
        };
        Place {
            version: version.unwrap_or_else(|| "v1".to_owned()),
            group,
            kind,
            path,
            namespaced,
        }
    }
}

/// Puts fields where they belong, those further up first.
fn fill(root: &mut Json, fields: &[(&Path, &Point)], variant: &Variant) -> Option<()> {
    for (path, point) in fields {
        if matches!(point, Point::Absent) {
            continue;
        }
        let within = fields.iter().filter(|(other, point)| {
            let steps = other.steps();
            steps.len() == path.steps().len() + 1
                && steps.starts_with(path.steps())
                && !matches!(point, Point::Absent)
        });
        let value = json(point, within.count(), variant)?;
        // What is there already is known from elsewhere.
        match (path.steps().is_empty(), &value) {
            (true, Json::Object(_)) if root.is_object() => {
                let more = value.as_object().cloned().unwrap_or_default();
                let missing = more
                    .len()
                    .saturating_sub(root.as_object().map_or(0, Map::len));
                let root = root.as_object_mut()?;
                root.extend(more.into_iter().take(missing));
            }
            (true, _) => *root = value,
            _ => put(root, path.steps(), value)?,
        }
    }
    Some(())
}

fn put(root: &mut Json, steps: &[Step], value: Json) -> Option<()> {
    let mut at = root;
    for step in steps {
        at = match step {
            Step::Field(name) | Step::Key(name) => {
                if at.is_null() {
                    *at = json!({});
                }
                at.as_object_mut()?.entry(&**name).or_insert(Json::Null)
            }
            Step::Index(index) => {
                if at.is_null() {
                    *at = json!([]);
                }
                let items = at.as_array_mut()?;
                let index = *index as usize;
                if index >= MAX_ITEMS {
                    return None;
                }
                while items.len() <= index {
                    items.push(Json::Null);
                }
                items.get_mut(index)?
            }
        };
    }
    match (&mut *at, value) {
        (Json::Object(own), Json::Object(more)) => own.extend(more),
        (at, value) => *at = value,
    }
    Some(())
}

/// No more elements than this are written down.
const MAX_ITEMS: usize = 1000;

/// A value in JSON; so many of a container's elements are known from
/// elsewhere.
fn json(point: &Point, known: usize, variant: &Variant) -> Option<Json> {
    Some(match point {
        Point::Fault | Point::Absent | Point::Bytes(_) => return None,
        Point::List(size) if *size <= MAX_ITEMS => {
            let size = (*size).max(usize::from(variant.has_element && known == 0));
            vec![variant.element.clone(); size].into()
        }
        Point::Map(size) if *size <= MAX_ITEMS => {
            // What Kubernetes stores is left out where it is empty.
            let size = (*size).max(usize::from(variant.has_element));
            let names = (known + 1..=size).map(|number| format!("key-{number}"));
            Json::Object(names.map(|name| (name, json!("example"))).collect())
        }
        Point::List(_) | Point::Map(_) => return None,
        Point::Value(value) => match value {
            Value::Null => Json::Null,
            Value::Bool(own) => json!(own),
            Value::Int(own) => json!(own),
            Value::Uint(own) => json!(own),
            Value::Double(own) => Json::Number(serde_json::Number::from_f64(*own)?),
            Value::String(own) => json!(&**own),
            _ => return None,
        },
    })
}
