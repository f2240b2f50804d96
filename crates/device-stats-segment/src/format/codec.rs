//! The one place that knows `pco`: a column of numbers to compressed pages, and back. A column is one chunk of pco's
//! wrapped format, so that its pages share what was learned of the numbers and can still be read one by one.

mod compressed_column;
#[cfg(test)]
mod tests;

pub(crate) use compressed_column::{Chunk, Unreadable};
use pco::data_types::Number;
use pco::errors::PcoError;
use pco::wrapped::{FileCompressor, FileDecompressor};
use pco::{ChunkConfig, DeltaSpec, ModeSpec, PagingSpec};

use crate::{Effort, EncodeError};

/// The first of pco's own formats that was ever written here.
const PCO_MAJOR_MIN: u8 = 4;
/// The highest level that pco has.
pub(crate) const LEVEL_MAX: u8 = 12;

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

/// The level of pco for an effort. Written into the head: it bounds what pco's tables take.
pub(crate) fn level(effort: Effort) -> u8 {
    match effort {
        Effort::Fast => 6,
        Effort::Small => 8,
    }
}

/// Compresses numbers, at least one, in pages of `page` numbers; the last has the rest.
pub(crate) fn compress<T: Number>(
    numbers: &[T],
    what: Numbers,
    page: u32,
    effort: Effort,
) -> Result<Compressed, EncodeError> {
    let pages = numbers.chunks(page as usize).map(<[T]>::len).collect();
    let config =
        what.config().with_compression_level(level(effort).into()).with_paging_spec(PagingSpec::Exact(pages));
    let write = || {
        let mut chunk = FileCompressor::default().chunk_compressor(numbers, &config)?;
        let meta = chunk.write_meta(Vec::new())?;
        let pages = 0..chunk.n_per_page().len();
        let pages = pages.map(|page| chunk.write_page(page, Vec::with_capacity(chunk.page_size_hint(page))));
        Ok(Compressed { meta, pages: pages.collect::<Result<_, _>>()? })
    };
    write().map_err(|_: PcoError| EncodeError::Compressor)
}
