//! The body of a request: limits on its size, time and memory, and decompression.

mod bounded;
mod decompress;
mod drain;
mod kind;
mod pace;
mod receive;
mod zstd_decoder;

pub(crate) use drain::{drain_if_unread, drain_unread};
pub(crate) use kind::BodyKind;
pub(crate) use receive::receive;
