//! The forms of an export, and what makes each.

mod column_encoders;
mod text_encoder;

use bytes::Bytes;
use device_stats_domain::{DeviceId, Reading};
use serde_json::json;

use crate::faults::Problem;
use crate::json::Json;
use column_encoders::{ParquetEncoder, StreamEncoder};
pub use text_encoder::write_ndjson;
use text_encoder::{Lines, TextEncoder};

/// Reason why readings cannot be encoded; always a bug.
pub type EncodeError = Box<dyn std::error::Error + Send + Sync>;

/// Makes bytes of readings. What it hands out, one after the other, is the whole.
pub trait Encoder: Send + 'static {
    /// Takes the next readings of a device, which ascend in time, and hands out what is ready; perhaps nothing yet.
    ///
    /// # Errors
    /// Where it cannot; a bug.
    fn encode(&mut self, device: &DeviceId, readings: &[Reading]) -> Result<Bytes, EncodeError>;

    /// Hands out the rest.
    ///
    /// # Errors
    /// Where it cannot; a bug.
    fn finish(self) -> Result<Bytes, EncodeError>;
}

/// How readings are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Csv,
    Ndjson,
    Arrow,
    Parquet,
}

/// Writes one of the formats.
pub enum AnyEncoder {
    Text(TextEncoder),
    Stream(Box<StreamEncoder>),
    Parquet(Box<ParquetEncoder>),
}

impl Format {
    const ALL: [Self; 4] = [Self::Csv, Self::Ndjson, Self::Arrow, Self::Parquet];

    /// Reads a parameter of a query.
    pub fn read(value: &Json) -> Result<Self, Problem> {
        let named = |format: &Self| matches!(value, Json::String(name) if name == format.name());
        Self::ALL.into_iter().find(named).ok_or_else(|| {
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

    /// How the name of a file ends.
    pub fn extension(self) -> &'static str {
        match self {
            // A stream of record batches; a file of them would be `arrow`.
            Self::Arrow => "arrows",
            Self::Csv | Self::Ndjson | Self::Parquet => self.name(),
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// Whether it becomes much smaller when it is compressed.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Csv | Self::Ndjson)
    }

    /// What writes it; compressed where it is text and that is wanted.
    pub fn encoder(self, gzip: bool) -> Result<AnyEncoder, EncodeError> {
        Ok(match self {
            Self::Csv => AnyEncoder::Text(TextEncoder::new(Lines::Csv, gzip)?),
            Self::Ndjson => AnyEncoder::Text(TextEncoder::new(Lines::Ndjson, gzip)?),
            Self::Arrow => AnyEncoder::Stream(Box::new(StreamEncoder::new()?)),
            Self::Parquet => AnyEncoder::Parquet(Box::new(ParquetEncoder::new()?)),
        })
    }
}

impl Encoder for AnyEncoder {
    fn encode(&mut self, device: &DeviceId, readings: &[Reading]) -> Result<Bytes, EncodeError> {
        match self {
            Self::Text(encoder) => encoder.encode(device, readings),
            Self::Stream(encoder) => encoder.encode(device, readings),
            Self::Parquet(encoder) => encoder.encode(device, readings),
        }
    }

    fn finish(self) -> Result<Bytes, EncodeError> {
        match self {
            Self::Text(encoder) => encoder.finish(),
            Self::Stream(encoder) => encoder.finish(),
            Self::Parquet(encoder) => encoder.finish(),
        }
    }
}
