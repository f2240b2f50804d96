//! The caller of a request, by its credentials.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use device_stats_service::{Action, AuthMode, Granted, Principal, Service, ServiceError};

use super::anyone::Anyone;
use super::charges::Charges;
use super::client::Client;
use super::sender::{Known, Sender};
use crate::browsers::is_same_origin;
use crate::errors::ApiError;
use crate::headers::{credentials, session_cookie};

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
        match sign_in(head, service).await {
            Ok(principal) => {
                let principal = principal.with_origin(Sender::origin(&head.extensions));
                Sender::note(&head.extensions, Known::Principal(principal));
                let Ok(Client(client)) = Client::from_request_parts(head, service).await;
                Charges::of(&head.extensions).add(service.charge_request(principal, client))?;
                Ok(Self(principal))
            }
            Err(error) if is_caused_by_client(&error) => {
                let anyone = Anyone::from_request_parts(head, service).await?;
                Err(anyone.fail(service, error))
            }
            // The client may have a valid token.
            Err(error) => Err(error),
        }
    }
}

/// Returns whether the credentials of a request are missing or not valid.
fn is_caused_by_client(error: &ApiError) -> bool {
    matches!(
        error,
        ApiError::TokenMissing
            | ApiError::InvalidCredentials(_)
            | ApiError::CookieOfAnotherOrigin
            | ApiError::Service(ServiceError::TokenUnknown | ServiceError::SessionUnknown)
    )
}

/// Returns the principal of a request. In the open mode, credentials are ignored, so that clients can send
/// them before tokens are required.
async fn sign_in(head: &Parts, service: &Service) -> Result<Principal, ApiError> {
    if service.auth() == AuthMode::Open {
        return Ok(Principal::ANYONE);
    }
    if let Some(token) = credentials::token(&head.headers)? {
        let principal = service.sign_in(&token).await;
        if let Err(ServiceError::TokenUnknown) = principal {
            Sender::note(&head.extensions, Known::UnknownToken(token.prefix()));
        }
        return Ok(principal?);
    }
    let session = session_cookie::session(&head.headers).ok_or(ApiError::TokenMissing)?;
    if !head.method.is_safe() && !is_same_origin(head) {
        return Err(ApiError::CookieOfAnotherOrigin);
    }
    Ok(service.resume_session(&session).await?)
}
