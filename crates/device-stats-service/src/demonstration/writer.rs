//! The task that writes the readings of the simulated devices: the history first, then live readings.

use std::sync::{Arc, Weak};
use std::time::Duration;

use device_stats_domain::{DeviceId, Measurement, Timestamp, error_chain};
use device_stats_store::StoreError;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::devices::{Measured, SimulatedDevice};
use crate::access::{Granted, Ingest};
use crate::error::ServiceError;
use crate::ingest::MissingDevices;
use crate::limits::{DEMO_BATCH_READINGS, DEMO_CATCH_UP_MAX, DEMO_LIVE_INTERVAL, DEMO_RETRY_PAUSE};
use crate::service::{Service, ServiceParts};

// Otherwise each failure would leave a gap.
const _: () = assert!(DEMO_RETRY_PAUSE.as_millis() < DEMO_CATCH_UP_MAX.as_millis());

/// Writes readings until the demonstration is stopped, its devices are deleted, or the service ends.
pub(super) struct Writer {
    /// Weak, so that the demonstration does not keep a service alive that nobody uses any more.
    service: Weak<ServiceParts>,
    /// The right of the user of the demonstration. Its devices are found only while they belong to this user.
    granted: Granted<Ingest>,
    stop: CancellationToken,
    devices: Vec<WrittenDevice>,
    has_failed: bool,
}

/// A device, and the time up to which its readings are written.
pub(super) struct WrittenDevice {
    pub(super) device: SimulatedDevice,
    pub(super) id: DeviceId,
    pub(super) until: Timestamp,
}

impl Writer {
    /// Creates the writer for a service. It ends when `stop` is cancelled.
    pub(super) fn new(
        service: &Service,
        granted: Granted<Ingest>,
        stop: CancellationToken,
        devices: Vec<WrittenDevice>,
    ) -> Self {
        let service = Arc::downgrade(&service.parts);
        Self { service, granted, stop, devices, has_failed: false }
    }

    /// Writes until the end. A batch in progress is always completed, so nothing is stored after the end.
    pub(super) async fn run(mut self) {
        let Some(now) = self.service().map(|service| service.parts.clock.now()) else { return };
        for index in 0..self.devices.len() {
            self.write_history(index, now).await;
        }
        while !self.devices.is_empty() && self.write_live().await && self.pause(DEMO_LIVE_INTERVAL).await {}
        if self.devices.is_empty() {
            tracing::info!("the demonstration has ended, because its devices were deleted");
        }
    }

    /// Returns the service; `None` if the demonstration must end.
    fn service(&self) -> Option<Service> {
        let service = Service { parts: self.service.upgrade()? };
        (!self.stop.is_cancelled() && !service.is_stopping()).then_some(service)
    }

    /// Writes the readings of a device up to a time, in batches. A batch that fails is tried again.
    async fn write_history(&mut self, index: usize, end: Timestamp) {
        while let Some(WrittenDevice { device, id, until: after }) = self.devices.get(index)
            && *after < end
        {
            let Some(service) = self.service() else { return };
            let (device, id, after) = (*device, id.clone(), *after);
            let measure = move || device.measure(device.history_us, after, end, DEMO_BATCH_READINGS);
            let Ok(Measured { readings, until }) = service.compute_body(measure).await else { return };
            match append(&service, self.granted, &id, readings).await {
                Ok(()) => self.note_written(index, until),
                // `write_live` removes the device.
                Err(ServiceError::Store(StoreError::DeviceMissing)) => return,
                Err(error) => self.pause_after(&error).await,
            }
        }
    }

    /// Writes the readings of all devices up to now. Returns false if the demonstration must end.
    async fn write_live(&mut self) -> bool {
        let Some(service) = self.service() else { return false };
        let now = service.parts.clock.now();
        let earliest = now.saturating_sub(DEMO_CATCH_UP_MAX);
        let (mut batch, mut ends) = (Vec::new(), Vec::new());
        for WrittenDevice { device, id, until } in &self.devices {
            let after = (*until).max(earliest);
            let measured = device.measure(device.live_us, after, now.max(after), DEMO_BATCH_READINGS);
            batch.extend(measured.readings.into_iter().map(|reading| (id.clone(), reading)));
            ends.push(measured.until);
        }
        let missing = if batch.is_empty() {
            Vec::new()
        } else {
            let mut permit = service.body_permit();
            let skip = MissingDevices::Skip;
            match service.append_mixed_batch(self.granted, batch, skip, None, &mut permit).await {
                Ok((_, missing)) => missing,
                Err(error) => {
                    self.pause_after(&error).await;
                    return true;
                }
            }
        };
        for (index, until) in ends.into_iter().enumerate() {
            self.note_written(index, until);
        }
        self.devices.retain(|written| missing.iter().all(|(_, id)| *id != written.id));
        true
    }

    fn note_written(&mut self, index: usize, until: Timestamp) {
        if let Some(written) = self.devices.get_mut(index) {
            written.until = until;
        }
        self.has_failed = false;
    }

    /// Waits after a failure. The first one of several is logged.
    async fn pause_after(&mut self, error: &ServiceError) {
        if !std::mem::replace(&mut self.has_failed, true) {
            let causes = error_chain(error);
            tracing::warn!(causes, "storing readings of the demonstration failed, trying again");
        }
        self.pause(DEMO_RETRY_PAUSE).await;
    }

    /// Waits. Returns false if the demonstration is stopped meanwhile.
    async fn pause(&self, time: Duration) -> bool {
        self.stop.run_until_cancelled(sleep(time)).await.is_some()
    }
}

async fn append(
    service: &Service,
    granted: Granted<Ingest>,
    id: &DeviceId,
    readings: Vec<Measurement>,
) -> Result<(), ServiceError> {
    if readings.is_empty() {
        return Ok(());
    }
    let mut permit = service.body_permit();
    service.append_batch(granted, id, readings, MissingDevices::Refuse, None, &mut permit).await.map(drop)
}
