//! The hub of live readings. It passes each committed reading to the inboxes that watch its device, and never
//! waits for an inbox. It numbers the readings of watched devices and keeps them for a while, so that a
//! reconnecting client gets the readings that it missed.

mod publishing;
mod state;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use device_stats_domain::{DeviceKey, Reading};
use tokio::sync::{Notify, Semaphore};

use super::inbox::{Inbox, Subscriber};
use super::position::Position;
use crate::limits::{LIVE_READINGS_WAITING_MAX, LIVE_READINGS_WAITING_TOTAL_MAX};
use publishing::PublishQueue;
use state::{HubState, new_epoch};

pub(super) use state::{CommitOrigin, Replay};

/// The live readings of one node.
#[derive(Debug)]
pub(crate) struct LiveHub {
    state: Mutex<HubState>,
    /// The devices of the state, for commits, which do not wait for the lock of the state.
    watched: RwLock<Arc<HashSet<DeviceKey>>>,
    queue: Mutex<PublishQueue>,
    /// Notified when the watched devices change.
    pub(super) watched_changed: Notify,
    /// One permit for each reading that waits for a client.
    waiting_permits: Arc<Semaphore>,
}

/// The state of the hub at the moment when an inbox begins to watch.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) epoch: u64,
    /// The last sequence number before the subscription.
    pub(super) sequence: u64,
    /// Whether all readings committed after the position of the client are kept; false if there is no
    /// position.
    pub(super) has_kept: bool,
}

impl Default for LiveHub {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            watched: RwLock::default(),
            queue: Mutex::default(),
            watched_changed: Notify::new(),
            waiting_permits: Arc::new(Semaphore::new(LIVE_READINGS_WAITING_TOTAL_MAX)),
        }
    }
}

impl LiveHub {
    /// Returns a new inbox for a client, with up to `rate` readings per second of each device.
    pub(super) fn client_inbox(&self, rate: f64) -> Arc<Inbox> {
        Arc::new(Inbox::new(Subscriber::Client, rate, Arc::clone(&self.waiting_permits)))
    }

    /// Returns a new inbox for the relay. It does not share its permits, so that slow clients of this node do
    /// not end the streams of other nodes.
    pub(super) fn relay_inbox(rate: f64) -> Arc<Inbox> {
        let permits = Arc::new(Semaphore::new(LIVE_READINGS_WAITING_MAX));
        Arc::new(Inbox::new(Subscriber::Relay, rate, permits))
    }

    /// Passes committed readings to the inboxes that watch their devices, at once.
    pub(super) fn publish(&self, readings: &[Reading], origin: CommitOrigin) {
        let mut state = self.lock();
        let devices = state.devices.len();
        state.publish(readings, origin, Instant::now());
        if state.devices.len() != devices {
            self.store_watched(&state);
        }
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
        let has_kept = since.is_some_and(|position| state.has_kept(devices, position, now));
        state.watch(inbox, devices, now);
        self.notify_change(&state);
        Subscription { epoch: state.epoch, sequence: state.sequence, has_kept }
    }

    /// Returns the next kept readings of some devices, after one sequence number of an epoch and up to
    /// another; `None` if they are no longer kept.
    pub(super) fn replay(
        &self,
        epoch: u64,
        after: u64,
        until: u64,
        is_wanted: impl Fn(DeviceKey) -> bool,
    ) -> Option<Replay> {
        self.lock().replay(epoch, after, until, is_wanted)
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
        self.store_watched(&state);
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

    /// Begins a new epoch because committed readings of this node are not published. The streams of other
    /// nodes end, too.
    fn discard_committed(&self) {
        self.lock().discard_for_relay();
        self.begin_epoch();
    }

    /// Ends all streams, and each stream that starts later.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.has_ended = true;
        state.end_streams();
    }

    fn notify_change(&self, state: &HubState) {
        self.store_watched(state);
        self.watched_changed.notify_one();
    }

    fn store_watched(&self, state: &HubState) {
        let watched = Arc::new(state.devices.keys().copied().collect());
        *self.watched.write().unwrap_or_else(PoisonError::into_inner) = watched;
    }

    fn lock(&self) -> MutexGuard<'_, HubState> {
        // A panic leaves the state consistent: no operation panics in the middle of a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
