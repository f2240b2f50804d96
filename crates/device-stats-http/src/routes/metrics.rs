//! `/metrics`: the metrics of this node, for Prometheus and compatible programs.

use axum::Extension;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use device_stats_service::{Administer, Service};
use tokio::time::timeout;

use crate::errors::ApiError;
use crate::extract::{Caller, NoQuery, Parsed};
use crate::limits::METRICS_DATABASE_TIMEOUT;
use crate::metrics::{Metrics, TextFormat};

/// Path of the metrics.
pub(crate) const METRICS_PATH: &str = "/metrics";

/// Show the metrics of this node
///
/// Returns the metrics as OpenMetrics 1.0 if `Accept` contains `application/openmetrics-text`, otherwise in
/// the text format of Prometheus. If the database does not answer, the metrics of the database are missing,
/// and `device_stats_database_up` is 0. `docs/metrics.md` describes each metric.
#[utoipa::path(
    get, path = "/metrics", tag = "service",
    responses((status = 200, description = "The metrics.", content(
        (String = "text/plain", example = "device_stats_hot_readings 1200"),
        (String = "application/openmetrics-text"),
    ))),
)]
pub(super) async fn show_metrics(
    State(service): State<Service>,
    Caller(granted): Caller<Administer>,
    Extension(metrics): Extension<Metrics>,
    headers: HeaderMap,
    Parsed(NoQuery): Parsed<NoQuery>,
) -> Result<Response, ApiError> {
    let format = TextFormat::accepted(&headers);
    let database = timeout(METRICS_DATABASE_TIMEOUT, service.show_database(granted)).await;
    let database = database.ok().and_then(Result::ok);
    let text = metrics.text(service.show_node(granted), database, format);
    let headers = [(CONTENT_TYPE, format.media_type()), (VARY, HeaderValue::from_static("accept"))];
    Ok((headers, text).into_response())
}
