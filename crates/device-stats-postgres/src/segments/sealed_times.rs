//! Looks up the times and values of sealed readings. A lookup reads only the pieces that it needs.

use deadpool_postgres::Transaction;
use device_stats_domain::{Axes, DeviceKey};
use device_stats_store::{Lookup, MissingPiece, PieceKey, SealedTimes, SegmentEntry, StoreError};

use crate::database::errors::Failure;
use crate::segments::catalogue::touching;
use crate::segments::pieces::{Found, ROW_MISSING, find};
use crate::segments::spans::DeviceSpans;

/// Maximum number of times that are looked up at once.
const TIMES_LOOKED_UP_MAX: usize = 256;
/// Maximum number of times whose values are looked up at once. Such a lookup reads four columns instead of
/// one, so it needs about the same memory.
const VALUES_LOOKED_UP_MAX: usize = 64;
/// Maximum number of pieces that are read at once. It bounds the memory of pieces before they are decoded.
const PIECES_MAX: usize = 128;

/// The times of sealed readings in the segments that touch the readings of a call. The segments are listed
/// once, when the reader is created.
pub(crate) struct SealedTimesReader<'t> {
    transaction: &'t Transaction<'t>,
    times: SealedTimes,
}

impl<'t> SealedTimesReader<'t> {
    /// Lists the segments that touch the spans.
    pub(crate) async fn new(transaction: &'t Transaction<'t>, spans: &DeviceSpans) -> Result<Self, Failure> {
        Ok(Self { transaction, times: SealedTimes::new(touching(transaction, spans).await?) })
    }

    /// Creates a reader of the given segments, without the segments of this reader.
    pub(crate) fn with_unknown(&self, segments: Vec<(DeviceKey, SegmentEntry)>) -> Self {
        Self { transaction: self.transaction, times: self.times.with_unknown(segments) }
    }

    /// Returns for each pair of device and time whether the device has a sealed reading at that time. The
    /// pairs ascend.
    pub(crate) async fn contains_each(&mut self, times: &[(DeviceKey, i64)]) -> Result<Vec<bool>, Failure> {
        let mut found = Vec::with_capacity(times.len());
        for chunk in times.chunks(TIMES_LOOKED_UP_MAX) {
            found.extend(self.answer(|times| times.contains_each(chunk)).await?);
        }
        Ok(found)
    }

    /// Returns for each pair of device and time the values of the sealed reading of the device at that time.
    pub(crate) async fn values_each(
        &mut self,
        times: &[(DeviceKey, i64)],
    ) -> Result<Vec<Option<Axes<f64>>>, Failure> {
        let mut found = Vec::with_capacity(times.len());
        for chunk in times.chunks(VALUES_LOOKED_UP_MAX) {
            found.extend(self.answer(|times| times.values_each(chunk)).await?);
        }
        Ok(found)
    }

    /// Answers a question about times in the spans, and reads the pieces that the answer needs.
    pub(crate) async fn answer<T>(
        &mut self,
        question: impl Fn(&SealedTimes) -> Result<Lookup<T>, StoreError>,
    ) -> Result<T, Failure> {
        self.times.trim();
        loop {
            let missing = match question(&self.times)? {
                Lookup::Known(answer) => return Ok(answer),
                Lookup::Missing(missing) => missing,
            };
            for missing in missing.chunks(PIECES_MAX) {
                self.read(missing).await?;
            }
        }
    }

    /// Reads and adds pieces.
    async fn read(&mut self, missing: &[MissingPiece]) -> Result<(), Failure> {
        let keys: Vec<PieceKey> = missing.iter().map(|piece| piece.key).collect();
        for (piece, found) in missing.iter().zip(find(self.transaction, &keys).await?) {
            match found {
                Found::Bytes(bytes) => self.times.add(piece, &bytes)?,
                Found::Lost | Found::Never => return Err(piece.key.inconsistent(ROW_MISSING).into()),
                Found::Gone => return Err(Failure::Overtaken),
            }
        }
        Ok(())
    }
}
