//! What happens to every request, whatever it asks for: it gets an id, its answer gets headers, an error gets its body,
//! and one line goes to the log.

use std::error::Error;
use std::time::Instant;

use axum::Json;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use device_stats_domain::limits::RETRY_AFTER_SECONDS;
use serde::Serialize;
use serde_json::{Value, json};
use tracing::{Instrument, error, info, info_span, warn};
use uuid::Uuid;

use crate::errors::{Description, Detail, Raised};
use device_stats_formats::faults::Fault;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A longer id of a client's is not taken over.
const REQUEST_ID_BYTES_MAX: usize = 128;
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The body of an error.
#[derive(Serialize)]
struct ErrorBody {
    detail: Words,
    code: &'static str,
    request_id: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Words {
    Text(String),
    Faults(Vec<Fault>),
}

/// Answers a request.
pub(crate) async fn finish(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let wants_problem = wants_problem(request.headers());
    let span = info_span!("request", id, %method, path);
    let mut response = next.run(request).instrument(span.clone()).await;
    let _inside = span.enter();
    if let Some(Raised(raised)) = response.extensions_mut().remove::<Raised>() {
        let description = raised.describe();
        log_cause(&description, &*raised);
        response = write_error(description, &response, &id, wants_problem);
    }
    let status = response.status().as_u16();
    let duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    info!(status, duration_us, route = route.as_deref().unwrap_or("none"), "answered");
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The client's own id of the request, where it is fit for a log line, or a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let fit = given.filter(|id| {
        !id.is_empty() && id.len() <= REQUEST_ID_BYTES_MAX && id.bytes().all(|byte| byte.is_ascii_graphic())
    });
    fit.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// Whether the client asks for errors after RFC 9457.
fn wants_problem(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    accepted
        .flat_map(|accept| accept.split(','))
        .any(|accept| accept.trim().starts_with("application/problem+json"))
}

/// Logs what the client is not told: the chain of causes, once.
fn log_cause(description: &Description, error: &dyn Error) {
    let mut causes = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    let causes = causes.join(": ");
    match description.status {
        StatusCode::INTERNAL_SERVER_ERROR => error!(causes, "failed"),
        status if status.is_server_error() => warn!(causes, "refused"),
        _ => {}
    }
}

fn write_error(description: Description, raised: &Response, id: &str, problem: bool) -> Response {
    let status = description.status;
    let mut response = if problem {
        let mut response = (status, Json(problem_body(&description, id))).into_response();
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
        response
    } else {
        let detail = match description.detail {
            Detail::Text(text) => Words::Text(text),
            Detail::Faults(faults) => Words::Faults(faults),
        };
        let body = ErrorBody { detail, code: description.code, request_id: id.to_owned() };
        (status, Json(body)).into_response()
    };
    // Which methods a path knows is told by the router.
    if let Some(allow) = raised.headers().get(axum::http::header::ALLOW) {
        response.headers_mut().insert(axum::http::header::ALLOW, allow.clone());
    }
    let passes = [StatusCode::CONFLICT, StatusCode::SERVICE_UNAVAILABLE, StatusCode::INSUFFICIENT_STORAGE];
    if passes.contains(&status) {
        response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS.into());
    }
    response
}

/// The same error after RFC 9457.
fn problem_body(description: &Description, id: &str) -> Value {
    let title = description.status.canonical_reason().unwrap_or_default();
    let (detail, errors) = match &description.detail {
        Detail::Text(text) => (text.clone(), None),
        Detail::Faults(faults) => (format!("{} faults in the request", faults.len()), Some(faults)),
    };
    let mut body = json!({
        "type": "about:blank",
        "title": title,
        "status": description.status.as_u16(),
        "detail": detail,
        "instance": format!("urn:request:{id}"),
        "code": description.code,
    });
    if let (Some(errors), Some(members)) = (errors, body.as_object_mut()) {
        members.insert("errors".to_owned(), json!(errors));
    }
    body
}
