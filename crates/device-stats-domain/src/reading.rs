//! Readings: the three numbers of a device at one time.

use crate::axis::Axes;
use crate::device::DeviceKey;
use crate::number::Finite;
use crate::time::Timestamp;

/// Integer id of a reading in the HTTP contract. Device and time identify a reading; the id is an additional
/// name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadingId(pub i64);

/// Origin of the time of a new reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadingTime {
    /// The device gave the time. A reading with an existing device and time is a repeat.
    Given(Timestamp),
    /// The server picks the time; the value is the time of its clock. The reading gets the first free
    /// microsecond that is not before the clock and that is after the existing readings of its device. So
    /// picked times ascend, and the reading is never a repeat.
    Picked(Timestamp),
}

/// A reading as sent by a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// Its time, if the device gave one.
    pub time: Option<Timestamp>,
    /// Its numbers.
    pub values: Axes<Finite>,
}

/// A reading that is not stored yet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NewReading {
    /// The device that sent it.
    pub device: DeviceKey,
    /// Its id, from a reserved block.
    pub id: ReadingId,
    /// Its time, or the origin of its time.
    pub time: ReadingTime,
    /// Its numbers.
    pub values: Axes<Finite>,
}

/// A stored reading.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The device that sent it.
    pub device: DeviceKey,
    /// Its id.
    pub id: ReadingId,
    /// Its time, unique for the device.
    pub time: Timestamp,
    /// Its numbers.
    pub values: Axes<Finite>,
}
