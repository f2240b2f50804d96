//! The id of a request.

use std::fmt;
use std::str::FromStr;

use crate::limits::REQUEST_ID_BYTES_MAX;

/// The id of a request: 1 to [`REQUEST_ID_BYTES_MAX`] visible ASCII characters, so it is safe in a log line.
///
/// It is copied like other ids, so it keeps its bytes itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    /// The bytes after the first `length` ones are 0.
    bytes: [u8; REQUEST_ID_BYTES_MAX],
    length: usize,
}

/// Error of a text that is not the id of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not 1 to {REQUEST_ID_BYTES_MAX} visible ASCII characters")]
pub struct InvalidRequestId;

impl RequestId {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        // `from_str` accepts only ASCII.
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl FromStr for RequestId {
    type Err = InvalidRequestId;

    fn from_str(text: &str) -> Result<Self, InvalidRequestId> {
        let mut bytes = [0; REQUEST_ID_BYTES_MAX];
        let length = text.len();
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        match bytes.get_mut(..length) {
            Some(own) if length > 0 && is_visible => own.copy_from_slice(text.as_bytes()),
            _ => return Err(InvalidRequestId),
        }
        Ok(Self { bytes, length })
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_visible_ascii_of_a_limited_length() {
        let longest = "x".repeat(REQUEST_ID_BYTES_MAX);
        for text in ["r", "0198-ab_c:/~!", longest.as_str()] {
            assert_eq!(text.parse::<RequestId>().unwrap().to_string(), text);
        }
        for text in ["", "a b", "a\n", "\u{e9}", &"x".repeat(REQUEST_ID_BYTES_MAX + 1)] {
            assert_eq!(text.parse::<RequestId>(), Err(InvalidRequestId), "{text:?}");
        }
    }
}
