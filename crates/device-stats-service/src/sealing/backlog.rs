//! The backlog of sealing: the number and age of the hot readings of each device. These are estimates of this
//! node; only the store has the exact numbers.

#[cfg(test)]
mod tests;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use device_stats_domain::DeviceKey;
use device_stats_store::HotDevices;
use device_stats_store::limits::HOT_READINGS_COUNTED_MAX;
use tokio::sync::Notify;

use super::sealer::ReadingsToSeal;
use crate::limits::{EARLY_SEAL_READINGS, SEAL_READINGS};

/// A device with enough readings to be sealed is due, whether the store has counted all of them or not.
const _: () = assert!(SEAL_READINGS <= HOT_READINGS_COUNTED_MAX);

/// The devices with hot readings or new segments.
#[derive(Debug)]
pub(crate) struct Backlog {
    /// Number of hot readings of all devices above which some devices are sealed early.
    early_readings: u64,
    state: Mutex<BacklogState>,
    has_due: Notify,
}

impl Default for Backlog {
    fn default() -> Self {
        Self { early_readings: EARLY_SEAL_READINGS, state: Mutex::default(), has_due: Notify::default() }
    }
}

#[derive(Debug, Default)]
struct BacklogState {
    devices: HashMap<DeviceKey, DeviceBacklog>,
    /// The devices that are due and not in progress, in the order in which they became due.
    due: VecDeque<DeviceKey>,
    in_progress: HashSet<DeviceKey>,
}

/// The backlog of one device.
#[derive(Clone, Copy, Debug)]
struct DeviceBacklog {
    /// Number of hot readings.
    readings: u64,
    /// Time since which the device has had hot readings.
    since: Instant,
    /// Earliest time at which the device becomes due.
    not_before: Instant,
    /// The readings to seal even if there are few, because they are old or because all devices together have
    /// too many.
    urgent: Option<ReadingsToSeal>,
    has_new_segment: bool,
    is_due: bool,
}

/// A device that is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct SealJob {
    /// The device.
    pub(super) device: DeviceKey,
    /// The hot readings to seal.
    pub(super) readings: ReadingsToSeal,
    backlog: DeviceBacklog,
}

impl DeviceBacklog {
    fn new(now: Instant) -> Self {
        Self { readings: 0, since: now, not_before: now, urgent: None, has_new_segment: false, is_due: false }
    }

    fn can_become_due(&self, now: Instant) -> bool {
        let is_enough = u64::from(SEAL_READINGS) <= self.readings;
        let has_work = is_enough || self.urgent.is_some() || self.has_new_segment;
        has_work && !self.is_due && self.not_before <= now
    }

    fn merge(&mut self, older: Self) {
        self.readings = self.readings.saturating_add(older.readings);
        self.since = self.since.min(older.since);
        self.not_before = self.not_before.max(older.not_before);
        self.urgent = self.urgent.max(older.urgent);
        self.has_new_segment |= older.has_new_segment;
    }
}

impl Backlog {
    /// Creates the backlog of a service whose store may have `hot_readings_max` hot readings.
    pub(crate) fn new(hot_readings_max: u64) -> Self {
        Self { early_readings: EARLY_SEAL_READINGS.min(hot_readings_max / 2), ..Self::default() }
    }

    /// Adds hot readings. `stored` contains devices, each with the number of its new hot readings.
    pub(crate) fn add_hot(&self, stored: impl IntoIterator<Item = (DeviceKey, u64)>, now: Instant) {
        let mut state = self.lock();
        let mut stored = stored.into_iter().peekable();
        while let Some((key, mut readings)) = stored.next() {
            // Often, many readings of a device follow each other.
            while let Some((_, more)) = stored.next_if(|(next, _)| *next == key) {
                readings = readings.saturating_add(more);
            }
            let device = state.devices.entry(key).or_insert_with(|| DeviceBacklog::new(now));
            device.readings = device.readings.saturating_add(readings);
            state.offer(key, now, &self.has_due);
        }
    }

    /// Adds the device of a directly appended segment, so that the segment is merged.
    pub(crate) fn add_segment(&self, key: DeviceKey, now: Instant) {
        let mut state = self.lock();
        state.devices.entry(key).or_insert_with(|| DeviceBacklog::new(now)).has_new_segment = true;
        state.offer(key, now, &self.has_due);
    }

    /// Returns whether the device has a segment that was added by [`Self::add_segment`].
    #[cfg(test)]
    pub(crate) fn has_new_segment(&self, key: DeviceKey) -> bool {
        self.lock().devices.get(&key).is_some_and(|device| device.has_new_segment)
    }

    /// Replaces the estimates of the devices after `after` by the numbers that the store has listed; it was
    /// asked at `requested`.
    pub(super) fn reconcile(&self, after: DeviceKey, hot: &HotDevices, requested: Instant) {
        let stored: HashMap<DeviceKey, u64> =
            hot.devices.iter().map(|hot| (hot.device, hot.readings)).collect();
        let is_listed = |key: DeviceKey| after < key && hot.next_after.is_none_or(|last| key <= last);
        let mut state = self.lock();
        // The list may lack readings that were stored after the request.
        state.devices.retain(|key, device| {
            !is_listed(*key)
                || stored.contains_key(key)
                || device.is_due
                || device.has_new_segment
                || requested < device.since
        });
        for (key, readings) in stored {
            // The sealer of a device in progress will report its number of hot readings.
            if !state.in_progress.contains(&key) {
                let device = state.devices.entry(key).or_insert_with(|| DeviceBacklog::new(requested));
                // The store may have stopped counting.
                let is_exact = readings < u64::from(HOT_READINGS_COUNTED_MAX);
                device.readings = if is_exact { readings } else { readings.max(device.readings) };
                state.offer(key, requested, &self.has_due);
            }
        }
    }

    /// Makes a device due if its readings have been hot for `age`. If all devices together have more than
    /// [`EARLY_SEAL_READINGS`] hot readings, or half of the maximum number, also makes the devices with the
    /// most hot readings due, until the others have at most half of that number.
    pub(super) fn mark_due(&self, age: Duration, now: Instant) {
        let mut state = self.lock();
        let excess = state.excess_devices(self.early_readings);
        let mut due = Vec::new();
        for (key, device) in &mut state.devices {
            let is_old = age <= now.saturating_duration_since(device.since);
            let excess = excess.contains(key).then_some(ReadingsToSeal::AllButNewest { hot_min: 1 });
            device.urgent = device.urgent.max(if is_old { Some(ReadingsToSeal::All) } else { excess });
            if device.can_become_due(now) {
                due.push(*key);
            }
        }
        for key in due {
            state.offer(key, now, &self.has_due);
        }
    }

    /// Returns the number of hot readings of all devices, and the time for which the first of these devices
    /// has had some. Devices in progress do not count.
    pub(crate) fn size_and_age(&self, now: Instant) -> (u64, Option<Duration>) {
        let state = self.lock();
        let hot = || state.devices.values().filter(|device| device.readings > 0);
        let since = hot().map(|device| device.since).min();
        let readings = hot().map(|device| device.readings).sum();
        (readings, since.map(|since| now.saturating_duration_since(since)))
    }

    /// Waits for a due device. The device is in progress until [`Backlog::finish`] or
    /// [`Backlog::retry_later`].
    pub(super) async fn next(&self) -> SealJob {
        loop {
            if let Some(job) = self.take_due() {
                return job;
            }
            self.has_due.notified().await;
        }
    }

    fn take_due(&self) -> Option<SealJob> {
        let mut state = self.lock();
        let device = state.due.pop_front()?;
        let backlog = state.devices.remove(&device)?;
        state.in_progress.insert(device);
        let readings = backlog.urgent.unwrap_or(ReadingsToSeal::AllButNewest { hot_min: SEAL_READINGS });
        Some(SealJob { device, readings, backlog })
    }

    /// Ends a job that left `left` hot readings.
    pub(super) fn finish(&self, job: &SealJob, left: u64, now: Instant) {
        let rest = DeviceBacklog {
            readings: left,
            urgent: None,
            has_new_segment: false,
            is_due: false,
            ..job.backlog
        };
        self.end(job.device, (left > 0).then_some(rest), now);
    }

    /// Ends a job that failed. The device becomes due again after `pause`.
    pub(super) fn retry_later(&self, job: &SealJob, pause: Duration, now: Instant) {
        let rest = DeviceBacklog { not_before: now + pause, is_due: false, ..job.backlog };
        self.end(job.device, Some(rest), now);
    }

    fn end(&self, key: DeviceKey, rest: Option<DeviceBacklog>, now: Instant) {
        let mut state = self.lock();
        state.in_progress.remove(&key);
        if let Some(rest) = rest {
            match state.devices.entry(key) {
                Entry::Vacant(entry) => _ = entry.insert(rest),
                Entry::Occupied(mut entry) => entry.get_mut().merge(rest),
            }
        }
        state.offer(key, now, &self.has_due);
    }

    fn lock(&self) -> MutexGuard<'_, BacklogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BacklogState {
    /// Returns the devices with the most hot readings, if all devices together have more than
    /// `early_readings`. Otherwise returns no device.
    fn excess_devices(&self, early_readings: u64) -> HashSet<DeviceKey> {
        let mut hot: u64 = self.devices.values().map(|device| device.readings).sum();
        if hot <= early_readings {
            return HashSet::new();
        }
        let mut largest: Vec<(u64, DeviceKey)> =
            self.devices.iter().map(|(key, device)| (device.readings, *key)).collect();
        largest.sort_unstable_by(|one, other| other.cmp(one));
        let mut excess = HashSet::new();
        for (readings, key) in largest {
            if hot <= early_readings / 2 {
                break;
            }
            hot -= readings;
            excess.insert(key);
        }
        excess
    }

    /// Makes a device due if it has work and is not in progress.
    fn offer(&mut self, key: DeviceKey, now: Instant, has_due: &Notify) {
        let Some(device) = self.devices.get_mut(&key) else { return };
        if device.can_become_due(now) && !self.in_progress.contains(&key) {
            device.is_due = true;
            self.due.push_back(key);
            has_due.notify_one();
        }
    }
}
