//! Any text as an expression: parsing says yes or no, and what it accepts is
//! printed so that it parses to the same tree.
#![no_main]

use carry::diagnostic::{SourceText, Style, render};
use carry::lang::parse::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match parse(text) {
        Ok(expr) => {
            let printed = expr.to_string();
            // What is printed may need more escapes than the text had room for.
            if printed.len() <= carry::lang::parse::MAX_BYTES {
                let again = parse(&printed).expect("what is printed parses");
                assert!(again == expr, "{text} is printed as {printed}");
            }
        }
        Err(error) => {
            let source = SourceText::new("expression", text);
            assert!(!render(&source, &[error], Style::default()).is_empty());
        }
    }
});
