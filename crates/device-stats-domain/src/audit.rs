//! Entries of the audit log: changes and refusals, and who caused them.

mod action;
mod author;
mod details;
mod event;
mod filter;

use std::fmt;

use crate::time::Timestamp;

pub use action::{AuditAction, UnknownAction};
pub use author::{Actor, Author, UnknownActor};
pub use details::AuditDetails;
pub use event::{AuditEvent, AuditObject};
pub use filter::{AuditFilter, AuditOrder};

/// Integer id of an entry of the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditId(pub i64);

impl fmt::Display for AuditId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// Its id, 1 and up, never reused.
    pub id: AuditId,
    /// Time of the change, by the clock of the database.
    pub time: Timestamp,
    /// The party that caused the change.
    pub author: Author,
    /// The change.
    pub event: AuditEvent,
}
