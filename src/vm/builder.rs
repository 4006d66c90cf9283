//! Lists and maps while a program makes them.
//!
//! Promises that neither grows beyond its bound.

use std::sync::Arc;

use crate::lang::{FaultKind, Map, TypeName, Value, container};

/// The most elements of a list, and entries of a map.
const MOST: usize = 1_000_000;

/// A list or map that is being made.
pub(super) enum Builder<'a> {
    /// A list.
    List(Vec<Value<'a>>),
    /// A map.
    Map(Map<'a>),
}

impl<'a> Builder<'a> {
    pub(super) fn push(&mut self, value: Value<'a>) -> Result<(), FaultKind> {
        match self {
            Builder::List(items) if items.len() < MOST => {
                items.push(value);
                Ok(())
            }
            _ => Err(FaultKind::TooLarge),
        }
    }

    pub(super) fn insert(&mut self, key: Value<'a>, value: Value<'a>) -> Result<(), FaultKind> {
        match self {
            Builder::Map(map) if map.len() < MOST => map.insert(key, value),
            _ => Err(FaultKind::TooLarge),
        }
    }

    pub(super) fn insert_all(&mut self, from: &Value<'a>) -> Result<(), FaultKind> {
        if from.type_name() != TypeName::Map {
            return Err(FaultKind::NoSuchOverload);
        }
        for entry in container::entries(from)? {
            let (key, value) = entry?;
            self.insert(key, value)?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Value<'a> {
        match self {
            Builder::List(items) => Value::list(items),
            Builder::Map(map) => Value::Map(Arc::new(map)),
        }
    }
}
