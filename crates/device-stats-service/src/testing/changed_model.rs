//! The model as a store of readings, with calls that a test changes or counts.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::ThreadId;
use std::time::Duration;

use async_trait::async_trait;
use device_stats_domain::{DeviceKey, NewReading, Timestamp};
use device_stats_segment::Row;
use device_stats_store::{
    Appended, HotDevices, KeyedOutcome, KeyedReadings, Model, ReadingStore, StoreError,
};
use tokio::time::sleep;

/// The model, with calls that a test changes or counts.
#[derive(Default)]
pub(crate) struct ChangedModel {
    pub(crate) model: Model,
    /// Number of concurrent appends; 0 is the same as 1.
    pub(crate) append_concurrency: usize,
    /// Number of outcomes missing in the answer to each append.
    pub(crate) outcomes_lost: usize,
    /// A device that another call has locked.
    pub(crate) locked: Mutex<Option<DeviceKey>>,
    /// Time for which an append waits for the locked device.
    pub(crate) lock_wait: Duration,
    /// Number of appends.
    pub(crate) appends: AtomicUsize,
    /// The threads of the appends, each with the number of readings.
    pub(crate) threads: Mutex<Vec<(ThreadId, usize)>>,
    /// Number of restores that the store has found.
    pub(crate) restores: AtomicU64,
    /// Number of restores that other calls find during each reservation.
    pub(crate) restores_while_reserving: u64,
}

#[async_trait]
impl ReadingStore for ChangedModel {
    fn append_concurrency(&self) -> usize {
        self.append_concurrency.max(1)
    }

    fn restores(&self) -> u64 {
        self.restores.load(Ordering::Relaxed)
    }

    async fn reserve_reading_ids(&self, count: u32) -> Result<Range<i64>, StoreError> {
        self.restores.fetch_add(self.restores_while_reserving, Ordering::Relaxed);
        self.model.reserve_reading_ids(count).await
    }

    async fn append(&self, readings: &[NewReading]) -> Result<Vec<Appended>, StoreError> {
        self.appends.fetch_add(1, Ordering::Relaxed);
        self.threads.lock().unwrap().push((std::thread::current().id(), readings.len()));
        let locked = *self.locked.lock().unwrap();
        if readings.iter().any(|reading| Some(reading.device) == locked) {
            sleep(self.lock_wait).await;
            return Err(StoreError::DevicesLocked(locked.into_iter().collect()));
        }
        let mut outcomes = self.model.append(readings).await?;
        outcomes.truncate(outcomes.len() - self.outcomes_lost);
        Ok(outcomes)
    }

    async fn append_keyed(
        &self,
        requests: &[KeyedReadings],
        now: Timestamp,
    ) -> Result<Vec<KeyedOutcome>, StoreError> {
        self.model.append_keyed(requests, now).await
    }

    async fn count_hot_readings(&self) -> Result<u64, StoreError> {
        self.model.count_hot_readings().await
    }

    async fn list_hot_devices(&self, after: DeviceKey) -> Result<HotDevices, StoreError> {
        self.model.list_hot_devices(after).await
    }

    async fn list_hot_readings(&self, device: DeviceKey, count: u32) -> Result<Vec<Row>, StoreError> {
        self.model.list_hot_readings(device, count).await
    }
}
