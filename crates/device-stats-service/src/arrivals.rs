//! The arrivals of readings that a node has committed and not written to the store yet. An append only adds
//! to an entry in memory; a task in the background merges the entries into the records of the store.

mod background;
#[cfg(test)]
mod tests;

pub use background::BackgroundArrivals;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use device_stats_domain::{ArrivalRecord, DeviceKey, NewArrivals, Timestamp};
use tokio::sync::Notify;

use crate::limits::{ARRIVALS_AT_ONCE, ARRIVALS_PENDING_MAX};

/// Readings of one device that arrive together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrived {
    pub(crate) device: DeviceKey,
    /// Number of readings that were stored. A repeat arrives, but is not stored again.
    pub(crate) readings: u64,
    /// The newest time that the device gave a stored reading; the time of the arrival for a server-timed one;
    /// `None` if no reading was stored.
    pub(crate) newest: Option<Timestamp>,
}

/// Arrivals that are not in the store yet.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    state: Mutex<ArrivalsState>,
    /// Notified when half of the maximum number of devices waits, so that they are written early.
    are_many: Notify,
}

#[derive(Debug, Default)]
struct ArrivalsState {
    /// The arrivals since the last write has begun.
    pending: HashMap<DeviceKey, NewArrivals>,
    /// The arrivals before, until they are written. The two maps change places at each write, so noting an
    /// arrival allocates no memory in the long run.
    writing: HashMap<DeviceKey, NewArrivals>,
    /// Number of arrivals that were not noted because too many devices waited.
    omitted: u64,
}

impl Arrivals {
    /// Notes readings that arrive at a time.
    pub(crate) fn note(&self, at: Timestamp, arrived: impl IntoIterator<Item = Arrived>) {
        let mut arrived = arrived.into_iter().peekable();
        while let Some(mut run) = arrived.next() {
            // Often, many readings of a device follow each other.
            while let Some(next) = arrived.next_if(|next| next.device == run.device) {
                run.readings = run.readings.saturating_add(next.readings);
                run.newest = run.newest.max(next.newest);
            }
            let offset_us = run.newest.map(|newest| newest.micros().saturating_sub(at.micros()));
            if self.lock().note(at, run, offset_us) {
                self.are_many.notify_one();
            }
        }
    }

    /// Returns the arrivals of each device that may not be in the store yet, in the order in which they have
    /// to be merged into its record. Call it before the record is read: an arrival that is written in between
    /// is in both, and [`with_unwritten`] leaves it out.
    pub(crate) fn unwritten(&self, devices: &[DeviceKey]) -> Vec<[Option<NewArrivals>; 2]> {
        let state = self.lock();
        let of_device = |device| [state.writing.get(device).copied(), state.pending.get(device).copied()];
        devices.iter().map(of_device).collect()
    }

    /// Forgets all arrivals. The database was replaced by an older copy, so the keys of the devices may
    /// belong to other devices now.
    pub(crate) fn clear(&self) {
        let mut state = self.lock();
        state.pending.clear();
        state.writing.clear();
    }

    /// Begins a write. Returns the arrivals to write in slices by ascending key of the devices, so that a
    /// slice needs few pages of the table. If an earlier write has failed, these are its arrivals.
    fn begin_write(&self) -> Vec<Vec<(DeviceKey, NewArrivals)>> {
        let mut arrivals: Vec<(DeviceKey, NewArrivals)> = {
            let mut guard = self.lock();
            let state = &mut *guard;
            if state.writing.is_empty() {
                std::mem::swap(&mut state.writing, &mut state.pending);
            }
            state.writing.iter().map(|(device, new)| (*device, *new)).collect()
        };
        arrivals.sort_unstable_by_key(|(device, _)| *device);
        arrivals.chunks(ARRIVALS_AT_ONCE).map(<[_]>::to_vec).collect()
    }

    /// Removes the arrivals of a written slice.
    fn note_written(&self, slice: &[(DeviceKey, NewArrivals)]) {
        let mut state = self.lock();
        for (device, _) in slice {
            state.writing.remove(device);
        }
    }

    /// Returns the number of arrivals that were not noted since the last call.
    fn take_omitted(&self) -> u64 {
        std::mem::take(&mut self.lock().omitted)
    }

    fn lock(&self) -> MutexGuard<'_, ArrivalsState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ArrivalsState {
    /// Notes readings. Returns true when the arrivals of many devices wait.
    fn note(&mut self, at: Timestamp, run: Arrived, offset_us: Option<i64>) -> bool {
        if let Some(new) = self.pending.get_mut(&run.device) {
            new.add(at, run.readings, offset_us);
            return false;
        }
        if self.pending.len() + self.writing.len() >= ARRIVALS_PENDING_MAX {
            self.omitted = self.omitted.saturating_add(1);
            return true;
        }
        self.pending.insert(run.device, NewArrivals::one(at, run.readings, offset_us));
        self.pending.len() == ARRIVALS_PENDING_MAX / 2
    }
}

/// Returns the record of a device with the arrivals that are not in it yet.
pub(crate) fn with_unwritten(
    record: Option<ArrivalRecord>,
    unwritten: [Option<NewArrivals>; 2],
) -> Option<ArrivalRecord> {
    unwritten.into_iter().flatten().fold(record, |record, new| match record {
        Some(record) if new.last <= record.last_at => Some(record),
        record => Some(ArrivalRecord::merge(record, &new)),
    })
}
