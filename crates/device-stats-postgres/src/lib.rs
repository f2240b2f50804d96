//! The store that several nodes can share: users, devices, readings and segments in one PostgreSQL database.
//! [`PostgresStore`] implements [`Store`](device_stats_store::Store).
//!
//! A call of one statement takes one round trip and is one transaction. The same is true if a call sends its
//! statements together (appends, snapshots, deletions). With `synchronous_commit=on`, a commit waits for
//! stable storage. The store computes no statistics.

pub mod limits;

#[cfg(feature = "testing")]
pub mod testing;

mod accounts;
mod arrivals;
mod audit;
mod database;
mod exchange;
mod figures;
mod readings;
mod segments;
mod snapshots;
mod store;
mod tokens;

pub use database::config::PostgresConfig;
pub use database::invalid_url::InvalidPostgresUrl;
pub use database::open::migrate;
pub use store::PostgresStore;
