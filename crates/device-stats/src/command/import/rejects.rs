//! The file of rejected rows.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::Context;
use device_stats_formats::file::{RejectedRow, RejectedRowsWriter};

use super::sources::Source;
use crate::command::usage::UsageError;

/// Counts rejected rows, and writes them to a file.
pub(super) struct Rejects {
    file: Option<(PathBuf, RejectedRowsWriter<BufWriter<File>>)>,
    count: u64,
}

impl Rejects {
    /// Creates the file, or replaces it. Without a path, rows are only counted.
    ///
    /// # Errors
    /// If the file cannot be written.
    /// [`UsageError`] if the path is that of a file of the import, which would be destroyed.
    pub(super) fn new(path: Option<&Path>, sources: &[Source]) -> anyhow::Result<Self> {
        if let Some(path) = path
            && sources.iter().any(|source| source.is_at(path))
        {
            let path = path.display();
            return Err(
                UsageError(format!("--rejects would replace the file {path}, which is imported")).into()
            );
        }
        let create = |path: &Path| {
            let file = File::create(path)?;
            // Without rejected rows, the file has the header only, and not the rows of an earlier import.
            let mut writer = RejectedRowsWriter::new(BufWriter::new(file))?;
            writer.flush()?;
            std::io::Result::Ok((path.to_owned(), writer))
        };
        let cannot_write = || path.map(cannot_write).unwrap_or_default();
        Ok(Self { file: path.map(create).transpose().with_context(cannot_write)?, count: 0 })
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
        if let Some((path, writer)) = &mut self.file {
            for row in rows {
                writer.write(file, row).with_context(|| cannot_write(path))?;
            }
        }
        Ok(())
    }

    /// Writes all buffered rows.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub(super) fn finish(&mut self) -> anyhow::Result<()> {
        let Some((path, writer)) = &mut self.file else { return Ok(()) };
        writer.flush().with_context(|| cannot_write(path))
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}
