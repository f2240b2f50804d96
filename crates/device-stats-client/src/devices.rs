//! Devices: looked up, and registered where they are missing.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::client::Client;
use crate::error::ClientError;

/// What is written as itself in a segment of a path; everything else is percent-encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Whether a device was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// It has been registered now.
    Now,
    /// It was there.
    Before,
}

impl Client {
    /// Registers a device where it is missing; `user` becomes its owner only then.
    ///
    /// # Errors
    /// [`ClientError`]; faulty where this cannot be the id of a device.
    pub async fn ensure_device(&self, device_id: &str, user: Option<i64>) -> Result<Registered, ClientError> {
        // What cannot be part of a path cannot be looked up, but registering it tells as well whether it was there.
        if let Ok(segment) = path_segment(device_id) {
            let path = format!("/api/v1/devices/{segment}");
            match self.patiently(|| self.answer(self.request(Method::GET, &path))).await {
                Ok(_) => return Ok(Registered::Before),
                Err(ClientError::Refused { status: StatusCode::NOT_FOUND, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let mut device = json!({ "device_id": device_id });
        if let (Some(user), Some(members)) = (user, device.as_object_mut()) {
            members.insert("user_id".to_owned(), user.into());
        }
        let register = || self.answer(self.request(Method::POST, "/api/v1/devices/").json(&device));
        match self.patiently(register).await {
            Ok(_) => Ok(Registered::Now),
            Err(ClientError::Refused { status: StatusCode::BAD_REQUEST, detail, .. })
                if detail.contains("already exists") =>
            {
                Ok(Registered::Before)
            }
            Err(error) => Err(error),
        }
    }
}

/// The id of a device as one segment of a path.
///
/// # Errors
/// [`ClientError::NotAddressable`] for what a path cannot hold: URLs take `.` and `..` for directories however they are
/// encoded, and an empty segment for none.
pub(super) fn path_segment(device_id: &str) -> Result<String, ClientError> {
    match device_id {
        "" | "." | ".." => Err(ClientError::NotAddressable(device_id.to_owned())),
        _ => Ok(utf8_percent_encode(device_id, ENCODED).to_string()),
    }
}

#[cfg(test)]
mod tests {
    //! Device ids as segments of a path.

    use super::*;

    #[test]
    fn a_device_id_is_one_segment() {
        for (device_id, segment) in
            [("pump-7", "pump-7"), ("a/b", "a%2Fb"), ("ü %?", "%C3%BC%20%25%3F"), ("...", "...")]
        {
            assert_eq!(path_segment(device_id).unwrap(), segment);
        }
    }

    #[test]
    fn directories_are_no_segments() {
        for device_id in ["", ".", ".."] {
            assert!(path_segment(device_id).is_err());
        }
    }
}
