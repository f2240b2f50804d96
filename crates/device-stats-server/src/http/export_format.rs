//! The forms of an export, and what makes each.

use axum::http::HeaderValue;
use bytes::Bytes;
use device_stats_domain::{DeviceId, Reading};
use device_stats_store::Cause;
use serde_json::json;

use super::export_columns::{ParquetEncoder, StreamEncoder};
use super::export_text::{Lines, TextEncoder};
use super::faults::Problem;
use super::json::Json;
use crate::service::Encoder;

/// How readings are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    #[default]
    Csv,
    Ndjson,
    Arrow,
    Parquet,
}

/// Writes one of the formats.
pub(super) enum AnyEncoder {
    Text(TextEncoder),
    Stream(Box<StreamEncoder>),
    Parquet(Box<ParquetEncoder>),
}

impl Format {
    const ALL: [Self; 4] = [Self::Csv, Self::Ndjson, Self::Arrow, Self::Parquet];

    /// Reads a parameter of a query.
    pub(super) fn read(value: &Json) -> Result<Self, Problem> {
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
    pub(super) fn extension(self) -> &'static str {
        match self {
            // A stream of record batches; a file of them would be `arrow`.
            Self::Arrow => "arrows",
            Self::Csv | Self::Ndjson | Self::Parquet => self.name(),
        }
    }

    pub(super) fn media_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
        })
    }

    /// Whether it becomes much smaller when it is compressed.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Csv | Self::Ndjson)
    }

    /// What writes it; compressed where it is text and that is wanted.
    pub(super) fn encoder(self, gzip: bool) -> Result<AnyEncoder, Cause> {
        Ok(match self {
            Self::Csv => AnyEncoder::Text(TextEncoder::new(Lines::Csv, gzip)?),
            Self::Ndjson => AnyEncoder::Text(TextEncoder::new(Lines::Ndjson, gzip)?),
            Self::Arrow => AnyEncoder::Stream(Box::new(StreamEncoder::new()?)),
            Self::Parquet => AnyEncoder::Parquet(Box::new(ParquetEncoder::new()?)),
        })
    }
}

impl Encoder for AnyEncoder {
    fn encode(&mut self, device: &DeviceId, readings: &[Reading]) -> Result<Bytes, Cause> {
        match self {
            Self::Text(encoder) => encoder.encode(device, readings),
            Self::Stream(encoder) => encoder.encode(device, readings),
            Self::Parquet(encoder) => encoder.encode(device, readings),
        }
    }

    fn finish(self) -> Result<Bytes, Cause> {
        match self {
            Self::Text(encoder) => encoder.finish(),
            Self::Stream(encoder) => encoder.finish(),
            Self::Parquet(encoder) => encoder.finish(),
        }
    }
}
