//! What waits for one who watches: readings, thinned to a rate.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use device_stats_domain::DeviceKey;
use device_stats_domain::limits::LIVE_READINGS_WAITING_MAX;
use tokio::sync::Notify;

use super::hub::Numbered;

/// For how long readings of a device may come as fast as they like, where none came before.
const BURST: Duration = Duration::from_secs(1);

/// The longest time between two readings of a device.
const INTERVAL_MAX: Duration = Duration::from_hours(24 * 365);

/// Readings that wait for one who watches. Of a device that has more than the rate allows, the newest takes the place of
/// those before it, until it is its turn; so the last reading always comes in the end.
#[derive(Debug)]
pub(crate) struct Inbox {
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
    /// The numbers of all that is here.
    unsent: BTreeSet<u64>,
    /// The greatest number that was taken out.
    last: u64,
    /// Whether readings were thrown away.
    has_missed: bool,
    has_ended: bool,
}

/// A reading that was taken out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Taken {
    pub(crate) numbered: Numbered,
    /// Up to this number all that was not left out has been taken.
    pub(crate) behind: u64,
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
    pub(crate) fn of_client(rate: f64) -> Self {
        Self::new(rate, false)
    }

    /// An inbox whose readings are sent to other nodes.
    pub(crate) fn of_relay(rate: f64) -> Self {
        Self::new(rate, true)
    }

    fn new(rate: f64, is_relay: bool) -> Self {
        let interval = Duration::try_from_secs_f64(rate.recip()).unwrap_or(INTERVAL_MAX).min(INTERVAL_MAX);
        Self { interval, is_relay, contents: Mutex::default(), wake: Notify::new() }
    }

    /// Whether other nodes are told, and not a client.
    pub(crate) fn is_relay(&self) -> bool {
        self.is_relay
    }

    /// Takes a reading that has been committed.
    pub(crate) fn offer(&self, numbered: Numbered, now: Instant) {
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
            contents.unsent.insert(numbered.sequence);
            contents.push(numbered, self.is_relay);
            self.wake.notify_one();
            return;
        }
        let before = pace.waiting.replace(numbered);
        contents.unsent.insert(numbered.sequence);
        if let Some(before) = before {
            contents.unsent.remove(&before.sequence);
        } else {
            contents.turns.insert((turn, device));
            self.wake.notify_one();
        }
    }

    /// The next reading, when its turn has come; `None` when there will be none any more.
    pub(crate) async fn next(&self) -> Option<Taken> {
        loop {
            let turn = {
                let mut contents = self.lock();
                contents.take_turns(Instant::now(), self.interval, self.is_relay);
                if let Some(taken) = contents.take() {
                    return Some(taken);
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
    pub(crate) fn take(&self) -> Option<Taken> {
        let mut contents = self.lock();
        contents.take_turns(Instant::now(), self.interval, self.is_relay);
        contents.take()
    }

    /// Whether readings were thrown away since this was last asked.
    pub(crate) fn take_missed(&self) -> bool {
        std::mem::take(&mut self.lock().has_missed)
    }

    /// Takes nothing any more; what is ready may still be taken out.
    pub(crate) fn end(&self) {
        self.lock().has_ended = true;
        self.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    /// Where nobody takes them out, the inbox of a client ends: who comes back is given them, if he can be. That of a relay
    /// begins anew, and remembers that readings were missed.
    fn push(&mut self, numbered: Numbered, is_relay: bool) {
        if self.ready.len() < LIVE_READINGS_WAITING_MAX {
            self.ready.push_back(numbered);
        } else if is_relay {
            self.ready.clear();
            self.unsent.clear();
            self.has_missed = true;
        } else {
            self.has_ended = true;
        }
    }

    fn take(&mut self) -> Option<Taken> {
        let numbered = self.ready.pop_front()?;
        self.unsent.remove(&numbered.sequence);
        self.last = self.last.max(numbered.sequence);
        let behind = self.unsent.first().map_or(self.last, |first| self.last.min(first - 1));
        Some(Taken { numbered, behind })
    }

    /// Makes those ready whose turn it is.
    fn take_turns(&mut self, now: Instant, interval: Duration, is_relay: bool) {
        while let Some((turn, device)) = self.turns.first().copied()
            && turn <= now
        {
            self.turns.remove(&(turn, device));
            if let Some(pace) = self.paces.get_mut(&device) {
                pace.next = later(pace.next.max(now), interval);
                if let Some(waiting) = pace.waiting.take() {
                    self.push(waiting, is_relay);
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
        contents.take_turns(now, inbox.interval, false);
        std::iter::from_fn(|| contents.take()).map(|taken| taken.numbered.sequence).collect()
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

    /// Who came back behind the last event it had was never given one that had to wait longer than that.
    #[test]
    fn what_waits_is_not_behind_a_client() {
        let inbox = Inbox::of_client(1.0);
        let start = Instant::now();
        for (device, sequence) in [(1, 1), (1, 2), (2, 3), (1, 4), (3, 5)] {
            inbox.offer(numbered(device, sequence), start);
        }
        let taken = |now| {
            let mut contents = inbox.lock();
            contents.take_turns(now, inbox.interval, false);
            std::iter::from_fn(|| contents.take())
                .map(|taken| (taken.numbered.sequence, taken.behind))
                .collect::<Vec<_>>()
        };
        assert_eq!(taken(start), [(1, 1), (3, 3), (5, 3)]);
        assert_eq!(taken(start + Duration::from_secs(2)), [(4, 5)]);
    }

    #[test]
    fn the_slowest_rate_sends_one() {
        let inbox = Inbox::of_client(1e-300);
        let start = Instant::now();
        for n in 1..10 {
            inbox.offer(numbered(1, n), start + Duration::from_secs(n));
        }
        assert_eq!(ready(&inbox, start + Duration::from_hours(1)), [1]);
    }

    #[test]
    fn a_relay_that_is_too_slow_begins_anew() {
        let inbox = Inbox::of_relay(1e9);
        let start = Instant::now();
        let count = LIVE_READINGS_WAITING_MAX as u64;
        for n in 0..count + 5 {
            inbox.offer(numbered(1, n), start + Duration::from_millis(n));
        }
        assert!(inbox.take_missed() && !inbox.take_missed());
        let left: Vec<u64> =
            std::iter::from_fn(|| inbox.take()).map(|taken| taken.numbered.sequence).collect();
        assert_eq!(left, (count + 1..count + 5).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn who_does_not_take_them_out_is_dropped() {
        let inbox = Inbox::of_client(1e9);
        let start = Instant::now();
        for n in 0..=LIVE_READINGS_WAITING_MAX as u64 {
            inbox.offer(numbered(1, n), start + Duration::from_millis(n));
        }
        for n in 0..LIVE_READINGS_WAITING_MAX as u64 {
            assert_eq!(inbox.next().await.unwrap().numbered.sequence, n);
        }
        assert_eq!(inbox.next().await, None);
        inbox.offer(numbered(1, 0), start);
        assert_eq!(inbox.next().await, None);
    }
}
