//! Live readings: who wants to see the readings of a device gets them as they are committed.
//!
//! Whoever commits readings says so here, and hands them to those who watch their devices; nobody is waited for. Readings of
//! devices that are watched are kept for a while, numbered, so that a client that comes back gets what it missed.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use device_stats_domain::limits::{LIVE_KEPT_FOR, LIVE_READINGS_KEPT_MAX, LIVE_STREAMS_MAX};
use device_stats_domain::{DeviceKey, Reading};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::inbox::Inbox;
use super::position::Position;

/// A reading, and the number it got here when it was committed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Numbered {
    pub(crate) sequence: u64,
    pub(crate) reading: Reading,
}

/// How an inbox has begun to watch.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) epoch: u64,
    /// The last number that was given before.
    pub(crate) sequence: u64,
    /// What was committed since the position that it came back from; `None` where that has not been kept, or there was none.
    pub(crate) missed: Option<Vec<Numbered>>,
}

/// Where readings were committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// By this node.
    Here,
    /// By another node, which has told this one.
    OtherNode,
}

/// Those who watch devices. Cheap to clone; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// Whether any device is watched: nobody is to pay for what nobody wants.
    is_watched: AtomicBool,
    places: Arc<Semaphore>,
    /// Told when other devices are watched here than before.
    pub(crate) changed: Notify,
}

#[derive(Debug)]
struct State {
    /// Under which numbers are given. Another one begins where readings may have been missed.
    epoch: u64,
    /// The last number that was given.
    sequence: u64,
    /// The last readings of devices that are watched, by ascending number; all from `kept_from` on.
    kept: VecDeque<Numbered>,
    kept_from: u64,
    devices: HashMap<DeviceKey, Watched>,
    has_ended: bool,
}

/// A device that is watched.
#[derive(Debug)]
struct Watched {
    inboxes: Vec<Arc<Inbox>>,
    /// The number before the first one that was given to its readings.
    since: u64,
    /// When a client last watched it.
    last: Option<Instant>,
}

impl Watched {
    fn has_client(&self) -> bool {
        self.inboxes.iter().any(|inbox| !inbox.is_relay())
    }

    /// Whether a client watches it, or may come back.
    fn is_wanted(&self, now: Instant) -> bool {
        self.has_client() || self.last.is_some_and(|last| now.duration_since(last) < LIVE_KEPT_FOR)
    }
}

impl Default for Live {
    fn default() -> Self {
        let state = State {
            epoch: new_epoch(),
            sequence: 0,
            kept: VecDeque::new(),
            kept_from: 1,
            devices: HashMap::new(),
            has_ended: false,
        };
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                is_watched: AtomicBool::new(false),
                places: Arc::new(Semaphore::new(LIVE_STREAMS_MAX)),
                changed: Notify::new(),
            }),
        }
    }
}

impl Live {
    /// Whether anybody watches anything.
    pub(crate) fn is_watched(&self) -> bool {
        self.shared.is_watched.load(Ordering::Acquire)
    }

    /// Hands out readings that have been committed.
    pub(crate) fn publish(&self, readings: impl IntoIterator<Item = Reading>, origin: Origin) {
        if !self.is_watched() {
            return;
        }
        let now = Instant::now();
        let mut state = self.lock();
        for reading in readings {
            state.publish(reading, origin, now);
        }
        self.note_whether_watched(&state);
    }

    /// Has the inbox watch these devices and no others.
    pub(crate) fn watch(
        &self,
        inbox: &Arc<Inbox>,
        devices: &HashSet<DeviceKey>,
        since: Option<&Position>,
    ) -> Begun {
        let mut state = self.lock();
        let now = Instant::now();
        let missed = since.and_then(|position| state.missed(devices, position, now));
        state.watch(inbox, devices, now);
        if state.has_ended {
            inbox.end();
        }
        self.note_devices(&state);
        Begun { epoch: state.epoch, sequence: state.sequence, missed }
    }

    /// Has the inbox watch nothing any more.
    pub(crate) fn unwatch(&self, inbox: &Arc<Inbox>) {
        let mut state = self.lock();
        state.watch(inbox, &HashSet::new(), Instant::now());
        self.note_devices(&state);
    }

    fn note_devices(&self, state: &State) {
        self.note_whether_watched(state);
        self.shared.changed.notify_one();
    }

    fn note_whether_watched(&self, state: &State) {
        self.shared.is_watched.store(!state.devices.is_empty(), Ordering::Release);
    }

    /// A place for a stream, if one is free.
    pub(crate) fn take_place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.shared.places).try_acquire_owned().ok()
    }

    /// The devices that clients of this node watch, or watched a moment ago.
    pub(crate) fn watched_here(&self) -> Vec<DeviceKey> {
        let now = Instant::now();
        let mut state = self.lock();
        state.devices.retain(|_, watched| !watched.inboxes.is_empty() || watched.is_wanted(now));
        self.note_whether_watched(&state);
        let wanted = state.devices.iter().filter(|(_, watched)| watched.is_wanted(now));
        wanted.map(|(device, _)| *device).collect()
    }

    /// Ends all streams, since readings may have been missed: their clients come back and are given them.
    pub(crate) fn begin_anew(&self) {
        let mut state = self.lock();
        state.epoch = new_epoch();
        state.kept.clear();
        state.kept_from = state.sequence + 1;
        state.end_streams();
    }

    /// Ends all streams for good.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.has_ended = true;
        state.end_streams();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under it can panic half-way.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn publish(&mut self, reading: Reading, origin: Origin, now: Instant) {
        let Some(watched) = self.devices.get(&reading.device) else { return };
        if watched.inboxes.is_empty() && !watched.is_wanted(now) {
            self.devices.remove(&reading.device);
            if self.devices.is_empty() {
                self.kept.clear();
                self.kept_from = self.sequence + 1;
            }
            return;
        }
        self.sequence += 1;
        let numbered = Numbered { sequence: self.sequence, reading };
        for inbox in &watched.inboxes {
            if origin == Origin::Here || !inbox.is_relay() {
                inbox.offer(numbered, now);
            }
        }
        if self.kept.len() == LIVE_READINGS_KEPT_MAX
            && let Some(oldest) = self.kept.pop_front()
        {
            self.kept_from = oldest.sequence + 1;
        }
        self.kept.push_back(numbered);
    }

    /// What was committed of devices behind a position; `None` where not all of it has been kept.
    fn missed(
        &self,
        devices: &HashSet<DeviceKey>,
        position: &Position,
        now: Instant,
    ) -> Option<Vec<Numbered>> {
        // Of what is watched for other nodes alone, those do not tell what they commit.
        let was_watched = |device| {
            let watched = self.devices.get(device);
            watched.is_some_and(|watched| watched.since <= position.sequence && watched.is_wanted(now))
        };
        let is_kept = position.epoch == self.epoch
            && self.kept_from <= position.sequence.saturating_add(1)
            && devices.iter().all(was_watched);
        is_kept.then(|| {
            let first = self.kept.partition_point(|kept| kept.sequence <= position.sequence);
            let behind = self.kept.range(first..).copied();
            behind.filter(|kept| devices.contains(&kept.reading.device)).collect()
        })
    }

    fn watch(&mut self, inbox: &Arc<Inbox>, devices: &HashSet<DeviceKey>, now: Instant) {
        for (device, watched) in &mut self.devices {
            if !devices.contains(device) && watched.inboxes.iter().any(|other| Arc::ptr_eq(other, inbox)) {
                if !inbox.is_relay() {
                    watched.last = Some(now);
                }
                watched.inboxes.retain(|other| !Arc::ptr_eq(other, inbox));
            }
        }
        // What came while they were not watched has no numbers, so that time has one.
        let is_known = |device| {
            let watched = self.devices.get(device);
            watched.is_some_and(|watched| inbox.is_relay() || watched.is_wanted(now))
        };
        if !devices.iter().all(is_known) {
            self.sequence += 1;
        }
        for device in devices {
            let new = || Watched { inboxes: Vec::new(), since: self.sequence, last: None };
            let watched = self.devices.entry(*device).or_insert_with(new);
            if !inbox.is_relay() && !watched.is_wanted(now) {
                watched.since = self.sequence;
            }
            if !watched.inboxes.iter().any(|other| Arc::ptr_eq(other, inbox)) {
                watched.inboxes.push(Arc::clone(inbox));
            }
        }
        self.devices.retain(|_, watched| !watched.inboxes.is_empty() || watched.is_wanted(now));
    }

    fn end_streams(&self) {
        let inboxes = self.devices.values().flat_map(|watched| &watched.inboxes);
        inboxes.filter(|inbox| !inbox.is_relay()).for_each(|inbox| inbox.end());
    }
}

/// A number that no other node has, nor this one after a restart.
fn new_epoch() -> u64 {
    Uuid::new_v4().as_u64_pair().0
}

#[cfg(test)]
mod tests;
