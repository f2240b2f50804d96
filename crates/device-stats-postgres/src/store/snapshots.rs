//! Calls about snapshots, each on a connection and with a time limit.

use async_trait::async_trait;
use device_stats_domain::{DeviceKey, Window};
use device_stats_store::{NewestReadings, Snapshot, SnapshotStore, StoreError, Subject};

use super::PostgresStore;
use crate::database::connections::{TimeLimit, call};
use crate::snapshots;

#[async_trait]
impl SnapshotStore for PostgresStore {
    async fn snapshot(&self, subject: Subject, window: Window) -> Result<Snapshot, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| snapshots::take(client, subject, window))
    }

    async fn list_newest(
        &self,
        device: DeviceKey,
        window: Window,
        count: u64,
    ) -> Result<NewestReadings, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| snapshots::newest(client, device, window, count))
    }
}
