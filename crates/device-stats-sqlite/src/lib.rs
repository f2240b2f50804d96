//! The store in a file: users, devices and readings in one SQLite database. [`SqliteStore`] keeps the promise of
//! [`Store`](device_stats_store::Store). Beside the file lie SQLite's write-ahead log (`-wal`) with its index (`-shm`), both
//! part of the database while it is open, and the lock of those who migrate it (`.lock`), which is always empty.
//!
//! One connection writes, several read. The write-ahead log lets each read see one moment while another call writes;
//! `synchronous=FULL` syncs it at every commit, so what has returned `Ok` is in stable storage. No statistic is
//! computed here.
//!
//! Hot readings are in a journal, an entry for each commit, and in memory as the journal tells; of a segment the head is in
//! the row of the catalogue, and each block is a row of its own. The file is never mapped into memory: a disk that fails, or a file that is cut, would then end the process instead of a
//! call.

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
