//! The sender of readings.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use device_stats_domain::DeviceId;
use device_stats_formats::Faults;
use device_stats_service::{ClientAddress, Granted, Ingest, Service};

use super::batch_options::BatchOptions;
use super::caller::Caller;
use super::charges::Charges;
use super::client::Client;
use super::input::{FromInput, Input};
use super::path::PathDevice;
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

/// The sender of a batch for the device in the path. If the device is missing, or the sender may not see it,
/// the request is refused here, so that nobody makes the service parse large bodies for such a device. With
/// `register=true`, this applies only to a sender that may not create devices.
pub(crate) struct DeviceBatchSender {
    pub(crate) sender: ReadingSender,
    pub(crate) device: DeviceId,
}

impl FromRequestParts<Service> for DeviceBatchSender {
    type Rejection = ApiError;

    async fn from_request_parts(head: &mut Parts, service: &Service) -> Result<Self, ApiError> {
        let sender = ReadingSender::from_request_parts(head, service).await?;
        let input = Input::from_target(head, service).await?;
        let device = PathDevice::of(&input).id()?.clone();
        // Faulty options count as the defaults here. For a visible device, all faults are reported after the
        // body.
        let options = BatchOptions::read(&input, &mut Faults::default()).unwrap_or_default();
        service.check_batch_device(sender.granted, &device, options.missing_devices()).await?;
        Ok(Self { sender, device })
    }
}
