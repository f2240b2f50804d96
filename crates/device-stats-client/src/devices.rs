//! Devices: lookup and registration.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::client::Client;
use crate::error::ClientError;
use crate::path_segment::path_segment;

/// Result of [`Client::ensure_device`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The call registered the device.
    Created,
    /// The device existed before.
    Existing,
}

impl Client {
    /// Registers a device unless it exists. `user` becomes the owner of a new device.
    ///
    /// # Errors
    /// [`ClientError`]; `Faulty` if the server does not accept the device id.
    pub async fn ensure_device(
        &self,
        device_id: &str,
        user: Option<i64>,
    ) -> Result<Registration, ClientError> {
        // An id that no path can contain cannot be looked up. For such an id, the response to the
        // registration shows whether the device exists.
        if let Ok(segment) = path_segment(device_id) {
            let path = format!("/api/v1/devices/{segment}");
            match self.retry(|| self.send(self.request(Method::GET, &path))).await {
                Ok(_) => return Ok(Registration::Existing),
                Err(ClientError::Refused { status: StatusCode::NOT_FOUND, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let device = match user {
            Some(user) => json!({ "device_id": device_id, "user_id": user }),
            None => json!({ "device_id": device_id }),
        };
        let register = || self.send(self.request(Method::POST, "/api/v1/devices/").json(&device));
        match self.retry(register).await {
            Ok(_) => Ok(Registration::Created),
            Err(ClientError::Refused { code, .. }) if code.as_deref() == Some("device_id_taken") => {
                Ok(Registration::Existing)
            }
            Err(error) => Err(error),
        }
    }
}
