//! Files of readings, cut into batches that the server accepts. Rows are passed on as they are written; the
//! server decides which numbers and times are valid.

mod batch_builder;
mod beginning;
mod column_file;
mod csv_file;
mod file_batch;
mod file_error;
mod file_name;
mod file_reader;
mod file_rows;
mod json_file;
mod json_splitter;
#[cfg(test)]
mod tests;

pub use file_batch::{BATCH_ROWS_MAX, FileBatch, RowNumbering, TimedRows};
pub use file_error::FileError;
pub use file_reader::FileReader;
