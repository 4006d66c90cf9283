//! Quantities: exact numbers with a unit, as Kubernetes parses and prints
//! them (`100m`, `1.5Gi`, `12e6`).
//!
//! Promises what Kubernetes' own parser accepts and yields, its corners
//! included: below nano it rounds away from 0, numbers with a binary unit stop
//! at 2^63-1, and a text in (nearly) canonical form is printed as it stands.
//! Of `1000E`, which has no decimal suffix, the exponent is printed, where
//! some releases lose it. Deliberately without floating point but for one
//! approximation, and without arithmetic beyond sums.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

/// The smallest exponent: nothing finer is kept.
const NANO: i64 = -9;
/// Digits that Kubernetes' short way through 64 bits takes.
const SHORT_DIGITS: usize = 18;
const DECIMAL: [(&str, i64); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];
/// In powers of 1024, from the first on.
const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// The text is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a quantity")]
pub struct NotAQuantity;

/// How a quantity was written, and is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// `12M`
    Decimal,
    /// `12e6`
    Exponent,
    /// `12Mi`
    Binary,
}

/// A quantity. Compares by value: `1` equals `1000m`. Prints in canonical
/// form: no fraction, and the largest unit that needs none.
#[derive(Clone, Debug)]
pub struct Quantity {
    negative: bool,
    /// Without zeros at either end; empty for 0.
    digits: String,
    /// The digits are multiplied with 10 to the power of this.
    exponent: i64,
    format: Format,
}

impl Quantity {
    /// Parses what a Kubernetes object may hold.
    pub fn parse(text: &str) -> Result<Quantity, NotAQuantity> {
        Ok(Parts::of(text)?.quantity())
    }

    /// -1, 0 or 1.
    pub fn sign(&self) -> i32 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// The whole number, written as a decimal quantity.
    pub fn of_integer(value: i64) -> Quantity {
        let digits = value.unsigned_abs().to_string();
        Quantity::new(value < 0, &digits, 0, Format::Decimal)
    }

    /// The whole number that it is, where it is one of 64 bits.
    pub fn integer(&self) -> Option<i64> {
        let whole = i128::from(self.whole()?);
        i64::try_from(if self.negative { -whole } else { whole }).ok()
    }

    /// The floating-point number that is nearest.
    pub fn approximate(&self) -> f64 {
        let sign = if self.negative { "-" } else { "" };
        let text = match self.digits.is_empty() {
            true => return 0.0,
            false => format!("{sign}{}e{}", self.digits, self.exponent),
        };
        text.parse().unwrap_or(f64::NAN)
    }

    /// The exact sum, printed like `self`; `None` where it would have more than
    /// 256 digits.
    pub fn checked_add(&self, other: &Quantity) -> Option<Quantity> {
        if self.digits.is_empty() {
            let format = self.format;
            return Some(Quantity {
                format,
                ..other.clone()
            });
        }
        if other.digits.is_empty() {
            return Some(self.clone());
        }
        let low = self.exponent.min(other.exponent);
        let (a, b) = (self.reversed(low)?, other.reversed(low)?);
        let (negative, sum) = match (
            self.negative == other.negative,
            self.compare_magnitude(other),
        ) {
            (true, _) => (self.negative, combined(&a, &b, 1)),
            (false, Ordering::Less) => (other.negative, combined(&b, &a, -1)),
            (false, _) => (self.negative, combined(&a, &b, -1)),
        };
        let sum = Quantity::new(negative, &sum, low, self.format);
        Some(Quantity {
            negative: sum.negative && !sum.digits.is_empty(),
            ..sum
        })
    }

    /// The exact difference; as [`Quantity::checked_add`].
    pub fn checked_sub(&self, other: &Quantity) -> Option<Quantity> {
        let negated = Quantity {
            negative: !other.negative,
            ..other.clone()
        };
        self.checked_add(&negated)
    }

    /// Its digits from the last on, counted in 10 to the power of `exponent`,
    /// which is not above its own.
    fn reversed(&self, exponent: i64) -> Option<Vec<u8>> {
        const MOST: usize = 256;
        let zeros = usize::try_from(self.exponent - exponent).ok()?;
        let fits = zeros
            .checked_add(self.digits.len())
            .is_some_and(|length| length <= MOST);
        let digits = self.digits.bytes().rev().map(|digit| digit - b'0');
        fits.then(|| std::iter::repeat_n(0, zeros).chain(digits).collect())
    }

    fn new(negative: bool, digits: &str, exponent: i64, format: Format) -> Quantity {
        let significant = digits.trim_end_matches('0');
        let zeros = (digits.len() - significant.len()) as i64;
        let significant = significant.trim_start_matches('0');
        Quantity {
            negative,
            digits: significant.to_owned(),
            exponent: if significant.is_empty() {
                0
            } else {
                exponent + zeros
            },
            format,
        }
    }

    /// Rounds away from 0 to a multiple of nano.
    fn round_up(self) -> Quantity {
        let excess = usize::try_from(NANO - self.exponent).unwrap_or(0);
        if excess == 0 || self.digits.is_empty() {
            return self;
        }
        // The last digit is not 0, so something is always lost.
        let kept = self.digits.len().saturating_sub(excess);
        let kept = self.digits.get(..kept).unwrap_or_default();
        Quantity::new(self.negative, &incremented(kept), NANO, self.format)
    }

    /// Numbers with a binary unit end at 2^63-1.
    fn capped(self) -> Quantity {
        let max = Quantity::new(false, &i64::MAX.to_string(), 0, Format::Binary);
        match self.format == Format::Binary && self.compare_magnitude(&max).is_gt() {
            true => Quantity {
                negative: self.negative,
                ..max
            },
            false => self,
        }
    }

    fn compare_magnitude(&self, other: &Quantity) -> Ordering {
        // Where the first digit stands decides; a zero has none.
        let top = |own: &Quantity| match own.digits.len() {
            0 => i64::MIN,
            length => own.exponent + length as i64,
        };
        let by_top = top(self).cmp(&top(other));
        // Without zeros at the end, the longer of two equal beginnings is more.
        by_top.then_with(|| self.digits.cmp(&other.digits))
    }

    /// The whole number that it is, where it is one of at most 64 bits.
    fn whole(&self) -> Option<u64> {
        let zeros = usize::try_from(self.exponent)
            .ok()
            .filter(|zeros| *zeros < 20)?;
        let digits = if self.digits.is_empty() {
            "0"
        } else {
            &self.digits
        };
        format!("{digits}{}", "0".repeat(zeros)).parse().ok()
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Quantity) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Quantity) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Quantity) -> Ordering {
        let magnitude = || match self.negative {
            true => other.compare_magnitude(self),
            false => self.compare_magnitude(other),
        };
        self.sign().cmp(&other.sign()).then_with(magnitude)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits.is_empty() {
            return f.write_str("0");
        }
        f.write_str(if self.negative { "-" } else { "" })?;
        // A binary unit is for whole numbers from 1024 on.
        let whole = self.whole().filter(|whole| *whole >= 1024);
        if let (Format::Binary, Some(whole)) = (self.format, whole) {
            return write_binary(f, whole);
        }
        let zeros = self.exponent.rem_euclid(3);
        let exponent = self.exponent - zeros;
        f.write_str(&self.digits)?;
        f.write_str("00".get(..zeros as usize).unwrap_or_default())?;
        let decimal = DECIMAL.iter().find(|(_, known)| *known == exponent);
        match (decimal, self.format) {
            (_, Format::Exponent) if exponent == 0 => Ok(()),
            (Some((suffix, _)), Format::Decimal | Format::Binary) => f.write_str(suffix),
            _ => write!(f, "e{exponent}"),
        }
    }
}

fn write_binary(f: &mut fmt::Formatter<'_>, mut whole: u64) -> fmt::Result {
    let mut unit = "";
    for next in BINARY {
        if !whole.is_multiple_of(1024) {
            break;
        }
        (whole, unit) = (whole / 1024, next);
    }
    write!(f, "{whole}{unit}")
}

/// What Kubernetes prints for a stored quantity: canonical, unless the text is
/// of a form that its parser keeps.
pub(super) fn shown(text: &str) -> Result<Cow<'_, str>, NotAQuantity> {
    let parts = Parts::of(text)?;
    if parts.is_kept() {
        return Ok(Cow::Borrowed(text));
    }
    let canonical = parts.quantity().to_string();
    Ok(match canonical == text {
        true => Cow::Borrowed(text),
        false => Cow::Owned(canonical),
    })
}

/// Whether the text is a quantity. Takes no memory.
pub(super) fn check(text: &str) -> Result<(), NotAQuantity> {
    Parts::of(text).map(|_| ())
}

/// A quantity's text, taken apart.
struct Parts<'t> {
    negative: bool,
    /// The digits before the point without leading zeros; `0` for none.
    whole: &'t str,
    fraction: &'t str,
    format: Format,
    /// Of 10, or of 1024 for `Format::Binary`.
    exponent: i64,
}

impl<'t> Parts<'t> {
    fn of(text: &'t str) -> Result<Parts<'t>, NotAQuantity> {
        if text.is_empty() {
            return Err(NotAQuantity);
        }
        let negative = text.starts_with('-');
        let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, rest) = digits(rest.trim_start_matches('0'));
        let (fraction, suffix) = rest.strip_prefix('.').map_or(("", rest), digits);
        let (format, exponent) = unit(suffix).ok_or(NotAQuantity)?;
        Ok(Parts {
            negative,
            whole: if whole.is_empty() { "0" } else { whole },
            fraction,
            format,
            exponent,
        })
    }

    /// Whether Kubernetes' parser keeps the text to print it again. Its rules,
    /// and so more than canonical texts: `+1` and `1.500` are among them.
    fn is_kept(&self) -> bool {
        let length = self.whole.len() + self.fraction.len();
        if self.format != Format::Binary {
            let exponent = self.exponent - self.fraction.len() as i64;
            return length <= SHORT_DIGITS
                && exponent >= NANO
                && exponent % 3 == 0
                && !self.ends_in_thousands()
                && !self.whole.starts_with('0');
        }
        let room = 14 - 3 * self.exponent;
        self.fraction.is_empty()
            && self.whole.len() as i64 <= room
            && self.whole.parse::<u64>().is_ok_and(|value| value % 8 != 0)
    }

    /// Whether the number, point left out, ends in three zeros.
    fn ends_in_thousands(&self) -> bool {
        let digits = self.whole.bytes().chain(self.fraction.bytes());
        digits.rev().take(3).filter(|digit| *digit == b'0').count() == 3
    }

    fn quantity(&self) -> Quantity {
        let digits = [self.whole, self.fraction].concat();
        let scale = -(self.fraction.len() as i64);
        let (digits, exponent) = match self.format {
            Format::Binary => (times_1024(&digits, self.exponent), scale),
            _ => (digits, scale + self.exponent),
        };
        let exact = Quantity::new(self.negative, &digits, exponent, self.format);
        exact.round_up().capped()
    }
}

/// The digits at the beginning, and what follows them.
fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

/// What a suffix means. Kubernetes keeps 32 bits of an exponent.
fn unit(suffix: &str) -> Option<(Format, i64)> {
    if let Some((_, exponent)) = DECIMAL.iter().find(|(known, _)| *known == suffix) {
        return Some((Format::Decimal, *exponent));
    }
    if let Some(place) = BINARY.iter().position(|known| *known == suffix) {
        return Some((Format::Binary, place as i64 + 1));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?.parse::<i64>().ok()?;
    Some((Format::Exponent, i64::from(exponent as i32)))
}

/// A decimal number plus one; no digits are 0.
fn incremented(digits: &str) -> String {
    let kept = digits.trim_end_matches('9');
    let nines = digits.len() - kept.len();
    let (before, last) = kept.split_at(kept.len().saturating_sub(1));
    let next = last
        .bytes()
        .next()
        .map_or('1', |digit| char::from(digit + 1));
    format!("{before}{next}{}", "0".repeat(nines))
}

/// `a + sign * b` of digits from the last on, as a decimal number; `a` is not
/// the smaller one where `sign` is -1.
fn combined(a: &[u8], b: &[u8], sign: i8) -> String {
    let mut carry = 0_i8;
    let mut out = Vec::with_capacity(a.len().max(b.len()) + 1);
    for place in 0..=a.len().max(b.len()) {
        let digit = |of: &[u8]| of.get(place).map_or(0, |digit| *digit as i8);
        let sum = digit(a) + sign * digit(b) + carry;
        carry = sum.div_euclid(10);
        out.push(char::from(b'0' + sum.rem_euclid(10) as u8));
    }
    out.iter().rev().collect()
}

/// A decimal number times 1024 to the power of `power`.
fn times_1024(digits: &str, power: i64) -> String {
    let mut reversed: Vec<u8> = digits.bytes().rev().map(|digit| digit - b'0').collect();
    for _ in 0..power {
        let mut carry = 0u32;
        for digit in &mut reversed {
            carry += u32::from(*digit) * 1024;
            *digit = (carry % 10) as u8;
            carry /= 10;
        }
        while carry > 0 {
            reversed.push((carry % 10) as u8);
            carry /= 10;
        }
    }
    reversed
        .iter()
        .rev()
        .map(|digit| char::from(b'0' + digit))
        .collect()
}
