//! The readings of a device at one moment, from the earliest to the latest, a span of time at a time. The catalogue of
//! segments is known from the beginning; their heads are opened when the walk reaches them.

use std::sync::Arc;

use device_stats_domain::limits::EXPORT_READINGS;
use device_stats_domain::{Device, DeviceId, Reading, Window};
use device_stats_segment::Row;
use device_stats_segment::analysis::{Part, cut, rows, span_end};
use device_stats_store::{SegmentEntry, StoreError, Subject};

use crate::queries::list::reading;
use crate::segments::{OpenSegments, ReadError, SegmentReader};
use crate::{Service, ServiceError};

/// The readings of a device that have not been handed out.
pub(crate) struct Walk {
    device: Device,
    /// Begins behind the last reading handed out.
    window: Window,
    /// Ascending in time.
    hot: Vec<Row>,
    /// By ascending first time; none of them ends before the window.
    segments: Vec<SegmentEntry>,
}

/// The next readings: about [`EXPORT_READINGS`], or as many as lie in a page of each segment here.
pub(crate) struct Span {
    device: Device,
    /// Ends later than the span may have to.
    window: Window,
    /// Those inside the window.
    hot: Vec<Row>,
    /// Those that touch the window.
    segments: Vec<SegmentEntry>,
}

/// A span whose segments can be read.
pub(crate) struct Ready {
    span: Span,
    segments: OpenSegments,
}

impl Walk {
    /// Takes the snapshot.
    pub(crate) async fn begin(
        service: &Service,
        device: Device,
        window: Window,
    ) -> Result<Self, ServiceError> {
        let snapshot = service.store.snapshot(Subject::Device(device.key), window).await?;
        let (mut hot, mut segments) = (Vec::new(), Vec::new());
        for found in snapshot.devices {
            hot.extend(found.hot);
            segments.extend(found.segments);
        }
        hot.sort_unstable_by_key(|row| row.time_us);
        Ok(Self { device, window, hot, segments })
    }

    /// The same with a new snapshot.
    pub(crate) async fn begin_anew(self, service: &Service) -> Result<Self, ServiceError> {
        Self::begin(service, self.device, self.window).await
    }

    /// The next readings; `None` behind the last one.
    pub(crate) fn next_span(&self) -> Option<Span> {
        let hot = self.hot_from(self.window.from_us);
        let first = hot.first().map(|row| row.time_us).into_iter();
        let first = first.chain(self.segments.first().map(|segment| segment.first_us)).min()?;
        let mut window = Window { from_us: first.max(self.window.from_us), ..self.window };
        if window.from_us >= window.until_us {
            return None;
        }
        let mut segments = Vec::new();
        let mut readings = 0;
        for segment in &self.segments {
            if segment.first_us > window.from_us && readings >= EXPORT_READINGS {
                window.until_us = window.until_us.min(segment.first_us);
                break;
            }
            readings = segment.readings.saturating_add(readings);
            segments.push(*segment);
        }
        if let Some(row) = hot.get(EXPORT_READINGS as usize) {
            window.until_us = window.until_us.min(row.time_us);
        }
        let hot = hot.iter().copied().take_while(|row| row.time_us < window.until_us).collect();
        Some(Span { device: self.device.clone(), window, hot, segments })
    }

    /// Everything before that moment has been handed out.
    pub(crate) fn go_on(&mut self, from_us: i64) {
        self.window.from_us = from_us;
        self.segments.retain(|segment| segment.last_us >= from_us);
    }

    fn hot_from(&self, from_us: i64) -> &[Row] {
        let before = self.hot.partition_point(|row| row.time_us < from_us);
        self.hot.get(before..).unwrap_or_default()
    }
}

impl Span {
    pub(crate) async fn open(self, reader: &Arc<SegmentReader>) -> Result<Ready, ReadError> {
        let entries: Vec<_> = self.segments.iter().map(|segment| (self.device.key, *segment)).collect();
        Ok(Ready { segments: reader.open(&entries).await?, span: self })
    }
}

impl Ready {
    /// Up to which moment the span goes, whose readings these are, and the readings in order of time. Not to be called on
    /// a thread of the runtime.
    pub(crate) fn read(self) -> Result<(i64, DeviceId, Vec<Reading>), ReadError> {
        let Span { device, window, hot, segments } = self.span;
        let heads = (0..segments.len()).filter_map(|place| Some((place, self.segments.head(place)?)));
        let parts: Vec<Part> = heads.map(|(place, head)| Part::new(place, Arc::clone(head))).collect();
        let until_us = span_end(&parts, window.from_us, window.until_us, EXPORT_READINGS);
        let inside = cut(&parts, &[window.from_us, until_us], &self.segments)?.pop().unwrap_or_default();
        let mut rows = rows(&inside, &self.segments)?;
        rows.extend(hot.into_iter().take_while(|row| row.time_us < until_us));
        // Takes runs that are in order as they are.
        rows.sort_by_key(|row| row.time_us);
        let readings = rows.into_iter().map(|row| reading(device.key, row));
        Ok((until_us, device.device_id, readings.collect::<Result<_, StoreError>>()?))
    }
}
