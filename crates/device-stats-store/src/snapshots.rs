//! What a store hands to an analysis. This is the seam between keeping and computing: how readings are held may
//! change, what is computed from them is decided above it.

use device_stats_domain::{Device, DeviceKey, UserId};
use device_stats_segment::Row;

use crate::SegmentEntry;

/// Whose readings a snapshot is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One device.
    Device(DeviceKey),
    /// All devices of a user.
    User(UserId),
}

/// The readings of a window at one moment, device by device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// By ascending key; a device without a reading in the window has empty columns or is left out.
    pub devices: Vec<DeviceSnapshot>,
}

/// The readings of one device in a window: the hot ones themselves, the sealed ones by the names of their segments. No
/// reading is in both, or in two segments.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceSnapshot {
    /// Whose readings they are.
    pub device: Device,
    /// The hot readings inside the window, in any order.
    pub hot: Vec<Row>,
    /// The segments whose span touches the window, by ascending first time, then id. They may overlap each other.
    pub segments: Vec<SegmentEntry>,
}

impl DeviceSnapshot {
    /// No readings of a device.
    pub fn empty(device: Device) -> Self {
        Self { device, hot: Vec::new(), segments: Vec::new() }
    }
}

/// The newest hot readings of a device in a window, and the segments that may hold newer ones, at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Newest {
    /// Newest first.
    pub hot: Vec<Row>,
    /// As in [`DeviceSnapshot::segments`].
    pub segments: Vec<SegmentEntry>,
}
