//! Appending readings: one, many of one device, or many of several devices.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use device_stats_domain::{
    DeviceId, DeviceKey, IdempotencyKey, Measurement, NewReading, Reading, ReadingTime,
};
use device_stats_store::{Appended, FirstStored, KeyedOutcome, Receipt, StoreError};

use super::keyed_requests::{RequestKey, RequestKind};
use crate::access::principal::Principal;
use crate::error::ServiceError;
use crate::limits::REGISTERED_DEVICES_MAX;
use crate::service::Service;

/// Treatment of readings of missing devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingDevices {
    /// The whole batch is refused.
    #[default]
    Refuse,
    /// These readings are skipped.
    Skip,
    /// The devices are created, without an owner.
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
        principal: Principal,
        device: &DeviceId,
        measurement: Measurement,
        key: Option<&IdempotencyKey>,
    ) -> Result<Reading, ServiceError> {
        let key = key.map(|key| RequestKey::new(key, RequestKind::Reading(device), [(device, &measurement)]));
        let mut last = None;
        loop {
            let device_key = self.key_to_ingest(principal, device).await?;
            match self.append_one(device_key, measurement, key).await {
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

    /// Appends readings of one device, all or none. Many readings become a segment at once.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`] unless `missing` is [`MissingDevices::Register`],
    /// [`ServiceError::QueueFull`].
    pub async fn append_batch(
        &self,
        principal: Principal,
        device: &DeviceId,
        measurements: &[Measurement],
        missing: MissingDevices,
        key: Option<&IdempotencyKey>,
    ) -> Result<BatchOutcome, ServiceError> {
        let all = measurements.iter().map(|measurement| (device, measurement));
        let key = key.map(|key| RequestKey::new(key, RequestKind::Batch(device), all));
        if measurements.is_empty() {
            // An empty batch appends nothing, so only a lookup in the store finds out whether the device
            // exists.
            self.parts.known_devices.forget([device]);
        }
        loop {
            let device_key = match self.key_to_ingest(principal, device).await {
                Err(ServiceError::Store(StoreError::DeviceMissing))
                    if missing == MissingDevices::Register =>
                {
                    self.register(principal, [device]).await?;
                    continue;
                }
                found => found?,
            };
            let readings: Vec<_> = measurements.iter().map(|measured| (device_key, *measured)).collect();
            match self.append(&readings, key).await {
                // The cached device was deleted. This ends, because keys are never used again.
                Err(ServiceError::Store(StoreError::DeviceMissing)) => {
                    self.parts.known_devices.forget([device]);
                }
                outcome => return outcome,
            }
        }
    }

    /// Appends readings of several devices, all or none. [`MissingDevices::Skip`] skips the readings of
    /// missing devices. Returns the index and device of each skipped reading.
    ///
    /// # Errors
    /// [`ServiceError::UnknownDevices`], which lists the readings of missing devices, if `missing` is
    /// [`MissingDevices::Refuse`]; [`ServiceError::QueueFull`].
    pub async fn append_mixed_batch(
        &self,
        principal: Principal,
        batch: &[(DeviceId, Measurement)],
        missing: MissingDevices,
        key: Option<&IdempotencyKey>,
    ) -> Result<(BatchOutcome, Vec<(usize, DeviceId)>), ServiceError> {
        loop {
            let keys = self.batch_keys(principal, batch).await?;
            let unknown: Vec<(usize, DeviceId)> = (0..)
                .zip(keys.iter().zip(batch))
                .filter(|(_, (key, _))| key.is_none())
                .map(|(index, (_, (id, _)))| (index, id.clone()))
                .collect();
            match missing {
                MissingDevices::Refuse if !unknown.is_empty() => {
                    return Err(ServiceError::UnknownDevices(unknown));
                }
                MissingDevices::Register if !unknown.is_empty() => {
                    self.register(principal, unknown.iter().map(|(_, device)| device)).await?;
                    continue;
                }
                _ => {}
            }
            // A repeated request whose missing devices exist meanwhile has another payload.
            let known = || keys.iter().zip(batch).filter_map(|(key, row)| Some(((*key)?, row)));
            let rows = known().map(|(_, (device, measured))| (device, measured));
            let key = key.map(|key| RequestKey::new(key, RequestKind::MixedBatch, rows));
            let readings: Vec<_> = known().map(|(key, (_, measured))| (key, *measured)).collect();
            match self.append(&readings, key).await {
                // A cached device was deleted. The next lookup finds it. The loop ends, because device keys
                // are never reused.
                Err(ServiceError::Store(StoreError::DeviceMissing)) => {
                    self.parts.known_devices.forget(batch.iter().map(|(id, _)| id));
                }
                outcome => return outcome.map(|outcome| (outcome, unknown)),
            }
        }
    }

    /// Creates devices that do not exist. They stay created if the readings are refused afterwards.
    async fn register<'d>(
        &self,
        principal: Principal,
        devices: impl IntoIterator<Item = &'d DeviceId>,
    ) -> Result<(), ServiceError> {
        let devices: BTreeSet<&DeviceId> = devices.into_iter().collect();
        if devices.len() > REGISTERED_DEVICES_MAX {
            return Err(ServiceError::TooManyNewDevices(devices.len()));
        }
        let devices: Vec<DeviceId> = devices.into_iter().cloned().collect();
        Ok(self.create_missing_devices(principal, &devices).await?)
    }

    /// Returns the key of a device to append to. The device may have been deleted since the key was cached.
    async fn key_to_ingest(
        &self,
        principal: Principal,
        device: &DeviceId,
    ) -> Result<DeviceKey, ServiceError> {
        let keys = self.keys_to_ingest(principal, std::slice::from_ref(device)).await?;
        keys.into_iter().next().flatten().ok_or(StoreError::DeviceMissing.into())
    }

    /// Returns the device key of each reading of a batch; `None` for a missing device. Each device is looked
    /// up once.
    async fn batch_keys(
        &self,
        principal: Principal,
        batch: &[(DeviceId, Measurement)],
    ) -> Result<Vec<Option<DeviceKey>>, StoreError> {
        let mut ids: Vec<DeviceId> = batch.iter().map(|(id, _)| id.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        let found = self.keys_to_ingest(principal, &ids).await?;
        let keys: HashMap<&DeviceId, Option<DeviceKey>> = ids.iter().zip(found).collect();
        Ok(batch.iter().map(|(id, _)| keys.get(id).copied().flatten()).collect())
    }

    async fn append_one(
        &self,
        device: DeviceKey,
        measurement: Measurement,
        key: Option<RequestKey<'_>>,
    ) -> Result<Reading, ServiceError> {
        let new = self.prepare(&[(device, measurement)]).await?;
        if let Some(FirstStored { device, id, time }) = self.append_hot(new, key).await?.first {
            return Ok(Reading { device, id, time, values: measurement.values });
        }
        // Only a client-timed reading can be a repeat. The existing reading may have been deleted since.
        let found = match measurement.time {
            Some(time) => self.find_reading(None, device, time).await?,
            None => None,
        };
        found.ok_or(ServiceError::ReadingDeleted)
    }

    async fn append(
        &self,
        readings: &[(DeviceKey, Measurement)],
        key: Option<RequestKey<'_>>,
    ) -> Result<BatchOutcome, ServiceError> {
        let new = self.prepare(readings).await?;
        if key.is_none()
            && let Some(outcome) = self.append_segment(&new).await?
        {
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
                let receipt = Receipt::from_outcomes(&new, &outcomes);
                if let Some(at) = outcomes.iter().position(|outcome| *outcome == Appended::Conflict)
                    && let Some(first) = new.get(at)
                {
                    warn_of_conflicts(first, receipt.conflicts);
                }
                Ok(receipt)
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

    /// Gives each reading an id, and a time if it has none.
    async fn prepare(&self, readings: &[(DeviceKey, Measurement)]) -> Result<Arc<[NewReading]>, StoreError> {
        let ids = self.parts.reading_ids.take(self.parts.store.as_ref(), readings.len()).await?;
        let now = self.parts.clock.now();
        let new = readings.iter().zip(ids).map(|((device, measurement), id)| NewReading {
            device: *device,
            id,
            time: measurement.time.map_or(ReadingTime::Picked(now), ReadingTime::Given),
            values: measurement.values,
        });
        Ok(new.collect())
    }
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
