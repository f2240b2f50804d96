//! Snapshots of the model.

use std::collections::BTreeSet;

use async_trait::async_trait;
use device_stats_domain::{Device, DeviceKey, Window};

use super::state::{Model, State};
use crate::{DeviceSnapshot, NewestReadings, Snapshot, SnapshotStore, StoreError, Subject};

#[async_trait]
impl SnapshotStore for Model {
    async fn snapshot(&self, subject: Subject, window: Window) -> Result<Snapshot, StoreError> {
        let state = self.state();
        let devices = state.subject_devices(&subject)?.into_iter().map(|device| DeviceSnapshot {
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

    async fn find_latest(&self, devices: &[DeviceKey]) -> Result<Vec<NewestReadings>, StoreError> {
        let state = self.state();
        let latest = devices.iter().map(|device| {
            let segments = state.segments_in(*device, Window::ALL);
            NewestReadings {
                hot: state.hot_readings(*device, Window::ALL).next_back().copied().into_iter().collect(),
                segments: segments.into_iter().max_by_key(|segment| segment.last_us).into_iter().collect(),
            }
        });
        Ok(latest.collect())
    }
}

impl State {
    /// Returns the devices of a subject, by ascending key.
    fn subject_devices(&self, subject: &Subject) -> Result<Vec<Device>, StoreError> {
        let find = |key: &DeviceKey| self.devices.get(key).cloned().ok_or(StoreError::DeviceMissing);
        match subject {
            Subject::Device(key) => Ok(vec![find(key)?]),
            Subject::Devices(keys) => keys.iter().collect::<BTreeSet<_>>().into_iter().map(find).collect(),
            Subject::User(id) if !self.users.contains_key(id) => Err(StoreError::UserMissing),
            Subject::User(id) => Ok(self.devices_of(*id)),
        }
    }
}
