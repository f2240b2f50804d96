//! The arrivals of devices.

use async_trait::async_trait;
use device_stats_domain::{ArrivalRecord, DeviceKey, NewArrivals};

use crate::StoreError;

/// Keeps a record of the arrivals of each device. See [`Store`](crate::Store) for the promises and errors
/// common to all methods. The record of a device is deleted with it.
#[async_trait]
pub trait ArrivalStore: Send + Sync + 'static {
    /// Merges new arrivals into the records of their devices, with [`ArrivalRecord::merge`], all in one
    /// transaction. If a device occurs more than once, its arrivals are merged in this order. The arrivals of
    /// a device that does not exist are ignored. A store may also ignore the first arrivals of a device that
    /// another call has locked, for example to delete its readings. Several nodes may call this for the same
    /// devices.
    ///
    /// # Errors
    /// Only the common errors.
    async fn merge_arrivals(&self, arrivals: &[(DeviceKey, NewArrivals)]) -> Result<(), StoreError>;

    /// Returns the record of each device, in the order of `devices`; `None` for a device without arrivals,
    /// and for one that does not exist.
    ///
    /// # Errors
    /// Only the common errors.
    async fn find_arrivals(&self, devices: &[DeviceKey]) -> Result<Vec<Option<ArrivalRecord>>, StoreError>;
}
