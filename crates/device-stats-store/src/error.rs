//! Errors of a store. They know nothing of HTTP or SQL.

use std::error::Error;
use std::sync::Arc;

use device_stats_domain::DeviceKey;
use device_stats_segment::Fault;

use crate::SegmentId;

/// The database error that caused a [`StoreError`]; for the log, never for a client.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why a call of a store failed.
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
    /// The owner of new devices would have more of them than the caller allows. Nothing has been done.
    #[error("the owner would have more than {devices_max} devices")]
    TooManyOwnedDevices {
        /// Maximum number of devices of the owner.
        devices_max: u32,
    },
    /// No user has this id.
    #[error("no such user")]
    UserMissing,
    /// No device has this key.
    #[error("no such device")]
    DeviceMissing,
    /// No token has this id.
    #[error("no such token")]
    TokenMissing,
    /// The holder of the token has [`TOKENS_MAX`](crate::limits::TOKENS_MAX) tokens.
    #[error("the holder has too many tokens")]
    TooManyTokens,
    /// The user, one of its devices, or the device has changed since the caller read it. Nothing has been
    /// done.
    #[error("the user or device has changed")]
    Changed,
    /// The store cannot be reached or has no free capacity. Nothing has been done.
    #[error("the store is unavailable")]
    Unavailable(#[source] Cause),
    /// An older copy of the database has replaced it, for example a backup that was restored. Nothing has
    /// been done. The caller forgets everything that it has learned from the database: reserved ids, keys of
    /// devices and segments.
    #[error("the database was replaced by an older copy")]
    Restored,
    /// Other calls have locked these devices. Nothing has been done.
    #[error("other calls have locked a device for too long")]
    DevicesLocked(Vec<DeviceKey>),
    /// The disk of the store is full. Nothing has been done.
    #[error("the store is out of space")]
    OutOfSpace(#[source] Cause),
    /// The store was lost during the commit. Either everything has been done, or nothing.
    #[error("the store was lost during the commit")]
    OutcomeUnknown(#[source] Cause),
    /// The bytes of a segment differ from the bytes written. Nothing has been done.
    #[error("segment {} of device {} is corrupt", segment.0, device.0)]
    Corrupt {
        /// Device of the segment.
        device: DeviceKey,
        /// The segment.
        segment: SegmentId,
        /// The fault in its bytes.
        #[source]
        fault: Fault,
    },
    /// An entry of the journal of hot readings is damaged. Nothing is known about the hot readings of its
    /// devices. Nothing has been done.
    #[error("hot readings of device {} are damaged: entry {entry} of the journal", device.0)]
    HotReadingsDamaged {
        /// Device of the readings.
        device: DeviceKey,
        /// Position of the entry.
        entry: i64,
    },
    /// An invariant of the store is broken. Nothing has been done.
    #[error("the store failed")]
    Broken(#[source] Cause),
}

/// Whether a call can be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// A retry can succeed. Nothing has been done.
    Safe,
    /// A retry can succeed, but the call may have succeeded already. Safe if the call is idempotent.
    IfRepeatable,
    /// A retry fails again.
    Pointless,
}

impl StoreError {
    /// Returns one caller's copy of an error of a call that was made for several callers.
    pub fn from_shared(error: &Arc<Self>) -> Self {
        let cause = Box::new(Arc::clone(error));
        match **error {
            Self::Restored => Self::Restored,
            Self::Unavailable(_) => Self::Unavailable(cause),
            Self::DevicesLocked(ref devices) => Self::DevicesLocked(devices.clone()),
            Self::OutOfSpace(_) => Self::OutOfSpace(cause),
            Self::OutcomeUnknown(_) => Self::OutcomeUnknown(cause),
            _ => Self::Broken(cause),
        }
    }

    /// Returns whether the call can be retried.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Unavailable(_) | Self::Restored | Self::DevicesLocked(_) | Self::OutOfSpace(_) => {
                Retry::Safe
            }
            Self::OutcomeUnknown(_) => Retry::IfRepeatable,
            Self::EmailTaken
            | Self::UsernameTaken
            | Self::DeviceIdTaken
            | Self::TooManyOwnedDevices { .. }
            | Self::UserMissing
            | Self::DeviceMissing
            | Self::TokenMissing
            | Self::TooManyTokens
            | Self::Changed
            | Self::Corrupt { .. }
            | Self::HotReadingsDamaged { .. }
            | Self::Broken(_) => Retry::Pointless,
        }
    }
}
