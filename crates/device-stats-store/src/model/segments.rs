//! Segments of the model: their bytes, and the times of their readings.

use std::collections::BTreeSet;

use device_stats_domain::{DeviceKey, Window};
use device_stats_segment::{Fault, Row, Segment};

use super::state::State;
use crate::{Piece, PieceKey, Replaced, SegmentEntry, SegmentId, StoreError};

/// A segment of a device.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) device: DeviceKey,
    bytes: Segment,
    /// In microseconds since 1970 UTC; at least one.
    times: BTreeSet<i64>,
}

impl Sealed {
    /// Reads the times of a segment.
    fn of(device: DeviceKey, segment: &Segment) -> Result<Self, StoreError> {
        let rows = segment.rows().map_err(|fault| StoreError::Broken(fault.into()))?;
        if rows.is_empty() {
            return Err(StoreError::Broken(Fault::NotASegment.into()));
        }
        let times = rows.into_iter().map(|row| row.time_us).collect();
        Ok(Self { device, bytes: segment.clone(), times })
    }

    fn entry(&self, id: SegmentId) -> Option<SegmentEntry> {
        let (first_us, last_us) = (*self.times.first()?, *self.times.last()?);
        Some(SegmentEntry { id, first_us, last_us, readings: u32::try_from(self.times.len()).ok()? })
    }
}

impl State {
    /// Whether a segment of a device has a reading of that time.
    pub(super) fn is_sealed(&self, device: DeviceKey, time_us: i64) -> bool {
        self.sealed_of(device).any(|(_, sealed)| sealed.times.contains(&time_us))
    }

    /// When the newest sealed reading of a device inside a window was taken.
    pub(super) fn newest_sealed_us(&self, device: DeviceKey, window: Window) -> Option<i64> {
        let Window { from_us, until_us } = window;
        let inside = self.sealed_of(device).map(|(_, sealed)| sealed.times.range(from_us..until_us));
        inside.filter_map(|mut times| times.next_back().copied()).max()
    }

    fn sealed_of(&self, device: DeviceKey) -> impl Iterator<Item = (SegmentId, &Sealed)> {
        let all = self.segments.iter().map(|(id, sealed)| (*id, sealed));
        all.filter(move |(_, sealed)| sealed.device == device)
    }

    /// The segments of a device that touch a window, by first time, then id.
    pub(super) fn segments_of(&self, device: DeviceKey, window: Window) -> Vec<SegmentEntry> {
        let entries = self.sealed_of(device).filter_map(|(id, sealed)| sealed.entry(id));
        let mut entries: Vec<_> = entries.filter(|entry| entry.touches(window)).collect();
        entries.sort_by_key(|entry| (entry.first_us, entry.id));
        entries
    }

    /// The bytes of a part of a segment.
    pub(super) fn piece(&self, key: PieceKey) -> Option<&Vec<u8>> {
        let sealed = self.segments.get(&key.segment).filter(|sealed| sealed.device == key.device)?;
        match key.piece {
            Piece::Head => Some(&sealed.bytes.head),
            Piece::Block(index) => sealed.bytes.blocks.get(usize::try_from(index).ok()?),
        }
    }

    /// Puts a segment in the place of the hot readings it was made from.
    pub(super) fn seal(
        &mut self,
        device: DeviceKey,
        rows: &[Row],
        segment: &Segment,
    ) -> Result<Replaced, StoreError> {
        let is_hot = |row: &Row| self.hot.get(&(device, row.time_us)).is_some_and(|hot| hot.id == row.id);
        if !self.devices.contains_key(&device) || !rows.iter().all(is_hot) {
            return Ok(Replaced::Stale);
        }
        let sealed = Sealed::of(device, segment)?;
        for row in rows {
            self.hot.remove(&(device, row.time_us));
        }
        Ok(self.put(sealed))
    }

    /// Puts a segment in the place of those it was made from.
    pub(super) fn merge(
        &mut self,
        device: DeviceKey,
        merged: &[SegmentId],
        segment: &Segment,
    ) -> Result<Replaced, StoreError> {
        let is_there = |id| self.segments.get(id).is_some_and(|sealed| sealed.device == device);
        if !self.devices.contains_key(&device) || !merged.iter().all(is_there) {
            return Ok(Replaced::Stale);
        }
        let sealed = Sealed::of(device, segment)?;
        self.segments.retain(|id, _| !merged.contains(id));
        Ok(self.put(sealed))
    }

    /// Adds a segment, unless there is a reading between its first and its last.
    pub(super) fn append_segment(
        &mut self,
        device: DeviceKey,
        segment: &Segment,
    ) -> Result<Replaced, StoreError> {
        if !self.devices.contains_key(&device) {
            return Err(StoreError::DeviceMissing);
        }
        let new = Sealed::of(device, segment)?;
        let is_inside = |us: &i64| new.times.first() <= Some(us) && Some(us) <= new.times.last();
        let is_taken = self.hot_of(device, Window::ALL).any(|row| is_inside(&row.time_us))
            || self.sealed_of(device).any(|(_, sealed)| sealed.times.iter().any(is_inside));
        if is_taken {
            return Ok(Replaced::Stale);
        }
        Ok(self.put(new))
    }

    fn put(&mut self, sealed: Sealed) -> Replaced {
        self.last_segment += 1;
        let id = SegmentId(self.last_segment);
        self.segments.insert(id, sealed);
        Replaced::Done(id)
    }
}
