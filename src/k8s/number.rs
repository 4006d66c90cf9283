//! Numbers that are no `int64`, as Go prints them in JSON. Deliberately knows
//! nothing of how they are stored.

use serde_json::{Number, Value};

/// `value` as one would read it back from Go's JSON: whole numbers without a
/// point (1.0 is printed `1`), all else as a float; the zero keeps its sign.
/// What is not finite has no JSON and becomes `null`.
pub(super) fn double(value: f64) -> Value {
    let is_negative_zero = value == 0.0 && value.is_sign_negative();
    let whole = (value.fract() == 0.0 && !is_negative_zero).then(|| value.to_string());
    let whole = whole.and_then(|digits| {
        let signed = digits.parse::<i64>().map(Number::from);
        signed
            .or_else(|_| digits.parse::<u64>().map(Number::from))
            .ok()
    });
    whole.map_or_else(|| Value::from(value), Value::Number)
}
