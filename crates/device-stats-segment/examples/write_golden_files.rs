//! Writes the golden files of a new version of the format to `tests/golden`, before its release. Never
//! overwrites a file.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "the rows are those of a test")]

#[path = "../tests/segment/golden_rows.rs"]
mod golden_rows;
#[path = "../tests/segment/golden_writer.rs"]
mod golden_writer;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    golden_writer::write(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"))
}
