//! The inbox of a subscriber: a queue of readings, thinned to a rate.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use device_stats_domain::{DeviceKey, Reading};
use tokio::sync::{Notify, Semaphore};

use crate::limits::LIVE_READINGS_WAITING_MAX;

/// Maximum burst of a device after a pause: the number of readings that the rate allows in this span of time.
const BURST: Duration = Duration::from_secs(1);

/// Maximum time between two readings of a device.
const INTERVAL_MAX: Duration = Duration::from_hours(24 * 365);

/// A committed reading with its sequence number. Readings from the store have the number 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SequencedReading {
    pub(super) sequence: u64,
    pub(super) reading: Reading,
}

/// A reading taken from an inbox.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Delivery {
    pub(super) sequenced: SequencedReading,
    /// The sequence number after which the subscriber resumes. Up to this number it has all readings, except
    /// thinned ones.
    pub(super) resume_after: u64,
}

/// The receiver of the readings of an inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subscriber {
    /// The client of a live stream.
    Client,
    /// The relay to the other nodes.
    Relay,
}

/// Readings that wait for a subscriber. If a device is faster than the rate, its newest reading replaces the
/// older ones until the next reading is due. The last reading is therefore always delivered.
#[derive(Debug)]
pub(super) struct Inbox {
    subscriber: Subscriber,
    /// Minimum time between two readings of a device.
    interval: Duration,
    /// One permit for each due reading, also of the other inboxes that share them.
    permits: Arc<Semaphore>,
    contents: Mutex<InboxContents>,
    /// Notified when the contents change.
    changed: Notify,
}

#[derive(Debug, Default)]
struct InboxContents {
    /// Readings that are due.
    due: VecDeque<SequencedReading>,
    rate_limits: HashMap<DeviceKey, RateLimit>,
    /// The devices with an early reading, by the time at which the reading becomes due.
    early: BTreeSet<(Instant, DeviceKey)>,
    /// The sequence numbers of all readings in the inbox.
    undelivered: BTreeSet<u64>,
    /// The greatest sequence number delivered.
    delivered: u64,
    /// Whether readings were discarded.
    has_discarded: bool,
    has_ended: bool,
    /// Number of calls of [`Inbox::offer`].
    #[cfg(test)]
    offers: usize,
}

/// The rate limit of a device: the generic cell rate algorithm (ITU-T I.371).
#[derive(Debug)]
struct RateLimit {
    /// Theoretical arrival time: the time of the next reading of a device that sends at exactly the rate.
    next: Instant,
    /// The newest reading that exceeds the rate and is not due yet.
    early: Option<SequencedReading>,
}

impl Inbox {
    /// Creates an inbox that delivers up to `rate` readings per second of each device. The rate is above 0.
    /// Due readings take `permits` while they wait.
    pub(super) fn new(subscriber: Subscriber, rate: f64, permits: Arc<Semaphore>) -> Self {
        let interval = Duration::try_from_secs_f64(rate.recip()).unwrap_or(INTERVAL_MAX).min(INTERVAL_MAX);
        Self { subscriber, interval, permits, contents: Mutex::default(), changed: Notify::new() }
    }

    /// Returns whether the inbox belongs to the relay.
    pub(super) fn is_relay(&self) -> bool {
        self.subscriber == Subscriber::Relay
    }

    /// Adds a committed reading. Returns whether the next reading of the device, offered at the same moment,
    /// may be due. Otherwise the inbox only needs the last of these readings.
    pub(super) fn offer(&self, sequenced: SequencedReading, now: Instant) -> bool {
        let mut contents = self.lock();
        #[cfg(test)]
        {
            contents.offers += 1;
        }
        if contents.has_ended {
            return false;
        }
        let device = sequenced.reading.device;
        let tolerance = BURST.saturating_sub(self.interval);
        let limit = contents.rate_limits.entry(device).or_insert(RateLimit { next: now, early: None });
        let due = limit.next.checked_sub(tolerance).unwrap_or(now);
        if due <= now && limit.early.is_none() {
            limit.next = saturating_add(limit.next.max(now), self.interval);
            contents.undelivered.insert(sequenced.sequence);
            self.push(&mut contents, sequenced);
            self.changed.notify_one();
            return true;
        }
        let replaced = limit.early.replace(sequenced);
        contents.undelivered.insert(sequenced.sequence);
        if let Some(replaced) = replaced {
            contents.undelivered.remove(&replaced.sequence);
        } else {
            contents.early.insert((due, device));
            self.changed.notify_one();
        }
        false
    }

    /// Waits for the next due reading. Returns `None` when the inbox has ended.
    pub(super) async fn next(&self) -> Option<Delivery> {
        loop {
            let due = {
                let mut contents = self.lock();
                self.push_due(&mut contents, Instant::now());
                if let Some(delivery) = self.take_due(&mut contents) {
                    return Some(delivery);
                }
                if contents.has_ended {
                    return None;
                }
                contents.early.first().map(|(due, _)| *due)
            };
            match due {
                None => self.changed.notified().await,
                Some(due) => tokio::select! {
                    () = self.changed.notified() => {}
                    () = tokio::time::sleep_until(due.into()) => {}
                },
            }
        }
    }

    /// Takes a due reading, without waiting.
    pub(super) fn take(&self) -> Option<Delivery> {
        let mut contents = self.lock();
        self.push_due(&mut contents, Instant::now());
        self.take_due(&mut contents)
    }

    /// Forgets the rate limits of all other devices, except those with an early reading.
    pub(super) fn keep_limits_of(&self, devices: &HashSet<DeviceKey>) {
        let limits = &mut self.lock().rate_limits;
        limits.retain(|device, limit| devices.contains(device) || limit.early.is_some());
    }

    /// Returns whether readings were discarded since the last call.
    pub(super) fn take_has_discarded(&self) -> bool {
        std::mem::take(&mut self.lock().has_discarded)
    }

    /// Discards the readings of an inbox of the relay, which then announces that readings are missing.
    pub(super) fn discard(&self) {
        self.discard_due(&mut self.lock());
    }

    fn discard_due(&self, contents: &mut InboxContents) {
        self.permits.add_permits(contents.due.len());
        contents.due.clear();
        contents.undelivered.clear();
        contents.has_discarded = true;
    }

    /// Ends the inbox. It still delivers its due readings, and accepts no new ones.
    pub(super) fn end(&self) {
        self.lock().has_ended = true;
        self.changed.notify_one();
    }

    /// Adds a due reading. If the inbox of a client is full, or no permit is free, its stream ends, and the
    /// client resumes by event id. In the same cases, the inbox of the relay discards its readings.
    fn push(&self, contents: &mut InboxContents, sequenced: SequencedReading) {
        if contents.due.len() < LIVE_READINGS_WAITING_MAX
            && let Ok(permit) = self.permits.try_acquire()
        {
            permit.forget();
            contents.due.push_back(sequenced);
            return;
        }
        match self.subscriber {
            Subscriber::Client => contents.has_ended = true,
            Subscriber::Relay => self.discard_due(contents),
        }
    }

    /// Adds the early readings that are now due.
    fn push_due(&self, contents: &mut InboxContents, now: Instant) {
        while let Some((due, device)) = contents.early.first().copied()
            && due <= now
        {
            contents.early.remove(&(due, device));
            if let Some(limit) = contents.rate_limits.get_mut(&device) {
                limit.next = saturating_add(limit.next.max(now), self.interval);
                if let Some(sequenced) = limit.early.take() {
                    self.push(contents, sequenced);
                }
            }
        }
    }

    fn take_due(&self, contents: &mut InboxContents) -> Option<Delivery> {
        let delivery = contents.take()?;
        self.permits.add_permits(1);
        Some(delivery)
    }

    /// Returns the number of devices with a rate limit.
    #[cfg(test)]
    pub(super) fn limited_devices(&self) -> usize {
        self.lock().rate_limits.len()
    }

    /// Returns the number of calls of [`Self::offer`].
    #[cfg(test)]
    pub(super) fn offers(&self) -> usize {
        self.lock().offers
    }

    fn lock(&self) -> MutexGuard<'_, InboxContents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        let contents = self.contents.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.permits.add_permits(contents.due.len());
    }
}

impl InboxContents {
    fn take(&mut self) -> Option<Delivery> {
        let sequenced = self.due.pop_front()?;
        self.undelivered.remove(&sequenced.sequence);
        self.delivered = self.delivered.max(sequenced.sequence);
        let resume_after =
            self.undelivered.first().map_or(self.delivered, |first| self.delivered.min(first - 1));
        Some(Delivery { sequenced, resume_after })
    }
}

/// Adds a duration; returns `moment` if the sum is out of range.
fn saturating_add(moment: Instant, duration: Duration) -> Instant {
    moment.checked_add(duration).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::reading;

    fn inbox(subscriber: Subscriber, rate: f64) -> Inbox {
        Inbox::new(subscriber, rate, Arc::new(Semaphore::new(2 * LIVE_READINGS_WAITING_MAX)))
    }

    fn sequenced(device: i64, sequence: u64) -> SequencedReading {
        SequencedReading { sequence, reading: reading(device, 0) }
    }

    /// Takes the readings that are due at a moment, and returns their sequence numbers.
    fn due(inbox: &Inbox, now: Instant) -> Vec<u64> {
        let mut contents = inbox.lock();
        inbox.push_due(&mut contents, now);
        std::iter::from_fn(|| contents.take()).map(|delivery| delivery.sequenced.sequence).collect()
    }

    #[test]
    fn readings_within_the_rate_are_all_delivered() {
        for rate in [0.1, 1.0, 10.0, 1_000.0] {
            let inbox = inbox(Subscriber::Client, rate);
            let start = Instant::now();
            for n in 0..100_u32 {
                let now = start + Duration::from_secs_f64(f64::from(n) / rate) + Duration::from_micros(1);
                inbox.offer(sequenced(1, n.into()), now);
                assert_eq!(due(&inbox, now), [u64::from(n)], "{rate}");
            }
        }
    }

    #[test]
    fn faster_readings_are_thinned_and_the_last_is_delivered() {
        let inbox = inbox(Subscriber::Client, 10.0);
        let start = Instant::now();
        let mut delivered = Vec::new();
        // Each of two devices has 1,000 readings in ten seconds.
        for n in 0..1_000_u64 {
            let now = start + Duration::from_millis(10 * n);
            inbox.offer(sequenced(1, n), now);
            inbox.offer(sequenced(2, n + 10_000), now);
            delivered.extend(due(&inbox, now));
        }
        delivered.extend(due(&inbox, start + Duration::from_secs(11)));
        let (two, one): (Vec<u64>, Vec<u64>) = delivered.into_iter().partition(|n| *n >= 10_000);
        for (delivered, last) in [(one, 999), (two, 10_999)] {
            assert!((108..=112).contains(&delivered.len()), "{}", delivered.len());
            assert!(delivered.is_sorted());
            assert_eq!(delivered.last(), Some(&last));
        }
    }

    /// A client resumed after its last event, and never received a reading that was early when that event was
    /// sent.
    #[test]
    fn a_client_resumes_before_the_readings_that_wait() {
        let inbox = inbox(Subscriber::Client, 1.0);
        let start = Instant::now();
        for (device, sequence) in [(1, 1), (1, 2), (2, 3), (1, 4), (3, 5)] {
            inbox.offer(sequenced(device, sequence), start);
        }
        let deliveries = |now| {
            let mut contents = inbox.lock();
            inbox.push_due(&mut contents, now);
            std::iter::from_fn(|| contents.take())
                .map(|delivery| (delivery.sequenced.sequence, delivery.resume_after))
                .collect::<Vec<_>>()
        };
        assert_eq!(deliveries(start), [(1, 1), (3, 3), (5, 3)]);
        assert_eq!(deliveries(start + Duration::from_secs(2)), [(4, 5)]);
    }

    #[test]
    fn the_slowest_rate_delivers_one_reading() {
        let inbox = inbox(Subscriber::Client, 1e-300);
        let start = Instant::now();
        for n in 1..10 {
            inbox.offer(sequenced(1, n), start + Duration::from_secs(n));
        }
        assert_eq!(due(&inbox, start + Duration::from_hours(1)), [1]);
    }

    #[test]
    fn a_full_inbox_of_the_relay_discards_its_readings() {
        let inbox = inbox(Subscriber::Relay, 1e9);
        let start = Instant::now();
        let count = LIVE_READINGS_WAITING_MAX as u64;
        for n in 0..count + 5 {
            inbox.offer(sequenced(1, n), start + Duration::from_millis(n));
        }
        assert!(inbox.take_has_discarded() && !inbox.take_has_discarded());
        let left: Vec<u64> =
            std::iter::from_fn(|| inbox.take()).map(|delivery| delivery.sequenced.sequence).collect();
        assert_eq!(left, (count + 1..count + 5).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_full_inbox_of_a_client_ends() {
        let inbox = inbox(Subscriber::Client, 1e9);
        let start = Instant::now();
        for n in 0..=LIVE_READINGS_WAITING_MAX as u64 {
            inbox.offer(sequenced(1, n), start + Duration::from_millis(n));
        }
        for n in 0..LIVE_READINGS_WAITING_MAX as u64 {
            assert_eq!(inbox.next().await.unwrap().sequenced.sequence, n);
        }
        assert_eq!(inbox.next().await, None);
        inbox.offer(sequenced(1, 0), start);
        assert_eq!(inbox.next().await, None);
    }

    #[tokio::test]
    async fn inboxes_share_their_permits_and_return_them() {
        let permits = Arc::new(Semaphore::new(3));
        let [one, other] = [(); 2].map(|()| Inbox::new(Subscriber::Client, 1e9, Arc::clone(&permits)));
        let start = Instant::now();
        one.offer(sequenced(1, 1), start);
        other.offer(sequenced(1, 1), start);
        one.offer(sequenced(2, 2), start);
        // The other inbox has one reading, but all inboxes together have too many.
        other.offer(sequenced(2, 2), start);
        assert_eq!(other.next().await.unwrap().sequenced.sequence, 1);
        assert_eq!(other.next().await, None);
        assert_eq!(one.next().await.unwrap().sequenced.sequence, 1);
        assert_eq!(permits.available_permits(), 2);
        drop(one);
        assert_eq!(permits.available_permits(), 3);
    }
}
