//! What `when` can name: `object`, `namespaceObject` and `key`, or for rules
//! over other keys `key` and `value`.
//!
//! Promises types for the fields of Kubernetes' own kinds, as the API shows
//! them in JSON. Deliberately leaves custom resources and values outside of
//! Kubernetes dynamic.

use std::cell::RefCell;

use crate::k8s::schema::{self, FieldType, JsonShape, PathError};
use crate::k8s::{Path, Step};
use crate::lang::Type;
use crate::lang::check::Options;
use crate::lang::scheme::{FieldInfo, Scheme, UnknownField};

use super::field_check::Selected;
use super::rule_set::Rule;

/// How conditions are checked.
pub(super) const CHECKING: Options = Options {
    check: true,
    macros: true,
    json_paths: true,
};

/// The scheme of one rule's conditions.
pub(super) struct RuleVariables {
    /// The kinds that `object` may be; none where it may be anything.
    kinds: Vec<Selected>,
    over_keys: bool,
    namespaced: bool,
    /// Whether no object has a Namespace.
    cluster_scoped: bool,
    /// What the numbers of objects stand for.
    objects: RefCell<Vec<(Root, Path)>>,
}

/// Where an object's path begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Root {
    Object,
    Namespace,
}

impl RuleVariables {
    /// What the conditions of `rule` can name, where `object` is one of
    /// `kinds`.
    pub(super) fn of(rule: &Rule, kinds: &[Selected]) -> RuleVariables {
        let has_schema = |own: &Selected| {
            let version = own.version.as_deref();
            schema::resolve(&own.group, version, &own.kind, &Path::new(Vec::new())).is_ok()
        };
        let known = kinds.iter().all(has_schema);
        let all_are = |namespaced: bool| {
            let scope = |own: &Selected| schema::by_kind(&own.group, &own.kind);
            let same = |own| scope(own).is_some_and(|known| known.namespaced == namespaced);
            known && !kinds.is_empty() && kinds.iter().all(same)
        };
        // What such a rule selects is in a Namespace.
        let by_namespace = rule.namespace.is_some()
            || !rule.namespaces.is_empty()
            || !rule.namespace_selectors.is_empty();
        RuleVariables {
            namespaced: by_namespace || all_are(true),
            cluster_scoped: all_are(false),
            kinds: if known { kinds.to_vec() } else { Vec::new() },
            over_keys: !rule.keys.is_empty(),
            objects: RefCell::default(),
        }
    }

    /// What a condition over any object can name.
    pub(super) fn of_any() -> RuleVariables {
        RuleVariables {
            kinds: Vec::new(),
            over_keys: false,
            namespaced: false,
            cluster_scoped: false,
            objects: RefCell::default(),
        }
    }

    fn object(&self, root: Root, path: Path) -> Type {
        let mut objects = self.objects.borrow_mut();
        let known = objects
            .iter()
            .position(|(own, at)| *own == root && *at == path);
        let number = known.unwrap_or_else(|| {
            objects.push((root, path));
            objects.len() - 1
        });
        u32::try_from(number).map_or(Type::Dyn, Type::Object)
    }

    fn place(&self, object: u32) -> Option<(Root, Path)> {
        self.objects.borrow().get(object as usize).cloned()
    }

    fn kinds_of(&self, root: Root) -> Vec<Selected> {
        match root {
            Root::Object => self.kinds.clone(),
            Root::Namespace => vec![Selected {
                group: String::new(),
                version: Some("v1".to_owned()),
                kind: "Namespace".to_owned(),
            }],
        }
    }

    /// What stands at `path`: a type that all kinds agree on which have it.
    fn at(&self, root: Root, path: &Path) -> Result<Type, UnknownField> {
        let (mut found, mut unknown) = (Vec::new(), None);
        for kind in self.kinds_of(root) {
            match schema::resolve(&kind.group, kind.version.as_deref(), &kind.kind, path) {
                Ok(field) => found.push(self.of_field(root, path, &field)),
                Err(PathError::UnknownKind) => found.push(Type::Dyn),
                Err(PathError::UnknownField { suggestion, .. }) => {
                    unknown = unknown.or(Some(UnknownField { suggestion }));
                }
            }
        }
        let mut types = found.into_iter();
        let Some(first) = types.next() else {
            return Err(unknown.unwrap_or(UnknownField { suggestion: None }));
        };
        Ok(match types.all(|other| other == first) {
            true => first,
            false => Type::Dyn,
        })
    }

    fn of_field(&self, root: Root, path: &Path, field: &FieldType) -> Type {
        let beneath = |step| self.at(root, &below(path, step)).unwrap_or(Type::Dyn);
        match field {
            // Bytes are shown in base64.
            FieldType::String | FieldType::Bytes => Type::String,
            FieldType::Bool => Type::Bool,
            FieldType::Int => Type::Int,
            FieldType::Uint => Type::Uint,
            FieldType::Double => Type::Double,
            FieldType::Map => Type::map(Type::String, beneath(Step::Key("".into()))),
            FieldType::List => Type::list(beneath(Step::Index(0))),
            FieldType::Message => self.object(root, path.clone()),
            FieldType::Special(special) => match special.json_shape() {
                JsonShape::String => Type::String,
                JsonShape::Strings => Type::list(Type::String),
                JsonShape::IntOrString | JsonShape::Any => Type::Dyn,
            },
        }
    }

    /// Where a field is that was looked for at the top of an object.
    fn deeper(&self, root: Root, name: &str) -> Option<String> {
        if self.kinds_of(root).is_empty() {
            return OF_METADATA
                .contains(&name)
                .then(|| format!("metadata.{name}"));
        }
        let steps = ["metadata", "spec", "status"];
        let mut paths = steps
            .map(|first| Path::new(vec![Step::Field(first.into()), Step::Field(name.into())]))
            .into_iter();
        let found = paths.find(|path| self.at(root, path).is_ok());
        found.map(|path| path.to_string())
    }

    fn may_be_absent(&self, root: Root, path: &Path) -> bool {
        if self.is_always_stored(root, path) {
            return false;
        }
        let kinds = self.kinds_of(root);
        let absent = |kind: &Selected| {
            schema::may_be_absent(&kind.group, kind.version.as_deref(), &kind.kind, path)
        };
        let lacks = |kind: &Selected| {
            schema::resolve(&kind.group, kind.version.as_deref(), &kind.kind, path).is_err()
        };
        kinds.iter().any(|kind| lacks(kind) || absent(kind))
    }

    /// What an apiserver never stores an object without, though its type allows
    /// that.
    fn is_always_stored(&self, root: Root, path: &Path) -> bool {
        let names: Vec<&str> = path.steps().iter().filter_map(Step::name).collect();
        match names.as_slice() {
            ["metadata", "name" | "uid" | "creationTimestamp"] => true,
            ["metadata", "namespace"] => root == Root::Object && self.namespaced,
            _ => false,
        }
    }
}

fn below(path: &Path, step: Step) -> Path {
    let steps = path.steps().iter().cloned();
    Path::new(steps.chain([step]).collect())
}

impl Scheme for RuleVariables {
    fn variable(&self, name: &str) -> Option<Type> {
        match (name, self.over_keys) {
            ("key", _) => Some(Type::String),
            ("value", true) => Some(Type::Dyn),
            ("object", false) if self.kinds.is_empty() => Some(Type::Dyn),
            ("object", false) => Some(self.object(Root::Object, Path::new(Vec::new()))),
            ("namespaceObject", false) if self.cluster_scoped => Some(Type::Null),
            ("namespaceObject", false) => Some(self.object(Root::Namespace, Path::new(Vec::new()))),
            _ => None,
        }
    }

    fn variables(&self) -> Vec<String> {
        let names: &[&str] = match self.over_keys {
            true => &["key", "value"],
            false => &["object", "namespaceObject", "key"],
        };
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn field(&self, object: u32, name: &str) -> Result<FieldInfo, UnknownField> {
        let Some((root, path)) = self.place(object) else {
            return Err(UnknownField { suggestion: None });
        };
        let path = below(&path, Step::Field(name.into()));
        let ty = self.at(root, &path).map_err(|unknown| match path.steps() {
            [_] if unknown.suggestion.is_none() => UnknownField {
                suggestion: self.deeper(root, name),
            },
            _ => unknown,
        });
        Ok(FieldInfo {
            ty: ty?,
            may_be_absent: self.may_be_absent(root, &path),
        })
    }

    fn instead_of(&self, name: &str) -> Option<String> {
        if self.over_keys {
            return over_keys(name);
        }
        foreign(name).map(str::to_owned).or_else(|| {
            let root = Path::new(Vec::new());
            let field = self.at(Root::Object, &below(&root, Step::Field(name.into())));
            let known = !self.kinds.is_empty() && field.is_ok() || OF_ALL.contains(&name);
            let own = match known {
                true => name.to_owned(),
                false => self.deeper(Root::Object, name)?,
            };
            Some(format!("fields are read from the object: `object.{own}`"))
        })
    }

    fn describe(&self, object: u32) -> String {
        let Some((root, path)) = self.place(object) else {
            return "the object".to_owned();
        };
        let of = match (root, self.kinds.as_slice()) {
            (Root::Namespace, _) => "Namespace",
            (Root::Object, [only]) => &only.kind,
            (Root::Object, _) => "the kinds that this rule selects",
        };
        match path.steps().is_empty() {
            true => of.to_owned(),
            // The first element stands for all of them.
            false => format!("`{}` of {of}", path.to_string().replace("[0]", "[]")),
        }
    }
}

/// What every object has.
const OF_ALL: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// What people most often look for in a custom resource.
const OF_METADATA: [&str; 4] = ["name", "namespace", "labels", "annotations"];

/// What is said of variables that conditions elsewhere in Kubernetes have.
fn foreign(name: &str) -> Option<&'static str> {
    Some(match name {
        "self" | "this" | "resource" | "obj" | "item" => "the object is `object` here",
        "oldObject" | "oldSelf" => {
            "a condition sees the object as it is stored, and nothing of what it was: leave it out"
        }
        "request" => {
            "nothing is requested here: name, namespace and kind are fields of `object`, and `key` is its key"
        }
        "params" => "there are no parameters: write their values into the condition",
        "variables" => {
            "there are no variables of a policy: write the expression here, or name it with `cel.bind(name, value, expression)`"
        }
        "authorizer" => {
            "nobody asks for anything here, so that nothing is authorized: leave it out"
        }
        "value" => "`value` is for rules with `keys`; of this rule it is `object`",
        _ => return None,
    })
}

/// What is said of variables that only rules over Kubernetes objects have.
fn over_keys(name: &str) -> Option<String> {
    let help = match name {
        "object" | "self" | "this" => {
            "a rule with `keys` has no object: what a key holds is `value`"
        }
        "namespaceObject" => "keys outside of Kubernetes have no Namespace",
        _ => return None,
    };
    Some(help.to_owned())
}
