//! `/stats/.../export`: all readings of a device, or of all devices of a user, as a file that is written while it is read.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tracing::{Span, error, warn};
use utoipa::{IntoParams, ToSchema};

use crate::errors::ApiError;
use crate::extract::caller::Caller;
use crate::extract::input::{FromInput, Input, Parsed, PathDevice, PathUser, Period, PeriodQuery};
use crate::headers::content_disposition::{attachment, wants_gzip};
use crate::openapi::{ErrorAnswer, PeriodParams};
use device_stats_domain::error_chain;
use device_stats_formats::encode::{Encoder, Format};
use device_stats_formats::faults::Faults;
use device_stats_service::{Action, Export, Service, ServiceError};

/// In which form.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `ExportQuery` is read from it")]
pub(crate) struct ExportParams {
    /// How readings are written: `csv` (a table with a header), `ndjson` (a JSON object on each line), `arrow` (a stream of
    /// record batches) or `parquet`.
    #[param(example = "csv", default = "csv")]
    format: Option<String>,
}

/// The bytes of a file with the columns `device_id` (UTF-8), `timestamp` (microseconds, UTC), `x`, `y` and `z` (doubles).
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "describes the answer")]
pub(crate) struct ExportedFile(Vec<u8>);

/// The query of an export.
pub(crate) struct ExportQuery {
    period: Period,
    format: Format,
}

impl FromInput for ExportQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let format = input.query("format", faults, Format::read);
        let period = PeriodQuery::read(input, faults);
        input.refuse_other_queries(&["format", "start_time", "end_time"], faults);
        let PeriodQuery(period) = period?;
        Some(Self { period, format: format?.unwrap_or_default() })
    }
}

/// Begins the answer: what goes wrong before the first readings are there is answered as any error. What goes wrong later
/// breaks the connection off, since the status has been sent.
async fn answer<E: Encoder>(
    export: Export<E>,
    name: &str,
    format: Format,
    gzip: bool,
) -> Result<Response, ApiError> {
    let body = match export.next().await? {
        None => Body::empty(),
        Some((first, rest)) => {
            let rest = stream::try_unfold(rest, Export::next).map_err(ApiError::from);
            let span = Span::current();
            let rest = rest.inspect_err(move |error| span.in_scope(|| log_break(error)));
            Body::from_stream(stream::once(async move { Ok::<Bytes, ApiError>(first) }).chain(rest))
        }
    };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    if let Ok(name) = HeaderValue::from_str(name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    headers.insert(VARY, HeaderValue::from(ACCEPT_ENCODING));
    if gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

/// The client sees only that the answer has no end.
fn log_break(error: &ApiError) {
    let causes = error_chain(error);
    if error.describe().status == StatusCode::INTERNAL_SERVER_ERROR {
        error!(causes, "an export broke off");
    } else {
        warn!(causes, "an export broke off");
    }
}

/// Export the readings of a device
///
/// All readings of the period, both ends of which belong to it, in order of time, as they were at one moment; none is no
/// error. The answer is written while it is read, text compressed where `Accept-Encoding` names `gzip`, and as fast as the client
/// takes it. It is complete only where it ends as HTTP/1.1 says a body ends: what goes wrong on the way breaks the connection
/// off. A file of CSV can be sent back as it is, as a batch of many devices or by `device-stats import`; numbers and times
/// keep every bit.
#[utoipa::path(
    get, path = "/api/v1/stats/devices/{device_id}/export", tag = "statistics",
    params(crate::openapi::DeviceIdParam, ExportParams, PeriodParams),
    responses(
        (status = 200, description = "The readings.",
            content(
                (String = "text/csv", example = "device_id,timestamp,x,y,z\npump-7,2026-11-23T10:00:00.250000Z,1.5,-0.25,9.81\n"),
                (String = "application/x-ndjson",
                    example = "{\"device_id\":\"pump-7\",\"timestamp\":\"2026-11-23T10:00:00.250000Z\",\"x\":1.5,\"y\":-0.25,\"z\":9.81}\n"),
                (ExportedFile = "application/vnd.apache.arrow.stream"),
                (ExportedFile = "application/vnd.apache.parquet"),
            ),
            headers(("content-disposition" = String, description = "A name for the file."))),
        (status = 404, description = "`Device not found`.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn export_device_readings(
    State(service): State<Service>,
    Caller(who): Caller,
    head: HeaderMap,
    Parsed(input): Parsed<(PathDevice, ExportQuery)>,
) -> Result<Response, ApiError> {
    let (device, ExportQuery { period, format }) = input;
    let device = service.device(who, device.id()?, Action::Read).await?;
    let name = attachment("readings", device.device_id.as_str(), format.extension());
    let gzip = format.is_text() && wants_gzip(&head);
    let encoder = format.encoder(gzip).map_err(ServiceError::Died)?;
    let export = service.export_device(device, period.window(), encoder).await?;
    answer(export, &name, format, gzip).await
}

/// Export the readings of all devices of a user
///
/// The same of each device that the user has, by ascending `id`, one after the other in one file. Each device is as it was at
/// one moment after the request; a device that is deleted before its turn is left out.
#[utoipa::path(
    get, path = "/api/v1/stats/users/{user_id}/export", tag = "statistics",
    params(crate::openapi::UserIdParam, ExportParams, PeriodParams),
    responses(
        (status = 200, description = "The readings.",
            content(
                (String = "text/csv", example = "device_id,timestamp,x,y,z\npump-7,2026-11-23T10:00:00.250000Z,1.5,-0.25,9.81\n"),
                (String = "application/x-ndjson",
                    example = "{\"device_id\":\"pump-7\",\"timestamp\":\"2026-11-23T10:00:00.250000Z\",\"x\":1.5,\"y\":-0.25,\"z\":9.81}\n"),
                (ExportedFile = "application/vnd.apache.arrow.stream"),
                (ExportedFile = "application/vnd.apache.parquet"),
            ),
            headers(("content-disposition" = String, description = "A name for the file."))),
        (status = 404, description = "`User not found`.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn export_user_readings(
    State(service): State<Service>,
    Caller(who): Caller,
    head: HeaderMap,
    Parsed(input): Parsed<(PathUser, ExportQuery)>,
) -> Result<Response, ApiError> {
    let (PathUser(id), ExportQuery { period, format }) = input;
    let user = service.user(who, id, Action::Read).await?;
    let name = attachment("readings-user", &user.id.to_string(), format.extension());
    let gzip = format.is_text() && wants_gzip(&head);
    let encoder = format.encoder(gzip).map_err(ServiceError::Died)?;
    let export = service.export_user(&user, period.window(), encoder).await?;
    answer(export, &name, format, gzip).await
}
