//! Errors of the service. Bad input is refused before it gets here.

use device_stats_domain::{DeviceId, IdempotencyKey, TooManyBuckets};
use device_stats_store::{Cause, StoreError};

use crate::segments::reader::ReadError;

/// Reason why the service refused a request or failed at it.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too many readings wait for their commit. The readings of the request are not stored.
    #[error("the queue is full")]
    QueueFull,
    /// This node has a request with the same key in progress. Nothing is done for the second one.
    #[error("a request with this key is in progress")]
    RequestInProgress,
    /// The key was used with another payload before. Nothing is done.
    #[error("the key was used with another payload")]
    KeyReused(IdempotencyKey),
    /// The window of an analysis, series or histogram has no reading.
    #[error("the window has no readings")]
    NoReadings,
    /// The window of a series has too many buckets.
    #[error(transparent)]
    TooManyBuckets(#[from] TooManyBuckets),
    /// The user who should own the device does not exist.
    #[error("the owner of the device does not exist")]
    OwnerMissing,
    /// Devices of a batch do not exist: the index and device of each such reading. Nothing of the batch is
    /// stored.
    #[error("the batch names unknown devices")]
    UnknownDevices(Vec<(usize, DeviceId)>),
    /// The maximum number of exports is running.
    #[error("too many exports are running")]
    TooManyExports,
    /// The maximum number of live streams is open.
    #[error("too many live streams are open")]
    TooManyStreams,
    /// A computation panicked; a bug.
    #[error("a computation failed")]
    ComputationFailed(#[source] Cause),
}

impl ServiceError {
    /// Returns the error of a query whose segments are merged faster than it reads them.
    pub(crate) fn segments_merged_repeatedly() -> Self {
        StoreError::Unavailable("segments were merged repeatedly while they were read".into()).into()
    }
}

impl From<ReadError> for ServiceError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Store(error) => error.into(),
            ReadError::Gone => Self::segments_merged_repeatedly(),
        }
    }
}
