//! The changes that a process makes to the files of its database, recorded by `strace`.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::unsynced_disk::{Change, is_recorded};

/// Name of the database file; the names of its other files begin with it.
const DATABASE: &str = "stats.db";

/// The changes of the files of a process, and its output.
#[derive(Default)]
pub(crate) struct Recording {
    pub(crate) changes: Vec<Change>,
    /// The lines of output, each with the number of changes before it.
    said: Vec<(usize, String)>,
}

impl Recording {
    /// Returns the lines of output up to the next change after the first `changes` changes.
    pub(crate) fn said_after(&self, changes: usize) -> Vec<String> {
        let said = self.said.iter().filter(|(before, _)| *before <= changes);
        said.map(|(_, line)| line.clone()).collect()
    }
}

/// Runs a process that keeps its database in a folder, and records it.
pub(crate) fn record(process: &Command, folder: &Path) -> Recording {
    let log = folder.join("strace.log");
    let mut command = Command::new("strace");
    // `-xx` writes all texts in hexadecimal digits.
    command.args(["-f", "-y", "-xx", "-s", "100000000", "-o"]).arg(&log);
    command.args(["-e", "trace=openat,pwrite64,fdatasync,fsync,ftruncate,/^unlink,write"]);
    command.arg(process.get_program()).args(process.get_args());
    process.get_envs().for_each(|(name, value)| {
        command.env(name, value.unwrap());
    });
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output();
    let output =
        output.unwrap_or_else(|error| panic!("strace: {error}; this test needs it: apt-get install strace"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let log = std::fs::read_to_string(log).unwrap();
    let mut output = String::new();
    let mut recording = Recording::default();
    for line in log.lines() {
        let Some(call) = Call::parse(line) else { continue };
        if call.name == "write" {
            if !call.arguments.starts_with("1<") {
                continue;
            }
            output.push_str(&String::from_utf8_lossy(&call.bytes()));
            while let Some((line, rest)) = output.clone().split_once('\n') {
                let said = line.strip_prefix("> ").map(str::to_owned);
                recording.said.extend(said.map(|said| (recording.changes.len(), said)));
                rest.clone_into(&mut output);
            }
        } else {
            recording.changes.extend(call.change(folder));
        }
    }
    recording
}

/// A successful call in the log of `strace`, such as `7 pwrite64(3</a/b>, "\x61\x62", 2, 0) = 2`.
struct Call<'l> {
    name: &'l str,
    arguments: &'l str,
    result: &'l str,
}

/// Decodes `\x61\x62`.
fn unescape(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).map(|digits| u8::from_str_radix(&digits[..2], 16).unwrap()).collect()
}

impl<'l> Call<'l> {
    fn parse(line: &'l str) -> Option<Self> {
        let (_, call) = line.split_once(' ')?;
        let (name, rest) = call.trim_start().split_once('(')?;
        // A call during which another thread has made a call is written in two lines. It counts as done at
        // the first one, which has the arguments.
        let unfinished = || (rest.strip_suffix(" <unfinished ...>").unwrap_or(rest), "");
        let (arguments, result) = rest.rsplit_once(") = ").unwrap_or_else(unfinished);
        (!result.starts_with('-')).then_some(Self { name, arguments, result })
    }

    /// Returns the text argument.
    fn bytes(&self) -> Vec<u8> {
        unescape(self.arguments.split('"').nth(1).unwrap_or_default())
    }

    /// Returns the path of the descriptor in the first argument, or of the text argument.
    fn path(&self) -> String {
        let text = match self.name {
            "openat" | "unlink" | "unlinkat" => self.bytes(),
            _ => unescape(self.arguments.split(['<', '>']).nth(1).unwrap_or_default()),
        };
        String::from_utf8(text).unwrap()
    }

    /// Returns the last argument.
    fn last_number(&self) -> u64 {
        self.arguments.rsplit(", ").next().unwrap().parse().unwrap()
    }

    fn change(&self, folder: &Path) -> Option<Change> {
        let path = self.path();
        if Path::new(&path) == folder {
            return matches!(self.name, "fsync" | "fdatasync").then_some(Change::SyncFolder);
        }
        let file = path.rsplit('/').next().unwrap().to_owned();
        if !file.starts_with(DATABASE) || !is_recorded(&file) {
            return None;
        }
        Some(match self.name {
            "openat" if self.arguments.contains("O_CREAT") => Change::Create(file),
            "pwrite64" => {
                let mut bytes = self.bytes();
                bytes.truncate(self.result.parse().unwrap_or(bytes.len()));
                Change::Write { file, offset: self.last_number(), bytes }
            }
            "ftruncate" => Change::Truncate { file, length: self.last_number() },
            "fdatasync" | "fsync" => Change::Sync(file),
            "unlink" | "unlinkat" => Change::Unlink(file),
            _ => return None,
        })
    }
}
