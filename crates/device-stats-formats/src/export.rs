//! Exports: readings written as CSV, NDJSON, Arrow or Parquet.

mod column_encoders;
mod encoder;
mod format;
mod text_encoder;

pub use encoder::{EncodeError, Encoder};
pub use format::ExportFormat;
pub use text_encoder::write_ndjson;
