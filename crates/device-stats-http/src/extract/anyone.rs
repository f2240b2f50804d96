//! A client of an operation that needs no token, or a client whose sign-in has failed.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use device_stats_service::{ClientAddress, Service, ServiceError};

use super::charges::Charges;
use super::client::Client;
use crate::errors::ApiError;

/// A client without a token. Its request is charged to its address.
pub(crate) struct Anyone {
    client: ClientAddress,
    charges: Charges,
}

impl FromRequestParts<Service> for Anyone {
    type Rejection = ApiError;

    async fn from_request_parts(head: &mut Parts, service: &Service) -> Result<Self, ApiError> {
        let Ok(Client(client)) = Client::from_request_parts(head, service).await;
        let charges = Charges::of(&head.extensions);
        charges.add(service.charge_address(client))?;
        Ok(Self { client, charges })
    }
}

impl Anyone {
    /// Returns the error of a failed sign-in. If the credentials are not valid, charges the failure; above
    /// the rate, returns the error of the rate instead.
    pub(crate) fn fail(&self, service: &Service, error: ApiError) -> ApiError {
        let is_charged = matches!(
            error,
            ApiError::InvalidCredentials(_)
                | ApiError::Service(ServiceError::TokenUnknown | ServiceError::SessionUnknown)
        );
        let charged = if is_charged { service.charge_failed_sign_in(self.client) } else { Ok(None) };
        self.charges.add(charged).map_or_else(ApiError::from, |()| error)
    }
}
