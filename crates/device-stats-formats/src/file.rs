//! Files of readings from other programs. Rows are read by the rules of the server, so that faults are found
//! before anything is sent.
//!
//! The reader of each format finds the columns with `column_plan`, and reads rows with `row_reader`. The rows
//! of every format are sent as Arrow columns.

mod arrow_body;
mod beginning;
mod column_cells;
mod column_content;
mod column_file;
mod column_guess;
mod column_map;
mod column_plan;
mod column_rows;
mod csv_file;
mod csv_recognition;
mod decoded_text;
mod decompression;
mod file_batch;
mod file_error;
mod file_name;
mod file_options;
mod file_reader;
mod file_rows;
mod file_times;
mod json_file;
mod json_members;
mod json_splitter;
mod parquet_file;
mod rejected_rows_writer;
mod row_reader;
#[cfg(test)]
mod tests;
mod text_encoding;
mod time_format;

pub use arrow_body::{BODY_MEDIA_TYPE, encode_body};
pub use column_guess::Guess;
pub use column_map::{ColumnChoice, ColumnMap, Target};
pub use file_batch::{BATCH_ROWS_MAX, FileBatch, FileRow, RejectedRow, RowFault, RowNumbering, RowPosition};
pub use file_error::FileError;
pub use file_name::{FileFormat, FileInput};
pub use file_options::{CommentMark, DecimalMark, Delimiter, FileOptions};
pub use file_reader::FileReader;
pub use file_times::TimeOptions;
pub use rejected_rows_writer::RejectedRowsWriter;
pub use text_encoding::TextEncoding;
pub use time_format::TimeFormat;
