//! The conversion of an error to a response. A handler returns a provisional response that contains the
//! error. The middleware writes the final response, because only the middleware knows the id of the request
//! and the form of errors that the client accepts.

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};

use super::api_error::ApiError;
use super::schemas::{ErrorResponse, ProblemResponse, ValidationErrorResponse};
use super::table::{Description, Detail};
use crate::headers::accept::PROBLEM_JSON;
use crate::headers::request_id::RequestId;
use crate::limits::RETRY_AFTER_SECONDS;

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

/// Returns the final response to an error, in the form of the contract or by RFC 9457.
pub(crate) fn error_response(
    description: Description,
    provisional: &Response,
    id: &RequestId,
    as_problem: bool,
) -> Response {
    let status = description.status;
    let body = if as_problem { problem(description, id) } else { contract_error(description, id) };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    if as_problem {
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
    }
    // The router adds the methods of the path to the provisional response.
    if let Some(allow) = provisional.headers().get(ALLOW) {
        headers.insert(ALLOW, allow.clone());
    }
    if is_temporary(status) {
        headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS.into());
    }
    response
}

fn is_temporary(status: StatusCode) -> bool {
    [StatusCode::CONFLICT, StatusCode::SERVICE_UNAVAILABLE, StatusCode::INSUFFICIENT_STORAGE]
        .contains(&status)
}

fn contract_error(description: Description, id: &RequestId) -> Response {
    let (code, request_id) = (description.code, id.to_string());
    match description.detail {
        Detail::Text(detail) => Json(ErrorResponse { detail, code, request_id }).into_response(),
        Detail::Faults(detail) => Json(ValidationErrorResponse { detail, code, request_id }).into_response(),
    }
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
