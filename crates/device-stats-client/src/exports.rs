//! Exports of the readings of a device or a user, as streams of bytes.

use bytes::Bytes;
use reqwest::{Method, Response};

use crate::client::Client;
use crate::connection_fault::ConnectionFault;
use crate::error::ClientError;
use crate::scope::{Period, Scope};

/// The body of an export while it arrives.
#[derive(Debug)]
pub struct ExportStream {
    url: String,
    response: Response,
}

impl Client {
    /// Starts an export of readings in a format of the server (`csv`, `ndjson`, `arrow`, `parquet`).
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if the device or user is unknown.
    pub async fn export(
        &self,
        scope: &Scope,
        period: &Period,
        format: &str,
    ) -> Result<ExportStream, ClientError> {
        let path = scope.to_path("export")?;
        let request = || self.request(Method::GET, &path).query(&[("format", format)]).query(period);
        let response = self.retry(|| self.send(request())).await?;
        Ok(ExportStream { url: self.base_url().to_owned(), response })
    }
}

impl ExportStream {
    /// Returns the next bytes; `None` after the end of the export.
    ///
    /// # Errors
    /// [`ClientError::Interrupted`] if the connection is lost before the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        let interrupted = |error: reqwest::Error| ClientError::Interrupted {
            url: self.url.clone(),
            source: ConnectionFault::of(&error),
        };
        self.response.chunk().await.map_err(interrupted)
    }
}
