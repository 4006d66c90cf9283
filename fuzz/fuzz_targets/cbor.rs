//! Any bytes as a value stored as CBOR, with and without its first bytes.
#![no_main]

use carry_fuzz::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    read(bytes, &[]);
    read(&[b"\xd9\xd9\xf7", bytes].concat(), &[]);
});
