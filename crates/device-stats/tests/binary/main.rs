//! The real binary, started as people start it: the README's lines, the command line, kills and a database that is lost.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::float_cmp,
    reason = "tests"
)]

mod command_line;
mod crash_points;
mod crates;
mod databases;
mod deletions;
mod exports;
mod full_disk;
mod import_retries;
mod keyed_readings;
mod killed_servers;
mod kills;
mod limits;
mod many_bodies;
mod numbered_readings;
mod outages;
mod random;
mod readme;
mod sealing;
mod self_checking;
mod server;
mod small_disk;
mod storms;
