//! Quantities, semantic versions and named formats.
//!
//! Promises exact quantities. Deliberately converts none to a text: Kubernetes
//! does not either.

use std::cmp::Ordering;

use crate::lang::fault::{Budget, FaultKind};
use crate::lang::function::Function;
use crate::lang::opaque::{Format, Opaque, Quantity, Semver};
use crate::lang::value::Value;

use super::{Args, Outcome};

/// Steps for a sum of quantities, which may have hundreds of digits.
const SUM: u64 = 128;

fn own_quantity<'v>(value: &'v Value<'_>) -> Option<&'v Quantity> {
    match value {
        Value::Opaque(own) => match &**own {
            Opaque::Quantity(quantity) => Some(quantity),
            _ => None,
        },
        _ => None,
    }
}

fn only_quantity<'s>(args: Args<'s, '_>) -> Result<&'s Quantity, FaultKind> {
    let only = match args {
        [own] => own_quantity(own),
        _ => None,
    };
    only.ok_or(FaultKind::NoSuchOverload)
}

fn parsed(args: Args<'_, '_>, budget: &mut Budget) -> Result<Option<Quantity>, FaultKind> {
    let [Value::String(text)] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    // Parsing multiplies a binary unit out, digit by digit.
    budget.spend(16 + text.len() as u64)?;
    Ok(Quantity::parse(text).ok())
}

pub(super) fn quantity<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let quantity = parsed(args, budget)?.ok_or(FaultKind::InvalidArgument)?;
    Ok(Value::opaque(Opaque::Quantity(quantity)))
}

pub(super) fn is_quantity<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    parsed(args, budget).map(|parsed| Value::Bool(parsed.is_some()))
}

pub(super) fn sign<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    let quantity = only_quantity(args)?;
    Ok(Value::Int(i64::from(quantity.sign())))
}

pub(super) fn is_integer<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    let quantity = only_quantity(args)?;
    Ok(Value::Bool(quantity.integer().is_some()))
}

pub(super) fn as_integer<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    let integer = only_quantity(args)?.integer();
    integer.map(Value::Int).ok_or(FaultKind::OutOfRange)
}

pub(super) fn as_approximate_float<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    Ok(Value::Double(only_quantity(args)?.approximate()))
}

pub(super) fn add<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    combined(args, budget, Quantity::checked_add)
}

pub(super) fn sub<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    combined(args, budget, Quantity::checked_sub)
}

fn combined<'a>(
    args: Args<'_, 'a>,
    budget: &mut Budget,
    combine: fn(&Quantity, &Quantity) -> Option<Quantity>,
) -> Outcome<'a> {
    budget.spend(SUM)?;
    let (own, other) = match args {
        [own, Value::Int(other)] => (own, Some(Quantity::of_integer(*other))),
        [own, other] => (own, own_quantity(other).cloned()),
        _ => return Err(FaultKind::NoSuchOverload),
    };
    let (Some(own), Some(other)) = (own_quantity(own), other) else {
        return Err(FaultKind::NoSuchOverload);
    };
    let sum = combine(own, &other).ok_or(FaultKind::TooLarge)?;
    Ok(Value::opaque(Opaque::Quantity(sum)))
}

/// The order of two quantities or two versions.
fn order(args: Args<'_, '_>) -> Result<Ordering, FaultKind> {
    let [Value::Opaque(a), Value::Opaque(b)] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    match (&**a, &**b) {
        (Opaque::Quantity(a), Opaque::Quantity(b)) => Ok(a.cmp(b)),
        (Opaque::Semver(a), Opaque::Semver(b)) => Ok(a.cmp(b)),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn is_greater_than<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    order(args).map(|order| Value::Bool(order.is_gt()))
}

pub(super) fn is_less_than<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    order(args).map(|order| Value::Bool(order.is_lt()))
}

pub(super) fn compare_to<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    order(args).map(|order| Value::Int(order as i64))
}

fn parsed_version(args: Args<'_, '_>, budget: &mut Budget) -> Result<Option<Semver>, FaultKind> {
    let (text, lenient) = match args {
        [Value::String(text)] => (text, false),
        [Value::String(text), Value::Bool(lenient)] => (text, *lenient),
        _ => return Err(FaultKind::NoSuchOverload),
    };
    budget.spend(8)?;
    budget.spend_bytes(text.len())?;
    let parsed = match lenient {
        true => Semver::parse_lenient(text),
        false => Semver::parse(text),
    };
    Ok(parsed.ok())
}

pub(super) fn semver<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let version = parsed_version(args, budget)?.ok_or(FaultKind::InvalidArgument)?;
    Ok(Value::opaque(Opaque::Semver(version)))
}

pub(super) fn is_semver<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    parsed_version(args, budget).map(|parsed| Value::Bool(parsed.is_some()))
}

fn version_part<'a>(args: Args<'_, 'a>, part: fn(&Semver) -> u64) -> Outcome<'a> {
    let [Value::Opaque(own)] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let Opaque::Semver(version) = &**own else {
        return Err(FaultKind::NoSuchOverload);
    };
    let part = i64::try_from(part(version));
    part.map(Value::Int).map_err(|_| FaultKind::OutOfRange)
}

pub(super) fn major<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    version_part(args, Semver::major)
}

pub(super) fn minor<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    version_part(args, Semver::minor)
}

pub(super) fn patch<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    version_part(args, Semver::patch)
}

pub(super) fn named_format<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    let [Value::String(name)] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let format = Format::by_name(name).map(Opaque::Format);
    Ok(format.map_or(Value::Optional(None), |own| Value::some(Value::opaque(own))))
}

/// The format that a function without arguments yields; no other function is
/// left when this one is asked.
pub(super) fn format_of<'a>(function: Function, args: Args<'_, 'a>) -> Outcome<'a> {
    let format = match function {
        Function::FormatDns1123Label => Format::Dns1123Label,
        Function::FormatDns1123Subdomain => Format::Dns1123Subdomain,
        Function::FormatDns1035Label => Format::Dns1035Label,
        Function::FormatQualifiedName => Format::QualifiedName,
        Function::FormatDns1123LabelPrefix => Format::Dns1123LabelPrefix,
        Function::FormatDns1123SubdomainPrefix => Format::Dns1123SubdomainPrefix,
        Function::FormatDns1035LabelPrefix => Format::Dns1035LabelPrefix,
        Function::FormatLabelValue => Format::LabelValue,
        Function::FormatUri => Format::Uri,
        Function::FormatUuid => Format::Uuid,
        Function::FormatByte => Format::Byte,
        Function::FormatDate => Format::Date,
        Function::FormatDatetime => Format::Datetime,
        _ => return Err(FaultKind::NoSuchOverload),
    };
    match args {
        [] => Ok(Value::opaque(Opaque::Format(format))),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

/// None where the text is of the format, and otherwise the rules it breaks.
pub(super) fn validate<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [Value::Opaque(own), Value::String(text)] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let Opaque::Format(format) = &**own else {
        return Err(FaultKind::NoSuchOverload);
    };
    budget.spend(16)?;
    budget.spend_bytes(4 * text.len())?;
    let broken = format.broken(text);
    if broken.is_empty() {
        return Ok(Value::Optional(None));
    }
    let broken = broken.into_iter().map(Value::text).collect();
    Ok(Value::some(Value::list(broken)))
}
