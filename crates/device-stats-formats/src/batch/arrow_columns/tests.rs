//! Valid and broken streams. A changed stream is read or refused, and takes no more memory than a batch may
//! take.

use std::sync::Arc;

use arrow_array::types::Int8Type;
use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int16Array, NullArray, RecordBatch, StringArray,
    StringViewArray, TimestampNanosecondArray, UInt8Array,
};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{DictionaryHandling, IpcWriteOptions, StreamWriter};
use device_stats_domain::{DeviceId, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::batch::csv_cells::CsvCells;
use crate::batch::plain_object::PlainObject;
use crate::body_error::BodyError;
use crate::column_names::ColumnNames;
use crate::faults::Fault;
use crate::limits::{BATCH_BYTES_MAX, BATCH_READINGS_MAX, FAULTS_MAX};
use crate::members::Members;

type Reading = (DeviceId, Measurement);

fn column(array: impl arrow_array::Array + 'static) -> ArrayRef {
    Arc::new(array)
}

/// Returns a record batch with device ids in one of three layouts, a null time, and numbers of several types.
fn batch(devices: &[&str], layout: usize) -> RecordBatch {
    let count = i16::try_from(devices.len()).unwrap();
    let names = match layout {
        0 => column(StringArray::from(devices.to_vec())),
        1 => column(StringViewArray::from(devices.to_vec())),
        _ => column(devices.iter().copied().collect::<DictionaryArray<Int8Type>>()),
    };
    let times: TimestampNanosecondArray = (0..count)
        .map(|row| (row != 1).then_some(1_795_000_000_000_000_999 + i64::from(row) * 1_000))
        .collect();
    let ascending = |step: f64| (0..count).map(move |row| f64::from(row) * step);
    RecordBatch::try_from_iter([
        ("z", column(UInt8Array::from_iter_values((0..count).map(|row| u8::try_from(row).unwrap())))),
        ("x", column(Float64Array::from_iter_values(ascending(0.1)))),
        ("device_id", names),
        ("timestamp", column(times)),
        ("y", column(Int16Array::from_iter_values((0..count).map(|row| -row)))),
    ])
    .unwrap()
}

fn encode(batches: &[RecordBatch], options: IpcWriteOptions) -> Vec<u8> {
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batches[0].schema(), options).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

const LONG: &str = "a pump whose name is longer than a view holds";

/// Returns two batches in each layout and compression.
fn streams() -> Vec<Vec<u8>> {
    let mut streams = Vec::new();
    for layout in 0..3 {
        let batches = [batch(&["p", LONG, "p", "q"], layout), batch(&["p", LONG, "r"], layout)];
        for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
            let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
            streams.push(encode(&batches, options.with_dictionary_handling(DictionaryHandling::Resend)));
        }
    }
    let longer = [batch(&["p", LONG], 2), batch(&["p", LONG, "r"], 2)];
    let options = IpcWriteOptions::default().with_dictionary_handling(DictionaryHandling::Delta);
    streams.push(encode(&longer, options));
    streams
}

/// Reason why a stream is refused.
#[derive(Debug)]
#[expect(dead_code, reason = "shown when a test fails")]
enum Refusal {
    Format(BodyError),
    Faults(Vec<Fault>),
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        Self::Format(error)
    }
}

fn read_stream(bytes: &[u8]) -> Result<Vec<Reading>, Refusal> {
    let mut faults = Faults::default();
    let rows = read::<Reading>(bytes, &mut ReadingTimes::new(None), &mut faults, &mut |_| true)?;
    let faults = faults.into_vec();
    if faults.is_empty() { Ok(rows.unwrap().rows) } else { Err(Refusal::Faults(faults)) }
}

fn read_batches(bytes: &[u8]) -> Result<Vec<RecordBatch>, BodyError> {
    let (mut stream, mut batches) = (ArrowStream::open(bytes, BATCH_BYTES_MAX)?, Vec::new());
    while let Some(batch) = stream.next_batch()? {
        batches.push(batch);
    }
    Ok(batches)
}

#[test]
fn every_layout_and_compression_is_read() {
    for (index, stream) in streams().iter().enumerate() {
        let rows = read_stream(stream).unwrap();
        let names: Vec<&str> = rows.iter().map(|(device, _)| device.as_str()).collect();
        let expected: &[&str] =
            if index == 9 { &["p", LONG, "p", LONG, "r"] } else { &["p", LONG, "p", "q", "p", LONG, "r"] };
        assert_eq!(names, expected);
        let (_, last) = rows.last().unwrap();
        let numbers = last.values.map(Finite::get);
        assert_eq!(numbers, Axes { x: 0.2, y: -2.0, z: 2.0 });
        assert_eq!(last.time, Some(Timestamp::from_micros(1_795_000_000_000_002).unwrap()));
        assert_eq!(rows[1].1.time, None);
    }
}

#[test]
fn a_part_of_a_stream_is_refused() {
    for stream in streams() {
        for length in 0..stream.len() {
            assert!(
                matches!(read_stream(&stream[..length]), Err(Refusal::Format(BodyError::NotArrow(_)))),
                "{length}"
            );
        }
        assert!(matches!(
            read_stream(&[&stream[..], b" "].concat()),
            Err(Refusal::Format(BodyError::NotArrow(_)))
        ));
    }
}

/// Reads a stream that may be broken.
fn read_or_refuse(stream: &[u8]) {
    if let Ok(rows) = read_stream(stream) {
        assert!(rows.len() < stream.len());
    }
}

#[test]
fn every_changed_byte_is_read_or_refused() {
    for mut stream in streams() {
        for position in 0..stream.len() {
            let before = stream[position];
            for after in [0, 0x7f, 0xff, before ^ 1, before ^ 0x10] {
                stream[position] = after;
                read_or_refuse(&stream);
            }
            stream[position] = before;
        }
    }
}

#[test]
fn every_changed_length_is_read_or_refused() {
    let lengths: [i64; 9] = [0, 1, -1, -2, 8, 1 << 31, 1 << 40, i64::MAX, i64::MIN];
    for mut stream in streams() {
        for position in (0..stream.len() - 8).step_by(4) {
            let before: [u8; 8] = stream[position..position + 8].try_into().unwrap();
            for after in lengths {
                stream[position..position + 8].copy_from_slice(&after.to_le_bytes());
                read_or_refuse(&stream);
            }
            stream[position..position + 8].copy_from_slice(&before);
        }
    }
}

#[test]
fn a_declared_length_is_not_trusted() {
    for compression in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
        let options = IpcWriteOptions::default().try_with_compression(Some(compression)).unwrap();
        let zeros = || column(Float64Array::from_value(0.0, 10_000));
        let batch = RecordBatch::try_from_iter([("x", zeros()), ("y", zeros()), ("z", zeros())]).unwrap();
        let stream = encode(&[batch], options);
        let (declared, most) = (80_000_i64, i64::try_from(BATCH_BYTES_MAX).unwrap());
        let position = stream.windows(8).position(|bytes| bytes == declared.to_le_bytes()).unwrap();
        for huge in [most + 8, 1 << 40, i64::MAX - 7] {
            let mut stream = stream.clone();
            stream[position..position + 8].copy_from_slice(&huge.to_le_bytes());
            assert!(matches!(read_batches(&stream), Err(BodyError::TooLarge { .. })), "{huge}");
        }
        // Wrong, but not longer than allowed.
        for wrong in [declared + 8, declared + 1, declared * 10, i64::MAX, -2] {
            let mut stream = stream.clone();
            stream[position..position + 8].copy_from_slice(&wrong.to_le_bytes());
            assert!(matches!(read_batches(&stream), Err(BodyError::NotArrow(_))), "{wrong}");
        }
    }
}

#[test]
fn too_many_readings_or_bytes_are_refused() {
    let zstd = || IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).unwrap();
    let bytes = |count: usize| column(UInt8Array::from_value(0, count));
    let batch = |count| {
        RecordBatch::try_from_iter([("x", bytes(count)), ("y", bytes(count)), ("z", bytes(count))]).unwrap()
    };
    let taken = encode(&[batch(BATCH_READINGS_MAX)], zstd());
    assert_eq!(read_batches(&taken).unwrap()[0].num_rows(), BATCH_READINGS_MAX);
    let many = encode(&[batch(BATCH_READINGS_MAX), batch(1)], zstd());
    let mut reserved = 0;
    let mut read = |stream| {
        let (mut times, mut faults) = (ReadingTimes::new(None), Faults::default());
        read::<Measurement>(stream, &mut times, &mut faults, &mut |bytes| {
            reserved = bytes;
            bytes < usize::MAX
        })
    };
    assert!(matches!(read(&many), Err(BodyError::TooManyReadings { .. })));
    // Memory is reserved before rows are read.
    assert!(reserved > BATCH_READINGS_MAX * size_of::<Measurement>());
    let (mut times, mut faults) = (ReadingTimes::new(None), Faults::default());
    let refused = super::read::<Measurement>(&taken, &mut times, &mut faults, &mut |_| false);
    assert!(matches!(refused, Err(BodyError::OutOfMemory)));
    let large = encode(&[batch(BATCH_BYTES_MAX / 3 + 1)], zstd());
    assert!(large.len() < 10_000);
    assert!(matches!(read_batches(&large), Err(BodyError::TooLarge { .. })));
}

fn with_axes(x: ArrayRef) -> Vec<u8> {
    let columns = [("x", Arc::clone(&x)), ("y", Arc::clone(&x)), ("z", x)];
    encode(&[RecordBatch::try_from_iter(columns).unwrap()], IpcWriteOptions::default())
}

/// In the past, a million rows were searched for faults, although only a hundred faults are kept.
#[test]
fn nothing_is_read_after_the_last_fault() {
    for (wrong, read_rows) in [(FAULTS_MAX, 0), (FAULTS_MAX / 3 - 1, 1)] {
        let mut numbers = vec![f64::NAN; wrong];
        numbers.push(1.0);
        let stream = with_axes(column(Float64Array::from(numbers)));
        let mut faults = Faults::default();
        let rows =
            read::<Measurement>(&stream, &mut ReadingTimes::new(None), &mut faults, &mut |_| true).unwrap();
        assert_eq!(rows.unwrap().rows.len(), read_rows);
        assert_eq!(faults.is_full(), read_rows == 0);
    }
}

/// A row that is never read and has no fault.
#[derive(Debug)]
struct Nothing;

impl Row for Nothing {
    const COLUMNS: ColumnNames = Measurement::COLUMNS;

    fn from_members(_: &mut Members<'_>, _: &mut ReadingTimes) -> Option<Self> {
        None
    }

    fn from_plain_object(_: PlainObject) -> Option<Self> {
        None
    }

    fn from_cells(_: &mut CsvCells<'_>, _: &mut ReadingTimes) -> Option<Self> {
        None
    }

    fn from_parts(_: Option<DeviceId>, _: Measurement) -> Option<Self> {
        None
    }
}

#[test]
fn a_row_is_never_lost_silently() {
    let stream = with_axes(column(Float64Array::from(vec![1.0, 2.0])));
    let read = read::<Nothing>(&stream, &mut ReadingTimes::new(None), &mut Faults::default(), &mut |_| true);
    assert!(matches!(read.err(), Some(BodyError::NotArrow(_))));
}

/// Booleans take less than a byte for each row. In the past, this was mistaken for a broken batch.
#[test]
fn a_wrong_type_is_reported_whatever_the_values_are() {
    for axis in [column(BooleanArray::from(vec![true; 10_000])), column(NullArray::new(10_000))] {
        let stream = with_axes(axis);
        let mut faults = Faults::default();
        read::<Measurement>(&stream, &mut ReadingTimes::new(None), &mut faults, &mut |_| true).unwrap();
        let kinds: Vec<&str> = faults.into_vec().iter().map(|fault| fault.kind).collect();
        assert_eq!(kinds, ["column_type"; 3]);
    }
}

/// Each extension copies the whole dictionary: 200 copies of a megabyte are too many.
#[test]
fn a_dictionary_that_is_extended_too_often_is_refused() {
    let names: Vec<String> = (0..4_200).map(|number| format!("{number:0>250}")).collect();
    let grown = |count: usize| {
        let keys = arrow_array::Int32Array::from_value(0, 1);
        let values = column(StringArray::from_iter_values(&names[..count]));
        let names = column(DictionaryArray::try_new(keys, values).unwrap());
        RecordBatch::try_from_iter([("device_id", names)]).unwrap()
    };
    let stream = |growths: usize| {
        let batches: Vec<RecordBatch> = (0..growths).map(|growth| grown(4_000 + growth)).collect();
        encode(&batches, IpcWriteOptions::default().with_dictionary_handling(DictionaryHandling::Delta))
    };
    assert_eq!(read_batches(&stream(100)).unwrap().len(), 100);
    assert!(matches!(read_batches(&stream(200)), Err(BodyError::TooLarge { .. })));
}

proptest! {
    #[test]
    fn any_changes_are_read_or_refused(
        index in 0..10_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut stream = streams().swap_remove(index);
        for (position, byte) in changes {
            let position = position.index(stream.len());
            stream[position] = byte;
        }
        if let Some(cut) = cut {
            stream.truncate(cut.index(stream.len()));
        }
        read_or_refuse(&stream);
    }

    #[test]
    fn noise_is_refused(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read_stream(&noise).is_err());
        let begun = [&[0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0][..], &noise].concat();
        prop_assert!(read_stream(&begun).is_err());
    }
}
