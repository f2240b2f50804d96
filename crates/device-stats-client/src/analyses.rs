//! Analyses of the readings of a device or a user.

use std::collections::BTreeMap;
use std::ops::Not;
use std::time::Duration;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

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
    /// The requested percentiles.
    #[serde(default)]
    pub percentiles: Vec<Percentile>,
    /// The other requested statistics, by their names in the request.
    #[serde(flatten)]
    pub optional: Map<String, Value>,
}

/// A percentile of one axis.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Percentile {
    /// The percentile, in percent.
    pub percentile: Number,
    /// Its value.
    pub value: Number,
}

/// Statistics of each axis.
#[derive(Clone, Debug, Deserialize)]
pub struct AxisSummaries {
    /// The axis x.
    pub x: AxisSummary,
    /// The axis y.
    pub y: AxisSummary,
    /// The axis z.
    pub z: AxisSummary,
    /// The length of the vector (x, y, z), if it was requested.
    pub magnitude: Option<AxisSummary>,
}

impl AxisSummaries {
    /// Returns each axis with its name.
    pub fn axes(&self) -> impl Iterator<Item = (&'static str, &AxisSummary)> {
        let always = [("x", &self.x), ("y", &self.y), ("z", &self.z)];
        always.into_iter().chain(self.magnitude.iter().map(|axis| ("magnitude", axis)))
    }
}

/// The optional statistics of an analysis.
#[derive(Clone, Debug, Default)]
pub struct OptionalStatistics {
    /// Percentiles, in percent.
    pub percentiles: Vec<f64>,
    /// Names of other statistics, such as `mean`.
    pub names: Vec<&'static str>,
    /// Whether the analysis has the magnitude as a further axis.
    pub magnitude: bool,
}

/// The body of a request for an analysis.
#[derive(Serialize)]
struct AnalysisRequest<'a> {
    #[serde(flatten)]
    period: &'a Period,
    #[serde(skip_serializing_if = "<[f64]>::is_empty")]
    percentiles: &'a [f64],
    #[serde(skip_serializing_if = "Not::not")]
    magnitude: bool,
    #[serde(flatten)]
    optional: BTreeMap<&'static str, bool>,
}

/// Analysis of one device of a user.
#[derive(Clone, Debug, Deserialize)]
pub struct DeviceAnalysis {
    /// `device_id` of the device.
    pub device_id: String,
    /// Analysis of its readings.
    pub stats: AxisSummaries,
}

/// Analysis of the devices of a user.
#[derive(Clone, Debug, Deserialize)]
pub struct UserAnalysis {
    /// Analysis of the readings of all devices together.
    pub aggregate_stats: AxisSummaries,
    /// Analysis of each device.
    pub device_stats: Vec<DeviceAnalysis>,
}

impl Client {
    /// Analyzes readings, and returns the JSON of the server unchanged: [`AxisSummaries`] or a
    /// [`UserAnalysis`].
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if the device or user is unknown or has no readings in the period.
    pub async fn analyze(
        &self,
        scope: &Scope,
        period: &Period,
        statistics: &OptionalStatistics,
    ) -> Result<String, ClientError> {
        let path = scope.to_path("analyze")?;
        let optional = statistics.names.iter().map(|name| (*name, true)).collect();
        let OptionalStatistics { percentiles, magnitude, .. } = statistics;
        let body = AnalysisRequest { period, percentiles, magnitude: *magnitude, optional };
        self.retry(|| self.send_for_text(self.request(Method::POST, &path).json(&body))).await
    }

    /// Returns the number of readings. Sends one request with a short timeout, without retries.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if the device or user is unknown.
    pub async fn count(&self, scope: &Scope, period: &Period) -> Result<u64, ClientError> {
        let path = scope.to_path("analyze")?;
        let request = self.request(Method::POST, &path).json(period).timeout(COUNT_TIMEOUT);
        let counted = match scope {
            Scope::Device(_) => self.send_for_json(request).await.map(|AxisSummaries { x, .. }| x.count),
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
