//! One JSON value where it stands in a text, read only where one looks.
//!
//! Promises that what is handed out has been checked, that of a repeated key
//! the last counts, and that nothing is copied but strings with escapes.

use std::borrow::Cow;
use std::collections::HashSet;

use super::super::field::{Composite, Field, View};
use super::super::path::{Path, Step};
use super::super::schema::JsonType;
use super::cursor::{Cursor, Shape};
use super::malformed::Malformed;
use super::scalar;
use super::string::Raw;
use super::validate;

/// A value. Cheap to copy.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    /// The text up to the value's end.
    text: &'a [u8],
    /// Where the value begins.
    at: usize,
}

/// Never shows the text: it may be a Secret.
impl std::fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Text({} bytes)", self.len_of_text())
    }
}

/// Two are equal when they are written alike.
impl PartialEq for Text<'_> {
    fn eq(&self, other: &Text<'_>) -> bool {
        self.text.get(self.at..) == other.text.get(other.at..)
    }
}

impl<'a> Text<'a> {
    /// How many bytes it is written in.
    pub fn len_of_text(self) -> usize {
        self.text.len().saturating_sub(self.at)
    }

    /// A text that is one value.
    pub fn whole(text: &'a [u8]) -> Text<'a> {
        Text { text, at: 0 }
    }

    /// The value between two offsets, which were found by skipping it.
    pub(super) fn new(text: &'a [u8], at: usize, end: usize) -> Text<'a> {
        let text = text.get(..end).unwrap_or(text);
        Text {
            text,
            at: at.min(text.len()),
        }
    }

    /// The value that comes next, which the cursor steps over.
    pub(super) fn take(cursor: &mut Cursor<'a>) -> Result<Text<'a>, Malformed> {
        cursor.peek();
        let at = cursor.at;
        cursor.skip()?;
        Ok(Text::new(cursor.text, at, cursor.at))
    }

    pub(super) fn cursor(self) -> Cursor<'a> {
        Cursor {
            text: self.text,
            at: self.at,
        }
    }

    /// What kind of value it is.
    pub fn shape(self) -> Shape {
        self.cursor().shape()
    }

    /// Whether it is an array.
    pub fn is_array(self) -> bool {
        self.shape() == Shape::Array
    }

    /// Whether it is an object.
    pub fn is_object(self) -> bool {
        self.shape() == Shape::Object
    }

    /// The value as a view; `of` is what is known of it.
    pub(super) fn view(self, of: JsonType) -> Field<'a> {
        Field::Composite(View(Composite::Json(of, self)))
    }

    /// The value as a field; `of` is what a view of it is made with.
    pub fn field(self, of: JsonType) -> Result<Field<'a>, Malformed> {
        let mut cursor = self.cursor();
        match cursor.shape() {
            Shape::Object | Shape::Array => Ok(self.view(of)),
            Shape::String => cursor.string()?.value().map(Field::String),
            Shape::Word => scalar::scalar(cursor.word()?, self.at),
        }
    }

    /// The members of an object as they stand, a repeated key each time; none
    /// of anything else.
    pub fn members(self) -> Members<'a> {
        Members(Walk::new(self, Shape::Object, b'}'))
    }

    /// The items of an array; none of anything else.
    pub fn items(self) -> Items<'a> {
        Items(Walk::new(self, Shape::Array, b']'))
    }

    /// How many items an array has, or different keys an object; none, where
    /// it is neither.
    pub fn len(self) -> Result<usize, Malformed> {
        if self.shape() != Shape::Object {
            return self
                .items()
                .try_fold(0, |count, item| item.map(|_| count + 1));
        }
        let mut keys = HashSet::new();
        for member in self.members() {
            keys.insert(member?.0);
        }
        Ok(keys.len())
    }

    /// The last member of this name.
    pub fn member(self, name: &str) -> Result<Option<Text<'a>>, Malformed> {
        let mut found = None;
        self.each(|key, value| {
            if key.is(name)? {
                found = Some(value);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Hands out every member, in the order in which they stand.
    pub(super) fn each(
        self,
        mut take: impl FnMut(&Raw<'a>, Text<'a>) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let mut walk = Walk::new(self, Shape::Object, b'}');
        while walk.more()? {
            let key = walk.cursor.key()?;
            take(&key, Text::take(&mut walk.cursor)?)?;
        }
        Ok(())
    }

    /// The item at `index`, from 0.
    pub fn item(self, index: u32) -> Result<Option<Text<'a>>, Malformed> {
        self.items().nth(index as usize).transpose()
    }

    /// The value at `path` below this one.
    pub fn at(self, path: &Path) -> Result<Option<Text<'a>>, Malformed> {
        let mut found = self;
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

/// Checks a text that is embedded in a value of another encoding.
pub(crate) fn embedded(text: &[u8]) -> Result<Field<'_>, Malformed> {
    let text = Text::whole(text);
    validate::value(text.cursor())?;
    text.field(JsonType::Raw)
}

/// How far one is within an object or array.
#[derive(Clone)]
struct Walk<'a> {
    cursor: Cursor<'a>,
    first: bool,
    close: u8,
    done: bool,
}

impl<'a> Walk<'a> {
    /// At its end at once where the value has not this shape.
    fn new(value: Text<'a>, shape: Shape, close: u8) -> Walk<'a> {
        let mut cursor = value.cursor();
        let done = cursor.shape() != shape;
        cursor.open();
        Walk {
            cursor,
            first: true,
            close,
            done,
        }
    }

    fn more(&mut self) -> Result<bool, Malformed> {
        if !self.done {
            self.done = !self.cursor.more(&mut self.first, self.close)?;
        }
        Ok(!self.done)
    }

    /// What `take` makes of the next, until there is none or an error.
    fn next<T>(
        &mut self,
        take: impl FnOnce(&mut Cursor<'a>) -> Result<T, Malformed>,
    ) -> Option<Result<T, Malformed>> {
        let next = match self.more() {
            Ok(true) => take(&mut self.cursor),
            Ok(false) => return None,
            Err(error) => Err(error),
        };
        self.done |= next.is_err();
        Some(next)
    }
}

/// See [`Text::members`].
#[derive(Clone)]
pub(crate) struct Members<'a>(Walk<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = Result<(Cow<'a, str>, Text<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next(|cursor| {
            let key = cursor.key()?.value()?;
            Ok((key, Text::take(cursor)?))
        })
    }
}

/// See [`Text::items`].
#[derive(Clone)]
pub(crate) struct Items<'a>(Walk<'a>);

impl<'a> Iterator for Items<'a> {
    type Item = Result<Text<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next(Text::take)
    }
}
