//! Types: of expressions while they are checked, and as values (`type(x)`).
//!
//! Deliberately without subtyping: `dyn` fits everything, nothing else does.

use std::fmt;
use std::sync::Arc;

/// The type of an expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// Known only when evaluated.
    Dyn,
    /// `null`.
    Null,
    /// A truth value.
    Bool,
    /// A signed integer of 64 bits.
    Int,
    /// An unsigned integer of 64 bits.
    Uint,
    /// A floating-point number of 64 bits.
    Double,
    /// A text.
    String,
    /// Bytes.
    Bytes,
    /// A point in time of the years 1 to 9999, in nanoseconds.
    Timestamp,
    /// A span of time in nanoseconds, about 292 years at most.
    Duration,
    /// A list of such elements.
    List(Arc<Type>),
    /// A map from such keys to such values.
    Map(Arc<Type>, Arc<Type>),
    /// Such a value, or none.
    Optional(Arc<Type>),
    /// A type itself.
    Type,
    /// A value of an extension library.
    Opaque(OpaqueType),
    /// An object whose fields the scheme knows under this number.
    Object(u32),
    /// A type that unification has to find.
    Param(u32),
}

/// The types of extension libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OpaqueType {
    /// A quantity of Kubernetes.
    Quantity,
    /// An IP address.
    Ip,
    /// A network.
    Cidr,
    /// A URL.
    Url,
    /// A semantic version.
    Semver,
    /// A named format of Kubernetes.
    Format,
}

impl OpaqueType {
    /// Its name in expressions.
    pub fn name(self) -> &'static str {
        match self {
            OpaqueType::Quantity => "kubernetes.Quantity",
            OpaqueType::Ip => "net.IP",
            OpaqueType::Cidr => "net.CIDR",
            OpaqueType::Url => "kubernetes.URL",
            OpaqueType::Semver => "kubernetes.Semver",
            OpaqueType::Format => "kubernetes.NamedFormat",
        }
    }
}

impl Type {
    /// A list of `element`.
    pub fn list(element: Type) -> Type {
        Type::List(Arc::new(element))
    }

    /// A map from `key` to `value`.
    pub fn map(key: Type, value: Type) -> Type {
        Type::Map(Arc::new(key), Arc::new(value))
    }

    /// `value`, or none.
    pub fn optional(value: Type) -> Type {
        Type::Optional(Arc::new(value))
    }
}

/// As CEL writes types: `list(string)`, `map(string, dyn)`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Dyn | Type::Param(_) => f.write_str("dyn"),
            Type::Null => f.write_str("null"),
            Type::Bool => f.write_str("bool"),
            Type::Int => f.write_str("int"),
            Type::Uint => f.write_str("uint"),
            Type::Double => f.write_str("double"),
            Type::String => f.write_str("string"),
            Type::Bytes => f.write_str("bytes"),
            Type::Timestamp => f.write_str("timestamp"),
            Type::Duration => f.write_str("duration"),
            Type::List(element) => write!(f, "list({element})"),
            Type::Map(key, value) => write!(f, "map({key}, {value})"),
            Type::Optional(value) => write!(f, "optional({value})"),
            Type::Type => f.write_str("type"),
            Type::Opaque(opaque) => f.write_str(opaque.name()),
            Type::Object(_) => f.write_str("object"),
        }
    }
}

/// A type as a value: what `type(x)` yields, and what `int`, `list` and so on
/// are as names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TypeName {
    /// `null_type`
    Null,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `uint`
    Uint,
    /// `double`
    Double,
    /// `string`
    String,
    /// `bytes`
    Bytes,
    /// `google.protobuf.Timestamp`
    Timestamp,
    /// `google.protobuf.Duration`
    Duration,
    /// `list`
    List,
    /// `map`
    Map,
    /// `optional_type`
    Optional,
    /// `type`
    Type,
    /// A type of an extension library.
    Opaque(OpaqueType),
}

impl TypeName {
    /// Its name in expressions.
    pub fn name(self) -> &'static str {
        match self {
            TypeName::Null => "null_type",
            TypeName::Bool => "bool",
            TypeName::Int => "int",
            TypeName::Uint => "uint",
            TypeName::Double => "double",
            TypeName::String => "string",
            TypeName::Bytes => "bytes",
            TypeName::Timestamp => "google.protobuf.Timestamp",
            TypeName::Duration => "google.protobuf.Duration",
            TypeName::List => "list",
            TypeName::Map => "map",
            TypeName::Optional => "optional_type",
            TypeName::Type => "type",
            TypeName::Opaque(opaque) => opaque.name(),
        }
    }

    /// The type of this name.
    pub fn by_name(name: &str) -> Option<TypeName> {
        const ALL: [TypeName; 13] = [
            TypeName::Null,
            TypeName::Bool,
            TypeName::Int,
            TypeName::Uint,
            TypeName::Double,
            TypeName::String,
            TypeName::Bytes,
            TypeName::Timestamp,
            TypeName::Duration,
            TypeName::List,
            TypeName::Map,
            TypeName::Optional,
            TypeName::Type,
        ];
        const OPAQUE: [OpaqueType; 6] = [
            OpaqueType::Quantity,
            OpaqueType::Ip,
            OpaqueType::Cidr,
            OpaqueType::Url,
            OpaqueType::Semver,
            OpaqueType::Format,
        ];
        let opaque = OPAQUE.into_iter().map(TypeName::Opaque);
        ALL.into_iter().chain(opaque).find(|own| own.name() == name)
    }
}
