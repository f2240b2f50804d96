//! Readings: one moment of one device.

use crate::axis::Axes;
use crate::device::DeviceKey;
use crate::number::Finite;
use crate::time::Timestamp;

/// The integer the contract shows for a reading. A reading is identified by device and time; this is a name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadingId(pub i64);

/// Who says when a reading was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadingTime {
    /// The device does. The same device and time again is a repeat.
    Given(Timestamp),
    /// The server does, by its clock, which says this: the first microsecond from here on at which the device has no reading,
    /// and behind those it has, so that the times a server picks ascend. Never a repeat.
    Picked(Timestamp),
}

/// A reading as a device sends it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// When it was taken, where the device says so.
    pub time: Option<Timestamp>,
    /// The numbers.
    pub values: Axes<Finite>,
}

/// A reading to be appended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NewReading {
    /// Whose reading it is.
    pub device: DeviceKey,
    /// The id it gets, from a reserved block.
    pub id: ReadingId,
    /// When it was taken.
    pub time: ReadingTime,
    /// The numbers.
    pub values: Axes<Finite>,
}

/// A stored reading.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Whose reading it is.
    pub device: DeviceKey,
    /// Its id.
    pub id: ReadingId,
    /// When it was taken; unique for the device.
    pub time: Timestamp,
    /// The numbers.
    pub values: Axes<Finite>,
}
