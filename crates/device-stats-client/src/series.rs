//! Series: the statistics of each bucket of a period.

use std::ops::Not;

use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::analyses::AxisSummaries;
use crate::client::Client;
use crate::error::ClientError;
use crate::scope::{Period, Scope};

/// The division of a period into buckets. The server parses the texts.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Division {
    /// Length of a bucket, an ISO 8601 duration; instead of `points`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// Maximum number of buckets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<u32>,
    /// IANA name of a time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// English name of the first day of a week.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub week_start: Option<String>,
    /// Whether the series has the magnitude as a further axis.
    #[serde(skip_serializing_if = "Not::not")]
    pub magnitude: bool,
}

/// A series.
#[derive(Clone, Debug, Deserialize)]
pub struct Series {
    /// Length of a bucket, an ISO 8601 duration.
    pub interval: String,
    /// IANA name of the time zone of the buckets.
    pub timezone: String,
    /// The buckets, in order of time.
    pub buckets: Vec<Bucket>,
}

/// A bucket.
#[derive(Clone, Debug, Deserialize)]
pub struct Bucket {
    /// Start, inclusive: RFC 3339 in UTC.
    pub start: String,
    /// End, exclusive: RFC 3339 in UTC.
    pub end: String,
    /// Statistics of each axis; `None` without readings.
    pub stats: Option<AxisSummaries>,
}

impl Client {
    /// Returns the JSON of the server for a series, unchanged: a [`Series`].
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if the device or user is unknown or has no readings in the period.
    pub async fn series(
        &self,
        scope: &Scope,
        period: &Period,
        division: &Division,
    ) -> Result<String, ClientError> {
        let path = scope.to_path("series")?;
        let request = || self.request(Method::GET, &path).query(division).query(period);
        self.retry(|| self.send_for_text(request())).await
    }
}
