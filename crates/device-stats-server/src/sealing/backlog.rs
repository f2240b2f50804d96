//! What this node knows of hot readings: how many a device has, and since when. It is a hint for whoever seals, never the
//! truth, which only the store knows.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use device_stats_domain::DeviceKey;
use device_stats_domain::limits::SEAL_READINGS;
use device_stats_store::HotDevice;
use tokio::sync::Notify;

/// Devices that wait to be sealed.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
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
    is_old: bool,
    has_segment: bool,
    is_due: bool,
}

/// A device that is to be sealed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    /// Which one.
    pub(crate) device: DeviceKey,
    /// How many hot readings it must have to be sealed now.
    pub(crate) least: u32,
    waiting: Waiting,
}

impl Waiting {
    fn new(now: Instant) -> Self {
        let (is_old, has_segment, is_due) = (false, false, false);
        Self { readings: 0, since: now, rests_until: now, is_old, has_segment, is_due }
    }

    /// Whether it is to become due.
    fn is_ripe(&self, now: Instant) -> bool {
        let is_enough = self.is_old || self.has_segment || u64::from(SEAL_READINGS) <= self.readings;
        is_enough && !self.is_due && self.rests_until <= now
    }
}

impl Backlog {
    /// Notes that so many readings of each of those devices were stored as hot ones.
    pub(crate) fn note_hot(&self, stored: impl IntoIterator<Item = (DeviceKey, u64)>, now: Instant) {
        let mut state = self.state();
        for (device, readings) in stored {
            let waiting = state.waiting.entry(device).or_insert_with(|| Waiting::new(now));
            waiting.readings = waiting.readings.saturating_add(readings);
            state.offer(device, now, &self.has_due);
        }
    }

    /// Notes that a device got a segment at once.
    pub(crate) fn note_segment(&self, device: DeviceKey, now: Instant) {
        let mut state = self.state();
        state.waiting.entry(device).or_insert_with(|| Waiting::new(now)).has_segment = true;
        state.offer(device, now, &self.has_due);
    }

    /// Takes over what the store says: `hot` are all devices with hot readings, asked for at `asked`.
    pub(crate) fn note_all(&self, hot: &[HotDevice], asked: Instant) {
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

    /// Makes those devices due whose readings have been hot for `age`, and those that have rested.
    pub(crate) fn grow_old(&self, age: Duration, now: Instant) {
        let mut state = self.state();
        let mut ripe = Vec::new();
        for (device, waiting) in &mut state.waiting {
            waiting.is_old |= age <= now.saturating_duration_since(waiting.since);
            if waiting.is_ripe(now) {
                ripe.push(*device);
            }
        }
        for device in ripe {
            state.offer(device, now, &self.has_due);
        }
    }

    /// Waits for a device that is due. It is at work until [`Backlog::finish`] or [`Backlog::put_back`].
    pub(crate) async fn next(&self) -> Job {
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
        let least = if waiting.is_old { 1 } else { SEAL_READINGS };
        Some(Job { device, least, waiting })
    }

    /// The work is done, but for `left` hot readings, which go on waiting.
    pub(crate) fn finish(&self, job: &Job, left: u64, now: Instant) {
        let waiting = Waiting { readings: left, has_segment: false, is_due: false, ..job.waiting };
        self.end(job.device, (left > 0).then_some(waiting), now);
    }

    /// The work failed and is to be done again, after a rest.
    pub(crate) fn put_back(&self, job: &Job, rest: Duration, now: Instant) {
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
                    newer.is_old |= left.is_old;
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

#[cfg(test)]
mod tests {
    use super::*;

    const AGE: Duration = Duration::from_mins(10);
    const ENOUGH: u64 = SEAL_READINGS as u64;

    fn devices(backlog: &Backlog) -> Vec<(i64, u32)> {
        std::iter::from_fn(|| backlog.take()).map(|job| (job.device.0, job.least)).collect()
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    fn hot(device: i64, readings: u64) -> HotDevice {
        HotDevice { device: DeviceKey(device), readings }
    }

    #[test]
    fn a_device_is_due_once_it_has_enough() {
        let (backlog, now) = (Backlog::default(), Instant::now());
        backlog.note_hot([(DeviceKey(1), ENOUGH - 1), (DeviceKey(2), ENOUGH), (DeviceKey(3), 1)], now);
        assert_eq!(devices(&backlog), [(2, SEAL_READINGS)]);
        backlog.note_hot([(DeviceKey(1), 1)], now);
        backlog.note_hot([(DeviceKey(1), 1)], now);
        assert_eq!(devices(&backlog), [(1, SEAL_READINGS)]);
    }

    #[test]
    fn few_readings_are_due_when_they_are_old() {
        let (backlog, start) = (Backlog::default(), Instant::now());
        backlog.note_hot([(DeviceKey(1), 1)], start);
        backlog.note_hot([(DeviceKey(2), 1)], after(start, 1));
        backlog.note_hot([(DeviceKey(1), 1)], after(start, 599));
        backlog.grow_old(AGE, after(start, 599));
        assert_eq!(devices(&backlog), []);
        backlog.grow_old(AGE, after(start, 600));
        assert_eq!(devices(&backlog), [(1, 1)]);
        backlog.grow_old(AGE, after(start, 601));
        assert_eq!(devices(&backlog), [(2, 1)]);
    }

    #[test]
    fn a_device_is_at_work_once() {
        let (backlog, now) = (Backlog::default(), Instant::now());
        backlog.note_hot([(DeviceKey(1), ENOUGH)], now);
        let job = backlog.take().unwrap();
        backlog.note_hot([(DeviceKey(1), ENOUGH)], now);
        backlog.note_all(&[hot(1, 2 * ENOUGH)], now);
        backlog.grow_old(AGE, after(now, 1_000));
        assert_eq!(devices(&backlog), []);
        backlog.finish(&job, 0, now);
        assert_eq!(devices(&backlog).len(), 1);
    }

    #[test]
    fn what_is_left_goes_on_waiting_and_ageing() {
        let (backlog, start) = (Backlog::default(), Instant::now());
        backlog.note_hot([(DeviceKey(1), ENOUGH)], start);
        let job = backlog.take().unwrap();
        backlog.note_hot([(DeviceKey(1), 1)], after(start, 10));
        backlog.finish(&job, 7, after(start, 10));
        backlog.grow_old(AGE, after(start, 599));
        assert_eq!(devices(&backlog), []);
        backlog.grow_old(AGE, after(start, 600));
        assert_eq!(devices(&backlog), [(1, 1)]);
    }

    #[test]
    fn what_failed_rests() {
        let (backlog, start) = (Backlog::default(), Instant::now());
        backlog.note_hot([(DeviceKey(1), ENOUGH)], start);
        let job = backlog.take().unwrap();
        backlog.put_back(&job, Duration::from_secs(5), start);
        backlog.note_hot([(DeviceKey(1), 1)], after(start, 1));
        backlog.grow_old(AGE, after(start, 4));
        assert_eq!(devices(&backlog), []);
        backlog.grow_old(AGE, after(start, 5));
        assert_eq!(devices(&backlog), [(1, SEAL_READINGS)]);
    }

    #[test]
    fn a_segment_is_looked_after_at_once() {
        let (backlog, now) = (Backlog::default(), Instant::now());
        backlog.note_hot([(DeviceKey(1), 5)], now);
        backlog.note_segment(DeviceKey(1), now);
        let job = backlog.take().unwrap();
        assert_eq!(job.least, SEAL_READINGS);
        backlog.finish(&job, 5, now);
        assert_eq!(devices(&backlog), []);
    }

    #[test]
    fn the_store_knows_better() {
        let (backlog, start) = (Backlog::default(), Instant::now());
        // Sealed by another node; appended through another node; appended since the store was asked.
        backlog.note_hot([(DeviceKey(1), 5)], start);
        backlog.note_hot([(DeviceKey(2), 5)], after(start, 20));
        backlog.note_all(&[hot(3, ENOUGH), hot(4, 1)], after(start, 10));
        assert_eq!(devices(&backlog), [(3, SEAL_READINGS)]);
        backlog.grow_old(AGE, after(start, 609));
        assert_eq!(devices(&backlog), []);
        backlog.grow_old(AGE, after(start, 610));
        assert_eq!(devices(&backlog), [(4, 1)]);
        backlog.grow_old(AGE, after(start, 620));
        assert_eq!(devices(&backlog), [(2, 1)]);
    }
}
