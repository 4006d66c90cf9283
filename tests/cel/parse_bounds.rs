//! Texts that are long, deep or both, on a small stack.

use carry::lang::parse::{MAX_BYTES, MAX_DEPTH, parse};

const STACK: usize = 512 * 1024;

fn on_a_small_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(work);
    thread.expect("thread").join().expect("no panic")
}

/// `open` as often as wanted, `middle`, `close` as often.
fn nested(open: &str, middle: &str, close: &str, times: usize) -> String {
    [&open.repeat(times), middle, &close.repeat(times)].concat()
}

const WAYS: &[(&str, &str, &str)] = &[
    ("(", "a", ")"),
    ("[", "a", "]"),
    ("[?", "a", "]"),
    ("f(", "a", ")"),
    ("a.f(", "a", ")"),
    ("a[", "a", "]"),
    ("{1:", "a", "}"),
    ("{", "a", ":1}"),
    ("M{f:", "a", "}"),
    ("(!", "a", ")"),
    ("!", "a", ""),
    ("-", "a", ""),
    ("!a.?b[", "a", "]"),
    ("(a?b:", "a", ")"),
    ("(a?", "a", ":b)"),
    ("(", "a", "?b:c)"),
    ("(a||a&&a==a+a*-", "a", ")"),
    ("(!!!!a.f(a, ", "a", "))"),
    ("!!!!a.f(", "a", ")"),
    ("!!!!{1:", "a", "}"),
    ("----M{f:", "a", "}"),
    ("a||b&&c==-f(", "a", ")"),
    ("(", "a", ").b"),
    ("(", "a", ")[0]"),
    ("(", "a", ").f()"),
    ("", "a", ".b"),
    ("", "a", ".?b"),
    ("", "a", "[0]"),
    ("", "a", ".f()"),
    ("", "a", "+1"),
    ("", "a", "||b"),
    ("1+", "a", ""),
    ("a?b:", "c", ""),
    ("", "a", "?b:c"),
];

/// The most repetitions that are accepted, up to `MAX_DEPTH`.
fn deepest(way: (&str, &str, &str)) -> usize {
    let accepted = |times| parse(&nested(way.0, way.1, way.2, times)).is_ok();
    let (mut low, mut high) = (0, MAX_DEPTH + 1);
    while high - low > 1 {
        let middle = (low + high) / 2;
        if accepted(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

#[test]
fn the_deepest_texts_fit_the_stack() {
    for &way in WAYS {
        let times = on_a_small_stack(move || {
            let times = deepest(way);
            let text = nested(way.0, way.1, way.2, times);
            let expr = parse(&text).expect("accepted");
            let again = parse(&expr.to_string()).expect("printed");
            assert!(again == expr.clone(), "{way:?}");
            assert!(!format!("{again:?}").is_empty());
            times
        });
        assert!(times >= 12, "{way:?}: {times}");
    }
}

#[test]
fn depth_is_refused_with_a_reason() {
    for &(open, middle, close) in WAYS {
        for times in [MAX_DEPTH + 1, 2 * MAX_DEPTH, MAX_BYTES] {
            let most = MAX_BYTES / (open.len() + close.len()) - 1;
            let text = nested(open, middle, close, times.min(most));
            let error = on_a_small_stack(move || parse(&text).err());
            let message = error.map(|error| error.message);
            assert_eq!(
                message.as_deref(),
                Some("the expression is nested too deeply"),
                "{open}{middle}{close} × {times}"
            );
        }
    }
}

/// What CEL asks of every implementation.
#[test]
fn what_the_specification_asks_for_is_accepted() {
    let plain = |way: &&(&str, &str, &str)| !way.0.contains("!!") && !way.0.contains("--");
    for &(open, middle, close) in WAYS.iter().filter(plain) {
        let text = nested(open, middle, close, 32);
        assert!(parse(&text).is_ok(), "{text}");
    }
}

#[test]
fn unfinished_texts_take_no_longer() {
    for &(open, ..) in WAYS {
        let text = open.repeat(MAX_DEPTH / 8);
        assert!(open.is_empty() || parse(&text).is_err(), "{text}");
    }
    let wide = format!("[{}", "a.b(1), ".repeat(12_000));
    assert!(parse(&wide).is_err());
}

#[test]
fn wide_texts_are_accepted() {
    let list = format!("[{}]", "1,".repeat(40_000));
    let call = format!("f({}1)", "a.b || c, ".repeat(9_000));
    for text in [list, call] {
        assert!(parse(&text).is_ok());
    }
}

#[test]
fn length_is_bounded() {
    let text = " ".repeat(MAX_BYTES) + "a";
    let error = parse(&text).expect_err("too long");
    assert_eq!(error.message, "the expression is too long: 100001 bytes");
    assert!(parse(&text[1..]).is_ok());
}
