//! Tests of the ids of a node whose database is replaced by an older copy.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use device_stats_domain::{DeviceKey, NewReading, Timestamp};
use device_stats_segment::Row;
use device_stats_store::{Appended, HotDevices, KeyedOutcome, KeyedReadings, Model};

use super::*;

/// The model, with a number of restores that the test sets.
#[derive(Default)]
struct RestoredModel {
    model: Model,
    restores: AtomicU64,
    /// Number of restores that other calls find during each reservation.
    found_while_reserving: u64,
}

#[async_trait]
impl ReadingStore for RestoredModel {
    fn append_concurrency(&self) -> usize {
        1
    }

    fn restores(&self) -> u64 {
        self.restores.load(Ordering::Relaxed)
    }

    async fn reserve_reading_ids(&self, count: u32) -> Result<Range<i64>, StoreError> {
        self.restores.fetch_add(self.found_while_reserving, Ordering::Relaxed);
        self.model.reserve_reading_ids(count).await
    }

    async fn append(&self, readings: &[NewReading]) -> Result<Vec<Appended>, StoreError> {
        self.model.append(readings).await
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

/// Another request found the restore after this one had looked up its device, and before it took its ids. The
/// ids are new, so the store would have accepted them, with the key that the device had before the restore.
#[tokio::test]
async fn new_ids_are_not_given_to_devices_that_were_looked_up_before_a_restore() {
    let (store, ids) = (RestoredModel::default(), ReadingIds::default());
    assert_eq!(ids.take(&store, 2, 0).await.unwrap(), [1, 2].map(ReadingId));
    let looked_up = store.restores();
    store.restores.fetch_add(1, Ordering::Relaxed);
    assert!(matches!(ids.take(&store, 1, looked_up).await, Err(StoreError::Restored)));
    let next = i64::from(READING_ID_BLOCK) + 2;
    assert_eq!(ids.take(&store, 1, 1).await.unwrap(), [ReadingId(next)], "ids of the old block are dropped");
}

#[tokio::test]
async fn a_restore_that_is_found_while_ids_are_reserved_is_noticed() {
    let store = RestoredModel { found_while_reserving: 1, ..Default::default() };
    let ids = ReadingIds::default();
    assert!(matches!(ids.take(&store, 1, 0).await, Err(StoreError::Restored)));
}
