//! A sign-in. It is charged when its outcome is known: to the principal, or else to the address of the
//! client. So other clients of an address cannot keep a client with a valid token from signing in.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use device_stats_domain::Token;
use device_stats_service::{ClientAddress, Principal, Service, ServiceError};

use super::charges::Charges;
use super::client::Client;
use super::sender::{Known, Sender};
use crate::errors::ApiError;

/// A client that signs in.
pub(crate) struct SignIn {
    pub(super) client: ClientAddress,
    charges: Charges,
    sender: Option<Sender>,
}

impl<S: Send + Sync> FromRequestParts<S> for SignIn {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let Client(client) = Client::from_request_parts(head, state).await?;
        let sender = head.extensions.get::<Sender>().cloned();
        Ok(Self { client, charges: Charges::of(&head.extensions), sender })
    }
}

impl SignIn {
    /// Signs in with a token, and charges the request.
    ///
    /// # Errors
    /// The errors of [`Self::charge`].
    pub(crate) async fn with_token(&self, service: &Service, token: &Token) -> Result<Principal, ApiError> {
        let outcome = self.look_up(service, token).await;
        self.charge(service, outcome)
    }

    /// Returns the principal of a token. Notes an unknown token for the audit log.
    ///
    /// # Errors
    /// The errors of [`Service::sign_in`].
    pub(super) async fn look_up(&self, service: &Service, token: &Token) -> Result<Principal, ApiError> {
        let found = service.sign_in(token, self.client).await;
        if let (Err(ServiceError::TokenUnknown), Some(sender)) = (&found, &self.sender) {
            sender.note(Known::UnknownToken(token.prefix()));
        }
        Ok(found?)
    }

    /// Charges the request by the outcome of its sign-in. Returns the principal, with the origin of the
    /// request.
    ///
    /// # Errors
    /// The error of the outcome, or the error of a rate that is exceeded.
    pub(crate) fn charge(
        &self,
        service: &Service,
        outcome: Result<Principal, ApiError>,
    ) -> Result<Principal, ApiError> {
        let principal = outcome.map_err(|error| self.refuse(service, error))?;
        let principal = match &self.sender {
            None => principal,
            Some(sender) => {
                let principal = principal.with_origin(sender.origin());
                sender.note(Known::Principal(principal));
                principal
            }
        };
        self.charges.add(service.charge_request(principal, self.client))?;
        Ok(principal)
    }

    /// Charges a request to the address of the client, because of an error that the client has caused. Wrong
    /// credentials are also charged as a failed sign-in. Returns the error, or the error of a rate that is
    /// exceeded.
    pub(crate) fn refuse(&self, service: &Service, error: ApiError) -> ApiError {
        // After a server error, the token may be valid, so nothing is charged.
        if !error.describe().status.is_client_error() {
            return error;
        }
        let is_wrong = matches!(
            error,
            ApiError::InvalidCredentials(_)
                | ApiError::Service(ServiceError::TokenUnknown | ServiceError::SessionUnknown)
        );
        let charged = self.charges.add(service.charge_address(self.client)).and_then(|()| {
            let failed = if is_wrong { service.charge_failed_sign_in(self.client) } else { Ok(None) };
            self.charges.add(failed)
        });
        charged.map_or_else(ApiError::from, |()| error)
    }
}
