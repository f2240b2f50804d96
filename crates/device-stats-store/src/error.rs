//! What can go wrong in a store. Knows nothing of HTTP, nor of SQL.

use std::error::Error;
use std::sync::Arc;

use device_stats_domain::DeviceKey;
use device_stats_segment::Fault;

use crate::SegmentId;

/// The error of a database that caused a [`StoreError`]; for the log, never for a client.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another user has the email address.
    #[error("the email address belongs to another user")]
    EmailTaken,
    /// Another user has the username.
    #[error("the username belongs to another user")]
    UsernameTaken,
    /// Another device has the device id.
    #[error("the device id belongs to another device")]
    DeviceIdTaken,
    /// No user has that id.
    #[error("no such user")]
    UserMissing,
    /// No device has that key.
    #[error("no such device")]
    DeviceMissing,
    /// The store cannot be reached, or has no capacity left. Nothing has been done.
    #[error("the store is unavailable")]
    Unavailable(#[source] Cause),
    /// The store has no room left. Nothing has been done.
    #[error("the store is out of space")]
    OutOfSpace(#[source] Cause),
    /// The store was lost while it committed: all has been done, or nothing.
    #[error("the store was lost during the commit")]
    OutcomeUnknown(#[source] Cause),
    /// The bytes of a segment are not those that were written. Nothing has been done.
    #[error("segment {} of device {} is corrupt", segment.0, device.0)]
    Corrupt {
        /// Whose segment it is.
        device: DeviceKey,
        /// Which one.
        segment: SegmentId,
        /// What is wrong with it.
        #[source]
        fault: Fault,
    },
    /// The store answered what it never should. Nothing has been done.
    #[error("the store failed")]
    Broken(#[source] Cause),
}

/// Whether the same call may be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It may succeed later, and nothing has been done.
    Safe,
    /// It may succeed later, and may have succeeded already; safe for what is identified by its content.
    IfRepeatable,
    /// It will fail again.
    Pointless,
}

impl StoreError {
    /// The error of a call that was made for several callers, for one of them.
    pub fn of_many(error: &Arc<Self>) -> Self {
        let cause = Box::new(Arc::clone(error));
        match **error {
            Self::Unavailable(_) => Self::Unavailable(cause),
            Self::OutOfSpace(_) => Self::OutOfSpace(cause),
            Self::OutcomeUnknown(_) => Self::OutcomeUnknown(cause),
            _ => Self::Broken(cause),
        }
    }

    /// Whether the same call may be made again.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unavailable(_) | Self::OutOfSpace(_) => Retry::Safe,
            Self::OutcomeUnknown(_) => Retry::IfRepeatable,
            Self::EmailTaken
            | Self::UsernameTaken
            | Self::DeviceIdTaken
            | Self::UserMissing
            | Self::DeviceMissing
            | Self::Corrupt { .. }
            | Self::Broken(_) => Retry::Pointless,
        }
    }
}
