//! Snapshots for analyses and lists. The read transaction of the call makes a snapshot show one moment.

use std::collections::BTreeSet;

use async_trait::async_trait;
use device_stats_domain::{Device, DeviceKey, Window};
use device_stats_store::{
    DeviceSnapshot, NewestReadings, Snapshot, SnapshotStore, StoreError, Subject, Visibility,
};
use rusqlite::Connection;

use crate::accounts::{devices, users};
use crate::hot::HotView;
use crate::segments::catalogue;
use crate::store::SqliteStore;

#[async_trait]
impl SnapshotStore for SqliteStore {
    async fn snapshot(&self, subject: Subject, window: Window) -> Result<Snapshot, StoreError> {
        self.read_with_hot(move |connection, hot| take(connection, hot, subject, window)).await
    }

    async fn list_newest(
        &self,
        device: DeviceKey,
        window: Window,
        count: u64,
    ) -> Result<NewestReadings, StoreError> {
        self.read_with_hot(move |connection, hot| newest(connection, hot, device, window, count)).await
    }

    async fn find_latest(&self, devices: &[DeviceKey]) -> Result<Vec<NewestReadings>, StoreError> {
        let devices = devices.to_vec();
        self.read_with_hot(move |connection, hot| {
            devices.iter().map(|device| latest(connection, hot, *device)).collect()
        })
        .await
    }
}

fn take(
    connection: &Connection,
    hot: &HotView,
    subject: Subject,
    window: Window,
) -> Result<Snapshot, StoreError> {
    let find = |key| devices::find_by_key(connection, key)?.ok_or(StoreError::DeviceMissing);
    let devices = match subject {
        Subject::Device(key) => vec![find(key)?],
        Subject::Devices(keys) => {
            let keys: BTreeSet<DeviceKey> = keys.iter().copied().collect();
            keys.into_iter().map(find).collect::<Result<_, _>>()?
        }
        Subject::User(id) if users::find(connection, Visibility::All, id)?.is_none() => {
            return Err(StoreError::UserMissing);
        }
        Subject::User(id) => devices::list_by_user(connection, id)?,
    };
    let devices = devices.into_iter().map(|device| take_device(connection, hot, device, window));
    Ok(Snapshot { devices: devices.collect::<Result<_, _>>()? })
}

fn take_device(
    connection: &Connection,
    hot: &HotView,
    device: Device,
    window: Window,
) -> Result<DeviceSnapshot, StoreError> {
    let hot = hot.list(device.key, window)?;
    let segments = catalogue::list(connection, device.key, window)?;
    Ok(DeviceSnapshot { device, hot, segments })
}

fn newest(
    connection: &Connection,
    hot: &HotView,
    device: DeviceKey,
    window: Window,
    count: u64,
) -> Result<NewestReadings, StoreError> {
    if !devices::exists(connection, device)? {
        return Ok(NewestReadings::default());
    }
    let hot = hot.newest(device, window, count)?;
    let segments = catalogue::list(connection, device, window)?;
    Ok(NewestReadings { hot, segments })
}

fn latest(connection: &Connection, hot: &HotView, device: DeviceKey) -> Result<NewestReadings, StoreError> {
    if !devices::exists(connection, device)? {
        return Ok(NewestReadings::default());
    }
    let hot = hot.newest(device, Window::ALL, 1)?;
    let segments = catalogue::find_last(connection, device)?.into_iter().collect();
    Ok(NewestReadings { hot, segments })
}
