//! Analyses of the readings of a device or a user.

use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::Number;

use crate::client::Client;
use crate::error::ClientError;
use crate::scope::{Period, Scope};

/// Timeout of an analysis that only counts readings.
const COUNT_TIMEOUT: Duration = Duration::from_secs(10);
/// Error code of the server for a period without readings.
const NO_READINGS: &str = "no_readings";

/// Statistics of one axis.
#[derive(Clone, Debug, Deserialize)]
pub struct AxisSummary {
    /// Smallest value.
    pub min_value: Option<Number>,
    /// Largest value.
    pub max_value: Option<Number>,
    /// Number of values.
    pub count: u64,
    /// Sum; `None` if it is beyond the range of a double.
    pub sum: Option<Number>,
    /// Median.
    pub median: Option<Number>,
}

/// Statistics of each axis.
#[derive(Clone, Debug, Deserialize)]
pub struct Analysis {
    /// The axis x.
    pub x: AxisSummary,
    /// The axis y.
    pub y: AxisSummary,
    /// The axis z.
    pub z: AxisSummary,
}

/// Analysis of one device of a user.
#[derive(Clone, Debug, Deserialize)]
pub struct DeviceAnalysis {
    /// `device_id` of the device.
    pub device_id: String,
    /// Analysis of its readings.
    pub stats: Analysis,
}

/// Analysis of the devices of a user.
#[derive(Clone, Debug, Deserialize)]
pub struct UserAnalysis {
    /// Analysis of the readings of all devices together.
    pub aggregate_stats: Analysis,
    /// Analysis of each device.
    pub device_stats: Vec<DeviceAnalysis>,
}

impl Client {
    /// Analyzes readings, and returns the JSON of the server unchanged: an [`Analysis`] or a
    /// [`UserAnalysis`].
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if the device or user is unknown or has no readings in the period.
    pub async fn analyze(&self, scope: &Scope, period: &Period) -> Result<String, ClientError> {
        let path = scope.to_path("analyze")?;
        self.retry(|| self.send_for_text(self.request(Method::POST, &path).json(period))).await
    }

    /// Returns the number of readings. Sends one request with a short timeout, without retries.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if the device or user is unknown.
    pub async fn count(&self, scope: &Scope, period: &Period) -> Result<u64, ClientError> {
        let path = scope.to_path("analyze")?;
        let request = self.request(Method::POST, &path).json(period).timeout(COUNT_TIMEOUT);
        let counted = match scope {
            Scope::Device(_) => self.send_for_json(request).await.map(|Analysis { x, .. }| x.count),
            Scope::User(_) => self
                .send_for_json(request)
                .await
                .map(|UserAnalysis { aggregate_stats, .. }| aggregate_stats.x.count),
        };
        match counted {
            Err(ClientError::Refused { code, .. }) if code.as_deref() == Some(NO_READINGS) => Ok(0),
            counted => counted,
        }
    }
}
