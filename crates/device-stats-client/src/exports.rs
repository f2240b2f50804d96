//! Exports of the readings of a device or a user, as they arrive.

use bytes::Bytes;
use reqwest::{Method, Response};

use crate::analyses::{Subject, Window};
use crate::client::Client;
use crate::devices::path_segment;
use crate::error::ClientError;

/// An export that has begun to arrive.
#[derive(Debug)]
pub struct Arriving {
    url: String,
    response: Response,
}

impl Client {
    /// Has readings exported in that format.
    ///
    /// # Errors
    /// [`ClientError`]; refused where there is nobody of that name.
    pub async fn export(
        &self,
        subject: &Subject,
        window: &Window,
        format: &str,
    ) -> Result<Arriving, ClientError> {
        let path = match subject {
            Subject::Device(device_id) => {
                format!("/api/v1/stats/devices/{}/export", path_segment(device_id)?)
            }
            Subject::User(id) => format!("/api/v1/stats/users/{id}/export"),
        };
        let request = || self.request(Method::GET, &path).query(&[("format", format)]).query(window);
        let response = self.patiently(|| self.answer(request())).await?;
        Ok(Arriving { url: self.base.clone(), response })
    }
}

impl Arriving {
    /// The next bytes; `None` behind the last ones.
    ///
    /// # Errors
    /// [`ClientError::BrokenOff`] where there would be more.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        let broken = |error: reqwest::Error| ClientError::BrokenOff {
            url: self.url.clone(),
            source: error.without_url(),
        };
        self.response.chunk().await.map_err(broken)
    }
}
