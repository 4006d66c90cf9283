//! Laws that functions keep for any argument.

use carry::lang::function::Function;
use carry::lang::opaque::Regex;
use carry::lang::{FaultKind, Value};
use proptest::prelude::*;

use super::library::{call, show};

fn number() -> impl Strategy<Value = Value<'static>> {
    let near = prop_oneof![Just(0_i64), Just(i64::MAX), Just(i64::MIN), Just(1 << 53)];
    let integers = prop_oneof![any::<i64>(), near, -3..4_i64];
    let around = (integers, -2..3_i64).prop_map(|(own, by)| own.saturating_add(by));
    around.prop_flat_map(|own| {
        prop_oneof![
            Just(Value::Int(own)),
            Just(Value::Uint(own.cast_unsigned())),
            Just(Value::Double(own as f64)),
            Just(Value::Double(own as f64 + 0.5)),
            Just(Value::Double(own as f64 * 4.0)),
        ]
    })
}

/// Twice the number, which is a whole one within 128 bits.
fn doubled(value: &Value<'_>) -> i128 {
    match value {
        Value::Int(own) => i128::from(*own) * 2,
        Value::Uint(own) => i128::from(*own) * 2,
        Value::Double(own) => (*own * 2.0) as i128,
        _ => unreachable!(),
    }
}

fn text<'a>(outcome: Result<Value<'a>, FaultKind>) -> Value<'a> {
    outcome.unwrap_or(Value::Null)
}

proptest! {
    #[test]
    fn numbers_stand_on_one_line(a in number(), b in number()) {
        // The specification's one exception, see `lang::compare`.
        let rounds = |own: &Value<'_>, other: &Value<'_>| match (own, other) {
            (Value::Int(i64::MAX), Value::Double(double)) => *double == i64::MAX as f64,
            _ => false,
        };
        let (mut x, y) = (doubled(&a), doubled(&b));
        if rounds(&a, &b) || rounds(&b, &a) {
            x = y;
        }
        let args = [a, b];
        for (function, expected) in [
            (Function::Less, x < y),
            (Function::LessEqual, x <= y),
            (Function::Equal, x == y),
            (Function::NotEqual, x != y),
            (Function::Greater, x > y),
            (Function::GreaterEqual, x >= y),
        ] {
            let shown = show(&text(call(function, &args)));
            prop_assert_eq!(shown, expected.to_string(), "{:?}", function);
        }
    }

    #[test]
    fn integers_are_added_exactly_or_not_at_all(a in any::<i64>(), b in any::<i64>()) {
        for (function, exact) in [
            (Function::Add, i128::from(a) + i128::from(b)),
            (Function::Subtract, i128::from(a) - i128::from(b)),
            (Function::Multiply, i128::from(a) * i128::from(b)),
        ] {
            let outcome = call(function, &[Value::Int(a), Value::Int(b)]);
            match i64::try_from(exact) {
                Ok(exact) => prop_assert_eq!(show(&text(outcome)), exact.to_string()),
                Err(_) => prop_assert_eq!(outcome.err(), Some(FaultKind::Overflow)),
            }
        }
    }

    #[test]
    fn joining_what_was_split_yields_it(whole in "[ab😀,;]{0,20}", by in "[a,😀]{0,2}") {
        let by = Value::str(&by);
        let pieces = text(call(Function::Split, &[Value::str(&whole), by.clone()]));
        let joined = text(call(Function::Join, &[pieces, by]));
        prop_assert_eq!(show(&joined), show(&Value::str(&whole)));
    }

    #[test]
    fn base64_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let encoded = text(call(Function::Base64Encode, &[Value::bytes(bytes.clone())]));
        let decoded = text(call(Function::Base64Decode, &[encoded]));
        prop_assert_eq!(show(&decoded), show(&Value::bytes(bytes)));
    }

    #[test]
    fn times_come_back(seconds in -62_135_596_800..253_402_300_800_i64, nanos in any::<i64>()) {
        let time = text(call(Function::ToTimestamp, &[Value::Int(seconds)]));
        let span = Value::Duration(nanos);
        let moved = call(Function::Add, &[time.clone(), span.clone()]).unwrap_or(time);
        for (value, back) in [(moved, Function::ToTimestamp), (span, Function::ToDuration)] {
            let printed = text(call(Function::ToString, std::slice::from_ref(&value)));
            prop_assert_eq!(show(&text(call(back, &[printed]))), show(&value));
        }
    }

    #[test]
    fn a_sum_minus_a_part_is_the_other(a in any::<i32>(), b in any::<i32>(), unit in "(|m|Ki|k)") {
        let quantity = |number: i32| {
            let text = Value::text(format!("{number}{unit}"));
            super::library::call(Function::Quantity, &[text]).unwrap_or(Value::Null)
        };
        let sum = text(call(Function::QuantityAdd, &[quantity(a), quantity(b)]));
        let back = text(call(Function::QuantitySub, &[sum, quantity(b)]));
        let order = call(Function::CompareTo, &[back, quantity(a)]);
        prop_assert_eq!(show(&text(order)), "0");
    }

    #[test]
    fn places_found_are_places(whole in "[abé😀]{0,12}", part in "[aé😀]{0,2}", from in -1..14_i64) {
        let at = call(Function::IndexOf, &[Value::str(&whole), Value::str(&part), Value::Int(from)]);
        if let Ok(Value::Int(at)) = at {
            let chars: Vec<char> = whole.chars().collect();
            let part: Vec<char> = part.chars().collect();
            let mut places = (from as usize)..=chars.len();
            let first = places.find(|place| chars[*place..].starts_with(&part));
            prop_assert_eq!(at, first.map_or(-1, |place| place as i64));
        } else {
            prop_assert!(from < 0 || from as usize > whole.chars().count());
        }
    }

    #[test]
    fn any_text_is_a_pattern_or_is_not(pattern in r"[\\\[\]\(\)\{\}\?\*\+\^\-&~<>,:=|.aAbdpPQEsxzé0-9]{0,12}") {
        if let Ok(regex) = Regex::new(&pattern) {
            regex.is_match("aAbdé0<>[]&~");
        }
    }

    #[test]
    fn any_text_is_taken(whole in any::<String>()) {
        for function in [
            Function::ToTimestamp, Function::ToDuration, Function::ToDouble, Function::Url,
            Function::Ip, Function::Cidr, Function::Semver, Function::Quantity,
            Function::Base64Decode, Function::Quote,
        ] {
            let _ = call(function, &[Value::str(&whole)]);
        }
        let list = Value::list(vec![Value::Int(1)]);
        let _ = call(Function::Format, &[Value::str(&whole), list]);
    }
}

#[test]
fn patterns_mean_what_they_mean_to_re2() {
    for (pattern, text, expected) in [
        (r"^\d$", "٣", false),
        (r"^\w$", "é", false),
        (r"^\W$", "é", true),
        (r"^\s$", "\u{a0}", false),
        (r"^\s$", "\u{b}", false),
        (r"a\b", "aé", true),
        (r"a\B", "ab", true),
        (r"^[a[b]$", "[", true),
        (r"^[a&&b]$", "&", true),
        (r"^[+--]$", ",", true),
        (r"^[~~]$", "~", true),
        (r"^[]a]$", "]", true),
        (r"^[^]a]$", "]", false),
        (r"^[\d-z]$", "-", true),
        (r"^[^\S]$", " ", true),
        (r"^[[:alpha:]_]$", "_", true),
        (r"^[[:^alpha:]]$", "1", true),
        (r"^\<\>\_$", "<>_", true),
        (r"^\Qa.b*\E+$", "a.b**", true),
        (r"^\Q[", "[x", true),
        (r"^\pL\p{Greek}\P{Greek}\p{^Greek}$", "aαbb", true),
        (r"^\x41\x{1F600}\101\0$", "A😀A\0", true),
        (r"^(?P<n>a)(?<m>b)$", "ab", true),
        (r"^(?i)É$", "é", true),
        (r"^(?i:a)b$", "Ab", true),
        (r"^(?s).$", "\n", true),
        (r"^.$", "\n", false),
        (r"a$", "a\n", false),
        (r"(?m)^b$", "a\nb\nc", true),
        (r"^a{$", "a{", true),
        (r"^a{,2}$", "a{,2}", true),
        (r"^a{2,}?$", "aaa", true),
        (r"^(?:a*)*$", "aaa", true),
        (r"\Aa\z", "a", true),
        (r"^(a|)$", "", true),
        (r"^#& ~-$", "#& ~-", true),
        (r"^[\x{41}-C]$", "B", true),
    ] {
        let regex = Regex::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        assert_eq!(regex.is_match(text), expected, "{pattern} on {text}");
    }
    for pattern in [
        r"(?x)a",
        r"(?u)a",
        r"(?=a)",
        r"(?!a)",
        r"(?<=a)",
        r"(?<!a)",
        r"(?i-)",
        r"\1",
        r"\8",
        r"(a",
        r"a)",
        r"[a",
        r"[",
        r"[]",
        r"\",
        r"*",
        r"a|*",
        r"(*a)",
        r"a**",
        r"a+*",
        r"a{2}{3}",
        r"a{1001}",
        r"(a{100}){100}",
        r"a{3,2}",
        r"[b-a]",
        r"[a--b]",
        r"[a-\d]",
        r"[[:foo:]]",
        r"\p{Nope}",
        r"\p",
        r"\p{L",
        r"\p{alphabetic}",
        r"\p{sc=Greek}",
        r"\pé",
        r"\h",
        r"\u0041",
        r"\x4",
        r"\x{110000}",
        r"\x{d800}",
        r"\C",
        r"\E",
        r"\Z",
        r"\é",
        r"(?P<>a)",
        r"(?P<n>a)(?P<n>b)",
        r"(?P<a",
        r"(?P>a)",
        r"(?",
        r"(?P",
        r"[\b]",
    ] {
        let error = Regex::new(pattern).map(|_| ()).err();
        let error = error.unwrap_or_else(|| panic!("{pattern} is accepted"));
        let message = error.to_string();
        assert!(
            !message.is_empty() && !message.contains('\n'),
            "{pattern}: {message}"
        );
    }
}
