//! Series: the summaries of consecutive buckets of a window.

use device_stats_domain::{Axes, Grid, RequestedStatistics, Summary, Timestamp, Window};
use device_stats_segment::Row;
use device_stats_segment::analysis::{Group, Part, analyze};

use super::snapshot::{OpenSnapshot, ReadingsToVisit, columns};
use crate::access::principal::Authorized;
use crate::access::reading_source::ReadingSource;
use crate::error::ServiceError;
use crate::segments::reader::ReadError;
use crate::service::Service;

/// A bucket of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    /// The span of time of the bucket.
    pub window: Window,
    /// The summaries of the readings in the bucket; `None` if it is empty.
    pub summaries: Option<Axes<Summary>>,
}

impl Service {
    /// Summarizes the readings of each bucket of a window, all devices together. An open start or end of the
    /// window is moved to the first or last reading.
    ///
    /// # Errors
    /// [`ServiceError::NoReadings`], [`ServiceError::TooManyBuckets`].
    pub async fn series(
        &self,
        source: &Authorized<ReadingSource>,
        window: Window,
        grid: &Grid,
    ) -> Result<Vec<Bucket>, ServiceError> {
        let grid = grid.clone();
        let visited = ReadingsToVisit::All;
        let summarized = self.compute_on_snapshot(source.subject(), window, visited, move |snapshot| {
            let Some(window) = bounded_window(snapshot)? else { return Ok(Ok(Vec::new())) };
            match grid.buckets(window) {
                Ok(windows) => summarize_buckets(snapshot, windows).map(Ok),
                Err(too_many) => Ok(Err(too_many)),
            }
        });
        let buckets = summarized.await??;
        if buckets.iter().all(|bucket| bucket.summaries.is_none()) {
            return Err(ServiceError::NoReadings);
        }
        Ok(buckets)
    }
}

/// Returns the window with an open start or end moved to the first or last reading; `None` if there is no
/// reading.
fn bounded_window(snapshot: &OpenSnapshot) -> Result<Option<Window>, ReadError> {
    let window = snapshot.window;
    if window.is_bounded() {
        return Ok(Some(window));
    }
    let parts = snapshot.segments.cut_window(window)?;
    // A segment may extend beyond a bound of the window. Its span is cut there, because a given bound does
    // not move.
    let sealed = parts.iter().flat_map(|part| {
        [part.head.first_us().max(window.from_us), part.head.last_us().min(window.until_us)]
    });
    let hot = snapshot.devices.iter().flat_map(|device| device.hot.iter().map(|row| row.time_us));
    let mut span: Option<(i64, i64)> = None;
    for time_us in sealed.chain(hot) {
        let (first, last) = span.unwrap_or((time_us, time_us));
        span = Some((first.min(time_us), last.max(time_us)));
    }
    let Some((first, last)) = span else { return Ok(None) };
    let timestamp = |time_us| {
        Timestamp::from_micros(time_us)
            .map_err(|_| ReadError::broken("the time of a stored reading is out of range"))
    };
    Ok(Some(window.bounded_by(timestamp(first)?, timestamp(last)?)))
}

/// Summarizes the readings of consecutive windows.
fn summarize_buckets(snapshot: &OpenSnapshot, windows: Vec<Window>) -> Result<Vec<Bucket>, ReadError> {
    let Some(first) = windows.first() else { return Ok(Vec::new()) };
    let bounds: Vec<i64> =
        [first.from_us].into_iter().chain(windows.iter().map(|window| window.until_us)).collect();
    let parts = snapshot.segments.cut(&bounds)?;
    if parts.len() != windows.len() {
        return Err(ReadError::broken("segments cut at n + 1 bounds do not have n spans"));
    }
    let mut hot = snapshot.hot();
    hot.sort_unstable_by_key(|row| row.time_us);
    let (_, mut later) = hot.split_at(hot.partition_point(|row| row.time_us < first.from_us));
    let mut buckets: Vec<(Window, Vec<Part>, &[Row])> = Vec::with_capacity(windows.len());
    for (window, parts) in windows.into_iter().zip(parts) {
        let inside;
        (inside, later) = later.split_at(later.partition_point(|row| row.time_us < window.until_us));
        buckets.push((window, parts, inside));
    }
    snapshot.weight.each(buckets, |(window, parts, hot)| {
        let hot = columns(hot);
        let group = Group { parts: &parts, hot: &hot };
        let axes = analyze(&[group], &RequestedStatistics::default(), &snapshot.segments)?;
        let axes = axes.map(|found| found.all.map(|statistics| statistics.summary));
        Ok(Bucket { window, summaries: axes.all() })
    })
}
