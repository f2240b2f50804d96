//! A file system of a few MiB in memory that a test can fill. It has a mount namespace of its own, and needs
//! only the permission to create user namespaces (`unshare --user --mount`).

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::server::wrap;

/// Shell command of the process that keeps the namespace. It mounts a file system of the size `$1` at `$2`,
/// and runs until its input ends. The input ends with the test.
const KEEPER: &str = r#"mount -t tmpfs -o "size=$1" device-stats-test "$2" && echo mounted && exec cat"#;
/// Name of the file that fills the disk.
const BALLAST: &str = "ballast";
/// Size of one write, in bytes.
const BALLAST_STEP: usize = 4096;

/// The file system, removed on drop.
pub(crate) struct SmallDisk {
    keeper: Child,
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts an empty file system.
    pub(crate) fn with_mib(mib: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut keeper = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", KEEPER, "sh", &format!("{mib}m")])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test needs `unshare`: apt-get install util-linux");
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(
            line, "mounted\n",
            "this test cannot mount a small file system, because user namespaces are not allowed (for Docker: \
             --security-opt seccomp=unconfined --cap-add SYS_ADMIN)"
        );
        Self { keeper, folder }
    }

    /// Returns the URL of a database on the disk.
    pub(crate) fn database_url(&self) -> String {
        format!("sqlite:{}", self.folder.path().join("test.db").display())
    }

    /// Returns a command that runs another command in the namespace of the disk.
    pub(crate) fn run_inside(&self, command: &Command) -> Command {
        let keeper = self.keeper.id().to_string();
        let enter = ["nsenter", "--target", &keeper, "--user", "--preserve-credentials", "--mount"];
        wrap(&enter, command)
    }

    /// Returns the path of the disk for this process.
    pub(crate) fn root(&self) -> PathBuf {
        let folder = self.folder.path().strip_prefix("/").unwrap();
        Path::new("/proc").join(self.keeper.id().to_string()).join("root").join(folder)
    }

    /// Fills the disk, except for a number of bytes.
    pub(crate) fn fill_except(&self, free_bytes: u64) {
        let mut ballast = File::options().create(true).append(true).open(self.root().join(BALLAST)).unwrap();
        loop {
            match ballast.write_all(&[1; BALLAST_STEP]) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => panic!("{error}"),
            }
        }
        let taken = ballast.metadata().unwrap().len();
        ballast.set_len(taken.saturating_sub(free_bytes)).unwrap();
    }

    /// Removes the file that fills the disk.
    pub(crate) fn free_space(&self) {
        std::fs::remove_file(self.root().join(BALLAST)).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The end of its input ends the process.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
