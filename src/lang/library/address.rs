//! IP addresses, networks and URLs.
//!
//! Promises that a malformed text is an invalid argument, or false where that
//! was the question. Deliberately resolves no names.

use crate::lang::fault::{Budget, FaultKind};
use crate::lang::opaque::{Cidr, Ip, Opaque, Url};
use crate::lang::value::Map;
use crate::lang::value::Value;

use super::{Args, Outcome, bounds};

/// Steps for reading an address, whatever its length.
const ADDRESS: u64 = 4;

fn only_text<'s>(args: Args<'s, '_>, budget: &mut Budget) -> Result<&'s str, FaultKind> {
    let [Value::String(text)] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    pay(text, budget)?;
    Ok(text)
}

fn pay(text: &str, budget: &mut Budget) -> Result<(), FaultKind> {
    budget.spend(ADDRESS)?;
    budget.spend_bytes(text.len())
}

fn parse_ip(text: &str) -> Result<Ip, FaultKind> {
    Ip::parse(text).map_err(|_| FaultKind::InvalidArgument)
}

fn parse_cidr(text: &str) -> Result<Cidr, FaultKind> {
    Cidr::parse(text).map_err(|_| FaultKind::InvalidArgument)
}

fn own_ip(value: &Value<'_>) -> Option<Ip> {
    match value {
        Value::Opaque(own) => match &**own {
            Opaque::Ip(ip) => Some(*ip),
            _ => None,
        },
        _ => None,
    }
}

fn own_cidr(value: &Value<'_>) -> Option<Cidr> {
    match value {
        Value::Opaque(own) => match &**own {
            Opaque::Cidr(cidr) => Some(*cidr),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn ip<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let ip = parse_ip(only_text(args, budget)?)?;
    Ok(Value::opaque(Opaque::Ip(ip)))
}

pub(super) fn is_ip<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    Ok(Value::Bool(Ip::parse(only_text(args, budget)?).is_ok()))
}

/// Whether an address is written as it is printed.
pub(super) fn is_canonical_ip<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let text = only_text(args, budget)?;
    Ok(Value::Bool(parse_ip(text)?.to_string() == text))
}

fn only_ip(args: Args<'_, '_>) -> Result<Ip, FaultKind> {
    match args {
        [own] => own_ip(own).ok_or(FaultKind::NoSuchOverload),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

fn tested<'a>(args: Args<'_, 'a>, holds: fn(Ip) -> bool) -> Outcome<'a> {
    only_ip(args).map(|ip| Value::Bool(holds(ip)))
}

pub(super) fn family<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    only_ip(args).map(|ip| Value::Int(ip.family()))
}

pub(super) fn is_unspecified<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    tested(args, Ip::is_unspecified)
}

pub(super) fn is_loopback<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    tested(args, Ip::is_loopback)
}

pub(super) fn is_link_local_multicast<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    tested(args, Ip::is_link_local_multicast)
}

pub(super) fn is_link_local_unicast<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    tested(args, Ip::is_link_local_unicast)
}

pub(super) fn is_global_unicast<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    tested(args, Ip::is_global_unicast)
}

pub(super) fn cidr<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let cidr = parse_cidr(only_text(args, budget)?)?;
    Ok(Value::opaque(Opaque::Cidr(cidr)))
}

pub(super) fn is_cidr<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    Ok(Value::Bool(Cidr::parse(only_text(args, budget)?).is_ok()))
}

fn only_cidr(args: Args<'_, '_>) -> Result<Cidr, FaultKind> {
    match args {
        [own] => own_cidr(own).ok_or(FaultKind::NoSuchOverload),
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn contains_ip<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [own, other] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let own = own_cidr(own).ok_or(FaultKind::NoSuchOverload)?;
    let other = match other {
        Value::String(text) => {
            pay(text, budget)?;
            parse_ip(text)?
        }
        other => own_ip(other).ok_or(FaultKind::NoSuchOverload)?,
    };
    Ok(Value::Bool(own.contains_ip(other)))
}

pub(super) fn contains_cidr<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let [own, other] = args else {
        return Err(FaultKind::NoSuchOverload);
    };
    let own = own_cidr(own).ok_or(FaultKind::NoSuchOverload)?;
    let other = match other {
        Value::String(text) => {
            pay(text, budget)?;
            parse_cidr(text)?
        }
        other => own_cidr(other).ok_or(FaultKind::NoSuchOverload)?,
    };
    Ok(Value::Bool(own.contains(other)))
}

pub(super) fn cidr_ip<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    only_cidr(args).map(|cidr| Value::opaque(Opaque::Ip(cidr.ip())))
}

pub(super) fn masked<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    only_cidr(args).map(|cidr| Value::opaque(Opaque::Cidr(cidr.masked())))
}

pub(super) fn prefix_length<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    only_cidr(args).map(|cidr| Value::Int(i64::from(cidr.prefix_length())))
}

fn parsed_url(args: Args<'_, '_>, budget: &mut Budget) -> Result<Option<Url>, FaultKind> {
    let text = only_text(args, budget)?;
    bounds::room(4 * text.len(), budget)?;
    Ok(Url::parse(text).ok())
}

pub(super) fn url<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let url = parsed_url(args, budget)?.ok_or(FaultKind::InvalidArgument)?;
    Ok(Value::opaque(Opaque::Url(url)))
}

pub(super) fn is_url<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    parsed_url(args, budget).map(|parsed| Value::Bool(parsed.is_some()))
}

fn only_url<'s>(args: Args<'s, '_>) -> Result<&'s Url, FaultKind> {
    match args {
        [Value::Opaque(own)] => match &**own {
            Opaque::Url(url) => Ok(url),
            _ => Err(FaultKind::NoSuchOverload),
        },
        _ => Err(FaultKind::NoSuchOverload),
    }
}

pub(super) fn scheme<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    only_url(args).map(|url| Value::text(url.scheme()))
}

pub(super) fn host<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    only_url(args).map(|url| Value::text(url.host()))
}

pub(super) fn hostname<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    only_url(args).map(|url| Value::text(url.hostname()))
}

pub(super) fn port<'a>(args: Args<'_, 'a>) -> Outcome<'a> {
    only_url(args).map(|url| Value::text(url.port()))
}

pub(super) fn escaped_path<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let path = only_url(args)?.escaped_path();
    bounds::room(path.len(), budget)?;
    Ok(Value::text(path))
}

/// The values of each name in the query, in their order.
pub(super) fn query<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    let mut names: Vec<(String, Vec<Value<'a>>)> = Vec::new();
    for (name, value) in only_url(args)?.query() {
        budget.spend(1 + names.len() as u64)?;
        budget.spend_bytes(name.len() + value.len())?;
        match names.iter_mut().find(|(own, _)| *own == name) {
            Some((_, values)) => values.push(Value::text(value)),
            None => names.push((name, vec![Value::text(value)])),
        }
    }
    let mut map = Map::default();
    for (name, values) in names {
        map.insert(Value::text(name), Value::list(values))?;
    }
    Ok(Value::Map(map.into()))
}
