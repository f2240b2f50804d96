//! Appending readings to a store, its hot readings, and the outcomes that it returns.

mod append;
mod keyed;
mod pick_times;

use std::ops::Range;

use async_trait::async_trait;
use device_stats_domain::{DeviceKey, NewReading, Timestamp};
use device_stats_segment::Row;

pub use self::append::{AppendOrder, AppendResult, Appended, OrderedReading};
pub use self::keyed::{
    Fingerprint, FinishedKeyedCall, FirstStored, KeyedCall, KeyedOutcome, KeyedReadings, Receipt,
    StoredReceipt,
};
pub use self::pick_times::TimePicker;
use crate::StoreError;

/// Appends readings. See [`Store`](crate::Store) for the promises and errors common to all methods.
#[async_trait]
pub trait ReadingStore: Send + Sync + 'static {
    /// Returns the number of [`Self::append`] calls that the store commits at the same time, 1 and up.
    /// Further calls wait, so callers should batch small appends.
    fn append_concurrency(&self) -> usize;

    /// Returns the number of times that this store has found the database replaced by an older copy. Data
    /// that a caller read before the last time, such as the key of a device, may be wrong.
    ///
    /// A caller reads this number, looks up its devices, reserves ids, and reads the number again. If it has
    /// not changed, the readings go to these devices or are refused: [`Self::append`] refuses ids that were
    /// reserved before the store found the replacement.
    fn restores(&self) -> u64 {
        0
    }

    /// Reserves `count` reading ids and returns their range, which is empty for 0. Ids are 1 and up. No id is
    /// reserved twice, on any node.
    ///
    /// # Errors
    /// [`StoreError::Restored`] if the database was replaced by an older copy, which does not know of an
    /// earlier reservation of this node. The next call reserves ids above all that the node knows.
    async fn reserve_reading_ids(&self, count: u32) -> Result<Range<i64>, StoreError>;

    /// Appends readings of any devices in one transaction. Returns the outcome of each reading, in the same
    /// order.
    ///
    /// A client-timed reading is a repeat if its device already has a reading with its time, hot or sealed,
    /// or if the same call contains an earlier one. A repeat changes nothing. If its values differ from those
    /// of the stored reading, it is also a conflict.
    ///
    /// A server-timed reading is never a repeat. It gets the first microsecond at which its device has no
    /// reading and that is
    ///
    /// - not before the server's clock,
    /// - after all readings of the device that lie less than
    ///   [`CLOCK_SKEW_MAX`](crate::limits::CLOCK_SKEW_MAX) ahead of the clock, and
    /// - after the previous server-timed reading of the device in the same call.
    ///
    /// So the picked times of a device ascend in the order of the call, and from call to call, even if the
    /// callers' clocks differ or are set back by less than this time. A picked time is never more than this
    /// time ahead of the clock, except for the microseconds of other readings there. A deletion of readings
    /// can end this order. Client-timed readings are stored before times are picked, wherever they are in the
    /// call.
    ///
    /// # Errors
    /// [`StoreError::DeviceMissing`] if one of the devices does not exist, then [`StoreError::Broken`] if a
    /// device has no free microsecond up to [`Timestamp::MAX`]. In both cases nothing is stored. If a device
    /// is deleted at the same time, either its readings are deleted with it, or the call fails with
    /// [`StoreError::DeviceMissing`].
    ///
    /// [`StoreError::DevicesLocked`] after a short wait if other calls have locked devices of the readings,
    /// for example to delete them. The caller can append the readings of the other devices, and try these
    /// again.
    ///
    /// [`StoreError::Restored`] as for [`Self::reserve_reading_ids`], until ids are reserved again, and
    /// afterwards for readings with ids that were reserved before.
    async fn append(&self, readings: &[NewReading]) -> Result<Vec<Appended>, StoreError>;

    /// Appends the readings of keyed requests in one transaction, and keeps a receipt of each under its key.
    /// Returns the outcome of each request, in the same order.
    ///
    /// The readings of all new requests are appended like one call of [`Self::append`]. A request is new if
    /// no unexpired receipt has its key and no earlier request of the same call has it. A request that is not
    /// new appends nothing. If the key of a request occurs earlier in the same call, the request is answered
    /// with the receipt of the earlier request, and the `kept_until` of the later request is ignored.
    ///
    /// A receipt expires at `kept_until`; `now` is the current time. A store that several nodes share keeps a
    /// receipt for the time from `now` to `kept_until`, by a clock of its own.
    ///
    /// # Errors
    /// The errors of [`Self::append`]. After an error, no receipt is kept.
    async fn append_keyed(
        &self,
        requests: &[KeyedReadings],
        now: Timestamp,
    ) -> Result<Vec<KeyedOutcome>, StoreError>;

    /// Returns the number of hot readings of all devices together, at one moment during the call. In a store
    /// that several nodes share, it includes the readings of all nodes. Such a store may estimate a number
    /// above [`HOT_READINGS_COUNTED_MAX`](crate::limits::HOT_READINGS_COUNTED_MAX), but then it returns at
    /// least this limit. The cost of a call does not depend on the number.
    ///
    /// # Errors
    /// Only the common errors.
    async fn count_hot_readings(&self) -> Result<u64, StoreError>;

    /// Returns the devices that have hot readings, with keys above `after`, by ascending key. A call may
    /// return only the first of them. The cost of a call is bounded, also if many devices have many hot
    /// readings.
    ///
    /// # Errors
    /// Only the common errors.
    async fn list_hot_devices(&self, after: DeviceKey) -> Result<HotDevices, StoreError>;

    /// Returns the first `count` hot readings of a device, by ascending time; none if the device does not
    /// exist.
    ///
    /// # Errors
    /// Only the common errors.
    async fn list_hot_readings(&self, device: DeviceKey, count: u32) -> Result<Vec<Row>, StoreError>;
}

/// Devices with hot readings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HotDevices {
    /// The devices, by ascending key.
    pub devices: Vec<HotDevice>,
    /// The key after which the next call continues; `None` if there are no further devices.
    pub next_after: Option<DeviceKey>,
}

/// A device with hot readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HotDevice {
    /// The device.
    pub device: DeviceKey,
    /// Number of hot readings; 1 and up. A store may stop counting at
    /// [`HOT_READINGS_COUNTED_MAX`](crate::limits::HOT_READINGS_COUNTED_MAX).
    pub readings: u64,
}
