//! What expressions can name: the embedder's variables, and the fields of its
//! objects.
//!
//! Promises nothing of values. Deliberately without functions: those are the
//! language's (see `function`).

use crate::k8s::{Path, Step};

use super::hir::SlotId;
use super::ty::Type;

/// The variables of expressions, and the fields of objects.
pub trait Scheme {
    /// The type of a variable; `None` where there is none of this name. Names
    /// may hold dots.
    fn variable(&self, name: &str) -> Option<Type>;

    /// The names of all variables, for suggestions.
    fn variables(&self) -> Vec<String>;

    /// The field `name` of the objects [`Type::Object`] `object`.
    ///
    /// # Errors
    ///
    /// Where they have no such field.
    fn field(&self, object: u32, name: &str) -> Result<FieldInfo, UnknownField>;

    /// What the objects are, for messages: `Deployment`, `spec.template of
    /// Deployment`.
    fn describe(&self, object: u32) -> String;

    /// What to write instead of a variable that there is not, where more can be
    /// said than which there are: a sentence without a period.
    fn instead_of(&self, _name: &str) -> Option<String> {
        None
    }

    /// The name that unqualified names are looked up in first (`a.b` for
    /// `a.b.name`, then `a.name`, then `name`); empty for none.
    fn container(&self) -> &str {
        ""
    }
}

/// A field of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldInfo {
    /// Its type.
    pub ty: Type,
    /// Whether objects may lack it, so that reading it may fault.
    pub may_be_absent: bool,
}

/// An object that has no such field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField {
    /// The field that was probably meant.
    pub suggestion: Option<String>,
}

/// Gives slots to the fields that an expression reads.
pub trait SlotTable {
    /// The slot for the field at `path` of the variable `variable`; the same
    /// for the same field.
    fn slot(&mut self, variable: &str, path: &[Step]) -> SlotId;
}

/// A table that only numbers fields, for embedders that read them by variable
/// and path.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    fields: Vec<(Box<str>, Path)>,
}

impl Fields {
    /// The variables with the paths from them, by slot.
    pub fn fields(&self) -> &[(Box<str>, Path)] {
        &self.fields
    }
}

impl SlotTable for Fields {
    fn slot(&mut self, variable: &str, path: &[Step]) -> SlotId {
        let same = |(own, steps): &(Box<str>, Path)| **own == *variable && steps.steps() == path;
        let at = self.fields.iter().position(same).unwrap_or_else(|| {
            self.fields
                .push((variable.into(), Path::new(path.to_vec())));
            self.fields.len() - 1
        });
        // More than 65,535 are refused when the program is compiled.
        SlotId(u16::try_from(at).unwrap_or(u16::MAX))
    }
}

/// A scheme of variables alone, without objects of known fields.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    variables: Vec<(String, Type)>,
    container: String,
}

impl Variables {
    /// The variables with their types.
    pub fn new<N: Into<String>>(variables: impl IntoIterator<Item = (N, Type)>) -> Variables {
        let variables = variables.into_iter();
        Variables {
            variables: variables.map(|(name, ty)| (name.into(), ty)).collect(),
            container: String::new(),
        }
    }

    /// With the name that unqualified names are looked up in first.
    pub fn within(self, container: impl Into<String>) -> Variables {
        Variables {
            container: container.into(),
            ..self
        }
    }
}

impl Scheme for Variables {
    fn variable(&self, name: &str) -> Option<Type> {
        let found = self.variables.iter().find(|(own, _)| own == name);
        found.map(|(_, ty)| ty.clone())
    }

    fn variables(&self) -> Vec<String> {
        self.variables
            .iter()
            .map(|(name, _)| name.clone())
            .collect()
    }

    fn field(&self, _object: u32, _name: &str) -> Result<FieldInfo, UnknownField> {
        Err(UnknownField { suggestion: None })
    }

    fn describe(&self, _object: u32) -> String {
        "object".to_owned()
    }

    fn container(&self) -> &str {
        &self.container
    }
}
