//! Sealing and merging of one device. The store refuses a new segment if its readings or source segments have
//! changed. Any number of nodes and commands may therefore work on a device.

use std::collections::HashSet;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use device_stats_domain::{DeviceKey, error_chain};
use device_stats_segment::{Effort, EncodeError, MergeError, Row, Segment};
use device_stats_store::{Cause, Replaced, Retry, SealedRows, SegmentEntry, SegmentId, Store, StoreError};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::merge_pause::MergePauses;
use super::plan::{MergeGoal, next_merge, split_hot};
use crate::limits::{SEAL_HOT_DIVISOR, SEGMENT_READINGS};
use crate::segments::whole_segment::read_segment;

/// Maximum number of attempts on a device that another sealer works on.
const ATTEMPTS_MAX: u32 = 10;

/// Reason why a device was not sealed or merged.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Readings could not be encoded as a segment; a bug.
    #[error("readings cannot be encoded as a segment")]
    Encode(#[from] EncodeError),
    /// A computation panicked; a bug.
    #[error("a computation failed")]
    ComputationFailed(#[source] Cause),
    /// A query needs the segments that would be merged. The readings were sealed.
    #[error("merging is paused for a query")]
    MergesPaused,
}

impl SealError {
    /// Returns whether other devices probably fail, too: the store is unreachable, out of space, or lost.
    pub(super) fn concerns_all_devices(&self) -> bool {
        match self {
            Self::Store(StoreError::DevicesLocked(_))
            | Self::Encode(_)
            | Self::ComputationFailed(_)
            | Self::MergesPaused => false,
            Self::Store(error) => error.retry() != Retry::Pointless,
        }
    }
}

/// The hot readings of a device to seal. The variants are ordered by the number of readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadingsToSeal {
    /// All hot readings except the newest ones. The number of readings that stay hot is the number of hot
    /// readings divided by [`SEAL_HOT_DIVISOR`]. Some readings of a sending device arrive a little late, and
    /// an append of a reading inside the span of a segment is far more expensive.
    AllButNewest {
        /// Minimum number of hot readings. A device with fewer is not sealed.
        hot_min: u32,
    },
    /// All hot readings.
    All,
}

/// The changes made to a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SealReport {
    /// Number of hot readings that were sealed.
    pub sealed_readings: u64,
    /// Number of segments that were created from hot readings.
    pub sealed_segments: u64,
    /// Number of segments that were merged.
    pub merged_segments: u64,
    /// Number of segments that replaced the merged ones.
    pub merged_into: u64,
    /// Number of hot readings that were read and left hot.
    pub left_readings: u64,
}

impl SealReport {
    /// Returns the sum of two reports.
    #[must_use]
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

/// The outcome of a merge.
enum MergeOutcome {
    Merged,
    /// A segment is corrupt and is no longer merged.
    Corrupt,
    /// Another sealer was faster.
    Stale,
}

/// Seals and merges devices of one store.
pub struct Sealer {
    store: Arc<dyn Store>,
    /// Segments that are no longer merged, because a merge of them failed. At least one segment of that merge
    /// is corrupt.
    corrupt: Mutex<HashSet<SegmentId>>,
    /// Permits for devices. A device holds a permit while it uses a core, or has the segments of a merge in
    /// memory.
    permits: Semaphore,
    merge_pauses: MergePauses,
}

impl Sealer {
    /// Creates a sealer that uses up to `cores` cores.
    pub fn new(store: Arc<dyn Store>, cores: usize) -> Self {
        let (corrupt, permits) = (Mutex::default(), Semaphore::new(cores));
        Self { store, corrupt, permits, merge_pauses: MergePauses::default() }
    }

    /// Lets others pause the merges.
    pub(crate) fn with_pauses(self, merge_pauses: MergePauses) -> Self {
        Self { merge_pauses, ..self }
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, SealError> {
        self.permits.acquire().await.map_err(|closed| SealError::ComputationFailed(closed.into()))
    }

    /// Seals hot readings of a device, and merges its segments until there is nothing to merge. Adds the
    /// changes to `report`. After an error, `report` contains the changes made before it.
    ///
    /// # Errors
    /// The store or a computation failed.
    pub async fn seal_and_merge(
        &self,
        device: DeviceKey,
        readings: ReadingsToSeal,
        goal: MergeGoal,
        report: &mut SealReport,
    ) -> Result<(), SealError> {
        self.seal(device, readings, report).await?;
        self.merge(device, goal, report).await
    }

    async fn seal(
        &self,
        device: DeviceKey,
        readings: ReadingsToSeal,
        report: &mut SealReport,
    ) -> Result<(), SealError> {
        let mut attempts = 0;
        while attempts < ATTEMPTS_MAX {
            let mut rows = self.store.list_hot_readings(device, SEGMENT_READINGS).await?;
            let count = rows.len();
            let is_all = count < SEGMENT_READINGS as usize;
            if is_all && let ReadingsToSeal::AllButNewest { hot_min } = readings {
                rows.truncate(if count < hot_min as usize { 0 } else { count - count / SEAL_HOT_DIVISOR });
            }
            // All readings, in case that this is the last attempt and it fails.
            report.left_readings = count as u64;
            if rows.is_empty() {
                return Ok(());
            }
            let rows = Arc::new(rows);
            let sealed = self.seal_rows(device, &rows, report).await?;
            let left = count - rows.len();
            // Freeing many rows takes time.
            run_blocking(move || drop(rows)).await?;
            if !sealed {
                // Another sealer works on this device.
                attempts += 1;
                continue;
            }
            report.left_readings = left as u64;
            if is_all {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Seals rows. Returns false if some of them are no longer hot.
    async fn seal_rows(
        &self,
        device: DeviceKey,
        rows: &Arc<Vec<Row>>,
        report: &mut SealReport,
    ) -> Result<bool, SealError> {
        let segments = self.store.list_segments(device).await?;
        let mut begin = 0;
        for chunk in split_hot(rows, &segments) {
            let (own, range) = (Arc::clone(rows), begin..begin + chunk.len());
            begin = range.end;
            let sealed = {
                let _permit = self.permit().await?;
                let rows = move || SealedRows::encode(own.get(range).unwrap_or_default(), Effort::Small);
                run_blocking(rows).await??
            };
            match self.store.seal(device, &sealed).await? {
                Replaced::Stale => return Ok(false),
                Replaced::Done(id) => {
                    tracing::debug!(device = device.0, segment = id.0, readings = chunk.len(), "sealed");
                    report.sealed_readings += chunk.len() as u64;
                    report.sealed_segments += 1;
                }
            }
        }
        Ok(true)
    }

    async fn merge(
        &self,
        device: DeviceKey,
        goal: MergeGoal,
        report: &mut SealReport,
    ) -> Result<(), SealError> {
        let mut attempts = 0;
        while attempts < ATTEMPTS_MAX {
            let mut segments = self.store.list_segments(device).await?;
            segments.retain(|segment| !self.corrupt().contains(&segment.id));
            let Some(run) = next_merge(&segments, goal) else { return Ok(()) };
            match self.merge_run(device, &run).await? {
                MergeOutcome::Merged => {
                    report.merged_segments += run.len() as u64;
                    report.merged_into += 1;
                }
                MergeOutcome::Corrupt => {}
                MergeOutcome::Stale => attempts += 1,
            }
        }
        Ok(())
    }

    /// Merges segments into one.
    async fn merge_run(&self, device: DeviceKey, run: &[SegmentEntry]) -> Result<MergeOutcome, SealError> {
        self.check_not_paused()?;
        let _permit = self.permit().await?;
        let mut segments = Vec::with_capacity(run.len());
        for entry in run {
            match read_segment(self.store.as_ref(), device, entry).await {
                Ok(Some(segment)) => segments.push(segment),
                Ok(None) => return Ok(MergeOutcome::Stale),
                Err(StoreError::Corrupt { fault, .. }) => {
                    self.exclude(device, entry, &fault);
                    return Ok(MergeOutcome::Corrupt);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let merged = match run_blocking(move || Segment::merge(&segments, Effort::Small)).await? {
            Ok(merged) => merged,
            Err(error) => {
                let corrupt = match &error {
                    MergeError::Unreadable { index, .. } => run.get(*index),
                    _ => None,
                };
                // Without an index, any segment of the run may be corrupt.
                for entry in corrupt.map_or(run, std::slice::from_ref) {
                    self.exclude(device, entry, &error);
                }
                return Ok(MergeOutcome::Corrupt);
            }
        };
        let ids: Vec<SegmentId> = run.iter().map(|entry| entry.id).collect();
        self.check_not_paused()?;
        match self.store.merge(device, &ids, &merged).await? {
            Replaced::Stale => Ok(MergeOutcome::Stale),
            Replaced::Done(id) => {
                tracing::debug!(device = device.0, segment = id.0, segments = ids.len(), "merged");
                Ok(MergeOutcome::Merged)
            }
        }
    }

    fn check_not_paused(&self) -> Result<(), SealError> {
        if self.merge_pauses.are_merges_paused() { Err(SealError::MergesPaused) } else { Ok(()) }
    }

    /// Excludes a segment from all further merges.
    fn exclude(&self, device: DeviceKey, entry: &SegmentEntry, error: &(dyn Error + 'static)) {
        let causes = error_chain(error);
        tracing::error!(
            device = device.0,
            segment = entry.id.0,
            causes,
            "merging a segment failed, leaving it as it is"
        );
        self.corrupt().insert(entry.id);
    }

    fn corrupt(&self) -> MutexGuard<'_, HashSet<SegmentId>> {
        self.corrupt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a computation on a thread that may block.
async fn run_blocking<T: Send + 'static>(
    computation: impl FnOnce() -> T + Send + 'static,
) -> Result<T, SealError> {
    tokio::task::spawn_blocking(computation).await.map_err(|error| SealError::ComputationFailed(error.into()))
}
