//! Writes the golden files in `tests/golden`. Run once for each version of the format, before its release.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "the readings are those of a test")]

#[path = "../tests/segment/golden_rows.rs"]
mod golden_rows;

use std::fs;
use std::path::Path;

use device_stats_segment::Segment;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (name, effort, rows) in golden_rows::golden() {
        let segment = Segment::encode(&rows, effort)?;
        fs::write(folder.join(format!("{name}.head")), &segment.head)?;
        fs::write(folder.join(format!("{name}.blocks")), segment.blocks.concat())?;
    }
    Ok(())
}
