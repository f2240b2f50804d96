//! The writer of the golden files.

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use device_stats_segment::Segment;

use crate::golden_rows::golden;

/// Writes all golden files to a folder. Never overwrites a file.
pub(crate) fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    for (name, effort, rows) in golden() {
        let segment = Segment::encode(&rows, effort)?;
        File::create_new(folder.join(format!("{name}.head")))?.write_all(&segment.head)?;
        File::create_new(folder.join(format!("{name}.blocks")))?.write_all(&segment.blocks.concat())?;
    }
    Ok(())
}
