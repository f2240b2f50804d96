//! The sender of readings.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use device_stats_service::{ClientAddress, Granted, Ingest, Service};

use super::caller::Caller;
use super::charges::Charges;
use super::client::Client;
use crate::errors::ApiError;

/// A principal that may send readings, and that has anything left of its quota of them. Otherwise it is
/// refused here, before the body is read. A handler gets the right to append them in exchange for their
/// charge, so no operation stores readings without a charge.
pub(crate) struct ReadingSender {
    granted: Granted<Ingest>,
    client: ClientAddress,
    charges: Charges,
}

impl FromRequestParts<Service> for ReadingSender {
    type Rejection = ApiError;

    async fn from_request_parts(head: &mut Parts, service: &Service) -> Result<Self, ApiError> {
        let Caller(granted) = Caller::from_request_parts(head, service).await?;
        let Ok(Client(client)) = Client::from_request_parts(head, service).await;
        let charges = Charges::of(&head.extensions);
        charges.add(service.check_readings(granted.principal(), client).map(|()| None))?;
        Ok(Self { granted, client, charges })
    }
}

impl ReadingSender {
    /// Charges a number of readings to the sender. Returns the right to append them.
    ///
    /// # Errors
    /// The rate of readings is exceeded.
    pub(crate) fn charge(self, service: &Service, count: usize) -> Result<Granted<Ingest>, ApiError> {
        let charged = service.charge_readings(self.granted.principal(), self.client, count);
        self.charges.add(charged)?;
        Ok(self.granted)
    }
}
