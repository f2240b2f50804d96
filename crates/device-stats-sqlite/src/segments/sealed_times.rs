//! Looks up the times and values of sealed readings. A lookup reads only the pieces that it needs.

use device_stats_domain::{DeviceKey, Window};
use device_stats_store::{Lookup, SealedTimes, StoreError};
use rusqlite::Connection;

use crate::segments::{catalogue, pieces};

/// The times of sealed readings of one device, in the segments that touch a window. A lookup reads only the
/// catalogue, unless a time lies between the first and the last time of a segment.
#[derive(Debug)]
pub(crate) struct SealedTimesReader<'c> {
    connection: &'c Connection,
    times: SealedTimes,
}

impl<'c> SealedTimesReader<'c> {
    pub(crate) fn new(
        connection: &'c Connection,
        device: DeviceKey,
        window: Window,
    ) -> Result<Self, StoreError> {
        let segments = catalogue::list(connection, device, window)?;
        let times = SealedTimes::new(segments.into_iter().map(|entry| (device, entry)));
        Ok(Self { connection, times })
    }

    /// Answers a question about the device in the window, and reads the pieces that the answer needs.
    pub(crate) fn answer<T>(
        &mut self,
        question: impl Fn(&SealedTimes) -> Result<Lookup<T>, StoreError>,
    ) -> Result<T, StoreError> {
        self.times.trim();
        loop {
            match question(&self.times)? {
                Lookup::Known(answer) => return Ok(answer),
                Lookup::Missing(missing) => {
                    for piece in missing {
                        let bytes = pieces::read_one(self.connection, piece.key)?;
                        // The catalogue of the same transaction lists the segment.
                        let bytes = bytes.ok_or_else(|| piece.key.inconsistent(pieces::ROW_MISSING))?;
                        self.times.add(&piece, &bytes)?;
                    }
                }
            }
        }
    }
}
