//! Calls about snapshots, each in a transaction.

use async_trait::async_trait;
use device_stats_domain::{DeviceKey, Window};
use device_stats_store::{NewestReadings, Snapshot, SnapshotStore, StoreError, Subject};

use super::SqliteStore;
use crate::snapshots;

#[async_trait]
impl SnapshotStore for SqliteStore {
    async fn snapshot(&self, subject: Subject, window: Window) -> Result<Snapshot, StoreError> {
        self.read_with_hot(move |connection, hot| snapshots::take(connection, hot, subject, window)).await
    }

    async fn list_newest(
        &self,
        device: DeviceKey,
        window: Window,
        count: u64,
    ) -> Result<NewestReadings, StoreError> {
        self.read_with_hot(move |connection, hot| snapshots::newest(connection, hot, device, window, count))
            .await
    }
}
