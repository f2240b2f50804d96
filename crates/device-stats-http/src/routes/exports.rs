//! `/stats/.../export`: all readings of a device, or of all devices of a user, as a file. The response is
//! written while the readings are read.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use device_stats_domain::error_chain;
use device_stats_formats::Faults;
use device_stats_formats::export::ExportFormat;
use device_stats_service::{Export, Read, ReadingSource, Service, ServiceError};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tracing::{Span, error, warn};
use utoipa::{IntoParams, ToSchema};

use super::user_operation::UserOperation;
use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{
    Caller, Client, DeviceIdParam, FromInput, Input, PERIOD_NAMES, Parsed, PathReadingSource, Period,
    PeriodParams, PeriodQuery,
};
use crate::headers::accept::accepts_gzip;
use crate::headers::content_disposition::attachment;

/// `format`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `ExportQuery`")]
pub(crate) struct ExportParams {
    /// Format of the file: `csv` (with a header), `ndjson` (a JSON object on each line), `arrow` (an IPC
    /// stream of record batches) or `parquet`.
    #[param(example = "csv", default = "csv")]
    format: Option<String>,
}

/// The values of `format`.
pub(crate) const FORMAT_WORDS: &[&str] = &["csv", "ndjson", "arrow", "parquet"];

/// A file with the columns `device_id` (UTF-8), `timestamp` (microseconds, UTC), `x`, `y` and `z` (doubles).
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "describes the bytes of a response")]
pub(crate) struct ExportedFile(Vec<u8>);

/// The query of an export.
pub(crate) struct ExportQuery {
    period: Period,
    format: ExportFormat,
}

impl FromInput for ExportQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let format = input.query("format", faults, ExportFormat::from_json);
        let period = PeriodQuery::read(input, faults);
        let known = ["format"].into_iter().chain(PERIOD_NAMES);
        input.refuse_other_queries(&known.collect::<Vec<_>>(), faults);
        let PeriodQuery(period) = period?;
        Some(Self { period, format: format?.unwrap_or_default() })
    }
}

pub(super) const EXPORT_USER_READINGS: UserOperation = UserOperation {
    id: "export_user_readings",
    summary: "Export the readings of all devices of a user",
    description: "Writes the readings of all devices of a user to one file, device by device, by ascending `id`. Each \
        device has its own snapshot, taken after the request. A device that is deleted before its turn is left out.",
    schema: None,
};

/// Export the readings of a device
///
/// Writes all readings of a period, in order of time, from one snapshot. A period without readings gives an
/// empty file.
///
/// The response is streamed at the speed of the client. Text is compressed if `Accept-Encoding` names `gzip`.
/// An error during the export closes the connection early: the file is complete only if the response body
/// ends as HTTP requires.
///
/// A CSV file can be sent back unchanged, as a batch for many devices or with `device-stats import`. Numbers
/// and times keep every bit.
#[utoipa::path(
    get, path = "/api/v1/stats/devices/{device_id}/export", tag = "statistics",
    operation_id = "export_device_readings",
    params(DeviceIdParam, ExportParams, PeriodParams),
    responses(
        (status = 200, description = "The readings.",
            content(
                (String = "text/csv", example = "device_id,timestamp,x,y,z\npump-7,2026-11-23T10:00:00.250000Z,1.5,-0.25,9.81\n"),
                (String = "application/x-ndjson",
                    example = "{\"device_id\":\"pump-7\",\"timestamp\":\"2026-11-23T10:00:00.250000Z\",\"x\":1.5,\"y\":-0.25,\"z\":9.81}\n"),
                (ExportedFile = "application/vnd.apache.arrow.stream"),
                (ExportedFile = "application/vnd.apache.parquet"),
            ),
            headers(("content-disposition" = String, description = "File name for the response."))),
        (status = 404, description = "`Device not found`.", body = ErrorResponse),
    ),
)]
pub(super) async fn export_readings(
    State(service): State<Service>,
    Caller(granted): Caller<Read>,
    Client(client): Client,
    method: Method,
    request_headers: HeaderMap,
    Parsed(input): Parsed<(PathReadingSource, ExportQuery)>,
) -> Result<Response, ApiError> {
    let (source, ExportQuery { period, format }) = input;
    let source = source.find(&service, granted).await?;
    let file_name = file_name(&source, format);
    let gzip = format.is_text() && accepts_gzip(&request_headers);
    let encoder = format.encoder(gzip).map_err(ServiceError::ComputationFailed)?;
    let export = service.export(source, period.to_window(), encoder, client).await?;
    let mut response = if method == Method::HEAD {
        // No readings are read for a response without a body. Like the export, the body has no known length.
        Body::from_stream(stream::empty::<Result<Bytes, Infallible>>()).into_response()
    } else {
        stream_export(export).await?
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(CONTENT_DISPOSITION, file_name);
    headers.insert(VARY, HeaderValue::from(ACCEPT_ENCODING));
    if gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

fn file_name(source: &ReadingSource, format: ExportFormat) -> HeaderValue {
    match source {
        ReadingSource::Device(device) => {
            attachment("readings", device.device_id.as_str(), format.extension())
        }
        ReadingSource::User(user) => attachment("readings-user", &user.id.to_string(), format.extension()),
    }
}

/// Starts the response after the first readings are read, so that an error before them gets an error
/// response. A later error closes the connection, because the status is already sent.
async fn stream_export(export: Export) -> Result<Response, ApiError> {
    let Some((first, rest)) = export.next().await? else { return Ok(Body::empty().into_response()) };
    let rest = stream::try_unfold(rest, Export::next).map_err(ApiError::from);
    let chunks = stream::once(async move { Ok::<Bytes, ApiError>(first) }).chain(rest);
    let sending = SentExport { span: Span::current(), bytes: 0, has_ended: false };
    let chunks = stream::unfold((Box::pin(chunks), sending), async |(mut chunks, mut sending)| {
        let chunk = chunks.next().await;
        sending.record(chunk.as_ref());
        Some((chunk?, (chunks, sending)))
    });
    Ok(Body::from_stream(chunks).into_response())
}

/// The part of an export that the connection has taken. An export that ends early is logged, because its
/// client sees only an incomplete body.
struct SentExport {
    /// The span of the request.
    span: Span,
    bytes: usize,
    has_ended: bool,
}

impl SentExport {
    /// Records the next bytes of the export, its error, or its end.
    fn record(&mut self, chunk: Option<&Result<Bytes, ApiError>>) {
        match chunk {
            Some(Ok(bytes)) => self.bytes += bytes.len(),
            Some(Err(error)) => {
                self.has_ended = true;
                self.span.in_scope(|| log_failure(error));
            }
            None => self.has_ended = true,
        }
    }
}

impl Drop for SentExport {
    fn drop(&mut self) {
        if !self.has_ended {
            let bytes = self.bytes;
            self.span.in_scope(|| {
                warn!(
                    bytes,
                    "export cut off: its client disconnected or accepted nothing for too long, or the server stopped"
                );
            });
        }
    }
}

/// Logs an error that the client sees only as an incomplete body.
fn log_failure(error: &ApiError) {
    let causes = error_chain(error);
    if error.describe().status == StatusCode::INTERNAL_SERVER_ERROR {
        error!(causes, "export failed, closing the connection");
    } else {
        warn!(causes, "export refused, closing the connection");
    }
}
