//! `/write`: readings in InfluxDB's line protocol, at the paths where clients of InfluxDB and Telegraf post them.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use device_stats_domain::DeviceId;
use utoipa::IntoParams;

use crate::body::Size;
use crate::errors::ApiError;
use crate::extract::caller::Caller;
use crate::extract::idempotency_key::{KeyHeader, KeyParam};
use crate::extract::input::{FromBody, Input, Streamed};
use device_stats_domain::Measurement;
use device_stats_formats::batch::Rows;
use device_stats_formats::faults::Faults;
use device_stats_formats::line_protocol::{PointReader, Precision};
use device_stats_formats::media_type::MediaType;
use device_stats_service::Service;

/// Where else points are taken, so that a client may be given the service with or without `/api/v1` as the address of its
/// server: clients of version 1 add `/write` to it, those of version 2 `/api/v2/write`.
const OTHER_PATHS: [&str; 3] = ["/write", "/api/v2/write", "/api/v1/api/v2/write"];

/// How points are written. Clients of InfluxDB have more to say, such as `bucket`; that is passed over.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `Points` is read from it")]
pub(crate) struct PointsParams {
    /// The unit of the timestamps: `ns` (or `n`), `us` (or `u`), `ms` or `s`, since 1970 UTC.
    #[param(example = "ms", default = "ns")]
    precision: Option<String>,
}

/// The points of a body.
pub(crate) struct Points(Rows<(DeviceId, Measurement)>);

impl FromBody for Points {
    const SIZE: Size = Size::Points;
    type Reader = PointReader;

    fn begin(input: &Input, _: MediaType, faults: &mut Faults) -> PointReader {
        let precision = input.query("precision", faults, Precision::read);
        PointReader::new(precision.flatten().unwrap_or_default())
    }

    fn end(reader: PointReader, faults: &mut Faults) -> Result<Option<Self>, ApiError> {
        Ok(reader.finish(faults)?.map(Self))
    }

    fn held_bytes(&self) -> usize {
        self.0.held_bytes()
    }
}

/// Post readings in InfluxDB's line protocol
///
/// A point is a reading: the tag `device` names its device, which must exist, and the fields `x`, `y` and `z`, all of
/// them floats or integers, are its numbers. The measurement and other tags and fields are passed over, as are parameters
/// such as `org`, `bucket` and `db`. A timestamp is cut to the microsecond; without it, the server's clock decides. All
/// readings are stored or none; repeats change nothing. At most 10 MiB, after decompression where it is sent with
/// `Content-Encoding: gzip` or `zstd`; `Content-Type` does not matter. Also at `/write` and `/api/v2/write`.
#[utoipa::path(
    post, path = "/api/v1/write", tag = "statistics",
    params(PointsParams, KeyParam),
    request_body(
        content = String, content_type = "text/plain",
        example = "sensors,device=pump-7 x=1.5,y=-0.25,z=9.81 1795428000250000000\n",
    ),
    responses((status = 204, description = "All of them are in stable storage.")),
)]
pub(crate) async fn append_points(
    State(service): State<Service>,
    Caller(who): Caller,
    Streamed(KeyHeader(key), Points(Rows { rows, places }), _held): Streamed<KeyHeader, Points>,
) -> Result<StatusCode, ApiError> {
    let ingested = service.append_mixed_batch(who, &rows, key.as_ref()).await;
    ingested.map_err(|error| ApiError::Rows { error, places })?;
    Ok(StatusCode::NO_CONTENT)
}

/// The same at the other paths.
pub(crate) fn other_paths() -> Router<Service> {
    OTHER_PATHS.into_iter().fold(Router::new(), |router, path| router.route(path, post(append_points)))
}
