//! Any bytes as a value stored as JSON, and as a field of one: what is read is
//! what serde_json reads.
#![no_main]

use carry_fuzz::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    read(bytes, &[]);
    for kind in [
        r#"{"apiVersion":"test.io/v1","kind":"Cell","#,
        r#"{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","#,
    ] {
        read(&[kind.as_bytes(), b"\"spec\":", bytes, b"}"].concat(), &[]);
        read(
            &[kind.as_bytes(), b"\"metadata\":", bytes, b"}"].concat(),
            &[],
        );
    }
});
