//! The two pages at the beginning of a bbolt file, of which one is valid at any
//! time.
//!
//! Promises that what it hands out fits the file: so many pages of that size
//! are there. Deliberately takes the newer of two good ones, as bbolt does.

use super::error::BackupError;
use super::medium::Medium;

const MAGIC: u32 = 0xED0C_DAED;
const VERSION: u32 = 2;

/// What stands before everything in a page.
pub const HEADER: usize = 16;

/// Length of what is read of such a page, after its header.
const LENGTH: usize = 64;
/// So much of it has the checksum at its end.
const SUMMED: usize = 56;

const SMALLEST: u64 = 512;
const LARGEST: u64 = 1 << 20;

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Bytes of a page.
    pub page_size: u64,
    /// The page where the list of buckets begins.
    pub root: u64,
    /// How many pages there are.
    pub pages: u64,
    transaction: u64,
}

impl Meta {
    /// Finds the one that is valid; the file has `length` bytes, but for what
    /// follows a database.
    pub fn find(medium: &impl Medium, length: u64) -> Result<Meta, BackupError> {
        let first = look(medium, length, 0)?;
        let second = match &first {
            Look::Good(meta) => look(medium, length, meta.page_size)?,
            // Its size of a page is not to be trusted.
            _ => sizes()
                .map(|size| look(medium, length, size))
                .find(|found| !matches!(found, Ok(Look::Other)))
                .unwrap_or(Ok(Look::Other))?,
        };
        let meta = match (first, second) {
            (Look::Good(a), Look::Good(b)) if b.transaction > a.transaction => b,
            (Look::Good(meta), _) | (_, Look::Good(meta)) => meta,
            (Look::Other, Look::Other) => {
                return Err(BackupError::Foreign("it does not begin as bbolt files do"));
            }
            _ => return Err(damaged("neither it nor page 1 has its own checksum")),
        };
        meta.check(length)
    }

    fn check(self, length: u64) -> Result<Meta, BackupError> {
        let wanted = self.pages.checked_mul(self.page_size);
        let wanted = wanted.ok_or(damaged("it speaks of too many pages"))?;
        match wanted <= length {
            true => Ok(self),
            false => Err(BackupError::CutOff {
                found: length,
                wanted,
            }),
        }
    }
}

fn damaged(what: &'static str) -> BackupError {
    BackupError::Damaged { page: 0, what }
}

fn sizes() -> impl Iterator<Item = u64> {
    (0..)
        .map(|shift| SMALLEST << shift)
        .take_while(|size| *size <= LARGEST)
}

/// What stands where a meta page may be.
enum Look {
    Good(Meta),
    /// One that is broken.
    Bad,
    /// Something else, or nothing.
    Other,
}

fn look(medium: &impl Medium, length: u64, at: u64) -> Result<Look, BackupError> {
    let mut bytes = [0; LENGTH];
    let start = at.saturating_add(HEADER as u64);
    if start.saturating_add(LENGTH as u64) > length {
        return Ok(Look::Other);
    }
    medium.read(start, &mut bytes)?;
    let small = |from: usize| u32::from_le_bytes(array(&bytes, from));
    let large = |from: usize| u64::from_le_bytes(array(&bytes, from));
    if small(0) != MAGIC {
        return Ok(Look::Other);
    }
    let page_size = u64::from(small(8));
    let sized = (SMALLEST..=LARGEST).contains(&page_size) && page_size.is_power_of_two();
    let here = at == 0 || at == page_size;
    let summed = fnv1a(bytes.get(..SUMMED).unwrap_or_default()) == large(SUMMED);
    Ok(match small(4) == VERSION && sized && here && summed {
        false => Look::Bad,
        true => Look::Good(Meta {
            page_size,
            root: large(16),
            pages: large(40),
            transaction: large(48),
        }),
    })
}

/// The `N` bytes at `from`; zeros where there are not as many.
pub fn array<const N: usize>(bytes: &[u8], from: usize) -> [u8; N] {
    let found = bytes.get(from..).and_then(|rest| rest.first_chunk());
    found.copied().unwrap_or([0; N])
}

/// FNV-1a, 64 bits, as bbolt has it.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
