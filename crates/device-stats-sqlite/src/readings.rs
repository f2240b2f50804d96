//! Readings and their ids: each call is a transaction. The modules have the statements.

pub(crate) mod append;
pub(crate) mod ids;
pub(crate) mod keyed;

use std::ops::Range;

use async_trait::async_trait;
use device_stats_domain::{DeviceKey, NewReading, Timestamp};
use device_stats_segment::Row;
use device_stats_store::{Appended, HotDevices, KeyedOutcome, KeyedReadings, ReadingStore, StoreError};

use crate::store::SqliteStore;

#[async_trait]
impl ReadingStore for SqliteStore {
    fn append_concurrency(&self) -> usize {
        1
    }

    async fn reserve_reading_ids(&self, count: u32) -> Result<Range<i64>, StoreError> {
        self.connections.write(move |connection| ids::reserve(connection, count)).await
    }

    async fn append(&self, readings: &[NewReading]) -> Result<Vec<Appended>, StoreError> {
        let readings = readings.to_vec();
        self.write_with_hot(move |connection, hot| append::append(connection, hot, &readings)).await
    }

    async fn append_keyed(
        &self,
        requests: &[KeyedReadings],
        now: Timestamp,
    ) -> Result<Vec<KeyedOutcome>, StoreError> {
        let requests = requests.to_vec();
        self.write_with_hot(move |connection, hot| keyed::append_keyed(connection, hot, &requests, now)).await
    }

    async fn count_hot_readings(&self) -> Result<u64, StoreError> {
        self.read_with_hot(|_, hot| Ok(hot.count())).await
    }

    async fn list_hot_devices(&self, after: DeviceKey) -> Result<HotDevices, StoreError> {
        self.read_with_hot(move |_, hot| {
            let mut devices = hot.list_devices()?;
            devices.retain(|hot| after < hot.device);
            Ok(HotDevices { devices, next_after: None })
        })
        .await
    }

    async fn list_hot_readings(&self, device: DeviceKey, count: u32) -> Result<Vec<Row>, StoreError> {
        self.read_with_hot(move |_, hot| hot.earliest(device, count)).await
    }
}
