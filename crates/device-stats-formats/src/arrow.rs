//! Arrow IPC streams that other programs wrote, and their columns of text.

mod layout;
mod stream;
mod text_column;

pub(crate) use stream::{ArrowStream, ArrowStreamError};
pub(crate) use text_column::{TextColumn, holds_text};
