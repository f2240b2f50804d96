//! Seals and merges one device: reads, computes where it may take its time, and has the store put the result in place.
//! The store refuses what has become stale meanwhile, so any number of nodes and commands may be at it.

use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use device_stats_domain::DeviceKey;
use device_stats_domain::limits::{SEAL_LEFT_OF, SEGMENT_READINGS};
use device_stats_segment::{Effort, EncodeError, MergeError, Row, Segment};
use device_stats_store::{Cause, Replaced, SealedRows, SegmentEntry, SegmentId, Store, StoreError};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::plan::{Goal, cut_hot, next_merge};
use crate::segments::read_segment;
use device_stats_domain::error_chain;

/// How often a device is looked at anew because somebody else was faster.
const ATTEMPTS_MAX: u32 = 10;

/// Why a device was not sealed or merged.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Readings could not be made a segment; a bug.
    #[error("readings cannot be made a segment")]
    Encode(#[from] EncodeError),
    /// The computation died; a bug.
    #[error("a computation died")]
    Died(#[source] Cause),
}

/// Which hot readings of a device are to be sealed, fewer before more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// Where there are `least`, all but the newest one of [`SEAL_LEFT_OF`]: while a device goes on sending, some readings come a
    /// little late, and those that lie inside the span of a segment cost an append far more than others.
    AllButNewest {
        /// How many there have to be.
        least: u32,
    },
    /// All.
    All,
}

/// What was done to a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Readings that are sealed now and were hot before.
    pub sealed_readings: u64,
    /// Segments they went to.
    pub sealed_segments: u64,
    /// Segments that were merged.
    pub merged_segments: u64,
    /// Segments that stand in their place.
    pub merged_into: u64,
    /// Hot readings that were seen and left.
    pub left_readings: u64,
}

impl Done {
    /// What was done to this device and another one.
    pub fn plus(self, other: Self) -> Self {
        Self {
            sealed_readings: self.sealed_readings + other.sealed_readings,
            sealed_segments: self.sealed_segments + other.sealed_segments,
            merged_segments: self.merged_segments + other.merged_segments,
            merged_into: self.merged_into + other.merged_into,
            left_readings: self.left_readings + other.left_readings,
        }
    }
}

/// What became of a merge.
enum Merged {
    Done,
    /// One of the segments is left out of all merges from now on.
    Left,
    /// Somebody else was faster.
    Stale,
}

/// Seals and merges devices of one store.
pub struct Sealer {
    store: Arc<dyn Store>,
    /// Segments that cannot be merged, since they or those beside them are corrupt. They are left as they are.
    corrupt: Mutex<HashSet<SegmentId>>,
    /// One for each device that may keep a core busy, or hold segments that are to be merged.
    turns: Semaphore,
}

impl Sealer {
    /// A sealer of that store, which keeps at most `cores` of them busy.
    pub fn new(store: Arc<dyn Store>, cores: usize) -> Self {
        Self { store, corrupt: Mutex::default(), turns: Semaphore::new(cores) }
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, SealError> {
        self.turns.acquire().await.map_err(|closed| SealError::Died(closed.into()))
    }

    /// Seals hot readings of a device, and merges its segments until nothing is left to do. Adds to `done` what was done,
    /// also before a failure.
    ///
    /// # Errors
    /// [`SealError`].
    pub async fn work(
        &self,
        device: DeviceKey,
        which: Which,
        goal: Goal,
        done: &mut Done,
    ) -> Result<(), SealError> {
        self.seal(device, which, done).await?;
        self.merge(device, goal, done).await
    }

    async fn seal(&self, device: DeviceKey, which: Which, done: &mut Done) -> Result<(), SealError> {
        let mut attempts = 0;
        while attempts < ATTEMPTS_MAX {
            let mut rows = self.store.list_hot_readings(device, SEGMENT_READINGS).await?;
            let count = rows.len();
            let is_all = count < SEGMENT_READINGS as usize;
            if is_all && let Which::AllButNewest { least } = which {
                rows.truncate(if count < least as usize { 0 } else { count - count / SEAL_LEFT_OF });
                done.left_readings = (count - rows.len()) as u64;
            }
            if rows.is_empty() {
                return Ok(());
            }
            if !self.seal_rows(device, &rows, done).await? {
                // Another node seals this device, too.
                attempts += 1;
            } else if is_all {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Seals these rows; false where some of them are not hot any more.
    async fn seal_rows(&self, device: DeviceKey, rows: &[Row], done: &mut Done) -> Result<bool, SealError> {
        let segments = self.store.list_segments(device).await?;
        for part in cut_hot(rows, &segments) {
            let rows = part.to_vec();
            let sealed = {
                let _turn = self.turn().await?;
                compute(move || SealedRows::encode(&rows, Effort::Small)).await??
            };
            match self.store.seal(device, &sealed).await? {
                Replaced::Stale => return Ok(false),
                Replaced::Done(id) => {
                    tracing::debug!(device = device.0, segment = id.0, readings = part.len(), "sealed");
                    done.sealed_readings += part.len() as u64;
                    done.sealed_segments += 1;
                }
            }
        }
        Ok(true)
    }

    async fn merge(&self, device: DeviceKey, goal: Goal, done: &mut Done) -> Result<(), SealError> {
        let mut attempts = 0;
        while attempts < ATTEMPTS_MAX {
            let mut segments = self.store.list_segments(device).await?;
            segments.retain(|segment| !self.corrupt().contains(&segment.id));
            let Some(run) = next_merge(&segments, goal) else { return Ok(()) };
            match self.merge_run(device, &run).await? {
                Merged::Done => {
                    done.merged_segments += run.len() as u64;
                    done.merged_into += 1;
                }
                Merged::Left => {}
                Merged::Stale => attempts += 1,
            }
        }
        Ok(())
    }

    /// Makes one segment of these.
    async fn merge_run(&self, device: DeviceKey, run: &[SegmentEntry]) -> Result<Merged, SealError> {
        let _turn = self.turn().await?;
        let mut parts = Vec::with_capacity(run.len());
        for entry in run {
            match read_segment(self.store.as_ref(), device, entry).await {
                Ok(Some(part)) => parts.push(part),
                Ok(None) => return Ok(Merged::Stale),
                Err(StoreError::Corrupt { fault, .. }) => {
                    self.leave(device, entry, &fault);
                    return Ok(Merged::Left);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let merged = match compute(move || Segment::merge(&parts, Effort::Small)).await? {
            Ok(merged) => merged,
            Err(MergeError::Unreadable { index, source }) => {
                if let Some(entry) = run.get(index) {
                    self.leave(device, entry, &source);
                }
                return Ok(Merged::Left);
            }
            // It is not known which of them is at fault.
            Err(error) => {
                for entry in run {
                    self.leave(device, entry, &error);
                }
                return Ok(Merged::Left);
            }
        };
        let ids: Vec<SegmentId> = run.iter().map(|entry| entry.id).collect();
        match self.store.merge(device, &ids, &merged).await? {
            Replaced::Stale => Ok(Merged::Stale),
            Replaced::Done(id) => {
                tracing::debug!(device = device.0, segment = id.0, segments = ids.len(), "merged");
                Ok(Merged::Done)
            }
        }
    }

    /// Leaves a segment out of all merges from now on.
    fn leave(&self, device: DeviceKey, entry: &SegmentEntry, error: &(dyn Error + 'static)) {
        let causes = error_chain(error);
        tracing::error!(device = device.0, segment = entry.id.0, causes, "a segment cannot be merged");
        self.corrupt().insert(entry.id);
    }

    fn corrupt(&self) -> MutexGuard<'_, HashSet<SegmentId>> {
        self.corrupt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs what keeps a core busy on a thread that may be kept busy.
async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, SealError> {
    tokio::task::spawn_blocking(work).await.map_err(|died| SealError::Died(died.into()))
}
