//! The body of a request: limits on its size and time, and decompression.

mod decompress;
mod kind;
mod receive;

pub(crate) use kind::BodyKind;
pub(crate) use receive::receive;
