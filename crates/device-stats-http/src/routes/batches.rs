//! `/stats/batch` and `/stats/devices/{device_id}/batch`: append many readings atomically, as JSON, NDJSON,
//! CSV or Arrow.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use device_stats_domain::{DeviceId, IdempotencyKey, Measurement};
use device_stats_formats::limits::FAULTS_MAX;
use device_stats_formats::{
    BatchReader, BatchRows, BodyError, Fault, Faults, MediaType, OnFault, ReadingTimes, RejectedRows, Row,
};
use device_stats_service::{BatchOutcome, BodyPermit, Service};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::errors::{ApiError, ErrorResponse, FaultSchema};
use crate::extract::{
    BatchOptionParams, BatchOptions, DeviceBatchSender, DeviceIdParam, Input, KeyHeader, KeyParam,
    PrecisionParam, ReadingSender, RowReader, Streamed, precision,
};

/// A new reading of a batch for many devices.
#[derive(Deserialize, ToSchema)]
#[schema(as = DeviceReadingCreate)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes a row")]
pub(crate) struct DeviceReadingCreateBody {
    /// The client's name for the device.
    #[schema(example = "pump-7", min_length = 1, format = "device-id")]
    device_id: String,
    /// Value of the first axis, in the unit of the device: a finite IEEE 754 double. A numeric string counts
    /// as a number.
    #[schema(example = 1.5)]
    x: f64,
    /// Value of the second axis; same rules as `x`.
    #[schema(example = -0.25)]
    y: f64,
    /// Value of the third axis; same rules as `x`.
    #[schema(example = 9.81)]
    z: f64,
    /// Time of the reading, in the forms of a single reading. If absent, the server sets the time.
    #[schema(example = "2026-11-23T10:00:00.250000Z", format = "date-time")]
    timestamp: Option<String>,
}

/// A new reading of a batch for one device.
#[derive(Deserialize, ToSchema)]
#[schema(as = BatchReadingCreate)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes a row")]
pub(crate) struct RowCreateBody {
    /// Value of the first axis, in the unit of the device: a finite IEEE 754 double. A numeric string counts
    /// as a number.
    #[schema(example = 1.5)]
    x: f64,
    /// Value of the second axis; same rules as `x`.
    #[schema(example = -0.25)]
    y: f64,
    /// Value of the third axis; same rules as `x`.
    #[schema(example = 9.81)]
    z: f64,
    /// Time of the reading, in the forms of a single reading. If absent, the server sets the time.
    #[schema(example = "2026-11-23T10:00:00.250000Z", format = "date-time")]
    timestamp: Option<String>,
}

/// An Arrow IPC stream with the columns `x`, `y` and `z` (`Float64`, `Float32` or an integer type),
/// optionally `timestamp` (`Timestamp`, `Int64` or `Utf8`), and for many devices `device_id` (`Utf8`,
/// `LargeUtf8`, `Utf8View` or a dictionary of one of them).
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "describes the bytes of a body")]
pub(crate) struct ArrowBody(Vec<u8>);

/// The outcome of a batch.
#[derive(Serialize, ToSchema)]
#[schema(as = BatchResult)]
pub(crate) struct BatchResponse {
    /// Number of readings that this request stored.
    #[schema(example = 999, minimum = 0)]
    accepted: u64,
    /// Number of repeats: readings with the device and time of a stored reading or of an earlier reading of
    /// the batch.
    #[schema(example = 1, minimum = 0)]
    duplicates: u64,
    /// Number of these repeats with other values than the stored reading. The stored reading does
    /// not change.
    #[schema(example = 0, minimum = 0)]
    conflicts: u64,
    /// Number of rows that were rejected because of their faults; only with `on_fault=skip`.
    #[schema(example = 2, minimum = 0, nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<u64>,
    /// The faults of the rejected rows, up to 100; only with `on_fault=skip`.
    #[schema(value_type = Vec<FaultSchema>, required = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    faults: Option<Vec<Fault>>,
}

impl BatchResponse {
    fn new(stored: BatchOutcome, options: BatchOptions, rejected: RejectedRows) -> Self {
        let BatchOutcome { accepted, duplicates, conflicts } = stored;
        let RejectedRows { count, faults } = rejected;
        let (rejected, faults) = match options.on_fault {
            OnFault::Refuse => (None, None),
            OnFault::Skip => (Some(count), Some(faults)),
        };
        Self { accepted, duplicates, conflicts, rejected, faults }
    }

    /// Returns the number of repeats with other values.
    pub(super) fn conflicts(&self) -> u64 {
        self.conflicts
    }

    /// Returns whether rows were skipped.
    pub(super) fn has_rejected(&self) -> bool {
        self.rejected.is_some_and(|count| count > 0)
    }
}

impl<R: Row + 'static> RowReader for BatchReader<R> {
    type Row = R;

    fn begin(input: &Input, media_type: MediaType, on_fault: OnFault, faults: &mut Faults) -> Self {
        Self::new(media_type, ReadingTimes::new(precision(input, faults)), on_fault)
    }

    fn end(self, faults: &mut Faults, permit: &mut BodyPermit) -> Result<Option<BatchRows<R>>, BodyError> {
        self.finish(faults, &mut |bytes| permit.grow_to(bytes).is_ok())
    }
}

/// Post readings of one device
///
/// Stores all readings or none, unless `on_fault=skip`. The body has one of these formats:
///
/// - a JSON array;
/// - NDJSON: a JSON object on each line; empty lines are ignored;
/// - CSV with a header that names the columns `x`, `y`, `z` and optionally `timestamp`, in any order;
/// - an Arrow IPC stream with these columns.
///
/// The maximum size is 10 MiB after decompression, and 1,048,576 readings. `Content-Encoding` may be `gzip`
/// or `zstd`. A fault names its row (from 0) and its field; for NDJSON and CSV also its `line` (from 1).
///
/// A 201 response means that the readings are in stable storage and part of every analysis that starts later.
/// Sending a batch again is safe if its readings have times, or if it has an `Idempotency-Key`. A batch for a
/// missing device is refused before its body is received, unless `register=true`.
#[utoipa::path(
    post, path = "/api/v1/stats/devices/{device_id}/batch", tag = "statistics",
    params(DeviceIdParam, PrecisionParam, BatchOptionParams, KeyParam),
    request_body(content(
        (Vec<RowCreateBody> = "application/json"),
        (String = "application/x-ndjson", example = "{\"timestamp\":\"2026-11-23T10:00:00.25Z\",\"x\":1.5,\"y\":-0.25,\"z\":9.81}\n"),
        (String = "text/csv", example = "timestamp,x,y,z\n2026-11-23T10:00:00.25Z,1.5,-0.25,9.81\n"),
        (ArrowBody = "application/vnd.apache.arrow.stream"),
    )),
    responses(
        (status = 201, description = "The outcome of the batch.", body = BatchResponse),
        (status = 404, description = "`Device not found`.", body = ErrorResponse),
    ),
)]
pub(super) async fn append_batch(
    State(service): State<Service>,
    DeviceBatchSender { sender, device }: DeviceBatchSender,
    Streamed(KeyHeader(key), options, batch, mut permit): Streamed<KeyHeader, BatchReader<Measurement>>,
) -> Result<(StatusCode, Json<BatchResponse>), ApiError> {
    let missing = options.missing_devices();
    let BatchRows { rows, rejected, .. } = batch;
    let granted = sender.charge(&service, rows.len())?;
    let stored = service.append_batch(granted, &device, rows, missing, key.as_ref(), &mut permit).await?;
    service.count_rejected(rejected.count);
    Ok((StatusCode::CREATED, Json(BatchResponse::new(stored, options, rejected))))
}

/// Post readings of many devices
///
/// Stores all readings or none, like a batch for one device. Each row also has the member or column
/// `device_id`. An unknown device is a fault of its row (422), unless `register=true`.
#[utoipa::path(
    post, path = "/api/v1/stats/batch", tag = "statistics",
    params(PrecisionParam, BatchOptionParams, KeyParam),
    request_body(content(
        (Vec<DeviceReadingCreateBody> = "application/json"),
        (String = "application/x-ndjson", example = "{\"device_id\":\"pump-7\",\"x\":1.5,\"y\":-0.25,\"z\":9.81}\n"),
        (String = "text/csv", example = "device_id,timestamp,x,y,z\npump-7,2026-11-23T10:00:00.25Z,1.5,-0.25,9.81\n"),
        (ArrowBody = "application/vnd.apache.arrow.stream"),
    )),
    responses((status = 201, description = "The outcome of the batch.", body = BatchResponse)),
)]
pub(super) async fn append_mixed_batch(
    State(service): State<Service>,
    sender: ReadingSender,
    Streamed(KeyHeader(key), options, batch, permit): Streamed<
        KeyHeader,
        BatchReader<(DeviceId, Measurement)>,
    >,
) -> Result<(StatusCode, Json<BatchResponse>), ApiError> {
    let response = store_mixed(&service, sender, batch, options, key.as_ref(), permit).await?;
    Ok((StatusCode::CREATED, Json(response)))
}

/// Charges and stores the readings of many devices.
pub(super) async fn store_mixed(
    service: &Service,
    sender: ReadingSender,
    batch: BatchRows<(DeviceId, Measurement)>,
    options: BatchOptions,
    key: Option<&IdempotencyKey>,
    mut permit: BodyPermit,
) -> Result<BatchResponse, ApiError> {
    let BatchRows { rows, locations, mut rejected, .. } = batch;
    let missing = options.missing_devices();
    let granted = sender.charge(service, rows.len())?;
    match service.append_mixed_batch(granted, rows, missing, key, &mut permit).await {
        Ok((stored, unknown)) => {
            rejected.count += unknown.len() as u64;
            service.count_rejected(rejected.count);
            let faults = unknown.iter().map(|(row, device)| locations.unknown_device(*row, device));
            let left = FAULTS_MAX.saturating_sub(rejected.faults.len());
            rejected.faults.extend(faults.take(left));
            Ok(BatchResponse::new(stored, options, rejected))
        }
        Err(error) => Err(ApiError::Rows { error, locations: Box::new(locations) }),
    }
}
