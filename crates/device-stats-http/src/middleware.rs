//! The middleware of every request. It gives the request an id, writes the body of an error, and logs one
//! line, also if the client disconnects before the response. A request that is refused because of overload
//! has no line. It also counts requests, and reports refusals for the audit log.

use std::borrow::Cow;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use device_stats_domain::{RequestId, contains_token, error_chain, redact_tokens};
use device_stats_service::{Answer, ServiceError};
use percent_encoding::percent_decode_str;
use tracing::{Instrument, Span, error, info, info_span, warn};

use crate::body::drain_if_unread;
use crate::errors::{ApiError, Description, ErrorForm, Raised, error_response};
use crate::extract::{Charges, Sender};
use crate::headers::accept::accepts_problem_json;
use crate::headers::rate_limit::write_rate_limits;
use crate::headers::request_id::{REQUEST_ID, request_id, to_header};
use crate::observers::Observers;
use crate::routes::is_write_path;

/// Runs a request and completes its response.
pub(crate) async fn complete_response(
    State(observers): State<Observers>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request_id(request.headers());
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
    let span = request_span(&id, &method, &path);
    let mut log =
        RequestLog { span: span.clone(), method, route, started: Instant::now(), is_answered: false };
    let counted = observers.count();
    let charges = Charges::default();
    request.extensions_mut().insert(charges.clone());
    let sender = Sender::of(id, request.extensions());
    request.extensions_mut().insert(sender.clone());
    let mut response = next.run(drain_if_unread(request)).instrument(span.clone()).await;
    let _entered = span.enter();
    if let Some(Raised(error)) = response.extensions_mut().remove::<Raised>() {
        let description = error.describe();
        if is_overload(&error) {
            // The service logs the beginning and the end of the overload. Lines for each request would add to
            // it.
            log.is_answered = true;
        } else {
            log_error(&description, &error);
            observers.report(&sender, || log.operation(), &description, &error);
        }
        response = error_response(description, response, &id, form);
    }
    if let Some(metrics) = observers.metrics() {
        let (method, route, time) = (log.method(), log.route(), log.started.elapsed());
        metrics.answered(method, route, response.status().as_u16(), time);
    }
    log.answered(response.status());
    if let Some(counted) = counted {
        counted.answered(kind(response.status()));
    }
    response.headers_mut().insert(REQUEST_ID, to_header(&id));
    write_rate_limits(response.headers_mut(), &charges.states());
    response
}

/// Returns the span of a request, without tokens that a client has sent in a wrong place.
fn request_span(id: &RequestId, method: &Method, path: &str) -> Span {
    let (method, path) = (redact_tokens(method.as_str()), redact_path(path));
    info_span!("request", %id, %method, path = &*path)
}

/// Returns a path for the log. If it contains a token, it is percent-decoded, so that no encoding hides the
/// token.
fn redact_path(path: &str) -> Cow<'_, str> {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    if contains_token(&decoded) { redact_tokens(&decoded).into_owned().into() } else { path.into() }
}

/// The log line of a request. It is written when the request is answered, or when it is dropped unanswered:
/// the server drops a request whose connection has ended.
struct RequestLog {
    span: Span,
    method: Method,
    route: Option<String>,
    started: Instant,
    is_answered: bool,
}

impl RequestLog {
    /// Logs the answer.
    fn answered(mut self, status: StatusCode) {
        if std::mem::replace(&mut self.is_answered, true) {
            return;
        }
        let (status, duration_us) = (status.as_u16(), self.duration_us());
        info!(status, duration_us, route = self.route(), "request answered");
    }

    fn operation(&self) -> String {
        format!("{} {}", self.method(), self.route())
    }

    /// Returns the method. A client chooses other methods freely, so they have one name.
    fn method(&self) -> &'static str {
        match self.method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::DELETE => "DELETE",
            _ => "OTHER",
        }
    }

    fn route(&self) -> &str {
        self.route.as_deref().unwrap_or("none")
    }

    fn duration_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

impl Drop for RequestLog {
    fn drop(&mut self) {
        if !self.is_answered {
            let _entered = self.span.enter();
            let duration_us = self.duration_us();
            info!(duration_us, route = self.route(), "connection ended before the request was answered");
        }
    }
}

/// Returns the kind of an answer. With 429 and 503 the service refuses a request because of a limit, or
/// because it cannot answer now.
fn kind(status: StatusCode) -> Answer {
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Answer::Refusal,
        status if status.is_client_error() => Answer::ClientError,
        status if status.is_server_error() => Answer::ServerError,
        _ => Answer::Success,
    }
}

fn is_overload(error: &ApiError) -> bool {
    matches!(error, ApiError::Service(ServiceError::Overloaded))
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

#[cfg(test)]
mod tests {
    use device_stats_domain::{Token, TokenKind};

    use super::*;

    /// A token in a path was in each log line about the request.
    #[test]
    fn a_path_is_logged_without_tokens() {
        let token = Token::from_random(TokenKind::User, &[0xAB; 32]);
        let text = token.expose();
        for (path, shown) in [
            (format!("/{text}/a%20b"), "/dss_u_q6urq6***/a b"),
            (format!("/{}", text.replace('_', "%5f")), "/dss_u_q6urq6***"),
            (format!("/api/v1/devices/x{text}"), "/api/v1/devices/xdss_u_q6urq6***"),
            ("/a%20b/%ff".to_owned(), "/a%20b/%ff"),
        ] {
            assert_eq!(redact_path(&path), shown);
        }
    }
}
