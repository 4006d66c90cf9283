//! Constants, variables and paths by their types.
//!
//! Promises text that needs no brackets around it. Deliberately includes what
//! faults: empty lists, patterns and quantities that are none.

use std::sync::LazyLock;

use carry::lang::function::Function;
use carry::lang::{OpaqueType, Type};

const INTS: [&str; 10] = [
    "0",
    "1",
    "2",
    "3",
    "(-1)",
    "7",
    "100",
    "9223372036854775807",
    "(-9223372036854775808)",
    "12",
];
const UINTS: [&str; 6] = [
    "0u",
    "1u",
    "7u",
    "3u",
    "9223372036854775808u",
    "18446744073709551615u",
];
const DOUBLES: [&str; 10] = [
    "0.0",
    "1.0",
    "1.5",
    "(-0.0)",
    "(0.0 / 0.0)",
    "(1.0 / 0.0)",
    "9223372036854775808.0",
    "1e300",
    "(-2.5)",
    "7.0",
];
const STRINGS: [&str; 12] = [
    "''",
    "'a'",
    "'b'",
    "'abc'",
    "'é😀x'",
    "'app'",
    "'web-1'",
    "'a,b,c'",
    "'A b'",
    "'7'",
    "'true'",
    "'\\n\"\\''",
];
const BYTES: [&str; 4] = ["b''", "b'a'", "b'\\xff\\x00'", "b'abc'"];
const TIMES: [&str; 5] = [
    "timestamp('2023-02-03T04:05:06Z')",
    "timestamp('2024-02-29T23:59:59.999999999Z')",
    "timestamp('0001-01-01T00:00:00Z')",
    "timestamp('9999-12-31T23:59:59Z')",
    "timestamp(0)",
];
const SPANS: [&str; 5] = [
    "duration('1h')",
    "duration('-1.5s')",
    "duration('0s')",
    "duration('100ms')",
    "duration('2500000h')",
];
const TYPES: [&str; 6] = ["int", "string", "list", "map", "null_type", "type"];
const QUANTITIES: [&str; 5] = ["'1Gi'", "'500m'", "'-3'", "'0'", "'1.5k'"];
const IPS: [&str; 4] = ["'10.0.0.1'", "'::1'", "'127.0.0.1'", "'0.0.0.0'"];
const CIDRS: [&str; 3] = ["'10.0.0.0/8'", "'192.168.1.7/24'", "'fd00::/8'"];
const URLS: [&str; 3] = ["'https://a.b:80/c%20d?e=f&e=g'", "'http://[::1]/'", "'/x'"];
const VERSIONS: [&str; 4] = ["'1.2.3'", "'0.0.1-rc.1'", "'10.0.0+b'", "'v1.2'"];
const FORMATS: [&str; 6] = [
    "'dns1123Label'",
    "'dns1123Subdomain'",
    "'uri'",
    "'uuid'",
    "'datetime'",
    "'nothing'",
];
const PATTERNS: [&str; 7] = [
    "'a+'",
    "'^[a-c]*$'",
    "'(b)(c)?'",
    "'('",
    "''",
    "'.'",
    "'(?i)A'",
];
const CLAUSES: [&str; 6] = ["'%d'", "'%s and %s'", "'%.2f'", "'%x'", "'%'", "'%b %o %e'"];
const ZONES: [&str; 5] = [
    "'UTC'",
    "'Europe/Berlin'",
    "'+05:30'",
    "'-01:00'",
    "'Nowhere'",
];
const BASE64: [&str; 3] = ["'YWJj'", "'YQ=='", "'!'"];
const NUMBERS: [&str; 5] = ["'12'", "'-7'", "'1.5'", "'1e3'", "'99999999999999999999'"];
const STAMPS: [&str; 3] = [
    "'2023-02-03T04:05:06Z'",
    "'2023-02-03T04:05:06+01:00'",
    "'soon'",
];
const LENGTHS: [&str; 3] = ["'1h30m'", "'-5us'", "'1 h'"];

type Readable = (&'static str, fn() -> Type);

/// What can be read of variables, with its type.
pub const PLACES: &[Readable] = &[
    ("i", || Type::Int),
    ("big", || Type::Int),
    ("absent", || Type::Int),
    ("broken", || Type::String),
    ("u", || Type::Uint),
    ("d", || Type::Double),
    ("nan", || Type::Double),
    ("s", || Type::String),
    ("b", || Type::Bool),
    ("y", || Type::Bytes),
    ("t", || Type::Timestamp),
    ("p", || Type::Duration),
    ("n", || Type::Null),
    ("l", || Type::list(Type::Int)),
    ("ls", || Type::list(Type::String)),
    ("ld", || Type::list(Type::Dyn)),
    ("m", || Type::map(Type::String, Type::Int)),
    ("mi", || Type::map(Type::Int, Type::String)),
    ("o", || Type::optional(Type::Int)),
    ("on", || Type::optional(Type::String)),
    ("q", || Type::Opaque(OpaqueType::Quantity)),
    ("thing.name", || Type::String),
    ("thing.spec.count", || Type::Int),
    ("thing.spec.ratio", || Type::Double),
    ("thing.spec.tags", || Type::list(Type::String)),
    ("thing.spec.labels", || {
        Type::map(Type::String, Type::String)
    }),
    ("thing.spec.labels.app", || Type::String),
    ("thing.spec.labels['x/y']", || Type::String),
    ("thing.spec.any", || Type::Dyn),
    ("thing.spec.any.deep", || Type::Dyn),
    ("thing.?name", || Type::optional(Type::String)),
    ("thing.spec.?count", || Type::optional(Type::Int)),
    ("thing.?spec.count", || Type::optional(Type::Int)),
    ("has(thing.spec)", || Type::Bool),
    ("has(thing.spec.count)", || Type::Bool),
    ("has(thing.spec.labels.app)", || Type::Bool),
    ("has(object.metadata.labels.app)", || Type::Bool),
    ("has(object.spec.nothing)", || Type::Bool),
    ("has(object.missing.deep)", || Type::Bool),
    ("has(object.spec.count.deep)", || Type::Bool),
    ("object", || Type::Dyn),
    ("object.metadata.name", || Type::Dyn),
    ("object.metadata.labels", || Type::Dyn),
    ("object.metadata.labels['app']", || Type::Dyn),
    ("object.metadata.labels.app", || Type::Dyn),
    ("object.spec", || Type::Dyn),
    ("object.spec.count", || Type::Dyn),
    ("object.spec.flag", || Type::Dyn),
    ("object.spec.ratio", || Type::Dyn),
    ("object.spec.text", || Type::Dyn),
    ("object.spec.items", || Type::Dyn),
    ("object.spec.items[0]", || Type::Dyn),
    ("object.spec.items[0].name", || Type::Dyn),
    ("object.spec.items[1].missing", || Type::Dyn),
    ("object.spec.items[9]", || Type::Dyn),
    ("object.spec.numbers", || Type::Dyn),
    ("object.spec.nothing", || Type::Dyn),
    ("object.spec.nothing.deep", || Type::Dyn),
    ("object.spec.empty", || Type::Dyn),
    ("object.spec.missing", || Type::Dyn),
    ("object.missing.deep", || Type::Dyn),
    ("object.?missing", || Type::optional(Type::Dyn)),
    ("object.?spec.count", || Type::optional(Type::Dyn)),
    ("object.spec.?missing.deep", || Type::optional(Type::Dyn)),
    ("object.spec.items[?0].name", || Type::optional(Type::Dyn)),
    ("object.spec.items[?9]", || Type::optional(Type::Dyn)),
    ("object.spec[?'count']", || Type::optional(Type::Dyn)),
];

static TYPED: LazyLock<Vec<(&str, Type)>> =
    LazyLock::new(|| PLACES.iter().map(|(name, ty)| (*name, ty())).collect());

/// What of a type can be read of variables.
pub fn places(ty: &Type) -> Vec<&'static str> {
    let places = TYPED.iter().filter(|(_, own)| own == ty);
    places.map(|(name, _)| *name).collect()
}

/// Constants of a type without parts.
pub fn of_type(ty: &Type) -> &'static [&'static str] {
    match ty {
        Type::Bool => &["true", "false"],
        Type::Int => &INTS,
        Type::Uint => &UINTS,
        Type::Double => &DOUBLES,
        Type::String => &STRINGS,
        Type::Bytes => &BYTES,
        Type::Timestamp => &TIMES,
        Type::Duration => &SPANS,
        Type::Type => &TYPES,
        _ => &["null"],
    }
}

/// The function that makes values of an extension's type, and what it takes.
pub fn opaque(ty: OpaqueType) -> (&'static str, &'static [&'static str]) {
    match ty {
        OpaqueType::Quantity => ("quantity", &QUANTITIES),
        OpaqueType::Ip => ("ip", &IPS),
        OpaqueType::Cidr => ("cidr", &CIDRS),
        OpaqueType::Url => ("url", &URLS),
        OpaqueType::Semver => ("semver", &VERSIONS),
        OpaqueType::Format => ("format.dns1123Label", &[""]),
    }
}

/// What a function can use where any other text would only fault.
pub fn suited(function: Function, at: usize) -> Option<&'static [&'static str]> {
    use Function as F;
    Some(match (function, at) {
        (F::Quantity | F::IsQuantity, 0) => &QUANTITIES,
        (F::Ip | F::IsIp | F::IsCanonicalIp, 0) | (F::ContainsIp, 1) => &IPS,
        (F::Cidr | F::IsCidr, 0) | (F::ContainsCidr, 1) => &CIDRS,
        (F::Url | F::IsUrl, 0) => &URLS,
        (F::Semver | F::IsSemver, 0) => &VERSIONS,
        (F::NamedFormat, 0) => &FORMATS,
        (function, 1) if function.takes_pattern() => &PATTERNS,
        (F::Format, 0) => &CLAUSES,
        (F::Base64Decode, 0) => &BASE64,
        (F::ToInt | F::ToUint | F::ToDouble, 0) => &NUMBERS,
        (F::ToTimestamp, 0) => &STAMPS,
        (F::ToDuration, 0) => &LENGTHS,
        (F::FullYear | F::Month | F::Date | F::DayOfMonth | F::DayOfWeek, 1)
        | (F::DayOfYear | F::Hours | F::Minutes | F::Seconds | F::Milliseconds, 1) => &ZONES,
        (F::Range, 0) => &["0", "3", "12"],
        _ => return None,
    })
}
