//! Requests that have keys, so that their readings are stored once however often they are sent.

use std::sync::Arc;

use device_stats_domain::{DeviceKey, IdempotencyKey, NewReading, ReadingId, Timestamp};

use crate::Appended;

/// What tells the payload of a request from any other.
pub type Fingerprint = [u8; 32];

/// The readings of a request that has a key.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyedReadings {
    /// The key; no two requests of a call have the same.
    pub key: IdempotencyKey,
    /// What tells its payload from another one that is sent with the same key.
    pub fingerprint: Fingerprint,
    /// Until when its receipt is kept.
    pub kept_until: Timestamp,
    /// Its readings: all are stored, or none.
    pub readings: Arc<[NewReading]>,
}

/// What became of a request that has a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Once {
    /// It is the first of that key; of each of its readings, what became of it.
    Now(Vec<Appended>),
    /// It was done before.
    Before(Receipt),
    /// Another payload was sent with that key before. Nothing has been done.
    OtherPayload,
}

/// What is kept of a request that was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Readings that it stored.
    pub stored: u64,
    /// Readings that were stored before it, or stood earlier in it.
    pub repeats: u64,
    /// The first of the readings that it stored.
    pub first: Option<FirstStored>,
}

/// The first reading that a request stored, in the order of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstStored {
    /// Whose it is.
    pub device: DeviceKey,
    /// Its id.
    pub id: ReadingId,
    /// When it was taken.
    pub time: Timestamp,
}

impl Receipt {
    /// What became of readings.
    pub fn of(readings: &[NewReading], outcome: &[Appended]) -> Self {
        let mut receipt = Self::default();
        for (new, appended) in readings.iter().zip(outcome) {
            match *appended {
                Appended::Repeat => receipt.repeats += 1,
                Appended::Stored(time) => {
                    receipt.stored += 1;
                    receipt.first.get_or_insert(FirstStored { device: new.device, id: new.id, time });
                }
            }
        }
        receipt
    }
}
