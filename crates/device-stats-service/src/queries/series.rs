//! Series: the statistics of consecutive buckets of a window.

use device_stats_domain::{
    AxisResults, Division, Interval, RequestedStatistics, Statistics, Timestamp, TooManyBuckets, Window,
};
use device_stats_segment::analysis::{Group, MemoryLimits, PagesAhead, Part, analyze, analyze_axis};
use device_stats_segment::{MAGNITUDE, Row};

use super::reading_span::{RankedTimes, ReadingSpan};
use super::snapshot::{OpenSnapshot, ReadingsToVisit, columns};
use crate::access::reading_source::ReadingSource;
use crate::access::{Authorized, Read};
use crate::compute::Weight;
use crate::error::ServiceError;
use crate::segments::reader::{OpenSegments, ReadError};
use crate::service::Service;

/// Maximum number of parts of segments in memory at once, of 40 bytes each. It limits the number of buckets
/// that are cut together.
const PARTS_AT_ONCE: usize = 512 * 1024;

/// Number of tasks per thread. With more tasks, the threads end at nearly the same time; with fewer, a task
/// has more buckets, which share pages.
const TASKS_PER_THREAD: usize = 8;

/// The buckets of a period.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Length of a bucket.
    pub interval: Interval,
    /// The buckets that contain times of the period, in order of time and without gaps.
    pub buckets: Vec<Bucket>,
}

/// A bucket of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    /// The span of time of the bucket. It may extend beyond the period.
    pub window: Window,
    /// The statistics of the readings in the bucket and the period; `None` if there are none.
    pub statistics: Option<AxisResults<Statistics>>,
}

/// A bucket and its readings.
struct CutBucket<'s> {
    window: Window,
    parts: &'s [Part],
    hot: &'s [Row],
}

/// Error for a period with too many buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct SeriesTooLong {
    /// The number of buckets.
    pub error: TooManyBuckets,
    /// The times of the readings in the period.
    pub readings: Option<ReadingSpan>,
}

impl Service {
    /// Analyzes the readings of each bucket of a window, all devices together. An open start or end of the
    /// window is moved to the first or last reading.
    ///
    /// # Errors
    /// [`ServiceError::NoReadings`], [`ServiceError::SeriesTooLong`].
    pub async fn series(
        &self,
        source: &Authorized<ReadingSource, Read>,
        window: Window,
        division: &Division,
        wanted: &RequestedStatistics,
    ) -> Result<Series, ServiceError> {
        let (division, wanted, axes) = (division.clone(), wanted.clone(), wanted.axes);
        let (subject, visited) = (source.subject(), ReadingsToVisit::All);
        let analyzed = self.compute_on_snapshot(subject, window, visited, axes, move |snapshot| {
            let window = bounded_window(snapshot)?;
            let grid = division.grid(window.unwrap_or(Window { from_us: 0, until_us: 0 }));
            let interval = grid.interval();
            let Some(window) = window else { return Ok(Ok(Series { interval, buckets: Vec::new() })) };
            match grid.buckets(window) {
                Ok(buckets) => analyze_buckets(snapshot, window, &buckets, &wanted)
                    .map(|buckets| Ok(Series { interval, buckets })),
                Err(error) => Ok(Err(SeriesTooLong { error, readings: RankedTimes::new(snapshot)?.span()? })),
            }
        });
        let series = analyzed.await??;
        if series.buckets.iter().all(|bucket| bucket.statistics.is_none()) {
            return Err(ServiceError::NoReadings);
        }
        Ok(series)
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

/// Returns the number of spans into which segments can be cut at once, with few parts in memory.
pub(super) fn spans_at_once(segments: &OpenSegments) -> usize {
    (PARTS_AT_ONCE / segments.len().max(1)).max(1)
}

/// Analyzes the readings of a window in consecutive buckets.
fn analyze_buckets(
    snapshot: &OpenSnapshot,
    window: Window,
    buckets: &[Window],
    wanted: &RequestedStatistics,
) -> Result<Vec<Bucket>, ReadError> {
    let mut hot = snapshot.hot();
    hot.sort_unstable_by_key(|row| row.time_us);
    // All hot readings of a snapshot are inside its window.
    let mut later = hot.as_slice();
    let mut from_us = window.from_us;
    let mut analyzed = Vec::with_capacity(buckets.len());
    for buckets in buckets.chunks(spans_at_once(&snapshot.segments)) {
        let ends = buckets.iter().map(|bucket| bucket.until_us.min(window.until_us));
        let bounds: Vec<i64> = [from_us].into_iter().chain(ends).collect();
        from_us = bounds.last().copied().unwrap_or(from_us);
        let spans = snapshot.segments.cut(&bounds)?;
        if spans.len() != buckets.len() {
            return Err(ReadError::broken("segments cut at n + 1 bounds do not have n spans"));
        }
        let mut cut_buckets = Vec::with_capacity(buckets.len());
        for (window, parts) in buckets.iter().zip(spans.iter()) {
            let hot;
            (hot, later) = later.split_at(later.partition_point(|row| row.time_us < window.until_us));
            cut_buckets.push(CutBucket { window: *window, parts, hot });
        }
        let threads = snapshot.weight.threads();
        let tasks = if threads == 1 { 1 } else { threads * TASKS_PER_THREAD };
        let tasks = cut_buckets.chunks(cut_buckets.len().div_ceil(tasks).max(1)).collect();
        let of_tasks = snapshot.weight.each(tasks, |buckets| analyze_task(snapshot, buckets, wanted))?;
        analyzed.extend(of_tasks.into_iter().flatten());
    }
    Ok(analyzed)
}

/// Analyzes consecutive buckets. Reads the pages of codes of as many as possible with one request.
fn analyze_task(
    snapshot: &OpenSnapshot,
    buckets: &[CutBucket<'_>],
    wanted: &RequestedStatistics,
) -> Result<Vec<Bucket>, ReadError> {
    // The pages that a task has read ahead are the codes that its analyses may hold.
    let limits = MemoryLimits::one_of(snapshot.weight.threads());
    let mut analyzed = Vec::with_capacity(buckets.len());
    let mut left = buckets;
    while !left.is_empty() {
        let analyses = left.iter().map(|bucket| snapshot.codes_of(bucket.parts));
        let (pages, together) = PagesAhead::read(analyses, limits, &snapshot.segments)?;
        let next;
        (next, left) = left.split_at(together.min(left.len()));
        for bucket in next {
            let statistics = analyze_bucket(snapshot, bucket, wanted, limits, &pages)?;
            analyzed.push(Bucket { window: bucket.window, statistics });
        }
    }
    Ok(analyzed)
}

/// Analyzes the readings of a bucket; `None` without readings.
fn analyze_bucket(
    snapshot: &OpenSnapshot,
    bucket: &CutBucket<'_>,
    wanted: &RequestedStatistics,
    limits: MemoryLimits,
    pages: &PagesAhead<'_, OpenSegments>,
) -> Result<Option<AxisResults<Statistics>>, ReadError> {
    let hot = columns(bucket.hot);
    let group = Group { parts: bucket.parts, hot: &hot };
    let axes = || analyze(&[group], wanted, limits, pages);
    // One after the other: while a task waited for another thread, it could begin a second task.
    let found = snapshot.each_requested(Weight::Light, axes, || {
        let magnitudes = snapshot.magnitudes(group)?;
        analyze_axis(&[magnitudes.group()], MAGNITUDE, wanted, limits, pages)
    })?;
    Ok(found.map(|found| found.all).all())
}
