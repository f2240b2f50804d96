//! The readings of a device: lists.

use device_stats_domain::limits::PAGE_LIMIT_MAX;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::client::Client;
use crate::error::ClientError;
use crate::pages::Listed;
use crate::path_segment::path_segment;
use crate::scope::Period;

const LATEST: &str = "/api/v1/stats/latest";

/// A stored reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Time, RFC 3339 in UTC.
    pub timestamp: String,
    /// Value of the axis x.
    pub x: Number,
    /// Value of the axis y.
    pub y: Number,
    /// Value of the axis z.
    pub z: Number,
    /// Id of the reading.
    pub id: i64,
    /// Number (`id`) of the device.
    pub device_id: i64,
}

/// A device and its latest reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatestReading {
    /// The client's name for the device.
    pub device_id: String,
    /// Number of the device.
    pub id: i64,
    /// The latest reading; `None` if the device has no readings.
    pub reading: Option<Reading>,
}

impl Listed for LatestReading {
    fn id(&self) -> i64 {
        self.id
    }
}

/// The devices whose latest readings are listed.
#[derive(Clone, Debug)]
pub enum LatestScope {
    /// These devices, up to 1,000.
    Devices(Vec<String>),
    /// All devices of the user with this id.
    User(i64),
}

impl Client {
    /// Lists devices with their latest readings, by ascending number of the device.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if a device or the user is unknown.
    pub async fn list_latest(&self, scope: &LatestScope) -> Result<Vec<LatestReading>, ClientError> {
        match scope {
            LatestScope::Devices(devices) => {
                let devices: Vec<_> = devices.iter().map(|device| ("device_id", device)).collect();
                let list = || self.request(Method::GET, LATEST).query(&devices);
                self.retry(|| self.send_for_json(list())).await
            }
            LatestScope::User(id) => self.list_all(LATEST, &[("user_id", id.to_string())], u64::MAX).await,
        }
    }

    /// Lists up to `count_max` readings of a device in a period, newest first.
    ///
    /// # Errors
    /// [`ClientError`]; `Refused` if the device is unknown.
    pub async fn list_readings(
        &self,
        device_id: &str,
        period: &Period,
        count_max: u64,
    ) -> Result<Vec<Reading>, ClientError> {
        let path = format!("/api/v1/stats/devices/{}", path_segment(device_id)?);
        let mut period = period.clone();
        let mut all: Vec<Reading> = Vec::new();
        loop {
            let left = count_max.saturating_sub(all.len() as u64);
            let limit = u32::try_from(left).unwrap_or(u32::MAX).min(PAGE_LIMIT_MAX);
            if limit == 0 {
                return Ok(all);
            }
            let list = || self.request(Method::GET, &path).query(&period).query(&[("limit", limit)]);
            let page: Vec<Reading> = self.retry(|| self.send_for_json(list())).await?;
            // The next page ends before the oldest reading of this one. A device has one reading per time, so
            // new readings do not change the pages.
            let Some(oldest) = page.last() else { return Ok(all) };
            period.end_time = None;
            period.until = Some(oldest.timestamp.clone());
            all.extend(page);
        }
    }
}
