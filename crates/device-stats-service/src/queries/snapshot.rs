//! Computations on a snapshot of the store.

use std::collections::HashSet;
use std::sync::Arc;

use device_stats_domain::{Axes, Axis, AxisResults, Device, RequestedAxes, RequestedStatistics, Window};
use device_stats_segment::analysis::{
    AxisAnalysis, Group, MemoryLimits, Part, SegmentPage, analyze, analyze_axis, codes_of, rows,
};
use device_stats_segment::{MAGNITUDE, ROW_PAGE, Row, hot_magnitudes};
use device_stats_store::{DeviceSnapshot, SegmentEntry, Subject};

use super::memory::snapshot_bytes;
use crate::admission::Query;
use crate::compute::Weight;
use crate::error::ServiceError;
use crate::limits::SEGMENTS_DECODED_AT_ONCE;
use crate::sealing::merge_pause::MergePause;
use crate::segments::reader::{OpenSegments, ReadError};
use crate::service::Service;

/// Maximum number of attempts of a query. An attempt fails if a segment is merged before it is read.
pub(crate) const ATTEMPTS_MAX: u32 = 10;
/// Number of failed attempts of a query after which its further attempts pause the merges of this node.
const MERGES_PAUSE_FROM: u32 = 3;

/// A snapshot whose segments can be read.
pub(super) struct OpenSnapshot {
    pub(super) window: Window,
    pub(super) devices: Vec<OpenDevice>,
    /// The segments of all devices. They are not cut: some of their readings may be outside the window.
    pub(super) segments: OpenSegments,
    /// The weight of the computation.
    pub(super) weight: Weight,
    /// The axes of the result. A snapshot can compute magnitudes only if they were requested.
    axes: RequestedAxes,
}

/// One device of a snapshot.
pub(super) struct OpenDevice {
    pub(super) device: Device,
    /// The position after the last segment of the device in [`OpenSnapshot::segments`].
    segments_end: usize,
    /// The hot readings of the device inside the window.
    pub(super) hot: Vec<Row>,
}

/// The magnitudes of the readings of a group.
pub(super) struct Magnitudes {
    /// Parts of derived segments.
    parts: Vec<Part>,
    /// The magnitudes of the hot readings.
    hot: Axes<Vec<f64>>,
}

impl Magnitudes {
    /// Returns the group whose [`MAGNITUDE`] axis has the magnitudes.
    pub(super) fn group(&self) -> Group<'_> {
        Group { parts: &self.parts, hot: &self.hot }
    }
}

/// The readings of a window that a computation visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadingsToVisit {
    /// Readings of the segments that the window cuts, and hot readings.
    AtWindowEnds,
    /// All readings.
    All,
}

/// Returns the values of rows, by axis.
pub(super) fn columns(rows: &[Row]) -> Axes<Vec<f64>> {
    let column = |number: fn(&Row) -> f64| rows.iter().map(number).collect();
    Axes { x: column(|row| row.values.x), y: column(|row| row.values.y), z: column(|row| row.values.z) }
}

impl OpenSnapshot {
    /// Divides parts into the parts of each device. The parts are ordered by segment.
    pub(super) fn by_device<'p>(&self, parts: &'p [Part]) -> Vec<&'p [Part]> {
        let mut left = parts;
        let own = self.devices.iter().map(|device| {
            let end = left.partition_point(|part| part.segment < device.segments_end);
            let own;
            (own, left) = left.split_at(end);
            own
        });
        own.collect()
    }

    /// Returns the hot readings of all devices.
    pub(super) fn hot(&self) -> Vec<Row> {
        self.devices.iter().flat_map(|device| device.hot.iter().copied()).collect()
    }

    /// Analyzes all requested axes, in parallel if the computation is heavy.
    pub(super) fn analyze(
        &self,
        groups: &[Group<'_>],
        wanted: &RequestedStatistics,
    ) -> Result<AxisResults<AxisAnalysis>, ReadError> {
        let limits = MemoryLimits::ONE_OF_FOUR;
        let axes = || match self.weight {
            Weight::Light => analyze(groups, wanted, limits, &self.segments),
            Weight::Heavy => {
                self.weight.each_axis(|axis| analyze_axis(groups, axis, wanted, limits, &self.segments))
            }
        };
        self.each_requested(self.weight, axes, || {
            let magnitudes = groups.iter().map(|group| self.magnitudes(*group));
            let magnitudes: Vec<Magnitudes> = magnitudes.collect::<Result<_, _>>()?;
            let groups: Vec<Group<'_>> = magnitudes.iter().map(Magnitudes::group).collect();
            analyze_axis(&groups, MAGNITUDE, wanted, limits, &self.segments)
        })
    }

    /// Computes the results of the three axes and, if requested, of the magnitude; both in parallel if
    /// `weight` is heavy.
    pub(super) fn each_requested<T: Send>(
        &self,
        weight: Weight,
        axes: impl FnOnce() -> Result<Axes<T>, ReadError> + Send,
        magnitude: impl FnOnce() -> Result<T, ReadError> + Send,
    ) -> Result<AxisResults<T>, ReadError> {
        let magnitude = || match self.axes {
            RequestedAxes::Measured => Ok(None),
            RequestedAxes::WithMagnitude => magnitude().map(Some),
        };
        let (axes, magnitude) = weight.both(axes, magnitude);
        Ok(AxisResults { axes: axes?, magnitude: magnitude? })
    }

    /// Returns the pages of codes that an analysis of parts requests: of the axes and, if requested, of the
    /// magnitude.
    pub(super) fn codes_of(&self, parts: &[Part]) -> Result<Vec<SegmentPage>, ReadError> {
        let mut pages = codes_of(parts, &Axis::ALL);
        if self.axes == RequestedAxes::WithMagnitude {
            for part in parts {
                let derived = self.segments.derived_part(part)?;
                pages.extend(codes_of(derived.as_slice(), &[MAGNITUDE]));
            }
        }
        Ok(pages)
    }

    /// Returns the magnitudes of the readings of a group, if they are requested. The readings of segments
    /// without a derived segment are few; they are decoded, and count as hot readings.
    pub(super) fn magnitudes(&self, group: Group<'_>) -> Result<Magnitudes, ReadError> {
        let (mut derived, mut small) = (Vec::with_capacity(group.parts.len()), Vec::new());
        for part in group.parts {
            match self.segments.derived_part(part)? {
                Some(part) => derived.push(part),
                None => small.push(part.clone()),
            }
        }
        let mut hot = hot_magnitudes(group.hot);
        for parts in small.chunks(SEGMENTS_DECODED_AT_ONCE) {
            let rows = rows(parts, MemoryLimits::ONE_OF_FOUR, &self.segments)?;
            hot.x.extend(hot_magnitudes(&columns(&rows)).x);
        }
        Ok(Magnitudes { parts: derived, hot })
    }
}

impl Service {
    /// Pauses the merges of this node until the result is dropped, if [`MERGES_PAUSE_FROM`] or more attempts
    /// of a query have failed.
    pub(super) fn pause_merges(&self, attempts: u32) -> Option<MergePause> {
        (attempts >= MERGES_PAUSE_FROM).then(|| self.parts.merge_pauses.begin())
    }

    /// Takes a snapshot and runs a computation on it, on the threads for computations, within the limits on
    /// queries. If magnitudes are requested, first computes the derived segments that are not stored yet. If
    /// a segment is merged meanwhile, takes a new snapshot and starts again, up to [`ATTEMPTS_MAX`] times in
    /// total. After [`MERGES_PAUSE_FROM`] failed attempts, it pauses the merges of this node. Also starts
    /// again after it has discarded a corrupt derived segment, once for each such segment.
    ///
    /// # Errors
    /// [`ServiceError::TooManyAnalyses`], [`ServiceError::QueryTimedOut`]; the errors of the computation.
    pub(super) async fn compute_on_snapshot<T: Send + 'static>(
        &self,
        subject: Subject,
        window: Window,
        visited: ReadingsToVisit,
        axes: RequestedAxes,
        computation: impl Fn(&OpenSnapshot) -> Result<T, ReadError> + Send + Sync + 'static,
    ) -> Result<T, ServiceError> {
        let query = self.parts.admission.admit_query()?;
        let admitted = self.compute_admitted(&query, subject, window, visited, axes, computation);
        query.run(Box::pin(admitted)).await
    }

    /// Runs a computation of a query that is already admitted, like [`Self::compute_on_snapshot`].
    pub(super) async fn compute_admitted<T: Send + 'static>(
        &self,
        query: &Query,
        subject: Subject,
        window: Window,
        visited: ReadingsToVisit,
        axes: RequestedAxes,
        computation: impl Fn(&OpenSnapshot) -> Result<T, ReadError> + Send + Sync + 'static,
    ) -> Result<T, ServiceError> {
        let computation = Arc::new(computation);
        let mut discarded = HashSet::new();
        let mut attempts = 0;
        while attempts < ATTEMPTS_MAX {
            let _pause = self.pause_merges(attempts);
            let snapshot = self.parts.store.snapshot(subject.clone(), window).await?;
            let hot = snapshot.devices.iter().map(|device| device.hot.len()).sum();
            let segments = snapshot.devices.iter().flat_map(|device| &device.segments);
            query.grow_to(snapshot_bytes(hot, segments, axes))?;
            let weight = self.parts.compute.weigh(count_readings(&snapshot.devices, window, visited));
            let opened = self.open_snapshot(window, snapshot.devices, weight, axes).await;
            let computed = match opened {
                Ok(opened) => {
                    let segments = opened.segments.for_query(query.handle());
                    let opened = OpenSnapshot { segments, ..opened };
                    let computation = Arc::clone(&computation);
                    let computed = self.parts.compute.run(weight, move || computation(&opened)).await;
                    computed.map_err(ServiceError::ComputationFailed)?
                }
                Err(error) => Err(error),
            };
            match computed {
                Err(ReadError::Gone) => attempts += 1,
                Err(ReadError::CorruptDerived(key, error)) if discarded.insert(key) => {
                    self.discard_derived(key, &error).await?;
                }
                computed => return Ok(computed?),
            }
        }
        Err(ServiceError::segments_merged_repeatedly())
    }

    async fn open_snapshot(
        &self,
        window: Window,
        devices: Vec<DeviceSnapshot>,
        weight: Weight,
        axes: RequestedAxes,
    ) -> Result<OpenSnapshot, ReadError> {
        let mut entries = Vec::new();
        let mut opened = Vec::with_capacity(devices.len());
        for DeviceSnapshot { device, hot, segments } in devices {
            entries.extend(segments.into_iter().map(|segment| (device.key, segment)));
            opened.push(OpenDevice { device, segments_end: entries.len(), hot });
        }
        let segments = match axes {
            RequestedAxes::Measured => self.parts.segments.open(&entries).await?,
            RequestedAxes::WithMagnitude => self.open_with_derived(&entries).await?,
        };
        Ok(OpenSnapshot { window, devices: opened, segments, weight, axes })
    }
}

/// Returns the approximate number of readings that a computation visits. If it visits only the ends of the
/// window, a whole segment counts as one page.
fn count_readings(devices: &[DeviceSnapshot], window: Window, visited: ReadingsToVisit) -> u64 {
    let is_visited = |segment: &SegmentEntry| {
        visited == ReadingsToVisit::All
            || segment.first_us < window.from_us
            || window.until_us <= segment.last_us
    };
    let in_segment = |segment: &SegmentEntry| {
        u64::from(if is_visited(segment) { segment.readings } else { segment.readings.min(ROW_PAGE) })
    };
    let in_device =
        |entry: &DeviceSnapshot| entry.segments.iter().map(in_segment).sum::<u64>() + entry.hot.len() as u64;
    devices.iter().map(in_device).sum()
}
