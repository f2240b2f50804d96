//! Batches of readings.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;

use crate::client::Client;
use crate::retry::GivenUp;

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Batch {
    /// Readings stored now.
    pub accepted: u64,
    /// Readings that were there before, or earlier in the batch.
    pub duplicates: u64,
}

impl Client {
    /// Sends readings of many devices, in a format the server knows, again and again until it is known what became of them.
    /// The key makes that safe for readings that bring no time; no other batch may have it.
    ///
    /// # Errors
    /// [`GivenUp`]; nothing has been stored but where it says so.
    pub async fn append_batch(
        &self,
        content_type: &'static str,
        rows: Vec<u8>,
        key: Option<&str>,
    ) -> Result<Batch, GivenUp> {
        let rows = bytes::Bytes::from(rows);
        let send = || {
            let mut request = self.request(Method::POST, "/api/v1/stats/batch");
            if let Some(key) = key {
                request = request.header(IDEMPOTENCY_KEY, key);
            }
            self.json(request.header(CONTENT_TYPE, content_type).body(rows.clone()))
        };
        self.until_given_up(send).await
    }
}
