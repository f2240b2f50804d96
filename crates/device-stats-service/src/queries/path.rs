//! Paths: a limited number of the readings of a window, in order of time, for a drawing.

use device_stats_domain::{Device, Reading, RequestedAxes, Window};
use device_stats_segment::analysis::{MemoryLimits, thinned};
use device_stats_store::{StoreError, Subject};

use super::list::stored_reading;
use super::snapshot::ReadingsToVisit;
use crate::access::{Authorized, Read};
use crate::error::ServiceError;
use crate::service::Service;

/// The readings of a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Number of all readings of the window; 1 and up.
    pub count: u64,
    /// All readings of the window or, if there are too many, a part of them; in order of time.
    pub readings: Vec<Reading>,
}

impl Path {
    /// Returns whether readings of the window are left out.
    pub fn is_thinned(&self) -> bool {
        self.readings.len() as u64 != self.count
    }
}

impl Service {
    /// Returns up to `points` readings of a device inside a window, 8 or more, in order of time. If the
    /// window has more, some are left out: the path still has the first and the last reading, for each axis
    /// a reading with the minimum and one with the maximum, and readings at about equal distances in between.
    ///
    /// # Errors
    /// [`ServiceError::NoReadings`], [`ServiceError::TooManyAnalyses`], [`ServiceError::QueryTimedOut`]; the
    /// errors of the store.
    pub async fn path(
        &self,
        device: &Authorized<Device, Read>,
        window: Window,
        points: u32,
    ) -> Result<Path, ServiceError> {
        let key = device.key;
        let (subject, visited, axes) =
            (Subject::Device(key), ReadingsToVisit::AtWindowEnds, RequestedAxes::Measured);
        let found = self.compute_on_snapshot(subject, window, visited, axes, move |snapshot| {
            let parts = snapshot.segments.cut_window(snapshot.window)?;
            let hot = snapshot.hot();
            let sealed = parts.iter().map(|part| part.rows.len() as u64).sum::<u64>();
            let limits = MemoryLimits::ONE_OF_FOUR;
            Ok((sealed + hot.len() as u64, thinned(&parts, &hot, points, limits, &snapshot.segments)?))
        });
        let (count, rows) = found.await?;
        if count == 0 {
            return Err(ServiceError::NoReadings);
        }
        let readings = rows.into_iter().map(|row| stored_reading(key, row));
        Ok(Path { count, readings: readings.collect::<Result<_, StoreError>>()? })
    }
}
