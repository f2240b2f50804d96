//! `/write`: append readings in InfluxDB's line protocol, at the paths that clients of InfluxDB and Telegraf
//! use.

use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use device_stats_domain::{DeviceId, Measurement};
use device_stats_formats::{BatchRows, BodyError, Faults, MediaType, OnFault, PointReader};
use device_stats_service::{BodyPermit, Service};
use utoipa::ToSchema;

use super::batches::{BatchResponse, store_mixed};
use crate::errors::ApiError;
use crate::extract::{
    BatchOptionParams, Input, KeyHeader, KeyParam, PrecisionParam, ReadingSender, RowReader, Streamed,
    precision,
};

/// The documented path of the operation.
const WRITE_PATH: &str = "/api/v1/write";
/// Other paths of the operation. Clients of InfluxDB 1 append `/write` to the address of the server,
/// clients of InfluxDB 2 append `/api/v2/write`. The address may end in `/api/v1` or not.
const ALIAS_PATHS: [&str; 3] = ["/write", "/api/v2/write", "/api/v1/api/v2/write"];

/// Header of a response without a body: the number of repeats with other values.
pub(crate) const CONFLICTS: HeaderName = HeaderName::from_static("x-conflicts");

/// Points in InfluxDB's line protocol.
#[derive(ToSchema)]
#[schema(value_type = String, format = "line-protocol", min_length = 1)]
#[expect(dead_code, reason = "describes the text of a body")]
pub(crate) struct LineProtocolBody(String);

impl RowReader for PointReader {
    type Row = (DeviceId, Measurement);

    fn begin(input: &Input, _: MediaType, on_fault: OnFault, faults: &mut Faults) -> Self {
        Self::new(precision(input, faults), on_fault)
    }

    fn end(self, faults: &mut Faults, _: &mut BodyPermit) -> Result<Option<BatchRows<Self::Row>>, BodyError> {
        self.finish(faults)
    }
}

/// Post readings in InfluxDB's line protocol
///
/// Stores all readings or none, unless `on_fault=skip`. Repeats change nothing. Each point is a reading: the
/// tag `device` names an existing device, and the fields `x`, `y` and `z` (floats or integers) are the
/// values. The measurement, other tags, other fields and parameters such as `org`, `bucket` and `db` are
/// ignored. A timestamp is truncated to microseconds; if it is absent, the server sets the time. Without
/// `precision`, timestamps are nanoseconds, and a timestamp outside 1990 to 2100 is refused.
///
/// The maximum size is 10 MiB after decompression, and 1,048,576 readings. `Content-Encoding` may be `gzip`
/// or `zstd`; `Content-Type` is ignored. The operation is also available at `/write` and `/api/v2/write`.
#[utoipa::path(
    post, path = "/api/v1/write", tag = "statistics",
    params(PrecisionParam, BatchOptionParams, KeyParam),
    request_body(
        content = LineProtocolBody, content_type = "text/plain",
        example = "sensors,device=pump-7 x=1.5,y=-0.25,z=9.81 1795428000250000000\n",
    ),
    responses(
        (status = 200, description = "With `on_fault=skip`: all readings without faults are in stable storage, and \
            others were skipped.", body = BatchResponse),
        (status = 204, description = "All readings are in stable storage.", headers(
            ("x-conflicts" = u64, description = "Number of repeats with other values than the stored reading. \
                Absent if there are none."),
        )),
    ),
)]
pub(super) async fn append_points(
    State(service): State<Service>,
    sender: ReadingSender,
    Streamed(KeyHeader(key), options, batch, permit): Streamed<KeyHeader, PointReader>,
) -> Result<Response, ApiError> {
    let stored = store_mixed(&service, sender, batch, options, key.as_ref(), permit).await?;
    Ok(if stored.has_rejected() {
        Json(stored).into_response()
    } else if stored.conflicts() > 0 {
        (StatusCode::NO_CONTENT, [(CONFLICTS, stored.conflicts().to_string())]).into_response()
    } else {
        StatusCode::NO_CONTENT.into_response()
    })
}

/// Returns whether a path is one of the paths of the operation.
pub(crate) fn is_write_path(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    path == WRITE_PATH || ALIAS_PATHS.contains(&path)
}

/// Returns the routes of the operation at its other paths.
pub(crate) fn aliases() -> Router<Service> {
    ALIAS_PATHS.into_iter().fold(Router::new(), |router, path| router.route(path, post(append_points)))
}
