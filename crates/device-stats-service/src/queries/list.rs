//! Lists of readings, newest first.

use device_stats_domain::{
    Axes, Device, DeviceKey, Finite, ListPage, Reading, ReadingId, RequestedAxes, Timestamp, Window,
};
use device_stats_segment::Row;
use device_stats_segment::analysis::{MemoryLimits, newest};
use device_stats_store::{NewestReadings, SegmentEntry, StoreError};

use super::memory::snapshot_bytes;
use super::snapshot::ATTEMPTS_MAX;
use crate::access::{Authorized, Read};
use crate::admission::Query;
use crate::compute::Weight;
use crate::error::ServiceError;
use crate::segments::reader::ReadError;
use crate::service::Service;

impl Service {
    /// Returns a page of the readings of a device inside a window, newest first. Skipped readings of segments
    /// are counted, not read.
    ///
    /// # Errors
    /// [`ServiceError::TooManyAnalyses`], [`ServiceError::QueryTimedOut`]; the errors of the store.
    pub async fn list_readings(
        &self,
        device: &Authorized<Device, Read>,
        window: Window,
        page: ListPage,
    ) -> Result<Vec<Reading>, ServiceError> {
        let query = self.parts.admission.admit_query()?;
        query.run(self.newest_readings(Some(&query), device.key, window, page)).await
    }

    /// Returns the reading of a device at a time.
    ///
    /// # Errors
    /// [`ServiceError::ReadingMissing`], [`ServiceError::TooManyAnalyses`], [`ServiceError::QueryTimedOut`].
    pub async fn reading_at(
        &self,
        device: &Authorized<Device, Read>,
        time: Timestamp,
    ) -> Result<Reading, ServiceError> {
        let query = self.parts.admission.admit_query()?;
        let found = query.run(self.find_reading(Some(&query), device.key, time)).await?;
        found.ok_or(ServiceError::ReadingMissing)
    }

    /// Returns the reading of a device at a time; `None` if it does not exist. `query` is the query of a
    /// client; a lookup of the service itself has none.
    pub(crate) async fn find_reading(
        &self,
        query: Option<&Query>,
        device: DeviceKey,
        time: Timestamp,
    ) -> Result<Option<Reading>, ServiceError> {
        let window = Window { from_us: time.micros(), until_us: time.micros() + 1 };
        let found = self.newest_readings(query, device, window, ListPage { skip: 0, limit: 1 }).await?;
        Ok(found.into_iter().next())
    }

    /// Returns a page of the readings of a device inside a window, newest first. `query` is the query of a
    /// client; a lookup of the service itself has none.
    pub(crate) async fn newest_readings(
        &self,
        query: Option<&Query>,
        device: DeviceKey,
        window: Window,
        page: ListPage,
    ) -> Result<Vec<Reading>, ServiceError> {
        for attempts in 0..ATTEMPTS_MAX {
            let _pause = self.pause_merges(attempts);
            let snapshot = self.parts.store.list_newest(device, window, page_end(page)).await?;
            match self.read_page(query, device, window, page, snapshot).await? {
                Err(ReadError::Gone) => {}
                rows => {
                    let readings = rows?.into_iter().map(|row| stored_reading(device, row));
                    return Ok(readings.collect::<Result<_, _>>()?);
                }
            }
        }
        Err(ServiceError::segments_merged_repeatedly())
    }

    async fn read_page(
        &self,
        query: Option<&Query>,
        device: DeviceKey,
        window: Window,
        page: ListPage,
        snapshot: NewestReadings,
    ) -> Result<Result<Vec<Row>, ReadError>, ServiceError> {
        let needed = needed_segments(snapshot.segments, window, page_end(page));
        if let Some(query) = query {
            let bytes = snapshot_bytes(snapshot.hot.len(), needed.iter(), RequestedAxes::Measured);
            query.grow_to(bytes)?;
        }
        let entries: Vec<_> = needed.into_iter().map(|segment| (device, segment)).collect();
        let segments = match (self.parts.segments.open(&entries).await, query) {
            (Ok(segments), Some(query)) => segments.for_query(query.handle()),
            (Ok(segments), None) => segments,
            (Err(error), _) => return Ok(Err(error)),
        };
        let read = self.parts.compute.run(Weight::Light, move || {
            let parts = segments.cut_window(window)?;
            newest(&parts, &snapshot.hot, page_start(page), page.limit, MemoryLimits::ONE_OF_FOUR, &segments)
        });
        read.await.map_err(ServiceError::ComputationFailed)
    }
}

/// Returns the number of entries before a page.
fn page_start(page: ListPage) -> u64 {
    page.skip.max(0).unsigned_abs()
}

/// Returns the number of entries before the end of a page.
fn page_end(page: ListPage) -> u64 {
    page_start(page).saturating_add(page.limit.into())
}

/// Returns the segments that may have one of the `count` newest readings. A segment is left out if segments
/// with `count` or more readings begin after its end.
fn needed_segments(mut segments: Vec<SegmentEntry>, window: Window, count: u64) -> Vec<SegmentEntry> {
    segments.sort_unstable_by_key(|segment| std::cmp::Reverse(segment.first_us));
    let is_inside =
        |segment: &&SegmentEntry| window.from_us <= segment.first_us && segment.last_us < window.until_us;
    let mut readings = 0_u64;
    let enough = segments.iter().filter(is_inside).find(|segment| {
        readings += u64::from(segment.readings);
        readings >= count
    });
    if let Some(first_us) = enough.map(|segment| segment.first_us) {
        segments.retain(|segment| first_us <= segment.last_us);
    }
    segments
}

/// Converts a stored row to a reading.
///
/// # Errors
/// [`StoreError::Broken`] if a number or the time is out of range.
pub(crate) fn stored_reading(device: DeviceKey, row: Row) -> Result<Reading, StoreError> {
    let broken = || StoreError::Broken("a number or the time of a stored reading is out of range".into());
    let number = |number: f64| Finite::new(number).map_err(|_| broken());
    let Axes { x, y, z } = row.values.map(number);
    Ok(Reading {
        device,
        id: ReadingId(row.id),
        time: Timestamp::from_micros(row.time_us).map_err(|_| broken())?,
        values: Axes { x: x?, y: y?, z: z? },
    })
}
