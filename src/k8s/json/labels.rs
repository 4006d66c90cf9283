//! All labels of an object at once. Sorting them is the caller's.

use super::super::field::Labels;
use super::cursor::{Cursor, Shape};
use super::malformed::Malformed;

/// The labels in the order in which they are stored; `None` where
/// `metadata.labels` is there and no map of strings.
pub(crate) fn labels(text: &[u8]) -> Result<Option<Labels<'_>>, Malformed> {
    let mut cursor = Cursor::new(text);
    let Some(mut metadata) = member(&mut cursor, "metadata")? else {
        return Ok(Some(Vec::new()));
    };
    let Some(mut labels) = member(&mut metadata, "labels")? else {
        return Ok(Some(Vec::new()));
    };
    match labels.shape() {
        Shape::Object => strings(&mut labels),
        Shape::Other if labels.word()? == "null" => Ok(Some(Vec::new())),
        _ => Ok(None),
    }
}

/// The last member of this name; `None` where there is none, or no object.
fn member<'a>(cursor: &mut Cursor<'a>, name: &str) -> Result<Option<Cursor<'a>>, Malformed> {
    let mut found = None;
    if cursor.shape() != Shape::Object {
        return Ok(None);
    }
    cursor.open();
    while cursor.more() {
        if cursor.key()?.is(name) {
            found = Some(cursor.clone());
        }
        cursor.skip()?;
    }
    Ok(found)
}

fn strings<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Labels<'a>>, Malformed> {
    let mut labels = Vec::new();
    cursor.open();
    while cursor.more() {
        let key = cursor.key()?.value();
        if cursor.shape() != Shape::String {
            return Ok(None);
        }
        labels.push((key, cursor.string()?.value()));
    }
    Ok(Some(labels))
}
