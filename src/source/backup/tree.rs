//! The trees of a bbolt file, from their roots to every key in order.
//!
//! Promises an end and bounded work for any bytes: each page is read once, by
//! one tree. Deliberately holds one page at a time.

use super::error::BackupError;
use super::medium::Medium;
use super::meta::{HEADER, Meta, array};
use super::page::{Element, Kind, Page};

/// A tree of pages that are at least two to a branch is far lower.
const DEEPEST: usize = 64;

/// A tree of keys.
pub enum Bucket {
    /// Its first page.
    At(u64),
    /// It is small, and stands where its number would.
    Inline {
        /// The page that it stands in.
        page: u64,
        /// Its bytes, as those of a page.
        bytes: Vec<u8>,
        /// Where they begin in the file.
        at: u64,
    },
}

impl Bucket {
    /// Reads what stands under a bucket's name.
    pub fn of(element: &Element<'_>) -> Result<Bucket, BackupError> {
        match element.value.split_at_checked(16) {
            None => Err(BackupError::Damaged {
                page: element.page,
                what: "a bucket is too short",
            }),
            Some((head, bytes)) => Ok(match u64::from_le_bytes(array(head, 0)) {
                0 => Bucket::Inline {
                    page: element.page,
                    bytes: bytes.to_vec(),
                    at: element.value_at + 16,
                },
                root => Bucket::At(root),
            }),
        }
    }
}

/// The trees of one file.
pub struct Trees<'m, M> {
    medium: &'m M,
    meta: Meta,
    /// A bit for each page that was read.
    seen: Vec<u64>,
}

/// What is done with a key and its value.
pub type Visit<'v> = &'v mut dyn FnMut(Element<'_>) -> Result<(), BackupError>;

impl<'m, M: Medium> Trees<'m, M> {
    /// The trees of a file that says this of itself.
    pub fn new(medium: &'m M, meta: Meta) -> Trees<'m, M> {
        let words = usize::try_from(meta.pages / 64 + 1).unwrap_or(0);
        Trees {
            medium,
            meta,
            seen: vec![0; words],
        }
    }

    /// Every bucket's name with its bucket.
    pub fn buckets(&mut self, visit: Visit<'_>) -> Result<(), BackupError> {
        self.walk(&Bucket::At(self.meta.root), visit)
    }

    /// Every key of a bucket in order.
    pub fn walk(&mut self, bucket: &Bucket, visit: Visit<'_>) -> Result<(), BackupError> {
        let mut ordered = Ordered::default();
        match bucket {
            Bucket::Inline { page, bytes, at } => {
                let page = Page {
                    id: *page,
                    bytes,
                    at: *at,
                };
                match page.kind()? {
                    Kind::Leaf => ordered.visit(page, visit),
                    Kind::Branch => Err(page.damaged("a bucket within it leads to other pages")),
                }
            }
            Bucket::At(root) => self.walk_pages(*root, &mut ordered, visit),
        }
    }

    fn walk_pages(
        &mut self,
        root: u64,
        ordered: &mut Ordered,
        visit: Visit<'_>,
    ) -> Result<(), BackupError> {
        let mut open = vec![vec![root].into_iter()];
        let mut buffer = Vec::new();
        while let Some(children) = open.last_mut() {
            let Some(id) = children.next() else {
                open.pop();
                continue;
            };
            let page = self.load(id, &mut buffer)?;
            match page.kind()? {
                Kind::Leaf => ordered.visit(page, visit)?,
                Kind::Branch if open.len() == DEEPEST => {
                    return Err(page.damaged("it lies too deep in its tree"));
                }
                Kind::Branch => open.push(page.children()?.into_iter()),
            }
        }
        Ok(())
    }

    /// Reads a page with those that continue it.
    fn load<'b>(&mut self, id: u64, buffer: &'b mut Vec<u8>) -> Result<Page<'b>, BackupError> {
        let damaged = |what| BackupError::Damaged { page: id, what };
        let size = self.meta.page_size;
        if id < 2 || id >= self.meta.pages {
            return Err(damaged("a tree leads to it, and there is no such page"));
        }
        let at = id * size;
        let mut header = [0; HEADER];
        self.medium.read(at, &mut header)?;
        if u64::from_le_bytes(array(&header, 0)) != id {
            return Err(damaged("it says that it is another page"));
        }
        let more = u64::from(u32::from_le_bytes(array(&header, 12)));
        let last = id + more;
        if last >= self.meta.pages {
            return Err(damaged("it goes on beyond the end of the file"));
        }
        if !(id..=last).all(|page| self.first_time(page)) {
            return Err(damaged("two places lead to it"));
        }
        let length = usize::try_from((more + 1) * size).map_err(|_| damaged("it is too long"))?;
        buffer.resize(length, 0);
        self.medium.read(at, buffer)?;
        Ok(Page {
            id,
            bytes: buffer,
            at,
        })
    }

    fn first_time(&mut self, page: u64) -> bool {
        let word = usize::try_from(page / 64).ok();
        let Some(word) = word.and_then(|word| self.seen.get_mut(word)) else {
            return false;
        };
        let bit = 1 << (page % 64);
        let first = *word & bit == 0;
        *word |= bit;
        first
    }
}

/// The last key of a tree, since each must be larger than the one before.
#[derive(Default)]
struct Ordered {
    last: Option<Vec<u8>>,
}

impl Ordered {
    fn visit(&mut self, page: Page<'_>, visit: Visit<'_>) -> Result<(), BackupError> {
        for element in page.elements() {
            let element = element?;
            match &mut self.last {
                Some(last) if last.as_slice() >= element.key => {
                    return Err(page.damaged("its keys are not in order"));
                }
                Some(last) => {
                    last.clear();
                    last.extend_from_slice(element.key);
                }
                None => self.last = Some(element.key.to_vec()),
            }
            visit(element)?;
        }
        Ok(())
    }
}
