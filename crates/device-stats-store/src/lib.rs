//! The promises of every store: the [`Store`] trait and its errors. With the feature `conformance`, also a
//! plain model that keeps the promises in memory, and a suite that compares any store with the model. The
//! crate also contains the shared code of stores that needs no database.
//!
//! A store keeps the data, the engine computes: no method returns a statistic.

pub mod limits;

mod accounts;
mod arrivals;
mod audit;
mod error;
mod exchange;
mod figures;
mod readings;
mod schema;
mod segments;
mod snapshots;
mod sql_conditions;
mod store;
mod tokens;

#[cfg(any(test, feature = "conformance"))]
mod model;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use accounts::{AccountStore, Purged, UserState, Visibility, VisibleRows};
pub use arrivals::ArrivalStore;
pub use audit::{AuditRow, AuditSelection, AuditStore};
pub use error::{Cause, Retry, StoreError};
pub use exchange::Exchange;
pub use figures::StoreFigures;
#[cfg(any(test, feature = "conformance"))]
pub use model::Model;
pub use readings::{
    AppendOrder, AppendResult, Appended, Fingerprint, FinishedKeyedCall, FirstStored, HotDevice, HotDevices,
    KeyedCall, KeyedOutcome, KeyedReadings, OrderedReading, ReadingStore, Receipt, StoredReceipt, TimePicker,
};
pub use schema::{SchemaError, SchemaVersion};
pub use segments::{
    CutSegment, Deleted, DeletionPlan, Lookup, MissingPiece, Piece, PieceKey, Replaced, SealedRows,
    SealedTimes, SegmentEntry, SegmentId, SegmentStore, open_head,
};
pub use snapshots::{DeviceSnapshot, NewestReadings, Snapshot, SnapshotStore, Subject};
pub use sql_conditions::SqlConditions;
pub use store::{Store, StoreHealth};
pub use tokens::TokenStore;
