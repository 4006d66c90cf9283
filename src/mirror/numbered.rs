//! Numbers with what they count, as people read them.
//!
//! Promises the singular of one. Deliberately knows regular nouns alone.

use std::fmt::Display;

/// `1 key`, `2 keys`.
pub fn numbered<N: Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    match number == N::from(1) {
        true => format!("1 {noun}"),
        false => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn one_is_singular() {
        assert_eq!(numbered(0_u64, "key"), "0 keys");
        assert_eq!(numbered(1_u64, "key"), "1 key");
        assert_eq!(numbered(12_usize, "transaction"), "12 transactions");
    }
}
