//! Arrow IPC streams that other programs wrote, and their columns of text.

mod layout;
mod memory_limit;
mod stream;
mod stream_error;
mod text_column;

pub(crate) use stream::ArrowStream;
pub(crate) use stream_error::ArrowStreamError;
pub(crate) use text_column::{TextColumn, holds_text};
