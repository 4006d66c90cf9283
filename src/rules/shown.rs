//! A stored object as people read it: whole, but for what a Secret keeps.
//!
//! Promises the same reticence as a trace's. Deliberately returns data; `cli`
//! prints it.

use serde_json::Value;

use super::decide::Judge;

/// What stands in the place of a value that belongs to a Secret.
pub(super) const NOT_SHOWN: &str = "(not shown: it belongs to a Secret)";

impl Judge {
    /// The object as the Kubernetes libraries print what is stored, before any
    /// defaults that an apiserver fills in. Of a Secret's data, annotations and
    /// managed fields only the names are shown, unless `show_secrets`.
    ///
    /// # Errors
    ///
    /// Why it cannot be read.
    pub fn object(&self, key: &[u8], value: &[u8], show_secrets: bool) -> Result<Value, String> {
        self.with_record(key, value, |_, record, _| {
            let mut object = record.to_json().map_err(|error| error.to_string())?;
            if record.kind() == "Secret" && !show_secrets {
                hide(&mut object);
            }
            Ok(object)
        })
    }
}

/// Of a Secret, only its type and plain metadata may be shown: annotations and
/// managed fields can repeat its data.
pub(super) fn is_private(top: &str, below: Option<&str>) -> bool {
    match (top, below) {
        ("type" | "immutable" | "kind" | "apiVersion", None) => false,
        ("metadata", Some(field)) => matches!(field, "annotations" | "managedFields"),
        _ => true,
    }
}

fn hide(object: &mut Value) {
    let Value::Object(fields) = object else {
        return;
    };
    for (top, value) in fields {
        match value {
            Value::Object(members) if top == "metadata" => {
                let private = members
                    .iter_mut()
                    .filter(|(field, _)| is_private(top, Some(field)));
                private.for_each(|(_, value)| hide_values(value));
            }
            value if is_private(top, None) => hide_values(value),
            _ => {}
        }
    }
}

/// Leaves the names of a map.
fn hide_values(value: &mut Value) {
    match value {
        Value::Object(members) => members
            .iter_mut()
            .for_each(|(_, value)| *value = NOT_SHOWN.into()),
        Value::Null => {}
        other => *other = NOT_SHOWN.into(),
    }
}
