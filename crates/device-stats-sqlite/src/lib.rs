//! The store in a file: users, devices and readings in one SQLite database. [`SqliteStore`] implements
//! [`Store`](device_stats_store::Store). Three files lie beside the database: SQLite's write-ahead log
//! (`-wal`) and its index (`-shm`), which belong to the database while it is open, and the empty lock file of
//! migrations (`.lock`).
//!
//! One connection writes, several read. With the write-ahead log, each read sees one moment while another
//! call writes. `synchronous=FULL` syncs the log at every commit, so committed changes are in stable storage.
//! No statistic is computed here.
//!
//! Hot readings are in a journal, one entry for each commit, and in memory. The head of a segment is in its
//! catalogue row, and each block is a row of its own. The file is never memory-mapped: a failing disk or a
//! truncated file would then end the process instead of one call.

pub mod limits;

mod accounts;
mod database;
mod hot;
mod journal;
mod readings;
mod segments;
mod snapshots;
mod store;

pub use database::open::migrate;
pub use store::SqliteStore;
