//! Live readings of a device or a user, as server-sent events. After a lost connection, the client connects
//! again, and the server sends the missed readings.

use std::collections::VecDeque;
use std::time::Duration;

use reqwest::{Method, Response};

use crate::client::Client;
use crate::connection_fault::ConnectionFault;
use crate::error::ClientError;
use crate::event_parser::EventParser;
use crate::retry::Backoff;
use crate::scope::Scope;

/// Name of the events that contain a reading.
const READING: &str = "reading";
const LAST_EVENT_ID: &str = "last-event-id";
/// Pause before a reconnection, if the server asks for none.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

/// Live readings.
#[derive(Debug)]
pub struct LiveStream {
    client: Client,
    path: String,
    rate: Option<f64>,
    response: Response,
    parser: EventParser,
    backoff: Backoff,
    readings: VecDeque<String>,
}

impl Client {
    /// Starts to watch readings. `rate` limits the readings per second of each device.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if the device or user is unknown.
    pub async fn watch(&self, scope: &Scope, rate: Option<f64>) -> Result<LiveStream, ClientError> {
        let path = scope.to_path("live")?;
        let response = self.retry(|| self.connect(&path, rate, None)).await?;
        Ok(LiveStream {
            client: self.clone(),
            path,
            rate,
            response,
            parser: EventParser::default(),
            backoff: Backoff::new(self.retry_policy()),
            readings: VecDeque::new(),
        })
    }

    async fn connect(
        &self,
        path: &str,
        rate: Option<f64>,
        last_id: Option<&str>,
    ) -> Result<Response, ClientError> {
        let mut request = self.request(Method::GET, path).query(&[("rate", rate)]);
        if let Some(last_id) = last_id {
            request = request.header(LAST_EVENT_ID, last_id);
        }
        self.send(request).await
    }
}

impl LiveStream {
    /// Waits for the next reading, and returns its JSON: a line of an NDJSON export.
    ///
    /// # Errors
    /// [`ClientError`] if the connection is lost and the retry policy does not allow another connection.
    /// `Refused` after the deletion of the device or user.
    pub async fn next(&mut self) -> Result<String, ClientError> {
        loop {
            if let Some(reading) = self.readings.pop_front() {
                return Ok(reading);
            }
            match self.response.chunk().await {
                Ok(Some(bytes)) => {
                    let events = self.parser.push(&bytes).into_iter();
                    let readings = events.filter(|event| event.name == READING);
                    self.readings.extend(readings.map(|event| event.data));
                    if !self.readings.is_empty() {
                        self.backoff.reset();
                    }
                }
                // The server ends a stream if it stops, if the device is deleted, or if the client is slow.
                Ok(None) => {
                    tokio::time::sleep(self.parser.retry.unwrap_or(RECONNECT_PAUSE)).await;
                    self.reconnect().await?;
                }
                Err(source) => {
                    let url = self.client.base_url().to_owned();
                    let error = ClientError::Interrupted { url, source: ConnectionFault::of(&source) };
                    if !self.backoff.wait(&error).await {
                        return Err(error);
                    }
                    self.reconnect().await?;
                }
            }
        }
    }

    async fn reconnect(&mut self) -> Result<(), ClientError> {
        self.parser = std::mem::take(&mut self.parser).next_connection();
        let last_id = self.parser.last_id.as_deref();
        self.response = self.client.retry(|| self.client.connect(&self.path, self.rate, last_id)).await?;
        Ok(())
    }
}
