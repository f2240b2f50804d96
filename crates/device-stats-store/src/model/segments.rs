//! Segments of the model: their bytes, and the times and values of their readings.

use std::collections::BTreeSet;

use async_trait::async_trait;
use device_stats_domain::{AuditEvent, Author, Axes, DeviceKey, Window};
use device_stats_segment::{Row, Segment};

use super::state::{Model, ModelSegment, State};
use crate::{
    CutSegment, Deleted, Piece, PieceKey, Replaced, SealedRows, SegmentEntry, SegmentId, SegmentStore,
    StoreError, Visibility, open_head,
};

#[async_trait]
impl SegmentStore for Model {
    fn seal_concurrency(&self) -> usize {
        1
    }

    async fn list_segments(&self, device: DeviceKey) -> Result<Vec<SegmentEntry>, StoreError> {
        Ok(self.state().segments_in(device, Window::ALL))
    }

    async fn read_pieces(&self, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let state = self.state();
        let read = |key: &PieceKey| {
            let segment = state.segment(key.device, key.segment)?;
            piece(&segment.bytes, key.piece).cloned()
        };
        Ok(pieces.iter().map(read).collect())
    }

    async fn read_derived_pieces(&self, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let state = self.state();
        let read = |key: &PieceKey| {
            let derived = state.segment(key.device, key.segment)?.derived.as_ref()?;
            piece(derived, key.piece).cloned()
        };
        Ok(pieces.iter().map(read).collect())
    }

    async fn store_derived(
        &self,
        device: DeviceKey,
        segment: SegmentId,
        derived: &Segment,
    ) -> Result<(), StoreError> {
        let mut state = self.state();
        let segment = state.segments.get_mut(&segment).filter(|segment| segment.device == device);
        if let Some(segment) = segment {
            segment.derived.get_or_insert_with(|| derived.clone());
        }
        Ok(())
    }

    async fn delete_derived(&self, device: DeviceKey, segment: SegmentId) -> Result<bool, StoreError> {
        let mut state = self.state();
        let segment = state.segments.get_mut(&segment).filter(|segment| segment.device == device);
        Ok(segment.is_some_and(|segment| segment.derived.take().is_some()))
    }

    async fn seal(&self, device: DeviceKey, sealed: &SealedRows) -> Result<Replaced, StoreError> {
        self.state().seal(device, sealed)
    }

    async fn merge(
        &self,
        device: DeviceKey,
        merged: &[SegmentId],
        segment: &Segment,
    ) -> Result<Replaced, StoreError> {
        self.state().merge(device, merged, segment)
    }

    async fn append_segment(&self, device: DeviceKey, segment: &Segment) -> Result<Replaced, StoreError> {
        self.state().append_segment(device, segment)
    }

    async fn delete_readings(
        &self,
        author: &Author,
        visible: Visibility,
        device: DeviceKey,
        window: Window,
        cut: &[CutSegment],
    ) -> Result<Deleted, StoreError> {
        let visible = self.found(visible);
        let mut state = self.state();
        state.check_device(visible, device, None)?;
        let deleted = state.delete_readings(device, window, cut)?;
        if let Deleted::Done(readings @ 1..) = deleted {
            state.note(author, AuditEvent::delete_readings(device, window, readings));
        }
        Ok(deleted)
    }
}

impl State {
    /// Returns the values of the sealed reading of a device at a time.
    pub(super) fn sealed_values_at(&self, device: DeviceKey, time_us: i64) -> Option<Axes<f64>> {
        self.segments_of_device(device).find_map(|segment| segment.values.get(&time_us)).copied()
    }

    /// Returns the time of the newest sealed reading of a device in a window.
    pub(super) fn newest_sealed_us(&self, device: DeviceKey, window: Window) -> Option<i64> {
        let Window { from_us, until_us } = window;
        let inside = self.segments_of_device(device).map(|segment| segment.values.range(from_us..until_us));
        inside.filter_map(|mut values| values.next_back().map(|(time_us, _)| *time_us)).max()
    }

    fn segments_of_device(&self, device: DeviceKey) -> impl Iterator<Item = &ModelSegment> {
        self.segments.values().filter(move |segment| segment.device == device)
    }

    /// Returns the segments of a device that touch a window, by first time, then id.
    pub(super) fn segments_in(&self, device: DeviceKey, window: Window) -> Vec<SegmentEntry> {
        let entries = self.segments_of_device(device).map(|segment| segment.entry);
        let mut entries: Vec<_> = entries.filter(|entry| entry.touches(window)).collect();
        entries.sort_by_key(|entry| (entry.first_us, entry.id));
        entries
    }

    fn segment(&self, device: DeviceKey, id: SegmentId) -> Option<&ModelSegment> {
        self.segments.get(&id).filter(|segment| segment.device == device)
    }

    fn seal(&mut self, device: DeviceKey, sealed: &SealedRows) -> Result<Replaced, StoreError> {
        let rows = || sealed.times_us().iter().zip(sealed.ids());
        let is_hot =
            |(time_us, id): (&i64, &i64)| self.hot.get(&(device, *time_us)).is_some_and(|hot| hot.id == *id);
        if !self.devices.contains_key(&device) || !rows().all(is_hot) {
            return Ok(Replaced::Stale);
        }
        let replaced = self.insert_segment(device, sealed.segment())?;
        for time_us in sealed.times_us() {
            self.hot.remove(&(device, *time_us));
        }
        Ok(replaced)
    }

    fn merge(
        &mut self,
        device: DeviceKey,
        merged: &[SegmentId],
        segment: &Segment,
    ) -> Result<Replaced, StoreError> {
        let exists = |id| self.segments.get(id).is_some_and(|segment| segment.device == device);
        if !self.devices.contains_key(&device) || !merged.iter().all(exists) {
            return Ok(Replaced::Stale);
        }
        let replaced = self.insert_segment(device, segment)?;
        self.segments.retain(|id, _| !merged.contains(id));
        Ok(replaced)
    }

    fn append_segment(&mut self, device: DeviceKey, segment: &Segment) -> Result<Replaced, StoreError> {
        if !self.devices.contains_key(&device) {
            return Err(StoreError::DeviceMissing);
        }
        let head = open_head(segment)?;
        let span = head.first_us()..=head.last_us();
        let has_reading = self.hot_readings(device, Window::ALL).any(|row| span.contains(&row.time_us))
            || self
                .segments_of_device(device)
                .any(|segment| segment.values.range(span.clone()).next().is_some());
        if has_reading { Ok(Replaced::Stale) } else { self.insert_segment(device, segment) }
    }

    /// Counts the readings in the window one by one. Uses nothing of [`DeletionPlan`](crate::DeletionPlan),
    /// so the walk also tests that.
    fn delete_readings(
        &mut self,
        device: DeviceKey,
        window: Window,
        cut: &[CutSegment],
    ) -> Result<Deleted, StoreError> {
        let touching = self.segments_in(device, window).into_iter().map(|entry| entry.id);
        let (inside, others): (BTreeSet<_>, BTreeSet<_>) = touching.partition(|id| {
            let mut times = self.segments.get(id).into_iter().flat_map(|segment| segment.values.keys());
            times.all(|time_us| window.from_us <= *time_us && *time_us < window.until_us)
        });
        if cut.iter().map(|cut| cut.id).collect::<BTreeSet<_>>() != others {
            return Ok(Deleted::Stale);
        }
        let hot: Vec<i64> = self.hot_readings(device, window).map(|row| row.time_us).collect();
        let sealed = self.segments_of_device(device).map(|segment| {
            let is_in_window = |time_us: &&i64| window.from_us <= **time_us && **time_us < window.until_us;
            segment.values.keys().filter(is_in_window).count()
        });
        let readings = hot.len() + sealed.sum::<usize>();
        for time_us in hot {
            self.hot.remove(&(device, time_us));
        }
        self.segments.retain(|id, _| !inside.contains(id));
        for CutSegment { id, rest } in cut {
            if let Some(rest) = rest {
                self.segments.remove(id);
                self.insert_segment(device, rest)?;
            }
        }
        Ok(Deleted::Done(readings as u64))
    }

    fn insert_segment(&mut self, device: DeviceKey, segment: &Segment) -> Result<Replaced, StoreError> {
        let head = open_head(segment)?;
        let rows: Vec<Row> = segment.rows().map_err(|fault| StoreError::Broken(fault.into()))?;
        self.last_segment += 1;
        let id = SegmentId(self.last_segment);
        let entry = SegmentEntry {
            id,
            first_us: head.first_us(),
            last_us: head.last_us(),
            readings: head.readings(),
        };
        let values = rows.iter().map(|row| (row.time_us, row.values)).collect();
        let bytes = segment.clone();
        self.segments.insert(id, ModelSegment { device, entry, bytes, derived: None, values });
        Ok(Replaced::Done(id))
    }
}

/// Returns a piece of a segment.
fn piece(segment: &Segment, piece: Piece) -> Option<&Vec<u8>> {
    match piece {
        Piece::Head => Some(&segment.head),
        Piece::Block(number) => segment.blocks.get(usize::try_from(number).ok()?),
    }
}
