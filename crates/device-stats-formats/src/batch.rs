//! Batches: the readings of a request body, read row by row as the body arrives. All faults are noted.

mod arrow_columns;
mod batch_reader;
mod batch_rows;
mod csv_cells;
mod csv_rows;
mod json_array;
mod json_row;
mod ndjson;
mod on_fault;
mod plain_object;
mod row;
#[cfg(test)]
mod split_body_tests;

pub(crate) use arrow_columns::NumberColumn;
pub use batch_reader::BatchReader;
pub(crate) use batch_rows::check_readings;
pub use batch_rows::{BatchRows, RejectedRows, RowLocations};
pub use on_fault::OnFault;
pub(crate) use plain_object::read as read_plain_object;
pub use row::Row;
pub(crate) use row::device_id_bytes;
