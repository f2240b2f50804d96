//! The hub of live readings. It passes each committed reading to the inboxes that watch its device, and never
//! waits for an inbox. It numbers the readings of watched devices and keeps them for a while, so that a
//! reconnecting client gets the readings that it missed.

mod state;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use device_stats_domain::{DeviceKey, Reading};
use tokio::sync::Notify;

use super::inbox::{Inbox, SequencedReading};
use super::position::Position;
use state::{HubState, new_epoch};

pub(crate) use state::CommitOrigin;

/// The live readings of one node.
#[derive(Debug, Default)]
pub(crate) struct LiveHub {
    state: Mutex<HubState>,
    /// Whether any device is watched. If not, a commit takes no lock here.
    is_watched: AtomicBool,
    /// Notified when the watched devices change.
    pub(super) watched_changed: Notify,
}

/// The state of the hub at the moment when an inbox begins to watch.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) epoch: u64,
    /// The last sequence number before the subscription.
    pub(super) sequence: u64,
    /// The readings committed after the position of the client; `None` if not all of them are kept, or if
    /// there is no position.
    pub(super) missed: Option<Vec<SequencedReading>>,
}

impl LiveHub {
    /// Returns whether any device is watched.
    pub(crate) fn is_watched(&self) -> bool {
        self.is_watched.load(Ordering::Acquire)
    }

    /// Passes committed readings to the inboxes that watch their devices.
    pub(crate) fn publish(&self, readings: impl IntoIterator<Item = Reading>, origin: CommitOrigin) {
        if !self.is_watched() {
            return;
        }
        let now = Instant::now();
        let mut state = self.lock();
        for reading in readings {
            state.publish(reading, origin, now);
        }
        self.store_is_watched(&state);
    }

    /// Makes an inbox watch these devices and no others.
    pub(super) fn watch(
        &self,
        inbox: &Arc<Inbox>,
        devices: &HashSet<DeviceKey>,
        since: Option<&Position>,
    ) -> Subscription {
        let mut state = self.lock();
        let now = Instant::now();
        let missed = since.and_then(|position| state.missed(devices, position, now));
        state.watch(inbox, devices, now);
        self.notify_change(&state);
        Subscription { epoch: state.epoch, sequence: state.sequence, missed }
    }

    /// Makes an inbox watch no device.
    pub(super) fn unwatch(&self, inbox: &Arc<Inbox>) {
        let mut state = self.lock();
        state.watch(inbox, &HashSet::new(), Instant::now());
        self.notify_change(&state);
    }

    /// Returns the devices that clients of this node watch or watched recently. Removes all unwatched
    /// devices.
    pub(super) fn devices_of_clients(&self) -> Vec<DeviceKey> {
        let mut state = self.lock();
        let now = Instant::now();
        state.devices.retain(|_, device| device.is_watched(now));
        self.store_is_watched(&state);
        let devices = state.devices.iter().filter(|(_, device)| device.has_client(now));
        devices.map(|(key, _)| *key).collect()
    }

    /// Begins a new epoch because readings of other nodes may be missing. All streams end, and their clients
    /// resume from the store.
    pub(super) fn begin_epoch(&self) {
        let mut state = self.lock();
        state.epoch = new_epoch();
        state.forget_kept();
        state.end_streams();
    }

    /// Ends all streams, and each stream that starts later.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.has_ended = true;
        state.end_streams();
    }

    fn notify_change(&self, state: &HubState) {
        self.store_is_watched(state);
        self.watched_changed.notify_one();
    }

    fn store_is_watched(&self, state: &HubState) {
        self.is_watched.store(!state.devices.is_empty(), Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, HubState> {
        // A panic leaves the state consistent: no operation panics in the middle of a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
