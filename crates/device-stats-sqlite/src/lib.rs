//! The store in a file: users, devices and readings in one SQLite database. [`SqliteStore`] implements
//! [`Store`](device_stats_store::Store). Three files lie beside the database. SQLite's write-ahead log
//! (`-wal`) and its index (`-shm`) are part of the database while it is open. The lock file of migrations
//! (`.lock`) is empty.
//!
//! One connection writes, several connections read. With the write-ahead log, a read sees the database at one
//! moment, even while another call writes. `synchronous=FULL` syncs the log at every commit, so committed
//! changes are in stable storage. The store computes no statistics.
//!
//! Hot readings are in a journal, one entry for each commit, and in memory. A damaged entry makes only its
//! own devices unavailable, until it is [repaired](repair). The head of a segment is in its catalogue row,
//! and each block is a row of its own. The file is never memory-mapped: if it were, a failing disk or a
//! truncated file would end the process instead of one call.

pub mod limits;
pub mod repair;

mod accounts;
mod arrivals;
mod audit;
mod database;
mod figures;
mod hot;
mod journal;
mod readings;
mod segments;
mod snapshots;
mod store;
mod tokens;

pub use database::open::migrate;
pub use store::SqliteStore;
