//! Readings as other programs write and read them: JSON, NDJSON, CSV, Arrow, Parquet and InfluxDB's line protocol.
//! Bytes become rows or faults, and readings become bytes. Nothing here knows of HTTP, threads or stores.

mod arrow;
pub mod batch;
mod body_receiver;
mod csv;
mod error;
pub mod export;
mod faults;
pub mod file;
mod json;
pub mod line_protocol;
mod media_type;
mod members;
mod utf8_decoder;
pub mod values;

pub use body_receiver::Receive;
pub use error::FormatError;
pub use faults::{Fault, Faults, Problem, Step};
pub use json::{Json, NotJson};
pub use media_type::MediaType;
pub use members::{FromMembers, Members, extra, missing};
pub use utf8_decoder::Characters;
