//! A lane: the queue of one writer. While the lane commits a group, the next group gathers in it.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use device_stats_domain::{DeviceKey, NewReading, Reading, ReadingTime, Timestamp};
use device_stats_store::{Appended, KeyedOutcome, KeyedReadings, StoreError};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::keyed_requests::KeyClaim;
use crate::admission::{AdmissionPermit, QueueWait};
use crate::arrivals::Arrived;
use crate::limits::GROUP_READINGS_MAX;

/// A queue of requests that are committed in groups.
pub(super) struct Lane {
    /// Maximum number of concurrent commits; at least 1.
    commits_max: usize,
    state: Mutex<LaneState>,
    /// The wait of requests for their commit.
    pub(super) wait: Arc<QueueWait>,
}

#[derive(Default)]
struct LaneState {
    pending: VecDeque<PendingAppend>,
    /// Number of tasks that commit groups.
    committers: usize,
}

/// The readings of one request that waits for its commit. All are stored, or none.
pub(super) struct PendingAppend {
    pub(super) readings: Arc<[NewReading]>,
    /// The key of a keyed request.
    pub(super) claim: Option<KeyClaim>,
    pub(super) outcome: oneshot::Sender<Result<KeyedOutcome, StoreError>>,
    /// Set when the request is put aside because one of its devices is locked.
    pub(super) aside: Option<Aside>,
    /// Time since which the request waits.
    pub(super) queued: Instant,
    /// Held until the commit.
    pub(super) _permit: AdmissionPermit,
}

/// The time at which a request was put aside, and its share of the limit on the readings put aside.
pub(super) struct Aside {
    pub(super) since: Instant,
    pub(super) _permit: AdmissionPermit,
}

impl Lane {
    /// Creates an empty lane with up to `commits_max` concurrent commits.
    pub(super) fn new(commits_max: usize) -> Self {
        Self { commits_max, state: Mutex::default(), wait: Arc::default() }
    }

    /// Adds a request. Returns true if the caller has to start a committer: a task that commits each
    /// [`Self::next_group`] until a group is empty.
    pub(super) fn push(&self, append: PendingAppend) -> bool {
        let mut state = self.lock();
        state.pending.push_back(append);
        let needs_committer = state.committers < self.commits_max;
        state.committers += usize::from(needs_committer);
        needs_committer
    }

    /// Removes the request with these readings. Returns false if its commit has begun.
    pub(super) fn withdraw(&self, readings: &Arc<[NewReading]>) -> bool {
        let mut state = self.lock();
        let index = state.pending.iter().position(|append| Arc::ptr_eq(&append.readings, readings));
        index.and_then(|index| state.pending.remove(index)).is_some()
    }

    /// Takes the requests for the next transaction: either only keyed requests, or only requests without a
    /// key. If no request waits, the group is empty and the calling committer must end.
    pub(super) fn next_group(&self) -> Vec<PendingAppend> {
        let mut state = self.lock();
        let mut readings = 0;
        let mut group: Vec<PendingAppend> = Vec::new();
        while let Some(next) = state.pending.pop_front_if(|next| {
            readings += next.readings.len();
            group.first().is_none_or(|first| {
                readings <= GROUP_READINGS_MAX as usize / self.commits_max
                    && first.claim.is_some() == next.claim.is_some()
            })
        }) {
            group.push(next);
        }
        state.committers -= usize::from(group.is_empty());
        if let Some(newest) = group.last() {
            let now = Instant::now();
            self.wait.observe(now, now.duration_since(newest.queued));
        }
        group
    }

    /// Returns the number of waiting requests.
    pub(super) fn len(&self) -> usize {
        self.lock().pending.len()
    }

    fn lock(&self) -> MutexGuard<'_, LaneState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the number of committers to the maximum, as if each commit hung.
    #[cfg(test)]
    pub(super) fn block(&self) {
        self.lock().committers = self.commits_max;
    }

    /// Returns the numbers of pending requests and of committers.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.lock();
        (state.pending.len(), state.committers)
    }
}

impl PendingAppend {
    /// Returns the readings with the key of their request; `None` for a request without a key.
    pub(super) fn keyed_readings(&self) -> Option<KeyedReadings> {
        let KeyClaim { key, fingerprint, kept_until, .. } = self.claim.as_ref()?;
        let readings = Arc::clone(&self.readings);
        Some(KeyedReadings { key: key.clone(), fingerprint: *fingerprint, kept_until: *kept_until, readings })
    }

    /// Returns whether a reading is of one of these devices.
    pub(super) fn has_any_of(&self, devices: &HashSet<DeviceKey>) -> bool {
        self.readings.iter().any(|reading| devices.contains(&reading.device))
    }

    /// Returns the readings that this append stored.
    pub(super) fn stored<'w>(&'w self, outcome: &'w KeyedOutcome) -> impl Iterator<Item = Reading> + 'w {
        let outcomes = match outcome {
            KeyedOutcome::New(outcomes) => outcomes.as_slice(),
            KeyedOutcome::Repeated(_) | KeyedOutcome::DifferentPayload => &[],
        };
        self.readings.iter().zip(outcomes).filter_map(|(new, outcome)| match *outcome {
            Appended::Stored(time) => {
                Some(Reading { device: new.device, id: new.id, time, values: new.values })
            }
            Appended::Repeat | Appended::Conflict => None,
        })
    }

    /// Returns the readings that have arrived: all, unless the request was refused.
    pub(super) fn arrived<'w>(
        &'w self,
        outcome: &'w KeyedOutcome,
        now: Timestamp,
    ) -> impl Iterator<Item = Arrived> + 'w {
        let (readings, outcomes) = match outcome {
            KeyedOutcome::New(outcomes) => (&*self.readings, outcomes.as_slice()),
            KeyedOutcome::Repeated(_) => (&*self.readings, [].as_slice()),
            KeyedOutcome::DifferentPayload => ([].as_slice(), [].as_slice()),
        };
        readings.iter().enumerate().map(move |(index, NewReading { device, time, .. })| {
            let is_stored = matches!(outcomes.get(index), Some(Appended::Stored(_)));
            let newest = match time {
                ReadingTime::Given(time) => *time,
                ReadingTime::Picked(_) => now,
            };
            Arrived { device: *device, readings: is_stored.into(), newest: is_stored.then_some(newest) }
        })
    }

    /// Sends the outcome to the caller.
    pub(super) fn finish(self, outcome: Result<KeyedOutcome, StoreError>) {
        let Self { claim, outcome: sender, .. } = self;
        // The client may send the same key again as soon as it has the response.
        drop(claim);
        // Fails if the caller was cancelled or timed out.
        let _ = sender.send(outcome);
    }
}
