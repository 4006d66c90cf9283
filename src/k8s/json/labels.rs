//! All labels of an object at once. Sorting them is the caller's.

use super::super::field::{Field, Labels};
use super::super::schema::JsonType;
use super::cursor::Shape;
use super::malformed::Malformed;
use super::object::Object;
use super::text::Text;

/// The labels in the order in which they are stored; `None` where
/// `metadata.labels` is there and no map of strings.
pub(crate) fn labels<'a>(object: &Object<'a>) -> Result<Option<Labels<'a>>, Malformed> {
    let labels = match object.member("metadata")? {
        Some(metadata) => object.member_of(metadata, "labels")?,
        None => None,
    };
    match labels {
        Some(labels) if labels.shape() == Shape::Object => strings(labels),
        Some(labels) if labels.field(JsonType::Dynamic)? != Field::Null => Ok(None),
        _ => Ok(Some(Vec::new())),
    }
}

fn strings(map: Text<'_>) -> Result<Option<Labels<'_>>, Malformed> {
    let mut labels = Vec::new();
    for member in map.members() {
        let (key, value) = member?;
        match value.field(JsonType::Dynamic)? {
            Field::String(value) => labels.push((key, value)),
            // Go leaves a text as it is that is said to be null: empty.
            Field::Null => labels.push((key, "".into())),
            _ => return Ok(None),
        }
    }
    Ok(Some(labels))
}
