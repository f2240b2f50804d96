//! The readings that a request concerns: a device or a user, and a period.

use serde::Serialize;

use crate::error::ClientError;
use crate::path_segment::path_segment;

/// The device or the user whose readings a request concerns.
#[derive(Clone, Debug)]
pub enum Scope {
    /// The device with this `device_id`.
    Device(String),
    /// All devices of the user with this id.
    User(i64),
}

impl Scope {
    /// Returns the path of an operation (`analyze`, `export`) on these readings.
    ///
    /// # Errors
    /// [`ClientError::NotAddressable`] for a device id that no URL can contain.
    pub(crate) fn to_path(&self, operation: &str) -> Result<String, ClientError> {
        Ok(match self {
            Self::Device(device_id) => {
                format!("/api/v1/stats/devices/{}/{operation}", path_segment(device_id)?)
            }
            Self::User(id) => format!("/api/v1/stats/users/{id}/{operation}"),
        })
    }
}

/// A period of time. The server parses the times.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Period {
    /// First time, inclusive. Without it, the period has no start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// Last time, inclusive. Without it and `until`, the period has no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
    /// End of the period, exclusive; instead of `end_time`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}
