//! The store that several nodes can share: users, devices, readings and segments in one PostgreSQL database.
//! [`PostgresStore`] keeps the promise of [`Store`](device_stats_store::Store).
//!
//! A call that is one statement is one round trip, and its own transaction; so is one whose statements are sent in one go
//! (appends, snapshots, deletes). `synchronous_commit=on` makes it wait until it is in stable storage. No statistic is
//! computed here.

#[cfg(feature = "testing")]
pub mod testing;

mod appending;
mod catalogue;
mod columns;
mod config;
mod connect;
mod connections;
mod devices;
mod errors;
mod exchange;
mod inserting;
mod migrations;
mod once;
mod open;
mod picked_times;
mod pieces;
mod readings;
mod sealed_times;
mod sealing;
mod snapshots;
mod store;
mod transactions;
mod users;

pub use config::{InvalidPostgresUrl, PostgresConfig};
pub use open::migrate;
pub use store::PostgresStore;
