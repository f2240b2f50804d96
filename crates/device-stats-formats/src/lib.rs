//! Readings as other programs write and read them: JSON, NDJSON, CSV, Arrow, Parquet and InfluxDB's line protocol.
//! Bytes become rows or faults, and readings become bytes. Nothing here knows of HTTP, threads or stores.

pub mod arrow_stream;
pub mod batch;
pub mod encode;
pub mod error;
pub mod faults;
pub mod file;
pub mod json;
pub mod line_protocol;
pub mod media_type;
pub mod members;
pub mod memory;
pub mod utf8;
pub mod values;

mod arrow_body;
mod csv_lines;
