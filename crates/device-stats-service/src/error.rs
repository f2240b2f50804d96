//! Why the service did not do what it was asked, besides bad input, which never gets this far.

use device_stats_domain::{DeviceId, IdempotencyKey, TooManyBuckets};
use device_stats_store::{Cause, StoreError};

use crate::queries::snapshot::merged_away;
use crate::segments::ReadError;

/// Why the service did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too many readings wait to be committed already; these were not stored.
    #[error("the queue is full")]
    QueueFull,
    /// A request of the same key is under way on this node; nothing was done for this one.
    #[error("a request of that key is under way")]
    UnderWay,
    /// Another payload was sent with that key before; nothing was done.
    #[error("another payload was sent with that key")]
    OtherPayload(IdempotencyKey),
    /// An analysis was asked for, and no reading lies in its window.
    #[error("no reading in the window")]
    NoReadings,
    /// A series was asked for, and its window has too many buckets.
    #[error(transparent)]
    TooManyBuckets(#[from] TooManyBuckets),
    /// The user a device is to belong to does not exist.
    #[error("no such owner")]
    OwnerMissing,
    /// Readings of a batch, by index and device, whose device does not exist; nothing of the batch was stored.
    #[error("a batch names unknown devices")]
    UnknownDevices(Vec<(usize, DeviceId)>),
    /// As many exports as may run at once do.
    #[error("too many exports run at once")]
    TooManyExports,
    /// As many live streams as there may be are open.
    #[error("too many live streams are open")]
    TooManyStreams,
    /// A computation died; a bug.
    #[error("a computation died")]
    Died(#[source] Cause),
}

impl From<ReadError> for ServiceError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Store(error) => error.into(),
            ReadError::Gone => merged_away().into(),
        }
    }
}
