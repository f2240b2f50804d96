//! The trait that a store implements.

use std::sync::Arc;

use async_trait::async_trait;
use device_stats_domain::DeviceKey;

use crate::{
    AccountStore, ArrivalStore, AuditStore, Exchange, ReadingStore, SegmentStore, SnapshotStore, StoreError,
    StoreFigures, TokenStore,
};

/// The health of a store that answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreHealth {
    /// The devices with damaged hot readings, by ascending key. All other devices can be used.
    pub damaged_devices: Vec<DeviceKey>,
}

/// Keeps users, devices and readings.
///
/// All methods of its supertraits keep these promises:
///
/// - **Atomic.** A method does everything it says, or nothing.
/// - **Durable.** When a method that writes returns `Ok`, its changes are in stable storage. They survive the
///   death of the process and of the machine.
/// - **Visible.** A call sees the changes of every call that returned `Ok` before it started, on every node.
/// - **Unique by the database.** Usernames, email addresses, device ids, and the time of a reading within its
///   device are unique even if callers race. The losers get the documented error.
/// - **Errors.** Besides the errors that a method names, every method can fail with
///   [`StoreError::Unavailable`], [`StoreError::OutOfSpace`] or [`StoreError::Broken`], after which nothing
///   has been done. A method that writes can also fail with [`StoreError::OutcomeUnknown`]. The methods that
///   read segments (`append`, `append_keyed`, `append_segment`, `read_pieces`, `read_derived_pieces`) can
///   also fail with [`StoreError::Corrupt`], and those about readings of a device with
///   [`StoreError::HotReadingsDamaged`].
#[async_trait]
pub trait Store:
    AccountStore + ArrivalStore + TokenStore + AuditStore + ReadingStore + SegmentStore + SnapshotStore
{
    /// Returns the channel for messages between the nodes that share this store; `None` if no other node can
    /// share it.
    fn exchange(&self) -> Option<Arc<dyn Exchange>>;

    /// Checks that the store answers, and returns its health.
    ///
    /// # Errors
    /// Only the common errors.
    async fn ping(&self) -> Result<StoreHealth, StoreError>;

    /// Returns the sizes of the database. A store of one node reads an index over all segments; a store that
    /// several nodes share reads a part. So ask rarely.
    ///
    /// # Errors
    /// Only the common errors.
    async fn figures(&self) -> Result<StoreFigures, StoreError>;

    /// Checks the structure of the database itself, such as its indexes, and returns the faults, each as a
    /// text of the database. Returns none if the database has no such check. Reads the whole database.
    ///
    /// # Errors
    /// Only the common errors.
    async fn check_structure(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
}
