//! Encodes readings as columns: record batches of Arrow, as an IPC stream or as row groups of Parquet.
//! Doubles and microseconds keep their bits.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use device_stats_domain::{Axes, DeviceId, Finite, Reading};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::encoder::{EncodeError, Encoder};
use crate::limits::EXPORT_ROW_GROUP_READINGS;

const TIMESTAMP: &str = "timestamp";
const UTC: &str = "UTC";

/// Encodes an Arrow IPC stream, with one record batch for each call.
pub(super) struct ArrowStreamEncoder {
    schema: SchemaRef,
    writer: StreamWriter<Vec<u8>>,
}

/// Encodes a Parquet file. A row group is returned when it is full. The end of the file lists the positions
/// of all row groups.
pub(super) struct ParquetEncoder {
    schema: SchemaRef,
    writer: ArrowWriter<Vec<u8>>,
}

impl ArrowStreamEncoder {
    pub(super) fn new() -> Result<Self, EncodeError> {
        let schema = schema();
        let writer = StreamWriter::try_new(Vec::new(), &schema)?;
        Ok(Self { schema, writer })
    }
}

impl Encoder for ArrowStreamEncoder {
    fn encode(&mut self, device: &DeviceId, readings: &[Reading]) -> Result<Bytes, EncodeError> {
        self.writer.write(&batch(&self.schema, device, readings)?)?;
        Ok(std::mem::take(self.writer.get_mut()).into())
    }

    fn finish(self: Box<Self>) -> Result<Bytes, EncodeError> {
        Ok(self.writer.into_inner()?.into())
    }
}

impl ParquetEncoder {
    pub(super) fn new() -> Result<Self, EncodeError> {
        let schema = schema();
        let times = || ColumnPath::from(TIMESTAMP);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(EXPORT_ROW_GROUP_READINGS))
            // Statistics of pages would be held until the end of the file.
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            // The times of a device are all different, so a dictionary is useless. Consecutive times are
            // close, so their differences are short.
            .set_column_dictionary_enabled(times(), false)
            .set_column_encoding(times(), Encoding::DELTA_BINARY_PACKED);
        let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties.build()))?;
        Ok(Self { schema, writer })
    }
}

impl Encoder for ParquetEncoder {
    fn encode(&mut self, device: &DeviceId, readings: &[Reading]) -> Result<Bytes, EncodeError> {
        self.writer.write(&batch(&self.schema, device, readings)?)?;
        Ok(std::mem::take(self.writer.inner_mut()).into())
    }

    fn finish(self: Box<Self>) -> Result<Bytes, EncodeError> {
        Ok(self.writer.into_inner()?.into())
    }
}

fn schema() -> SchemaRef {
    let number = |name| Field::new(name, DataType::Float64, false);
    let device = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()));
    Arc::new(Schema::new(vec![
        Field::new("device_id", device, false),
        Field::new(TIMESTAMP, time, false),
        number("x"),
        number("y"),
        number("z"),
    ]))
}

fn batch(schema: &SchemaRef, device: &DeviceId, readings: &[Reading]) -> Result<RecordBatch, ArrowError> {
    let name: ArrayRef = Arc::new(StringArray::from(vec![device.as_str()]));
    let names = DictionaryArray::<Int32Type>::try_new(Int32Array::from_value(0, readings.len()), name)?;
    let times = readings.iter().map(|reading| reading.time.micros());
    let times = TimestampMicrosecondArray::from_iter_values(times).with_timezone(UTC);
    let numbers = |axis: fn(Axes<Finite>) -> Finite| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(readings.iter().map(|reading| axis(reading.values).get())))
    };
    let [x, y, z] = [numbers(|values| values.x), numbers(|values| values.y), numbers(|values| values.z)];
    RecordBatch::try_new(Arc::clone(schema), vec![Arc::new(names), Arc::new(times), x, y, z])
}
