//! Devices: list, lookup, registration, changes and deletion.

use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::client::Client;
use crate::error::ClientError;
use crate::pages::Listed;
use crate::path_segment::path_segment;

const DEVICES: &str = "/api/v1/devices/";

/// A registered device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// Number of the device.
    pub id: i64,
    /// The client's name for the device; unique.
    pub device_id: String,
    /// Display name of the device.
    pub name: Option<String>,
    /// Owner of the device.
    pub user_id: Option<i64>,
    /// The longest time without readings that is set as normal, in seconds. Only [`Client::find_device`]
    /// reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_interval_s: Option<f64>,
}

impl Listed for Device {
    fn id(&self) -> i64 {
        self.id
    }
}

/// The devices of a list.
#[derive(Clone, Debug, Default)]
pub struct DeviceFilter {
    /// Owner of the devices.
    pub user_id: Option<i64>,
    /// Text with which each `device_id` begins.
    pub prefix: Option<String>,
    /// Text that each `device_id` or display name contains.
    pub text: Option<String>,
}

/// A new device.
#[derive(Clone, Debug, Serialize)]
pub struct NewDevice {
    /// The client's name for the device; unique.
    pub device_id: String,
    /// Display name of the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Owner of the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<i64>,
    /// The longest time without readings that is normal, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_interval_s: Option<f64>,
}

/// A change of a device.
#[derive(Clone, Debug, PartialEq)]
pub enum DeviceChange {
    /// Sets or removes the display name.
    Name(Option<String>),
    /// Sets or removes the owner.
    Owner(Option<i64>),
    /// Sets or removes the longest time without readings that is normal, in seconds.
    ExpectedInterval(Option<f64>),
}

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
            let path = format!("{DEVICES}{segment}");
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
        let register = || self.send(self.request(Method::POST, DEVICES).json(&device));
        match self.retry(register).await {
            Ok(_) => Ok(Registration::Created),
            Err(ClientError::Refused { code, .. }) if code.as_deref() == Some("device_id_taken") => {
                Ok(Registration::Existing)
            }
            Err(error) => Err(error),
        }
    }

    /// Lists up to `count_max` devices that match a filter, by ascending `id`.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if the user is unknown.
    pub async fn list_devices(
        &self,
        filter: &DeviceFilter,
        count_max: u64,
    ) -> Result<Vec<Device>, ClientError> {
        let DeviceFilter { user_id, prefix, text } = filter;
        let user_id = user_id.map(|id| ("user_id", id.to_string()));
        let texts = [("prefix", prefix), ("q", text)];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text.clone()?)));
        let filter: Vec<_> = user_id.into_iter().chain(texts).collect();
        self.list_all(DEVICES, &filter, count_max).await
    }

    /// Returns a device, with its expected interval.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if the device is unknown.
    pub async fn find_device(&self, device_id: &str) -> Result<Device, ClientError> {
        let path = format!("{}?include=expected_interval", device_path(device_id)?);
        self.retry(|| self.send_for_json(self.request(Method::GET, &path))).await
    }

    /// Registers a new device. Does not retry: the response to a second request would not show whether the
    /// first request or another client created the existing device.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if the device exists or the user is unknown.
    pub async fn create_device(&self, device: &NewDevice) -> Result<Device, ClientError> {
        self.send_for_json(self.request(Method::POST, DEVICES).json(device)).await
    }

    /// Changes a device.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if the device or the user is unknown.
    pub async fn update_device(&self, device_id: &str, change: &DeviceChange) -> Result<Device, ClientError> {
        let path = device_path(device_id)?;
        let body = match change {
            DeviceChange::Name(name) => json!({ "name": name }),
            DeviceChange::Owner(user_id) => json!({ "user_id": user_id }),
            DeviceChange::ExpectedInterval(seconds) => json!({ "expected_interval_s": seconds }),
        };
        self.retry(|| self.send_for_json(self.request(Method::PUT, &path).json(&body))).await
    }

    /// Deletes a device with its readings. Does not retry: the response to a second request would not show
    /// whether the first request deleted the device.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if the device is unknown.
    pub async fn delete_device(&self, device_id: &str) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, &device_path(device_id)?)).await.map(drop)
    }
}

fn device_path(device_id: &str) -> Result<String, ClientError> {
    Ok(format!("{DEVICES}{}", path_segment(device_id)?))
}
