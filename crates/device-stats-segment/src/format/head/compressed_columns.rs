//! The compressed columns of a segment, ready to be read page by page.

use device_stats_domain::Axes;
use pco::wrapped::FileDecompressor;

use super::head_fields::HeadFields;
use crate::format::codec::Chunk;

/// The chunks of a segment.
#[derive(Debug)]
pub(crate) struct Chunks {
    pub(crate) reader: FileDecompressor,
    pub(crate) times: Chunk<i64>,
    pub(crate) ids: Chunk<i64>,
    pub(crate) axes: Axes<AxisChunks>,
}

/// The chunks of one axis.
#[derive(Debug)]
pub(crate) struct AxisChunks {
    pub(crate) values: Chunk<f64>,
    pub(crate) counts: Chunk<u32>,
    pub(crate) codes: Chunk<u32>,
    /// One for each word of a sum, the lowest first.
    pub(crate) sums: Box<[Chunk<i64>]>,
}

impl Chunks {
    /// The chunks that the metas of a head tell of.
    pub(crate) fn new(reader: FileDecompressor, fields: &HeadFields) -> Self {
        let mut metas = fields.metas.iter().map(|meta| &**meta);
        let level = fields.level;
        let mut next = || metas.next().unwrap_or_default();
        let times = Chunk::new(next(), level);
        let axes = fields.axes.as_ref().map(|axis| AxisChunks {
            values: Chunk::new(next(), level),
            counts: Chunk::new(next(), level),
            codes: Chunk::new(next(), level),
            sums: (0..axis.sum_words).map(|_| Chunk::new(next(), level)).collect(),
        });
        Self { reader, times, ids: Chunk::new(next(), level), axes }
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let Axes { x, y, z } = self.axes.as_ref().map(|axis| {
            let AxisChunks { values, counts, codes, sums } = axis;
            let sums: usize = sums.iter().map(Chunk::memory_bytes).sum();
            values.memory_bytes() + counts.memory_bytes() + codes.memory_bytes() + sums
        });
        self.times.memory_bytes() + self.ids.memory_bytes() + x + y + z
    }
}
