//! A client of an operation that needs no token.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use device_stats_service::Service;

use super::charges::Charges;
use super::client::Client;
use crate::errors::ApiError;

/// A client without a token. Its request is charged to its address.
pub(crate) struct Anyone;

impl FromRequestParts<Service> for Anyone {
    type Rejection = ApiError;

    async fn from_request_parts(head: &mut Parts, service: &Service) -> Result<Self, ApiError> {
        let Ok(Client(client)) = Client::from_request_parts(head, service).await;
        Charges::of(&head.extensions).add(service.charge_address(client))?;
        Ok(Self)
    }
}
