//! Fields as text, for tests: `Field` itself never shows a value.

use carry::k8s::Field;

/// `String("a")`, `Int(1)`, `Composite`.
pub fn shown(field: &Field<'_>) -> String {
    match field {
        Field::Bool(value) => format!("Bool({value})"),
        Field::Int(value) => format!("Int({value})"),
        Field::Uint(value) => format!("Uint({value})"),
        Field::Double(value) => format!("Double({value:?})"),
        Field::String(value) => format!("String({value:?})"),
        Field::Bytes(value) => format!("Bytes({value:?})"),
        Field::Composite(_) => "Composite".to_owned(),
        absent_or_null => format!("{absent_or_null:?}"),
    }
}
