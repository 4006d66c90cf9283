//! Where decisions come from: a seed, or the bytes of a fuzzer.
//!
//! Promises that bytes which have run out always decide for the first choice.

/// A series of decisions.
pub trait Choices {
    /// A number below `bound`, which is not zero.
    fn below(&mut self, bound: usize) -> usize;
}

/// Decisions from a seed.
pub struct Random(pub u64);

impl Choices for Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

#[allow(dead_code)]
/// Decisions from bytes: one each, two where there are many choices.
pub struct Bytes<'b>(pub &'b [u8]);

impl Choices for Bytes<'_> {
    fn below(&mut self, bound: usize) -> usize {
        let byte = |bytes: &mut &[u8]| {
            let (first, rest) = bytes.split_first().unwrap_or((&0, &[]));
            *bytes = rest;
            usize::from(*first)
        };
        let first = byte(&mut self.0);
        let number = if bound > 256 {
            first << 8 | byte(&mut self.0)
        } else {
            first
        };
        number % bound
    }
}
