//! The store that several nodes can share: users, devices, readings and segments in one PostgreSQL database.
//! [`PostgresStore`] keeps the promise of [`Store`](device_stats_store::Store).
//!
//! A call that is one statement is one round trip, and its own transaction; so is one whose statements are sent in one go
//! (appends, snapshots, deletes). `synchronous_commit=on` makes it wait until it is in stable storage. No statistic is
//! computed here.

#[cfg(feature = "testing")]
pub mod testing;

mod accounts;
mod database;
mod exchange;
mod readings;
mod segments;
mod snapshots;
mod store;

pub use database::config::{InvalidPostgresUrl, PostgresConfig};
pub use database::open::migrate;
pub use store::PostgresStore;
