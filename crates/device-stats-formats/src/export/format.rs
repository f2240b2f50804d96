//! The formats of an export.

use serde_json::json;

use super::column_encoders::{ArrowStreamEncoder, ParquetEncoder};
use super::encoder::{EncodeError, Encoder};
use super::text_encoder::{CSV_HEADER, TextEncoder, write_csv, write_ndjson};
use crate::faults::Problem;
use crate::json::Json;

/// Format of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExportFormat {
    /// A table with a header (RFC 4180).
    #[default]
    Csv,
    /// One JSON object on each line.
    Ndjson,
    /// An Arrow IPC stream.
    Arrow,
    /// A Parquet file.
    Parquet,
}

impl ExportFormat {
    const ALL: [Self; 4] = [Self::Csv, Self::Ndjson, Self::Arrow, Self::Parquet];

    /// Reads a query parameter.
    ///
    /// # Errors
    /// `literal_error` for any other value.
    pub fn from_json(value: &Json) -> Result<Self, Problem> {
        let is_named = |format: &Self| matches!(value, Json::String(name) if name == format.name());
        Self::ALL.into_iter().find(is_named).ok_or_else(|| {
            let expected = "'csv', 'ndjson', 'arrow' or 'parquet'";
            Problem::new("literal_error", format!("Input should be {expected}"))
                .with(json!({"expected": expected}))
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
        }
    }

    /// Returns the extension of a file name.
    pub fn extension(self) -> &'static str {
        match self {
            // `arrow` is the extension of an Arrow file, but an export is an Arrow stream.
            Self::Arrow => "arrows",
            Self::Csv | Self::Ndjson | Self::Parquet => self.name(),
        }
    }

    /// Returns the value of `Content-Type`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// Returns whether compression makes the file much smaller.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Csv | Self::Ndjson)
    }

    /// Creates an encoder. `gzip` compresses text, and is ignored otherwise.
    ///
    /// # Errors
    /// [`EncodeError`], always a bug.
    pub fn encoder(self, gzip: bool) -> Result<Box<dyn Encoder>, EncodeError> {
        Ok(match self {
            Self::Csv => Box::new(TextEncoder::new(CSV_HEADER, write_csv, gzip)?),
            Self::Ndjson => Box::new(TextEncoder::new(b"", write_ndjson, gzip)?),
            Self::Arrow => Box::new(ArrowStreamEncoder::new()?),
            Self::Parquet => Box::new(ParquetEncoder::new()?),
        })
    }
}
