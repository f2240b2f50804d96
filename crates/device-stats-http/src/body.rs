//! The body of a request: limits on its size and time, decompression, and text.

mod decompress;
mod kind;
mod receive;
mod text;

pub(crate) use kind::BodyKind;
pub(crate) use receive::receive;
pub(crate) use text::{TextBody, read_text};
