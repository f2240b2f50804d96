//! Reading readings back.

use std::sync::Arc;

use device_stats_domain::{Axes, Device, DeviceKey, Finite, Page, Reading, ReadingId, Timestamp, Window};
use device_stats_segment::Row;
use device_stats_segment::analysis::{Part, cut, newest};
use device_stats_store::{NewestReadings, SegmentEntry, StoreError};

use crate::compute::Weight;
use crate::queries::snapshot::{ATTEMPTS_MAX, merged_away};
use crate::segments::ReadError;
use crate::{Authorized, Service, ServiceError};

impl Service {
    /// A page of the readings of a device inside the window, newest first. What is skipped in segments is counted, not
    /// read.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list_readings(
        &self,
        device: &Authorized<Device>,
        window: Window,
        page: Page,
    ) -> Result<Vec<Reading>, ServiceError> {
        self.newest(device.key, window, page).await
    }

    /// The reading of a device at that time, if there is one.
    pub(crate) async fn find_reading(
        &self,
        device: DeviceKey,
        time: Timestamp,
    ) -> Result<Option<Reading>, ServiceError> {
        let window = Window { from_us: time.micros(), until_us: time.micros() + 1 };
        let found = self.newest(device, window, Page { skip: 0, limit: 1 }).await?;
        Ok(found.into_iter().next())
    }

    pub(crate) async fn newest(
        &self,
        device: DeviceKey,
        window: Window,
        page: Page,
    ) -> Result<Vec<Reading>, ServiceError> {
        let count = end(page);
        for _ in 0..ATTEMPTS_MAX {
            let known = self.store.list_newest(device, window, count).await?;
            match self.page_of(device, window, page, known).await? {
                Err(ReadError::Gone) => {}
                Err(ReadError::Store(error)) => return Err(error.into()),
                Ok(rows) => {
                    let readings = rows.into_iter().map(|row| reading(device, row));
                    return Ok(readings.collect::<Result<_, _>>()?);
                }
            }
        }
        Err(merged_away().into())
    }

    async fn page_of(
        &self,
        device: DeviceKey,
        window: Window,
        page: Page,
        known: NewestReadings,
    ) -> Result<Result<Vec<Row>, ReadError>, ServiceError> {
        let needed = needed(known.segments, window, end(page));
        let entries: Vec<_> = needed.into_iter().map(|segment| (device, segment)).collect();
        let segments = match self.segments.open(&entries).await {
            Ok(segments) => segments,
            Err(error) => return Ok(Err(error)),
        };
        let listed = self.compute.run(Weight::Light, move || {
            let heads = (0..entries.len()).filter_map(|place| Some((place, segments.head(place)?)));
            let parts: Vec<Part> = heads.map(|(place, head)| Part::new(place, Arc::clone(head))).collect();
            let inside = cut(&parts, &[window.from_us, window.until_us], &segments)?.pop();
            newest(&inside.unwrap_or_default(), &known.hot, skip(page), page.limit, &segments)
        });
        listed.await.map_err(ServiceError::Died)
    }
}

/// How many entries come before the page.
fn skip(page: Page) -> u64 {
    u64::try_from(page.skip).unwrap_or(0)
}

/// How many entries come before the end of the page.
fn end(page: Page) -> u64 {
    skip(page).saturating_add(page.limit.into())
}

/// The segments that may hold one of the `count` newest readings: those that do not end before so many others begin.
fn needed(mut segments: Vec<SegmentEntry>, window: Window, count: u64) -> Vec<SegmentEntry> {
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

/// A stored row is a reading, unless the store is broken.
pub(crate) fn reading(device: DeviceKey, row: Row) -> Result<Reading, StoreError> {
    let broken = || StoreError::Broken("a stored reading has a number or a time that none can have".into());
    let number = |number: f64| Finite::new(number).map_err(|_| broken());
    let Axes { x, y, z } = row.values.map(number);
    Ok(Reading {
        device,
        id: ReadingId(row.id),
        time: Timestamp::from_micros(row.time_us).map_err(|_| broken())?,
        values: Axes { x: x?, y: y?, z: z? },
    })
}
