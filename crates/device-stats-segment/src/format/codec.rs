//! Compression of columns with `pco`. No other module uses `pco`.
//!
//! A column of numbers is one chunk of pco's wrapped format. Its pages share the statistics of the numbers,
//! and each page can be read alone.

mod compressed_column;
#[cfg(test)]
mod tests;

pub(crate) use compressed_column::{CompressedColumn, Unreadable};
use pco::data_types::Number;
use pco::errors::PcoError;
use pco::wrapped::{FileCompressor, FileDecompressor};
use pco::{ChunkConfig, DeltaSpec, ModeSpec, PagingSpec};

use super::encode_error::EncodeError;

/// The oldest major version of pco's own format in any segment.
const PCO_MAJOR_MIN: u8 = 4;
/// pco's highest compression level.
pub(crate) const LEVEL_MAX: u8 = 12;

/// The bytes of a compressed column.
pub(crate) struct CompressedBytes {
    /// pco's metadata, needed to read any page.
    pub(crate) meta: Vec<u8>,
    /// The pages.
    pub(crate) pages: Vec<Vec<u8>>,
}

/// Returns the version of pco's own format that [`compress`] writes.
pub(crate) fn pco_version() -> Result<[u8; 2], EncodeError> {
    let header = FileCompressor::default().write_header(Vec::new()).map_err(|_| EncodeError::Compressor)?;
    header.try_into().map_err(|_| EncodeError::Compressor)
}

/// Returns pco's reader for a version of its own format; `None` for an unknown version.
pub(crate) fn reader(version: [u8; 2]) -> Option<FileDecompressor> {
    let (reader, rest) = FileDecompressor::new(version.as_slice()).ok()?;
    (version.first() >= Some(&PCO_MAJOR_MIN) && rest.is_empty()).then_some(reader)
}

/// The kind of the numbers of a column. pco's automatic choice takes several times as long as compressing,
/// and is sometimes wrong because it examines only a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberKind {
    /// Measurements in ascending order; all differences may be multiples of one number.
    Ascending,
    /// Counts without a pattern.
    Counts,
    /// Integers that are compressed as differences of the given order.
    Integers {
        /// Number of times that differences are taken; 0 to 7.
        order: usize,
    },
}

impl NumberKind {
    fn config(self) -> ChunkConfig {
        let (mode, delta) = match self {
            Self::Ascending => (ModeSpec::Auto, DeltaSpec::TryConsecutive(1)),
            Self::Counts => (ModeSpec::Classic, DeltaSpec::NoOp),
            Self::Integers { order } => (ModeSpec::Classic, DeltaSpec::TryConsecutive(order)),
        };
        ChunkConfig::default().with_mode_spec(mode).with_delta_spec(delta)
    }
}

/// Effort of compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// For requests that wait for the segment.
    Fast,
    /// For background work.
    Small,
}

/// Returns pco's level for an effort. The head contains the level, because it bounds the memory of pco's
/// tables.
pub(crate) fn level(effort: Effort) -> u8 {
    match effort {
        Effort::Fast => 6,
        Effort::Small => 8,
    }
}

/// Compresses at least one number, in pages of `page` numbers; the last page has the rest.
pub(crate) fn compress<T: Number>(
    numbers: &[T],
    kind: NumberKind,
    page: u32,
    effort: Effort,
) -> Result<CompressedBytes, EncodeError> {
    let pages = numbers.chunks(page as usize).map(<[T]>::len).collect();
    let config =
        kind.config().with_compression_level(level(effort).into()).with_paging_spec(PagingSpec::Exact(pages));
    let write = || {
        let mut chunk = FileCompressor::default().chunk_compressor(numbers, &config)?;
        let meta = chunk.write_meta(Vec::new())?;
        let pages = 0..chunk.n_per_page().len();
        let pages = pages.map(|page| chunk.write_page(page, Vec::with_capacity(chunk.page_size_hint(page))));
        Ok(CompressedBytes { meta, pages: pages.collect::<Result<_, _>>()? })
    };
    write().map_err(|_: PcoError| EncodeError::Compressor)
}
