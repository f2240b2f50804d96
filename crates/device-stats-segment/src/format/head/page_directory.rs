//! Where the pages of a segment lie: in which block, from where to where, and what their checksums are.

use super::Place;
use super::head_fields::PageEntry;

/// The directory of a segment.
#[derive(Debug)]
pub(crate) struct Directory {
    places: Box<[Entry]>,
    pub(crate) block_bytes: Box<[u32]>,
}

#[derive(Debug)]
struct Entry {
    block: u32,
    /// Where the page begins in its block, in bytes.
    offset: u32,
    length: u32,
    checksum: u32,
}

impl Directory {
    /// Lays pages into blocks: one after another, a new block where the last has at least `block_full` bytes. `None`
    /// where a block would have 2^32 bytes or more.
    pub(crate) fn new(pages: &[PageEntry], block_full: u32) -> Option<Self> {
        let mut places = Vec::with_capacity(pages.len());
        let mut block_bytes: Vec<u32> = Vec::new();
        for PageEntry { length, checksum } in pages.iter().copied() {
            let offset = block_bytes.pop_if(|bytes| *bytes < block_full).unwrap_or(0);
            let block = u32::try_from(block_bytes.len()).ok()?;
            places.push(Entry { block, offset, length, checksum });
            block_bytes.push(offset.checked_add(length)?);
        }
        Some(Self { places: places.into(), block_bytes: block_bytes.into() })
    }

    /// Where the page at a position of the order of all pages lies.
    pub(crate) fn place(&self, position: usize) -> Option<Place> {
        let Entry { block, offset, length, .. } = *self.places.get(position)?;
        let from = offset as usize;
        Some(Place { block, bytes: from..from + length as usize })
    }

    /// The length and the checksum of the page at a position of the order of all pages.
    pub(crate) fn entry(&self, position: usize) -> Option<PageEntry> {
        self.places.get(position).map(|entry| PageEntry { length: entry.length, checksum: entry.checksum })
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.places.len() * size_of::<Entry>() + self.block_bytes.len() * 4
    }
}
