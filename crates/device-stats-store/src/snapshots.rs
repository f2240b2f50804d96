//! Snapshots: the readings of a window at one moment, from which the engine computes.

use std::sync::Arc;

use async_trait::async_trait;
use device_stats_domain::{Device, DeviceKey, UserId, Window};
use device_stats_segment::Row;

use crate::{SegmentEntry, StoreError};

/// Takes snapshots. See [`Store`](crate::Store) for the promises and errors common to all methods.
#[async_trait]
pub trait SnapshotStore: Send + Sync + 'static {
    /// Takes a snapshot of a window for an analysis: devices, hot readings and segments at **one** moment.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`] or [`StoreError::UserMissing`] if the subject, or one of its devices,
    /// does not exist.
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

    /// Returns the newest hot reading of each device and the segment with the latest last time, all at
    /// **one** moment, in the order of `devices`. The newest reading of the device is this hot reading or is
    /// in this segment. The result is empty for a device that does not exist.
    ///
    /// # Errors
    /// Only the common errors.
    async fn find_latest(&self, devices: &[DeviceKey]) -> Result<Vec<NewestReadings>, StoreError>;
}

/// The devices, or the user, whose readings a snapshot holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One device.
    Device(DeviceKey),
    /// Each of these devices; a device may be named more than once.
    Devices(Arc<[DeviceKey]>),
    /// All devices of a user.
    User(UserId),
}

/// The readings of a window at one moment, by device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The devices, by ascending key. A device without readings in the window is either left out, or listed
    /// without readings.
    pub devices: Vec<DeviceSnapshot>,
}

/// The readings of one device in a window: hot readings, and segments by their entries. No reading is both
/// hot and sealed, and none is in two segments.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceSnapshot {
    /// The device.
    pub device: Device,
    /// The hot readings in the window, in any order.
    pub hot: Vec<Row>,
    /// The segments that touch the window, by ascending first time, then id. They can overlap. A segment
    /// touches a window that contains a microsecond from the segment's first to its last time. It may still
    /// have no reading in the window.
    pub segments: Vec<SegmentEntry>,
}

impl DeviceSnapshot {
    /// Creates a snapshot without readings.
    pub fn empty(device: Device) -> Self {
        Self { device, hot: Vec::new(), segments: Vec::new() }
    }
}

/// The newest hot readings of a device in a window, and the segments that can hold newer ones, at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewestReadings {
    /// The hot readings, newest first.
    pub hot: Vec<Row>,
    /// The segments, as in [`DeviceSnapshot::segments`].
    pub segments: Vec<SegmentEntry>,
}
