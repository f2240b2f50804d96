//! How a file is cut into batches, and how faults of a batch find their way back to its lines.

use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type};
use arrow_array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray, TimestampSecondArray,
};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;

use super::{Chunk, FileFormat, Place, Rows};

fn chunks_of(text: &str, chunk_bytes_max: usize) -> Result<Vec<Chunk>, String> {
    chunks_in(FileFormat::Csv, text, chunk_bytes_max)
}

fn chunks_in(format: FileFormat, text: &str, chunk_bytes_max: usize) -> Result<Vec<Chunk>, String> {
    let name = Path::new(if format == FileFormat::Csv { "data.csv" } else { "data.json" });
    let mut rows =
        Rows::new(name, format, text.as_bytes(), chunk_bytes_max).map_err(|error| error.to_string())?;
    let mut chunks = Vec::new();
    while let Some(chunk) = rows.next_chunk().map_err(|error| error.to_string())? {
        chunks.push(chunk);
    }
    Ok(chunks)
}

fn chunks(text: &str) -> Vec<Chunk> {
    chunks_of(text, 10_000_000).unwrap()
}

#[test]
fn cells_are_passed_on_as_they_are() {
    let text = "z,device_id,x,y,timestamp\n1e5,\"a,\"\"b\",+1, 2,2026-01-01\n3,c,x,0010,1e3\n";
    let chunks = chunks(text);
    assert_eq!(chunks.len(), 1);
    assert_eq!((chunks[0].content_type, &*String::from_utf8_lossy(&chunks[0].body)), ("text/csv", text));
    assert_eq!(chunks[0].device_ids, ["a,\"b", "c"]);
    assert!(chunks[0].all_timed);
}

#[test]
fn a_file_without_rows_has_no_chunk() {
    assert_eq!(chunks("device_id,x,y,z\n"), []);
}

#[test]
fn an_empty_timestamp_is_none() {
    assert!(!chunks("device_id,x,y,z,timestamp\na,1,2,3,1\na,1,2,3,\n")[0].all_timed);
    assert!(!chunks("device_id,x,y,z\na,1,2,3\n")[0].all_timed);
}

#[test]
fn lines_are_those_of_the_file() {
    let text = "device_id,x,y,z\na,1,2,3\n\n\n\"two\nlines\",1,2,3\nb,1,2,3\r\nc,1,2,3\r\nd,1,2,3";
    assert_eq!(chunks(text)[0].lines, [2, 5, 7, 8, 9]);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_header() {
    assert_eq!(chunks("\u{feff}device_id,x,y,z\na,1,2,3\n")[0].lines, [2]);
}

#[test]
fn five_thousand_rows_are_a_chunk() {
    let text = format!("device_id,x,y,z\n{}", "a,1,2,3\n".repeat(5_001));
    let counts: Vec<usize> = chunks(&text).iter().map(|chunk| chunk.lines.len()).collect();
    assert_eq!(counts, [5_000, 1]);
    assert_eq!(chunks(&text)[1].lines, [5_002]);
}

#[test]
fn no_chunk_is_larger_than_allowed_and_no_row_is_lost() {
    let rows: Vec<String> = (0..20).map(|i| format!("\"{}\",1,2,3\n", "\"\"".repeat(i))).collect();
    let text = format!("device_id,x,y,z\n{}", rows.concat());
    let chunks = chunks_of(&text, 150).unwrap();
    assert!(chunks.len() > 1);
    assert!(chunks.iter().all(|chunk| chunk.body.len() <= 150));
    let lines: Vec<u64> = chunks.iter().flat_map(|chunk| chunk.lines.clone()).collect();
    assert_eq!(lines, (2..22).collect::<Vec<u64>>());
}

#[test]
fn what_cannot_be_imported_is_told_with_its_line() {
    for (text, problem) in [
        ("", "data.csv:1: the header lacks the columns device_id, x, y, z"),
        ("device_id,x,y\n", "data.csv:1: the header lacks the column z"),
        (
            "device_id,x,y,z,t\n",
            "data.csv:1: the column \"t\" is unknown; known are device_id, timestamp, x, y and z",
        ),
        ("device_id,x,y,z,x\n", "data.csv:1: the column \"x\" is there twice"),
        ("device_id,x,y,z\na,1,2,3\na,1,2\n", "data.csv:3: the row has 3 cells where the header has 4"),
    ] {
        assert_eq!(chunks_of(text, 1_000).unwrap_err(), problem);
    }
    let long = format!("device_id,x,y,z\n{},1,2,3\n", "a".repeat(1_000));
    assert!(chunks_of(&long, 1_000).unwrap_err().starts_with("data.csv:2: the row is too large"));
}

const OBJECTS: &str = r#"{"device_id":"a","x":1,"y":2,"z":3,"timestamp":1}
{"y":2,"device_id":"b","x":1,"z":3,"timestamp":"2026-01-01"}
{"device_id":"a","x":"one","y":2,"z":3,"timestamp":2}
"#;

#[test]
fn objects_are_passed_on_as_they_are() {
    let chunks = chunks_in(FileFormat::Ndjson, OBJECTS, 1_000).unwrap();
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0].content_type, "application/x-ndjson");
    assert_eq!(String::from_utf8_lossy(&chunks[0].body), OBJECTS);
    assert_eq!(
        (chunks[0].device_ids.as_slice(), chunks[0].lines.as_slice()),
        (&["a".to_owned(), "b".to_owned()][..], &[1, 2, 3][..])
    );
    assert!(chunks[0].all_timed);
    let array = format!("[\n{}\n]", OBJECTS.trim().replace('\n', ",\n"));
    let from_array = chunks_in(FileFormat::Json, &array, 1_000).unwrap();
    let sent = String::from_utf8_lossy(&from_array[0].body);
    let objects: Vec<&str> = sent.lines().map(str::trim).collect();
    assert_eq!((objects, &from_array[0].lines), (OBJECTS.lines().collect(), &vec![2, 3, 4]));
}

#[test]
fn what_is_no_object_is_left_to_the_server() {
    for text in
        ["{\"device_id\":7}", "nonsense", "{\"timestamp\":1,\"timestamp\":2}", "{\"timestamp\":null}", "7"]
    {
        let chunks = chunks_in(FileFormat::Ndjson, text, 1_000).unwrap();
        assert_eq!((chunks[0].device_ids.len(), chunks[0].all_timed), (0, false), "{text}");
        assert_eq!(chunks[0].body, format!("{text}\n").as_bytes());
    }
}

#[test]
fn no_chunk_of_objects_is_larger_than_allowed_and_none_is_lost() {
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
        let chunks = chunks_in(format, &text, 64).unwrap();
        assert!(chunks.iter().all(|chunk| chunk.body.len() <= 64 && !chunk.body.is_empty()));
        let sent: String =
            chunks.iter().map(|chunk| String::from_utf8_lossy(&chunk.body).into_owned()).collect();
        let numbers: Vec<usize> = sent.lines().map(|line| line.trim().parse().unwrap()).collect();
        assert_eq!(numbers, (0..500).collect::<Vec<_>>());
    }
    let counts: Vec<usize> = chunks_in(FileFormat::Ndjson, &"{}\n".repeat(5_001), 1_000_000)
        .unwrap()
        .iter()
        .map(|chunk| chunk.lines.len())
        .collect();
    assert_eq!(counts, [5_000, 1]);
}

#[test]
fn objects_that_cannot_be_cut_out_are_told_with_their_line() {
    for (format, text, problem) in [
        (FileFormat::Json, "{}", "data.json:1: the file should hold an array of objects"),
        (FileFormat::Json, "[\n{}\n", "data.json:3: the array is not closed"),
        (FileFormat::Json, "[1,\n1111111111]", "data.json:2: the row is too large for any batch"),
        (FileFormat::Ndjson, "1\n\n1111111111", "data.json:3: the row is too large for any batch"),
    ] {
        assert_eq!(chunks_in(format, text, 10).unwrap_err(), problem);
    }
    let mut rows = Rows::new(Path::new("data.json"), FileFormat::Ndjson, &b"1\n\xff\n"[..], 10).unwrap();
    assert_eq!(rows.next_chunk().unwrap_err().to_string(), "data.json:2: this is not UTF-8");
}

/// A stream of one batch, whose rows are numbered by `x`; device ids come from a dictionary of many.
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

fn chunks_of_stream(stream: &[u8], skip: u64, chunk_bytes_max: usize) -> Vec<Chunk> {
    let mut rows = Rows::new(Path::new("data.arrows"), FileFormat::Arrow, stream, chunk_bytes_max).unwrap();
    rows.skip(skip).unwrap();
    std::iter::from_fn(|| rows.next_chunk().unwrap()).collect()
}

/// The values of `x` in what is sent.
fn sent(chunks: &[Chunk]) -> Vec<f64> {
    let batches = chunks.iter().flat_map(|chunk| StreamReader::try_new(&chunk.body[..], None).unwrap());
    batches.flat_map(|batch| batch.unwrap()["x"].as_primitive::<Float64Type>().values().to_vec()).collect()
}

#[test]
fn columns_are_cut_into_batches_that_fit_and_none_is_lost() {
    let stream = stream(12_000, None);
    for (skip, chunk_bytes_max) in
        [(0, 10_000_000), (0, 40_000), (5_001, 10_000_000), (12_000, 40_000), (99_999, 1)]
    {
        let chunks = chunks_of_stream(&stream, skip, chunk_bytes_max);
        assert!(chunks.iter().all(|chunk| chunk.body.len() <= chunk_bytes_max && chunk.lines.len() <= 5_000));
        let expected: Vec<f64> = (0..12_000).skip(usize::try_from(skip).unwrap()).map(f64::from).collect();
        assert_eq!(sent(&chunks), expected);
        let rows: Vec<u64> = chunks.iter().flat_map(|chunk| chunk.lines.clone()).collect();
        assert_eq!(rows, (skip + 1..=12_000).collect::<Vec<_>>());
    }
    let mut rows = Rows::new(Path::new("data.arrows"), FileFormat::Arrow, &stream[..], 100).unwrap();
    assert_eq!(rows.next_chunk().unwrap_err().to_string(), "data.arrows: row 1 is too large for any batch");
}

/// Written out for each row, the text of the dictionary is longer than any column of texts can be.
#[test]
fn a_long_text_of_many_rows_is_written_out_for_a_few_at_once() {
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
    let mut rows = Rows::new(Path::new("data.arrows"), FileFormat::Arrow, &stream[..], 2_100_000).unwrap();
    for first in [1, 5] {
        let lines: Vec<u64> = (first..first + 4).collect();
        assert_eq!(rows.next_chunk().unwrap().unwrap().lines, lines);
    }
    let mut rows = Rows::new(Path::new("data.arrows"), FileFormat::Arrow, &stream[..], 400_000).unwrap();
    assert_eq!(rows.next_chunk().unwrap_err().to_string(), "data.arrows: row 1 is too large for any batch");
}

#[test]
fn a_column_of_times_with_a_gap_is_not_all_timed() {
    let timed = |times: Option<Vec<Option<i64>>>| {
        let stream = stream(3, times.map(TimestampSecondArray::from));
        let chunks = chunks_of_stream(&stream, 0, 10_000);
        (chunks[0].all_timed, chunks[0].place, chunks[0].device_ids.len())
    };
    assert_eq!(timed(None), (false, Place::Row, 3));
    assert_eq!(timed(Some(vec![Some(1), Some(2), Some(3)])), (true, Place::Row, 3));
    assert_eq!(timed(Some(vec![Some(1), None, Some(3)])), (false, Place::Row, 3));
}

#[test]
fn rows_are_passed_over_in_every_format() {
    for (format, text) in [
        (FileFormat::Csv, "device_id,x,y,z\na,1,2,3\nb,1,2,3\n\nc,1,2,3\n"),
        (FileFormat::Ndjson, "{\"device_id\":\"a\"}\n{\"device_id\":\"b\"}\n\n{\"device_id\":\"c\"}\n"),
        (FileFormat::Json, "[{\"device_id\":\"a\"},\n{\"device_id\":\"b\"},\n\n{\"device_id\":\"c\"}]"),
    ] {
        for (skip, expected) in [(0, Some("a")), (1, Some("b")), (2, Some("c")), (3, None), (9, None)] {
            let mut rows = Rows::new(Path::new("data"), format, text.as_bytes(), 1_000).unwrap();
            rows.skip(skip).unwrap();
            let chunk = rows.next_chunk().unwrap();
            assert_eq!(chunk.map(|chunk| chunk.device_ids[0].clone()).as_deref(), expected, "{format:?}");
        }
    }
}
