//! Files cut into batches, and the positions of their rows.

use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, TimestampMicrosecondType};
use arrow_array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray, TimestampSecondArray,
};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, Int96};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::file_name::FileFormat;
use super::{FileBatch, FileReader, RowNumbering};

fn batches_of(text: &str, batch_bytes_max: usize) -> Result<Vec<FileBatch>, String> {
    batches_in(FileFormat::Csv, text, batch_bytes_max)
}

fn batches_in(format: FileFormat, text: &str, batch_bytes_max: usize) -> Result<Vec<FileBatch>, String> {
    let name = Path::new(if format == FileFormat::Csv { "data.csv" } else { "data.json" });
    let mut rows = FileReader::new(name, format, Cursor::new(text.to_owned()), batch_bytes_max)
        .map_err(|error| error.to_string())?;
    let mut batches = Vec::new();
    while let Some(batch) = rows.next_batch().map_err(|error| error.to_string())? {
        batches.push(batch);
    }
    Ok(batches)
}

fn batches(text: &str) -> Vec<FileBatch> {
    batches_of(text, 10_000_000).unwrap()
}

#[test]
fn cells_are_passed_on_as_they_are() {
    let text = "z,device_id,x,y,timestamp\n1e5,\"a,\"\"b\",+1, 2,2026-01-01\n3,c,x,0010,1e3\n";
    let batches = batches(text);
    assert_eq!(batches.len(), 1);
    assert_eq!((batches[0].content_type, &*String::from_utf8_lossy(&batches[0].body)), ("text/csv", text));
    assert_eq!(batches[0].device_ids, ["a,\"b", "c"]);
    assert!(batches[0].timed_rows.are_all_timed());
}

#[test]
fn a_file_without_rows_has_no_batch() {
    assert_eq!(batches("device_id,x,y,z\n"), []);
}

#[test]
fn an_empty_timestamp_is_no_timestamp() {
    assert!(!batches("device_id,x,y,z,timestamp\na,1,2,3,1\na,1,2,3,\n")[0].timed_rows.are_all_timed());
    assert!(!batches("device_id,x,y,z\na,1,2,3\n")[0].timed_rows.are_all_timed());
}

#[test]
fn rows_have_the_line_numbers_of_an_editor() {
    let text = "device_id,x,y,z\na,1,2,3\n\n\n\"two\nlines\",1,2,3\nb,1,2,3\r\nc,1,2,3\r\nd,1,2,3";
    assert_eq!(batches(text)[0].row_numbers, [2, 5, 7, 8, 9]);
}

/// An input that arrives one byte at a time.
struct SingleBytes(&'static [u8]);

impl Read for SingleBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(1);
        self.0.read(&mut buffer[..count])
    }
}

/// The mark was skipped only if it arrived as a whole.
#[test]
fn a_byte_order_mark_is_skipped_however_it_arrives() {
    for (format, text) in [
        (FileFormat::Csv, "\u{feff}device_id,x,y,z\na,1,2,3\n"),
        (FileFormat::Ndjson, "\u{feff}{\"device_id\":\"a\"}\n"),
        (FileFormat::Json, "\u{feff}[{\"device_id\":\"a\"}]"),
    ] {
        let input = SingleBytes(text.as_bytes());
        for input in [Box::new(input) as Box<dyn Read>, Box::new(text.as_bytes())] {
            let mut rows = FileReader::new(Path::new("data"), format, input, 1_000).unwrap();
            let batch = rows.next_batch().unwrap().unwrap();
            assert_eq!(batch.device_ids, ["a"], "{format:?}");
            assert!(!String::from_utf8(batch.body).unwrap().contains('\u{feff}'));
        }
    }
}

#[test]
fn a_batch_has_up_to_five_thousand_rows() {
    let text = format!("device_id,x,y,z\n{}", "a,1,2,3\n".repeat(5_001));
    let counts: Vec<usize> = batches(&text).iter().map(|batch| batch.row_numbers.len()).collect();
    assert_eq!(counts, [5_000, 1]);
    assert_eq!(batches(&text)[1].row_numbers, [5_002]);
}

#[test]
fn no_batch_is_larger_than_allowed_and_no_row_is_lost() {
    let rows: Vec<String> = (0..20).map(|i| format!("\"{}\",1,2,3\n", "\"\"".repeat(i))).collect();
    let text = format!("device_id,x,y,z\n{}", rows.concat());
    let batches = batches_of(&text, 150).unwrap();
    assert!(batches.len() > 1);
    assert!(batches.iter().all(|batch| batch.body.len() <= 150));
    let lines: Vec<u64> = batches.iter().flat_map(|batch| batch.row_numbers.clone()).collect();
    assert_eq!(lines, (2..22).collect::<Vec<u64>>());
}

#[test]
fn an_invalid_csv_file_is_reported_with_its_line() {
    for (text, problem) in [
        (
            "",
            "data.csv:1: header.device_id: Column required; header.x: Column required; header.y: Column required; \
             header.z: Column required",
        ),
        ("device_id,x,y\n", "data.csv:1: header.z: Column required"),
        (
            "device_id,x,y,z,t\n",
            "data.csv:1: header.t: Extra columns are not permitted; use the name timestamp",
        ),
        ("device_id,x,y,z,x\n", "data.csv:1: header.x: Column is repeated"),
        ("device_id,x,y,z\na,1,2,3\na,1,2\n", "data.csv:3: the row has 3 cells where the header has 4"),
    ] {
        assert_eq!(batches_of(text, 1_000).unwrap_err(), problem);
    }
    let long = format!("device_id,x,y,z\n{},1,2,3\n", "a".repeat(1_000));
    assert!(batches_of(&long, 1_000).unwrap_err().starts_with("data.csv:2: the row is too large"));
}

const OBJECTS: &str = r#"{"device_id":"a","x":1,"y":2,"z":3,"timestamp":1}
{"y":2,"device_id":"b","x":1,"z":3,"timestamp":"2026-01-01"}
{"device_id":"a","x":"one","y":2,"z":3,"timestamp":2}
"#;

#[test]
fn objects_are_passed_on_as_they_are() {
    let batches = batches_in(FileFormat::Ndjson, OBJECTS, 1_000).unwrap();
    assert_eq!(batches.len(), 1);
    assert_eq!(batches[0].content_type, "application/x-ndjson");
    assert_eq!(String::from_utf8_lossy(&batches[0].body), OBJECTS);
    assert_eq!(
        (batches[0].device_ids.as_slice(), batches[0].row_numbers.as_slice()),
        (&["a".to_owned(), "b".to_owned()][..], &[1, 2, 3][..])
    );
    assert!(batches[0].timed_rows.are_all_timed());
    let array = format!("[\n{}\n]", OBJECTS.trim().replace('\n', ",\n"));
    let from_array = batches_in(FileFormat::Json, &array, 1_000).unwrap();
    let sent = String::from_utf8_lossy(&from_array[0].body);
    let objects: Vec<&str> = sent.lines().map(str::trim).collect();
    assert_eq!((objects, &from_array[0].row_numbers), (OBJECTS.lines().collect(), &vec![2, 3, 4]));
}

#[test]
fn an_invalid_object_is_left_to_the_server() {
    for text in
        ["{\"device_id\":7}", "nonsense", "{\"timestamp\":1,\"timestamp\":2}", "{\"timestamp\":null}", "7"]
    {
        let batches = batches_in(FileFormat::Ndjson, text, 1_000).unwrap();
        assert_eq!(
            (batches[0].device_ids.len(), batches[0].timed_rows.are_all_timed()),
            (0, false),
            "{text}"
        );
        assert_eq!(batches[0].body, format!("{text}\n").as_bytes());
    }
}

#[test]
fn no_batch_of_objects_is_larger_than_allowed_and_no_object_is_lost() {
    for (format, text) in [
        (
            FileFormat::Ndjson,
            (0..500).map(|i| format!("{}{i}", " ".repeat(i % 60))).collect::<Vec<_>>().join("\n"),
        ),
        (
            FileFormat::Json,
            format!(
                "[{}]",
                (0..500).map(|i| format!("{i}{}", " ".repeat(i % 60))).collect::<Vec<_>>().join(",")
            ),
        ),
    ] {
        let batches = batches_in(format, &text, 64).unwrap();
        assert!(batches.iter().all(|batch| batch.body.len() <= 64 && !batch.body.is_empty()));
        let sent: String =
            batches.iter().map(|batch| String::from_utf8_lossy(&batch.body).into_owned()).collect();
        let numbers: Vec<usize> = sent.lines().map(|line| line.trim().parse().unwrap()).collect();
        assert_eq!(numbers, (0..500).collect::<Vec<_>>());
    }
    let counts: Vec<usize> = batches_in(FileFormat::Ndjson, &"{}\n".repeat(5_001), 1_000_000)
        .unwrap()
        .iter()
        .map(|batch| batch.row_numbers.len())
        .collect();
    assert_eq!(counts, [5_000, 1]);
}

#[test]
fn an_object_without_an_end_is_reported_with_its_line() {
    for (format, text, problem) in [
        (FileFormat::Json, "{}", "data.json:1: the file should hold an array of objects"),
        (FileFormat::Json, "[\n{}\n", "data.json:3: the array is not closed"),
        (FileFormat::Json, "[1,\n1111111111]", "data.json:2: the row is too large for any batch"),
        (FileFormat::Ndjson, "1\n\n1111111111", "data.json:3: the row is too large for any batch"),
    ] {
        assert_eq!(batches_in(format, text, 10).unwrap_err(), problem);
    }
    let mut rows =
        FileReader::new(Path::new("data.json"), FileFormat::Ndjson, &b"1\n\xff\n"[..], 10).unwrap();
    assert_eq!(rows.next_batch().unwrap_err().to_string(), "data.json:2: the row is not UTF-8");
}

/// Returns a stream of one record batch, whose rows are numbered by `x`. Device ids come from a large
/// dictionary.
fn stream(rows: usize, times: Option<TimestampSecondArray>) -> Vec<u8> {
    let ids: Vec<String> = (0..rows).map(|row| format!("{}{}", row % 300, "-".repeat(200))).collect();
    let ids: DictionaryArray<Int32Type> = ids.iter().map(String::as_str).collect();
    let count = u32::try_from(rows).unwrap();
    let numbers = |sign: f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values((0..count).map(|row| sign * f64::from(row))))
    };
    let mut columns: Vec<(&str, ArrayRef)> =
        vec![("x", numbers(1.0)), ("device_id", Arc::new(ids)), ("y", numbers(-1.0)), ("z", numbers(0.0))];
    columns.extend(times.map(|times| ("timestamp", Arc::new(times) as ArrayRef)));
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn batches_of_stream(stream: &[u8], skip: u64, batch_bytes_max: usize) -> Vec<FileBatch> {
    let mut rows = FileReader::new(
        Path::new("data.arrows"),
        FileFormat::Arrow,
        Cursor::new(stream.to_vec()),
        batch_bytes_max,
    )
    .unwrap();
    rows.skip(skip).unwrap();
    std::iter::from_fn(|| rows.next_batch().unwrap()).collect()
}

/// Returns the values of `x` in all batches.
fn sent(batches: &[FileBatch]) -> Vec<f64> {
    let batches = batches.iter().flat_map(|batch| StreamReader::try_new(&batch.body[..], None).unwrap());
    batches.flat_map(|batch| batch.unwrap()["x"].as_primitive::<Float64Type>().values().to_vec()).collect()
}

#[test]
fn columns_are_cut_into_batches_that_fit_and_no_row_is_lost() {
    let stream = stream(12_000, None);
    for (skip, batch_bytes_max) in
        [(0, 10_000_000), (0, 40_000), (5_001, 10_000_000), (12_000, 40_000), (99_999, 1)]
    {
        let batches = batches_of_stream(&stream, skip, batch_bytes_max);
        assert!(
            batches
                .iter()
                .all(|batch| batch.body.len() <= batch_bytes_max && batch.row_numbers.len() <= 5_000)
        );
        let expected: Vec<f64> = (0..12_000).skip(usize::try_from(skip).unwrap()).map(f64::from).collect();
        assert_eq!(sent(&batches), expected);
        let rows: Vec<u64> = batches.iter().flat_map(|batch| batch.row_numbers.clone()).collect();
        assert_eq!(rows, (skip + 1..=12_000).collect::<Vec<_>>());
    }
    let mut rows =
        FileReader::new(Path::new("data.arrows"), FileFormat::Arrow, Cursor::new(stream), 100).unwrap();
    assert_eq!(rows.next_batch().unwrap_err().to_string(), "data.arrows: row 1 is too large for any batch");
}

/// If the text of the dictionary were copied for every row, the column would be longer than a column of text
/// can be.
#[test]
fn a_long_text_of_many_rows_is_copied_for_a_few_rows_at_once() {
    let ids = DictionaryArray::<Int32Type>::try_new(
        Int32Array::from_value(0, 5_000),
        Arc::new(StringArray::from(vec!["-".repeat(500_000)])),
    );
    let numbers: ArrayRef = Arc::new(Float64Array::from_value(0.0, 5_000));
    let axes = ["x", "y", "z"].map(|axis| (axis, Arc::clone(&numbers)));
    let columns = axes.into_iter().chain([("device_id", Arc::new(ids.unwrap()) as ArrayRef)]);
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    let stream = writer.into_inner().unwrap();
    let mut rows =
        FileReader::new(Path::new("data.arrows"), FileFormat::Arrow, Cursor::new(stream.clone()), 2_100_000)
            .unwrap();
    for first in [1, 5] {
        let lines: Vec<u64> = (first..first + 4).collect();
        assert_eq!(rows.next_batch().unwrap().unwrap().row_numbers, lines);
    }
    let mut rows =
        FileReader::new(Path::new("data.arrows"), FileFormat::Arrow, Cursor::new(stream), 400_000).unwrap();
    assert_eq!(rows.next_batch().unwrap_err().to_string(), "data.arrows: row 1 is too large for any batch");
}

#[test]
fn a_column_of_times_with_a_null_is_not_all_timed() {
    let timed = |times: Option<Vec<Option<i64>>>| {
        let stream = stream(3, times.map(TimestampSecondArray::from));
        let batches = batches_of_stream(&stream, 0, 10_000);
        (batches[0].timed_rows.are_all_timed(), batches[0].numbering, batches[0].device_ids.len())
    };
    assert_eq!(timed(None), (false, RowNumbering::Rows, 3));
    assert_eq!(timed(Some(vec![Some(1), Some(2), Some(3)])), (true, RowNumbering::Rows, 3));
    assert_eq!(timed(Some(vec![Some(1), None, Some(3)])), (false, RowNumbering::Rows, 3));
}

#[test]
fn rows_are_skipped_in_every_format() {
    for (format, text) in [
        (FileFormat::Csv, "device_id,x,y,z\na,1,2,3\nb,1,2,3\n\nc,1,2,3\n"),
        (FileFormat::Ndjson, "{\"device_id\":\"a\"}\n{\"device_id\":\"b\"}\n\n{\"device_id\":\"c\"}\n"),
        (FileFormat::Json, "[{\"device_id\":\"a\"},\n{\"device_id\":\"b\"},\n\n{\"device_id\":\"c\"}]"),
    ] {
        for (skip, expected) in [(0, Some("a")), (1, Some("b")), (2, Some("c")), (3, None), (9, None)] {
            let mut rows = FileReader::new(Path::new("data"), format, text.as_bytes(), 1_000).unwrap();
            rows.skip(skip).unwrap();
            let batch = rows.next_batch().unwrap();
            assert_eq!(batch.map(|batch| batch.device_ids[0].clone()).as_deref(), expected, "{format:?}");
        }
    }
}

/// Writes a Parquet file with times of the type INT96: the days of the Julian calendar, and the nanoseconds
/// of the day.
fn int96_file(times: &[(u32, u64)]) -> tempfile::NamedTempFile {
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

/// Times of Spark and Impala passed through 64-bit nanoseconds, so the year 3000 became 1831.
#[test]
fn int96_times_have_the_range_of_readings() {
    // 1 January of the years 3000, 1600 and 1970, as days of the Julian calendar.
    let file = int96_file(&[(2_816_788, 1_000), (2_305_448, 999), (2_440_588, 86_399_999_999_999)]);
    let mut rows = FileReader::open(file.path(), |file| Ok(Box::new(file))).unwrap();
    let batch = rows.next_batch().unwrap().unwrap();
    let mut reader = StreamReader::try_new(Cursor::new(batch.body), None).unwrap();
    let columns = reader.next().unwrap().unwrap();
    let times = columns.column_by_name("timestamp").unwrap().as_primitive::<TimestampMicrosecondType>();
    assert_eq!(times.values()[..], [32_503_680_000_000_001, -11_676_096_000_000_000, 86_399_999_999]);
}
