//! Deletion of readings.

use reqwest::Method;
use serde::Deserialize;

use crate::client::Client;
use crate::error::ClientError;
use crate::path_segment::path_segment;
use crate::scope::Period;

/// The readings of a device to delete.
#[derive(Clone, Debug)]
pub enum ReadingsToDelete {
    /// The readings in a period with at least one bound.
    In(Period),
    /// All readings.
    All,
}

/// Answer of the server.
#[derive(Deserialize)]
struct DeletionResult {
    deleted: u64,
}

impl Client {
    /// Deletes readings of a device with retries, and returns their number. After a retry, readings that an
    /// earlier attempt deleted are not counted.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if the device is unknown.
    pub async fn delete_readings(
        &self,
        device_id: &str,
        readings: &ReadingsToDelete,
    ) -> Result<u64, ClientError> {
        let path = format!("/api/v1/stats/devices/{}", path_segment(device_id)?);
        let send = || {
            let request = self.request(Method::DELETE, &path);
            self.send_for_json(match readings {
                ReadingsToDelete::In(period) => request.query(period),
                ReadingsToDelete::All => request.query(&[("all", "true")]),
            })
        };
        self.retry(send).await.map(|DeletionResult { deleted }| deleted)
    }
}
