//! Batches as Arrow streams: the types of columns, and the faults.

use std::io::Write as _;
use std::sync::Arc;

use arrow_array::types::{Int32Type, UInt16Type};
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Float32Array, Float64Array, Int8Array, Int64Array,
    LargeStringArray, NullArray, RecordBatch, StringArray, StringViewArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt32Array, UInt64Array,
};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use device_stats_formats::limits::BATCH_BYTES_MAX;
use serde_json::{Value, json};

use crate::server::{Api, BATCH, MIXED, READINGS, Response, over_both_stores};

const ARROW: &str = "content-type: application/vnd.apache.arrow.stream";
/// 23 November 2026, in seconds since 1970 UTC.
const DAY: i64 = 1_795_392_000;

over_both_stores!(
    every_number_type_keeps_its_bits,
    every_time_type_is_accepted,
    the_unit_of_numbers_and_texts_is_stated,
    every_text_type_names_devices,
    compressed_streams_are_accepted,
    faulty_columns_are_reported,
    faulty_rows_are_reported,
    an_invalid_stream_is_refused
);

type Columns = Vec<(&'static str, ArrayRef)>;

fn column(array: impl arrow_array::Array + 'static) -> ArrayRef {
    Arc::new(array)
}

fn doubles(numbers: &[f64]) -> ArrayRef {
    column(Float64Array::from(numbers.to_vec()))
}

/// Returns the columns `x`, `y` and `z`, and further columns.
fn with_numbers(count: usize, columns: Columns) -> Columns {
    let mut all: Columns = ["x", "y", "z"].map(|name| (name, doubles(&vec![1.0; count]))).into();
    all.extend(columns);
    all
}

fn stream_as(columns: Columns, options: IpcWriteOptions) -> Vec<u8> {
    let schema =
        columns.iter().map(|(name, array)| arrow_schema::Field::new(*name, array.data_type().clone(), true));
    let schema = Arc::new(arrow_schema::Schema::new(schema.collect::<Vec<_>>()));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &schema, options).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

fn stream(columns: Columns) -> Vec<u8> {
    stream_as(columns, IpcWriteOptions::default())
}

async fn send(api: Api, path: &str, columns: Columns) -> Response {
    api.send("POST", path, &[ARROW], Some(&stream(columns))).await
}

async fn accept(api: Api, path: &str, columns: Columns) {
    let response = send(api, path, columns).await;
    assert_eq!(response.status, 201, "{response:?}");
}

async fn every_number_type_keeps_its_bits(api: Api) {
    api.device("d").await;
    let whole = 2_f64.powi(53);
    let time = |row| column(TimestampSecondArray::from(vec![DAY + row]));
    for (row, (columns, [x, y, z])) in (0..).zip([
        ([doubles(&[5e-324]), doubles(&[-f64::MAX]), doubles(&[0.1])], [5e-324, -f64::MAX, 0.1]),
        (
            [
                column(Float32Array::from(vec![0.1_f32])),
                column(Int64Array::from(vec![1 << 53])),
                column(Int64Array::from(vec![i64::MIN])),
            ],
            [f64::from(0.1_f32), whole, -(2_f64.powi(63))],
        ),
        (
            [
                column(Int8Array::from(vec![-128])),
                column(UInt32Array::from(vec![u32::MAX])),
                column(UInt64Array::from(vec![1 << 63])),
            ],
            [-128.0, f64::from(u32::MAX), 2_f64.powi(63)],
        ),
    ]) {
        let columns = ["x", "y", "z"].into_iter().zip(columns).chain([("timestamp", time(row))]);
        accept(api, BATCH, columns.collect()).await;
        let newest = &api.list(READINGS).await[0];
        let read = ["x", "y", "z"].map(|name| newest[name].as_f64().unwrap().to_bits());
        assert_eq!(read, [x, y, z].map(f64::to_bits), "{row}");
    }
    accept(api, BATCH, with_numbers(0, vec![])).await;
    assert_eq!(api.list(READINGS).await.len(), 3);
}

/// The server sets an absent time.
async fn every_time_type_is_accepted(api: Api) {
    api.device("d").await;
    let in_zone = |array: TimestampMicrosecondArray| column(array.with_timezone("+05:30"));
    let text = "2026-11-23T00:00:00.000005Z";
    for (times, expected) in [
        (column(TimestampSecondArray::from(vec![DAY])), "2026-11-23T00:00:00.000000Z"),
        (column(TimestampMillisecondArray::from(vec![DAY * 1_000 + 1])), "2026-11-23T00:00:00.001000Z"),
        (in_zone(vec![DAY * 1_000_000 + 2].into()), "2026-11-23T00:00:00.000002Z"),
        (
            column(TimestampNanosecondArray::from(vec![DAY * 1_000_000_000 + 3_999])),
            "2026-11-23T00:00:00.000003Z",
        ),
        (column(TimestampNanosecondArray::from(vec![-1])), "1969-12-31T23:59:59.999999Z"),
        (column(Int64Array::from(vec![DAY + 4])), "2026-11-23T00:00:04.000000Z"),
        (column(Int64Array::from(vec![DAY * 1_000 + 4])), "2026-11-23T00:00:00.004000Z"),
        (column(StringArray::from(vec![text])), text),
        (
            column(vec!["2026-11-23T00:00:00.000006Z"].into_iter().collect::<DictionaryArray<Int32Type>>()),
            "2026-11-23T00:00:00.000006Z",
        ),
        (column(TimestampSecondArray::from(vec![-62_135_596_800])), "0001-01-01T00:00:00.000000Z"),
    ] {
        accept(api, BATCH, with_numbers(1, vec![("timestamp", times)])).await;
        let listed = api.list(READINGS).await;
        assert!(listed.iter().any(|reading| reading["timestamp"] == expected), "{expected}: {listed:?}");
    }
    for absent in [
        column(TimestampSecondArray::from(vec![None])),
        column(StringArray::from(vec![""])),
        column(StringViewArray::from(vec![None::<&str>])),
        column(NullArray::new(1)),
    ] {
        let before = api.list(READINGS).await;
        accept(api, BATCH, with_numbers(1, vec![("timestamp", absent)])).await;
        let after = api.list(READINGS).await;
        assert_eq!(after.len(), before.len() + 1);
        // The time of the server is later than all given times.
        assert!(after[0]["timestamp"].as_str().unwrap() > before[0]["timestamp"].as_str().unwrap());
    }
}

/// Columns of integers and of texts have no unit of their own.
async fn the_unit_of_numbers_and_texts_is_stated(api: Api) {
    api.device("d").await;
    for (row, (unit, factor)) in
        (0..).zip([("s", 1), ("ms", 1_000), ("us", 1_000_000), ("ns", 1_000_000_000)])
    {
        let time = (DAY + row) * factor;
        let expected = format!("2026-11-23T00:00:0{row}.000000Z");
        for times in [column(Int64Array::from(vec![time])), column(StringArray::from(vec![time.to_string()]))]
        {
            accept(api, &format!("{BATCH}?precision={unit}"), with_numbers(1, vec![("timestamp", times)]))
                .await;
        }
        let found = api.list(&format!("{READINGS}?start_time={expected}&end_time={expected}")).await;
        assert_eq!(found.len(), 1, "{unit}");
    }
    // A column of times has its own unit.
    let times = column(TimestampSecondArray::from(vec![DAY + 9]));
    accept(api, &format!("{BATCH}?precision=ns"), with_numbers(1, vec![("timestamp", times)])).await;
    assert_eq!(api.list(READINGS).await[0]["timestamp"], "2026-11-23T00:00:09.000000Z");
    let times = column(Int64Array::from(vec![2026]));
    let response = send(api, BATCH, with_numbers(1, vec![("timestamp", times)])).await;
    assert_eq!(response.brief(), "422 time_unit_unknown body.0.timestamp");
}

async fn every_text_type_names_devices(api: Api) {
    let names = ["d", "a device whose name is longer than a view holds"];
    for name in names {
        api.device(name).await;
    }
    let rows = vec![names[0], names[1], names[0]];
    let second = |way: i64| {
        column(TimestampSecondArray::from((0..3).map(|row| DAY + way * 3 + row).collect::<Vec<_>>()))
    };
    for (way, devices) in (0..).zip([
        column(StringArray::from(rows.clone())),
        column(LargeStringArray::from(rows.clone())),
        column(StringViewArray::from(rows.clone())),
        column(rows.iter().copied().collect::<DictionaryArray<Int32Type>>()),
        column(rows.iter().copied().collect::<DictionaryArray<UInt16Type>>()),
    ]) {
        accept(api, MIXED, with_numbers(3, vec![("device_id", devices), ("timestamp", second(way))])).await;
    }
    assert_eq!(api.list(READINGS).await.len(), 10);
    let unknown = column(StringArray::from(vec!["d", "no", "d", "none"]));
    let response = send(api, MIXED, with_numbers(4, vec![("device_id", unknown)])).await;
    assert_eq!(response.brief(), "422 device_not_found body.1.device_id, device_not_found body.3.device_id");
    assert_eq!(response.json()["detail"][0].get("line"), None);
}

/// A stream may be compressed inside (IPC buffers) and outside (`Content-Encoding`).
async fn compressed_streams_are_accepted(api: Api) {
    api.device("d").await;
    let columns = |way: i64| {
        let times: Vec<i64> = (0..1_000).map(|row| DAY + way * 1_000 + row).collect();
        with_numbers(1_000, vec![("timestamp", column(TimestampSecondArray::from(times)))])
    };
    for (way, inside) in (0..).zip([None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)]) {
        let options = IpcWriteOptions::default().try_with_compression(inside).unwrap();
        let stream = stream_as(columns(way), options);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&stream).unwrap();
        let zstd = zstd::encode_all(&stream[..], 3).unwrap();
        for (coding, body, accepted) in
            [("gzip", gzip.finish().unwrap(), 1_000), ("zstd", zstd, 0), ("identity", stream, 0)]
        {
            let coding = format!("content-encoding: {coding}");
            let response = api.send("POST", BATCH, &[ARROW, &coding], Some(&body)).await;
            assert_eq!((response.status, response.json()["accepted"].as_u64()), (201, Some(accepted)));
        }
    }
    let large = with_numbers(BATCH_BYTES_MAX / 24 + 1, vec![]);
    let zstd = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).unwrap();
    let inside = stream_as(large.clone(), zstd);
    let expected = "413 The body is larger than 10485760 bytes";
    assert_eq!(api.send("POST", BATCH, &[ARROW], Some(&inside)).await.brief(), expected);
    let outside = zstd::encode_all(&stream(large)[..], 1).unwrap();
    let headers = [ARROW, "content-encoding: zstd"];
    assert_eq!(api.send("POST", BATCH, &headers, Some(&outside)).await.brief(), expected);
}

async fn faulty_columns_are_reported(api: Api) {
    api.device("d").await;
    let one = || doubles(&[1.0]);
    let truth = || column(BooleanArray::from(vec![true]));
    for (columns, expected) in [
        (vec![("x", one()), ("y", one())], "422 missing body.header.z"),
        (with_numbers(1, vec![("x", one())]), "422 repeated body.header.x"),
        (with_numbers(1, vec![("unit", one())]), "422 extra_forbidden body.header.unit"),
        (with_numbers(1, vec![("device_id", one())]), "422 extra_forbidden body.header.device_id"),
        (
            vec![("X", one()), ("y", one()), ("z", one())],
            "422 missing body.header.x, extra_forbidden body.header.X",
        ),
        (vec![("x", one()), ("y", truth()), ("z", one())], "422 column_type body.header.y"),
        (with_numbers(1, vec![("timestamp", one())]), "422 column_type body.header.timestamp"),
        (
            with_numbers(
                1,
                vec![(
                    "unit",
                    column(arrow_array::ListArray::new_null(
                        Arc::new(arrow_schema::Field::new("item", arrow_schema::DataType::Int8, true)),
                        1,
                    )),
                )],
            ),
            "422 extra_forbidden body.header.unit",
        ),
    ] {
        assert_eq!(send(api, BATCH, columns).await.brief(), expected);
    }
    let truths = vec![("x", truth()), ("y", truth()), ("z", truth()), ("device_id", truth())];
    let response = send(api, MIXED, truths).await;
    let expected = "422 column_type body.header.x, column_type body.header.y, column_type body.header.z, \
        column_type body.header.device_id";
    assert_eq!(response.brief(), expected);
    let fault = &response.json()["detail"][0];
    assert_eq!(fault["msg"], "Column should be of the type Float64, Float32 or an integer");
    assert_eq!(fault["input"], "Boolean");
    assert!(api.list(READINGS).await.is_empty());
}

/// The faults of all rows are listed, row by row and across record batches.
async fn faulty_rows_are_reported(api: Api) {
    api.device("d").await;
    let columns = vec![
        ("device_id", column(StringArray::from(vec![Some("d"), None, Some(""), Some("d")]))),
        ("x", column(Float64Array::from(vec![Some(1.0), None, Some(f64::NAN), Some(1.0)]))),
        ("y", column(Float32Array::from(vec![f32::INFINITY, 1.0, 1.0, 1.0]))),
        ("z", column(Int64Array::from(vec![1, (1 << 53) + 1, 3, 4]))),
        ("timestamp", column(TimestampSecondArray::from(vec![1, 2, i64::MAX, 4]))),
    ];
    let response = send(api, MIXED, columns).await;
    let expected = "422 finite_number body.0.y, string_type body.1.device_id, float_type body.1.x, \
        integer_inexact body.1.z, string_too_short body.2.device_id, finite_number body.2.x, \
        datetime_parsing body.2.timestamp";
    assert_eq!(response.brief(), expected);
    let faults = response.json()["detail"].take();
    let inputs: Vec<&Value> = faults.as_array().unwrap().iter().map(|fault| &fault["input"]).collect();
    let expected = json!(["inf", null, null, 9_007_199_254_740_993_i64, "", "NaN", i64::MAX]);
    assert_eq!(inputs, expected.as_array().unwrap().iter().collect::<Vec<_>>());

    let texts = column(StringArray::from(vec!["soon", "2026-11-23"]));
    let response = send(api, BATCH, with_numbers(2, vec![("timestamp", texts)])).await;
    assert_eq!(response.brief(), "422 datetime_from_date_parsing body.0.timestamp");
    let many = column(Float64Array::from(vec![f64::NAN; 500]));
    let ones = || doubles(&[1.0; 500]);
    let response = send(api, BATCH, vec![("x", many), ("y", ones()), ("z", ones())]).await;
    assert_eq!(response.json()["detail"].as_array().unwrap().len(), 100);
    assert!(api.list(READINGS).await.is_empty());
}

async fn an_invalid_stream_is_refused(api: Api) {
    api.device("d").await;
    let whole = stream(with_numbers(2, vec![]));
    assert_eq!(api.send("POST", BATCH, &[ARROW], Some(b"")).await.brief(), "422 missing body");
    for body in [&b"x,y,z\n1,2,3\n"[..], b"ARROW1\0\0", &whole[..whole.len() - 8], &whole[..100]] {
        let response = api.send("POST", BATCH, &[ARROW], Some(body)).await;
        assert_eq!(response.brief(), "422 arrow_invalid body", "{body:?}");
    }
    let response = api.send("POST", BATCH, &[ARROW], Some(&whole[..whole.len() - 8])).await;
    let fault = &response.json()["detail"][0];
    assert_eq!(fault["msg"], "Input should be an Arrow IPC stream");
    assert_eq!(fault["ctx"], json!({"error": "the stream is cut off"}));
    // No other operation accepts the type.
    let response = api.send("POST", READINGS, &[ARROW], Some(b"{}")).await;
    assert_eq!(response.brief(), "422 model_attributes_type body");
    assert!(api.list(READINGS).await.is_empty());
}
