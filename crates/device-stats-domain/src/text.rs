//! What is true of every text the service keeps: it has a length in bytes, and no NUL, which PostgreSQL cannot store.

/// Why a text cannot be a username, the name of a device, or a `device_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// It has no character.
    #[error("is empty")]
    Empty,
    /// It is longer than the limit.
    #[error("is longer than {bytes_max} bytes")]
    TooLong {
        /// The limit, in bytes of UTF-8.
        bytes_max: usize,
    },
    /// It contains U+0000.
    #[error("contains a NUL character")]
    Nul,
}

/// Checks the rules common to all texts.
pub(crate) fn check(text: &str, bytes_max: usize) -> Result<(), InvalidText> {
    if text.len() > bytes_max {
        Err(InvalidText::TooLong { bytes_max })
    } else if text.contains('\0') {
        Err(InvalidText::Nul)
    } else {
        Ok(())
    }
}

/// Checks a text that may not be empty.
pub(crate) fn check_present(text: &str, bytes_max: usize) -> Result<(), InvalidText> {
    if text.is_empty() { Err(InvalidText::Empty) } else { check(text, bytes_max) }
}
