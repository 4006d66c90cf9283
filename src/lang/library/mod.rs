//! What functions compute.
//!
//! Promises that a call is pure and bounded by its budget, and that arguments
//! of types that a function does not take are a fault. Deliberately without
//! control flow: `&&`, `||`, `?:` and macros are the evaluator's.

mod address;
mod arithmetic;
mod bounds;
mod conversion;
mod format;
mod kubernetes;
mod lists;
mod math;
mod optionals;
mod patterns;
mod relation;
mod text;
mod time;

use super::fault::{Budget, FaultKind};
use super::function::Function;
use super::value::Value;

type Outcome<'a> = Result<Value<'a>, FaultKind>;
type Args<'s, 'a> = &'s [&'s Value<'a>];

/// The value of `function` for `args`; of a member function the first is what
/// it is called on.
///
/// # Errors
///
/// As the function says; [`FaultKind::NoSuchOverload`] for arguments of other
/// types or another number.
pub fn call<'a>(
    function: Function,
    args: &[&Value<'a>],
    budget: &mut Budget,
) -> Result<Value<'a>, FaultKind> {
    for arg in args {
        arg.present()?;
    }
    // What is called most comes first; each step falls through to the next.
    operator(function, args, budget)
}

/// Whether two values are equal; lists and maps are paid for.
///
/// # Errors
///
/// As [`Function::Equal`].
pub fn equal(a: &Value<'_>, b: &Value<'_>, budget: &mut Budget) -> Result<bool, FaultKind> {
    bounds::equal(a, b, budget)
}

fn operator<'a>(function: Function, args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    match function {
        Function::Equal => relation::equal(args, budget),
        Function::NotEqual => relation::not_equal(args, budget),
        Function::Less => relation::less(args, budget),
        Function::LessEqual => relation::less_equal(args, budget),
        Function::Greater => relation::greater(args, budget),
        Function::GreaterEqual => relation::greater_equal(args, budget),
        Function::In => relation::is_in(args, budget),
        Function::Index => relation::index(args, budget),
        Function::OptionalIndex => relation::optional_index(args, budget),
        Function::Add => arithmetic::add(args, budget),
        Function::Subtract => arithmetic::subtract(args),
        Function::Multiply => arithmetic::multiply(args),
        Function::Divide => arithmetic::divide(args),
        Function::Modulo => arithmetic::modulo(args),
        Function::Negate => arithmetic::negate(args),
        Function::Size => text::size(args, budget),
        Function::Contains => text::contains(args, budget),
        Function::StartsWith => text::starts_with(args, budget),
        Function::EndsWith => text::ends_with(args, budget),
        Function::Matches => patterns::matches(args, budget),
        other => standard(other, args, budget),
    }
}

fn standard<'a>(function: Function, args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    match function {
        Function::ToBool => conversion::to_bool(args),
        Function::ToBytes => conversion::to_bytes(args, budget),
        Function::ToDouble => conversion::to_double(args, budget),
        Function::ToDuration => conversion::to_duration(args, budget),
        Function::Dyn => conversion::to_dyn(args),
        Function::ToInt => conversion::to_int(args, budget),
        Function::ToString => conversion::to_string(args, budget),
        Function::ToTimestamp => conversion::to_timestamp(args, budget),
        Function::TypeOf => conversion::type_of(args),
        Function::ToUint => conversion::to_uint(args, budget),
        Function::FullYear => time::full_year(args, budget),
        Function::Month => time::month(args, budget),
        Function::Date => time::date(args, budget),
        Function::DayOfMonth => time::day_of_month(args, budget),
        Function::DayOfWeek => time::day_of_week(args, budget),
        Function::DayOfYear => time::day_of_year(args, budget),
        Function::Hours => time::hours(args, budget),
        Function::Minutes => time::minutes(args, budget),
        Function::Seconds => time::seconds(args, budget),
        Function::Milliseconds => time::milliseconds(args, budget),
        Function::OptionalOf => optionals::of(args),
        Function::OptionalNone => optionals::none(args),
        Function::OptionalOfNonZero => optionals::of_non_zero(args),
        Function::HasValue => optionals::has_value(args),
        Function::OptionalValue => optionals::value(args),
        Function::OptionalOr => optionals::or(args),
        Function::OptionalOrValue => optionals::or_value(args),
        Function::OptionalUnwrap => optionals::unwrap(args, budget),
        other => texts(other, args, budget),
    }
}

fn texts<'a>(function: Function, args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    match function {
        Function::CharAt => text::char_at(args, budget),
        Function::IndexOf => text::index_of(args, budget),
        Function::LastIndexOf => text::last_index_of(args, budget),
        Function::LowerAscii => text::lower_ascii(args, budget),
        Function::UpperAscii => text::upper_ascii(args, budget),
        Function::Replace => text::replace(args, budget),
        Function::Split => text::split(args, budget),
        Function::Substring => text::substring(args, budget),
        Function::Trim => text::trim(args, budget),
        Function::Join => text::join(args, budget),
        Function::Reverse => text::reverse(args, budget),
        Function::Quote => text::quote(args, budget),
        Function::Format => format::format(args, budget),
        Function::Base64Encode => conversion::base64_encode(args, budget),
        Function::Base64Decode => conversion::base64_decode(args, budget),
        Function::RegexReplace => patterns::replace(args, budget),
        Function::RegexExtract => patterns::extract(args, budget),
        Function::RegexExtractAll => patterns::extract_all(args, budget),
        Function::Find => patterns::find(args, budget),
        Function::FindAll => patterns::find_all(args, budget),
        Function::IsSorted => lists::is_sorted(args, budget),
        Function::Sum => lists::sum(args, budget),
        Function::Min => lists::min(args, budget),
        Function::Max => lists::max(args, budget),
        Function::First => lists::first(args, budget),
        Function::Last => lists::last(args, budget),
        Function::Distinct => lists::distinct(args, budget),
        Function::Flatten => lists::flatten(args, budget),
        Function::Range => lists::range(args, budget),
        Function::Slice => lists::slice(args, budget),
        Function::Sort => lists::sort(args, budget),
        Function::SetsContains => lists::sets_contains(args, budget),
        Function::SetsEquivalent => lists::sets_equivalent(args, budget),
        Function::SetsIntersects => lists::sets_intersects(args, budget),
        other => numbers(other, args, budget),
    }
}

fn numbers<'a>(function: Function, args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    match function {
        Function::Greatest => math::greatest(args, budget),
        Function::Least => math::least(args, budget),
        Function::Ceil => math::ceil(args),
        Function::Floor => math::floor(args),
        Function::Round => math::round(args),
        Function::Trunc => math::trunc(args),
        Function::Abs => math::abs(args),
        Function::Sign => math::sign(args),
        Function::IsNan => math::is_nan(args),
        Function::IsInf => math::is_inf(args),
        Function::IsFinite => math::is_finite(args),
        Function::BitAnd => math::bit_and(args),
        Function::BitOr => math::bit_or(args),
        Function::BitXor => math::bit_xor(args),
        Function::BitNot => math::bit_not(args),
        Function::ShiftLeft => math::shift_left(args),
        Function::ShiftRight => math::shift_right(args),
        Function::Sqrt => math::sqrt(args),
        Function::Quantity => kubernetes::quantity(args, budget),
        Function::IsQuantity => kubernetes::is_quantity(args, budget),
        Function::QuantitySign => kubernetes::sign(args),
        Function::IsInteger => kubernetes::is_integer(args),
        Function::AsInteger => kubernetes::as_integer(args),
        Function::AsApproximateFloat => kubernetes::as_approximate_float(args),
        Function::QuantityAdd => kubernetes::add(args, budget),
        Function::QuantitySub => kubernetes::sub(args, budget),
        Function::IsGreaterThan => kubernetes::is_greater_than(args),
        Function::IsLessThan => kubernetes::is_less_than(args),
        Function::CompareTo => kubernetes::compare_to(args),
        Function::Semver => kubernetes::semver(args, budget),
        Function::IsSemver => kubernetes::is_semver(args, budget),
        Function::Major => kubernetes::major(args),
        Function::Minor => kubernetes::minor(args),
        Function::Patch => kubernetes::patch(args),
        other => addresses(other, args, budget),
    }
}

fn addresses<'a>(function: Function, args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    match function {
        Function::Ip => address::ip(args, budget),
        Function::IsIp => address::is_ip(args, budget),
        Function::IsCanonicalIp => address::is_canonical_ip(args, budget),
        Function::Family => address::family(args),
        Function::IsUnspecified => address::is_unspecified(args),
        Function::IsLoopback => address::is_loopback(args),
        Function::IsLinkLocalMulticast => address::is_link_local_multicast(args),
        Function::IsLinkLocalUnicast => address::is_link_local_unicast(args),
        Function::IsGlobalUnicast => address::is_global_unicast(args),
        Function::Cidr => address::cidr(args, budget),
        Function::IsCidr => address::is_cidr(args, budget),
        Function::ContainsIp => address::contains_ip(args, budget),
        Function::ContainsCidr => address::contains_cidr(args, budget),
        Function::CidrIp => address::cidr_ip(args),
        Function::Masked => address::masked(args),
        Function::PrefixLength => address::prefix_length(args),
        Function::Url => address::url(args, budget),
        Function::IsUrl => address::is_url(args, budget),
        Function::UrlScheme => address::scheme(args),
        Function::UrlHost => address::host(args),
        Function::UrlHostname => address::hostname(args),
        Function::UrlPort => address::port(args),
        Function::UrlEscapedPath => address::escaped_path(args, budget),
        Function::UrlQuery => address::query(args, budget),
        Function::NamedFormat => kubernetes::named_format(args),
        Function::Validate => kubernetes::validate(args, budget),
        other => kubernetes::format_of(other, args),
    }
}
