//! Reading of a compressed column.

use std::cell::RefCell;
use std::sync::OnceLock;

use pco::DecompressorScratch;
use pco::data_types::Number;
use pco::errors::{ErrorKind, PcoError};
use pco::metadata::{ChunkMeta, DeltaEncoding};
use pco::wrapped::{ChunkDecompressor, FileDecompressor};

/// How pco marks a chunk with a dictionary of its own, in the lowest four bits of its first byte.
const DICTIONARY_MODE: u8 = 4;
/// Bits by which pco's largest table is longer than its level, as a power of two.
const TABLE_LOG_OVER_LEVEL: u8 = 2;
/// The level of pco's table for a second stream, such as what is left of multiples, at most.
const SECOND_LEVEL_MAX: u8 = 6;
/// Bytes of an entry of pco's table beside its number.
const ENTRY_BYTES: usize = 4;
/// Bytes of a bin beside its number, rounded up.
const BIN_BYTES: usize = 16;
/// Bits of a bin in a meta beside its number, at least.
const BIN_BITS: usize = 6;

/// Zeros behind a page, so that pco's reader, which looks ahead, need not copy the end of the page to where there are
/// some: more than it ever reads at once.
const AHEAD_BYTES: usize = 4800;

thread_local! {
    /// Memory to decompress in, which would have to be cleared for each page.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[derive(Default)]
struct Scratch {
    pco: DecompressorScratch,
    /// A page and what is behind it.
    bytes: Vec<u8>,
}

/// Why a page of numbers cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It ends before its end, or behind it.
    WrongLength,
    /// pco finds a fault, or something that its writer never writes.
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

/// A compressed column to be read. What pco needs for it is made when the first page is asked for.
#[derive(Debug)]
pub(crate) struct Chunk<T: Number> {
    meta: Box<[u8]>,
    /// The level it was compressed with.
    level: u8,
    decompressor: OnceLock<ChunkDecompressor<T>>,
}

impl<T: Number + Default> Chunk<T> {
    /// The chunk that `meta` tells of.
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
        // Its reader would make room for as many values as the meta says.
        if self.meta.first().ok_or(Unreadable::WrongLength)? & 0xf == DICTIONARY_MODE {
            return Err(Unreadable::Corrupt);
        }
        let (opened, rest) = reader.chunk_decompressor(&*self.meta)?;
        if !rest.is_empty() || !is_ours(opened.meta(), self.level) {
            return Err(Unreadable::Corrupt);
        }
        Ok(self.decompressor.get_or_init(|| opened))
    }

    /// The most memory it takes, in bytes, once a page was read.
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

/// Whether a chunk has nothing that the writer here never writes, and pco's reader would take much memory for.
fn is_ours(meta: &ChunkMeta, level: u8) -> bool {
    let streams = &meta.per_latent_var;
    let mut tables = [Some(&streams.primary), streams.secondary.as_ref()].into_iter().flatten();
    matches!(meta.delta_encoding, DeltaEncoding::NoOp | DeltaEncoding::Consecutive { .. })
        && tables.all(|stream| stream.ans_size_log <= (level + TABLE_LOG_OVER_LEVEL).into())
}
