//! What waits for one who watches: readings, thinned to a rate.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use device_stats_domain::DeviceKey;
use device_stats_domain::limits::LIVE_READINGS_WAITING_MAX;
use tokio::sync::Notify;

use super::Numbered;

/// For how long readings of a device may come as fast as they like, where none came before.
const BURST: Duration = Duration::from_secs(1);

/// Readings that wait for one who watches. Of a device that has more than the rate allows, the newest takes the place of
/// those before it, until it is its turn; so the last reading always comes in the end.
#[derive(Debug)]
pub(super) struct Inbox {
    /// Between two readings of a device.
    interval: Duration,
    is_relay: bool,
    contents: Mutex<Contents>,
    /// Told when there is something new to look at.
    wake: Notify,
}

#[derive(Debug, Default)]
struct Contents {
    /// Readings whose turn it is.
    ready: VecDeque<Numbered>,
    paces: HashMap<DeviceKey, Pace>,
    /// The devices of which a reading waits, by its turn.
    turns: BTreeSet<(Instant, DeviceKey)>,
    has_ended: bool,
}

/// How fast the readings of a device come: the generic cell rate algorithm (ITU-T I.371).
#[derive(Debug)]
struct Pace {
    /// When the next reading would come if all came evenly.
    next: Instant,
    /// The newest reading that came too early.
    waiting: Option<Numbered>,
}

impl Inbox {
    /// An inbox that takes `rate` readings a second of each device; above 0.
    pub(super) fn of_client(rate: f64) -> Self {
        Self::new(rate, false)
    }

    /// An inbox whose readings are sent to other nodes.
    pub(super) fn of_relay(rate: f64) -> Self {
        Self::new(rate, true)
    }

    fn new(rate: f64, is_relay: bool) -> Self {
        let interval = Duration::try_from_secs_f64(rate.recip()).unwrap_or(Duration::MAX);
        Self { interval, is_relay, contents: Mutex::default(), wake: Notify::new() }
    }

    /// Whether other nodes are told, and not a client.
    pub(super) fn is_relay(&self) -> bool {
        self.is_relay
    }

    /// Takes a reading that has been committed.
    pub(super) fn offer(&self, numbered: Numbered, now: Instant) {
        let mut contents = self.lock();
        if contents.has_ended {
            return;
        }
        let device = numbered.reading.device;
        let ahead = BURST.saturating_sub(self.interval);
        let pace = contents.paces.entry(device).or_insert(Pace { next: now, waiting: None });
        let turn = pace.next.checked_sub(ahead).unwrap_or(now);
        if turn <= now && pace.waiting.is_none() {
            pace.next = later(pace.next.max(now), self.interval);
            contents.push(numbered);
            self.wake.notify_one();
        } else if pace.waiting.replace(numbered).is_none() {
            contents.turns.insert((turn, device));
            self.wake.notify_one();
        }
    }

    /// The next reading, when its turn has come; `None` when there will be none any more.
    pub(super) async fn next(&self) -> Option<Numbered> {
        loop {
            let turn = {
                let mut contents = self.lock();
                contents.take_turns(Instant::now(), self.interval);
                if let Some(ready) = contents.ready.pop_front() {
                    return Some(ready);
                }
                if contents.has_ended {
                    return None;
                }
                contents.turns.first().map(|(turn, _)| *turn)
            };
            match turn {
                None => self.wake.notified().await,
                Some(turn) => tokio::select! {
                    () = self.wake.notified() => {}
                    () = tokio::time::sleep_until(turn.into()) => {}
                },
            }
        }
    }

    /// A reading whose turn has come, if there is one.
    pub(super) fn take(&self) -> Option<Numbered> {
        let mut contents = self.lock();
        contents.take_turns(Instant::now(), self.interval);
        contents.ready.pop_front()
    }

    /// Takes nothing any more; what is ready may still be taken out.
    pub(super) fn end(&self) {
        self.lock().has_ended = true;
        self.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    fn push(&mut self, numbered: Numbered) {
        if self.ready.len() < LIVE_READINGS_WAITING_MAX {
            self.ready.push_back(numbered);
        } else {
            // Nobody takes them out. Who comes back is given them, if he can be.
            self.has_ended = true;
        }
    }

    /// Makes those ready whose turn it is.
    fn take_turns(&mut self, now: Instant, interval: Duration) {
        while let Some((turn, device)) = self.turns.first().copied()
            && turn <= now
        {
            self.turns.remove(&(turn, device));
            if let Some(pace) = self.paces.get_mut(&device) {
                pace.next = later(pace.next.max(now), interval);
                if let Some(waiting) = pace.waiting.take() {
                    self.push(waiting);
                }
            }
        }
    }
}

/// A moment that much later, as far as there is one.
fn later(moment: Instant, by: Duration) -> Instant {
    moment.checked_add(by).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use device_stats_domain::{Axes, Finite, Reading, ReadingId, Timestamp};

    use super::*;

    fn numbered(device: i64, sequence: u64) -> Numbered {
        let zero = Finite::new(0.0).unwrap();
        let time = Timestamp::from_micros(0).unwrap();
        let (device, id) = (DeviceKey(device), ReadingId(0));
        let values = Axes { x: zero, y: zero, z: zero };
        Numbered { sequence, reading: Reading { device, id, time, values } }
    }

    /// The numbers of what is ready at a moment.
    fn ready(inbox: &Inbox, now: Instant) -> Vec<u64> {
        let mut contents = inbox.lock();
        contents.take_turns(now, inbox.interval);
        contents.ready.drain(..).map(|numbered| numbered.sequence).collect()
    }

    #[test]
    fn what_comes_no_faster_than_the_rate_comes_whole() {
        for rate in [0.1, 1.0, 10.0, 1_000.0] {
            let inbox = Inbox::of_client(rate);
            let start = Instant::now();
            for n in 0..100_u32 {
                let now = start + Duration::from_secs_f64(f64::from(n) / rate) + Duration::from_micros(1);
                inbox.offer(numbered(1, n.into()), now);
                assert_eq!(ready(&inbox, now), [u64::from(n)], "{rate}");
            }
        }
    }

    #[test]
    fn what_comes_faster_is_thinned_and_the_last_one_comes() {
        let inbox = Inbox::of_client(10.0);
        let start = Instant::now();
        let mut got = Vec::new();
        // 1,000 readings in ten seconds, of each of two devices.
        for n in 0..1_000_u64 {
            let now = start + Duration::from_millis(10 * n);
            inbox.offer(numbered(1, n), now);
            inbox.offer(numbered(2, n + 10_000), now);
            got.extend(ready(&inbox, now));
        }
        got.extend(ready(&inbox, start + Duration::from_secs(11)));
        let (two, one): (Vec<u64>, Vec<u64>) = got.into_iter().partition(|n| *n >= 10_000);
        for (got, last) in [(one, 999), (two, 10_999)] {
            assert!((108..=112).contains(&got.len()), "{}", got.len());
            assert!(got.is_sorted());
            assert_eq!(got.last(), Some(&last));
        }
    }

    #[tokio::test]
    async fn who_does_not_take_them_out_is_dropped() {
        let inbox = Inbox::of_client(1e9);
        let start = Instant::now();
        for n in 0..=LIVE_READINGS_WAITING_MAX as u64 {
            inbox.offer(numbered(1, n), start + Duration::from_millis(n));
        }
        for n in 0..LIVE_READINGS_WAITING_MAX as u64 {
            assert_eq!(inbox.next().await.unwrap().sequence, n);
        }
        assert_eq!(inbox.next().await, None);
        inbox.offer(numbered(1, 0), start);
        assert_eq!(inbox.next().await, None);
    }
}
