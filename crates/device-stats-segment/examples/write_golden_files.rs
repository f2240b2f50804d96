//! Writes the golden files of a new version of the format to `tests/golden`, before its release. Never
//! overwrites a file.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "the rows are those of a test")]

#[path = "../tests/segment/golden_rows.rs"]
mod golden_rows;

use std::fs::File;
use std::io::Write;
use std::path::Path;

use device_stats_segment::Segment;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (name, effort, rows) in golden_rows::golden() {
        let segment = Segment::encode(&rows, effort)?;
        File::create_new(folder.join(format!("{name}.head")))?.write_all(&segment.head)?;
        File::create_new(folder.join(format!("{name}.blocks")))?.write_all(&segment.blocks.concat())?;
    }
    Ok(())
}
