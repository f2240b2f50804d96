//! Readings on their way into the store: they get their ids and, where the device has not said, their times.

use std::collections::HashMap;
use std::sync::Arc;

use device_stats_domain::{
    DeviceId, DeviceKey, IdempotencyKey, Measurement, NewReading, Reading, ReadingTime,
};
use device_stats_store::{Fingerprint, FirstStored, KeyedOutcome, Receipt, StoreError};

use crate::ingest::keyed_requests::{Asked, fingerprint};
use crate::{Principal, Service, ServiceError};

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ingested {
    /// Readings stored now.
    pub accepted: u64,
    /// Readings whose device and time were stored before, or stood earlier in the batch.
    pub duplicates: u64,
}

impl From<Receipt> for Ingested {
    fn from(receipt: Receipt) -> Self {
        Self { accepted: receipt.stored, duplicates: receipt.repeats }
    }
}

/// The key of a request, and what tells its payload.
type Keyed<'k> = Option<(&'k IdempotencyKey, Fingerprint)>;

/// All methods that append take the key of a request that has one; then they may also fail with
/// [`ServiceError::UnderWay`] and [`ServiceError::OtherPayload`], and what they return is what they returned the first time.
impl Service {
    /// Appends one reading and returns it as stored; of a repeat, the one stored first.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`], [`ServiceError::QueueFull`].
    pub async fn append_reading(
        &self,
        who: Principal,
        device: &DeviceId,
        measurement: Measurement,
        request: Option<&IdempotencyKey>,
    ) -> Result<Reading, ServiceError> {
        let keyed = request.map(|key| (key, fingerprint(Asked::Reading(device), [(device, &measurement)])));
        let mut last = None;
        loop {
            let key = self.key_to_ingest(who, device).await?;
            match self.append_one(key, measurement, keyed).await {
                // Deleted since it was looked up. Ends, since keys are never used again. Where the key is the same, it is
                // another device of that id, and the reading that was answered the first time is gone with the one before.
                Err(ServiceError::Store(StoreError::DeviceMissing)) if last != Some(key) => {
                    self.known_devices.forget([device]);
                    last = Some(key);
                }
                outcome => return outcome,
            }
        }
    }

    /// Appends readings of one device, all or none; many become a segment at once.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`], [`ServiceError::QueueFull`].
    pub async fn append_batch(
        &self,
        who: Principal,
        device: &DeviceId,
        measurements: &[Measurement],
        request: Option<&IdempotencyKey>,
    ) -> Result<Ingested, ServiceError> {
        let all = measurements.iter().map(|measurement| (device, measurement));
        let keyed = request.map(|key| (key, fingerprint(Asked::Batch(device), all)));
        if measurements.is_empty() {
            // Nothing is appended, so the store has to be asked whether the device is there.
            self.known_devices.forget([device]);
        }
        loop {
            let key = self.key_to_ingest(who, device).await?;
            let readings: Vec<_> = measurements.iter().map(|measurement| (key, *measurement)).collect();
            match self.append(&readings, keyed).await {
                Err(ServiceError::Store(StoreError::DeviceMissing)) => self.known_devices.forget([device]),
                outcome => return outcome,
            }
        }
    }

    /// Appends readings of many devices, all or none.
    ///
    /// # Errors
    /// [`ServiceError::UnknownDevices`] with the readings whose device is missing, [`ServiceError::QueueFull`].
    pub async fn append_mixed_batch(
        &self,
        who: Principal,
        batch: &[(DeviceId, Measurement)],
        request: Option<&IdempotencyKey>,
    ) -> Result<Ingested, ServiceError> {
        let all = batch.iter().map(|(device, measurement)| (device, measurement));
        let keyed = request.map(|key| (key, fingerprint(Asked::MixedBatch, all)));
        loop {
            let keys = self.device_keys(who, batch).await?;
            let unknown: Vec<(usize, DeviceId)> = (0..)
                .zip(keys.iter().zip(batch))
                .filter(|(_, (key, _))| key.is_none())
                .map(|(row, (_, (id, _)))| (row, id.clone()))
                .collect();
            if !unknown.is_empty() {
                return Err(ServiceError::UnknownDevices(unknown));
            }
            let readings: Vec<_> =
                keys.into_iter().flatten().zip(batch.iter().map(|(_, measured)| *measured)).collect();
            match self.append(&readings, keyed).await {
                // Deleted since it was looked up: the next look tells which. Ends, since keys are never used again.
                Err(ServiceError::Store(StoreError::DeviceMissing)) => {
                    self.known_devices.forget(batch.iter().map(|(id, _)| id));
                }
                outcome => return outcome,
            }
        }
    }

    /// The key of a device to which readings are to be appended. It may be out of date.
    async fn key_to_ingest(&self, who: Principal, device: &DeviceId) -> Result<DeviceKey, ServiceError> {
        let keys = self.keys_to_ingest(who, std::slice::from_ref(device)).await?;
        keys.into_iter().next().flatten().ok_or(StoreError::DeviceMissing.into())
    }

    /// The device of each reading of a batch; each device is looked up once.
    async fn device_keys(
        &self,
        who: Principal,
        batch: &[(DeviceId, Measurement)],
    ) -> Result<Vec<Option<DeviceKey>>, StoreError> {
        let mut ids: Vec<DeviceId> = batch.iter().map(|(id, _)| id.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        let found = self.keys_to_ingest(who, &ids).await?;
        let keys: HashMap<&DeviceId, Option<DeviceKey>> = ids.iter().zip(found).collect();
        Ok(batch.iter().map(|(id, _)| keys.get(id).copied().flatten()).collect())
    }

    async fn append_one(
        &self,
        device: DeviceKey,
        measurement: Measurement,
        keyed: Keyed<'_>,
    ) -> Result<Reading, ServiceError> {
        let new = self.prepare(&[(device, measurement)]).await?;
        if let Some(FirstStored { device, id, time }) = self.append_in_lane(new, keyed).await?.first {
            return Ok(Reading { device, id, time, values: measurement.values });
        }
        // Only a reading that brings its time can be a repeat. It may be gone again by now, with its device.
        match measurement.time {
            Some(time) => self.find_reading(device, time).await?.ok_or(StoreError::DeviceMissing.into()),
            None => Err(StoreError::DeviceMissing.into()),
        }
    }

    async fn append(
        &self,
        readings: &[(DeviceKey, Measurement)],
        keyed: Keyed<'_>,
    ) -> Result<Ingested, ServiceError> {
        let new = self.prepare(readings).await?;
        if keyed.is_none()
            && let Some(ingested) = self.append_segment(&new).await?
        {
            return Ok(ingested);
        }
        Ok(self.append_in_lane(new, keyed).await?.into())
    }

    /// Appends readings together with those of others.
    async fn append_in_lane(
        &self,
        new: Arc<[NewReading]>,
        keyed: Keyed<'_>,
    ) -> Result<Receipt, ServiceError> {
        let claim = keyed.map(|(key, fingerprint)| self.keys.claim(key, fingerprint, &self.clock));
        match self.lanes.append(Arc::clone(&new), claim.transpose()?).await? {
            KeyedOutcome::New(outcome) => Ok(Receipt::from_outcomes(&new, &outcome)),
            KeyedOutcome::Repeated(receipt) => Ok(receipt),
            KeyedOutcome::DifferentPayload => match keyed {
                Some((key, _)) => Err(ServiceError::OtherPayload(key.clone())),
                None => {
                    Err(StoreError::Broken("a request without a key was taken for another".into()).into())
                }
            },
        }
    }

    async fn prepare(&self, readings: &[(DeviceKey, Measurement)]) -> Result<Arc<[NewReading]>, StoreError> {
        let ids = self.reading_ids.take(self.store.as_ref(), readings.len()).await?;
        let now = self.clock.now();
        let new = readings.iter().zip(ids).map(|((device, measurement), id)| NewReading {
            device: *device,
            id,
            time: measurement.time.map_or(ReadingTime::Picked(now), ReadingTime::Given),
            values: measurement.values,
        });
        Ok(new.collect())
    }
}
