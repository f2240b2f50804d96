//! Arrow IPC streams that other programs wrote, their columns, and the texts in them.

mod column_types;
mod file_blocks;
mod layout;
mod memory_limit;
mod stream;
mod stream_error;
mod text_column;

pub(crate) use column_types::{check_columns, holds_numbers};
pub(crate) use file_blocks::{FILE_MAGIC, FileBlocks};
pub(crate) use stream::{ArrowStream, CONTINUATION};
pub(crate) use stream_error::ArrowStreamError;
pub(crate) use text_column::{TextColumn, holds_text};
