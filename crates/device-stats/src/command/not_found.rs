//! The error of a command whose user, device or readings do not exist.

use device_stats_client::UserChoice;

/// A missing user, device, token or reading.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotFound {
    /// No user has this name or id.
    #[error("there is no user {0}")]
    User(UserChoice),
    /// No device has this id.
    #[error("there is no device {0:?}")]
    Device(String),
    /// No token has this id.
    #[error("there is no token {0}")]
    Token(i64),
    /// The device has no reading with this time.
    #[error("device {device_id:?} has no reading with the time {time}")]
    Reading {
        /// Id of the device.
        device_id: String,
        /// The time, as the user gave it.
        time: String,
    },
    /// The devices have no readings.
    #[error("there are no readings")]
    Readings,
}
