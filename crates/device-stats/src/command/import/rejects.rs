//! The file of rejected rows.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::Context;
use device_stats_formats::file::{RejectedRow, RejectedRowsWriter};

/// Counts rejected rows, and writes them to a file.
pub(super) struct Rejects {
    path: Option<PathBuf>,
    /// The file, once there is a row.
    writer: Option<RejectedRowsWriter<BufWriter<File>>>,
    count: u64,
}

impl Rejects {
    /// Without a path, rows are only counted.
    pub(super) fn new(path: Option<&Path>) -> Self {
        Self { path: path.map(Path::to_owned), writer: None, count: 0 }
    }

    /// Returns the number of rejected rows.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Writes rows of a file.
    ///
    /// # Errors
    /// If the file of rejected rows cannot be written.
    pub(super) fn write(&mut self, file: &Path, rows: &[RejectedRow]) -> anyhow::Result<()> {
        self.count += rows.len() as u64;
        let Some(path) = self.path.as_ref().filter(|_| !rows.is_empty()) else { return Ok(()) };
        let cannot_write = || format!("cannot write {}", path.display());
        if self.writer.is_none() {
            let created = File::create(path).with_context(cannot_write)?;
            self.writer = Some(RejectedRowsWriter::new(BufWriter::new(created)).with_context(cannot_write)?);
        }
        if let Some(writer) = &mut self.writer {
            for row in rows {
                writer.write(file, row).with_context(cannot_write)?;
            }
        }
        Ok(())
    }

    /// Writes all buffered rows.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub(super) fn finish(&mut self) -> anyhow::Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        writer.flush().context("the file of rejected rows cannot be written")
    }
}
