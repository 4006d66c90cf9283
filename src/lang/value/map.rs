//! Maps that expressions make.
//!
//! Promises that keys are unique on one number line (`1`, `1u` and `1.0` are
//! one key) and that entries keep their order. Deliberately knows only the
//! keys that CEL allows.

use hashbrown::HashMap;

use super::super::fault::FaultKind;
use super::Value;

/// Up to this many entries a map is searched one by one.
const FEW: usize = 8;

/// A map.
#[derive(Clone, Default)]
pub struct Map<'a> {
    entries: Vec<(Value<'a>, Value<'a>)>,
    /// Where each key is, once there are more than a few.
    places: HashMap<OwnedKey, usize>,
}

/// A key, the same for equal keys of different types.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key<'k> {
    Bool(bool),
    Int(i64),
    /// Beyond `i64`.
    Uint(u64),
    Text(&'k str),
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum OwnedKey {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Text(Box<str>),
}

impl<'k> Key<'k> {
    fn of(value: &'k Value<'_>) -> Option<Key<'k>> {
        Some(match value {
            Value::Bool(key) => Key::Bool(*key),
            Value::Int(key) => Key::Int(*key),
            Value::Uint(key) => i64::try_from(*key).map_or(Key::Uint(*key), Key::Int),
            Value::Double(key) => Key::of_double(*key)?,
            Value::String(key) => Key::Text(key),
            _ => return None,
        })
    }

    /// The integer that `number` is exactly, if it is one.
    fn of_double(number: f64) -> Option<Key<'static>> {
        const TWO_63: f64 = 9_223_372_036_854_775_808.0;
        const TWO_64: f64 = 18_446_744_073_709_551_616.0;
        if number.fract() != 0.0 {
            None
        } else if (-TWO_63..TWO_63).contains(&number) {
            Some(Key::Int(number as i64))
        } else if (TWO_63..TWO_64).contains(&number) {
            Some(Key::Uint(number as u64))
        } else {
            None
        }
    }

    fn owned(self) -> OwnedKey {
        match self {
            Key::Bool(key) => OwnedKey::Bool(key),
            Key::Int(key) => OwnedKey::Int(key),
            Key::Uint(key) => OwnedKey::Uint(key),
            Key::Text(key) => OwnedKey::Text(key.into()),
        }
    }
}

impl<'a> Map<'a> {
    /// Adds an entry.
    ///
    /// # Errors
    ///
    /// [`FaultKind::UnsupportedKey`] for a key that is neither a bool, an
    /// integer nor a string, [`FaultKind::DuplicateKey`] for one that is there.
    pub fn insert(&mut self, key: Value<'a>, value: Value<'a>) -> Result<(), FaultKind> {
        if matches!(key, Value::Double(_)) {
            return Err(FaultKind::UnsupportedKey);
        }
        let known = Key::of(&key).ok_or(FaultKind::UnsupportedKey)?;
        if self.place(known).is_some() {
            return Err(FaultKind::DuplicateKey);
        }
        let at = self.entries.len();
        if at >= FEW {
            let owned = known.owned();
            if self.places.is_empty() {
                self.index_all();
            }
            self.places.insert(owned, at);
        }
        self.entries.push((key, value));
        Ok(())
    }

    fn index_all(&mut self) {
        let keys = self.entries.iter().enumerate();
        let keys = keys.filter_map(|(at, (key, _))| Some((Key::of(key)?.owned(), at)));
        self.places = keys.collect();
    }

    fn place(&self, key: Key<'_>) -> Option<usize> {
        if self.places.is_empty() {
            let mut keys = self.entries.iter();
            return keys.position(|(own, _)| Key::of(own) == Some(key));
        }
        self.places.get(&key.owned()).copied()
    }

    /// The value at `key`; a number finds an equal one of another type.
    pub fn get(&self, key: &Value<'_>) -> Option<&Value<'a>> {
        let at = self.place(Key::of(key)?)?;
        self.entries.get(at).map(|(_, value)| value)
    }

    /// The entries in the order in which they were added.
    pub fn entries(&self) -> &[(Value<'a>, Value<'a>)] {
        &self.entries
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
