//! The audit log of a store.

mod row;
mod selection;

use async_trait::async_trait;
use device_stats_domain::{AuditEntry, AuditEvent, AuditFilter, AuditId, AuditOrder, Author, Timestamp};

use crate::StoreError;

pub use row::AuditRow;
pub use selection::AuditSelection;

/// Keeps the audit log. See [`Store`](crate::Store) for the promises and errors common to all methods.
///
/// The methods of the other traits write an entry in the transaction of the change that it is about. No
/// method changes an entry. An entry stays after its user, device or token was deleted.
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Writes entries about events without a change in the store.
    ///
    /// # Errors
    /// Only the common errors.
    async fn append_audit(&self, events: &[(Author, AuditEvent)]) -> Result<(), StoreError>;

    /// Returns the first `limit` entries that meet the conditions, in an order. With `after`, the list begins
    /// after the entry with this id, which may be missing. The call reads the entries one by one until enough
    /// are found.
    ///
    /// The entries of one caller have ascending ids. An entry of another caller can appear after an entry
    /// with a higher id.
    ///
    /// # Errors
    /// Only the common errors.
    async fn list_audit(
        &self,
        order: AuditOrder,
        after: Option<AuditId>,
        filter: &AuditFilter,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError>;

    /// Deletes up to `limit` entries that are older than a time, the oldest ones first. Returns their number.
    ///
    /// # Errors
    /// Only the common errors.
    async fn delete_audit(&self, until: Timestamp, limit: u32) -> Result<u32, StoreError>;
}
