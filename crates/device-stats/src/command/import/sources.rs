//! The files of an import: files, the files of folders, and standard input.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use device_stats_formats::file::{FileError, FileFormat, FileInput, FileOptions, FileReader};
use tempfile::NamedTempFile;

use crate::command::progress::Progress;
use crate::command::usage::UsageError;

/// Number of times that a file may be opened: to check its header, to search it for a time, and to read it.
const OPENED_MAX: usize = 3;

/// A file of an import.
pub(super) struct Source {
    path: Arc<Path>,
    format: FileFormat,
    bytes: u64,
    /// Open handles of the copy of standard input, one for each time that it may be read. The file of the
    /// copy has been deleted, so nothing remains if the process is killed.
    copies: Option<RefCell<Vec<File>>>,
}

/// Finds the files of an import. Folders are searched with all folders inside them, in the order of names.
///
/// # Errors
/// [`UsageError`] if the format of standard input is not stated, or a folder has no file whose name states a
/// format; an error if a file does not exist or its name states no format.
pub(super) fn find(paths: &[PathBuf], format: Option<FileFormat>) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            let format = format
                .ok_or_else(|| UsageError("state the format of standard input with --format".to_owned()))?;
            sources.push(copy_stdin(format)?);
        } else if path.is_dir() {
            let mut found = Vec::new();
            search(path, &mut found)?;
            if found.is_empty() {
                let folder = path.display();
                let problem = format!("the folder {folder} has no file whose name states a format");
                return Err(UsageError(problem).into());
            }
            for file in found {
                sources.push(Source::new(&file, None)?);
            }
        } else {
            sources.push(Source::new(path, format)?);
        }
    }
    Ok(sources)
}

/// Adds the files of a folder whose names state a format.
fn search(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let cannot_read = || format!("cannot read {}", folder.display());
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot_read)? {
        let entry = entry.with_context(cannot_read)?;
        entries.push((entry.path(), entry.file_type().with_context(cannot_read)?));
    }
    entries.sort_by(|one, other| one.0.cmp(&other.0));
    for (path, kind) in entries {
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_hidden {
            continue;
        }
        // Links to folders are not followed, because they may form a circle.
        if kind.is_dir() {
            search(&path, found)?;
        } else if path.is_file() && FileFormat::from_name(&path).is_some() {
            found.push(path);
        }
    }
    Ok(())
}

/// Copies standard input to a temporary file, because files may be read twice and out of order.
fn copy_stdin(format: FileFormat) -> anyhow::Result<Source> {
    let copy = || -> io::Result<(Vec<File>, u64)> {
        let file = NamedTempFile::new()?;
        let copies = (0..OPENED_MAX).map(|_| file.reopen()).collect::<io::Result<_>>()?;
        let mut file = file.into_file();
        let bytes = io::copy(&mut io::stdin().lock(), &mut file)?;
        Ok((copies, bytes))
    };
    let (copies, bytes) = copy().context("standard input cannot be copied to a temporary file")?;
    Ok(Source { path: Path::new("standard input").into(), format, bytes, copies: Some(RefCell::new(copies)) })
}

impl Source {
    fn new(path: &Path, format: Option<FileFormat>) -> Result<Self, FileError> {
        let named = || FileFormat::from_name(path).ok_or_else(|| FileError::UnknownName(path.to_owned()));
        let format = format.map_or_else(named, Ok)?;
        let metadata = path.metadata().map_err(|error| FileError::Unreadable(path.to_owned(), error))?;
        Ok(Self { path: path.into(), format, bytes: metadata.len(), copies: None })
    }

    /// Returns the path, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn path_shared(&self) -> Arc<Path> {
        Arc::clone(&self.path)
    }

    /// Returns whether another path leads to the same file.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        let identity = |path: &Path| path.metadata().ok().map(|file| (file.dev(), file.ino()));
        let ours = if self.copies.is_some() { None } else { identity(&self.path) };
        ours.is_some() && ours == identity(path)
    }

    /// Returns the size of the file, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Opens the file.
    ///
    /// # Errors
    /// [`FileError`].
    pub(super) fn open(&self, options: &FileOptions) -> Result<FileReader, FileError> {
        FileReader::open(&self.path, self.format, FileInput::Seekable(self.file()?), options)
    }

    /// Opens the file. The progress bar shows how much of it has been read.
    ///
    /// # Errors
    /// [`FileError`].
    pub(super) fn open_tracked(
        &self,
        options: &FileOptions,
        progress: &Progress,
    ) -> Result<FileReader, FileError> {
        let file = self.file()?;
        let input = if self.moves_bar() {
            FileInput::Sequential(Box::new(progress.track(file)))
        } else {
            FileInput::Seekable(file)
        };
        FileReader::open(&self.path, self.format, input, options)
    }

    /// Returns whether reading the file moves the progress bar.
    pub(super) fn moves_bar(&self) -> bool {
        !self.format.needs_seek()
    }

    /// Returns the approximate size of `rows` of `all` rows, in bytes, for the progress bar.
    pub(super) fn bytes_of_rows(&self, rows: u64, all: u64) -> u64 {
        let part = u128::from(self.bytes) * u128::from(rows) / u128::from(all.max(1));
        u64::try_from(part).unwrap_or(u64::MAX)
    }

    fn file(&self) -> Result<File, FileError> {
        let open = || match &self.copies {
            None => File::open(&self.path),
            Some(copies) => {
                copies.borrow_mut().pop().ok_or_else(|| io::Error::other("it cannot be read again"))
            }
        };
        open().map_err(|error| FileError::Unreadable(self.path.to_path_buf(), error))
    }
}
