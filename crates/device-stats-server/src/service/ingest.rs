//! Readings on their way into the store: they get their ids and, where the device has not said, their times.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use device_stats_domain::{
    Axes, Device, DeviceId, DeviceKey, Finite, NewReading, Reading, ReadingTime, Timestamp,
};
use device_stats_store::{Appended, StoreError};

use super::{Action, Authorized, Principal, Service, ServiceError, clock};

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
    /// [`StoreError::DeviceMissing`] after a race.
    pub async fn append_reading(
        &self,
        device: &Authorized<Device>,
        measurement: Measurement,
    ) -> Result<Reading, ServiceError> {
        let new = self.prepare(&[(device.key, measurement)]).await?;
        let outcome = self.append_rows(&new).await?;
        match (new.first(), outcome.first()) {
            (Some(new), Some(Appended::Stored(time))) => {
                Ok(Reading { device: new.device, id: new.id, time: *time, values: new.values })
            }
            // Only a reading that brings its time can be a repeat. It may be gone again by now, with its device.
            _ => match measurement.time {
                Some(time) => {
                    self.find_reading(device.key, time).await?.ok_or(StoreError::DeviceMissing.into())
                }
                None => Err(StoreError::DeviceMissing.into()),
            },
        }
    }

    /// Appends readings of one device, all or none; many become a segment at once.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`] after a race.
    pub async fn append_batch(
        &self,
        device: &Authorized<Device>,
        measurements: &[Measurement],
    ) -> Result<Ingested, ServiceError> {
        let readings: Vec<_> = measurements.iter().map(|measurement| (device.key, *measurement)).collect();
        self.append(&readings).await
    }

    /// Appends readings of many devices, all or none.
    ///
    /// # Errors
    /// [`ServiceError::UnknownDevices`] with the readings whose device is missing.
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
                // Deleted since it was looked up: the next look tells which. Ends, since ids are never used again.
                Err(ServiceError::Store(StoreError::DeviceMissing)) => {}
                outcome => return outcome,
            }
        }
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
        let found = self.devices(who, &ids, Action::Ingest).await?;
        let keys: HashMap<&DeviceId, Option<DeviceKey>> =
            ids.iter().zip(found.iter().map(|device| device.as_ref().map(|device| device.key))).collect();
        Ok(batch.iter().map(|(id, _)| keys.get(id).copied().flatten()).collect())
    }

    async fn append(&self, readings: &[(DeviceKey, Measurement)]) -> Result<Ingested, ServiceError> {
        let new: Arc<[NewReading]> = self.prepare(readings).await?.into();
        if let Some(ingested) = self.append_segment(&new).await? {
            return Ok(ingested);
        }
        let outcome = self.append_rows(&new).await?;
        let stored = outcome.iter().filter(|appended| matches!(appended, Appended::Stored(_))).count() as u64;
        Ok(Ingested { accepted: stored, duplicates: outcome.len() as u64 - stored })
    }

    /// Appends readings as hot ones, and tells those who seal.
    async fn append_rows(&self, new: &[NewReading]) -> Result<Vec<Appended>, StoreError> {
        let outcome = self.store.append(new).await?;
        let stored = new.iter().zip(&outcome).filter(|(_, appended)| matches!(appended, Appended::Stored(_)));
        self.backlog.note_hot(stored.map(|(reading, _)| (reading.device, 1)), Instant::now());
        Ok(outcome)
    }

    async fn prepare(&self, readings: &[(DeviceKey, Measurement)]) -> Result<Vec<NewReading>, StoreError> {
        let ids = self.reading_ids.take(self.store.as_ref(), readings.len()).await?;
        let now = clock::now();
        let new = readings.iter().zip(ids).map(|((device, measurement), id)| NewReading {
            device: *device,
            id,
            time: measurement.time.map_or(ReadingTime::FirstFree(now), ReadingTime::Given),
            values: measurement.values,
        });
        Ok(new.collect())
    }
}
