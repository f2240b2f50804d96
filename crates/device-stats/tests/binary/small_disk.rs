//! A file system that can be filled: one in memory, of a few MiB, in a mount namespace of its own. It needs no rights but
//! those to make user namespaces (`unshare --user --mount`).

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::server::run_by;

/// What keeps the namespace: it mounts `$1` bytes at `$2`, and waits for the end of its input, which comes with that of the
/// test.
const KEEPER: &str = r#"mount -t tmpfs -o "size=$1" device-stats-test "$2" && echo mounted && exec cat"#;
/// What takes the room on the disk.
const BALLAST: &str = "ballast";
/// How much of it is written at once, in bytes.
const BALLAST_STEP: usize = 4096;

/// The file system; it goes with this value.
pub(crate) struct SmallDisk {
    keeper: Child,
    folder: TempDir,
}

impl SmallDisk {
    /// An empty one.
    pub(crate) fn of_mib(mib: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut keeper = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", KEEPER, "sh", &format!("{mib}m")])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`unshare` is not installed, and these tests need it: apt-get install util-linux");
        let mut said = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(
            said, "mounted\n",
            "this test needs a small file system, and may not mount one here: user namespaces are not allowed \
             (for Docker: --security-opt seccomp=unconfined --cap-add SYS_ADMIN)"
        );
        Self { keeper, folder }
    }

    /// The address of the database on it.
    pub(crate) fn database_url(&self) -> String {
        format!("sqlite:{}", self.folder.path().join("test.db").display())
    }

    /// The command, to be run where the disk is mounted.
    pub(crate) fn beside(&self, command: &Command) -> Command {
        let keeper = self.keeper.id().to_string();
        let enter = ["nsenter", "--target", &keeper, "--user", "--preserve-credentials", "--mount"];
        run_by(&enter, command)
    }

    /// Where the files on it are for this process.
    pub(crate) fn root(&self) -> PathBuf {
        let folder = self.folder.path().strip_prefix("/").unwrap();
        Path::new("/proc").join(self.keeper.id().to_string()).join("root").join(folder)
    }

    /// Takes all room that is left, but for that many bytes.
    pub(crate) fn fill_but(&self, bytes: u64) {
        let mut ballast = File::options().create(true).append(true).open(self.root().join(BALLAST)).unwrap();
        loop {
            match ballast.write_all(&[1; BALLAST_STEP]) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => panic!("{error}"),
            }
        }
        let taken = ballast.metadata().unwrap().len();
        ballast.set_len(taken.saturating_sub(bytes)).unwrap();
    }

    /// Gives back the room that was taken.
    pub(crate) fn give_back(&self) {
        std::fs::remove_file(self.root().join(BALLAST)).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Its input ends here.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
