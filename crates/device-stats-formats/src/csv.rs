//! CSV records, read the same way from a request and from a file.

pub(crate) mod formula;
mod record_reader;

pub(crate) use record_reader::{Progress, RecordReader};
