//! Encodes readings of a file as the body of a request: an Arrow stream, which keeps every bit of numbers and
//! every microsecond of times.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Float64Array, RecordBatch, TimestampMicrosecondArray};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::ArrowError;
use device_stats_domain::{Finite, Timestamp};

use super::file_batch::FileRow;

/// Media type of an encoded batch.
pub const BODY_MEDIA_TYPE: &str = "application/vnd.apache.arrow.stream";

/// Encodes rows as a body of [`BODY_MEDIA_TYPE`]. Row `n` of the body is `rows[n]`.
pub fn encode_body(rows: &[FileRow]) -> Vec<u8> {
    let encoded = encode(rows);
    encoded.unwrap_or_else(|error| unreachable!("columns of one length can be encoded: {error}"))
}

fn encode(rows: &[FileRow]) -> Result<Vec<u8>, ArrowError> {
    let devices: DictionaryArray<Int32Type> = rows.iter().map(|row| row.device.as_str()).collect();
    let times = rows.iter().map(|row| row.measurement.time.map(Timestamp::micros));
    let times: TimestampMicrosecondArray = times.collect();
    let axis = |number: fn(&FileRow) -> Finite| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| number(row).get())))
    };
    let batch = RecordBatch::try_from_iter([
        ("device_id", Arc::new(devices) as ArrayRef),
        ("timestamp", Arc::new(times.with_timezone("UTC"))),
        ("x", axis(|row| row.measurement.values.x)),
        ("y", axis(|row| row.measurement.values.y)),
        ("z", axis(|row| row.measurement.values.z)),
    ])?;
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
    writer.write(&batch)?;
    writer.into_inner()
}
