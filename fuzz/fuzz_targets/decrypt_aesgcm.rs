//! Any bytes as a value of the provider `aesgcm`.
#![no_main]

#[path = "../decryptor.rs"]
mod decryptor;
#[path = "../../tests/toy_kms.rs"]
mod toy_kms;

use std::sync::LazyLock;

use decryptor::Decryptor;
use libfuzzer_sys::fuzz_target;

static DECRYPTOR: LazyLock<Decryptor> =
    LazyLock::new(|| Decryptor::of_key("aesgcm", "k8s:enc:aesgcm:v1:a:", true));

fuzz_target!(|bytes: &[u8]| DECRYPTOR.run(bytes));
