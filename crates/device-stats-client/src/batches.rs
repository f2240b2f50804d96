//! Batches of readings.

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;

use crate::client::Client;
use crate::retry::RequestFailure;

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Outcome of a stored batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct BatchOutcome {
    /// Number of new readings.
    pub accepted: u64,
    /// Number of repeats: readings that existed before, or occur earlier in the batch.
    pub duplicates: u64,
    /// Number of repeats with other values than the stored reading. An older server does not count them; then
    /// it is 0.
    #[serde(default)]
    pub conflicts: u64,
}

impl Client {
    /// Posts a batch of readings of any devices, with retries. Readings without times need a unique `key`,
    /// because otherwise a retry could store them twice.
    ///
    /// # Errors
    /// [`RequestFailure`]. Nothing is stored, unless `is_outcome_unknown`.
    pub async fn append_batch(
        &self,
        content_type: &'static str,
        rows: Vec<u8>,
        key: Option<&str>,
    ) -> Result<BatchOutcome, RequestFailure> {
        let rows = Bytes::from(rows);
        let send = || {
            let mut request = self.request(Method::POST, "/api/v1/stats/batch");
            if let Some(key) = key {
                request = request.header(IDEMPOTENCY_KEY, key);
            }
            self.send_for_json(request.header(CONTENT_TYPE, content_type).body(rows.clone()))
        };
        self.retry_and_track_outcome(send).await
    }
}
