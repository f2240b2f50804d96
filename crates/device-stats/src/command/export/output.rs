//! Where an export is written: stdout, or a file that has its name only when all of it is there.

use std::fs::{self, File};
use std::io::{ErrorKind, Seek, Stdout, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Something to write to.
pub(super) enum Target {
    Stdout(Stdout),
    /// What is no ordinary file, such as a pipe, has no place of its own to be moved to.
    Special(PathBuf, File),
    File(Partial),
}

/// A file on its way, which goes again where it is dropped before its end.
pub(super) struct Partial {
    /// Where it is written.
    path: PathBuf,
    /// Where it is going to be.
    destination: PathBuf,
    file: File,
    is_complete: bool,
}

impl Target {
    /// That file, or stdout.
    ///
    /// # Errors
    /// Where it cannot be created.
    pub(super) fn create(output: Option<&Path>) -> anyhow::Result<Self> {
        let Some(output) = output else { return Ok(Self::Stdout(std::io::stdout())) };
        let unwritable = || format!("cannot write {}", output.display());
        // Of a link, what it points to.
        let destination = fs::canonicalize(output).unwrap_or_else(|_| output.to_owned());
        if fs::metadata(&destination).is_ok_and(|found| !found.is_file()) {
            let file = File::options().write(true).open(&destination).with_context(unwritable)?;
            return Ok(Self::Special(destination, file));
        }
        let mut path = destination.clone().into_os_string();
        path.push(".partial");
        let path = PathBuf::from(path);
        let file = File::create(&path).with_context(unwritable)?;
        Ok(Self::File(Partial { path, destination, file, is_complete: false }))
    }

    /// Writes bytes; breaks where the reader of stdout has seen enough, which is no failure.
    ///
    /// # Errors
    /// Those of writing.
    pub(super) fn write(&mut self, bytes: &[u8]) -> anyhow::Result<ControlFlow<()>> {
        let (path, file) = match self {
            Self::Stdout(stdout) => match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(ControlFlow::Break(())),
                written => {
                    return written.map(ControlFlow::Continue).context("stdout cannot be written");
                }
            },
            Self::Special(path, file) | Self::File(Partial { path, file, .. }) => (path, file),
        };
        let written = file.write_all(bytes).map(ControlFlow::Continue);
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    /// Whether what has been written can be taken back.
    pub(super) fn can_begin_anew(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// Takes back what has been written.
    ///
    /// # Errors
    /// Those of writing.
    pub(super) fn begin_anew(&mut self) -> anyhow::Result<()> {
        let Self::File(Partial { path, file, .. }) = self else { return Ok(()) };
        let emptied = file.set_len(0).and_then(|()| file.rewind());
        emptied.with_context(|| format!("cannot write {}", path.display()))
    }

    /// Says that all is written: now the file gets its name.
    ///
    /// # Errors
    /// Those of writing.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Stdout(_) | Self::Special(..) => Ok(()),
            Self::File(mut partial) => {
                let unwritable = || format!("cannot write {}", partial.destination.display());
                partial.file.sync_all().with_context(unwritable)?;
                fs::rename(&partial.path, &partial.destination).with_context(unwritable)?;
                partial.is_complete = true;
                // A crash of the system could take the name away otherwise.
                let folder = partial.destination.parent().filter(|folder| !folder.as_os_str().is_empty());
                let folder =
                    File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
                folder.with_context(unwritable)
            }
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_complete {
            // Where even this fails, its name says what it is.
            let _ = fs::remove_file(&self.path);
        }
    }
}
