//! The format of an exported file.

use std::path::Path;

use clap::ValueEnum;

use crate::command::progress::Unit;

/// The format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A table with a header
    Csv,
    /// One JSON object per line
    Ndjson,
    /// An Arrow IPC stream
    Arrow,
    /// A Parquet file
    Parquet,
}

impl Format {
    /// Returns the name in a request.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
        }
    }

    /// Returns the format for the extension of a file.
    pub(super) fn from_extension(file: &Path) -> Option<Self> {
        let extension = file.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "arrows" => Some(Self::Arrow),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// Returns the number of lines before the first reading, or `None` if readings are not lines.
    pub(super) fn header_lines(self) -> Option<u64> {
        match self {
            Self::Csv => Some(1),
            Self::Ndjson => Some(0),
            Self::Arrow | Self::Parquet => None,
        }
    }

    /// Returns the unit in which a received amount is counted.
    pub(super) fn unit(self) -> Unit {
        if self.header_lines().is_some() { Unit::Readings } else { Unit::Bytes }
    }
}
