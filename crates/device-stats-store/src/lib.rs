//! What every store promises: the [`Store`] trait, its errors, a plain [`Model`] that keeps the promise in memory, and
//! one conformance suite that compares any store with the model (feature `conformance`).
//!
//! The store keeps, the engine computes: no method here answers with a statistic.

#[cfg(feature = "conformance")]
pub mod conformance;

mod append;
mod error;
mod exchange;
mod model;
mod once;
mod schema;
mod segments;
mod snapshot;
mod store;

pub use append::{AppendOrder, Appended, behind_which_to_pick, earliest_to_pick, microsecond_after};
pub use error::{Cause, Retry, StoreError};
pub use exchange::{Exchange, MESSAGE_BYTES_MAX};
pub use model::Model;
pub use once::{Fingerprint, FirstStored, KeyedReadings, Once, Receipt};
pub use schema::{SchemaError, SchemaVersion};
pub use segments::{HotDevice, Piece, PieceKey, Replaced, SegmentEntry, SegmentId};
pub use snapshot::{DeviceSnapshot, Newest, Snapshot, Subject};
pub use store::Store;
