//! The caller of a request, by its credentials.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use device_stats_service::{Action, Granted, Principal, Service, ServiceError};

use super::session::session;
use super::sign_in::SignIn;
use crate::browsers::is_same_origin;
use crate::errors::ApiError;
use crate::headers::credentials;

/// The principal that makes a request, with the right to the action `A`. Each operation names its action as
/// the type of this extractor. The right is checked before the body is read.
pub(crate) struct Caller<A>(pub(crate) Granted<A>);

/// The principal that makes a request, for operations that need no right.
pub(crate) struct SignedIn(pub(crate) Principal);

impl<A: Action> FromRequestParts<Service> for Caller<A> {
    type Rejection = ApiError;

    async fn from_request_parts(head: &mut Parts, service: &Service) -> Result<Self, ApiError> {
        let SignedIn(principal) = SignedIn::from_request_parts(head, service).await?;
        Ok(Self(principal.grant().map_err(ServiceError::from)?))
    }
}

impl FromRequestParts<Service> for SignedIn {
    type Rejection = ApiError;

    /// Charges the request to its principal, or to the address of the client.
    async fn from_request_parts(head: &mut Parts, service: &Service) -> Result<Self, ApiError> {
        let Ok(attempt) = SignIn::from_request_parts(head, service).await;
        let outcome = sign_in(head, service, &attempt).await;
        attempt.charge(service, outcome).map(Self)
    }
}

/// Returns the principal of a request. In the open mode, credentials are ignored, so that clients can send
/// them before tokens are required.
async fn sign_in(head: &Parts, service: &Service, attempt: &SignIn) -> Result<Principal, ApiError> {
    if let Some(anyone) = service.anyone() {
        return Ok(anyone);
    }
    if let Some(token) = credentials::token(&head.headers)? {
        return attempt.look_up(service, &token).await;
    }
    let session = session(head).ok_or(ApiError::TokenMissing)?;
    if !head.method.is_safe() && !is_same_origin(head) {
        return Err(ApiError::CookieOfAnotherOrigin);
    }
    Ok(service.resume_session(&session, attempt.client).await?)
}
