//! Readings as other programs write and read them: JSON, NDJSON, CSV, Arrow, Parquet and InfluxDB's line
//! protocol. Bytes become rows and faults, and readings become bytes. This crate knows nothing of HTTP,
//! threads and stores.

pub mod limits;

mod arrow;
mod batch;
mod body_error;
#[cfg(test)]
mod body_pieces;
mod body_receiver;
mod column_names;
mod csv;
pub mod export;
mod faults;
pub mod file;
mod json;
mod line_protocol;
mod media_type;
mod members;
#[cfg(test)]
mod memory_tests;
mod misnamed;
mod reading_times;
mod utf8_decoder;
pub mod values;

pub use batch::{BatchReader, BatchRows, OnFault, RejectedRows, Row, RowLocations};
pub use body_error::BodyError;
pub use body_receiver::BodyReceiver;
pub use faults::{Fault, Faults, LocationStep, Problem};
pub use json::{Json, JsonError};
pub use line_protocol::PointReader;
pub use media_type::MediaType;
pub use members::{Members, check_length, extra, misnamed, missing};
pub use misnamed::find_misnamed;
pub use reading_times::ReadingTimes;
pub use utf8_decoder::Utf8Decoder;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
