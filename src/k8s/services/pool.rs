//! Numbers to be given out, in two bands: the lower one is left to those who
//! ask for a number by name.
//!
//! Promises the numbers and the order of a kube-apiserver: from a random start
//! through the upper band, then through the lower one. Deliberately does not
//! know what the numbers are.

/// How many numbers are looked at in one band. As many as the largest bitmap
/// of a kube-apiserver has: of more, never that many are taken.
const MOST_LOOKS: usize = 1 << 20;

/// The numbers from `first` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pool {
    pub first: u128,
    pub size: u128,
    /// The size of the lower band.
    pub reserved: u128,
}

impl Pool {
    /// Where `number` stands, if it is one of these.
    pub fn offset(&self, number: u128) -> Option<u128> {
        let offset = number.checked_sub(self.first)?;
        (offset < self.size).then_some(offset)
    }

    /// The first free number behind a random one.
    pub fn choose(
        &self,
        draw: &mut dyn FnMut() -> u64,
        is_free: &dyn Fn(u128) -> bool,
    ) -> Option<u128> {
        let reserved = self.reserved.min(self.size);
        [(reserved, self.size), (0, reserved)]
            .into_iter()
            .find_map(|(from, to)| {
                let start = from + u128::from(draw()).checked_rem(to - from)?;
                let numbers = (start..to)
                    .chain(from..start)
                    .map(|offset| self.first + offset);
                let mut looked_at = numbers.take(MOST_LOOKS);
                looked_at.find(|number| is_free(*number))
            })
    }
}

/// The size of the lower band of a range: one part in `parts` of it, but at
/// least 16, at most `most`, and none of a range that is no larger than that.
pub(super) fn reserved(size: u128, parts: u128, most: u128) -> u128 {
    const LEAST: u128 = 16;
    match size <= LEAST {
        true => 0,
        false => (size / parts).clamp(LEAST, most),
    }
}
