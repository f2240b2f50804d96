//! The directory of a segment: block, range and checksum of each page.

use std::ops::Range;

use super::head_fields::PageEntry;

/// The location of the bytes of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRange {
    /// Index of the block in the segment.
    pub block: u32,
    /// Range of the bytes in the block.
    pub bytes: Range<usize>,
}

/// The directory of a segment.
#[derive(Debug)]
pub(crate) struct PageDirectory {
    entries: Box<[Entry]>,
    /// Length of each block.
    pub(crate) block_bytes: Box<[u32]>,
}

#[derive(Debug)]
struct Entry {
    block: u32,
    /// Start of the page in its block, in bytes.
    offset: u32,
    length: u32,
    checksum: u32,
}

impl PageDirectory {
    /// Assigns pages to blocks in order. A new block begins when the previous block has at least `block_full`
    /// bytes. Returns `None` if a block would have 2^32 bytes or more.
    pub(crate) fn new(pages: &[PageEntry], block_full: u32) -> Option<Self> {
        let mut entries = Vec::with_capacity(pages.len());
        let mut block_bytes: Vec<u32> = Vec::new();
        for PageEntry { length, checksum } in pages.iter().copied() {
            let offset = block_bytes.pop_if(|bytes| *bytes < block_full).unwrap_or(0);
            let block = u32::try_from(block_bytes.len()).ok()?;
            entries.push(Entry { block, offset, length, checksum });
            block_bytes.push(offset.checked_add(length)?);
        }
        Some(Self { entries: entries.into(), block_bytes: block_bytes.into() })
    }

    /// Returns the location of the page at a position among all pages.
    pub(crate) fn block_range(&self, position: usize) -> Option<BlockRange> {
        let Entry { block, offset, length, .. } = *self.entries.get(position)?;
        let from = offset as usize;
        Some(BlockRange { block, bytes: from..from + length as usize })
    }

    /// Returns length and checksum of the page at a position among all pages.
    pub(crate) fn entry(&self, position: usize) -> Option<PageEntry> {
        self.entries.get(position).map(|entry| PageEntry { length: entry.length, checksum: entry.checksum })
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.entries.len() * size_of::<Entry>() + self.block_bytes.len() * 4
    }
}
