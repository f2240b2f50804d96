//! The audit log: lists of it, its entries about refusals and starts, and the deletion of old entries. The
//! store writes the entries about changes.

mod background;
mod refusals;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use device_stats_domain::{
    AuditAction, AuditDetails, AuditEntry, AuditEvent, AuditFilter, AuditId, AuditOrder, Author,
};
use device_stats_store::StoreError;

use crate::access::{Administer, CursorPage, Granted};
use crate::service::Service;

pub use background::BackgroundAudit;
pub use refusals::Refusal;
pub(crate) use refusals::Refusals;

impl Service {
    /// Returns a page of the entries of the audit log that meet conditions, beginning after the entry with
    /// the id `after`. Only administrators see the log, and they see all of it.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn list_audit(
        &self,
        _granted: Granted<Administer>,
        order: AuditOrder,
        after: Option<AuditId>,
        filter: &AuditFilter,
        limit: u32,
    ) -> Result<CursorPage<AuditEntry>, StoreError> {
        let entries = self.parts.store.list_audit(order, after, filter, limit.saturating_add(1)).await?;
        Ok(CursorPage::from_longer(entries, limit))
    }

    /// Reports a refused request. A task writes it to the audit log within a minute.
    pub fn note_refusal(&self, refusal: Refusal) {
        self.parts.refusals.note(refusal);
    }

    /// Writes the start of a server to the audit log, with its version and the settings that differ from
    /// their defaults, without secrets.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn note_start(
        &self,
        version: &str,
        settings: BTreeMap<String, String>,
    ) -> Result<(), StoreError> {
        let details = AuditDetails { version: Some(version.to_owned()), settings, ..AuditDetails::default() };
        let event = AuditEvent::general(AuditAction::StartService, details);
        self.parts.store.append_audit(&[(Author::SERVICE, event)]).await
    }
}
