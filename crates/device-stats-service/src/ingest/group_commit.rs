//! Group commit: readings of many requests wait together for one transaction, and each request is answered after its own
//! readings are committed and synced.
//!
//! There are as many lanes as the store commits at once, and requests about one device always take the same one. While a
//! lane commits, the next group gathers behind it; so groups are small where there is little to do, and large under load.
//! Requests about devices of several lanes are large as a rule. They have a lane of their own, so that no small one waits
//! for them, in which as many groups are committed at once, and each is the smaller for it: one late reading makes the
//! store look closely at all of its group.

use std::collections::VecDeque;
use std::iter::repeat_n;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use device_stats_domain::limits::{GROUP_READINGS_MAX, QUEUE_READINGS_MAX, QUEUE_TIMEOUT};
use device_stats_domain::{NewReading, Reading, Timestamp};
use device_stats_store::{Appended, KeyedOutcome, KeyedReadings, Retry, Store, StoreError};
use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;

use crate::ServiceError;
use crate::ingest::keyed_requests::Claim;
use crate::live::hub::{Live, Origin};
use crate::sealing::Backlog;

type Outcome = Result<KeyedOutcome, StoreError>;

/// The ways of readings into one store. Cheap to clone; clones share them.
#[derive(Clone)]
pub(crate) struct Lanes {
    store: Arc<dyn Store>,
    backlog: Arc<Backlog>,
    live: Live,
    /// Those of the devices, and behind them that of requests about devices of several lanes.
    each: Arc<[Mutex<Lane>]>,
    /// Room for readings that wait or are being committed.
    room: Arc<Semaphore>,
}

/// Requests that wait for their commit.
struct Lane {
    waiting: VecDeque<Waiting>,
    /// How many groups are committed at once, 1 and up.
    at_once: usize,
    /// How many are at the moment.
    at_work: usize,
}

/// Readings of one request: all are stored, or none.
struct Waiting {
    readings: Arc<[NewReading]>,
    /// Of a request that has a key.
    claim: Option<Claim>,
    done: oneshot::Sender<Outcome>,
    /// Given back when they are committed.
    _room: OwnedSemaphorePermit,
}

impl Lanes {
    /// Those who seal are told by `backlog` what has become hot, those who watch are told by `live`.
    pub(crate) fn into(store: Arc<dyn Store>, backlog: Arc<Backlog>, live: Live) -> Self {
        let at_once = store.append_concurrency().max(1);
        Self::of(at_once, store, backlog, live)
    }

    fn of(count: usize, store: Arc<dyn Store>, backlog: Arc<Backlog>, live: Live) -> Self {
        let lane = |at_once| Mutex::new(Lane { waiting: VecDeque::new(), at_once, at_work: 0 });
        let each = repeat_n(1, count).chain([count]).map(lane).collect();
        Self { store, backlog, live, each, room: Arc::new(Semaphore::new(QUEUE_READINGS_MAX as usize)) }
    }

    /// Appends readings as [`Store::append`] does, or [`Store::append_keyed`] with a claim, together with those of others.
    /// They are appended even if nobody waits for the answer any more. To be called inside of a runtime.
    ///
    /// # Errors
    /// [`ServiceError::QueueFull`], at once; [`StoreError::Unavailable`] where they have waited for [`QUEUE_TIMEOUT`], and
    /// [`StoreError::OutcomeUnknown`] where they are being committed then; else those of the store.
    pub(crate) async fn append(
        &self,
        readings: Arc<[NewReading]>,
        claim: Option<Claim>,
    ) -> Result<KeyedOutcome, ServiceError> {
        let room = self.take_room(readings.len())?;
        let place = self.place(&readings);
        let (done, outcome) = oneshot::channel();
        let own = Arc::clone(&readings);
        let waiting = Waiting { readings, claim, done, _room: room };
        if let Some(mut lane) = self.lane(place) {
            lane.waiting.push_back(waiting);
            if lane.at_work < lane.at_once {
                lane.at_work += 1;
                tokio::spawn(self.clone().serve(place));
            }
        }
        match timeout(QUEUE_TIMEOUT, outcome).await {
            Ok(outcome) => {
                Ok(outcome.unwrap_or_else(|_| Err(StoreError::Broken("a commit panicked".into())))?)
            }
            Err(_) if self.withdraw(place, &own) => {
                Err(StoreError::Unavailable("the readings waited too long to be stored".into()).into())
            }
            Err(_) => Err(StoreError::OutcomeUnknown("the commit takes too long".into()).into()),
        }
    }

    /// Takes the readings of a request out of the queue; false where their commit has begun.
    fn withdraw(&self, place: usize, own: &Arc<[NewReading]>) -> bool {
        let Some(mut lane) = self.lane(place) else { return false };
        let found = lane.waiting.iter().position(|waiting| Arc::ptr_eq(&waiting.readings, own));
        found.and_then(|found| lane.waiting.remove(found)).is_some()
    }

    /// Room for so many readings, until it is dropped.
    ///
    /// # Errors
    /// [`ServiceError::QueueFull`].
    pub(crate) fn take_room(&self, readings: usize) -> Result<OwnedSemaphorePermit, ServiceError> {
        // One request alone is not refused for its size.
        let count = u32::try_from(readings).unwrap_or(u32::MAX).min(QUEUE_READINGS_MAX);
        Arc::clone(&self.room).try_acquire_many_owned(count).map_err(|_| ServiceError::QueueFull)
    }

    /// Which lane readings take.
    fn place(&self, readings: &[NewReading]) -> usize {
        let of_devices = self.each.len() - 1;
        let lane = |reading: &NewReading| reading.device.0.unsigned_abs() % of_devices as u64;
        let first = readings.first().map_or(0, lane);
        if readings.iter().all(|reading| lane(reading) == first) {
            usize::try_from(first).unwrap_or_default()
        } else {
            of_devices
        }
    }

    fn lane(&self, place: usize) -> Option<MutexGuard<'_, Lane>> {
        self.each.get(place).map(|lane| lane.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Commits one group after the other until nobody waits in a lane.
    async fn serve(self, place: usize) {
        loop {
            let group = match self.lane(place) {
                Some(mut lane) => lane.next_group(),
                None => return,
            };
            if group.is_empty() {
                return;
            }
            // What dies with a panic drops the group: those who wait are told, and the next ones are served.
            if AssertUnwindSafe(self.commit(group)).catch_unwind().await.is_err() {
                tracing::error!("a commit panicked");
            }
        }
    }

    /// Appends the readings of a group in one transaction, and answers each request. Where one of them is to blame that it
    /// fails, which must not fail the others, halves of the group are tried.
    async fn commit(&self, group: Vec<Waiting>) {
        let mut groups = vec![group];
        while let Some(mut group) = groups.pop() {
            match self.append_all(&group).await {
                Ok(outcome) => {
                    group.into_iter().zip(outcome).for_each(|(waiting, own)| waiting.answer(Ok(own)));
                }
                Err(error) if error.retry() == Retry::Pointless && group.len() > 1 => {
                    groups.push(group.split_off(group.len() / 2));
                    groups.push(group);
                }
                Err(error) => match (group.pop(), group.is_empty()) {
                    (Some(only), true) => only.answer(Err(error)),
                    (last, _) => {
                        let error = Arc::new(error);
                        group
                            .into_iter()
                            .chain(last)
                            .for_each(|waiting| waiting.answer(Err(StoreError::from_shared(&error))));
                    }
                },
            }
        }
    }

    /// Appends the readings of a group, either all with claims or none, in one transaction, and says of each request what
    /// became of it.
    async fn append_all(&self, group: &[Waiting]) -> Result<Vec<KeyedOutcome>, StoreError> {
        let outcome = if group.iter().any(|waiting| waiting.claim.is_some()) {
            let requests: Vec<KeyedReadings> = group.iter().filter_map(Waiting::keyed).collect();
            let now = group.iter().filter_map(|waiting| Some(waiting.claim.as_ref()?.now)).max();
            self.store.append_keyed(&requests, now.unwrap_or(Timestamp::MAX)).await?
        } else {
            let all: Vec<NewReading> =
                group.iter().flat_map(|waiting| waiting.readings.iter().copied()).collect();
            let mut outcome = self.store.append(&all).await?.into_iter();
            let own = |waiting: &Waiting| outcome.by_ref().take(waiting.readings.len()).collect();
            group.iter().map(own).map(KeyedOutcome::New).collect()
        };
        let stored = || group.iter().zip(&outcome).flat_map(|(waiting, own)| waiting.stored(own));
        self.backlog.note_hot(stored().map(|reading| (reading.device, 1)), Instant::now());
        self.live.publish(stored(), Origin::Here);
        Ok(outcome)
    }
}

impl Lane {
    /// Takes those who are next to be committed together; where there are none, who asked for them has done its work.
    fn next_group(&mut self) -> Vec<Waiting> {
        let mut readings = 0;
        let mut group = Vec::new();
        while let Some(next) = self.waiting.pop_front_if(|next| {
            readings += next.readings.len();
            let first = group.first();
            first.is_none_or(|first: &Waiting| {
                readings <= GROUP_READINGS_MAX as usize / self.at_once
                    && first.claim.is_some() == next.claim.is_some()
            })
        }) {
            group.push(next);
        }
        self.at_work -= usize::from(group.is_empty());
        group
    }
}

impl Waiting {
    /// The readings with the key of their request, if it has one.
    fn keyed(&self) -> Option<KeyedReadings> {
        let Claim { key, fingerprint, kept_until, .. } = self.claim.as_ref()?;
        let readings = Arc::clone(&self.readings);
        Some(KeyedReadings { key: key.clone(), fingerprint: *fingerprint, kept_until: *kept_until, readings })
    }

    /// Those of the readings that were stored now.
    fn stored<'w>(&'w self, outcome: &'w KeyedOutcome) -> impl Iterator<Item = Reading> + 'w {
        let outcome = match outcome {
            KeyedOutcome::New(outcome) => outcome.as_slice(),
            KeyedOutcome::Repeated(_) | KeyedOutcome::DifferentPayload => &[],
        };
        self.readings.iter().zip(outcome).filter_map(|(new, own)| match *own {
            Appended::Stored(time) => {
                Some(Reading { device: new.device, id: new.id, time, values: new.values })
            }
            Appended::Repeat => None,
        })
    }

    fn answer(self, outcome: Outcome) {
        let Self { claim, done, .. } = self;
        // First: who is answered may send the same key again at once.
        drop(claim);
        // Nobody may be waiting any more.
        let _ = done.send(outcome);
    }
}

#[cfg(test)]
mod tests {
    use device_stats_domain::{
        Axes, DeviceId, DeviceKey, Finite, NewDevice, ReadingId, ReadingTime, Timestamp,
    };
    use device_stats_sqlite::SqliteStore;
    use device_stats_store::Model;
    use futures_util::future::join_all;

    use super::*;

    fn reading(device: DeviceKey, time_us: i64) -> NewReading {
        let one = Finite::new(1.0).unwrap();
        let time = ReadingTime::Given(Timestamp::from_micros(time_us).unwrap());
        NewReading { device, id: ReadingId(time_us), time, values: Axes { x: one, y: one, z: one } }
    }

    async fn create(store: &dyn Store, device_id: &str) -> DeviceKey {
        let device_id = DeviceId::new(device_id).unwrap();
        store.create_device(NewDevice { device_id, name: None, user_id: None }).await.unwrap().key
    }

    /// Each request gets what became of its own readings, in its own order.
    #[tokio::test]
    async fn one_bad_request_does_not_fail_its_neighbours() {
        let store: Arc<dyn Store> = Arc::new(Model::default());
        let (one, other) = (create(&*store, "one").await, create(&*store, "other").await);
        let lanes = Lanes::into(store, Arc::default(), Live::default());
        let missing = DeviceKey(99);
        // Nobody serves the lane before all of them wait in it: the test has one thread.
        let requests: [&[NewReading]; 5] = [
            &[reading(one, 2), reading(one, 1)],
            &[reading(missing, 1)],
            &[reading(other, 7), reading(missing, 2)],
            &[reading(one, 1), reading(one, 3), reading(one, 2)],
            &[],
        ];
        let outcomes = join_all(requests.map(|readings| lanes.append(readings.into(), None))).await;
        let stored = |time_us| Appended::Stored(Timestamp::from_micros(time_us).unwrap());
        let [first, second, third, fourth, fifth] = outcomes.try_into().unwrap();
        assert_eq!(first.unwrap(), KeyedOutcome::New(vec![stored(2), stored(1)]));
        assert!(matches!(second, Err(ServiceError::Store(StoreError::DeviceMissing))));
        assert!(matches!(third, Err(ServiceError::Store(StoreError::DeviceMissing))));
        assert_eq!(fourth.unwrap(), KeyedOutcome::New(vec![Appended::Repeat, stored(3), Appended::Repeat]));
        assert_eq!(fifth.unwrap(), KeyedOutcome::New(Vec::new()));
        assert_eq!(lanes.room.available_permits(), QUEUE_READINGS_MAX as usize);
    }

    #[tokio::test]
    async fn requests_that_wait_together_share_a_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path, true).unwrap());
        let device = create(&*store, "one").await;
        let lanes = Lanes::into(store, Arc::default(), Live::default());
        let requests = (0..200).map(|n| lanes.append([reading(device, n)].into(), None));
        for outcome in join_all(requests).await {
            outcome.unwrap();
        }
        let connection = rusqlite::Connection::open(&path).unwrap();
        let commits: u32 =
            connection.query_row("SELECT count(*) FROM journal", [], |row| row.get(0)).unwrap();
        assert_eq!(commits, 1);
    }

    #[tokio::test]
    async fn requests_about_devices_of_several_lanes_have_a_lane_of_their_own() {
        let store: Arc<dyn Store> = Arc::new(Model::default());
        let mut devices = Vec::new();
        for n in 0..8 {
            devices.push(create(&*store, &format!("d{n}")).await);
        }
        let lanes = Lanes::of(4, store, Arc::default(), Live::default());
        let place = |devices: &[DeviceKey]| {
            lanes.place(&devices.iter().map(|device| reading(*device, 1)).collect::<Vec<_>>())
        };
        for (one, next) in devices.iter().zip(&devices[1..]) {
            assert_eq!(place(&[*one]), place(&[DeviceKey(one.0 + 4), *one, *one]));
            assert!(place(&[*one]) < 4);
            assert_eq!(place(&[*one, *next]), 4);
        }
        let requests = (0..100).zip(0..).map(|(n, time_us)| {
            let readings: Vec<_> =
                devices[..=(n % 8)].iter().map(|device| reading(*device, time_us)).collect();
            lanes.append(readings.into(), None)
        });
        for outcome in join_all(requests).await {
            assert!(matches!(outcome, Ok(KeyedOutcome::New(all)) if !all.contains(&Appended::Repeat)));
        }
        // Those at work find that nobody waits any more.
        tokio::task::yield_now().await;
        for lane in lanes.each.iter() {
            let lane = lane.lock().unwrap();
            assert_eq!((lane.waiting.len(), lane.at_work), (0, 0));
        }
    }

    /// As where the store is frozen.
    #[tokio::test(start_paused = true)]
    async fn nothing_waits_for_ever() {
        let store: Arc<dyn Store> = Arc::new(Model::default());
        let device = create(&*store, "one").await;
        let lanes = Lanes::into(store, Arc::default(), Live::default());
        // A group is being committed, and never will be.
        lanes.lane(0).unwrap().at_work = 1;
        let begun = tokio::time::Instant::now();
        let outcome = lanes.append([reading(device, 1)].into(), None).await;
        assert!(matches!(outcome, Err(ServiceError::Store(StoreError::Unavailable(_)))), "{outcome:?}");
        assert_eq!(begun.elapsed(), QUEUE_TIMEOUT);
        assert_eq!(lanes.lane(0).unwrap().waiting.len(), 0);

        let request = lanes.append([reading(device, 2)].into(), None);
        let take = async {
            tokio::task::yield_now().await;
            lanes.lane(0).unwrap().next_group()
        };
        let (outcome, group) = tokio::join!(request, take);
        assert!(matches!(outcome, Err(ServiceError::Store(StoreError::OutcomeUnknown(_)))), "{outcome:?}");
        // Which gives back the room of its readings.
        drop(group);
        assert_eq!(lanes.room.available_permits(), QUEUE_READINGS_MAX as usize);
    }

    /// One request alone may bring more than there is room for: short rows of CSV are.
    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let store: Arc<dyn Store> = Arc::new(Model::default());
        let device = create(&*store, "one").await;
        let lanes = Lanes::into(store, Arc::default(), Live::default());
        let count = QUEUE_READINGS_MAX + 5;
        let most: Arc<[NewReading]> = (0..i64::from(count)).map(|n| reading(device, n)).collect();
        let (all, more) =
            tokio::join!(lanes.append(most, None), lanes.append([reading(device, -1)].into(), None));
        assert!(matches!(all, Ok(KeyedOutcome::New(outcome)) if outcome.len() == count as usize));
        assert!(matches!(more, Err(ServiceError::QueueFull)));
        lanes.append([reading(device, -1)].into(), None).await.unwrap();
    }
}
