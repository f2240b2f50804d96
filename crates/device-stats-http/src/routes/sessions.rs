//! `/session`: a browser signs in with a token, and signs out.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse, Response};
use device_stats_domain::{InvalidToken, Token};
use device_stats_formats::{Members, values};
use device_stats_service::{NewSession, Service};
use serde::Serialize;
use utoipa::ToSchema;

use super::tokens::TokenResponse;
use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{
    CookieTransport, JsonBody, NoQuery, Parsed, RequestBody, RequestOrigin, SessionCookie, SignIn,
};
use crate::headers::credentials::InvalidCredentials;
use crate::headers::session_cookie::{self, Transport};

/// The token of a person who signs in.
#[derive(ToSchema)]
#[schema(as = SessionCreate)]
#[expect(dead_code, reason = "describes `Token`")]
pub(crate) struct SessionCreateBody {
    /// The access token.
    #[schema(example = "dss_u_nS4x9Q3C0mTqk1bVYwK2u8rQZ7hJd5LxPfGe6iNoA4s_1b2c3d4e")]
    token: String,
}

impl RequestBody for SessionCreateBody {
    /// A fault would repeat the text, which may be a token with a typing error.
    type Value = Result<Token, InvalidToken>;
    const NAMES: &'static [&'static str] = &["token"];

    fn read(members: &mut Members<'_>) -> Option<Self::Value> {
        members.required("token", values::token)
    }
}

/// A session that has begun.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionResponse {
    /// The token of the session, without its secret.
    token: TokenResponse,
    /// Time at which the session ends at the latest, RFC 3339 in UTC.
    #[schema(example = "2026-11-23T22:00:00.250000Z")]
    ends_at: String,
}

/// Sign in
///
/// Begins a session with the rights of a token, and sets a cookie. The session ends after 12 hours, after 30
/// minutes without a request, with its token, or when the browser signs out. A request without TLS is
/// accepted only from the same machine, because others could read the cookie.
#[utoipa::path(
    post, path = "/api/v1/session", tag = "tokens",
    request_body = SessionCreateBody,
    responses(
        (status = 201, description = "The session.", body = SessionResponse,
            headers(("set-cookie" = String, description = "The cookie of the session; HttpOnly, SameSite=Strict."))),
        (status = 401, description = "The token is unknown, expired or revoked.", body = ErrorResponse),
        (status = 403, description = "The connection is not encrypted, or a web page of another site sent the request.",
            body = ErrorResponse),
    ),
)]
pub(super) async fn create_session(
    State(service): State<Service>,
    attempt: SignIn,
    transport: Result<CookieTransport, ApiError>,
    input: Result<Parsed<JsonBody<SessionCreateBody>>, ApiError>,
) -> Result<Response, ApiError> {
    let read = || -> Result<(Transport, Token), ApiError> {
        let (CookieTransport(transport), Parsed(JsonBody(token))) = (transport?, input?);
        Ok((transport, token.map_err(InvalidCredentials::Token)?))
    };
    let (transport, token) = read().map_err(|error| attempt.refuse(&service, error))?;
    let principal = attempt.with_token(&service, &token).await?;
    let NewSession { secret, token, ends_at } = service.begin_session(principal).await?;
    let cookie = AppendHeaders([(SET_COOKIE, session_cookie::set(&secret, transport))]);
    let body = SessionResponse { token: (&token).into(), ends_at: ends_at.to_string() };
    Ok((StatusCode::CREATED, cookie, Json(body)).into_response())
}

/// Sign out
///
/// Ends the session of the cookie, and deletes the cookie. Succeeds without a session, too. No rate limits
/// it, so that nobody can keep a person from signing out.
#[utoipa::path(
    delete, path = "/api/v1/session", tag = "tokens",
    responses((status = 204, description = "The session has ended.")),
)]
pub(super) async fn delete_session(
    State(service): State<Service>,
    RequestOrigin(origin): RequestOrigin,
    SessionCookie(secret): SessionCookie,
    Parsed(NoQuery): Parsed<NoQuery>,
) -> Result<Response, ApiError> {
    if let Some(secret) = secret {
        service.end_session(&secret, origin).await?;
    }
    let cookies = [Transport::Tls, Transport::Plain].map(|one| (SET_COOKIE, session_cookie::delete(one)));
    Ok((StatusCode::NO_CONTENT, AppendHeaders(cookies)).into_response())
}
