//! Analyses of the readings of a device or a user.

use std::time::Duration;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::client::Client;
use crate::devices::path_segment;
use crate::error::ClientError;

/// How long an answer may take that tells no more than how much there is.
const COUNT_TIMEOUT: Duration = Duration::from_secs(10);
/// The server's word for a window without a reading.
const NO_READINGS: &str = "no_readings";

/// Whose readings.
#[derive(Clone, Debug)]
pub enum Subject {
    /// Those of a device, by its own name.
    Device(String),
    /// Those of all devices of a user.
    User(i64),
}

/// Between which times, as the server reads them; both ends belong to it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Window {
    /// First time; open where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    /// Last time; open where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
}

/// What an analysis says of one axis.
#[derive(Clone, Debug, Deserialize)]
pub struct AxisSummary {
    /// Smallest value.
    pub min_value: Option<Number>,
    /// Largest value.
    pub max_value: Option<Number>,
    /// Number of values.
    pub count: u64,
    /// Sum; absent where it is beyond a double.
    pub sum: Option<Number>,
    /// Median.
    pub median: Option<Number>,
}

/// An analysis.
#[derive(Clone, Debug, Deserialize)]
pub struct Analysis {
    /// The axis x.
    pub x: AxisSummary,
    /// The axis y.
    pub y: AxisSummary,
    /// The axis z.
    pub z: AxisSummary,
}

/// The analysis of one of the devices of a user.
#[derive(Clone, Debug, Deserialize)]
pub struct DeviceAnalysis {
    /// Name of the device.
    pub device_id: String,
    /// Its analysis.
    pub stats: Analysis,
}

/// The analysis of the devices of a user.
#[derive(Clone, Debug, Deserialize)]
pub struct UserAnalysis {
    /// All readings in one pool.
    pub aggregate_stats: Analysis,
    /// Each device by itself.
    pub device_stats: Vec<DeviceAnalysis>,
}

impl Client {
    /// Has readings analyzed, and returns the answer as the server wrote it: an [`Analysis`] or a [`UserAnalysis`].
    ///
    /// # Errors
    /// [`ClientError`]; refused where there is nobody of that name, or no reading in the window.
    pub async fn analyze(&self, subject: &Subject, window: &Window) -> Result<String, ClientError> {
        let path = path(subject)?;
        self.patiently(|| self.body(self.request(Method::POST, &path).json(window))).await
    }

    /// How many readings there are. Asks once, and not for long.
    ///
    /// # Errors
    /// [`ClientError`]; refused where there is nobody of that name.
    pub async fn count(&self, subject: &Subject, window: &Window) -> Result<u64, ClientError> {
        let request = self.request(Method::POST, &path(subject)?).json(window).timeout(COUNT_TIMEOUT);
        let counted = match subject {
            Subject::Device(_) => self.json(request).await.map(|Analysis { x, .. }| x.count),
            Subject::User(_) => {
                self.json(request).await.map(|UserAnalysis { aggregate_stats, .. }| aggregate_stats.x.count)
            }
        };
        match counted {
            Err(ClientError::Refused { code, .. }) if code.as_deref() == Some(NO_READINGS) => Ok(0),
            counted => counted,
        }
    }
}

/// Where a subject is analyzed.
fn path(subject: &Subject) -> Result<String, ClientError> {
    Ok(match subject {
        Subject::Device(device_id) => format!("/api/v1/stats/devices/{}/analyze", path_segment(device_id)?),
        Subject::User(id) => format!("/api/v1/stats/users/{id}/analyze"),
    })
}
