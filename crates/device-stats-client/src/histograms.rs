//! Histograms: the number of readings in each bin.

use std::ops::Not;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::client::Client;
use crate::error::ClientError;
use crate::scope::{Period, Scope};

/// The bins of a histogram.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Bins {
    /// Number of bins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bins: Option<u32>,
    /// Lower edge of the first bin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// Upper edge of the last bin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Whether there is a histogram of the magnitude.
    #[serde(skip_serializing_if = "Not::not")]
    pub magnitude: bool,
}

/// The histograms of all axes.
#[derive(Clone, Debug, Deserialize)]
pub struct Histograms {
    /// The axis x.
    pub x: Histogram,
    /// The axis y.
    pub y: Histogram,
    /// The axis z.
    pub z: Histogram,
    /// The length of the vector (x, y, z), if it was requested.
    pub magnitude: Option<Histogram>,
}

/// The histogram of one axis.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Histogram {
    /// Edges of the bins, one more than there are bins.
    pub edges: Vec<Number>,
    /// Number of readings in each bin.
    pub counts: Vec<u64>,
    /// Number of readings below the first edge.
    pub below: u64,
    /// Number of readings above the last edge.
    pub above: u64,
}

impl Histograms {
    /// Returns each axis with its name.
    pub fn axes(&self) -> impl Iterator<Item = (&'static str, &Histogram)> {
        let always = [("x", &self.x), ("y", &self.y), ("z", &self.z)];
        always.into_iter().chain(self.magnitude.iter().map(|axis| ("magnitude", axis)))
    }
}

impl Client {
    /// Returns the JSON of the server for histograms, unchanged: [`Histograms`].
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if the device or user is unknown or has no readings in the period.
    pub async fn histogram(
        &self,
        scope: &Scope,
        period: &Period,
        bins: &Bins,
    ) -> Result<String, ClientError> {
        let path = scope.to_path("histogram")?;
        let request = || self.request(Method::GET, &path).query(bins).query(period);
        self.retry(|| self.send_for_text(request())).await
    }
}
