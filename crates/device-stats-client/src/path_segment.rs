//! Device ids as segments of a URL path.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::ClientError;

/// The characters that are percent-encoded: all except letters, digits and `-._~`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes a device id as one segment of a path.
///
/// # Errors
/// [`ClientError::NotAddressable`] for an empty id, `.` and `..`. URL parsers resolve the dots as
/// directories, even if they are encoded.
pub(crate) fn path_segment(device_id: &str) -> Result<String, ClientError> {
    match device_id {
        "" | "." | ".." => Err(ClientError::NotAddressable(device_id.to_owned())),
        _ => Ok(utf8_percent_encode(device_id, ENCODED).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_id_is_encoded_as_one_segment() {
        for (device_id, segment) in
            [("pump-7", "pump-7"), ("a/b", "a%2Fb"), ("ü %?", "%C3%BC%20%25%3F"), ("...", "...")]
        {
            assert_eq!(path_segment(device_id).unwrap(), segment);
        }
    }

    #[test]
    fn empty_ids_and_directories_are_refused() {
        for device_id in ["", ".", ".."] {
            assert!(path_segment(device_id).is_err());
        }
    }
}
