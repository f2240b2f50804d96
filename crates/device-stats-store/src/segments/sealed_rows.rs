//! Rows with the segment that was encoded from them.

use std::sync::Arc;

use device_stats_segment::{Effort, EncodeError, Head, Row, Segment};

use crate::StoreError;

/// The segment of some rows, with the times and ids that identify the rows. It is built from the rows, so the
/// two cannot mismatch. Cheap to clone; clones share their data.
#[derive(Clone, Debug)]
pub struct SealedRows {
    times_us: Arc<[i64]>,
    ids: Arc<[i64]>,
    segment: Arc<Segment>,
}

impl SealedRows {
    /// Encodes rows, which ascend in time.
    ///
    /// # Errors
    /// [`EncodeError`].
    pub fn encode(rows: &[Row], effort: Effort) -> Result<Self, EncodeError> {
        let segment = Arc::new(Segment::encode(rows, effort)?);
        let times_us = rows.iter().map(|row| row.time_us).collect();
        Ok(Self { times_us, ids: rows.iter().map(|row| row.id).collect(), segment })
    }

    /// Returns the times of the rows, ascending, in microseconds since 1970 UTC.
    pub fn times_us(&self) -> &[i64] {
        &self.times_us
    }

    /// Returns the ids of the rows, in the order of [`Self::times_us`].
    pub fn ids(&self) -> &[i64] {
        &self.ids
    }

    /// Returns the segment.
    pub fn segment(&self) -> &Segment {
        &self.segment
    }
}

/// Opens the head of a segment that is about to be stored.
///
/// # Errors
/// [`StoreError::Broken`] if it cannot be opened; such a segment must not be stored.
pub fn open_head(segment: &Segment) -> Result<Head, StoreError> {
    Head::open(&segment.head).map_err(|fault| StoreError::Broken(fault.into()))
}
