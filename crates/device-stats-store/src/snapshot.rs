//! What a store hands to an analysis. This is the seam between keeping and computing: how readings are held may
//! change, what is computed from them is decided above it.

use device_stats_domain::{Axes, Device, DeviceKey, UserId};

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

/// The readings of one device in a window.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceSnapshot {
    /// Whose readings they are.
    pub device: Device,
    /// The numbers of its hot readings, a column an axis, in any order; the columns have equal lengths.
    pub hot: Axes<Vec<f64>>,
}

impl DeviceSnapshot {
    /// No readings of a device.
    pub fn empty(device: Device) -> Self {
        Self { device, hot: Axes::default() }
    }

    /// Adds the numbers of a reading.
    pub fn push(&mut self, x: f64, y: f64, z: f64) {
        self.hot.x.push(x);
        self.hot.y.push(y);
        self.hot.z.push(z);
    }
}
