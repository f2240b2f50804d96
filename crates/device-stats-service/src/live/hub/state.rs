//! The watched devices, their inboxes, and the readings kept for reconnecting clients.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use device_stats_domain::{DeviceKey, Reading};
use uuid::Uuid;

use crate::limits::{LIVE_READINGS_KEPT_MAX, LIVE_READINGS_REPLAYED_AT_ONCE, LIVE_RETENTION};
use crate::live::inbox::{Inbox, SequencedReading};
use crate::live::position::Position;

/// The node that committed a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommitOrigin {
    /// This node.
    ThisNode,
    /// Another node. This node received the reading in a message.
    OtherNode,
}

/// The state of a hub. Sequence numbers ascend in the order of commits.
#[derive(Debug)]
pub(super) struct HubState {
    /// Identifies a run of sequence numbers without gaps.
    pub(super) epoch: u64,
    /// The last sequence number.
    pub(super) sequence: u64,
    /// The readings of watched devices from the sequence number `kept_from` on.
    kept: VecDeque<SequencedReading>,
    kept_from: u64,
    pub(super) devices: HashMap<DeviceKey, WatchedDevice>,
    /// Whether new streams end at once.
    pub(super) has_ended: bool,
}

/// A device that is watched, or was watched recently.
#[derive(Debug)]
pub(super) struct WatchedDevice {
    inboxes: Vec<Arc<Inbox>>,
    /// The sequence number before the first kept reading of the device.
    since: u64,
    /// Time at which the last client of the device left.
    last_client: Option<Instant>,
}

impl WatchedDevice {
    /// Returns whether a client watches the device or may still reconnect.
    pub(super) fn has_client(&self, now: Instant) -> bool {
        self.inboxes.iter().any(|inbox| !inbox.is_relay())
            || self.last_client.is_some_and(|left| now.duration_since(left) < LIVE_RETENTION)
    }

    pub(super) fn is_watched(&self, now: Instant) -> bool {
        !self.inboxes.is_empty() || self.has_client(now)
    }

    fn has_inbox(&self, inbox: &Arc<Inbox>) -> bool {
        self.inboxes.iter().any(|other| Arc::ptr_eq(other, inbox))
    }
}

impl Default for HubState {
    fn default() -> Self {
        Self {
            epoch: new_epoch(),
            sequence: 0,
            kept: VecDeque::new(),
            kept_from: 1,
            devices: HashMap::new(),
            has_ended: false,
        }
    }
}

/// The offers of the readings of a device to its inboxes. An inbox whose rate is exhausted gets only the last
/// reading, so the number of offers depends on the rates and not on the number of readings.
struct Offers {
    open: Vec<Arc<Inbox>>,
    /// Each with the sequence number of its last offer.
    exhausted: Vec<(Arc<Inbox>, u64)>,
    last: Option<SequencedReading>,
}

impl Offers {
    fn new(device: &WatchedDevice, origin: CommitOrigin) -> Self {
        let is_open = |inbox: &&Arc<Inbox>| origin == CommitOrigin::ThisNode || !inbox.is_relay();
        let open = device.inboxes.iter().filter(is_open).cloned().collect();
        Self { open, exhausted: Vec::new(), last: None }
    }

    fn offer(&mut self, sequenced: SequencedReading, now: Instant) {
        let exhausted = self.open.extract_if(.., |inbox| !inbox.offer(sequenced, now));
        self.exhausted.extend(exhausted.map(|inbox| (inbox, sequenced.sequence)));
        self.last = Some(sequenced);
    }

    fn offer_last(self, now: Instant) {
        let Some(last) = self.last else { return };
        for (inbox, offered) in self.exhausted {
            if offered != last.sequence {
                inbox.offer(last, now);
            }
        }
    }
}

/// Kept readings for a reconnecting client.
#[derive(Debug)]
pub(in crate::live) struct Replay {
    /// The next readings. They may be empty although others follow.
    pub(in crate::live) readings: Vec<SequencedReading>,
    /// The sequence number after which the replay continues.
    pub(in crate::live) after: u64,
}

impl HubState {
    /// Passes committed readings to the inboxes of their devices, and keeps the readings.
    pub(super) fn publish(&mut self, readings: &[Reading], origin: CommitOrigin, now: Instant) {
        let mut offers: HashMap<DeviceKey, Offers> = HashMap::new();
        for reading in readings {
            let Some(device) = self.devices.get(&reading.device) else { continue };
            if !device.is_watched(now) {
                self.devices.remove(&reading.device);
                if self.devices.is_empty() {
                    self.forget_kept();
                }
                continue;
            }
            self.sequence += 1;
            let sequenced = SequencedReading { sequence: self.sequence, reading: *reading };
            let offers = offers.entry(reading.device).or_insert_with(|| Offers::new(device, origin));
            offers.offer(sequenced, now);
            self.keep(sequenced);
        }
        for offers in offers.into_values() {
            offers.offer_last(now);
        }
    }

    fn keep(&mut self, sequenced: SequencedReading) {
        if self.kept.len() == LIVE_READINGS_KEPT_MAX
            && let Some(oldest) = self.kept.pop_front()
        {
            self.kept_from = oldest.sequence + 1;
        }
        self.kept.push_back(sequenced);
    }

    /// Returns whether all readings of devices that were committed after a position are kept.
    pub(super) fn has_kept(&self, devices: &HashSet<DeviceKey>, position: &Position, now: Instant) -> bool {
        // If only clients of other nodes watch a device, this node does not receive the readings that the
        // other nodes commit.
        let was_watched = |device| {
            let device = self.devices.get(device);
            device.is_some_and(|device| device.since <= position.sequence && device.has_client(now))
        };
        position.epoch == self.epoch
            && self.kept_from <= position.sequence.saturating_add(1)
            && devices.iter().all(was_watched)
    }

    /// Returns kept readings of some devices with sequence numbers above `after`, up to `until`: those among
    /// the next [`LIVE_READINGS_REPLAYED_AT_ONCE`] kept readings. Returns `None` if a reading above `after`
    /// is no longer kept.
    pub(super) fn replay(
        &self,
        epoch: u64,
        after: u64,
        until: u64,
        is_wanted: impl Fn(DeviceKey) -> bool,
    ) -> Option<Replay> {
        if epoch != self.epoch || self.kept_from > after.saturating_add(1) {
            return None;
        }
        let first = self.kept.partition_point(|kept| kept.sequence <= after);
        let next = self.kept.range(first..).take_while(|kept| kept.sequence <= until);
        let next = next.take(LIVE_READINGS_REPLAYED_AT_ONCE);
        let after = next.clone().last().map_or(until, |kept| kept.sequence);
        let readings = next.copied().filter(|kept| is_wanted(kept.reading.device)).collect();
        Some(Replay { readings, after })
    }

    /// Makes an inbox watch these devices and no others.
    pub(super) fn watch(&mut self, inbox: &Arc<Inbox>, devices: &HashSet<DeviceKey>, now: Instant) {
        for (key, device) in &mut self.devices {
            if !devices.contains(key) && device.has_inbox(inbox) {
                if !inbox.is_relay() {
                    device.last_client = Some(now);
                }
                device.inboxes.retain(|other| !Arc::ptr_eq(other, inbox));
            }
        }
        // Readings committed while a device was not watched have no sequence numbers. The skipped number
        // marks the gap: a position before it is older than `since`.
        let is_kept = |key| {
            let device = self.devices.get(key);
            device.is_some_and(|device| inbox.is_relay() || device.has_client(now))
        };
        if !devices.iter().all(is_kept) {
            self.sequence += 1;
        }
        for key in devices {
            let new = || WatchedDevice { inboxes: Vec::new(), since: self.sequence, last_client: None };
            let device = self.devices.entry(*key).or_insert_with(new);
            if !inbox.is_relay() && !device.has_client(now) {
                device.since = self.sequence;
            }
            if !device.has_inbox(inbox) {
                device.inboxes.push(Arc::clone(inbox));
            }
        }
        inbox.keep_limits_of(devices);
        self.devices.retain(|_, device| device.is_watched(now));
        if self.has_ended {
            inbox.end();
        }
    }

    /// Forgets the kept readings.
    pub(super) fn forget_kept(&mut self) {
        self.kept.clear();
        self.kept_from = self.sequence + 1;
    }

    /// Ends the inboxes of all clients.
    pub(super) fn end_streams(&self) {
        let inboxes = self.devices.values().flat_map(|device| &device.inboxes);
        inboxes.filter(|inbox| !inbox.is_relay()).for_each(|inbox| inbox.end());
    }

    /// Discards the readings that wait for the relay, so that other nodes learn that readings are missing.
    pub(super) fn discard_for_relay(&self) {
        let inboxes = self.devices.values().flat_map(|device| &device.inboxes);
        inboxes.filter(|inbox| inbox.is_relay()).for_each(|inbox| inbox.discard());
    }

    /// Returns the epoch and the newest kept reading.
    #[cfg(test)]
    pub(super) fn newest_kept(&self) -> Option<(u64, SequencedReading)> {
        Some((self.epoch, *self.kept.back()?))
    }

    /// Sets the time at which the last client of a device left so far back that the readings of the device
    /// are no longer kept.
    #[cfg(test)]
    pub(super) fn expire_last_client(&mut self, key: DeviceKey) {
        let device = self.devices.get_mut(&key).unwrap();
        device.last_client = Instant::now().checked_sub(LIVE_RETENTION + LIVE_RETENTION);
    }
}

/// Returns an epoch that differs from all others, also of other nodes and of this node after a restart.
pub(super) fn new_epoch() -> u64 {
    Uuid::new_v4().as_u64_pair().0
}
