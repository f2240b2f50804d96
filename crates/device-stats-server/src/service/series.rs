//! Series: the summaries of the buckets of a window.

use device_stats_domain::{Axes, Device, DeviceKey, Grid, Page, Reading, Summary, Timestamp, User, Window};
use device_stats_segment::summarize;
use device_stats_store::{Snapshot, StoreError, Subject};

use super::analysis::{compute, pool};
use super::{Authorized, Service, ServiceError};

/// A bucket of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    /// Its span.
    pub window: Window,
    /// What is in it; `None` where no reading is.
    pub summaries: Option<Axes<Summary>>,
}

impl Service {
    /// The summaries of the readings of a device, bucket by bucket. An open end of the window is at its first or last
    /// reading there.
    ///
    /// # Errors
    /// [`ServiceError::NoReadings`] where there is no reading in the window, [`ServiceError::TooManyBuckets`].
    pub async fn series_device(
        &self,
        device: &Authorized<Device>,
        window: Window,
        grid: &Grid,
    ) -> Result<Vec<Bucket>, ServiceError> {
        self.series(Subject::Device(device.key), window, grid).await
    }

    /// The summaries of the readings of all devices of a user in one pool, likewise.
    ///
    /// # Errors
    /// [`ServiceError::NoReadings`] where there is no reading in the window, [`ServiceError::TooManyBuckets`].
    pub async fn series_user(
        &self,
        user: &Authorized<User>,
        window: Window,
        grid: &Grid,
    ) -> Result<Vec<Bucket>, ServiceError> {
        self.series(Subject::User(user.id), window, grid).await
    }

    async fn series(
        &self,
        subject: Subject,
        window: Window,
        grid: &Grid,
    ) -> Result<Vec<Bucket>, ServiceError> {
        let buckets = grid.buckets(self.bound(subject, window).await?)?;
        let summaries = self.summarize_windows(subject, &buckets).await?;
        if summaries.iter().all(Option::is_none) {
            return Err(ServiceError::NoReadings);
        }
        let buckets = buckets.into_iter().zip(summaries);
        Ok(buckets.map(|(window, summaries)| Bucket { window, summaries }).collect())
    }

    /// The same window, its open ends moved to the first and the last reading in it.
    async fn bound(&self, subject: Subject, window: Window) -> Result<Window, ServiceError> {
        if window.is_bounded() {
            return Ok(window);
        }
        let (first, last) = self.span(subject, window).await?.ok_or(ServiceError::NoReadings)?;
        Ok(window.bounded_by(first, last))
    }

    /// The times of the first and the last reading in a window, where there is one.
    async fn span(
        &self,
        subject: Subject,
        window: Window,
    ) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
        let mut span: Option<(Timestamp, Timestamp)> = None;
        for entry in self.store.snapshot(subject, window).await?.devices {
            let Ok(count) = i64::try_from(entry.hot.x.len()) else { continue };
            let first = self.nth_newest(entry.device.key, window, count - 1).await?;
            let last = self.nth_newest(entry.device.key, window, 0).await?;
            if let Some((first, last)) = first.zip(last) {
                span = Some(span.map_or((first.time, last.time), |(earliest, latest)| {
                    (earliest.min(first.time), latest.max(last.time))
                }));
            }
        }
        Ok(span)
    }

    async fn nth_newest(
        &self,
        device: DeviceKey,
        window: Window,
        skip: i64,
    ) -> Result<Option<Reading>, StoreError> {
        let page = Page { skip: skip.max(0), limit: 1 };
        Ok(self.store.list_readings(device, window, page).await?.into_iter().next())
    }

    /// The summaries of the readings in each window; `None` where there is none.
    async fn summarize_windows(
        &self,
        subject: Subject,
        windows: &[Window],
    ) -> Result<Vec<Option<Axes<Summary>>>, ServiceError> {
        let mut summaries = Vec::with_capacity(windows.len());
        for window in windows {
            let snapshot = self.store.snapshot(subject, *window).await?;
            summaries.push(compute(move || summarize_pool(snapshot)).await?);
        }
        Ok(summaries)
    }
}

fn summarize_pool(snapshot: Snapshot) -> Option<Axes<Summary>> {
    pool(snapshot).map(|mut column| summarize(&mut column)).all()
}
