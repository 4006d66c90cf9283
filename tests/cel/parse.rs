//! Expressions and their trees, there and back.

use carry::lang::ast::Expr;
use carry::lang::parse::parse;
use proptest::prelude::*;

use super::trees::{shape, tree};
use crate::shared::folder;

fn parsed(text: &str) -> Expr {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

/// Prints `expr`, parses that, and compares.
fn there_and_back(expr: &Expr) {
    let text = expr.to_string();
    let again = parsed(&text);
    assert_eq!(&again, expr, "{text}");
    assert_eq!(again.to_string(), text);
}

#[test]
fn shapes() {
    let cases = [
        // Ranks.
        ("a || b && c || d", "(|| (|| a (&& b c)) d)"),
        ("a == b && c in d", "(&& (== a b) (in c d))"),
        ("a + b * c - d", "(- (+ a (* b c)) d)"),
        ("a < b < c", "(< (< a b) c)"),
        ("a % b / c", "(/ (% a b) c)"),
        ("(a + b) * c", "(* (+ a b) c)"),
        ("!a.b && -c[0] < 1", "(&& (! (. a b)) (< (neg ([] c 0)) 1))"),
        ("!!a", "(! (! a))"),
        ("a ? b : c ? d : e", "(if a b (if c d e))"),
        (
            "a || b ? c || d : e || f",
            "(if (|| a b) (|| c d) (|| e f))",
        ),
        ("a ? (b ? c : d) : e", "(if a (if b c d) e)"),
        // Members.
        ("a.b.c", "(. (. a b) c)"),
        (".a.b", "(. .a b)"),
        (" a . b\n( c ) ", "(call b on a c)"),
        ("f()", "(call f)"),
        (".f(x, y)", "(call .f x y)"),
        ("a.f(x).g()", "(call g on (call f on a x))"),
        ("a.?b", "(.? a b)"),
        ("a[?1]", "([?] a 1)"),
        ("a.`b-c/d.e`.f", "(. (. a `b-c/d.e`) f)"),
        ("{'as': 1}.as", "(. (map \"as\"=1) as)"),
        ("a.for(x)", "(call for on a x)"),
        ("1.abs()", "(call abs on 1)"),
        ("1.e3", "(. 1 e3)"),
        // Aggregates.
        ("[]", "(list)"),
        ("[1, ?a, ]", "(list 1 ?a)"),
        ("[,]", "(list)"),
        ("{}", "(map)"),
        ("{?'a': b ? c : d, 1: 2,}", "(map ?\"a\"=(if b c d) 1=2)"),
        ("M{}", "(new M)"),
        (
            ".a.b.M{f: 1, ?`g-h`: 2, as: 3}",
            "(new .a.b.M f=1 ?`g-h`=2 as=3)",
        ),
        ("a ? {1: 2} : b", "(if a (map 1=2) b)"),
        ("x in [a]", "(in x (list a))"),
        ("a ? .b : .5", "(if a .b 0.5)"),
        // Comments and spaces.
        ("// begin\na //\n+ // b\r\n\tc // end", "(+ a c)"),
        ("a\x0c", "a"),
        ("'//'", "\"//\""),
        ("a in'b'", "(in a \"b\")"),
        ("[r'a',b\"\",b]", "(list \"a\" b[] b)"),
    ];
    for (text, expected) in cases {
        let expr = parsed(text);
        assert_eq!(shape(&expr), expected, "{text}");
        there_and_back(&expr);
    }
}

#[test]
fn literals() {
    let cases = [
        ("true", "true"),
        ("null", "null"),
        ("0", "0"),
        ("007", "7"),
        ("0x1F", "31"),
        ("-0x1f", "-31"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("- 5", "-5"),
        ("-0x8000000000000000", "-9223372036854775808"),
        ("42u", "42u"),
        ("0xffU", "255u"),
        ("18446744073709551615u", "18446744073709551615u"),
        ("-42u", "(neg 42u)"),
        ("-(42u)", "(neg 42u)"),
        ("-(5)", "(neg 5)"),
        ("--5", "(neg -5)"),
        ("!-5", "(! -5)"),
        ("-5.abs()", "(call abs on -5)"),
        ("(-5).abs()", "(call abs on -5)"),
        ("-(5.abs())", "(neg (call abs on 5))"),
        ("a-1", "(- a 1)"),
        ("a--1", "(- a -1)"),
        ("1.5", "1.5"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        ("1e3", "1000.0"),
        ("1.5E-3", "0.0015"),
        ("2e+2", "200.0"),
        ("-0.0", "-0.0"),
        ("1e-999", "0.0"),
        ("1.7976931348623157e308", "1.7976931348623157e308"),
        ("''", "\"\""),
        ("'a\"b'", "\"a\\\"b\""),
        (r#""a'\"b""#, "\"a'\\\"b\""),
        ("'''a'b''c\nd'''", "\"a'b''c\\nd\""),
        (r#""""a\"""b""""#, "\"a\\\"\\\"\\\"b\""),
        ("\"\"\"\"a\"\"\"", "\"\\\"a\""),
        (r"r'\d\'", r#""\\d\\""#),
        ("R\"\"\"\\\n\"\"\"", "\"\\\\\\n\""),
        (r"'\a\b\f\n\r\t\v'", r#""\u{7}\u{8}\u{c}\n\r\t\u{b}""#),
        (r#"'\\\?\"\'\`'"#, "\"\\\\?\\\"'`\""),
        (r"'\x41\X42\u0043\U00000044\105\377'", "\"ABCDEÿ\""),
        (r"'\U0010ffff'", r#""\u{10ffff}""#),
        (r"b'\x41\377\n\`é'", "b[65, 255, 10, 96, 195, 169]"),
        (r"br'\x41'", "b[92, 120, 52, 49]"),
        ("BR\"\"\"\n\"\"\"", "b[10]"),
        ("b''", "b[]"),
    ];
    for (text, expected) in cases {
        let expr = parsed(text);
        assert_eq!(shape(&expr), expected, "{text}");
        there_and_back(&expr);
    }
}

#[test]
fn printed_with_few_parentheses() {
    let cases = [
        ("((a))", "a"),
        ("(a&&b)||(c&&(d||e))", "a && b || c && (d || e)"),
        ("a-(b-c)-d", "a - (b - c) - d"),
        ("a- -5", "a - -5"),
        ("(a?b:c)?d:(e?f:g)", "(a ? b : c) ? d : e ? f : g"),
        ("(a ? b : c).d", "(a ? b : c).d"),
        ("(-5).f()", "(-5).f()"),
        ("-5.f()", "(-5).f()"),
        ("-(5)", "-(5)"),
        ("-(5.f)", "-(5.f)"),
        ("-(5u)", "-5u"),
        ("--x", "--x"),
        ("!(-x)", "!(-x)"),
        ("!(a==b)", "!(a == b)"),
        ("(-x).f", "(-x).f"),
        ("(a.b).c", "a.b.c"),
        ("{'k':[1,?b],?c:d}", "{\"k\": [1, ?b], ?c: d}"),
        ("M{a:1}", "M{a: 1}"),
        ("a.`b`", "a.`b`"),
        ("1e3", "1000.0"),
        ("'\\x00\\u200b\\\\\"\\n'", "\"\\u0000\\u200b\\\\\\\"\\n\""),
        ("b'a\\xff\"'", "b\"a\\xff\\\"\""),
    ];
    for (text, expected) in cases {
        assert_eq!(parsed(text).to_string(), expected, "{text}");
    }
}

#[test]
fn places_are_exact() {
    let text = " (a + b) .`c-d` [ 1 ] ";
    let expr = parsed(text);
    let at = |span: carry::diagnostic::Span| &text[span.start as usize..span.end as usize];
    assert_eq!(at(expr.span), "(a + b) .`c-d` [ 1 ]");
    let text = "- 5 ";
    assert_eq!(parsed(text).span.end, 3);
    let text = "! x . f ( y ) ? 1 : {2 : 3 } ";
    assert_eq!(parsed(text).span.end as usize, text.len() - 1);
}

#[test]
fn the_conformance_suite_parses() {
    let Some(folder) = folder("cel") else {
        return;
    };
    let lines = std::fs::read_to_string(folder.join("conformance/cel.jsonl")).expect("cel.jsonl");
    let mut count = 0;
    for line in lines.lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("case");
        there_and_back(&parsed(case["expr"].as_str().expect("expr")));
        count += 1;
    }
    println!("cel: parsed {count}/{count}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 600 } else { 5000 }))]

    #[test]
    fn what_is_printed_parses_to_the_same(expr in tree()) {
        there_and_back(&expr);
    }

    #[test]
    fn no_text_panics(text in "[a-c0-9.?:(){}\\[\\]\"'`\\\\!&|=<>+*/,rbu \n-]{0,24}") {
        if let Ok(expr) = parse(&text) {
            there_and_back(&expr);
        }
    }
}
