//! The memory of readers, measured by an allocator that counts: no body takes much more memory than its
//! reader reports, and no name or number in a body makes a reader allocate much more than the body has bytes.

use std::fmt::Write as _;

use allocation_counter::{AllocationInfo, measure};
use arrow_ipc::{
    FieldArgs, FloatingPointArgs, Message, MessageArgs, MessageHeader, MetadataVersion, Precision,
    SchemaArgs, Type,
};
use device_stats_domain::{DeviceId, Measurement};
use flatbuffers::FlatBufferBuilder;

use crate::batch::{BatchReader, BatchRows, OnFault};
use crate::body_error::BodyError;
use crate::body_receiver::BodyReceiver;
use crate::faults::{Fault, Faults};
use crate::limits::{BATCH_BYTES_MAX, BATCH_READINGS_MAX, COLUMNS_MAX, FAULTS_MAX, JSON_VALUES_MAX};
use crate::line_protocol::PointReader;
use crate::media_type::MediaType;
use crate::reading_times::ReadingTimes;

type Rows = BatchRows<(DeviceId, Measurement)>;

/// Size of the pieces in which a body arrives, in bytes.
const PIECE_BYTES: usize = 16 * 1024;
const MIB: usize = 1024 * 1024;

/// Formats of text.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Text {
    Batch(MediaType),
    LineProtocol,
}

const FORMATS: [Text; 4] = [
    Text::Batch(MediaType::Json),
    Text::Batch(MediaType::Ndjson),
    Text::Batch(MediaType::Csv),
    Text::LineProtocol,
];

enum Reader {
    Batch(BatchReader<(DeviceId, Measurement)>),
    Points(PointReader),
}

impl Reader {
    fn new(format: Text, on_fault: OnFault) -> Self {
        match format {
            Text::Batch(media_type) => {
                Self::Batch(BatchReader::new(media_type, ReadingTimes::new(None), on_fault))
            }
            Text::LineProtocol => Self::Points(PointReader::new(None, on_fault)),
        }
    }

    /// Takes a body in pieces, until it is refused.
    fn receive(&mut self, body: &[u8]) -> Result<(), BodyError> {
        body.chunks(PIECE_BYTES).try_for_each(|piece| match self {
            Self::Batch(reader) => reader.receive(piece),
            Self::Points(reader) => reader.receive(piece),
        })
    }

    fn held_bytes(&self) -> usize {
        match self {
            Self::Batch(reader) => reader.held_bytes(),
            Self::Points(reader) => reader.held_bytes(),
        }
    }

    fn finish(self) -> Result<Result<Rows, Vec<Fault>>, BodyError> {
        let mut faults = Faults::default();
        let rows = match self {
            Self::Batch(reader) => reader.finish(&mut faults, &mut |_| true)?,
            Self::Points(reader) => reader.finish(&mut faults)?,
        };
        Ok(rows.ok_or_else(|| faults.into_vec()))
    }
}

/// Returns a body of rows of the devices `0`, `1`, and so on.
fn body(format: Text, rows: usize) -> Vec<u8> {
    let mut body = match format {
        Text::Batch(MediaType::Json) => "[".to_owned(),
        Text::Batch(MediaType::Csv) => "device_id,x,y,z\n".to_owned(),
        _ => String::new(),
    };
    for row in 0..rows {
        let comma = if row + 1 == rows { ']' } else { ',' };
        match format {
            Text::Batch(MediaType::Json) => {
                write!(body, r#"{{"device_id":"{row}","x":1,"y":2,"z":3}}{comma}"#)
            }
            Text::Batch(MediaType::Ndjson) => {
                writeln!(body, r#"{{"device_id":"{row}","x":1,"y":2,"z":3}}"#)
            }
            Text::Batch(_) => writeln!(body, "{row},1,2,3"),
            Text::LineProtocol => writeln!(body, "m,device={row} x=1,y=2,z=3"),
        }
        .unwrap();
    }
    body.into_bytes()
}

/// Returns the peak of the memory, in bytes, while a body is read, and the outcome.
fn read(
    format: Text,
    on_fault: OnFault,
    body: &[u8],
) -> (usize, Result<Result<Rows, Vec<Fault>>, BodyError>) {
    let mut outcome = None;
    let info = measure(|| {
        let mut reader = Reader::new(format, on_fault);
        let received = reader.receive(body);
        outcome = Some(received.and_then(|()| reader.finish()));
    });
    (usize::try_from(info.bytes_max).unwrap(), outcome.unwrap())
}

/// Returns the only fault: its kind, location and message.
fn only_fault(outcome: Result<Result<Rows, Vec<Fault>>, BodyError>) -> String {
    let Err(faults) = outcome.unwrap() else { panic!("there is no fault") };
    let [fault] = &faults[..] else { panic!("{faults:?}") };
    format!("{} {} {}", fault.kind, serde_json::to_string(&fault.loc).unwrap(), fault.msg)
}

/// The texts of device ids were not counted: a short row took 100 bytes, and 64 were counted.
#[test]
fn the_memory_of_rows_is_counted() {
    for format in FORMATS {
        let body = body(format, 20_000);
        let mut reader = Reader::new(format, OnFault::Refuse);
        let AllocationInfo { bytes_current, bytes_max, .. } = measure(|| reader.receive(&body).unwrap());
        let (kept, peak) = (usize::try_from(bytes_current).unwrap(), usize::try_from(bytes_max).unwrap());
        let held = reader.held_bytes();
        assert!(kept <= held && held < 2 * kept, "{format:?}: {held} counted, {kept} kept");
        // A list is copied when it grows.
        assert!(peak < 2 * held + MIB, "{format:?}: {held} counted, {peak} at the peak");
        assert_eq!(reader.finish().unwrap().unwrap().rows.len(), 20_000);
    }
}

#[test]
fn too_many_readings_are_refused_in_every_format() {
    for format in FORMATS {
        // Faulty rows need not be as long as readings.
        let (first, row) = match format {
            Text::Batch(MediaType::Json) => ("[", "0,"),
            Text::Batch(MediaType::Csv) => ("device_id,x,y,z\n", "0\n"),
            Text::Batch(_) | Text::LineProtocol => ("", "0\n"),
        };
        let rows = |count: usize| format!("{first}{}", row.repeat(count)).into_bytes();
        let (peak, outcome) = read(format, OnFault::Skip, &rows(BATCH_READINGS_MAX + 1));
        assert!(matches!(outcome, Err(BodyError::TooManyReadings { .. })), "{format:?}");
        assert!(peak < MIB, "{format:?}: {peak}");
        let mut most = rows(BATCH_READINGS_MAX);
        if format == Text::Batch(MediaType::Json) {
            *most.last_mut().unwrap() = b']';
        }
        let rejected = read(format, OnFault::Skip, &most).1.unwrap().unwrap().rejected;
        assert_eq!((rejected.count, rejected.faults.len()), (BATCH_READINGS_MAX as u64, FAULTS_MAX));
    }
}

/// Ten million columns took 300 MB, and their names were compared with each other.
#[test]
fn a_long_header_of_csv_is_refused_early() {
    let format = Text::Batch(MediaType::Csv);
    let expected = format!(r#"too_many_columns ["body","header"] A batch has at most {COLUMNS_MAX} columns"#);
    for header in [",".repeat(BATCH_BYTES_MAX), "time,".repeat(BATCH_BYTES_MAX / 5), ",".repeat(COLUMNS_MAX)]
    {
        for on_fault in [OnFault::Refuse, OnFault::Skip] {
            let (peak, outcome) = read(format, on_fault, header.as_bytes());
            assert_eq!(only_fault(outcome), expected);
            assert!(peak < MIB, "{peak}");
        }
    }
    let (peak, outcome) = read(format, OnFault::Skip, "x".repeat(BATCH_BYTES_MAX).as_bytes());
    assert_eq!(only_fault(outcome), r#"csv_invalid ["body","header"] The header is longer than 65536 bytes"#);
    assert!(peak < MIB, "{peak}");
    let mut reader = Reader::new(format, OnFault::Refuse);
    reader.receive(&[b','; 2 * COLUMNS_MAX]).unwrap();
    let Reader::Batch(batch) = &reader else { unreachable!() };
    assert!(batch.held_bytes() < MIB, "the header is refused before its end");
}

#[test]
fn a_long_record_of_csv_keeps_few_cells() {
    let body = format!("device_id,x,y,z\nd,1,2,3\n{}\nd,4,5,6\n", ",".repeat(BATCH_BYTES_MAX));
    let (peak, outcome) = read(Text::Batch(MediaType::Csv), OnFault::Skip, body.as_bytes());
    let rows = outcome.unwrap().unwrap();
    assert_eq!(rows.rows.len(), 2);
    let words = format!("the row has {} cells, but the header has 4", BATCH_BYTES_MAX + 1);
    assert_eq!(rows.rejected.faults[0].msg, words);
    assert!(peak < MIB, "{peak}");
}

/// The tags and fields of such a point took more than ten times its bytes.
#[test]
fn a_point_with_millions_of_keys_takes_little_more_memory_than_its_text() {
    for (keys, words) in [(" x=1", ",x=1"), (",device=d", ",t=v")] {
        let body = format!("m{keys}{}", words.repeat((BATCH_BYTES_MAX - 20) / words.len()));
        let (peak, outcome) = read(Text::LineProtocol, OnFault::Refuse, body.as_bytes());
        assert!(only_fault(outcome).starts_with("line_invalid"), "{keys}");
        // The text is held, copied when it grows, and copied into its fault.
        assert!(peak < 4 * BATCH_BYTES_MAX, "{peak}");
    }
}

#[test]
fn a_json_row_with_millions_of_members_takes_little_more_memory_than_its_text() {
    let members = r#""a":1,"#.repeat((BATCH_BYTES_MAX - 20) / 6);
    for (format, body) in [
        (Text::Batch(MediaType::Json), format!(r#"[{{{members}"a":1}}]"#)),
        (Text::Batch(MediaType::Ndjson), format!(r#"{{{members}"a":1}}"#)),
    ] {
        let (peak, outcome) = read(format, OnFault::Refuse, body.as_bytes());
        assert!(only_fault(outcome).starts_with("json_invalid"));
        assert!(peak < 5 * BATCH_BYTES_MAX, "{format:?}: {peak}");
    }
}

/// Each synonym was compared with all members: billions of comparisons.
#[test]
fn a_row_with_many_synonyms_is_refused() {
    let members = r#""time":1,"#.repeat(JSON_VALUES_MAX - 10);
    let body = format!(r#"{{{members}"x":1,"y":2,"z":3}}"#);
    let (_, outcome) = read(Text::Batch(MediaType::Ndjson), OnFault::Refuse, body.as_bytes());
    assert_eq!(outcome.unwrap().err().unwrap().len(), FAULTS_MAX);
}

/// Returns the beginning of a stream whose schema has many columns that share one description.
fn schema_of_shared_columns(columns: usize, name: &str) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let float =
        arrow_ipc::FloatingPoint::create(&mut builder, &FloatingPointArgs { precision: Precision::DOUBLE });
    let name = builder.create_string(name);
    let field = arrow_ipc::Field::create(
        &mut builder,
        &FieldArgs {
            name: Some(name),
            type_type: Type::FloatingPoint,
            type_: Some(float.as_union_value()),
            ..FieldArgs::default()
        },
    );
    let fields = builder.create_vector(&vec![field; columns]);
    let schema = arrow_ipc::Schema::create(
        &mut builder,
        &SchemaArgs { fields: Some(fields), ..SchemaArgs::default() },
    );
    let message = Message::create(
        &mut builder,
        &MessageArgs {
            version: MetadataVersion::V5,
            header_type: MessageHeader::Schema,
            header: Some(schema.as_union_value()),
            ..MessageArgs::default()
        },
    );
    builder.finish(message, None);
    let head = builder.finished_data();
    let length = i32::try_from(head.len()).unwrap();
    [&[0xff; 4][..], &length.to_le_bytes(), head].concat()
}

/// A head of a megabyte described columns that took more than a gigabyte.
#[test]
fn a_schema_takes_little_more_memory_than_its_bytes() {
    let arrow = Text::Batch(MediaType::Arrow);
    for (columns, name) in
        [(200_000, "x".repeat(4_000)), (200_000, "x".to_owned()), (2_000, "time".to_owned())]
    {
        let body = schema_of_shared_columns(columns, &name);
        let (peak, outcome) = read(arrow, OnFault::Skip, &body);
        match outcome {
            Err(BodyError::NotArrow(_)) => assert_eq!(columns, 200_000),
            Err(other) => panic!("{other:?}"),
            faulty => assert!(only_fault(faulty).starts_with("too_many_columns")),
        }
        assert!(peak < 16 * MIB, "{columns} columns: {peak}");
    }
}
