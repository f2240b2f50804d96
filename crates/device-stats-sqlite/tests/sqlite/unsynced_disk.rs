//! A disk that loses unsynced data. From the recorded changes of files before any point, it builds an image:
//! the files that a loss of power at this point can leave. Synced data are in each image. Of unsynced writes,
//! any part can be missing: whole writes, or single sectors. A file whose creation or deletion was not synced
//! can be there or not. The tests of the store and of the real binary share this file.

use std::collections::BTreeMap;
use std::path::Path;

/// Suffixes of the names of files that do not matter: the index of the log is built again after a loss of
/// power, and the lock file is empty.
const UNRECORDED: [&str; 2] = ["-shm", ".lock"];
/// Size of the smallest sector, in bytes. A disk writes a sector as a whole.
const SECTOR: u64 = 512;
/// Number of sizes of sectors. Each is twice as large as the one before it, so the largest one has 4 KiB.
const SECTOR_SIZES: usize = 4;

/// A change of the files of one folder.
#[derive(Debug)]
pub(crate) enum Change {
    Create(String),
    Write { file: String, offset: u64, bytes: Vec<u8> },
    Truncate { file: String, length: u64 },
    Sync(String),
    Unlink(String),
    SyncFolder,
}

/// Returns whether the changes of a file matter for an image.
pub(crate) fn is_recorded(file: &str) -> bool {
    !UNRECORDED.iter().any(|end| file.ends_with(end))
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
    /// Sectors of this size, in bytes.
    Sectors(u64),
}

impl Kept {
    fn choose(random: &mut Random) -> Self {
        let sectors = Self::Sectors(SECTOR << random.below(SECTOR_SIZES));
        [Self::Nothing, Self::Everything, Self::Prefix, Self::Writes, sectors][random.below(5)]
    }
}

/// A change of the content of a file that has not been synced.
#[derive(Clone, Copy)]
enum Unsynced<'c> {
    Write { offset: u64, bytes: &'c [u8] },
    Truncate(u64),
}

/// A file on the disk.
#[derive(Default)]
struct DiskFile<'c> {
    synced: Vec<u8>,
    unsynced: Vec<Unsynced<'c>>,
    is_creation_synced: bool,
    is_unlinked: bool,
}

fn apply(content: &mut Vec<u8>, change: Unsynced<'_>) {
    match change {
        Unsynced::Write { offset, bytes } => {
            let from = usize::try_from(offset).unwrap();
            content.resize(content.len().max(from + bytes.len()), 0);
            content[from..from + bytes.len()].copy_from_slice(bytes);
        }
        Unsynced::Truncate(length) => content.resize(usize::try_from(length).unwrap(), 0),
    }
}

impl DiskFile<'_> {
    fn sync(&mut self) {
        for change in std::mem::take(&mut self.unsynced) {
            apply(&mut self.synced, change);
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
        for change in self.unsynced[..count].iter().copied() {
            match (kept, change) {
                (Kept::Sectors(size), Unsynced::Write { offset, bytes }) => {
                    for sector in sectors(offset, bytes, size) {
                        if random.coin() {
                            apply(&mut content, sector);
                        }
                    }
                }
                (Kept::Sectors(_) | Kept::Writes, _) if random.coin() => {}
                _ => apply(&mut content, change),
            }
        }
        content
    }
}

/// Splits a write into its sectors.
fn sectors(offset: u64, bytes: &[u8], size: u64) -> Vec<Unsynced<'_>> {
    let mut sectors = Vec::new();
    let (mut offset, mut bytes) = (offset, bytes);
    while !bytes.is_empty() {
        let length = usize::try_from(size - offset % size).unwrap().min(bytes.len());
        let (sector, rest) = bytes.split_at(length);
        sectors.push(Unsynced::Write { offset, bytes: sector });
        (offset, bytes) = (offset + length as u64, rest);
    }
    sectors
}

/// The files of the folder.
#[derive(Default)]
struct Disk<'c> {
    files: BTreeMap<&'c str, DiskFile<'c>>,
}

impl<'c> Disk<'c> {
    fn file(&mut self, name: &str) -> &mut DiskFile<'c> {
        self.files.get_mut(name).unwrap_or_else(|| panic!("{name} was never created"))
    }

    fn apply(&mut self, change: &'c Change) {
        match change {
            Change::Create(name) => {
                if self.files.get(name.as_str()).is_none_or(|file| file.is_unlinked) {
                    self.files.insert(name, DiskFile::default());
                }
            }
            Change::Write { file, offset, bytes } => {
                self.file(file).unsynced.push(Unsynced::Write { offset: *offset, bytes });
            }
            Change::Truncate { file, length } => self.file(file).unsynced.push(Unsynced::Truncate(*length)),
            Change::Sync(file) => self.file(file).sync(),
            Change::Unlink(file) => self.file(file).is_unlinked = true,
            Change::SyncFolder => {
                self.files.retain(|_, file| !file.is_unlinked);
                self.files.values_mut().for_each(|file| file.is_creation_synced = true);
            }
        }
    }
}

/// Writes the files that a loss of power after these changes can leave into a folder.
pub(crate) fn write_image<'c>(
    changes: impl IntoIterator<Item = &'c Change>,
    random: &mut Random,
    folder: &Path,
) {
    let mut disk = Disk::default();
    changes.into_iter().for_each(|change| disk.apply(change));
    let kept = Kept::choose(random);
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
