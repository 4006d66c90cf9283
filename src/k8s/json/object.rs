//! A stored object: one pass over its text notes where its members lie, and
//! those of its metadata; what is asked for later is looked up there.
//!
//! Promises that the text holds one object and nothing else, with its brackets
//! and quotes in pairs. Deliberately does not look into other members, and
//! allocates nothing: where there are more members than can be noted, or a
//! key that has to be read first, the text is walked again.

use super::block::Oddities;
use super::cursor::{Cursor, Shape};
use super::malformed::Malformed;
use super::string::Raw;
use super::text::Text;

/// Offsets are kept in 32 bits.
const LONGEST: usize = u32::MAX as usize;

/// An object. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Object<'a> {
    text: &'a [u8],
    /// Kubernetes' objects have four or five members.
    members: Noted<8>,
    /// Of the last member named `metadata`.
    metadata: Noted<12>,
}

impl<'a> Object<'a> {
    /// Goes over the text once.
    pub fn parse(text: &'a [u8]) -> Result<Object<'a>, Malformed> {
        let mut cursor = Cursor { text, at: 0 };
        if cursor.shape() != Shape::Object {
            return Err(cursor.error("expected `{`"));
        }
        if text.len() > LONGEST {
            return Err(cursor.error("longer than 4 GiB"));
        }
        let mut metadata = Noted::default();
        let members = Noted::note(&mut cursor, |key, cursor| match key.is("metadata")? {
            true if cursor.shape() == Shape::Object => {
                metadata = Noted::note(cursor, |_, cursor| cursor.skip())?;
                Ok(())
            }
            _ => cursor.skip(),
        })?;
        match cursor.peek() {
            None => Ok(Object {
                text,
                members,
                metadata,
            }),
            Some(_) => Err(cursor.error("more follows after the object")),
        }
    }

    /// The text that was parsed.
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// The whole object as a value.
    pub fn value(&self) -> Text<'a> {
        Text::new(self.text, self.members.start as usize, self.text.len())
    }

    /// The last member of this name.
    pub(super) fn member(&self, name: &str) -> Result<Option<Text<'a>>, Malformed> {
        self.member_of(self.value(), name)
    }

    /// The last member of this name of an object within this one.
    pub(super) fn member_of(
        &self,
        value: Text<'a>,
        name: &str,
    ) -> Result<Option<Text<'a>>, Malformed> {
        let mut found = None;
        self.each_of(value, |key, value| {
            if key.is(name)? {
                found = Some(value);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Hands out every member of the object, or of one within, in the order in
    /// which they stand.
    pub(super) fn each_of(
        &self,
        value: Text<'a>,
        mut take: impl FnMut(&Raw<'a>, Text<'a>) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let noted = match value.cursor().at as u32 {
            at if at == self.members.start => self.members.get(),
            at if at == self.metadata.start => self.metadata.get(),
            _ => None,
        };
        let Some(noted) = noted else {
            return value.each(take);
        };
        for member in noted {
            let place = member.key as usize..member.key_end as usize;
            let key = Raw {
                at: place.start,
                text: self.text.get(place).unwrap_or_default(),
                odd: Oddities::default(),
            };
            let (start, end) = (member.value as usize, member.end as usize);
            take(&key, Text::new(self.text, start, end))?;
        }
        Ok(())
    }
}

/// Where the members of an object lie.
#[derive(Clone)]
struct Noted<const N: usize> {
    /// Where the object begins; of none, where none can.
    start: u32,
    /// How many members there are; one more than can be noted where that is
    /// not all.
    count: u32,
    members: [Member; N],
}

#[derive(Clone, Copy, Default)]
struct Member {
    /// Where the key's text begins and ends.
    key: u32,
    key_end: u32,
    /// Where the value begins and ends.
    value: u32,
    end: u32,
}

impl<const N: usize> Default for Noted<N> {
    fn default() -> Noted<N> {
        Noted {
            start: u32::MAX,
            count: 0,
            members: [Member::default(); N],
        }
    }
}

impl<const N: usize> Noted<N> {
    /// Goes over the object at the cursor; `skip` steps over its values.
    #[inline]
    fn note<'a>(
        cursor: &mut Cursor<'a>,
        mut skip: impl FnMut(&Raw<'a>, &mut Cursor<'a>) -> Result<(), Malformed>,
    ) -> Result<Noted<N>, Malformed> {
        let mut noted = Noted {
            start: cursor.at as u32,
            ..Noted::default()
        };
        cursor.open();
        let mut first = true;
        while cursor.more(&mut first, b'}')? {
            let key = cursor.key()?;
            let value = cursor.at as u32;
            skip(&key, cursor)?;
            let end = cursor.at as u32;
            let key_end = (key.at + key.text.len()) as u32;
            match noted.members.get_mut(noted.count as usize) {
                Some(place) if key.odd == Oddities::default() => {
                    *place = Member {
                        key: key.at as u32,
                        key_end,
                        value,
                        end,
                    };
                    noted.count += 1;
                }
                _ => noted.count = N as u32 + 1,
            }
        }
        Ok(noted)
    }

    /// The members, if all of them are noted.
    fn get(&self) -> Option<&[Member]> {
        self.members.get(..self.count as usize)
    }
}
