//! A disk that loses unsynced data. `strace` records all calls with which a process changes its files. From
//! the calls before any point, the disk builds an image: the files that a loss of power at this point can
//! leave. Synced data are in each image. Of unsynced writes, any part can be missing: whole writes, or single
//! sectors. A file whose creation or deletion was not synced can be there or not.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// Name of the database file; the names of its other files begin with it.
const DATABASE: &str = "stats.db";
/// Ends of the names of files that do not matter: the index of the log is built again after a loss of power,
/// and the lock file is empty.
const UNRECORDED: [&str; 2] = ["-shm", ".lock"];
/// Size of a sector, in bytes. A disk writes a sector as a whole.
const SECTOR: u64 = 512;

/// A change of the files, or a line of output.
#[derive(Debug)]
pub(crate) enum Event {
    Create(String),
    Write { file: String, offset: u64, bytes: Vec<u8> },
    Truncate { file: String, length: u64 },
    Sync(String),
    Unlink(String),
    SyncFolder,
    Said(String),
}

/// Runs a process that keeps its database in a folder, and returns its changes of files and its lines of
/// output, in order.
pub(crate) fn record(process: &Command, folder: &Path) -> Vec<Event> {
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
    let mut events = Vec::new();
    for line in log.lines() {
        let Some(call) = Call::parse(line) else { continue };
        if call.name == "write" {
            if !call.arguments.starts_with("1<") {
                continue;
            }
            output.push_str(&String::from_utf8_lossy(&call.bytes()));
            while let Some((line, rest)) = output.clone().split_once('\n') {
                events.extend(line.strip_prefix("> ").map(|said| Event::Said(said.to_owned())));
                rest.clone_into(&mut output);
            }
        } else {
            events.extend(call.event(folder));
        }
    }
    events
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

    fn event(&self, folder: &Path) -> Option<Event> {
        let path = self.path();
        if Path::new(&path) == folder {
            return matches!(self.name, "fsync" | "fdatasync").then_some(Event::SyncFolder);
        }
        let file = path.rsplit('/').next().unwrap().to_owned();
        if !file.starts_with(DATABASE) || UNRECORDED.iter().any(|end| file.ends_with(end)) {
            return None;
        }
        Some(match self.name {
            "openat" if self.arguments.contains("O_CREAT") => Event::Create(file),
            "pwrite64" => {
                let mut bytes = self.bytes();
                bytes.truncate(self.result.parse().unwrap_or(bytes.len()));
                Event::Write { file, offset: self.last_number(), bytes }
            }
            "ftruncate" => Event::Truncate { file, length: self.last_number() },
            "fdatasync" | "fsync" => Event::Sync(file),
            "unlink" | "unlinkat" => Event::Unlink(file),
            _ => return None,
        })
    }
}

/// Random numbers that a seed determines (`SplitMix64`).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn coin(&mut self) -> bool {
        self.next().is_multiple_of(2)
    }
}

/// The part of the unsynced data that an image has.
#[derive(Clone, Copy)]
enum Kept {
    Nothing,
    Everything,
    /// The writes before a random one.
    Prefix,
    Writes,
    Sectors,
}

/// A change that has not been synced.
#[derive(Clone)]
enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    Truncate(u64),
}

/// A file on the disk.
#[derive(Default)]
struct DiskFile {
    synced: Vec<u8>,
    unsynced: Vec<Change>,
    is_creation_synced: bool,
    is_unlinked: bool,
}

fn apply(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { offset, bytes } => {
            let from = usize::try_from(*offset).unwrap();
            content.resize(content.len().max(from + bytes.len()), 0);
            content[from..from + bytes.len()].copy_from_slice(bytes);
        }
        Change::Truncate(length) => content.resize(usize::try_from(*length).unwrap(), 0),
    }
}

impl DiskFile {
    fn sync(&mut self) {
        for change in std::mem::take(&mut self.unsynced) {
            apply(&mut self.synced, &change);
        }
    }

    /// Returns the content after a loss of power.
    fn content(&self, kept: Kept, random: &mut Random) -> Vec<u8> {
        let mut content = self.synced.clone();
        let count = match kept {
            Kept::Nothing => 0,
            Kept::Prefix => random.below(self.unsynced.len() + 1),
            _ => self.unsynced.len(),
        };
        for change in &self.unsynced[..count] {
            match (kept, change) {
                (Kept::Sectors, Change::Write { offset, bytes }) => {
                    for sector in sectors(*offset, bytes) {
                        if random.coin() {
                            apply(&mut content, &sector);
                        }
                    }
                }
                (Kept::Sectors | Kept::Writes, _) if random.coin() => {}
                _ => apply(&mut content, change),
            }
        }
        content
    }
}

/// Splits a write into its sectors.
fn sectors(offset: u64, bytes: &[u8]) -> Vec<Change> {
    let mut sectors = Vec::new();
    let (mut offset, mut bytes) = (offset, bytes);
    while !bytes.is_empty() {
        let length = usize::try_from(SECTOR - offset % SECTOR).unwrap().min(bytes.len());
        let (sector, rest) = bytes.split_at(length);
        sectors.push(Change::Write { offset, bytes: sector.to_vec() });
        (offset, bytes) = (offset + length as u64, rest);
    }
    sectors
}

/// The files of the process.
#[derive(Default)]
struct Disk {
    files: BTreeMap<String, DiskFile>,
}

impl Disk {
    fn file(&mut self, name: &str) -> &mut DiskFile {
        self.files.get_mut(name).unwrap_or_else(|| panic!("{name} was never created"))
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Create(name) => {
                if self.files.get(name).is_none_or(|file| file.is_unlinked) {
                    self.files.insert(name.clone(), DiskFile::default());
                }
            }
            Event::Write { file, offset, bytes } => {
                self.file(file).unsynced.push(Change::Write { offset: *offset, bytes: bytes.clone() });
            }
            Event::Truncate { file, length } => self.file(file).unsynced.push(Change::Truncate(*length)),
            Event::Sync(file) => self.file(file).sync(),
            Event::Unlink(file) => self.file(file).is_unlinked = true,
            Event::SyncFolder => {
                self.files.retain(|_, file| !file.is_unlinked);
                self.files.values_mut().for_each(|file| file.is_creation_synced = true);
            }
            Event::Said(_) => {}
        }
    }
}

/// Writes the files that a loss of power after these events can leave into a folder.
pub(crate) fn write_image(events: &[Event], random: &mut Random, folder: &Path) {
    let mut disk = Disk::default();
    for event in events {
        disk.apply(event);
    }
    let kept = [Kept::Nothing, Kept::Everything, Kept::Prefix, Kept::Writes, Kept::Sectors][random.below(5)];
    for (name, file) in &disk.files {
        let is_uncertain = file.is_unlinked || !file.is_creation_synced;
        let is_lost = match kept {
            Kept::Nothing => !file.is_creation_synced,
            Kept::Everything => file.is_unlinked,
            _ => is_uncertain && random.coin(),
        };
        if !is_lost {
            std::fs::write(folder.join(name), file.content(kept, random)).unwrap();
        }
    }
}
