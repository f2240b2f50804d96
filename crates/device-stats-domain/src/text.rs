//! Rules of every stored text: a maximum size in bytes, and no NUL, which PostgreSQL cannot store.

/// The rule that a text breaks as a username, device name or `device_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// It is empty.
    #[error("is empty")]
    Empty,
    /// It exceeds the limit.
    #[error("is longer than {bytes_max} bytes")]
    TooLong {
        /// The limit, in bytes of UTF-8.
        bytes_max: usize,
    },
    /// It contains U+0000.
    #[error("contains a NUL character")]
    Nul,
}

/// Checks the rules of every text.
pub(crate) fn check(text: &str, bytes_max: usize) -> Result<(), InvalidText> {
    if text.len() > bytes_max {
        Err(InvalidText::TooLong { bytes_max })
    } else if text.contains('\0') {
        Err(InvalidText::Nul)
    } else {
        Ok(())
    }
}

/// Checks the rules of every text, and that it is not empty.
pub(crate) fn check_present(text: &str, bytes_max: usize) -> Result<(), InvalidText> {
    if text.is_empty() { Err(InvalidText::Empty) } else { check(text, bytes_max) }
}
