//! The activity of devices: the number of their readings in each of a few recent buckets, by the times of the
//! readings. The devices are counted a few at a time, to bound the memory of their hot readings.

use std::collections::HashMap;

use device_stats_domain::{DeviceKey, RecentBuckets, RequestedAxes, Window};
use device_stats_segment::Row;
use device_stats_segment::analysis::Part;
use device_stats_store::{StoreError, Subject};

use super::series::spans_at_once;
use super::snapshot::{OpenSnapshot, ReadingsToVisit};
use crate::admission::Query;
use crate::error::ServiceError;
use crate::limits::ACTIVITY_DEVICES_AT_ONCE;
use crate::segments::reader::ReadError;
use crate::service::Service;

/// The numbers of readings of a device in consecutive buckets of equal length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// Start of the first bucket, in microseconds since 1970 UTC.
    pub start_us: i64,
    /// Length of a bucket, in microseconds; 1 and up.
    pub length_us: i64,
    /// The numbers, in order of time.
    pub counts: Vec<u64>,
}

impl Service {
    /// Counts the readings of each device in recent buckets, in the order of `devices`. A device that does
    /// not exist has no readings.
    pub(super) async fn count_activity(
        &self,
        query: &Query,
        devices: &[DeviceKey],
        buckets: RecentBuckets,
    ) -> Result<Vec<Activity>, ServiceError> {
        let bounds = buckets.bounds(self.parts.clock.now());
        let mut counts = HashMap::with_capacity(devices.len());
        for some in devices.chunks(ACTIVITY_DEVICES_AT_ONCE) {
            match self.count_in_buckets(query, Subject::Devices(some.into()), &bounds).await {
                Err(ServiceError::Store(StoreError::DeviceMissing)) => {
                    // One of them has just been deleted.
                    for device in some {
                        match self.count_in_buckets(query, Subject::Device(*device), &bounds).await {
                            Err(ServiceError::Store(StoreError::DeviceMissing)) => {}
                            counted => counts.extend(counted?),
                        }
                    }
                }
                counted => counts.extend(counted?),
            }
        }
        let start_us = bounds.first().copied().unwrap_or_default();
        let none = || vec![0; bounds.len().saturating_sub(1)];
        let activity = |counts| Activity { start_us, length_us: buckets.length_us(), counts };
        Ok(devices.iter().map(|device| activity(counts.remove(device).unwrap_or_else(none))).collect())
    }

    async fn count_in_buckets(
        &self,
        query: &Query,
        subject: Subject,
        bounds: &[i64],
    ) -> Result<Vec<(DeviceKey, Vec<u64>)>, ServiceError> {
        let (Some(from_us), Some(until_us)) = (bounds.first().copied(), bounds.last().copied()) else {
            return Ok(Vec::new());
        };
        let (window, bounds) = (Window { from_us, until_us }, bounds.to_vec());
        let (visited, axes) = (ReadingsToVisit::All, RequestedAxes::Measured);
        let count = move |snapshot: &OpenSnapshot| count_readings(snapshot, &bounds);
        Box::pin(self.compute_admitted(query, subject, window, visited, axes, count)).await
    }
}

/// Counts rows between consecutive bounds.
fn count_hot(rows: &[Row], bounds: &[i64]) -> Vec<u64> {
    let mut counts = vec![0; bounds.len().saturating_sub(1)];
    for row in rows {
        let place = bounds.partition_point(|bound| *bound <= row.time_us).checked_sub(1);
        // All hot readings of a snapshot are inside its window.
        if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
            *count += 1;
        }
    }
    counts
}

/// Counts the readings of each device of a snapshot between consecutive bounds.
fn count_readings(snapshot: &OpenSnapshot, bounds: &[i64]) -> Result<Vec<(DeviceKey, Vec<u64>)>, ReadError> {
    let hot = snapshot.devices.iter().map(|device| (device.device.key, count_hot(&device.hot, bounds)));
    let mut counts: Vec<(DeviceKey, Vec<u64>)> = hot.collect();
    let at_once = spans_at_once(&snapshot.segments);
    let mut first = 0;
    while first + 1 < bounds.len() {
        let last = (first + at_once).min(bounds.len() - 1);
        let spans = snapshot.segments.cut(bounds.get(first..=last).unwrap_or_default())?;
        for (place, parts) in (first..).zip(spans.iter()) {
            for ((_, counts), own) in counts.iter_mut().zip(snapshot.by_device(parts)) {
                if let Some(count) = counts.get_mut(place) {
                    *count += own.iter().map(|part: &Part| part.rows.len() as u64).sum::<u64>();
                }
            }
        }
        first = last;
    }
    Ok(counts)
}
