//! Arrow files, and the bodies of requests.

use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Date64Array, Decimal128Array, Decimal256Array,
    DictionaryArray, Float32Array, Float64Array, Int8Array, Int64Array, LargeStringArray, NullArray,
    RecordBatch, StringArray, StringViewArray, Time32SecondArray, Time64NanosecondArray,
    TimestampMicrosecondArray, TimestampNanosecondArray, UInt64Array, new_null_array,
};
use arrow_buffer::i256;
use arrow_ipc::writer::{FileWriter, StreamWriter};
use arrow_schema::{DataType, IntervalUnit};
use device_stats_domain::{DeviceId, Measurement, Zone};
use proptest::prelude::*;

use super::{collect, readings, rejects};
use crate::batch::{BatchReader, OnFault};
use crate::body_receiver::BodyReceiver;
use crate::faults::Faults;
use crate::file::file_name::Layout;
use crate::file::{
    ColumnChoice, ColumnMap, FileBatch, FileError, FileFormat, FileInput, FileOptions, FileReader,
    encode_body,
};
use crate::media_type::MediaType;
use crate::reading_times::ReadingTimes;

fn stream(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn read(columns: Vec<(&str, ArrayRef)>, options: &FileOptions) -> Result<FileBatch, FileError> {
    super::read(Layout::Arrow, &stream(columns), options)
}

fn column(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}

/// Adds these columns to a device and numbers.
fn with(more: Vec<(&str, ArrayRef)>, rows: usize) -> Vec<(&str, ArrayRef)> {
    let has = |name: &str| more.iter().any(|(other, _)| *other == name);
    let mut columns = Vec::new();
    if !has("device_id") {
        columns.push(("device_id", column(StringArray::from(vec!["a"; rows]))));
    }
    for axis in ["x", "y", "z"] {
        if !has(axis) {
            columns.push((axis, column(Int8Array::from(vec![1; rows]))));
        }
    }
    columns.extend(more);
    columns
}

#[test]
fn numbers_of_every_type_are_exact_or_faults() {
    let decimals = Decimal128Array::from(vec![15, -25]).with_precision_and_scale(10, 1).unwrap();
    let large = Decimal256Array::from(vec![i256::from_i128(1), i256::from_i128(3)])
        .with_precision_and_scale(70, 40)
        .unwrap();
    for (numbers, expected) in [
        (column(decimals), ["1.5", "-2.5"]),
        (
            column(large),
            ["0.0000000000000000000000000000000000000001", "0.0000000000000000000000000000000000000003"],
        ),
        (column(Float32Array::from(vec![0.1, 2.5])), ["0.10000000149011612", "2.5"]),
        (column(UInt64Array::from(vec![1 << 53, 7])), ["9007199254740992", "7"]),
        (column(StringArray::from(vec![" 1.5", "2e3"])), ["1.5", "2000"]),
    ] {
        let batch = read(with(vec![("x", numbers)], 2), &FileOptions::default()).unwrap();
        let numbers: Vec<String> =
            batch.rows.iter().map(|row| row.measurement.values.x.get().to_string()).collect();
        assert_eq!(numbers, expected);
    }
    let inexact = column(UInt64Array::from(vec![(1 << 53) + 1, 7]));
    let batch = read(with(vec![("x", inexact)], 2), &FileOptions::default()).unwrap();
    assert_eq!(rejects(&batch), ["1 x: Input should be an integer that a double holds exactly"]);
    assert_eq!(batch.rejected[0].values, ["a", "", "9007199254740993", "1", "1"]);
    let nulls = column(Float64Array::from(vec![None, Some(f64::NAN)]));
    let batch = read(with(vec![("y", nulls)], 2), &FileOptions::default()).unwrap();
    assert_eq!(
        rejects(&batch),
        ["1 y: Input should be a valid number", "2 y: Input should be a finite number"]
    );
}

#[test]
fn times_of_every_type_are_read() {
    let micros = 1_795_428_000_000_001;
    let at = |time: &str| vec![format!("1 a {time} 1 1 1")];
    let (with_micros, seconds) = (at("2026-11-23T10:00:00.000001Z"), at("2026-11-23T10:00"));
    for (times, expected) in [
        (column(TimestampMicrosecondArray::from(vec![micros])), &with_micros),
        (
            column(TimestampNanosecondArray::from(vec![micros * 1_000 + 999]).with_timezone("Asia/Tokyo")),
            &with_micros,
        ),
        (column(Int64Array::from(vec![1_795_428_000])), &seconds),
        (column(Float64Array::from(vec![1_795_428_000.0])), &seconds),
        (
            column(
                Decimal128Array::from(vec![1_795_428_000_000_001]).with_precision_and_scale(20, 6).unwrap(),
            ),
            &with_micros,
        ),
        (column(Date32Array::from(vec![20_780])), &at("2026-11-23T00:00")),
        (column(Date64Array::from(vec![1_795_392_000_000])), &at("2026-11-23T00:00")),
        (column(LargeStringArray::from(vec!["2026-11-23T12:00+02:00"])), &seconds),
        (column(NullArray::new(1)), &at("-")),
        (column(TimestampMicrosecondArray::from(vec![None])), &at("-")),
    ] {
        let words = format!("{:?}", times.data_type());
        let batch = read(with(vec![("timestamp", times)], 1), &FileOptions::default()).unwrap();
        assert_eq!(&readings(&batch), expected, "{words}");
    }
    let far = column(TimestampMicrosecondArray::from(vec![i64::MAX]));
    let batch = read(with(vec![("timestamp", far)], 1), &FileOptions::default()).unwrap();
    assert!(rejects(&batch)[0].contains("1-9999"), "{:?}", rejects(&batch));
}

#[test]
fn a_zone_applies_to_times_without_one() {
    let mut options = FileOptions::default();
    options.times.zone = Some(Zone::from_name("Europe/Berlin").unwrap());
    let noon = 1_782_907_200_000_000; // 2026-07-01T12:00
    for (times, expected) in [
        (column(TimestampMicrosecondArray::from(vec![noon])), "1 a 2026-07-01T10:00 1 1 1"),
        (
            column(TimestampMicrosecondArray::from(vec![noon]).with_timezone("UTC")),
            "1 a 2026-07-01T12:00 1 1 1",
        ),
        (column(Date32Array::from(vec![20_635])), "1 a 2026-06-30T22:00 1 1 1"),
        (column(Int64Array::from(vec![1_782_907_200])), "1 a 2026-07-01T12:00 1 1 1"),
    ] {
        let batch = read(with(vec![("timestamp", times)], 1), &options).unwrap();
        assert_eq!(readings(&batch), [expected]);
    }
}

#[test]
fn a_time_may_have_two_columns() {
    let options = FileOptions {
        columns: ColumnMap::new(vec!["timestamp=Date+Time".parse::<ColumnChoice>().unwrap()]).unwrap(),
        ..FileOptions::default()
    };
    let ten: [ArrayRef; 3] = [
        column(Time32SecondArray::from(vec![36_000])),
        column(Time64NanosecondArray::from(vec![36_000_000_000_000])),
        column(StringArray::from(vec!["10:00"])),
    ];
    let day: [ArrayRef; 4] = [
        column(Date32Array::from(vec![20_780])),
        column(Date64Array::from(vec![1_795_392_000_000])),
        column(TimestampNanosecondArray::from(vec![1_795_392_000_000_000_000])),
        column(StringArray::from(vec!["2026-11-23"])),
    ];
    for date in &day {
        for time in &ten {
            let columns = with(vec![("date", Arc::clone(date)), ("TIME", Arc::clone(time))], 1);
            let batch = read(columns, &options).unwrap();
            assert_eq!(readings(&batch), ["1 a 2026-11-23T10:00 1 1 1"], "{:?}", rejects(&batch));
        }
    }
}

#[test]
fn devices_are_texts_or_integers() {
    let dictionary: DictionaryArray<Int32Type> = vec!["7", "b"].into_iter().collect();
    for devices in [
        column(dictionary),
        column(StringViewArray::from(vec!["7", "b"])),
        column(LargeStringArray::from(vec!["7", "b"])),
    ] {
        let batch = read(with(vec![("device_id", devices)], 2), &FileOptions::default()).unwrap();
        assert_eq!(readings(&batch), ["1 7 - 1 1 1", "2 b - 1 1 1"]);
    }
    let integers = column(Int64Array::from(vec![Some(7), None]));
    let batch = read(with(vec![("device_id", integers)], 2), &FileOptions::default()).unwrap();
    assert_eq!(readings(&batch), ["1 7 - 1 1 1"]);
    assert_eq!(rejects(&batch), ["2 device_id: Input should be a valid string"]);
}

/// `pandas` writes an index without a name under this name.
#[test]
fn an_index_is_the_time_or_ignored() {
    let times = column(TimestampNanosecondArray::from(vec![1_795_428_000_000_000_000]));
    let counts = column(Int64Array::from(vec![0]));
    let read = |more| read(with(more, 1), &FileOptions::default());
    assert_eq!(readings(&read(vec![("__index_level_0__", times)]).unwrap()), ["1 a 2026-11-23T10:00 1 1 1"]);
    let both = vec![
        ("__index_level_0__", Arc::clone(&counts)),
        ("timestamp", column(Date32Array::from(vec![20_780]))),
    ];
    assert_eq!(readings(&read(both).unwrap()), ["1 a 2026-11-23T00:00 1 1 1"]);
    // Integers may count rows or be the only times.
    let words = read(vec![("__index_level_0__", counts)]).unwrap_err().to_string();
    assert!(words.contains("add --map timestamp=__index_level_0__ or --ignore-unknown"), "{words}");
    let texts = column(StringArray::from(vec!["first"]));
    assert!(read(vec![("__index_level_0__", texts)]).is_err());
}

#[test]
fn a_column_of_a_wrong_type_is_named() {
    for (name, array, words) in [
        (
            "x",
            column(BooleanArray::from(vec![true])),
            "header.x: Column should hold numbers, but its type is Boolean",
        ),
        (
            "device_id",
            column(Float64Array::from(vec![1.0])),
            "header.device_id: Column should hold texts or integers",
        ),
        ("timestamp", column(Time32SecondArray::from(vec![1])), "header.timestamp: Column should hold times"),
        (
            "timestamp",
            new_null_array(&DataType::Interval(IntervalUnit::DayTime), 1),
            "header.timestamp: Column should hold times",
        ),
    ] {
        let error = read(with(vec![(name, array)], 1), &FileOptions::default()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn rows_are_cut_into_batches_and_none_is_lost() {
    let count = 12_000_i64;
    let times: Vec<i64> = (0..count).map(|row| 1_795_428_000 + row).collect();
    let columns = with(vec![("timestamp", column(Int64Array::from(times)))], 12_000);
    let batch = read(columns, &FileOptions::default()).unwrap();
    let numbers: Vec<u64> = batch.rows.iter().map(|row| row.position.number).collect();
    assert_eq!(numbers, (1..=12_000).collect::<Vec<u64>>());
    let indexes: Vec<u64> = batch.rows.iter().map(|row| row.position.index).collect();
    assert_eq!(indexes, (0..12_000).collect::<Vec<u64>>());
}

/// Returns an Arrow file of two rows.
fn arrow_file() -> Vec<u8> {
    let devices: DictionaryArray<Int32Type> = vec!["a", "b"].into_iter().collect();
    let batch = RecordBatch::try_from_iter(with(vec![("device_id", column(devices))], 2)).unwrap();
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn read_file(bytes: &[u8]) -> Result<FileBatch, FileError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    let path = Path::new("a.arrow");
    let format = FileFormat::from_name(path).unwrap();
    collect(&mut FileReader::open(path, format, FileInput::Seekable(file), &FileOptions::default())?)
}

/// `polars` writes no schema in front of the first batch.
#[test]
fn an_arrow_file_is_read_by_its_table_of_contents() {
    let mut bytes = arrow_file();
    let expected = ["1 a - 1 1 1", "2 b - 1 1 1"];
    assert_eq!(readings(&read_file(&bytes).unwrap()), expected);
    bytes[8..40].fill(0);
    assert_eq!(readings(&read_file(&bytes).unwrap()), expected);
    // A stream may have the same name.
    let stream = stream(with(Vec::new(), 1));
    assert_eq!(readings(&read_file(&stream).unwrap()), ["1 a - 1 1 1"]);
}

#[test]
fn every_truncation_of_an_arrow_file_is_refused() {
    let bytes = arrow_file();
    for length in 0..bytes.len() {
        assert!(read_file(&bytes[..length]).is_err(), "{length}");
    }
}

proptest! {
    #[test]
    fn a_changed_byte_of_an_arrow_file_is_read_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = arrow_file();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = read_file(&bytes);
    }
}

/// The server reads a body of a file as the rows that it was made of.
#[test]
fn a_body_keeps_every_bit() {
    let times = TimestampMicrosecondArray::from(vec![Some(-1), None, Some(i64::from(u32::MAX))]);
    let numbers = Float64Array::from(vec![-0.0, 5e-324, f64::MAX]);
    let columns = vec![
        ("device_id", column(StringArray::from(vec!["a", "b", "a"]))),
        ("timestamp", column(times)),
        ("x", column(numbers.clone())),
        ("y", column(numbers.clone())),
        ("z", column(numbers)),
    ];
    let batch = read(columns, &FileOptions::default()).unwrap();
    let mut reader = BatchReader::<(DeviceId, Measurement)>::new(
        MediaType::Arrow,
        ReadingTimes::new(None),
        OnFault::Refuse,
    );
    reader.receive(&encode_body(&batch.rows)).unwrap();
    let received = reader.finish(&mut Faults::default(), &mut |_| true).unwrap().unwrap();
    let sent: Vec<_> = batch.rows.into_iter().map(|row| (row.device, row.measurement)).collect();
    assert_eq!(received.rows, sent);
}
