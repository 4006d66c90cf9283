//! Any bytes as a stored value, after a line with a path where they begin with
//! one: parsing, labels, reading fields one by one and all at once, and what
//! JSON shows of it, which must agree.
#![no_main]

use carry_fuzz::{path_and_value, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (path, value) = path_and_value(bytes);
    read(value, path.as_slice());
});
