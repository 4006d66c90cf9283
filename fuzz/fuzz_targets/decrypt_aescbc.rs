//! Any bytes as a value of the provider `aescbc`.
#![no_main]

#[path = "../decryptor.rs"]
mod decryptor;
#[path = "../../tests/toy_kms.rs"]
mod toy_kms;

use std::sync::LazyLock;

use decryptor::Decryptor;
use libfuzzer_sys::fuzz_target;

static DECRYPTOR: LazyLock<Decryptor> =
    LazyLock::new(|| Decryptor::of_key("aescbc", "k8s:enc:aescbc:v1:a:", false));

fuzz_target!(|bytes: &[u8]| DECRYPTOR.run(bytes));
