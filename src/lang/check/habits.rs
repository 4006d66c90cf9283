//! What other languages call things that have other names here.
//!
//! Promises for each what to write. Deliberately only a list: names that are
//! merely misspelled are found by their similarity (see `suggest`).

/// What to write instead of a function.
pub(super) fn function(name: &str) -> Option<&'static str> {
    Some(match name {
        "now" | "today" => {
            "there is no current time: what is selected does not change without a change of the data"
        }
        "len" | "length" | "count" => "ask for its size: `size(x)`",
        "any" | "some" | "anyMatch" => "write `list.exists(x, condition)`",
        "every" | "allMatch" | "forall" => "write `list.all(x, condition)`",
        "toLowerCase" | "toLower" | "lower" | "tolower" => "write `text.lowerAscii()`",
        "toUpperCase" | "toUpper" | "upper" | "toupper" => "write `text.upperAscii()`",
        "includes" => "ask whether it is in the list: `element in list`",
        "containsKey" | "hasKey" | "has_key" => "ask whether the key is there: `\"key\" in map`",
        "keys" => "a map is a list of its keys to `in`, `all`, `exists`, `map` and `filter`",
        "values" | "items" | "entries" => {
            "go over keys and values: `map.all(key, value, condition)`"
        }
        "toString" | "str" => "convert it: `string(x)`",
        "match" | "regex" | "regexMatch" | "glob" | "like" => {
            "match a regular expression: `text.matches(\"^a.*z$\")`"
        }
        "strip" | "trimSpace" => "write `text.trim()`",
        "default" | "coalesce" | "get" | "getOrDefault" => {
            "say what to take where a field is absent: `x.?field.orValue(value)`"
        }
        "isNull" | "isEmpty" | "empty" | "exists" | "defined" => {
            "ask whether a field is there: `has(x.field)`"
        }
        "bind" | "let" | "with" => "name a value: `cel.bind(name, value, expression)`",
        "env" | "getenv" | "lookup" => "a condition sees nothing but its variables",
        _ => return None,
    })
}

/// What to write instead of a variable.
pub(super) fn variable(name: &str) -> Option<&'static str> {
    Some(match name {
        "None" | "nil" | "NULL" | "Null" | "undefined" => "write `null`",
        "True" | "TRUE" | "yes" => "write `true`",
        "False" | "FALSE" | "no" => "write `false`",
        _ => return None,
    })
}

/// Whether a field is asked for that is the function `size` here.
pub(super) fn is_size(field: &str) -> bool {
    matches!(field, "length" | "len" | "count")
}
