//! The middleware of every request. It gives the request an id, writes the body of an error, and logs one
//! line.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use device_stats_domain::error_chain;
use tracing::{Instrument, error, info, info_span, warn};

use crate::errors::{ApiError, Description, ErrorForm, Raised, error_response};
use crate::headers::accept::accepts_problem_json;
use crate::headers::request_id::{REQUEST_ID, RequestId};
use crate::routes::is_write_path;

/// Runs a request and completes its response.
pub(crate) async fn complete_response(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::from_headers(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let form = if accepts_problem_json(request.headers()) {
        ErrorForm::Problem
    } else if is_write_path(&path) {
        ErrorForm::Influx
    } else {
        ErrorForm::Contract
    };
    let span = info_span!("request", %id, %method, path);
    let mut response = next.run(request).instrument(span.clone()).await;
    let _entered = span.enter();
    if let Some(Raised(error)) = response.extensions_mut().remove::<Raised>() {
        let description = error.describe();
        log_error(&description, &error);
        response = error_response(description, &response, &id, form);
    }
    let status = response.status().as_u16();
    let duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    info!(status, duration_us, route = route.as_deref().unwrap_or("none"), "request answered");
    response.headers_mut().insert(REQUEST_ID, id.to_header());
    response
}

/// Logs a server error with its causes, which the client does not see.
fn log_error(description: &Description, error: &ApiError) {
    let causes = error_chain(error);
    match description.status {
        StatusCode::INTERNAL_SERVER_ERROR => error!(causes, "request failed"),
        status if status.is_server_error() => warn!(causes, "request refused"),
        _ => {}
    }
}
