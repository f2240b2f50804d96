//! Segments through the public interface, and the golden files.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod golden_files;
mod golden_rows;
mod golden_writer;
mod shared_segments;
