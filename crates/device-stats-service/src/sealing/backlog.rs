//! What this node knows of hot readings: how many a device has, and since when. It is a hint for whoever seals, never the
//! truth, which only the store knows.

#[cfg(test)]
mod tests;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use device_stats_domain::DeviceKey;
use device_stats_domain::limits::{HOT_READINGS_MAX, SEAL_READINGS};
use device_stats_store::HotDevice;
use tokio::sync::Notify;

use super::sealer::Which;

/// Devices that wait to be sealed.
#[derive(Debug, Default)]
pub struct Backlog {
    state: Mutex<State>,
    has_due: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<DeviceKey, Waiting>,
    /// Those of the waiting ones that are due and not at work, in the order in which they became so.
    due: VecDeque<DeviceKey>,
    at_work: HashSet<DeviceKey>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    readings: u64,
    since: Instant,
    /// Before this moment it is not due, whatever it has.
    rests_until: Instant,
    /// What has to go even though it is not enough: it is old, or too much is hot in all.
    urgent: Option<Which>,
    has_segment: bool,
    is_due: bool,
}

/// A device that is to be sealed.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// Which one.
    pub device: DeviceKey,
    /// Which of its hot readings.
    pub which: Which,
    waiting: Waiting,
}

impl Waiting {
    fn new(now: Instant) -> Self {
        Self { readings: 0, since: now, rests_until: now, urgent: None, has_segment: false, is_due: false }
    }

    /// Whether it is to become due.
    fn is_ripe(&self, now: Instant) -> bool {
        let is_enough = u64::from(SEAL_READINGS) <= self.readings;
        (is_enough || self.urgent.is_some() || self.has_segment) && !self.is_due && self.rests_until <= now
    }
}

impl Backlog {
    /// Notes that so many readings of each of those devices were stored as hot ones.
    pub fn note_hot(&self, stored: impl IntoIterator<Item = (DeviceKey, u64)>, now: Instant) {
        let mut state = self.state();
        for (device, readings) in stored {
            let waiting = state.waiting.entry(device).or_insert_with(|| Waiting::new(now));
            waiting.readings = waiting.readings.saturating_add(readings);
            state.offer(device, now, &self.has_due);
        }
    }

    /// Notes that a device got a segment at once.
    pub fn note_segment(&self, device: DeviceKey, now: Instant) {
        let mut state = self.state();
        state.waiting.entry(device).or_insert_with(|| Waiting::new(now)).has_segment = true;
        state.offer(device, now, &self.has_due);
    }

    /// Takes over what the store says: `hot` are all devices with hot readings, asked for at `asked`.
    pub fn note_all(&self, hot: &[HotDevice], asked: Instant) {
        let known: HashMap<DeviceKey, u64> = hot.iter().map(|one| (one.device, one.readings)).collect();
        let mut state = self.state();
        // What came after the store was asked, it cannot know.
        state.waiting.retain(|device, waiting| {
            known.contains_key(device) || waiting.is_due || waiting.has_segment || asked < waiting.since
        });
        for (device, readings) in known {
            // Who is at work on it knows better.
            if !state.at_work.contains(&device) {
                let waiting = state.waiting.entry(device).or_insert_with(|| Waiting::new(asked));
                waiting.readings = readings;
                state.offer(device, asked, &self.has_due);
            }
        }
    }

    /// Makes those devices due whose readings have been hot for `age`, and those that have rested; and where more than
    /// [`HOT_READINGS_MAX`] are hot in all, those that have the most, until half as many are left.
    pub fn grow_old(&self, age: Duration, now: Instant) {
        let mut state = self.state();
        let excess = state.excess();
        let mut ripe = Vec::new();
        for (device, waiting) in &mut state.waiting {
            let is_old = age <= now.saturating_duration_since(waiting.since);
            let is_excess = excess.contains(device).then_some(Which::AllButNewest { least: 1 });
            waiting.urgent = waiting.urgent.max(if is_old { Some(Which::All) } else { is_excess });
            if waiting.is_ripe(now) {
                ripe.push(*device);
            }
        }
        for device in ripe {
            state.offer(device, now, &self.has_due);
        }
    }

    /// Waits for a device that is due. It is at work until [`Backlog::finish`] or [`Backlog::put_back`].
    pub async fn next(&self) -> Job {
        loop {
            if let Some(job) = self.take() {
                return job;
            }
            self.has_due.notified().await;
        }
    }

    fn take(&self) -> Option<Job> {
        let mut state = self.state();
        let device = state.due.pop_front()?;
        let waiting = state.waiting.remove(&device)?;
        state.at_work.insert(device);
        let which = waiting.urgent.unwrap_or(Which::AllButNewest { least: SEAL_READINGS });
        Some(Job { device, which, waiting })
    }

    /// The work is done, but for `left` hot readings, which go on waiting.
    pub fn finish(&self, job: &Job, left: u64, now: Instant) {
        let waiting =
            Waiting { readings: left, urgent: None, has_segment: false, is_due: false, ..job.waiting };
        self.end(job.device, (left > 0).then_some(waiting), now);
    }

    /// The work failed and is to be done again, after a rest.
    pub fn put_back(&self, job: &Job, rest: Duration, now: Instant) {
        let waiting = Waiting { rests_until: now + rest, is_due: false, ..job.waiting };
        self.end(job.device, Some(waiting), now);
    }

    fn end(&self, device: DeviceKey, left: Option<Waiting>, now: Instant) {
        let mut state = self.state();
        state.at_work.remove(&device);
        if let Some(left) = left {
            match state.waiting.entry(device) {
                Entry::Vacant(place) => {
                    place.insert(left);
                }
                Entry::Occupied(mut place) => {
                    let newer = place.get_mut();
                    newer.readings = newer.readings.saturating_add(left.readings);
                    newer.since = newer.since.min(left.since);
                    newer.rests_until = newer.rests_until.max(left.rests_until);
                    newer.urgent = newer.urgent.max(left.urgent);
                    newer.has_segment |= left.has_segment;
                }
            }
        }
        state.offer(device, now, &self.has_due);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The devices to seal, because too much is hot.
    fn excess(&self) -> HashSet<DeviceKey> {
        let mut hot: u64 = self.waiting.values().map(|waiting| waiting.readings).sum();
        if hot <= HOT_READINGS_MAX {
            return HashSet::new();
        }
        let mut largest: Vec<(u64, DeviceKey)> =
            self.waiting.iter().map(|(device, waiting)| (waiting.readings, *device)).collect();
        largest.sort_unstable_by(|one, other| other.cmp(one));
        let mut excess = HashSet::new();
        for (readings, device) in largest {
            if hot <= HOT_READINGS_MAX / 2 {
                break;
            }
            hot -= readings;
            excess.insert(device);
        }
        excess
    }

    /// Makes a device due if there is something to do for it, and nobody at work on it.
    fn offer(&mut self, device: DeviceKey, now: Instant, has_due: &Notify) {
        let Some(waiting) = self.waiting.get_mut(&device) else { return };
        if waiting.is_ripe(now) && !self.at_work.contains(&device) {
            waiting.is_due = true;
            self.due.push_back(device);
            has_due.notify_one();
        }
    }
}
