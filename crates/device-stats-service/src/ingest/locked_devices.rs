//! Requests for locked devices. The deletion of a device, or of its readings, locks the device, possibly for
//! a long time. The requests that need the device are put aside, so that they do not delay the requests for
//! other devices. They are tried again until the device is free.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use device_stats_domain::DeviceKey;
use device_stats_store::StoreError;
use tokio::time::Instant;

use super::lane::{Aside, Lane, PendingAppend};
use crate::admission::AdmissionControl;
use crate::limits::{LOCKED_DEVICE_REMEMBERED, LOCKED_DEVICE_WAIT_MAX};

/// The recently locked devices, and the requests that wait for them.
pub(super) struct LockedDevices {
    /// Requests that are tried again. At most one task tries them, and each try may wait for a lock.
    pub(super) lane: Lane,
    /// For each device, the time until which its requests are put aside without a try.
    until: Mutex<HashMap<DeviceKey, Instant>>,
}

impl Default for LockedDevices {
    fn default() -> Self {
        Self { lane: Lane::new(1), until: Mutex::default() }
    }
}

impl LockedDevices {
    /// Remembers devices that the store has found locked.
    pub(super) fn remember(&self, devices: &HashSet<DeviceKey>) {
        let now = Instant::now();
        let mut until = self.lock();
        until.retain(|_, until| now < *until);
        until.extend(devices.iter().map(|device| (*device, now + LOCKED_DEVICE_REMEMBERED)));
    }

    /// Forgets the devices of requests that have been committed: they are free.
    pub(super) fn forget(&self, committed: &[PendingAppend]) {
        let mut until = self.lock();
        if !until.is_empty() {
            for reading in committed.iter().flat_map(|append| append.readings.iter()) {
                until.remove(&reading.device);
            }
        }
    }

    /// Splits a group into the requests to try, and the requests that need a recently locked device.
    pub(super) fn split(&self, group: Vec<PendingAppend>) -> (Vec<PendingAppend>, Vec<PendingAppend>) {
        let now = Instant::now();
        self.split_if(group, |until| now < until)
    }

    /// Splits a group into the requests to try, and the requests that need a device that was found locked
    /// after `since`.
    pub(super) fn split_found_since(
        &self,
        since: Instant,
        group: Vec<PendingAppend>,
    ) -> (Vec<PendingAppend>, Vec<PendingAppend>) {
        self.split_if(group, |until| since + LOCKED_DEVICE_REMEMBERED < until)
    }

    fn split_if(
        &self,
        group: Vec<PendingAppend>,
        is_locked: impl Fn(Instant) -> bool,
    ) -> (Vec<PendingAppend>, Vec<PendingAppend>) {
        let locked: HashSet<DeviceKey> = {
            let until = self.lock();
            until.iter().filter(|(_, until)| is_locked(**until)).map(|(device, _)| *device).collect()
        };
        if locked.is_empty() {
            return (group, Vec::new());
        }
        group.into_iter().partition(|append| !append.has_any_of(&locked))
    }

    /// Puts a request aside. Returns true if the caller has to start a task that tries the requests of
    /// [`Self::lane`] again. Refuses the request if too many readings are aside, or if it was put aside
    /// [`LOCKED_DEVICE_WAIT_MAX`] ago.
    pub(super) fn put_aside(&self, mut append: PendingAppend, admission: &AdmissionControl) -> bool {
        if append.aside.is_none() {
            let permit = admission.admit_locked_readings(append.readings.len());
            append.aside = permit.map(|permit| Aside { since: Instant::now(), _permit: permit });
        }
        if append.aside.as_ref().is_some_and(|aside| aside.since.elapsed() < LOCKED_DEVICE_WAIT_MAX) {
            return self.lane.push(append);
        }
        let mut devices: Vec<DeviceKey> = append.readings.iter().map(|reading| reading.device).collect();
        devices.sort_unstable();
        devices.dedup();
        {
            let until = self.lock();
            devices.retain(|device| until.contains_key(device));
        }
        if devices.is_empty() {
            // All its devices have become free meanwhile.
            return self.lane.push(append);
        }
        append.finish(Err(StoreError::DevicesLocked(devices)));
        false
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeviceKey, Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
