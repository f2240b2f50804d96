//! Exports: all readings of a window, by device and ascending time. The next span of time is read after the
//! client has received the previous one. In between, an export holds no thread and no connection of the
//! store.

mod device_export;

use std::collections::VecDeque;

use bytes::Bytes;
use device_stats_domain::{Device, Window};
use device_stats_formats::export::Encoder;
use device_stats_store::StoreError;
use tokio::time::Instant;

use crate::access::held_right::HeldRight;
use crate::access::reading_source::ReadingSource;
use crate::access::{Authorized, Read};
use crate::client_limit::{ClientAddress, ClientPermit};
use crate::error::ServiceError;
use crate::queries::snapshot::ATTEMPTS_MAX;
use crate::segments::reader::ReadError;
use crate::service::Service;
use device_export::{DeviceExport, ExportSpan};

/// An export in progress.
///
/// The readings of each device are a snapshot taken after the export began, so each reading that was
/// acknowledged before the export began is exported once. If a segment is merged meanwhile, or if the device
/// has too many hot readings for one snapshot, the export continues with a new snapshot of the device, after
/// the last exported reading.
pub struct Export {
    service: Service,
    /// The right of the client to read. It is checked again at intervals, and for each device of a user.
    right: HeldRight,
    window: Window,
    current: Option<DeviceExport>,
    /// The devices after the current one.
    later: VecDeque<Device>,
    /// `None` after the last bytes, or after an error.
    encoder: Option<Box<dyn Encoder>>,
    _permit: ClientPermit,
}

impl Service {
    /// Begins an export for a client. An export of a user contains the devices that the user has now, by
    /// ascending key. A device that is deleted before its turn is omitted.
    ///
    /// # Errors
    /// [`ServiceError::TooManyExports`]; [`StoreError::DeviceMissing`] if the device was deleted meanwhile;
    /// the other errors of the store.
    pub async fn export(
        &self,
        source: Authorized<ReadingSource, Read>,
        window: Window,
        encoder: Box<dyn Encoder>,
        client: ClientAddress,
    ) -> Result<Export, ServiceError> {
        let permit = self.parts.admission.admit_export(client)?;
        let right = HeldRight::begin(self, source.granted()).await?;
        let (current, later) = match source.into_inner() {
            ReadingSource::Device(device) => {
                (Some(DeviceExport::new(&self.parts.store, device, window).await?), VecDeque::new())
            }
            ReadingSource::User(user) => (None, self.parts.store.list_user_devices(user.id).await?.into()),
        };
        let service = self.clone();
        Ok(Export { service, right, window, current, later, encoder: Some(encoder), _permit: permit })
    }
}

impl Export {
    /// Returns the next bytes, at least one, and the rest of the export; `None` after the last bytes.
    ///
    /// # Errors
    /// [`ServiceError::TokenUnknown`] or [`StoreError::DeviceMissing`] if the client may not read any more;
    /// the errors of the store. The export is then incomplete and cannot continue.
    pub async fn next(mut self) -> Result<Option<(Bytes, Self)>, ServiceError> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(None) };
        let mut attempts = 0;
        while let Some(mut device) = self.take_current().await? {
            if self.right.is_due() {
                let began = Instant::now();
                check_right(&self.right, &self.service, device.device()).await?;
                self.right.note_checked(began);
            }
            let Some(span) = device.next_span() else {
                self.current = device.with_next_snapshot(&self.service.parts.store).await?;
                continue;
            };
            let written;
            (encoder, written) = encode_span(&self.service, encoder, span).await?;
            match written {
                Ok((until_us, bytes)) => {
                    attempts = 0;
                    device.skip_to(until_us);
                    self.current = Some(device);
                    if !bytes.is_empty() {
                        self.encoder = Some(encoder);
                        return Ok(Some((bytes, self)));
                    }
                }
                Err(ReadError::Gone) if attempts < ATTEMPTS_MAX => {
                    attempts += 1;
                    self.current = Some(device.with_new_snapshot(&self.service.parts.store).await?);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let rest = self.service.parts.compute.run_for_export(move || encoder.finish()).await;
        let rest = rest.and_then(|encoded| encoded).map_err(ServiceError::ComputationFailed)?;
        Ok((!rest.is_empty()).then_some((rest, self)))
    }

    /// Takes the current device, or begins the next one; `None` after the last device.
    async fn take_current(&mut self) -> Result<Option<DeviceExport>, ServiceError> {
        if let Some(current) = self.current.take() {
            return Ok(Some(current));
        }
        while let Some(device) = self.later.pop_front() {
            // It may have got another owner since the export began.
            if !self.right.sees(&self.service, &device).await? {
                continue;
            }
            match DeviceExport::new(&self.service.parts.store, device, self.window).await {
                Err(StoreError::DeviceMissing) => {}
                current => return Ok(Some(current?)),
            }
        }
        Ok(None)
    }
}

/// Checks that the client may still read a device.
async fn check_right(right: &HeldRight, service: &Service, device: &Device) -> Result<(), ServiceError> {
    if !right.is_signed_in(service).await? {
        Err(ServiceError::TokenUnknown)
    } else if right.sees(service, device).await? {
        Ok(())
    } else {
        Err(StoreError::DeviceMissing.into())
    }
}

/// Reads and encodes a span. Returns the end of the span and the encoded bytes. Encodes nothing if the span
/// cannot be read.
async fn encode_span(
    service: &Service,
    mut encoder: Box<dyn Encoder>,
    span: ExportSpan,
) -> Result<(Box<dyn Encoder>, Result<(i64, Bytes), ReadError>), ServiceError> {
    let span = match span.open(&service.parts.segments).await {
        Ok(span) => span,
        Err(error) => return Ok((encoder, Err(error))),
    };
    let computed = service.parts.compute.run_for_export(move || {
        let written = span.read().map(|(until_us, device, readings)| {
            let bytes = match readings.as_slice() {
                [] => Ok(Bytes::new()),
                readings => encoder.encode(&device, readings),
            };
            bytes.map(|bytes| (until_us, bytes))
        });
        (encoder, written)
    });
    match computed.await.map_err(ServiceError::ComputationFailed)? {
        (encoder, Ok(written)) => Ok((encoder, Ok(written.map_err(ServiceError::ComputationFailed)?))),
        (encoder, Err(error)) => Ok((encoder, Err(error))),
    }
}
