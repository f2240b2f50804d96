//! The store that several nodes can share: users, devices, readings and segments in one PostgreSQL database.
//! [`PostgresStore`] implements [`Store`](device_stats_store::Store).
//!
//! A call of one statement is one round trip and one transaction. So is a call whose statements are sent
//! together (appends, snapshots, deletes). With `synchronous_commit=on`, a commit waits for stable storage.
//! No statistic is computed here.

pub mod limits;

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
