//! Which functions there are, under which names, and what types they take.
//!
//! Promises one row for each overload, with operators under the names that CEL
//! gives them (`_+_`, `@in`). Deliberately computes nothing (see `library`), and
//! knows neither `!`, `&&`, `||`, `?:`, field selection nor macros: they are no
//! functions.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::ty::{OpaqueType, Type};

/// Rows of a table of overloads: `member Size "size" (String) -> Int;`, where
/// the first word is `member` or `global`.
macro_rules! overloads {
    ($($kind:ident $function:ident $name:literal ($($param:expr),*) -> $result:expr;)*) => {
        &[$(
            $crate::lang::function::Overload {
                function: $crate::lang::function::Function::$function,
                name: $name,
                member: overloads!(@ $kind),
                params: &[$($param),*],
                result: $result,
            },
        )*]
    };
    (@ member) => { true };
    (@ global) => { false };
}

mod kubernetes;
mod lists;
mod math;
mod meaning;
mod standard;
mod strings;

pub use meaning::Function;

/// The type of a parameter or result, as a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sig {
    /// Any type.
    Dyn,
    /// See [`Type::Null`].
    Null,
    /// See [`Type::Bool`].
    Bool,
    /// See [`Type::Int`].
    Int,
    /// See [`Type::Uint`].
    Uint,
    /// See [`Type::Double`].
    Double,
    /// See [`Type::String`].
    String,
    /// See [`Type::Bytes`].
    Bytes,
    /// See [`Type::Timestamp`].
    Timestamp,
    /// See [`Type::Duration`].
    Duration,
    /// A list.
    List(&'static Sig),
    /// A map.
    Map(&'static Sig, &'static Sig),
    /// An optional.
    Optional(&'static Sig),
    /// See [`Type::Type`].
    Type,
    /// A type of an extension library.
    Opaque(OpaqueType),
    /// A type that is the same wherever this number stands in one overload.
    Param(u32),
}

impl Sig {
    /// As a type; the number of a [`Sig::Param`] is counted from `base`.
    pub fn instantiate(self, base: u32) -> Type {
        match self {
            Sig::Dyn => Type::Dyn,
            Sig::Null => Type::Null,
            Sig::Bool => Type::Bool,
            Sig::Int => Type::Int,
            Sig::Uint => Type::Uint,
            Sig::Double => Type::Double,
            Sig::String => Type::String,
            Sig::Bytes => Type::Bytes,
            Sig::Timestamp => Type::Timestamp,
            Sig::Duration => Type::Duration,
            Sig::List(element) => Type::list(element.instantiate(base)),
            Sig::Map(key, value) => Type::map(key.instantiate(base), value.instantiate(base)),
            Sig::Optional(value) => Type::optional(value.instantiate(base)),
            Sig::Type => Type::Type,
            Sig::Opaque(opaque) => Type::Opaque(opaque),
            Sig::Param(number) => Type::Param(base + number),
        }
    }
}

/// One overload of a function.
#[derive(Clone, Copy, Debug)]
pub struct Overload {
    /// What computes it.
    pub function: Function,
    /// Its name: `size`, `math.least`; operators have none that can be written.
    pub name: &'static str,
    /// Whether it is called on its first argument: `x.size()`.
    pub member: bool,
    /// What it takes; of a member the first is what it is called on.
    pub params: &'static [Sig],
    /// What it yields.
    pub result: Sig,
}

/// All overloads; those of one name and kind stand together.
pub fn overloads() -> &'static [Overload] {
    &TABLE.rows
}

/// The overloads of `name`, as members or as functions.
pub fn named(name: &str, member: bool) -> impl Iterator<Item = &'static Overload> {
    let places = TABLE.places.get(name);
    let range = places.map(|places| match member {
        true => places.members.clone(),
        false => places.globals.clone(),
    });
    let rows = TABLE.rows.get(range.unwrap_or_default());
    rows.unwrap_or_default().iter()
}

/// Whether there is a function or member function of this name.
pub fn exists(name: &str) -> bool {
    TABLE.places.contains_key(name)
}

/// The names of all functions and member functions that can be written, once
/// each.
pub fn names() -> impl Iterator<Item = &'static str> {
    let names = TABLE.places.keys().copied();
    names.filter(|name| name.starts_with(|first: char| first.is_ascii_alphabetic()))
}

/// The names of member functions, once each.
pub fn member_names() -> impl Iterator<Item = &'static str> {
    let places = TABLE.places.iter();
    places.filter_map(|(name, places)| (!places.members.is_empty()).then_some(*name))
}

/// Where the overloads of a name stand among the rows.
#[derive(Default)]
struct Places {
    globals: std::ops::Range<usize>,
    members: std::ops::Range<usize>,
}

struct Table {
    rows: Vec<Overload>,
    places: HashMap<&'static str, Places>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let parts = [
        standard::ROWS,
        strings::ROWS,
        lists::ROWS,
        math::ROWS,
        kubernetes::ROWS,
    ];
    let mut rows: Vec<Overload> = parts.concat();
    rows.extend(math::of_many());
    // Stable: among overloads of one name the order of the tables stays.
    rows.sort_by_key(|row| (row.name, row.member));
    let places = places(&rows);
    Table { rows, places }
});

fn places(rows: &[Overload]) -> HashMap<&'static str, Places> {
    let mut places = HashMap::<_, Places>::new();
    for (at, row) in rows.iter().enumerate() {
        let own = places.entry(row.name).or_default();
        let range = match row.member {
            true => &mut own.members,
            false => &mut own.globals,
        };
        let start = if range.end == 0 { at } else { range.start };
        *range = start..at + 1;
    }
    places
}
