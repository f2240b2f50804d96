//! Analyses of the readings of a device or a user.

use std::time::Duration;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use super::devices::path_segment;
use super::{Client, ClientError};

/// How long an answer may take that tells no more than how much there is.
const COUNT_TIMEOUT: Duration = Duration::from_secs(10);
/// The server's word for a window without a reading.
const NO_READINGS: &str = "no_readings";

/// Whose readings.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// Those of a device, by its own name.
    Device(String),
    /// Those of all devices of a user.
    User(i64),
}

/// Between which times, as the server reads them; both ends belong to it.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Window {
    /// First time; open where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) start_time: Option<String>,
    /// Last time; open where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) end_time: Option<String>,
}

/// What an analysis says of one axis.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct AxisSummary {
    /// Smallest value.
    pub(crate) min_value: Option<Number>,
    /// Largest value.
    pub(crate) max_value: Option<Number>,
    /// Number of values.
    pub(crate) count: u64,
    /// Sum; absent where it is beyond a double.
    pub(crate) sum: Option<Number>,
    /// Median.
    pub(crate) median: Option<Number>,
}

/// An analysis.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Analysis {
    /// The axis x.
    pub(crate) x: AxisSummary,
    /// The axis y.
    pub(crate) y: AxisSummary,
    /// The axis z.
    pub(crate) z: AxisSummary,
}

/// The analysis of one of the devices of a user.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct DeviceAnalysis {
    /// Name of the device.
    pub(crate) device_id: String,
    /// Its analysis.
    pub(crate) stats: Analysis,
}

/// The analysis of the devices of a user.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct UserAnalysis {
    /// All readings in one pool.
    pub(crate) aggregate_stats: Analysis,
    /// Each device by itself.
    pub(crate) device_stats: Vec<DeviceAnalysis>,
}

impl Client {
    /// Has readings analyzed, and returns the answer as the server wrote it: an [`Analysis`] or a [`UserAnalysis`].
    ///
    /// # Errors
    /// [`ClientError`]; refused where there is nobody of that name, or no reading in the window.
    pub(crate) async fn analyze(&self, subject: &Subject, window: &Window) -> Result<String, ClientError> {
        let path = path(subject)?;
        self.patiently(|| self.body(self.request(Method::POST, &path).json(window))).await
    }

    /// How many readings there are. Asks once, and not for long.
    ///
    /// # Errors
    /// [`ClientError`]; refused where there is nobody of that name.
    pub(crate) async fn count(&self, subject: &Subject, window: &Window) -> Result<u64, ClientError> {
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
