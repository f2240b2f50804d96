//! Batches of readings.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;

use super::{Client, ClientError, Repeat};

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Batch {
    /// Readings stored now.
    pub(crate) accepted: u64,
    /// Readings that were there before, or earlier in the batch.
    pub(crate) duplicates: u64,
}

impl Client {
    /// Sends readings of many devices, in a format the server knows. Sends them again where they did not arrive and that
    /// is safe: where each brings its time, or nothing has been stored for certain.
    ///
    /// # Errors
    /// [`ClientError`]; nothing has been stored where the server refused or found faults, but for a 503.
    pub(crate) async fn append_batch(
        &self,
        content_type: &'static str,
        rows: Vec<u8>,
        repeat: Repeat,
    ) -> Result<Batch, ClientError> {
        let rows = bytes::Bytes::from(rows);
        let send = || {
            let request = self.request(Method::POST, "/api/v1/stats/batch");
            self.json(request.header(CONTENT_TYPE, content_type).body(rows.clone()))
        };
        self.repeatedly(repeat, send).await
    }
}
