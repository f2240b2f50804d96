//! The promise of [`Store`] in its plainest form: ordered maps behind one lock. Forgets everything when dropped, so it
//! is durable in name only; it is what stores are compared with.

mod keyed;
mod readings;
mod segments;
mod state;

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use device_stats_domain::{
    Device, DeviceChange, DeviceId, DeviceKey, NewDevice, NewReading, NewUser, Page, Timestamp, User,
    UserChange, UserId, Window,
};
use device_stats_segment::{Row, Segment};

use crate::{
    Appended, DeviceSnapshot, Exchange, HotDevice, KeyedReadings, Newest, Once, PieceKey, Replaced,
    SegmentEntry, SegmentId, Snapshot, Store, StoreError, Subject,
};
use state::State;

/// A store in memory.
#[derive(Debug, Default)]
pub struct Model {
    state: Mutex<State>,
}

impl Model {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn page_of<'a, T: Clone + 'a>(all: impl Iterator<Item = &'a T>, page: Page) -> Vec<T> {
    let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
    all.skip(skip).take(page.limit as usize).cloned().collect()
}

#[async_trait]
impl Store for Model {
    fn appends_at_once(&self) -> usize {
        1
    }

    fn seals_at_once(&self) -> usize {
        1
    }

    fn exchange(&self) -> Option<Arc<dyn Exchange>> {
        None
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn create_user(&self, user: NewUser) -> Result<User, StoreError> {
        self.state().create_user(user)
    }

    async fn find_user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.state().users.get(&id).cloned())
    }

    async fn list_users(&self, page: Page) -> Result<Vec<User>, StoreError> {
        Ok(page_of(self.state().users.values(), page))
    }

    async fn update_user(&self, id: UserId, change: UserChange) -> Result<User, StoreError> {
        self.state().update_user(id, change)
    }

    async fn delete_user(&self, id: UserId) -> Result<(), StoreError> {
        self.state().delete_user(id)
    }

    async fn create_device(&self, device: NewDevice) -> Result<Device, StoreError> {
        self.state().create_device(device)
    }

    async fn find_devices(&self, device_ids: &[DeviceId]) -> Result<Vec<Option<Device>>, StoreError> {
        let state = self.state();
        let find = |id: &DeviceId| state.devices.values().find(|device| device.device_id == *id).cloned();
        Ok(device_ids.iter().map(find).collect())
    }

    async fn list_devices(&self, page: Page) -> Result<Vec<Device>, StoreError> {
        Ok(page_of(self.state().devices.values(), page))
    }

    async fn list_devices_of(&self, user: UserId) -> Result<Vec<Device>, StoreError> {
        let state = self.state();
        Ok(state.devices.values().filter(|device| device.user_id == Some(user)).cloned().collect())
    }

    async fn update_device(&self, device: DeviceKey, change: DeviceChange) -> Result<Device, StoreError> {
        self.state().update_device(device, change)
    }

    async fn delete_device(&self, device: DeviceKey) -> Result<(), StoreError> {
        self.state().delete_device(device)
    }

    async fn reserve_reading_ids(&self, count: u32) -> Result<Range<i64>, StoreError> {
        let mut state = self.state();
        let first = state.last_reading + 1;
        state.last_reading += i64::from(count);
        Ok(first..state.last_reading + 1)
    }

    async fn append(&self, readings: &[NewReading]) -> Result<Vec<Appended>, StoreError> {
        self.state().append(readings)
    }

    async fn append_once(&self, requests: &[KeyedReadings], now: Timestamp) -> Result<Vec<Once>, StoreError> {
        self.state().append_once(requests, now)
    }

    async fn snapshot(&self, subject: Subject, window: Window) -> Result<Snapshot, StoreError> {
        let state = self.state();
        let devices = state.devices_of(subject)?.into_iter().map(|device| DeviceSnapshot {
            hot: state.hot_of(device.key, window).copied().collect(),
            segments: state.segments_of(device.key, window),
            device,
        });
        Ok(Snapshot { devices: devices.collect() })
    }

    async fn newest(&self, device: DeviceKey, window: Window, count: u64) -> Result<Newest, StoreError> {
        let state = self.state();
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let hot = state.hot_of(device, window).rev().take(count).copied().collect();
        Ok(Newest { hot, segments: state.segments_of(device, window) })
    }

    async fn read_pieces(&self, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let state = self.state();
        Ok(pieces.iter().map(|piece| state.piece(*piece).cloned()).collect())
    }

    async fn list_hot(&self) -> Result<Vec<HotDevice>, StoreError> {
        Ok(self.state().hot_devices())
    }

    async fn read_hot(&self, device: DeviceKey, count: u32) -> Result<Vec<Row>, StoreError> {
        Ok(self.state().hot_of(device, Window::ALL).take(count as usize).copied().collect())
    }

    async fn list_segments(&self, device: DeviceKey) -> Result<Vec<SegmentEntry>, StoreError> {
        Ok(self.state().segments_of(device, Window::ALL))
    }

    async fn seal(&self, device: DeviceKey, rows: &[Row], segment: &Segment) -> Result<Replaced, StoreError> {
        self.state().seal(device, rows, segment)
    }

    async fn merge(
        &self,
        device: DeviceKey,
        merged: &[SegmentId],
        segment: &Segment,
    ) -> Result<Replaced, StoreError> {
        self.state().merge(device, merged, segment)
    }

    async fn append_segment(&self, device: DeviceKey, segment: &Segment) -> Result<Replaced, StoreError> {
        self.state().append_segment(device, segment)
    }
}
