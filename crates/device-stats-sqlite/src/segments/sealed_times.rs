//! Looks up the times of sealed readings. A lookup reads only the pieces that it needs.

use device_stats_domain::{DeviceKey, Window};
use device_stats_store::{Lookup, SealedTimes, StoreError};
use rusqlite::Connection;

use crate::segments::{catalogue, pieces};

/// The times of sealed readings of one device, in the segments that touch a window. A lookup reads only the
/// catalogue, unless a time lies between the first and the last time of a segment.
#[derive(Debug)]
pub(crate) struct SealedTimesReader<'c> {
    connection: &'c Connection,
    device: DeviceKey,
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
        Ok(Self { connection, device, times })
    }

    /// Returns whether the device has a sealed reading at a time in the window.
    pub(crate) fn contains(&mut self, time_us: i64) -> Result<bool, StoreError> {
        let device = self.device;
        self.answer(|times| times.contains(device, time_us))
    }

    /// Returns whether the device has a sealed reading from `first_us` to `last_us`, both included. Both lie
    /// in the window.
    pub(crate) fn contains_between(&mut self, first_us: i64, last_us: i64) -> Result<bool, StoreError> {
        let device = self.device;
        self.answer(|times| times.contains_between(device, first_us, last_us))
    }

    /// Returns the time of the device's newest sealed reading in `window`. That window lies inside the window
    /// of the reader.
    pub(crate) fn newest_us(&mut self, window: Window) -> Result<Option<i64>, StoreError> {
        let device = self.device;
        self.answer(|times| times.newest_us(device, window))
    }

    fn answer<T>(
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
