//! What a computation looks at: a snapshot with the heads of its segments, and pages as it asks for them.

use std::sync::Arc;

use device_stats_domain::{Axes, Device, Wanted, Window};
use device_stats_segment::analysis::{AxisAnalysis, Group, Part, analyze, analyze_axis, cut};
use device_stats_segment::{ROW_PAGE, Row};
use device_stats_store::{DeviceSnapshot, SegmentEntry, StoreError, Subject};

use crate::compute::Weight;
use crate::segments::{OpenSegments, ReadError};
use crate::{Service, ServiceError};

/// How often a question is begun anew because a segment was merged away under it.
pub(crate) const ATTEMPTS_MAX: u32 = 10;

/// A snapshot whose segments can be read.
pub(crate) struct Opened {
    pub(crate) devices: Vec<OpenDevice>,
    pub(crate) segments: OpenSegments,
    /// How much work a computation over all of it is.
    pub(crate) weight: Weight,
}

/// The readings of one device in a snapshot.
pub(crate) struct OpenDevice {
    pub(crate) device: Device,
    /// Its segments, whole: some of their readings may lie outside of the window.
    pub(crate) parts: Vec<Part>,
    /// Its hot readings inside the window.
    pub(crate) hot: Vec<Row>,
}

/// How much of what lies in a window a computation has to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// What lies in segments that the window cuts, and hot readings.
    Ends,
    /// It may be everything.
    Everything,
}

/// The numbers of rows, a column an axis.
pub(crate) fn columns(rows: &[Row]) -> Axes<Vec<f64>> {
    let column = |number: fn(&Row) -> f64| rows.iter().map(number).collect();
    Axes { x: column(|row| row.values.x), y: column(|row| row.values.y), z: column(|row| row.values.z) }
}

impl Opened {
    /// For each of the consecutive spans `[bounds[n], bounds[n + 1])`, the parts of each device inside it.
    pub(crate) fn cut(&self, bounds: &[i64]) -> Result<Vec<Vec<Vec<Part>>>, ReadError> {
        let all: Vec<Part> = self.devices.iter().flat_map(|device| device.parts.iter().cloned()).collect();
        let ends: Vec<usize> = self
            .devices
            .iter()
            .scan(0, |end, device| {
                *end += device.parts.len();
                Some(*end)
            })
            .collect();
        let spans = cut(&all, bounds, &self.segments)?;
        let by_device = |parts: Vec<Part>| {
            let mut devices: Vec<Vec<Part>> = vec![Vec::new(); ends.len()];
            for part in parts {
                let device = ends.partition_point(|end| *end <= part.segment);
                if let Some(parts) = devices.get_mut(device) {
                    parts.push(part);
                }
            }
            devices
        };
        Ok(spans.into_iter().map(by_device).collect())
    }

    /// Analyzes all axes; of a heavy computation each on a core of its own.
    pub(crate) fn analyze(
        &self,
        groups: &[Group<'_>],
        wanted: &Wanted,
    ) -> Result<Axes<AxisAnalysis>, ReadError> {
        match self.weight {
            Weight::Light => analyze(groups, wanted, &self.segments),
            Weight::Heavy => self.weight.each_axis(|axis| analyze_axis(groups, axis, wanted, &self.segments)),
        }
    }
}

impl Service {
    /// Takes a snapshot and computes something of it, off the threads that serve connections.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        subject: Subject,
        window: Window,
        reach: Reach,
        computation: impl Fn(&Opened) -> Result<T, ReadError> + Send + Sync + 'static,
    ) -> Result<T, ServiceError> {
        let computation = Arc::new(computation);
        for _ in 0..ATTEMPTS_MAX {
            let snapshot = self.store.snapshot(subject, window).await?;
            let weight = self.compute.weigh(readings_to_look_at(&snapshot.devices, window, reach));
            let opened = match self.open(snapshot.devices, weight).await {
                Err(ReadError::Gone) => continue,
                opened => opened?,
            };
            let computation = Arc::clone(&computation);
            let computed = self.compute.run(weight, move || computation(&opened)).await;
            match computed.map_err(ServiceError::Died)? {
                Err(ReadError::Gone) => {}
                computed => return Ok(computed?),
            }
        }
        Err(merged_away().into())
    }

    async fn open(&self, devices: Vec<DeviceSnapshot>, weight: Weight) -> Result<Opened, ReadError> {
        let entries = devices
            .iter()
            .flat_map(|entry| entry.segments.iter().map(|segment| (entry.device.key, *segment)));
        let segments = self.segments.open(&entries.collect::<Vec<_>>()).await?;
        let mut place = 0;
        let mut opened = Vec::with_capacity(devices.len());
        for entry in devices {
            let mut parts = Vec::with_capacity(entry.segments.len());
            for _ in &entry.segments {
                let head = segments.head(place).ok_or(ReadError::Gone)?;
                parts.push(Part::new(place, Arc::clone(head)));
                place += 1;
            }
            opened.push(OpenDevice { device: entry.device, parts, hot: entry.hot });
        }
        Ok(Opened { devices: opened, segments, weight })
    }
}

/// The answer where segments go faster than they can be read.
pub(crate) fn merged_away() -> StoreError {
    StoreError::Unavailable("segments were merged again and again while they were read".into())
}

/// About how many readings a computation has to look at: of a whole segment as many as a page has.
fn readings_to_look_at(devices: &[DeviceSnapshot], window: Window, reach: Reach) -> u64 {
    let is_read = |segment: &SegmentEntry| {
        reach == Reach::Everything || segment.first_us < window.from_us || window.until_us <= segment.last_us
    };
    let of_segment = |segment: &SegmentEntry| {
        u64::from(if is_read(segment) { segment.readings } else { segment.readings.min(ROW_PAGE) })
    };
    let of_device =
        |entry: &DeviceSnapshot| entry.segments.iter().map(of_segment).sum::<u64>() + entry.hot.len() as u64;
    devices.iter().map(of_device).sum()
}
