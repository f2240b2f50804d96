//! Group commit: the readings of several requests share one transaction. Each request gets its outcome after
//! its readings are committed and synced.
//!
//! There is one device lane for each append that the store commits at the same time
//! (`ReadingStore::append_concurrency`). A device always uses the same lane. While a lane commits, the next
//! group gathers in it. Groups are therefore small under light load and large under heavy load.
//!
//! Requests for devices of several lanes are usually large. They use the mixed lane, so that no small request
//! waits for them. The mixed lane commits up to one group per device lane at once. Its groups are smaller by
//! the same factor, because a late reading makes the append of its whole group slower.
//!
//! If another call has locked a device, the store names it, and the lane commits the other requests. The
//! requests for the locked device are put aside and tried again (`locked_devices.rs`).

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use device_stats_domain::{NewReading, Reading};
use device_stats_store::{KeyedOutcome, KeyedReadings, ReadingStore, Retry, StoreError};
use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::clock::Clock;
use super::hot_limit::HotLimit;
use super::keyed_requests::KeyClaim;
use super::lane::{Lane, PendingAppend};
use super::locked_devices::LockedDevices;
use crate::admission::{AdmissionControl, QueueUsers};
use crate::arrivals::Arrivals;
use crate::error::ServiceError;
use crate::figures::counters::Counters;
use crate::limits::{COMPUTE_READINGS, LOCKED_DEVICE_PAUSE, QUEUE_TIMEOUT};
use crate::live::hub::LiveHub;
use crate::sealing::backlog::Backlog;

/// The lanes of one store.
pub(crate) struct GroupCommit {
    store: Arc<dyn ReadingStore>,
    admission: Arc<AdmissionControl>,
    hot_limit: Arc<HotLimit>,
    committed: Committed,
    device_lanes: Vec<Arc<Lane>>,
    mixed_lane: Arc<Lane>,
    locked_devices: LockedDevices,
}

/// The places that learn of committed readings.
#[derive(Default)]
pub(crate) struct Committed {
    pub(crate) backlog: Arc<Backlog>,
    pub(crate) live: Arc<LiveHub>,
    pub(crate) arrivals: Arc<Arrivals>,
    /// The clock of arrivals.
    pub(crate) clock: Arc<Clock>,
    pub(crate) counters: Arc<Counters>,
}

impl GroupCommit {
    /// Creates the lanes. No reading is appended while the store has `hot_readings_max` hot readings.
    /// `committed` learns of committed readings.
    pub(crate) fn new(
        store: Arc<dyn ReadingStore>,
        hot_readings_max: u64,
        admission: Arc<AdmissionControl>,
        committed: Committed,
    ) -> Self {
        let lanes = store.append_concurrency().max(1);
        let new_lane = |commits_max| {
            let lane = Lane::new(commits_max);
            admission.load.watch(&lane.wait, QueueUsers::All);
            Arc::new(lane)
        };
        Self {
            device_lanes: (0..lanes).map(|_| new_lane(1)).collect(),
            mixed_lane: new_lane(lanes),
            hot_limit: Arc::new(HotLimit::new(Arc::clone(&store), hot_readings_max)),
            store,
            admission,
            committed,
            locked_devices: LockedDevices::default(),
        }
    }

    /// Appends readings in a transaction that they share with other requests. With a claim, this has the
    /// effect of [`ReadingStore::append_keyed`], otherwise of [`ReadingStore::append`]. The append continues
    /// if the caller is cancelled. Call it inside a runtime.
    ///
    /// # Errors
    /// [`ServiceError::QueueFull`] and [`ServiceError::HotReadingsFull`], at once. After [`QUEUE_TIMEOUT`],
    /// [`StoreError::Unavailable`] if the readings still wait, or [`StoreError::OutcomeUnknown`] if they are
    /// being committed. The errors of the store.
    pub(crate) async fn append(
        self: &Arc<Self>,
        readings: Arc<[NewReading]>,
        claim: Option<KeyClaim>,
    ) -> Result<KeyedOutcome, ServiceError> {
        self.hot_limit.check().await?;
        let permit = self.admission.admit_readings(readings.len())?;
        let lane = self.lane(&readings);
        let (sender, outcome) = oneshot::channel();
        let own = Arc::clone(&readings);
        let queued = tokio::time::Instant::now();
        let append = PendingAppend { readings, claim, outcome: sender, aside: None, queued, _permit: permit };
        if lane.push(append) {
            tokio::spawn(Arc::clone(self).commit_groups(Arc::clone(lane)));
        }
        match timeout(QUEUE_TIMEOUT, outcome).await {
            Ok(outcome) => {
                Ok(outcome.unwrap_or_else(|_| Err(StoreError::Broken("a group commit panicked".into())))?)
            }
            Err(_) if lane.withdraw(&own) || self.locked_devices.lane.withdraw(&own) => {
                Err(StoreError::Unavailable("the readings waited too long for their commit".into()).into())
            }
            Err(_) => Err(StoreError::OutcomeUnknown("the commit takes too long".into()).into()),
        }
    }

    /// Returns the longest standing wait of a lane.
    pub(crate) fn standing_wait(&self) -> Duration {
        let now = tokio::time::Instant::now();
        let lanes = self.device_lanes.iter().chain([&self.mixed_lane]);
        lanes.map(|lane| lane.wait.standing(now)).max().unwrap_or_default()
    }

    /// Returns the lane of the devices, or the mixed lane if the devices belong to several lanes.
    fn lane(&self, readings: &[NewReading]) -> &Arc<Lane> {
        let lanes = self.device_lanes.len() as u64;
        let index = |reading: &NewReading| reading.device.0.unsigned_abs() % lanes;
        let first = readings.first().map_or(0, index);
        let common = readings.iter().all(|reading| index(reading) == first).then_some(first);
        let common = common.and_then(|index| self.device_lanes.get(usize::try_from(index).ok()?));
        common.unwrap_or(&self.mixed_lane)
    }

    /// Commits the groups of a lane, one after the other, until no request waits.
    async fn commit_groups(self: Arc<Self>, lane: Arc<Lane>) {
        loop {
            let group = lane.next_group();
            if group.is_empty() {
                return;
            }
            let (group, locked) = self.locked_devices.split(group);
            self.put_aside(locked);
            self.commit_or_fail(group).await;
        }
    }

    /// Tries the requests for locked devices again, from time to time, until none waits.
    async fn retry_locked(self: Arc<Self>) {
        loop {
            sleep(LOCKED_DEVICE_PAUSE).await;
            // A device that one group finds locked is not tried for the next group of this round.
            let round = tokio::time::Instant::now();
            // Requests put aside again go to the end of the lane, and wait for the next round.
            let mut left = self.locked_devices.lane.len();
            loop {
                let group = self.locked_devices.lane.next_group();
                if group.is_empty() {
                    return;
                }
                left = left.saturating_sub(group.len());
                let (group, locked) = self.locked_devices.split_found_since(round, group);
                self.put_aside(locked);
                self.commit_or_fail(group).await;
                if left == 0 {
                    break;
                }
            }
        }
    }

    fn put_aside(self: &Arc<Self>, requests: Vec<PendingAppend>) {
        for append in requests {
            if self.locked_devices.put_aside(append, &self.admission) {
                tokio::spawn(Arc::clone(self).retry_locked());
            }
        }
    }

    /// Commits a group. A panic drops the group, so each of its requests fails.
    async fn commit_or_fail(self: &Arc<Self>, group: Vec<PendingAppend>) {
        if !group.is_empty() && !Arc::clone(self).commit_or_panic(group).await {
            tracing::error!("a group commit panicked, failing its requests");
        }
    }

    /// Commits a group; returns false after a panic. Many readings are copied, converted and counted on a
    /// thread that may block, so that no other request waits for that.
    async fn commit_or_panic(self: Arc<Self>, group: Vec<PendingAppend>) -> bool {
        let readings: usize = group.iter().map(|append| append.readings.len()).sum();
        if readings < COMPUTE_READINGS {
            return AssertUnwindSafe(self.commit(group)).catch_unwind().await.is_ok();
        }
        let runtime = Handle::current();
        spawn_blocking(move || runtime.block_on(self.commit(group))).await.is_ok()
    }

    /// Appends the readings of a group in one transaction, and returns the outcome to each request. If one
    /// request makes the group fail, the halves of the group are tried, so that the other requests succeed.
    /// If a request needs a device that another call has locked, it is put aside, and the others are tried
    /// without it.
    async fn commit(self: &Arc<Self>, group: Vec<PendingAppend>) {
        let mut groups = vec![group];
        while let Some(mut group) = groups.pop() {
            match self.append_group(&group).await {
                Ok(outcomes) => {
                    self.locked_devices.forget(&group);
                    group.into_iter().zip(outcomes).for_each(|(append, outcome)| append.finish(Ok(outcome)));
                }
                Err(StoreError::DevicesLocked(locked)) => {
                    let locked = HashSet::from_iter(locked);
                    self.locked_devices.remember(&locked);
                    let (refused, others): (Vec<_>, Vec<_>) =
                        group.into_iter().partition(|append| append.has_any_of(&locked));
                    assert!(!refused.is_empty(), "the store named locked devices of no request");
                    self.put_aside(refused);
                    groups.extend((!others.is_empty()).then_some(others));
                }
                Err(error) if error.retry() == Retry::Pointless && group.len() > 1 => {
                    groups.push(group.split_off(group.len() / 2));
                    groups.push(group);
                }
                Err(error) => match (group.pop(), group.is_empty()) {
                    (Some(only), true) => only.finish(Err(error)),
                    (last, _) => {
                        let error = Arc::new(error);
                        group
                            .into_iter()
                            .chain(last)
                            .for_each(|append| append.finish(Err(StoreError::from_shared(&error))));
                    }
                },
            }
        }
    }

    /// Appends the readings of a group in one transaction, and returns the outcome of each request.
    ///
    /// # Panics
    /// If the store returns a wrong number of outcomes. The readings are stored. After an error, the group
    /// would be appended again.
    async fn append_group(&self, group: &[PendingAppend]) -> Result<Vec<KeyedOutcome>, StoreError> {
        let is_keyed = group.iter().any(|append| append.claim.is_some());
        let append = async {
            if is_keyed { self.append_keyed(group).await } else { self.append_unkeyed(group).await }
        };
        let outcomes = self.committed.counters.time_commit(append).await?;
        let stored = || group.iter().zip(&outcomes).flat_map(|(append, outcome)| append.stored(outcome));
        self.committed.counters.readings.add_outcomes(&outcomes);
        self.hot_limit.add(stored().count() as u64);
        let Committed { backlog, arrivals, clock, .. } = &self.committed;
        backlog.add_hot(stored().map(|reading| (reading.device, 1)), Instant::now());
        let now = clock.now();
        let arrived = group.iter().zip(&outcomes).flat_map(|(append, outcome)| append.arrived(outcome, now));
        arrivals.note(now, arrived);
        self.publish(stored());
        Ok(outcomes)
    }

    /// Publishes the committed readings of watched devices. The order of publishing is the order of the
    /// calls, so that a client that sends one reading after the other sees them in this order.
    fn publish(&self, stored: impl Iterator<Item = Reading>) {
        let live = &self.committed.live;
        let watched = live.watched_devices();
        if watched.is_empty() {
            return;
        }
        let readings: Vec<Reading> = stored.filter(|reading| watched.contains(&reading.device)).collect();
        if !readings.is_empty() {
            live.publish_later(readings.len(), readings.into_iter());
        }
    }

    async fn append_keyed(&self, group: &[PendingAppend]) -> Result<Vec<KeyedOutcome>, StoreError> {
        let requests: Option<Vec<KeyedReadings>> = group.iter().map(PendingAppend::keyed_readings).collect();
        let now = group.iter().filter_map(|append| Some(append.claim.as_ref()?.now)).max();
        match requests.zip(now) {
            Some((requests, now)) => {
                let outcomes = self.store.append_keyed(&requests, now).await?;
                let mut answered = group.iter().zip(&outcomes);
                assert!(
                    outcomes.len() == group.len()
                        && answered.all(|(append, outcome)| match outcome {
                            KeyedOutcome::New(new) => new.len() == append.readings.len(),
                            KeyedOutcome::Repeated(_) | KeyedOutcome::DifferentPayload => true,
                        }),
                    "the store returned a wrong number of outcomes"
                );
                Ok(outcomes)
            }
            None => Err(StoreError::Broken("a group mixes keyed and other requests".into())),
        }
    }

    async fn append_unkeyed(&self, group: &[PendingAppend]) -> Result<Vec<KeyedOutcome>, StoreError> {
        if let [only] = group {
            // Readings of one request need no copy.
            let outcomes = self.store.append(&only.readings).await?;
            assert_eq!(outcomes.len(), only.readings.len(), "the store returned a wrong number of outcomes");
            return Ok(vec![KeyedOutcome::New(outcomes)]);
        }
        let all: Vec<NewReading> = group.iter().flat_map(|append| append.readings.iter().copied()).collect();
        let outcomes = self.store.append(&all).await?;
        assert_eq!(outcomes.len(), all.len(), "the store returned a wrong number of outcomes");
        let mut rest = outcomes.into_iter();
        let own = |append: &PendingAppend| rest.by_ref().take(append.readings.len()).collect();
        Ok(group.iter().map(own).map(KeyedOutcome::New).collect())
    }
}
