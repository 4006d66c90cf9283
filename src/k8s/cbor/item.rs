//! One data item where it stands, read only where one looks.
//!
//! Promises that nothing is copied but strings that have to be changed.
//! Deliberately holds no more than a place.

use std::borrow::Cow;

use super::super::field::{Composite, Field, View};
use super::super::path::{Path, Step};
use super::cursor::{Cursor, Head, MAGIC};
use super::malformed::Malformed;

/// A data item. Cheap to copy.
#[derive(Clone)]
pub(crate) struct Item<'a> {
    cursor: Cursor<'a>,
    /// How many others it lies within.
    depth: usize,
}

/// Never shows the bytes: they may be a Secret.
impl std::fmt::Debug for Item<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Item(at {})", self.cursor.at())
    }
}

/// Two are equal when they stand in the same place of the same bytes.
impl PartialEq for Item<'_> {
    fn eq(&self, other: &Item<'_>) -> bool {
        self.cursor.at() == other.cursor.at() && self.cursor.bytes() == other.cursor.bytes()
    }
}

/// What kind of item it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Map,
    Array,
    Scalar,
}

impl<'a> Item<'a> {
    /// The item of a stored value, which is to be a map.
    pub fn stored(bytes: &'a [u8]) -> Result<Item<'a>, Malformed> {
        let item = Item {
            cursor: Cursor::new(bytes),
            depth: 0,
        };
        if !bytes.starts_with(MAGIC) {
            return Err(item.cursor.error("not self-described CBOR"));
        }
        match item.shape()? {
            Shape::Map => Ok(item),
            _ => Err(item.cursor.error("not a map")),
        }
    }

    /// The item at the cursor, within `depth` others.
    pub(super) fn at_cursor(cursor: &Cursor<'a>, depth: usize) -> Item<'a> {
        Item {
            cursor: cursor.clone(),
            depth,
        }
    }

    /// The item that comes next within an array or map, which the cursor
    /// steps over.
    pub(super) fn take(cursor: &mut Cursor<'a>) -> Result<Item<'a>, Malformed> {
        let item = Item::at_cursor(cursor, cursor.depth);
        let depth = cursor.depth;
        cursor.skip(depth)?;
        cursor.depth = depth;
        Ok(item)
    }

    /// The head, and a cursor behind it.
    pub(super) fn open(&self) -> Result<(Head<'a>, Cursor<'a>), Malformed> {
        let mut cursor = self.cursor.clone();
        let head = cursor.head(self.depth)?;
        Ok((head, cursor))
    }

    /// What kind of item it is.
    pub fn shape(&self) -> Result<Shape, Malformed> {
        Ok(match self.open()?.0 {
            Head::Map(_) => Shape::Map,
            Head::Array(_) => Shape::Array,
            _ => Shape::Scalar,
        })
    }

    /// The item as a field.
    pub fn field(&self) -> Result<Field<'a>, Malformed> {
        Ok(match self.open()?.0 {
            Head::Null => Field::Null,
            Head::Bool(value) => Field::Bool(value),
            Head::Int(value) => Field::Int(value),
            Head::Double(value) => Field::Double(value),
            Head::String(text) => Field::String(text.value()),
            Head::Time(text) => Field::String(Cow::Owned(text)),
            Head::Array(_) | Head::Map(_) => self.view(),
        })
    }

    /// The item as a view.
    pub(super) fn view(&self) -> Field<'a> {
        Field::Composite(View(Composite::Cbor(Box::new(self.clone()))))
    }

    /// Whether it is an array.
    pub fn is_array(&self) -> bool {
        self.shape() == Ok(Shape::Array)
    }

    /// The members of a map as they stand; none of anything else.
    pub fn members(&self) -> Members<'a> {
        Members(Walk::new(self, Shape::Map))
    }

    /// The items of an array; none of anything else.
    pub fn items(&self) -> Items<'a> {
        Items(Walk::new(self, Shape::Array))
    }

    /// How many items an array has, or members a map; none, where it is
    /// neither.
    pub fn len(&self) -> Result<usize, Malformed> {
        let mut items = self.items();
        let items = items.try_fold(0, |count, item| item.map(|_| count + 1))?;
        Ok(self.sorted()?.len() + items)
    }

    /// The members of a map, sorted by name; an error where one comes twice.
    pub fn sorted(&self) -> Result<Vec<(Cow<'a, str>, Item<'a>)>, Malformed> {
        let mut members = self.members().collect::<Result<Vec<_>, _>>()?;
        members.sort_by(|(a, _), (b, _)| a.cmp(b));
        let repeats =
            |pair: &[(Cow<'_, str>, Item<'_>)]| matches!(pair, [(a, _), (b, _)] if a == b);
        match members.windows(2).any(repeats) {
            true => Err(self.cursor.error(REPEATED)),
            false => Ok(members),
        }
    }

    /// The member of this name.
    pub fn member(&self, name: &str) -> Result<Option<Item<'a>>, Malformed> {
        let mut walk = Walk::new(self, Shape::Map);
        let mut found = None;
        while let Some(next) = walk.next(|cursor| {
            let at = cursor.at();
            Ok((at, cursor.key()?, Item::take(cursor)?))
        }) {
            let (at, key, item) = next?;
            if !key.is(name) {
                continue;
            }
            if found.replace(item).is_some() {
                return Err(Malformed { at, what: REPEATED });
            }
        }
        Ok(found)
    }

    /// The item at `index`, from 0.
    pub fn item(&self, index: u32) -> Result<Option<Item<'a>>, Malformed> {
        self.items().nth(index as usize).transpose()
    }

    /// The item at `path` below this one.
    pub fn at(&self, path: &Path) -> Result<Option<Item<'a>>, Malformed> {
        let mut found = self.clone();
        for step in path.steps() {
            let next = match step {
                Step::Field(name) | Step::Key(name) => found.member(name)?,
                Step::Index(index) => found.item(*index)?,
            };
            match next {
                Some(next) => found = next,
                None => return Ok(None),
            }
        }
        Ok(Some(found))
    }
}

pub(super) const REPEATED: &str = "a key comes twice";

/// How far one is within a map or array.
#[derive(Clone)]
struct Walk<'a> {
    cursor: Cursor<'a>,
    left: Option<u64>,
    error: Option<Malformed>,
}

impl<'a> Walk<'a> {
    /// At its end at once where the item has not this shape.
    fn new(item: &Item<'a>, shape: Shape) -> Walk<'a> {
        let (left, cursor, error) = match item.open() {
            Ok((Head::Map(left), cursor)) if shape == Shape::Map => (left, cursor, None),
            Ok((Head::Array(left), cursor)) if shape == Shape::Array => (left, cursor, None),
            Ok((_, cursor)) => (Some(0), cursor, None),
            Err(error) => (Some(0), item.cursor.clone(), Some(error)),
        };
        Walk {
            cursor,
            left,
            error,
        }
    }

    /// What `take` makes of the next, until there is none or an error.
    fn next<T>(
        &mut self,
        take: impl FnOnce(&mut Cursor<'a>) -> Result<T, Malformed>,
    ) -> Option<Result<T, Malformed>> {
        if let Some(error) = self.error.take() {
            return Some(Err(error));
        }
        let next = match self.cursor.more(&mut self.left) {
            Ok(false) => {
                self.left = Some(0);
                return None;
            }
            Ok(true) => take(&mut self.cursor),
            Err(error) => Err(error),
        };
        if next.is_err() {
            self.left = Some(0);
        }
        Some(next)
    }
}

/// See [`Item::members`].
#[derive(Clone)]
pub(crate) struct Members<'a>(Walk<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = Result<(Cow<'a, str>, Item<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next(|cursor| {
            let key = cursor.key()?.value();
            Ok((key, Item::take(cursor)?))
        })
    }
}

/// See [`Item::items`].
#[derive(Clone)]
pub(crate) struct Items<'a>(Walk<'a>);

impl<'a> Iterator for Items<'a> {
    type Item = Result<Item<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next(Item::take)
    }
}
