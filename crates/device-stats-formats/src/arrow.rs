//! Arrow IPC streams of other programs: reading them safely, and their text columns.

mod layout;
mod stream;
mod text_column;

pub(crate) use layout::is_read;
pub(crate) use stream::{Stream, StreamError};
pub(crate) use text_column::{Texts, holds_texts};
