//! Base64 as Go's decoder of JSON reads it. Deliberately says nothing of where
//! a text goes wrong.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, PAD};

/// Go does not look at the bits that the last digit has to spare.
const GO: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, PAD.with_decode_allow_trailing_bits(true));

/// The bytes that the text stands for. Line ends are passed over.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    if !text.contains(['\r', '\n']) {
        return GO.decode(text).ok();
    }
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    GO.decode(text).ok()
}
