//! The parts of timestamps and durations.
//!
//! Promises every zone of the IANA database that is compiled in, and offsets
//! such as `+02:00`. Deliberately asks the machine for nothing: neither for its
//! zone nor for its clock.

use crate::lang::calendar::Civil;
use crate::lang::fault::{Budget, FaultKind};
use crate::lang::value::{Timestamp, Value};

use super::{Args, Outcome};

/// The steps that looking up a zone costs.
const ZONE: u64 = 32;

fn civil(args: Args<'_, '_>, budget: &mut Budget) -> Result<Civil, FaultKind> {
    match args {
        [Value::Timestamp(time)] => Ok(Civil::of(time.seconds)),
        [Value::Timestamp(time), Value::String(zone)] => {
            budget.spend(ZONE)?;
            budget.spend_bytes(zone.len())?;
            Ok(Civil::of(time.seconds + offset(*time, zone)?))
        }
        _ => Err(FaultKind::NoSuchOverload),
    }
}

/// The seconds that clocks in the zone are ahead of UTC at that time.
fn offset(time: Timestamp, zone: &str) -> Result<i64, FaultKind> {
    if zone.is_empty() {
        return Ok(0);
    }
    if zone.contains(':') {
        return fixed(zone).ok_or(FaultKind::InvalidArgument);
    }
    let known = jiff::tz::TimeZone::get(zone).map_err(|_| FaultKind::InvalidArgument)?;
    // The database does not mind the case of letters; CEL does.
    if known.iana_name() != Some(zone) {
        return Err(FaultKind::InvalidArgument);
    }
    // Its time ends a day before CEL's does; the offset is that of its end.
    let last = jiff::Timestamp::MAX.as_second();
    let moment = jiff::Timestamp::from_second(time.seconds.min(last));
    let moment = moment.map_err(|_| FaultKind::OutOfRange)?;
    Ok(i64::from(known.to_offset(moment).seconds()))
}

/// `+02:00`, `-02:30` or `02:00`.
fn fixed(zone: &str) -> Option<i64> {
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone
        .strip_prefix(['+', '-'])
        .unwrap_or(zone)
        .split_once(':')?;
    let number = |digits: &str, most: i64| {
        let fits = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = digits.parse::<i64>().ok();
        number.filter(|number| fits && *number <= most)
    };
    Some(sign * (number(hours, 23)? * 3600 + number(minutes, 59)? * 60))
}

fn part<'a>(args: Args<'_, 'a>, budget: &mut Budget, of: fn(Civil) -> i64) -> Outcome<'a> {
    civil(args, budget).map(|civil| Value::Int(of(civil)))
}

/// A whole number of `unit` nanoseconds of a duration, or a part of a
/// timestamp.
fn span<'a>(
    args: Args<'_, 'a>,
    budget: &mut Budget,
    unit: i64,
    of: fn(Civil) -> i64,
) -> Outcome<'a> {
    match args {
        [Value::Duration(nanos)] => Ok(Value::Int(nanos / unit)),
        args => part(args, budget, of),
    }
}

pub(super) fn full_year<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    part(args, budget, |civil| civil.year)
}

pub(super) fn month<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    part(args, budget, |civil| civil.month - 1)
}

pub(super) fn date<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    part(args, budget, |civil| civil.day)
}

pub(super) fn day_of_month<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    part(args, budget, |civil| civil.day - 1)
}

pub(super) fn day_of_week<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    part(args, budget, |civil| civil.weekday)
}

pub(super) fn day_of_year<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    part(args, budget, |civil| civil.day_of_year)
}

pub(super) fn hours<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    span(args, budget, 3_600_000_000_000, |civil| civil.second / 3600)
}

pub(super) fn minutes<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    span(args, budget, 60_000_000_000, |civil| civil.second / 60 % 60)
}

pub(super) fn seconds<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    span(args, budget, 1_000_000_000, |civil| civil.second % 60)
}

pub(super) fn milliseconds<'a>(args: Args<'_, 'a>, budget: &mut Budget) -> Outcome<'a> {
    if let [Value::Timestamp(time), ..] = args {
        // For its check of the zone.
        civil(args, budget)?;
        return Ok(Value::Int(i64::from(time.nanos / 1_000_000)));
    }
    span(args, budget, 1_000_000, |civil| civil.second)
}
