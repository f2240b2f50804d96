//! The export of one device: a snapshot of its readings, read by ascending time in consecutive spans. The
//! head of a segment is opened when the export reaches the segment.

use std::sync::Arc;

use device_stats_domain::{Device, DeviceId, Reading, Window};
use device_stats_segment::Row;
use device_stats_segment::analysis::{MemoryLimits, rows, span_end};
use device_stats_store::{SegmentEntry, Store, StoreError, Subject};

use crate::limits::{EXPORT_HOT_READINGS_MAX, EXPORT_SPAN_READINGS};
use crate::queries::list::stored_reading;
use crate::segments::reader::{OpenSegments, ReadError, SegmentReader};

/// The readings of a device that are not exported yet.
pub(super) struct DeviceExport {
    device: Device,
    /// The window of the snapshot that is not exported yet. It begins after the last exported reading.
    window: Window,
    /// End of the window of the export. It is after the end of `window` if the device has too many hot
    /// readings.
    end_us: i64,
    /// By ascending time; up to [`EXPORT_HOT_READINGS_MAX`].
    hot: Vec<Row>,
    /// By ascending first time. Each segment ends inside or after the window.
    segments: Vec<SegmentEntry>,
}

/// A span of time with the next readings to export: about [`EXPORT_SPAN_READINGS`], or one page of each
/// segment if that is more.
pub(super) struct ExportSpan {
    device: Device,
    /// The window of the span. [`OpenExportSpan::read`] may end the span earlier.
    window: Window,
    /// The hot readings inside the window.
    hot: Vec<Row>,
    /// The segments that touch the window.
    segments: Vec<SegmentEntry>,
}

/// A span whose segments can be read.
pub(super) struct OpenExportSpan {
    span: ExportSpan,
    segments: OpenSegments,
}

impl DeviceExport {
    /// Takes a snapshot of the readings of a device.
    pub(super) async fn new(
        store: &Arc<dyn Store>,
        device: Device,
        window: Window,
    ) -> Result<Self, StoreError> {
        let snapshot = store.snapshot(Subject::Device(device.key), window).await?;
        let (mut hot, mut segments) = (Vec::new(), Vec::new());
        for found in snapshot.devices {
            hot.extend(found.hot);
            segments.extend(found.segments);
        }
        hot.sort_unstable_by_key(|row| row.time_us);
        let until_us = hot.get(EXPORT_HOT_READINGS_MAX).map_or(window.until_us, |row| row.time_us);
        // A client may read slowly, and the export holds the readings as long.
        hot.truncate(EXPORT_HOT_READINGS_MAX);
        hot.shrink_to_fit();
        segments.retain(|segment| segment.first_us < until_us);
        Ok(Self { device, window: Window { until_us, ..window }, end_us: window.until_us, hot, segments })
    }

    /// Returns the device.
    pub(super) fn device(&self) -> &Device {
        &self.device
    }

    /// Takes a new snapshot of the readings that are not exported yet.
    pub(super) async fn with_new_snapshot(self, store: &Arc<dyn Store>) -> Result<Self, StoreError> {
        let window = Window { from_us: self.window.from_us, until_us: self.end_us };
        Self::new(store, self.device, window).await
    }

    /// Takes a snapshot of the readings after the window of this one; `None` if there is no such time.
    pub(super) async fn with_next_snapshot(self, store: &Arc<dyn Store>) -> Result<Option<Self>, StoreError> {
        let window = Window { from_us: self.window.until_us, until_us: self.end_us };
        if window.from_us >= window.until_us {
            return Ok(None);
        }
        Self::new(store, self.device, window).await.map(Some)
    }

    /// Returns the next span; `None` after the last reading.
    pub(super) fn next_span(&self) -> Option<ExportSpan> {
        let exported = self.hot.partition_point(|row| row.time_us < self.window.from_us);
        let (_, hot) = self.hot.split_at(exported);
        let first = hot.first().map(|row| row.time_us).into_iter();
        let first = first.chain(self.segments.first().map(|segment| segment.first_us)).min()?;
        let mut window = Window { from_us: first.max(self.window.from_us), ..self.window };
        if window.from_us >= window.until_us {
            return None;
        }
        let mut segments = Vec::new();
        let mut readings = 0;
        for segment in &self.segments {
            if segment.first_us > window.from_us && readings >= EXPORT_SPAN_READINGS {
                window.until_us = window.until_us.min(segment.first_us);
                break;
            }
            readings = segment.readings.saturating_add(readings);
            segments.push(*segment);
        }
        if let Some(row) = hot.get(EXPORT_SPAN_READINGS as usize) {
            window.until_us = window.until_us.min(row.time_us);
        }
        let hot = hot.iter().copied().take_while(|row| row.time_us < window.until_us).collect();
        Some(ExportSpan { device: self.device.clone(), window, hot, segments })
    }

    /// Marks all readings before `from_us` as exported.
    pub(super) fn skip_to(&mut self, from_us: i64) {
        self.window.from_us = from_us;
        self.segments.retain(|segment| segment.last_us >= from_us);
    }
}

impl ExportSpan {
    /// Opens the segments of the span.
    pub(super) async fn open(self, reader: &Arc<SegmentReader>) -> Result<OpenExportSpan, ReadError> {
        let entries: Vec<_> = self.segments.iter().map(|segment| (self.device.key, *segment)).collect();
        Ok(OpenExportSpan { segments: reader.open(&entries).await?, span: self })
    }
}

impl OpenExportSpan {
    /// Returns the end of the span, in microseconds since 1970 UTC, its device, and its readings by ascending
    /// time. Do not call it on a thread of the runtime.
    pub(super) fn read(self) -> Result<(i64, DeviceId, Vec<Reading>), ReadError> {
        let ExportSpan { device, window, hot, .. } = self.span;
        let Window { from_us, until_us } = window;
        let until_us = span_end(&self.segments.whole_parts(), from_us, until_us, EXPORT_SPAN_READINGS);
        let parts = self.segments.cut_window(Window { from_us, until_us })?;
        let mut rows = rows(&parts, MemoryLimits::ONE_OF_FOUR, &self.segments)?;
        rows.extend(hot.into_iter().take_while(|row| row.time_us < until_us));
        // The stable sort of the standard library detects sorted runs and merges them.
        rows.sort_by_key(|row| row.time_us);
        let readings = rows.into_iter().map(|row| stored_reading(device.key, row));
        Ok((until_us, device.device_id, readings.collect::<Result<_, StoreError>>()?))
    }
}

#[cfg(test)]
mod tests {
    use device_stats_store::{Model, Visibility};

    use super::*;
    use crate::testing::{create_device, new_reading};

    /// The export of a slow client held all hot readings of its device, however many there were.
    #[tokio::test]
    async fn an_export_holds_a_bounded_number_of_hot_readings() {
        let store: Arc<dyn Store> = Arc::new(Model::default());
        let key = create_device(&*store, "d").await;
        let count = i64::try_from(2 * EXPORT_HOT_READINGS_MAX + 10).unwrap();
        let readings: Vec<_> = (0..count).map(|time_us| new_reading(key, time_us)).collect();
        store.append(&readings).await.unwrap();
        let device = store
            .find_devices(Visibility::All, &[DeviceId::new("d").unwrap()])
            .await
            .unwrap()
            .remove(0)
            .unwrap();
        let window = Window { from_us: 5, until_us: count - 5 };
        let mut export = Some(DeviceExport::new(&store, device, window).await.unwrap());
        let mut exported = Vec::new();
        while let Some(mut device) = export {
            assert!(device.hot.len() <= EXPORT_HOT_READINGS_MAX);
            while let Some(span) = device.next_span() {
                exported.extend(span.hot.iter().map(|row| row.time_us));
                device.skip_to(span.window.until_us);
            }
            export = device.with_next_snapshot(&store).await.unwrap();
        }
        assert!(exported == (5..count - 5).collect::<Vec<_>>());
    }
}
