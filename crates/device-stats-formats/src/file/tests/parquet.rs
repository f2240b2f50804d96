//! Parquet files.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, Int96};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::{collect, readings, rejects};
use crate::file::{FileBatch, FileError, FileFormat, FileInput, FileOptions, FileReader};

fn read(path: &Path, options: &FileOptions) -> Result<FileBatch, FileError> {
    let format = FileFormat::from_name(path).unwrap();
    let input = FileInput::Seekable(File::open(path).unwrap());
    collect(&mut FileReader::open(path, format, input, options)?)
}

/// Writes a Parquet file with times of the type INT96: the days of the Julian calendar, and the nanoseconds
/// of the day.
pub(super) fn int96_file(times: &[(u32, u64)]) -> tempfile::NamedTempFile {
    let schema = "message readings {
        required binary device_id (UTF8); required int96 timestamp;
        required double x; required double y; required double z; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let file = tempfile::Builder::new().suffix(".parquet").tempfile().unwrap();
    let properties = Arc::new(WriterProperties::default());
    let mut writer = SerializedFileWriter::new(file.reopen().unwrap(), schema, properties).unwrap();
    let mut rows = writer.next_row_group().unwrap();
    while let Some(mut column) = rows.next_column().unwrap() {
        match column.untyped() {
            ColumnWriter::Int96ColumnWriter(writer) => {
                let to_int96 = |(day, nanos): &(u32, u64)| {
                    let mut value = Int96::new();
                    let [low, high] =
                        [nanos & 0xffff_ffff, nanos >> 32].map(|word| u32::try_from(word).unwrap());
                    value.set_data(low, high, *day);
                    value
                };
                let values: Vec<Int96> = times.iter().map(to_int96).collect();
                writer.write_batch(&values, None, None).unwrap();
            }
            ColumnWriter::ByteArrayColumnWriter(writer) => {
                writer.write_batch(&vec![ByteArray::from("a"); times.len()], None, None).unwrap();
            }
            ColumnWriter::DoubleColumnWriter(writer) => {
                writer.write_batch(&vec![1.0; times.len()], None, None).unwrap();
            }
            _ => panic!("the schema has no other columns"),
        }
        column.close().unwrap();
    }
    rows.close().unwrap();
    writer.close().unwrap();
    file
}

/// Before, times of Spark and Impala were converted to 64-bit nanoseconds, so the year 3000 became 1831.
#[test]
fn int96_times_have_the_range_of_readings() {
    // 1 January of the years 3000, 1600 and 1970, as days of the Julian calendar.
    let file = int96_file(&[(2_816_788, 1_000), (2_305_448, 999), (2_440_588, 86_399_999_999_999)]);
    assert_eq!(
        readings(&read(file.path(), &FileOptions::default()).unwrap()),
        [
            "1 a 3000-01-01T00:00:00.000001Z 1 1 1",
            "2 a 1600-01-01T00:00 1 1 1",
            "3 a 1970-01-01T23:59:59.999999Z 1 1 1",
        ]
    );
}

/// The library wraps around days beyond the range of microseconds. Before, they became other years.
#[test]
fn int96_times_that_wrap_are_faults() {
    let far = 2_440_588 + 213_503_983; // Wraps to the beginning of 1970.
    let file = int96_file(&[(2_816_788, 0), (far, 0), (u32::MAX, 0), (2_440_588, 0)]);
    let batch = read(file.path(), &FileOptions::default()).unwrap();
    assert_eq!(readings(&batch), ["1 a 3000-01-01T00:00 1 1 1", "4 a 1970-01-01T00:00 1 1 1"]);
    assert_eq!(rejects(&batch).len(), 2);
    assert!(rejects(&batch).iter().all(|words| words.contains("timestamp: ") && words.contains("1-9999")));
}
