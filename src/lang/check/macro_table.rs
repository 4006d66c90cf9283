//! Which macros there are.
//!
//! Promises every name once. Deliberately expands none (see `macros` and
//! `loops`).

/// The macros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Macro {
    Has,
    Quantifier(Quantifier),
    Map,
    Filter,
    TransformList,
    TransformMap,
    TransformMapEntry,
    Bind,
    OptMap,
    OptFlatMap,
}

/// How many elements must satisfy a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    All,
    Exists,
    ExistsOne,
}

/// All macros that are called on something, by name.
pub(super) const MEMBERS: [(&str, Macro); 11] = [
    ("all", Macro::Quantifier(Quantifier::All)),
    ("exists", Macro::Quantifier(Quantifier::Exists)),
    ("exists_one", Macro::Quantifier(Quantifier::ExistsOne)),
    ("existsOne", Macro::Quantifier(Quantifier::ExistsOne)),
    ("map", Macro::Map),
    ("filter", Macro::Filter),
    ("transformList", Macro::TransformList),
    ("transformMap", Macro::TransformMap),
    ("transformMapEntry", Macro::TransformMapEntry),
    ("optMap", Macro::OptMap),
    ("optFlatMap", Macro::OptFlatMap),
];

/// The macro of this name.
pub(super) fn named(name: &str, member: bool) -> Option<Macro> {
    match (member, name) {
        (false, "has") => Some(Macro::Has),
        (false, "cel.bind") => Some(Macro::Bind),
        (true, name) => {
            let found = MEMBERS.iter().find(|(own, _)| *own == name);
            found.map(|(_, found)| *found)
        }
        _ => None,
    }
}
