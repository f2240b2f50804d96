//! The one place that knows `pco`: a column of numbers to compressed pages, and back. A column is one chunk of pco's
//! wrapped format, so that its pages share what was learned of the numbers and can still be read one by one.

use std::cell::RefCell;
use std::sync::OnceLock;

use pco::data_types::Number;
use pco::errors::{ErrorKind, PcoError};
use pco::metadata::{DeltaEncoding, Mode};
use pco::wrapped::{ChunkDecompressor, FileCompressor, FileDecompressor};
use pco::{ChunkConfig, DecompressorScratch, DeltaSpec, ModeSpec, PagingSpec};

use crate::{Effort, EncodeError};

/// The first of pco's own formats that was ever written here.
const PCO_MAJOR_MIN: u8 = 4;
/// The largest window that pco's writer gives a lookback, as a power of two.
const WINDOW_LOG_MAX: u32 = 15;
/// How pco marks a chunk with a dictionary of its own, in the lowest four bits of its first byte.
const DICTIONARY_MODE: u8 = 4;

thread_local! {
    /// What pco works in while it decompresses: 12 KB that would have to be cleared for each page.
    static SCRATCH: RefCell<DecompressorScratch> = RefCell::default();
}

/// A compressed column.
pub(crate) struct Compressed {
    /// What has to be known to read any of the pages.
    pub(crate) meta: Vec<u8>,
    /// The pages.
    pub(crate) pages: Vec<Vec<u8>>,
}

/// The version of pco's own format that [`compress`] writes.
pub(crate) fn pco_version() -> Result<[u8; 2], EncodeError> {
    let header = FileCompressor::default().write_header(Vec::new()).unwrap_or_default();
    header.try_into().map_err(|_| EncodeError::Compressor)
}

/// pco's reader for that version of its own format; `None` where there is none.
pub(crate) fn reader(version: [u8; 2]) -> Option<FileDecompressor> {
    let (reader, rest) = FileDecompressor::new(version.as_slice()).ok()?;
    (version.first() >= Some(&PCO_MAJOR_MIN) && rest.is_empty()).then_some(reader)
}

/// What is known of the numbers of a column before they are compressed. pco could find it out by trying, which takes
/// several times as long as compressing and goes wrong on a sample now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// Measured: they ascend, in steps that may all be multiples of something.
    Ascending,
    /// Counted: each stands for itself.
    Counts,
    /// Whole numbers to be taken as they are, or the differences of their differences so many times.
    Integers {
        /// How often differences are taken, from 0 to 7.
        order: usize,
    },
}

impl Numbers {
    fn config(self) -> ChunkConfig {
        let (mode, delta) = match self {
            Self::Ascending => (ModeSpec::Auto, DeltaSpec::TryConsecutive(1)),
            Self::Counts => (ModeSpec::Classic, DeltaSpec::NoOp),
            Self::Integers { order } => (ModeSpec::Classic, DeltaSpec::TryConsecutive(order)),
        };
        ChunkConfig::default().with_mode_spec(mode).with_delta_spec(delta)
    }
}

/// Compresses numbers, at least one, in pages of `page` numbers; the last has the rest.
pub(crate) fn compress<T: Number>(
    numbers: &[T],
    what: Numbers,
    page: u32,
    effort: Effort,
) -> Result<Compressed, EncodeError> {
    let level = match effort {
        Effort::Fast => 4,
        Effort::Small => 8,
    };
    let pages = numbers.chunks(page as usize).map(<[T]>::len).collect();
    let config = what.config().with_compression_level(level).with_paging_spec(PagingSpec::Exact(pages));
    let write = || {
        let mut chunk = FileCompressor::default().chunk_compressor(numbers, &config)?;
        let meta = chunk.write_meta(Vec::new())?;
        let pages = 0..chunk.n_per_page().len();
        let pages = pages.map(|page| chunk.write_page(page, Vec::with_capacity(chunk.page_size_hint(page))));
        Ok(Compressed { meta, pages: pages.collect::<Result<_, _>>()? })
    };
    write().map_err(|_: PcoError| EncodeError::Compressor)
}

/// Why a page of numbers cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It ends too early.
    TooShort,
    /// pco finds a fault, or something that its writer never writes.
    Corrupt,
}

impl From<PcoError> for Unreadable {
    fn from(error: PcoError) -> Self {
        match error.kind {
            ErrorKind::InsufficientData => Self::TooShort,
            _ => Self::Corrupt,
        }
    }
}

/// A compressed column to be read. What pco needs for it is made when the first page is asked for.
#[derive(Debug)]
pub(crate) struct Chunk<T: Number> {
    meta: Box<[u8]>,
    decompressor: OnceLock<ChunkDecompressor<T>>,
}

impl<T: Number + Default> Chunk<T> {
    /// The chunk that `meta` tells of.
    pub(crate) fn new(meta: &[u8]) -> Self {
        Self { meta: meta.into(), decompressor: OnceLock::new() }
    }

    /// Reads a page of `count` numbers from the front of `bytes`; what follows it comes back too.
    pub(crate) fn read<'b>(
        &self,
        reader: &FileDecompressor,
        bytes: &'b [u8],
        count: usize,
    ) -> Result<(Vec<T>, &'b [u8]), Unreadable> {
        let decompressor = self.decompressor(reader)?;
        SCRATCH.with_borrow_mut(|scratch| {
            let mut page = decompressor.page_decompressor_with_scratch(bytes, count, scratch)?;
            let mut numbers = vec![T::default(); count];
            let progress = page.read(&mut numbers)?;
            if !progress.finished || progress.n_processed != count {
                return Err(Unreadable::Corrupt);
            }
            Ok((numbers, page.into_src()))
        })
    }

    fn decompressor(&self, reader: &FileDecompressor) -> Result<&ChunkDecompressor<T>, Unreadable> {
        if let Some(decompressor) = self.decompressor.get() {
            return Ok(decompressor);
        }
        let opened = open(reader, &self.meta)?;
        Ok(self.decompressor.get_or_init(|| opened))
    }
}

/// Refuses what pco's reader accepts but its writer never writes: it could ask for much memory.
fn open<T: Number>(reader: &FileDecompressor, meta: &[u8]) -> Result<ChunkDecompressor<T>, Unreadable> {
    let mode = meta.first().ok_or(Unreadable::TooShort)? & 0xf;
    if mode == DICTIONARY_MODE {
        return Err(Unreadable::Corrupt);
    }
    let (chunk, rest) = reader.chunk_decompressor(meta)?;
    let sane = match &chunk.meta().delta_encoding {
        DeltaEncoding::NoOp | DeltaEncoding::Consecutive { .. } => true,
        DeltaEncoding::Lookback { config, .. } => config.window_n_log <= WINDOW_LOG_MAX,
        _ => false,
    };
    if !rest.is_empty() || !sane || matches!(chunk.meta().mode, Mode::Dict(_)) {
        return Err(Unreadable::Corrupt);
    }
    Ok(chunk)
}

/// About how much memory a decompressor takes for each byte of its meta: a bin is a few entries of a table.
const MEMORY_PER_META_BYTE: usize = 16;

impl<T: Number> Chunk<T> {
    /// About how much memory it takes, in bytes, once a page was read.
    pub(crate) fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.meta.len() * (1 + MEMORY_PER_META_BYTE)
    }
}
