//! Appending readings: one, many of one device, or many of several devices.

use std::collections::BTreeSet;
use std::sync::Arc;

use device_stats_domain::{
    DeviceId, IdempotencyKey, Measurement, NewReading, Reading, ReadingId, ReadingTime, Timestamp,
};
use device_stats_store::{Appended, Fingerprint, FirstStored, KeyedOutcome, Receipt, StoreError};

use super::batch_devices::{BatchDevices, KnownRows};
use super::keyed_requests::{RequestKey, RequestKind, fingerprint};
use crate::access::{Granted, Ingest, IngestKey, Manage};
use crate::admission::BodyPermit;
use crate::error::ServiceError;
use crate::limits::{COMPUTE_READINGS, REGISTERED_DEVICES_MAX};
use crate::service::Service;

/// Memory of an append for each reading, in bytes: the id, the new reading (twice for a moment), and its
/// outcome.
const BYTES_OF_APPEND: usize = size_of::<ReadingId>() + 2 * size_of::<NewReading>() + size_of::<Appended>();

/// Treatment of readings of missing devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingDevices {
    /// The whole batch is refused.
    #[default]
    Refuse,
    /// These readings are skipped.
    Skip,
    /// The devices are created. They belong to the user that sends the readings, or have no owner.
    Register,
}

/// The outcome of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchOutcome {
    /// Number of readings that the batch stored.
    pub accepted: u64,
    /// Number of repeats: readings with a device and time that are already stored or occur earlier in the
    /// batch.
    pub duplicates: u64,
    /// Number of conflicts: repeats with other values than the stored reading.
    pub conflicts: u64,
}

impl From<Receipt> for BatchOutcome {
    fn from(receipt: Receipt) -> Self {
        Self { accepted: receipt.stored, duplicates: receipt.repeats, conflicts: receipt.conflicts }
    }
}

/// Appends of readings. Each append takes the key of a keyed request, or `None`. With a key, it can also fail
/// with [`ServiceError::RequestInProgress`] or [`ServiceError::KeyReused`]. A request that is sent again with
/// its key returns the outcome of the first request.
impl Service {
    /// Appends one reading and returns it as stored. A repeat returns the reading that was stored first.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`], [`ServiceError::QueueFull`]; [`ServiceError::ReadingDeleted`] if the
    /// request is sent again with its key, and the reading that it repeated has been deleted.
    pub async fn append_reading(
        &self,
        granted: Granted<Ingest>,
        device: &DeviceId,
        measurement: Measurement,
        key: Option<&IdempotencyKey>,
    ) -> Result<Reading, ServiceError> {
        let key = key.map(|key| {
            let fingerprint = fingerprint(RequestKind::Reading(device), [(device, &measurement)]);
            RequestKey { key, owner: granted.principal().identity(), fingerprint }
        });
        let mut last = None;
        loop {
            let restores = self.parts.store.restores();
            let device_key = self.key_to_ingest(granted, device, restores).await?;
            match self.checked(self.append_one(device_key, measurement, key, restores).await) {
                // The cached device was deleted, so it is looked up again. The loop ends, because device keys
                // are never reused.
                Err(ServiceError::Store(StoreError::DeviceMissing)) => {
                    self.parts.known_devices.forget([device]);
                }
                Err(ServiceError::ReadingDeleted) if key.is_none() => {
                    // The existing reading was deleted, so the next attempt stores the reading. The loop
                    // continues only if another deletion happens during that attempt.
                }
                // Maybe the reading was deleted with its device, so the device is looked up again.
                Err(ServiceError::ReadingDeleted) if last != Some(device_key) => {
                    self.parts.known_devices.forget([device]);
                    last = Some(device_key);
                }
                outcome => return outcome,
            }
        }
    }

    /// Checks, before the readings of a batch arrive, that the principal may append them to a device. The
    /// device may still be deleted before they are appended. The lookup uses the cache, and the append then
    /// finds the device there.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`] if the device is missing, or the principal may not see it. With
    /// [`MissingDevices::Register`], [`ServiceError::Forbidden`] if the principal may not create devices
    /// either.
    pub async fn check_batch_device(
        &self,
        granted: Granted<Ingest>,
        device: &DeviceId,
        missing: MissingDevices,
    ) -> Result<(), ServiceError> {
        match self.key_to_ingest(granted, device, self.parts.store.restores()).await {
            Err(ServiceError::Store(StoreError::DeviceMissing)) if missing == MissingDevices::Register => {
                granted.principal().grant::<Manage>()?;
                Ok(())
            }
            found => found.map(|_| ()),
        }
    }

    /// Appends readings of one device, all or none. Many readings become a segment at once. The permit of the
    /// readings grows by the memory of this request.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`] if the device is missing; with [`MissingDevices::Register`], only if it
    /// exists and the principal may not see it. [`ServiceError::QueueFull`].
    pub async fn append_batch(
        &self,
        granted: Granted<Ingest>,
        device: &DeviceId,
        measurements: Vec<Measurement>,
        missing: MissingDevices,
        key: Option<&IdempotencyKey>,
        permit: &mut BodyPermit,
    ) -> Result<BatchOutcome, ServiceError> {
        let count = measurements.len();
        permit.grow_by(count * BYTES_OF_APPEND)?;
        let rows = Arc::new(measurements);
        let key = self.request_key(granted, key, count, {
            let (device, rows) = (device.clone(), Arc::clone(&rows));
            move || fingerprint(RequestKind::Batch(&device), rows.iter().map(|row| (&device, row)))
        });
        let key = key.await?;
        if count == 0 {
            // An empty batch appends nothing, so only a lookup in the store finds out whether the device
            // exists.
            self.parts.known_devices.forget([device]);
        }
        let mut may_register = missing == MissingDevices::Register;
        let outcome = loop {
            let restores = self.parts.store.restores();
            let device_key = match self.key_to_ingest(granted, device, restores).await {
                Err(ServiceError::Store(StoreError::DeviceMissing)) if may_register => {
                    self.register(granted, [device]).await?;
                    // If the next lookup still finds no device, the principal may not see it.
                    may_register = granted.sees_all();
                    continue;
                }
                found => found?,
            };
            let own = Arc::clone(&rows);
            let new = self.prepare(count, restores, move |stamps| {
                stamps.apply(own.iter().map(|row| (device_key, row)))
            });
            let appended = async { self.append(new.await?, key).await };
            match self.checked(appended.await) {
                // The cached device was deleted. The loop ends, because device keys are never reused.
                Err(ServiceError::Store(StoreError::DeviceMissing)) => {
                    self.parts.known_devices.forget([device]);
                }
                outcome => break outcome,
            }
        };
        self.free(count, rows).await?;
        outcome
    }

    /// Appends readings of several devices, all or none. [`MissingDevices::Skip`] skips the readings of
    /// missing devices. Returns the index and device of each skipped reading. The permit of the readings
    /// grows by the memory of this request.
    ///
    /// # Errors
    /// [`ServiceError::UnknownDevices`], which lists the readings of missing devices, unless `missing` is
    /// [`MissingDevices::Skip`]; with [`MissingDevices::Register`], it lists the readings of devices that
    /// exist and that the principal may not see. [`ServiceError::QueueFull`].
    pub async fn append_mixed_batch(
        &self,
        granted: Granted<Ingest>,
        batch: Vec<(DeviceId, Measurement)>,
        missing: MissingDevices,
        key: Option<&IdempotencyKey>,
        permit: &mut BodyPermit,
    ) -> Result<(BatchOutcome, Vec<(usize, DeviceId)>), ServiceError> {
        let count = batch.len();
        permit.grow_by(count * BYTES_OF_APPEND)?;
        let batch = Arc::new(batch);
        let devices = self.compute_readings(count, {
            let batch = Arc::clone(&batch);
            move || BatchDevices::new(&batch)
        });
        let devices = Arc::new(devices.await?);
        permit.grow_by(devices.held_bytes())?;
        let mut may_register = missing == MissingDevices::Register;
        let outcome = loop {
            let restores = self.parts.store.restores();
            let keys = Arc::new(self.keys_to_ingest(granted, devices.ids(), restores).await?);
            let unknown = if keys.iter().all(Option::is_some) { 0 } else { devices.count_unknown(&keys) };
            permit.grow_by(unknown * size_of::<(usize, DeviceId)>())?;
            let unknown = if unknown == 0 { Vec::new() } else { devices.unknown(&keys) };
            if may_register && !unknown.is_empty() {
                self.register(granted, unknown.iter().map(|(_, device)| device)).await?;
                // If the next lookup still does not find a device, the principal may not see it.
                may_register = granted.sees_all();
                continue;
            }
            if missing != MissingDevices::Skip && !unknown.is_empty() {
                break Err(ServiceError::UnknownDevices(unknown));
            }
            // A repeated request whose missing devices exist meanwhile has another payload.
            let rows = KnownRows { batch: Arc::clone(&batch), devices: Arc::clone(&devices), keys };
            let own = rows.clone();
            let key = self.request_key(granted, key, count, move || {
                let rows = own.iter().map(|(_, (device, measured))| (device, measured));
                fingerprint(RequestKind::MixedBatch, rows)
            });
            let key = key.await?;
            let new = self.prepare(count - unknown.len(), restores, move |stamps| {
                stamps.apply(rows.iter().map(|(key, (_, measured))| (key, measured)))
            });
            let appended = async { self.append(new.await?, key).await };
            match self.checked(appended.await) {
                // A cached device was deleted. The next lookup finds it. The loop ends, because device keys
                // are never reused.
                Err(ServiceError::Store(StoreError::DeviceMissing)) => {
                    self.parts.known_devices.forget(devices.ids());
                }
                outcome => break outcome.map(|outcome| (outcome, unknown)),
            }
        };
        self.free(count, batch).await?;
        outcome
    }

    /// Creates devices that do not exist, if the principal may do so. They stay created if the readings are
    /// refused afterwards.
    async fn register<'d>(
        &self,
        granted: Granted<Ingest>,
        devices: impl IntoIterator<Item = &'d DeviceId>,
    ) -> Result<(), ServiceError> {
        let devices: BTreeSet<&DeviceId> = devices.into_iter().collect();
        if devices.len() > REGISTERED_DEVICES_MAX {
            return Err(ServiceError::TooManyNewDevices(devices.len()));
        }
        let devices: Vec<DeviceId> = devices.into_iter().cloned().collect();
        let created = self.create_missing_devices(granted.principal().grant::<Manage>()?, devices).await;
        created.map_err(|error| match error {
            ServiceError::Store(StoreError::TooManyOwnedDevices { devices_max }) => {
                ServiceError::TooManyRegistered { devices_max }
            }
            other => other,
        })
    }

    /// Returns the key of a device to append to. The device may have been deleted since the key was cached.
    async fn key_to_ingest(
        &self,
        granted: Granted<Ingest>,
        device: &DeviceId,
        restores: u64,
    ) -> Result<IngestKey, ServiceError> {
        let keys = self.keys_to_ingest(granted, std::slice::from_ref(device), restores).await?;
        keys.into_iter().next().flatten().ok_or(StoreError::DeviceMissing.into())
    }

    /// Runs a computation on this number of readings, on a thread for computations if they are many.
    ///
    /// # Errors
    /// [`ServiceError::ComputationFailed`] if the computation panics.
    async fn compute_readings<T: Send + 'static>(
        &self,
        count: usize,
        computation: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ServiceError> {
        if count < COMPUTE_READINGS { Ok(computation()) } else { self.compute_body(computation).await }
    }

    /// Frees the memory of this number of readings. Freeing many takes time, so a thread for computations
    /// does it.
    async fn free<T: Send + 'static>(&self, count: usize, readings: T) -> Result<(), ServiceError> {
        self.compute_readings(count, move || drop(readings)).await
    }

    /// Adds the fingerprint of a payload of this number of readings to the key of its request.
    async fn request_key<'k>(
        &self,
        granted: Granted<Ingest>,
        key: Option<&'k IdempotencyKey>,
        count: usize,
        fingerprint: impl FnOnce() -> Fingerprint + Send + 'static,
    ) -> Result<Option<RequestKey<'k>>, ServiceError> {
        let Some(key) = key else { return Ok(None) };
        let fingerprint = self.compute_readings(count, fingerprint).await?;
        Ok(Some(RequestKey { key, owner: granted.principal().identity(), fingerprint }))
    }

    async fn append_one(
        &self,
        device: IngestKey,
        measurement: Measurement,
        key: Option<RequestKey<'_>>,
        restores: u64,
    ) -> Result<Reading, ServiceError> {
        let new = self.prepare(1, restores, move |stamps| stamps.apply([(device, &measurement)])).await?;
        if let Some(FirstStored { device, id, time }) = self.append_hot(new, key).await?.first {
            return Ok(Reading { device, id, time, values: measurement.values });
        }
        // Only a client-timed reading can be a repeat. The existing reading may have been deleted since.
        let found = match measurement.time {
            Some(time) => self.find_reading(None, device.device(), time).await?,
            None => None,
        };
        found.ok_or(ServiceError::ReadingDeleted)
    }

    async fn append(
        &self,
        new: Arc<[NewReading]>,
        key: Option<RequestKey<'_>>,
    ) -> Result<BatchOutcome, ServiceError> {
        if key.is_none()
            && let Some(outcome) = self.append_segment(&new).await?
        {
            self.free(new.len(), new).await?;
            return Ok(outcome);
        }
        Ok(self.append_hot(new, key).await?.into())
    }

    /// Appends hot readings by group commit.
    async fn append_hot(
        &self,
        new: Arc<[NewReading]>,
        key: Option<RequestKey<'_>>,
    ) -> Result<Receipt, ServiceError> {
        let claim = key.map(|key| self.parts.keyed_requests.claim(key, &self.parts.clock)).transpose()?;
        match self.parts.group_commit.append(Arc::clone(&new), claim).await? {
            KeyedOutcome::New(outcomes) => {
                // The computation also frees the readings.
                self.compute_readings(new.len(), move || receipt(&new, &outcomes)).await
            }
            KeyedOutcome::Repeated(receipt) => Ok(receipt),
            KeyedOutcome::DifferentPayload => Err(match key {
                Some(RequestKey { key, .. }) => ServiceError::KeyReused(key.clone()),
                None => {
                    StoreError::Broken("the store treated a request without a key as keyed".into()).into()
                }
            }),
        }
    }

    /// Makes this number of new readings. `make` gives them their ids and times. Their devices were looked up
    /// after `restores` was read from the store.
    async fn prepare(
        &self,
        count: usize,
        restores: u64,
        make: impl FnOnce(Stamps) -> Arc<[NewReading]> + Send + 'static,
    ) -> Result<Arc<[NewReading]>, ServiceError> {
        let ids = self.parts.reading_ids.take(self.parts.store.as_ref(), count, restores).await?;
        let stamps = Stamps { ids, now: self.parts.clock.now() };
        self.compute_readings(count, move || make(stamps)).await
    }
}

/// The ids of the new readings of a request, and the time of those that have none.
struct Stamps {
    ids: Vec<ReadingId>,
    now: Timestamp,
}

impl Stamps {
    /// Gives each reading an id, and a time if it has none.
    fn apply<'m>(
        self,
        readings: impl IntoIterator<Item = (IngestKey, &'m Measurement)>,
    ) -> Arc<[NewReading]> {
        let mut new = Vec::with_capacity(self.ids.len());
        new.extend(readings.into_iter().zip(self.ids).map(|((key, measurement), id)| NewReading {
            device: key.device(),
            id,
            time: measurement.time.map_or(ReadingTime::Picked(self.now), ReadingTime::Given),
            values: measurement.values,
        }));
        new.into()
    }
}

/// Returns the receipt of a request, and logs its conflicts.
fn receipt(new: &[NewReading], outcomes: &[Appended]) -> Receipt {
    let receipt = Receipt::from_outcomes(new, outcomes);
    if let Some(at) = outcomes.iter().position(|outcome| *outcome == Appended::Conflict)
        && let Some(first) = new.get(at)
    {
        warn_of_conflicts(first, receipt.conflicts);
    }
    receipt
}

/// Logs the conflicts of a request: one line, with the first of them.
pub(super) fn warn_of_conflicts(first: &NewReading, conflicts: u64) {
    let time = match first.time {
        ReadingTime::Given(time) | ReadingTime::Picked(time) => time.to_string(),
    };
    let device = first.device.0;
    tracing::warn!(
        device,
        time,
        conflicts,
        "repeats have other values than the stored readings, keeping those"
    );
}

#[cfg(test)]
mod tests;
