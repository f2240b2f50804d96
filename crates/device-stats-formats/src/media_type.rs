//! Media types of request bodies.

/// Media type of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// `application/json`, `application/*+json`.
    Json,
    /// `application/x-ndjson`, `application/ndjson`, `application/jsonl`.
    Ndjson,
    /// `text/csv`.
    Csv,
    /// `application/vnd.apache.arrow.stream`.
    Arrow,
    /// Any other media type, or none.
    Other,
}

impl MediaType {
    /// Returns the media type of a `Content-Type` header, whose parameters are ignored.
    pub fn from_content_type(value: &str) -> Self {
        let essence = value.split_once(';').map_or(value, |(essence, _)| essence).trim().to_ascii_lowercase();
        match essence.split_once('/') {
            Some(("application", json)) if json == "json" || json.ends_with("+json") => Self::Json,
            Some(("application", "x-ndjson" | "ndjson" | "jsonl")) => Self::Ndjson,
            Some(("application", "vnd.apache.arrow.stream")) => Self::Arrow,
            Some(("text", "csv")) => Self::Csv,
            _ => Self::Other,
        }
    }
}
