//! Snapshots of a store, from which queries read.

use async_trait::async_trait;
use device_stats_domain::{DeviceKey, Window};

use crate::{NewestReadings, Snapshot, StoreError, Subject};

/// Takes snapshots. See [`Store`](crate::Store) for the promises and errors common to all methods.
#[async_trait]
pub trait SnapshotStore: Send + Sync + 'static {
    /// Takes a snapshot of a window for an analysis: devices, hot readings and segments at **one** moment.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`] or [`StoreError::UserMissing`] if the subject does not exist.
    async fn snapshot(&self, subject: Subject, window: Window) -> Result<Snapshot, StoreError>;

    /// Takes a snapshot of a window for a list: up to `count` newest hot readings and the segments that touch
    /// the window, at **one** moment. The snapshot is empty if the device does not exist.
    ///
    /// # Errors
    /// Only the common errors.
    async fn list_newest(
        &self,
        device: DeviceKey,
        window: Window,
        count: u64,
    ) -> Result<NewestReadings, StoreError>;
}
