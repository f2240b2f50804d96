//! Tests of the real binary: its commands, kills and crash points, full disks, and outages of the database.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::float_cmp,
    reason = "tests"
)]

mod accounts;
mod audit;
mod charts;
mod command_line;
mod connections;
mod crash_points;
mod crates;
mod dashboard;
mod databases;
mod deletion_crash_points;
mod deletions;
mod errors;
mod exports;
mod fixed_answer;
mod full_disk;
mod hostile_clients;
mod hot_limit;
mod import_files;
mod import_rejects;
mod import_retries;
mod import_times;
mod keyed_readings;
mod killed_servers;
mod kills;
mod limits;
mod logged_readings;
mod many_bodies;
mod numbered_readings;
mod opening;
mod outages;
mod output_forms;
mod power_loss;
mod random;
mod readme;
mod repair;
mod sealing;
mod self_checking;
mod server;
mod settings_file;
mod small_disk;
mod stopping;
mod storms;
mod tailing;
mod tls;
mod tokens;
mod torture;
mod traced_runs;
#[path = "../../../device-stats-sqlite/tests/sqlite/unsynced_disk.rs"]
mod unsynced_disk;
