//! The promises of every store: the [`Store`] trait, its errors, a plain [`Model`] that keeps them in memory,
//! and a conformance suite that compares any store with the model (feature `conformance`). The crate also
//! contains the shared code of stores that needs no database.
//!
//! A store keeps the data, the engine computes: no method returns a statistic.

pub mod limits;

mod error;
mod exchange;
mod readings;
mod schema;
mod segments;
mod snapshots;
mod store;

mod model;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use error::{Cause, Retry, StoreError};
pub use exchange::{Exchange, MESSAGE_BYTES_MAX};
pub use model::Model;
pub use readings::{
    AppendOrder, Appended, Fingerprint, FinishedKeyedCall, FirstStored, KeyedCall, KeyedOutcome,
    KeyedReadings, OrderedReading, Receipt, StoredReceipt, TimePicker, outcomes,
};
pub use schema::{SchemaError, SchemaVersion};
pub use segments::{
    HotDevice, Lookup, MissingPiece, Piece, PieceKey, Replaced, SealedRows, SealedTimes, SegmentEntry,
    SegmentId, open_head,
};
pub use snapshots::{DeviceSnapshot, NewestReadings, Snapshot, Subject};
pub use store::{AccountStore, ReadingStore, SegmentStore, SnapshotStore, Store};
