//! A batch as an Arrow IPC stream with replaceable times.

use std::sync::Arc;

use anyhow::Context;
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_ipc::writer::StreamWriter;

use super::sensor_values::sensor_values;

/// The body of a request.
pub(super) struct ArrowBatch {
    pub(super) bytes: Vec<u8>,
    /// Offset of the times: consecutive little-endian 64-bit numbers.
    pub(super) times_offset: usize,
}

impl ArrowBatch {
    /// Encodes rows with placeholders for their times. `device_id` adds a column of device ids.
    ///
    /// # Errors
    /// If the stream cannot be encoded.
    pub(super) fn encode(rows: u32, device_id: Option<impl Fn(u32) -> String>) -> anyhow::Result<Self> {
        // No other column contains this sequence, so its position is the offset of the times.
        let placeholders: Vec<i64> = (0..i64::from(rows)).map(|row| i64::MIN + row).collect();
        let times = TimestampMicrosecondArray::from(placeholders.clone()).with_timezone("UTC");
        let axis = |pick: fn([f64; 3]) -> f64| -> ArrayRef {
            Arc::new((0..rows).map(|row| Some(pick(sensor_values(row)))).collect::<Float64Array>())
        };
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("timestamp", Arc::new(times)),
            ("x", axis(|[x, _, _]| x)),
            ("y", axis(|[_, y, _]| y)),
            ("z", axis(|[_, _, z]| z)),
        ];
        if let Some(device_id) = device_id {
            let device_ids: StringArray = (0..rows).map(|row| Some(device_id(row))).collect();
            columns.push(("device_id", Arc::new(device_ids)));
        }
        let batch = RecordBatch::try_from_iter(columns)?;
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
        writer.write(&batch)?;
        let bytes = writer.into_inner()?;
        let placeholders: Vec<u8> = placeholders.iter().flat_map(|time| time.to_le_bytes()).collect();
        let times_offset = bytes
            .windows(placeholders.len())
            .position(|window| window == placeholders)
            .context("the stream does not contain the times")?;
        Ok(Self { bytes, times_offset })
    }
}
