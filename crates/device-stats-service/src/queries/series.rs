//! Series: the summaries of the buckets of a window.

use device_stats_domain::{Axes, Device, Grid, Summary, Timestamp, User, Wanted, Window};
use device_stats_segment::Row;
use device_stats_segment::analysis::{Group, Part, analyze};
use device_stats_store::Subject;

use crate::queries::snapshot::{Opened, Reach, columns};
use crate::segments::ReadError;
use crate::{Authorized, Service, ServiceError};

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
        let grid = grid.clone();
        let found = self.look(subject, window, Reach::Everything, move |opened| {
            let Some(window) = bound(opened, window)? else { return Ok(Ok(Vec::new())) };
            match grid.buckets(window) {
                Ok(buckets) => summarize(opened, buckets).map(Ok),
                Err(too_many) => Ok(Err(too_many)),
            }
        });
        let buckets = found.await??;
        if buckets.iter().all(|bucket| bucket.summaries.is_none()) {
            return Err(ServiceError::NoReadings);
        }
        Ok(buckets)
    }
}

/// The same window, its open ends moved to the first and the last reading in it; `None` where there is no reading.
fn bound(opened: &Opened, window: Window) -> Result<Option<Window>, ReadError> {
    if window.is_bounded() {
        return Ok(Some(window));
    }
    let inside = opened.cut(&[window.from_us, window.until_us])?.pop().unwrap_or_default();
    // A part that the window cuts ends where the window does, and then its end is not open.
    let sealed = inside.iter().flatten().flat_map(|part| {
        [part.head.first_us().max(window.from_us), part.head.last_us().min(window.until_us)]
    });
    let hot = opened.devices.iter().flat_map(|device| device.hot.iter().map(|row| row.time_us));
    let times = sealed.chain(hot).filter_map(|time_us| Timestamp::from_micros(time_us).ok());
    let span = times.map(|time| (time, time)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    Ok(span.map(|(first, last)| window.bounded_by(first, last)))
}

/// The summaries of the pool of all devices in each of these consecutive windows.
fn summarize(opened: &Opened, windows: Vec<Window>) -> Result<Vec<Bucket>, ReadError> {
    let first = windows.first().map(|window| window.from_us);
    let bounds: Vec<i64> = first.into_iter().chain(windows.iter().map(|window| window.until_us)).collect();
    let parts = opened.cut(&bounds)?.into_iter().map(|devices| devices.concat());
    let mut hot: Vec<Row> = opened.devices.iter().flat_map(|device| device.hot.iter().copied()).collect();
    hot.sort_unstable_by_key(|row| row.time_us);
    let spans: Vec<(Window, Vec<Part>, &[Row])> = windows
        .into_iter()
        .zip(parts)
        .map(|(window, parts)| {
            let from = hot.partition_point(|row| row.time_us < window.from_us);
            let until = hot.partition_point(|row| row.time_us < window.until_us);
            (window, parts, hot.get(from..until).unwrap_or_default())
        })
        .collect();
    opened.weight.each(spans, |(window, parts, hot)| {
        let hot = columns(hot);
        let group = Group { parts: &parts, hot: &hot };
        let axes = analyze(&[group], &Wanted::default(), &opened.segments)?;
        let axes = axes.map(|found| found.all.map(|statistics| statistics.summary));
        Ok(Bucket { window, summaries: axes.all() })
    })
}
