//! Readings on their way into the store: they get their ids and, where the device has not said, their times.

use std::collections::HashMap;
use std::sync::Arc;

use device_stats_domain::{Axes, DeviceId, DeviceKey, Finite, NewReading, Reading, ReadingTime, Timestamp};
use device_stats_store::{Appended, StoreError};

use super::{Principal, Service, ServiceError};

/// A reading as a device sends it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// When it was taken, where the device says so.
    pub time: Option<Timestamp>,
    /// The numbers.
    pub values: Axes<Finite>,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ingested {
    /// Readings stored now.
    pub accepted: u64,
    /// Readings whose device and time were stored before, or stood earlier in the batch.
    pub duplicates: u64,
}

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
    ) -> Result<Reading, ServiceError> {
        loop {
            let key = self.key_to_ingest(who, device).await?;
            match self.append_one(key, measurement).await {
                // Deleted since it was looked up. Ends, since keys are never used again.
                Err(ServiceError::Store(StoreError::DeviceMissing)) => self.known_devices.forget([device]),
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
    ) -> Result<Ingested, ServiceError> {
        if measurements.is_empty() {
            // Nothing is appended, so the store has to be asked whether the device is there.
            self.known_devices.forget([device]);
        }
        loop {
            let key = self.key_to_ingest(who, device).await?;
            let readings: Vec<_> = measurements.iter().map(|measurement| (key, *measurement)).collect();
            match self.append(&readings).await {
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
    ) -> Result<Ingested, ServiceError> {
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
            match self.append(&readings).await {
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

    async fn append_one(&self, device: DeviceKey, measurement: Measurement) -> Result<Reading, ServiceError> {
        let new = self.prepare(&[(device, measurement)]).await?;
        let outcome = self.lanes.append(Arc::clone(&new)).await?;
        match (new.first(), outcome.first()) {
            (Some(new), Some(Appended::Stored(time))) => {
                Ok(Reading { device: new.device, id: new.id, time: *time, values: new.values })
            }
            // Only a reading that brings its time can be a repeat. It may be gone again by now, with its device.
            _ => match measurement.time {
                Some(time) => self.find_reading(device, time).await?.ok_or(StoreError::DeviceMissing.into()),
                None => Err(StoreError::DeviceMissing.into()),
            },
        }
    }

    async fn append(&self, readings: &[(DeviceKey, Measurement)]) -> Result<Ingested, ServiceError> {
        let new = self.prepare(readings).await?;
        if let Some(ingested) = self.append_segment(&new).await? {
            return Ok(ingested);
        }
        let outcome = self.lanes.append(new).await?;
        let stored = outcome.iter().filter(|appended| matches!(appended, Appended::Stored(_))).count() as u64;
        Ok(Ingested { accepted: stored, duplicates: outcome.len() as u64 - stored })
    }

    async fn prepare(&self, readings: &[(DeviceKey, Measurement)]) -> Result<Arc<[NewReading]>, StoreError> {
        let ids = self.reading_ids.take(self.store.as_ref(), readings.len()).await?;
        let now = self.clock.now();
        let new = readings.iter().zip(ids).map(|((device, measurement), id)| NewReading {
            device: *device,
            id,
            time: measurement.time.map_or(ReadingTime::FirstFree(now), ReadingTime::Given),
            values: measurement.values,
        });
        Ok(new.collect())
    }
}
