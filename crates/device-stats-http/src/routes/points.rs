//! `/write`: append readings in InfluxDB's line protocol, at the paths that clients of InfluxDB and Telegraf
//! use.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use device_stats_domain::{DeviceId, Measurement};
use device_stats_formats::{BatchRows, BodyError, Faults, MediaType, PointReader};
use device_stats_service::Service;

use crate::errors::ApiError;
use crate::extract::{Caller, Input, KeyHeader, KeyParam, PrecisionParam, RowReader, Streamed, precision};

/// The documented path of the operation.
const WRITE_PATH: &str = "/api/v1/write";
/// Other paths of the operation. Clients of InfluxDB 1 append `/write` to the address of the server,
/// clients of InfluxDB 2 append `/api/v2/write`. The address may end in `/api/v1` or not.
const ALIAS_PATHS: [&str; 3] = ["/write", "/api/v2/write", "/api/v1/api/v2/write"];

impl RowReader for PointReader {
    type Row = (DeviceId, Measurement);

    fn begin(input: &Input, _: MediaType, faults: &mut Faults) -> Self {
        Self::new(precision(input, faults))
    }

    fn end(self, faults: &mut Faults) -> Result<Option<BatchRows<Self::Row>>, BodyError> {
        self.finish(faults)
    }
}

/// Post readings in InfluxDB's line protocol
///
/// Stores all readings or none. Repeats change nothing. Each point is a reading: the tag `device` names an
/// existing device, and the fields `x`, `y` and `z` (floats or integers) are the values. The measurement,
/// other tags, other fields and parameters such as `org`, `bucket` and `db` are ignored. A timestamp is
/// truncated to microseconds; if it is absent, the server sets the time. Without `precision`, timestamps are
/// nanoseconds, and one outside 1990 to 2100 is refused.
///
/// The maximum size is 10 MiB after decompression. `Content-Encoding` may be `gzip` or `zstd`; `Content-Type`
/// is ignored. The operation is also available at `/write` and `/api/v2/write`.
#[utoipa::path(
    post, path = "/api/v1/write", tag = "statistics",
    params(PrecisionParam, KeyParam),
    request_body(
        content = String, content_type = "text/plain",
        example = "sensors,device=pump-7 x=1.5,y=-0.25,z=9.81 1795428000250000000\n",
    ),
    responses((status = 204, description = "The readings are in stable storage.")),
)]
pub(super) async fn append_points(
    State(service): State<Service>,
    Caller(principal): Caller,
    Streamed(KeyHeader(key), BatchRows { rows, locations }, _permit): Streamed<KeyHeader, PointReader>,
) -> Result<StatusCode, ApiError> {
    let ingested = service.append_mixed_batch(principal, &rows, key.as_ref()).await;
    ingested.map_err(|error| ApiError::Rows { error, locations })?;
    Ok(StatusCode::NO_CONTENT)
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
