//! Many bytes looked at at once: where a string ends, and where an object or
//! array does.
//!
//! Promises to look at each byte once, never to panic, and to find quotes and
//! brackets as JSON means them: none within a string, none behind a backslash.
//! Deliberately checks nothing else: what is skipped is not read.

use wide::u8x16;

use super::malformed::Malformed;

const LANE: usize = 16;
const BLOCK: usize = 4 * LANE;

/// What a string holds besides plain text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Oddities {
    /// A backslash.
    pub escape: bool,
    /// A byte that is not ASCII, or a control character, which JSON forbids.
    pub other: bool,
}

/// The offset of the quote that ends the string whose text begins at `start`.
#[inline]
pub(super) fn string_end(text: &[u8], start: usize) -> Result<(usize, Oddities), Malformed> {
    let mut odd = Oddities::default();
    let mut rest = text.get(start..).unwrap_or_default();
    while let Some((lane, behind)) = rest.split_first_chunk::<LANE>() {
        let lane = u8x16::new(*lane);
        let quotes = lane.cmp_eq(u8x16::splat(b'"'));
        let stops = quotes | lane.cmp_eq(u8x16::splat(b'\\'));
        let stops = stops.move_mask() as u32;
        let controls = lane.min(u8x16::splat(0x1f)).cmp_eq(lane);
        // The mask is of the highest bits: those of bytes that are not ASCII too.
        let others = (controls | lane).move_mask() as u32;
        if stops == 0 {
            odd.other |= others != 0;
            rest = behind;
            continue;
        }
        let stop = stops & stops.wrapping_neg();
        odd.other |= others & (stop - 1) != 0;
        let place = stop.trailing_zeros() as usize;
        if quotes.move_mask() as u32 & stop != 0 {
            return Ok((text.len() - rest.len() + place, odd));
        }
        odd.escape = true;
        rest = rest.get(place + 2..).unwrap_or_default();
    }
    near_the_end(text, text.len() - rest.len(), odd)
}

#[cold]
fn near_the_end(
    text: &[u8],
    mut at: usize,
    mut odd: Oddities,
) -> Result<(usize, Oddities), Malformed> {
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return Ok((at, odd)),
            b'\\' => {
                odd.escape = true;
                at += 1;
            }
            _ => odd.other |= !matches!(byte, 0x20..0x80),
        }
        at += 1;
    }
    Err(Malformed {
        at: text.len(),
        what: "a string without end",
    })
}

/// The offset behind the bracket that closes the object or array which opens
/// at `start`.
pub(super) fn container_end(text: &[u8], start: usize) -> Result<usize, Malformed> {
    let mut state = Nesting {
        depth: 1,
        square: i64::from(text.get(start) == Some(&b'[')),
        in_string: 0,
        escaped: false,
    };
    let mut at = start + 1;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let end = match rest.first_chunk::<BLOCK>() {
            Some(block) => state.block(&Block::new(block)),
            None => state.block(&Block::padded(rest)),
        };
        match end {
            Some(end) if state.square == 0 => return Ok(at + end),
            Some(end) => {
                return Err(Malformed {
                    at: at + end - 1,
                    what: "brackets that do not match",
                });
            }
            None if rest.len() <= BLOCK => break,
            None => at += BLOCK,
        }
    }
    Err(Malformed {
        at: text.len(),
        what: "the text ends too early",
    })
}

struct Block([u8x16; 4]);

impl Block {
    #[inline]
    fn new(bytes: &[u8; BLOCK]) -> Block {
        let lane = |place: usize| {
            let lane = bytes.get(place * LANE..).and_then(<[u8]>::first_chunk);
            lane.map_or(u8x16::splat(b' '), |lane| u8x16::new(*lane))
        };
        Block([lane(0), lane(1), lane(2), lane(3)])
    }

    /// Spaces stand where `rest` has ended.
    fn padded(rest: &[u8]) -> Block {
        let mut bytes = [b' '; BLOCK];
        for (place, byte) in bytes.iter_mut().zip(rest) {
            *place = *byte;
        }
        Block::new(&bytes)
    }

    /// A bit for each byte: whether it is `byte`.
    #[inline]
    fn places(&self, byte: u8) -> u64 {
        let wanted = u8x16::splat(byte);
        let mut places = 0;
        for (lane, shift) in self.0.iter().zip([0, 16, 32, 48]) {
            places |= u64::from(lane.cmp_eq(wanted).move_mask() as u16) << shift;
        }
        places
    }
}

/// How deep we are between two blocks.
struct Nesting {
    /// How many brackets are open: one at least.
    depth: u32,
    /// How many of the open brackets are square; negative if more were closed.
    square: i64,
    /// All ones within a string.
    in_string: u64,
    /// Whether the next byte stands behind a backslash.
    escaped: bool,
}

impl Nesting {
    /// Takes a block; where the outermost bracket is closed in it, the offset
    /// behind that.
    #[inline(always)]
    fn block(&mut self, block: &Block) -> Option<usize> {
        let outside = !self.strings(block);
        let (open_square, close_square) = (block.places(b'['), block.places(b']'));
        let opens = (block.places(b'{') | open_square) & outside;
        let closes = (block.places(b'}') | close_square) & outside;
        let end = self.brackets(opens, closes);
        let within = end.map_or(u64::MAX, |end| u64::MAX >> (63 - end));
        let square = (open_square | close_square) & outside & within;
        if square != 0 {
            self.square += i64::from((open_square & square).count_ones());
            self.square -= i64::from((close_square & square).count_ones());
        }
        end.map(|end| end as usize + 1)
    }

    /// A bit for each byte within a string, its opening quote included.
    #[inline]
    fn strings(&mut self, block: &Block) -> u64 {
        let escaped = self.behind_backslashes(block.places(b'\\'));
        let mut quoted = block.places(b'"') & !escaped;
        for shift in [1, 2, 4, 8, 16, 32] {
            quoted ^= quoted << shift;
        }
        quoted ^= self.in_string;
        self.in_string = if quoted >> 63 == 1 { u64::MAX } else { 0 };
        quoted
    }

    #[inline]
    fn behind_backslashes(&mut self, mut backslashes: u64) -> u64 {
        let mut escaped = u64::from(self.escaped);
        self.escaped = false;
        backslashes &= !escaped;
        while backslashes != 0 {
            let first = backslashes & backslashes.wrapping_neg();
            escaped |= first << 1;
            self.escaped = first >> 63 == 1;
            backslashes &= !(first | first << 1);
        }
        escaped
    }

    /// The place of the bracket that closes the outermost.
    #[inline]
    fn brackets(&mut self, mut opens: u64, mut closes: u64) -> Option<u32> {
        if closes == 0 {
            self.depth += opens.count_ones();
            return None;
        }
        let mut left = closes.count_ones();
        // It takes as many as are open to close them all, and then those are
        // open that were opened before the last of these.
        while left >= self.depth {
            for _ in 1..self.depth {
                closes &= closes - 1;
            }
            left -= self.depth;
            let last = closes & closes.wrapping_neg();
            let before = opens & (last - 1);
            if before == 0 {
                return Some(last.trailing_zeros());
            }
            self.depth = before.count_ones();
            opens ^= before;
            closes ^= last;
        }
        self.depth = self.depth + opens.count_ones() - left;
        None
    }
}
