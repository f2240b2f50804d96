//! The destination of an export: stdout, or a file that appears under its name only when it is complete.

use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Seek, Stdout, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::{Builder, NamedTempFile};

use crate::command::stdout;

/// Permissions of a new file, before the umask. `tempfile` would make it private.
const FILE_MODE: u32 = 0o666;
/// Maximum size of the part of a name that the name of its temporary file repeats, in bytes. The part is
/// followed by 15 bytes, and file systems limit a name to 255 bytes.
const NAME_BYTES_MAX: usize = 200;

/// The destination of an export.
pub(super) enum Output {
    Stdout(Stdout),
    /// A device file or a pipe. The export is written into it, because no other file can replace it.
    Special(PathBuf, File),
    /// A temporary file in the folder of its destination, removed on drop unless finished.
    File {
        destination: PathBuf,
        partial: NamedTempFile,
    },
}

impl Output {
    /// Opens a file, or stdout.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub(super) fn create(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(file) = file else { return Ok(Self::Stdout(std::io::stdout())) };
        let cannot_write = || cannot_write(file);
        // Replaces the file that a link refers to, not the link.
        let destination = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        if is_special(&destination) {
            let file = File::options().write(true).open(&destination).with_context(cannot_write)?;
            return Ok(Self::Special(destination, file));
        }
        // The rename would fail only after the export.
        if let Err(error) = fs::metadata(&destination)
            && error.kind() == ErrorKind::InvalidFilename
        {
            return Err(error).with_context(cannot_write);
        }
        let name = destination.file_name().unwrap_or_default().to_string_lossy();
        let (name, _) = name.split_at(name.floor_char_boundary(NAME_BYTES_MAX));
        let partial = Builder::new()
            .prefix(&format!("{name}."))
            .suffix(".partial")
            .permissions(Permissions::from_mode(FILE_MODE))
            .tempfile_in(folder(&destination))
            .with_context(cannot_write)?;
        Ok(Self::File { destination, partial })
    }

    /// Writes bytes. Breaks if the reader of stdout has closed the pipe, which is not an error.
    ///
    /// # Errors
    /// If the bytes cannot be written.
    pub(super) fn write(&mut self, bytes: &[u8]) -> anyhow::Result<ControlFlow<()>> {
        let (written, path) = match self {
            Self::Stdout(stdout) => return stdout::write(stdout, bytes),
            Self::Special(path, file) => (file.write_all(bytes), path),
            Self::File { destination, partial } => (partial.as_file_mut().write_all(bytes), destination),
        };
        written.map(ControlFlow::Continue).with_context(|| cannot_write(path))
    }

    /// Whether the written bytes can be discarded.
    pub(super) fn can_restart(&self) -> bool {
        matches!(self, Self::File { .. })
    }

    /// Discards the written bytes.
    ///
    /// # Errors
    /// If the file cannot be truncated.
    pub(super) fn restart(&mut self) -> anyhow::Result<()> {
        let Self::File { destination, partial } = self else { return Ok(()) };
        let file = partial.as_file_mut();
        file.set_len(0).and_then(|()| file.rewind()).with_context(|| cannot_write(destination))
    }

    /// Completes the export: syncs the file, renames it to its destination, and syncs the folder.
    ///
    /// # Errors
    /// If one of these steps fails.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        let Self::File { destination, partial } = self else { return Ok(()) };
        let cannot_write = || cannot_write(&destination);
        partial.as_file().sync_all().with_context(cannot_write)?;
        partial.persist(&destination).with_context(cannot_write)?;
        // Without this sync, a crash of the system could undo the renaming.
        File::open(folder(&destination)).and_then(|folder| folder.sync_all()).with_context(cannot_write)
    }
}

/// Returns whether a file exists that is not a regular one, such as a device file or a pipe.
pub(super) fn is_special(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|existing| !existing.is_file())
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn cannot_write(file: &Path) -> String {
    format!("cannot write {}", file.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    }

    /// Two exports to one file wrote to the same partial file, and the result was a mixture of both.
    #[test]
    fn concurrent_exports_to_one_file_do_not_mix() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        let [mut first, mut second] = [(); 2].map(|()| Output::create(Some(&path)).unwrap());
        for _ in 0..2 {
            assert!(first.write(b"aaa").unwrap().is_continue());
            assert!(second.write(b"b").unwrap().is_continue());
        }
        assert!(!path.exists());
        first.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"aaaaaa");
        second.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"bb");
        assert_eq!(files(folder.path()), ["out.csv"]);
    }

    #[test]
    fn an_unfinished_export_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut output = Output::create(Some(&folder.path().join("out.csv"))).unwrap();
        assert!(output.write(b"a").unwrap().is_continue());
        let [partial] = files(folder.path()).try_into().unwrap();
        assert!(partial.starts_with("out.csv.") && partial.ends_with(".partial"), "{partial}");
        drop(output);
        assert!(files(folder.path()).is_empty());
    }

    /// The name of the temporary file was longer than file systems allow.
    #[test]
    fn the_longest_name_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a".repeat(251) + ".csv", "é".repeat(125) + ".csv"] {
            Output::create(Some(&folder.path().join(&name))).unwrap().finish().unwrap();
            assert!(files(folder.path()).contains(&name));
        }
        assert!(Output::create(Some(&folder.path().join("a".repeat(256)))).is_err());
    }

    #[test]
    fn a_restarted_export_contains_only_the_last_attempt() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        let mut output = Output::create(Some(&path)).unwrap();
        assert!(output.write(b"interrupted").unwrap().is_continue());
        assert!(output.can_restart());
        output.restart().unwrap();
        assert!(output.write(b"whole").unwrap().is_continue());
        output.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
    }

    /// A temporary file is private by default. An export must have the permissions of any other new file.
    #[test]
    fn an_export_has_the_permissions_of_a_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("out.csv"), folder.path().join("other.csv"));
        File::create(&other).unwrap();
        Output::create(Some(&path)).unwrap().finish().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&other));
    }
}
