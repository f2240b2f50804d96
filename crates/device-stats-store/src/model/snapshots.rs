//! Snapshots of the model.

use async_trait::async_trait;
use device_stats_domain::{Device, DeviceKey, Window};

use super::state::{Model, State};
use crate::{DeviceSnapshot, NewestReadings, Snapshot, SnapshotStore, StoreError, Subject};

#[async_trait]
impl SnapshotStore for Model {
    async fn snapshot(&self, subject: Subject, window: Window) -> Result<Snapshot, StoreError> {
        let state = self.state();
        let devices = state.subject_devices(subject)?.into_iter().map(|device| DeviceSnapshot {
            hot: state.hot_readings(device.key, window).copied().collect(),
            segments: state.segments_in(device.key, window),
            device,
        });
        Ok(Snapshot { devices: devices.collect() })
    }

    async fn list_newest(
        &self,
        device: DeviceKey,
        window: Window,
        count: u64,
    ) -> Result<NewestReadings, StoreError> {
        let state = self.state();
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let hot = state.hot_readings(device, window).rev().take(count).copied().collect();
        Ok(NewestReadings { hot, segments: state.segments_in(device, window) })
    }
}

impl State {
    /// Returns the devices of a subject, by ascending key.
    fn subject_devices(&self, subject: Subject) -> Result<Vec<Device>, StoreError> {
        match subject {
            Subject::Device(key) => {
                Ok(vec![self.devices.get(&key).cloned().ok_or(StoreError::DeviceMissing)?])
            }
            Subject::User(id) if !self.users.contains_key(&id) => Err(StoreError::UserMissing),
            Subject::User(id) => {
                Ok(self.devices.values().filter(|device| device.user_id == Some(id)).cloned().collect())
            }
        }
    }
}
