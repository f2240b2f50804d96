//! The conversion of an error to a response. A handler returns a provisional response that contains the
//! error. The middleware writes the final response, because only the middleware knows the id of the request
//! and the form of errors that the client accepts.

use std::sync::Arc;

use axum::Json;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use device_stats_domain::RequestId;
use device_stats_formats::{Fault, LocationStep};

use super::api_error::ApiError;
use super::schemas::{ErrorResponse, InfluxMembers, ProblemResponse, ValidationErrorResponse};
use super::table::{Description, Detail};
use crate::headers::accept::PROBLEM_JSON;
use crate::limits::RETRY_AFTER_SECONDS;

/// The form of the body of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorForm {
    /// The format of the API contract.
    Contract,
    /// The format of the API contract, with the members that InfluxDB clients show.
    Influx,
    /// The format of RFC 9457.
    Problem,
}

/// The error inside a provisional response.
#[derive(Clone, Debug)]
pub(crate) struct Raised(pub(crate) Arc<ApiError>);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.describe().status.into_response();
        response.extensions_mut().insert(Raised(Arc::new(self)));
        response
    }
}

/// Returns the final response to an error. It keeps the headers of the provisional response, which other
/// layers have added: the methods of the path, and the headers for browsers.
pub(crate) fn error_response(
    description: Description,
    provisional: Response,
    id: &RequestId,
    form: ErrorForm,
) -> Response {
    let Description { status, retry_after_s, .. } = description;
    let body = match form {
        ErrorForm::Contract => contract_error(description, id, InfluxMembers::default()),
        ErrorForm::Influx => {
            let members = influx_members(&description.detail);
            contract_error(description, id, members)
        }
        ErrorForm::Problem => problem(description, id),
    };
    let mut response = (status, body).into_response();
    let mut kept = provisional.into_parts().0.headers;
    kept.remove(CONTENT_LENGTH);
    let headers = response.headers_mut();
    headers.extend(kept);
    if form == ErrorForm::Problem {
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"device-stats\""));
    }
    if let Some(seconds) = retry_after_s.or(is_temporary(status).then_some(RETRY_AFTER_SECONDS.into())) {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    response
}

fn is_temporary(status: StatusCode) -> bool {
    [StatusCode::CONFLICT, StatusCode::SERVICE_UNAVAILABLE, StatusCode::INSUFFICIENT_STORAGE]
        .contains(&status)
}

fn contract_error(description: Description, id: &RequestId, influx: InfluxMembers) -> Response {
    let (code, request_id) = (description.code, id.to_string());
    match description.detail {
        Detail::Text(detail) => Json(ErrorResponse { detail, code, request_id, influx }).into_response(),
        Detail::Faults(detail) => {
            Json(ValidationErrorResponse { detail, code, request_id, influx }).into_response()
        }
    }
}

/// Returns the members for clients of InfluxDB. Telegraf logs `message` (its output for version 2) or `error`
/// (for version 1), and drops the batch.
fn influx_members(detail: &Detail) -> InfluxMembers {
    let (message, line) = match detail {
        Detail::Text(text) => (text.clone(), None),
        Detail::Faults(faults) => faults.first().map_or_else(Default::default, explain),
    };
    InfluxMembers { message: Some(message.clone()), error: Some(message), line }
}

/// Returns the explanation of a fault, and its line.
fn explain(fault: &Fault) -> (String, Option<u64>) {
    let Fault { loc, line, msg, ctx, .. } = fault;
    let place = line.map_or_else(String::new, |line| format!("line {line}: "));
    // The position of the line in the body is already in `place`.
    let name = match loc.last() {
        Some(LocationStep::Name(name)) if name != "body" => format!("{name}: "),
        _ => String::new(),
    };
    let reason =
        ctx.as_ref().and_then(|ctx| ctx.get("error")?.as_str()).filter(|reason| !msg.contains(reason));
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    (format!("{place}{name}{msg}{reason}"), *line)
}

#[expect(clippy::expect_used, reason = "every status in the table is a standard one")]
fn problem(description: Description, id: &RequestId) -> Response {
    let (detail, errors) = match description.detail {
        Detail::Text(text) => (text, None),
        Detail::Faults(faults) => {
            let plural = if faults.len() == 1 { "" } else { "s" };
            (format!("{} fault{plural} in the request", faults.len()), Some(faults))
        }
    };
    let problem = ProblemResponse {
        kind: "about:blank",
        title: description.status.canonical_reason().expect("a standard status has a reason"),
        status: description.status.as_u16(),
        detail,
        instance: format!("urn:request:{id}"),
        code: description.code,
        errors,
    };
    Json(problem).into_response()
}
