//! A batch as an Arrow IPC stream.

use std::sync::Arc;

use anyhow::Context;
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_ipc::writer::StreamWriter;

use super::request_template::numbers;

/// The body of a request, and where in it the first of its times is, which lie side by side as 64-bit numbers.
pub(super) struct ArrowBody {
    pub(super) bytes: Vec<u8>,
    pub(super) times: usize,
}

/// Rows whose times are 0, 1, 2 ... microseconds; of the devices, where several are named.
pub(super) fn write(rows: u32, device: Option<impl Fn(u32) -> String>) -> anyhow::Result<ArrowBody> {
    // A sequence that no other column has; it is found, and overwritten, by it.
    let marks: Vec<i64> = (0..i64::from(rows)).map(|row| i64::MIN + row).collect();
    let times = TimestampMicrosecondArray::from(marks.clone()).with_timezone("UTC");
    let axis = |place: usize| -> ArrayRef {
        Arc::new((0..rows).filter_map(|row| numbers(row).get(place).copied()).collect::<Float64Array>())
    };
    let mut columns: Vec<(&str, ArrayRef)> =
        vec![("timestamp", Arc::new(times)), ("x", axis(0)), ("y", axis(1)), ("z", axis(2))];
    if let Some(device) = device {
        let names: StringArray = (0..rows).map(|row| Some(device(row))).collect();
        columns.push(("device_id", Arc::new(names)));
    }
    let batch = RecordBatch::try_from_iter(columns)?;
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
    writer.write(&batch)?;
    let bytes = writer.into_inner()?;
    let marks: Vec<u8> = marks.iter().flat_map(|mark| mark.to_le_bytes()).collect();
    let times =
        bytes.windows(marks.len()).position(|window| window == marks).context("the times are lost")?;
    Ok(ArrowBody { bytes, times })
}
