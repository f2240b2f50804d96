//! What every store promises: the [`Store`] trait, its errors, a plain [`Model`] that keeps the promise in memory, and
//! one conformance suite that compares any store with the model (feature `conformance`).
//!
//! The store keeps, the engine computes: no method here answers with a statistic.

#[cfg(feature = "conformance")]
pub mod conformance;

mod error;
mod exchange;
mod model;
mod readings;
mod schema;
mod segments;
mod snapshots;
mod store;

pub use error::{Cause, Retry, StoreError};
pub use exchange::{Exchange, MESSAGE_BYTES_MAX};
pub use model::Model;
pub use readings::{
    AppendOrder, Appended, Fingerprint, FirstStored, KeyedReadings, Once, Receipt, behind_which_to_pick,
    earliest_to_pick, microsecond_after,
};
pub use schema::{SchemaError, SchemaVersion};
pub use segments::{HotDevice, Piece, PieceKey, Replaced, SegmentEntry, SegmentId};
pub use snapshots::{DeviceSnapshot, Newest, Snapshot, Subject};
pub use store::Store;
