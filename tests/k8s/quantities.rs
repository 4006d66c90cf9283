//! Quantities: what Kubernetes' parser accepts, prints and keeps.

use std::cmp::Ordering;

use carry::k8s::{Path, Quantity, Record};
use proptest::prelude::*;

use super::protobuf_record::{bytes, value};

fn canonical(text: &str) -> String {
    match Quantity::parse(text) {
        Ok(quantity) => quantity.to_string(),
        Err(error) => error.to_string(),
    }
}

/// What a Pod's `spec.overhead.cpu` of this text shows.
fn stored(text: &str) -> String {
    let entry = [bytes(1, "cpu"), bytes(2, bytes(1, text))].concat();
    let pod = value("v1", "Pod", &[bytes(2, bytes(32, entry))]);
    let record = Record::parse(&pod).expect("a record");
    let path: Path = "spec.overhead.cpu".parse().expect("a path");
    match record.get(&path) {
        Ok(field) => super::shown::shown(&field),
        Err(error) => error.to_string(),
    }
}

#[test]
fn canonical_forms() {
    for (text, expected) in [
        ("0", "0"),
        ("-0", "0"),
        ("0Ki", "0"),
        ("0.000e9", "0"),
        ("1000m", "1"),
        ("0.5", "500m"),
        (".5", "500m"),
        ("1.", "1"),
        ("+1", "1"),
        ("001", "1"),
        ("1.500", "1500m"),
        ("1024Ki", "1Mi"),
        ("1.5Gi", "1536Mi"),
        ("1023Ki", "1023Ki"),
        ("1025", "1025"),
        ("1000Ki", "1000Ki"),
        ("0.5Ki", "512"),
        ("1000", "1k"),
        ("1500", "1500"),
        ("12e6", "12e6"),
        ("12E6", "12e6"),
        ("1e3", "1e3"),
        ("1e4", "10e3"),
        ("1e-1", "100e-3"),
        ("1.5e3", "1500"),
        ("100n", "100n"),
        ("0.1n", "1n"),
        ("-0.1n", "-1n"),
        ("1.0000000001", "1000000001n"),
        ("0.9999999999", "1"),
        ("1e-30", "1e-9"),
        ("1Ei", "1Ei"),
        ("8Ei", "9223372036854775807"),
        ("-8Ei", "-9223372036854775807"),
        ("99999999999999999999Ki", "9223372036854775807"),
        ("1E", "1E"),
        ("1000E", "1e21"),
        ("18446744073709551616", "18446744073709551616"),
        ("-1.5Gi", "-1536Mi"),
        ("1e4294967296", "1"),
        ("1e1000000", "10e999999"),
        ("-", "0"),
        (".", "0"),
    ] {
        assert_eq!(canonical(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_quantity() {
    for text in [
        "",
        " 1",
        "1 ",
        "1x",
        "1.2.3",
        "1KI",
        "1ki",
        "1K",
        "1e",
        "1e+",
        "1e1.5",
        "--1",
        "1i",
        "k1",
        "1e99999999999999999999",
        "١",
        "NaN",
        "1_000",
    ] {
        assert_eq!(canonical(text), "not a quantity", "{text:?}");
        assert!(
            stored(text).contains("quantity cannot be parsed"),
            "{text:?}"
        );
    }
}

/// Kubernetes' parser keeps some texts that are not canonical, and prints them.
#[test]
fn stored_texts_are_shown_as_kubernetes_prints_them() {
    for (text, expected) in [
        ("0", "0"),
        ("0.0", "0"),
        ("100m", "100m"),
        ("1000m", "1"),
        ("1.500", "1.500"),
        ("1.5", "1500m"),
        ("1.", "1."),
        ("+1", "+1"),
        ("+1000", "1k"),
        ("+100Ki", "+100Ki"),
        ("+1000Ki", "1000Ki"),
        ("007", "007"),
        ("0.500", "500m"),
        ("1E3", "1E3"),
        ("1.0Gi", "1Gi"),
        ("128974848", "128974848"),
        ("123456789012345678", "123456789012345678"),
        ("+1234567890123456789", "1234567890123456789"),
    ] {
        assert_eq!(stored(text), format!("String({expected:?})"), "{text}");
    }
}

#[test]
fn quantities_compare_by_value() {
    let parse = |text| Quantity::parse(text).expect(text);
    let rising = [
        "-1e1000000000",
        "-1Ei",
        "-1k",
        "-1",
        "-1m",
        "0",
        "1n",
        "999999999n",
        "1",
        "1001m",
        "1k",
        "1Ki",
        "1e3001",
        "1e3002",
    ];
    for (a, left) in rising.iter().enumerate() {
        for (b, right) in rising.iter().enumerate() {
            assert_eq!(parse(left).cmp(&parse(right)), a.cmp(&b), "{left} {right}");
        }
        let zero = rising.iter().position(|text| *text == "0").expect("zero");
        let sign = match a.cmp(&zero) {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        };
        assert_eq!(parse(left).sign(), sign, "{left}");
    }
    for (left, right) in [("1", "1000m"), ("1Ki", "1024"), ("-0", "0m"), ("1e3", "1k")] {
        assert_eq!(parse(left), parse(right), "{left} {right}");
    }
}

const SUFFIXES: [&str; 19] = [
    "n", "u", "m", "", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3",
    "e-2", "E1",
];

fn quantity() -> impl Strategy<Value = String> {
    let suffix = prop::sample::select(&SUFFIXES[..]);
    ("[+-]?[0-9]{1,12}(\\.[0-9]{0,8})?", suffix).prop_map(|(number, suffix)| number + suffix)
}

/// The value in units of 10^-20, without any of the code under test.
fn exact(text: &str) -> Option<i128> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, suffix) = rest.split_at(end.unwrap_or(rest.len()));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
        .iter()
        .position(|known| *known == suffix);
    let power = match suffix {
        "n" => -9,
        "u" => -6,
        "m" => -3,
        "k" => 3,
        "M" => 6,
        "G" => 9,
        "T" => 12,
        "P" => 15,
        "E" => 18,
        "" => 0,
        _ if binary.is_some() => 0,
        _ => suffix.get(1..)?.parse().ok()?,
    };
    let scaled = digits.checked_mul(1 << (10 * binary.map_or(0, |place| place + 1)))?;
    let shift = u32::try_from(20 + power - fraction.len() as i32).ok()?;
    scaled
        .checked_mul(10i128.checked_pow(shift)?)?
        .checked_mul(sign)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..Default::default() })]

    #[test]
    fn printing_keeps_the_value(text in quantity()) {
        let parsed = Quantity::parse(&text).expect("a quantity");
        let printed = parsed.to_string();
        let again = Quantity::parse(&printed).expect("what was printed");
        prop_assert_eq!(&again, &parsed);
        prop_assert_eq!(again.to_string(), printed.clone());
        let fits = i64::MAX as i128 * 10i128.pow(19);
        if let Some(value) = exact(&text).filter(|value| value.abs() < fits) {
            // Rounded away from zero to multiples of nano.
            let nano = 10i128.pow(11);
            let rounded = (value.abs() + nano - 1) / nano * nano * value.signum();
            prop_assert_eq!(exact(&printed), Some(rounded), "{} is printed {}", text, printed);
        }
    }

    #[test]
    fn comparing_is_by_value(a in quantity(), b in quantity()) {
        let nano = |text: &str| exact(text).filter(|value| value % 10i128.pow(11) == 0);
        if let (Some(left), Some(right)) = (nano(&a), nano(&b)) {
            let (a, b) = (Quantity::parse(&a).expect("a"), Quantity::parse(&b).expect("b"));
            prop_assert_eq!(a.cmp(&b), left.cmp(&right));
        }
    }

    #[test]
    fn any_text_at_all(text in "[-+.0-9eEinumkKMGTP]{0,12}|\\PC{0,6}") {
        if let Ok(quantity) = Quantity::parse(&text) {
            let printed = quantity.to_string();
            prop_assert_eq!(Quantity::parse(&printed).expect("printed"), quantity);
        }
        let shown = stored(&text);
        prop_assert_eq!(shown.starts_with("String("), Quantity::parse(&text).is_ok());
    }
}
