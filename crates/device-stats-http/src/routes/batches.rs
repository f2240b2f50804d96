//! `/stats/batch` and `/stats/devices/{device_id}/batch`: many readings at once, all or none, as JSON, NDJSON, CSV
//! or columns of Arrow.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use device_stats_domain::DeviceId;
use serde::Serialize;
use utoipa::ToSchema;

use super::readings::ReadingCreateBody;
use crate::body::Size;
use crate::errors::ApiError;
use crate::extract::caller::Caller;
use crate::extract::idempotency_key::{KeyHeader, KeyParam};
use crate::extract::input::{FromBody, Input, PathDevice, Streamed};
use crate::openapi::ErrorAnswer;
use device_stats_domain::Measurement;
use device_stats_formats::batch::{BatchReader, Row, Rows};
use device_stats_formats::faults::Faults;
use device_stats_formats::media_type::MediaType;
use device_stats_service::{Ingested, Service};

/// A reading of a batch of many devices.
#[derive(ToSchema)]
#[schema(as = DeviceReadingCreate)]
#[expect(dead_code, reason = "describes the body; a row is read from it")]
pub(crate) struct DeviceReadingCreateBody {
    /// The caller's own name of the device.
    #[schema(example = "pump-7", min_length = 1)]
    device_id: String,
    /// A finite IEEE 754 double, in the device's own unit; a numeric string is taken for its number.
    #[schema(example = 1.5)]
    x: f64,
    /// As `x`.
    #[schema(example = -0.25)]
    y: f64,
    /// As `x`.
    #[schema(example = 9.81)]
    z: f64,
    /// When it was taken; written as in a single reading. Without it, the server's clock decides.
    #[schema(example = "2026-11-23T10:00:00.250000Z")]
    timestamp: Option<String>,
}

/// The bytes of an Arrow IPC stream: `x`, `y` and `z` as `Float64`, `Float32` or integers, perhaps `timestamp` as `Timestamp`,
/// `Int64` or `Utf8`, and for many devices `device_id` as `Utf8`, `LargeUtf8`, `Utf8View` or a dictionary of one of
/// them.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "describes the body")]
pub(crate) struct ColumnsBody(Vec<u8>);

/// What became of a batch.
#[derive(Serialize, ToSchema)]
#[schema(as = BatchResult)]
pub(crate) struct BatchAnswer {
    /// Readings stored now.
    #[schema(example = 999, minimum = 0)]
    accepted: u64,
    /// Repeats: readings whose device and time were stored before, or stood earlier in the batch.
    #[schema(example = 1, minimum = 0)]
    duplicates: u64,
}

impl From<Ingested> for BatchAnswer {
    fn from(ingested: Ingested) -> Self {
        Self { accepted: ingested.accepted, duplicates: ingested.duplicates }
    }
}

/// The rows of a batch.
pub(crate) struct Batch<R>(Rows<R>);

impl<R: Row> FromBody for Batch<R> {
    const SIZE: Size = Size::Batch;
    type Reader = BatchReader<R>;

    fn begin(_: &Input, media_type: MediaType, _: &mut Faults) -> BatchReader<R> {
        BatchReader::new(media_type)
    }

    fn end(reader: BatchReader<R>, faults: &mut Faults) -> Result<Option<Self>, ApiError> {
        Ok(reader.finish(faults)?.map(Self))
    }

    fn held_bytes(&self) -> usize {
        self.0.held_bytes()
    }
}

/// Post readings of one device
///
/// All readings are stored, or none. The body is a JSON array, NDJSON (a JSON object a line; empty lines are passed
/// over), CSV with a header that names the columns `x`, `y`, `z` and perhaps `timestamp`, in any order, or an Arrow IPC
/// stream with these columns; at most 10 MiB, after decompression where it is sent with `Content-Encoding: gzip` or
/// `zstd`, and for Arrow at most 1,048,576 readings. A fault names its row, counted
/// from 0, and its field; of NDJSON and CSV also the `line`, counted from 1. An answer of 201 means that the readings
/// are in stable storage and part of every analysis that starts later; to send the same batch again is safe where the
/// readings bring their times.
#[utoipa::path(
    post, path = "/api/v1/stats/devices/{device_id}/batch", tag = "statistics",
    params(crate::openapi::DeviceIdParam, KeyParam),
    request_body(content(
        (Vec<ReadingCreateBody> = "application/json"),
        (String = "application/x-ndjson", example = "{\"timestamp\":\"2026-11-23T10:00:00.25Z\",\"x\":1.5,\"y\":-0.25,\"z\":9.81}\n"),
        (String = "text/csv", example = "timestamp,x,y,z\n2026-11-23T10:00:00.25Z,1.5,-0.25,9.81\n"),
        (ColumnsBody = "application/vnd.apache.arrow.stream"),
    )),
    responses(
        (status = 201, description = "What became of them.", body = BatchAnswer),
        (status = 404, description = "`Device not found`.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn append_batch(
    State(service): State<Service>,
    Caller(who): Caller,
    Streamed(input, Batch(Rows { rows, .. }), _held): Streamed<(PathDevice, KeyHeader), Batch<Measurement>>,
) -> Result<(StatusCode, Json<BatchAnswer>), ApiError> {
    let (device, KeyHeader(key)) = input;
    let ingested = service.append_batch(who, device.id()?, &rows, key.as_ref()).await?;
    Ok((StatusCode::CREATED, Json(ingested.into())))
}

/// Post readings of many devices
///
/// As for one device, with a member or column `device_id`. A device that does not exist is a fault of its row (422).
#[utoipa::path(
    post, path = "/api/v1/stats/batch", tag = "statistics",
    params(KeyParam),
    request_body(content(
        (Vec<DeviceReadingCreateBody> = "application/json"),
        (String = "application/x-ndjson", example = "{\"device_id\":\"pump-7\",\"x\":1.5,\"y\":-0.25,\"z\":9.81}\n"),
        (String = "text/csv", example = "device_id,timestamp,x,y,z\npump-7,2026-11-23T10:00:00.25Z,1.5,-0.25,9.81\n"),
        (ColumnsBody = "application/vnd.apache.arrow.stream"),
    )),
    responses((status = 201, description = "What became of them.", body = BatchAnswer)),
)]
pub(crate) async fn append_mixed_batch(
    State(service): State<Service>,
    Caller(who): Caller,
    Streamed(KeyHeader(key), batch, _held): Streamed<KeyHeader, Batch<(DeviceId, Measurement)>>,
) -> Result<(StatusCode, Json<BatchAnswer>), ApiError> {
    let Batch(Rows { rows, places }) = batch;
    let ingested = service.append_mixed_batch(who, &rows, key.as_ref()).await;
    let ingested = ingested.map_err(|error| ApiError::Rows { error, places })?;
    Ok((StatusCode::CREATED, Json(ingested.into())))
}
