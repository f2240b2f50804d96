//! Decompression of a column, page by page.

use std::cell::RefCell;
use std::sync::OnceLock;

use pco::DecompressorScratch;
use pco::data_types::Number;
use pco::errors::{ErrorKind, PcoError};
use pco::metadata::{ChunkMeta, DeltaEncoding};
use pco::wrapped::{ChunkDecompressor, FileDecompressor};

/// pco's mark of a chunk with a dictionary of its own, in the lowest four bits of the first byte.
const DICTIONARY_MODE: u8 = 4;
/// Binary logarithm of the size of pco's largest table, minus its level.
const TABLE_LOG_OVER_LEVEL: u8 = 2;
/// Maximum level of pco's table for a second stream, such as the remainders of multiples.
const SECOND_LEVEL_MAX: u8 = 6;
/// Size of an entry of pco's table without its number, in bytes.
const ENTRY_BYTES: usize = 4;
/// Size of a bin without its number, in bytes, rounded up.
const BIN_BYTES: usize = 16;
/// Minimum size of a bin in the metadata without its number, in bits.
const BIN_BITS: usize = 6;

/// Number of zero bytes that are placed after a page: more than pco's reader ever reads ahead. Without them,
/// pco's reader copies the end of the page.
const AHEAD_BYTES: usize = 4800;

thread_local! {
    /// Buffers for decompression, reused so that they are not allocated and cleared for each page.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[derive(Default)]
struct Scratch {
    pco: DecompressorScratch,
    /// A page and the zeros after it.
    bytes: Vec<u8>,
}

/// Reason why a page of numbers cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// The bytes are too short or too long.
    WrongLength,
    /// pco reports a fault, or the bytes use a feature of pco that this crate never writes.
    Corrupt,
}

impl From<PcoError> for Unreadable {
    fn from(error: PcoError) -> Self {
        match error.kind {
            ErrorKind::InsufficientData => Self::WrongLength,
            _ => Self::Corrupt,
        }
    }
}

/// A compressed column. pco's tables are built when the first page is read.
#[derive(Debug)]
pub(crate) struct CompressedColumn<T: Number> {
    meta: Box<[u8]>,
    /// Its compression level.
    level: u8,
    decompressor: OnceLock<ChunkDecompressor<T>>,
}

impl<T: Number + Default> CompressedColumn<T> {
    /// Creates a column with pco's metadata.
    pub(crate) fn new(meta: &[u8], level: u8) -> Self {
        Self { meta: meta.into(), level, decompressor: OnceLock::new() }
    }

    /// Reads a page of `count` numbers.
    pub(crate) fn read(
        &self,
        reader: &FileDecompressor,
        page: &[u8],
        count: usize,
    ) -> Result<Vec<T>, Unreadable> {
        let decompressor = self.decompressor(reader)?;
        SCRATCH.with_borrow_mut(|Scratch { pco, bytes }| {
            bytes.clear();
            bytes.extend(page);
            bytes.resize(page.len() + AHEAD_BYTES, 0);
            let mut page = decompressor.page_decompressor_with_scratch(bytes.as_slice(), count, pco)?;
            let mut numbers = vec![T::default(); count];
            let progress = page.read(&mut numbers)?;
            if !progress.finished || progress.n_processed != count {
                return Err(Unreadable::Corrupt);
            }
            if page.into_src().len() == AHEAD_BYTES { Ok(numbers) } else { Err(Unreadable::WrongLength) }
        })
    }

    fn decompressor(&self, reader: &FileDecompressor) -> Result<&ChunkDecompressor<T>, Unreadable> {
        if let Some(decompressor) = self.decompressor.get() {
            return Ok(decompressor);
        }
        // pco's reader would allocate the number of values that the metadata states.
        if self.meta.first().ok_or(Unreadable::WrongLength)? & 0xf == DICTIONARY_MODE {
            return Err(Unreadable::Corrupt);
        }
        let (opened, rest) = reader.chunk_decompressor(&*self.meta)?;
        if !rest.is_empty() || !is_written(opened.meta(), self.level) {
            return Err(Unreadable::Corrupt);
        }
        Ok(self.decompressor.get_or_init(|| opened))
    }

    /// Returns the maximum memory after a page has been read, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        let bins = self.meta.len() * 8 / (size_of::<T>() * 8 + BIN_BITS);
        let table = |level: u8| 1_usize << (level + TABLE_LOG_OVER_LEVEL);
        let second = || if size_of::<T>() == 8 { table(self.level.min(SECOND_LEVEL_MAX)) } else { 0 };
        let tables = if bins > 1 { table(self.level) + second() } else { 2 };
        size_of::<Self>()
            + self.meta.len()
            + bins * (size_of::<T>() + BIN_BYTES)
            + tables * (size_of::<T>() + ENTRY_BYTES)
    }
}

/// Returns whether this crate writes chunks with this delta encoding and these table sizes. With others,
/// pco's reader may take much memory.
fn is_written(meta: &ChunkMeta, level: u8) -> bool {
    let streams = &meta.per_latent_var;
    let mut tables = [Some(&streams.primary), streams.secondary.as_ref()].into_iter().flatten();
    matches!(meta.delta_encoding, DeltaEncoding::NoOp | DeltaEncoding::Consecutive { .. })
        && tables.all(|stream| stream.ans_size_log <= (level + TABLE_LOG_OVER_LEVEL).into())
}
