//! Ingest: readings get their ids and times, and are stored together with the readings of other requests.

mod append;
mod batch_devices;
pub(crate) mod clock;
mod direct;
pub(crate) mod group_commit;
pub(crate) mod hot_limit;
pub(crate) mod keyed_requests;
mod lane;
mod locked_devices;
pub(crate) mod reading_ids;

pub use append::{BatchOutcome, MissingDevices};
