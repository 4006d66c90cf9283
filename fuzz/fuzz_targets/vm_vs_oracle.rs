//! Any bytes as the decisions that make an expression, or a rule's conditions:
//! oracle and VM, folded and not, agree on it, faults included.
#![no_main]

use carry_fuzz::expressions::choices::{Bytes, Choices as _};
use carry_fuzz::expressions::coverage::Coverage;
use carry_fuzz::expressions::generator::Generator;
use carry_fuzz::expressions::{agree, predicates};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Bytes(bytes);
    let mut coverage = Coverage::default();
    match choices.below(4) {
        3 => {
            predicates::check(&mut choices, &mut coverage);
        }
        turn => {
            let text = Generator::new(&mut choices).any();
            agree::expression(&text, turn, &mut coverage);
        }
    }
});
