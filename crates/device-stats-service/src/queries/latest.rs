//! The latest readings of devices. For each device, at most one page of each column of a segment is read. The
//! segments of many devices are read a few at a time, to bound the memory of their pages.

#[cfg(test)]
mod tests;

use device_stats_domain::{Device, DeviceKey, Reading, RequestedAxes};
use device_stats_segment::Row;
use device_stats_segment::analysis::{MemoryLimits, Pages, Part, rows};
use device_stats_store::{NewestReadings, SegmentEntry};

use super::list::stored_reading;
use super::memory::snapshot_bytes;
use super::snapshot::ATTEMPTS_MAX;
use crate::access::{Authorized, Granted, Read};
use crate::access::{CursorPage, DeviceSelection};
use crate::admission::Query;
use crate::compute::Weight;
use crate::error::ServiceError;
use crate::limits::SEGMENTS_DECODED_AT_ONCE;
use crate::segments::reader::ReadError;
use crate::service::Service;

/// A device and its latest reading, if it has one.
pub type LatestReading = (Device, Option<Reading>);

impl Service {
    /// Returns the latest reading of a device.
    ///
    /// # Errors
    /// [`ServiceError::ReadingMissing`], [`ServiceError::TooManyAnalyses`], [`ServiceError::QueryTimedOut`].
    pub async fn find_latest(&self, device: &Authorized<Device, Read>) -> Result<Reading, ServiceError> {
        let query = self.parts.admission.admit_query()?;
        let latest = query.run(self.latest_readings(&query, &[device.key])).await?;
        latest.into_iter().next().flatten().ok_or(ServiceError::ReadingMissing)
    }

    /// Returns the chosen devices with their latest readings, by ascending key: all devices of a list, or a
    /// page of the devices that meet conditions, beginning after the key `after`.
    ///
    /// # Errors
    /// [`ServiceError::TooManyAnalyses`], [`ServiceError::QueryTimedOut`];
    /// [`ServiceError::DevicesMissing`] for a list;
    /// [`StoreError::UserMissing`](device_stats_store::StoreError) if the owner in the conditions does not
    /// exist.
    pub async fn list_latest(
        &self,
        granted: Granted<Read>,
        selection: &DeviceSelection,
        after: DeviceKey,
        limit: u32,
    ) -> Result<CursorPage<LatestReading>, ServiceError> {
        let CursorPage { entries: devices, has_more } = match selection {
            DeviceSelection::Listed(_) => {
                CursorPage { entries: self.select_devices(granted, selection).await?, has_more: false }
            }
            DeviceSelection::Matching(filter) => {
                self.list_devices_after(granted, after, filter, limit).await?
            }
        };
        let keys: Vec<DeviceKey> = devices.iter().map(|device| device.key).collect();
        let query = self.parts.admission.admit_query()?;
        let latest = query.run(self.latest_readings(&query, &keys)).await?;
        Ok(CursorPage { entries: devices.into_iter().zip(latest).collect(), has_more })
    }

    /// Returns the latest reading of each device, in the same order.
    pub(super) async fn latest_readings(
        &self,
        query: &Query,
        devices: &[DeviceKey],
    ) -> Result<Vec<Option<Reading>>, ServiceError> {
        for attempts in 0..ATTEMPTS_MAX {
            let _pause = self.pause_merges(attempts);
            let found = self.parts.store.find_latest(devices).await?;
            let sealed: Vec<Option<SegmentEntry>> = found.iter().map(newer_segment).collect();
            let hot = found.iter().map(|found| found.hot.len()).sum();
            query.grow_to(snapshot_bytes(hot, sealed.iter().flatten(), RequestedAxes::Measured))?;
            let entries =
                devices.iter().zip(&sealed).filter_map(|(device, segment)| Some((*device, (*segment)?)));
            let segments = match self.parts.segments.open(&entries.collect::<Vec<_>>()).await {
                Err(ReadError::Gone) => continue,
                segments => segments?.for_query(query.handle()),
            };
            let read = self
                .parts
                .compute
                .run(Weight::Light, move || last_rows(segments.whole_parts(), &segments))
                .await;
            let mut last_rows = match read.map_err(ServiceError::ComputationFailed)? {
                Err(ReadError::Gone) => continue,
                rows => rows?.into_iter(),
            };
            let latest = devices.iter().zip(found).zip(sealed).map(|((device, found), segment)| {
                let row = if segment.is_some() { last_rows.next() } else { found.hot.first().copied() };
                row.map(|row| stored_reading(*device, row)).transpose()
            });
            return Ok(latest.collect::<Result<_, _>>()?);
        }
        Err(ServiceError::segments_merged_repeatedly())
    }
}

/// Returns the segment that ends after the newest hot reading.
fn newer_segment(found: &NewestReadings) -> Option<SegmentEntry> {
    let newest_us = found.hot.first().map(|row| row.time_us);
    found.segments.first().copied().filter(|segment| newest_us.is_none_or(|us| us < segment.last_us))
}

/// Returns the last reading of each part. Each part is of another segment.
fn last_rows<P: Pages>(mut parts: Vec<Part>, pages: &P) -> Result<Vec<Row>, P::Error> {
    for part in &mut parts {
        part.rows.start = part.rows.end.saturating_sub(1);
    }
    let mut last = Vec::with_capacity(parts.len());
    for parts in parts.chunks(SEGMENTS_DECODED_AT_ONCE) {
        last.extend(rows(parts, MemoryLimits::ONE_OF_FOUR, pages)?);
    }
    Ok(last)
}
