//! Exports: all readings of a window, device by device, in order of time, as many as there are. They are read a span at a
//! time, when the one before has been taken; in between an export holds no thread and no connection.

mod device_export;
mod permits;

use std::collections::VecDeque;

use bytes::Bytes;
use device_stats_domain::{Device, User, Window};
use device_stats_formats::export::Encoder;
use device_stats_store::StoreError;

pub(crate) use permits::Places;

use crate::queries::snapshot::ATTEMPTS_MAX;
use crate::segments::ReadError;
use crate::{Authorized, Service, ServiceError};
use device_export::{Span, Walk};
use permits::Place;

/// An export under way. The readings of each device are those of one moment after the export began, so those that were
/// acknowledged before it began are all in it, each once. Where segments are merged away under it, a device goes on behind
/// the last reading handed out, as it is then.
pub struct Export<E> {
    service: Service,
    window: Window,
    /// Devices that have not begun.
    devices: VecDeque<Device>,
    /// The device that has.
    walk: Option<Walk>,
    /// Nothing once all is handed out, or something has failed.
    encoder: Option<E>,
    place: Place,
}

impl Service {
    /// Begins to export the readings of a device.
    ///
    /// # Errors
    /// [`ServiceError::TooManyExports`]; [`StoreError::DeviceMissing`] after a race.
    pub async fn export_device<E: Encoder>(
        &self,
        device: Authorized<Device>,
        window: Window,
        encoder: E,
    ) -> Result<Export<E>, ServiceError> {
        let place = self.exports.take().ok_or(ServiceError::TooManyExports)?;
        let walk = Some(Walk::begin(self, device.into_inner(), window).await?);
        let (service, devices) = (self.clone(), VecDeque::new());
        Ok(Export { service, window, devices, walk, encoder: Some(encoder), place })
    }

    /// Begins to export the readings of the devices that a user has now, device by device, by ascending key. A device that
    /// is deleted before its turn is left out.
    ///
    /// # Errors
    /// [`ServiceError::TooManyExports`].
    pub async fn export_user<E: Encoder>(
        &self,
        user: &Authorized<User>,
        window: Window,
        encoder: E,
    ) -> Result<Export<E>, ServiceError> {
        let place = self.exports.take().ok_or(ServiceError::TooManyExports)?;
        let devices = self.devices_of(user).await?.into();
        let service = self.clone();
        Ok(Export { service, window, devices, walk: None, encoder: Some(encoder), place })
    }
}

impl<E: Encoder> Export<E> {
    /// The next bytes, which are never none, and what comes behind them; `None` behind the last ones.
    ///
    /// # Errors
    /// Those of the store, where it cannot go on. Then the export is incomplete, and nothing more is to be had of it.
    pub async fn next(mut self) -> Result<Option<(Bytes, Self)>, ServiceError> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(None) };
        let mut attempts = 0;
        while let Some(walk) = self.current().await? {
            let Some(span) = walk.next_span() else {
                self.walk = None;
                continue;
            };
            let made;
            (encoder, made) = encode(&self.service, &self.place, encoder, span).await?;
            match made {
                Ok((until_us, bytes)) => {
                    attempts = 0;
                    if let Some(walk) = &mut self.walk {
                        walk.go_on(until_us);
                    }
                    if !bytes.is_empty() {
                        self.encoder = Some(encoder);
                        return Ok(Some((bytes, self)));
                    }
                }
                Err(ReadError::Gone) if attempts < ATTEMPTS_MAX => {
                    attempts += 1;
                    if let Some(walk) = self.walk.take() {
                        self.walk = Some(walk.begin_anew(&self.service).await?);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        let rest = self.place.compute(&self.service.compute, move || encoder.finish()).await?;
        let rest = rest.map_err(ServiceError::Died)?;
        Ok((!rest.is_empty()).then_some((rest, self)))
    }

    /// The device that is exported now; `None` behind the last one.
    async fn current(&mut self) -> Result<Option<&Walk>, ServiceError> {
        while self.walk.is_none()
            && let Some(device) = self.devices.pop_front()
        {
            match Walk::begin(&self.service, device, self.window).await {
                Ok(walk) => self.walk = Some(walk),
                Err(ServiceError::Store(StoreError::DeviceMissing)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.walk.as_ref())
    }
}

/// Reads and encodes a span: how far it has come, and the bytes. Where it cannot be read, nothing has been encoded.
async fn encode<E: Encoder>(
    service: &Service,
    place: &Place,
    mut encoder: E,
    span: Span,
) -> Result<(E, Result<(i64, Bytes), ReadError>), ServiceError> {
    let ready = match span.open(&service.segments).await {
        Ok(ready) => ready,
        Err(error) => return Ok((encoder, Err(error))),
    };
    let computed = place.compute(&service.compute, move || {
        let made = ready.read().map(|(until_us, device, readings)| {
            let bytes = match readings.as_slice() {
                [] => Ok(Bytes::new()),
                readings => encoder.encode(&device, readings),
            };
            bytes.map(|bytes| (until_us, bytes))
        });
        (encoder, made)
    });
    match computed.await? {
        (encoder, Ok(made)) => Ok((encoder, Ok(made.map_err(ServiceError::Died)?))),
        (encoder, Err(error)) => Ok((encoder, Err(error))),
    }
}
