//! The compressed columns of a segment, read page by page.

use device_stats_domain::Axes;
use pco::wrapped::FileDecompressor;

use super::head_fields::HeadFields;
use crate::format::codec::CompressedColumn;

/// The compressed columns of a segment.
#[derive(Debug)]
pub(crate) struct CompressedColumns {
    pub(crate) reader: FileDecompressor,
    pub(crate) times: CompressedColumn<i64>,
    pub(crate) ids: CompressedColumn<i64>,
    pub(crate) axes: Axes<CompressedAxis>,
}

/// The compressed columns of one axis.
#[derive(Debug)]
pub(crate) struct CompressedAxis {
    pub(crate) values: CompressedColumn<f64>,
    pub(crate) counts: CompressedColumn<u32>,
    pub(crate) codes: CompressedColumn<u32>,
    /// One column for each word of a sum, lowest word first.
    pub(crate) sums: Box<[CompressedColumn<i64>]>,
}

impl CompressedColumns {
    /// Creates the columns with the metadata of a head.
    #[expect(clippy::expect_used, reason = "the reader of the head reads the metadata of all columns")]
    pub(crate) fn new(reader: FileDecompressor, fields: &HeadFields) -> Self {
        let mut metas = fields.metas.iter().map(|meta| &**meta);
        let level = fields.level;
        let mut next = || metas.next().expect("the head has the metadata of every column");
        let times = CompressedColumn::new(next(), level);
        let axes = fields.axes.as_ref().map(|axis| CompressedAxis {
            values: CompressedColumn::new(next(), level),
            counts: CompressedColumn::new(next(), level),
            codes: CompressedColumn::new(next(), level),
            sums: (0..axis.sum_words).map(|_| CompressedColumn::new(next(), level)).collect(),
        });
        Self { reader, times, ids: CompressedColumn::new(next(), level), axes }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let Axes { x, y, z } = self.axes.as_ref().map(|axis| {
            let CompressedAxis { values, counts, codes, sums } = axis;
            let sums: usize = sums.iter().map(CompressedColumn::memory_bytes).sum();
            values.memory_bytes() + counts.memory_bytes() + codes.memory_bytes() + sums
        });
        self.times.memory_bytes() + self.ids.memory_bytes() + x + y + z
    }
}
