//! A file system in memory (FUSE) that records the changes and the syncs of its files in their order. It has
//! one folder. It does not rename files, because the service never does. The kernel keeps the locks and the
//! cache, so that SQLite can map the index of its log into memory.

#![expect(clippy::print_stdout, reason = "a skipped test says so")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags,
    Generation, INodeNo, LockOwner, OpenFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty,
    ReplyEntry, ReplyOpen, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use tempfile::TempDir;

use crate::torture::is_torture;
use crate::unsynced_disk::{Change, is_recorded};

/// Time for which the kernel keeps names and attributes. Only the kernel changes them.
const KEPT: Duration = Duration::from_hours(1);
/// Size that the file system states for a block, in bytes.
const BLOCK: u32 = 512;
const GENERATION: Generation = Generation(0);

/// The mounted file system, unmounted on drop.
pub(crate) struct RecordingDisk {
    // Unmounted before the folder is removed.
    session: BackgroundSession,
    folder: TempDir,
    files: Arc<Mutex<Files>>,
}

impl RecordingDisk {
    /// Mounts an empty file system. Returns `None` if this machine or user cannot mount one, so that `make
    /// test` skips the test.
    ///
    /// # Panics
    /// Instead of `None` in `make torture`, which skips no test.
    pub(crate) fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let files = Arc::default();
        match fuser::spawn_mount(Mounted(Arc::clone(&files)), folder.path(), &Config::default()) {
            Ok(session) => Some(Self { session, folder, files }),
            Err(error) if is_impossible(&error) => {
                let reason =
                    format!("no file system can be mounted (root and /dev/fuse are needed): {error}");
                assert!(!is_torture(), "with CRASH_POINTS=all, no test is skipped, but {reason}");
                println!("SKIPPED: {reason}");
                None
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Returns the folder of the files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the number of changes so far.
    pub(crate) fn count_changes(&self) -> usize {
        lock(&self.files).changes.len()
    }

    /// Returns the number of syncs of a file since a number of changes.
    pub(crate) fn count_syncs(&self, file: &str, since: usize) -> usize {
        let files = lock(&self.files);
        files.changes[since..]
            .iter()
            .filter(|change| matches!(change, Change::Sync(of) if of == file))
            .count()
    }

    /// Unmounts the file system, and returns all changes.
    pub(crate) fn into_changes(self) -> Vec<Change> {
        match self.session.umount_and_join() {
            Ok(()) => {}
            // The kernel ends the session of an unmounted file system with ENODEV, which is no error here. It
            // rarely uses ECONNABORTED. No change is missing: each one was recorded before it was answered.
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(error) => panic!("the file system cannot be unmounted: {error}"),
        }
        std::mem::take(&mut lock(&self.files).changes)
    }
}

/// Returns whether an error of a mount says that FUSE or the permission is missing. `fusermount3` is only
/// tried without the permission.
fn is_impossible(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied)
}

fn lock(files: &Mutex<Files>) -> MutexGuard<'_, Files> {
    files.lock().unwrap()
}

/// The files, and their recorded changes.
#[derive(Default)]
struct Files {
    by_name: BTreeMap<String, INodeNo>,
    /// File `n` has the inode `n + FIRST_INODE`. A removed file stays, because a process may have it open.
    by_index: Vec<File>,
    changes: Vec<Change>,
}

/// Inode of the first file; the folder has the inode 1.
const FIRST_INODE: u64 = 2;

struct File {
    /// `None` after the file has been removed.
    name: Option<String>,
    permissions: u16,
    content: Vec<u8>,
}

impl Files {
    fn index(inode: INodeNo) -> Result<usize, Errno> {
        let index = inode.0.checked_sub(FIRST_INODE).ok_or(Errno::EISDIR)?;
        usize::try_from(index).map_err(|_| Errno::ENOENT)
    }

    fn get(&self, inode: INodeNo) -> Result<&File, Errno> {
        self.by_index.get(Self::index(inode)?).ok_or(Errno::ENOENT)
    }

    /// Changes a file, and records the change of an existing name.
    fn change(
        &mut self,
        inode: INodeNo,
        change: impl FnOnce(&mut File),
        record: impl FnOnce(String) -> Change,
    ) -> Result<(), Errno> {
        let file = self.by_index.get_mut(Self::index(inode)?).ok_or(Errno::ENOENT)?;
        change(file);
        let name = file.name.clone().filter(|name| is_recorded(name));
        self.changes.extend(name.map(record));
        Ok(())
    }

    fn find(&self, name: &OsStr) -> Result<INodeNo, Errno> {
        self.by_name.get(name.to_str().unwrap()).copied().ok_or(Errno::ENOENT)
    }

    fn attributes(&self, inode: INodeNo) -> Result<FileAttr, Errno> {
        if inode == INodeNo::ROOT {
            return Ok(attributes(inode, FileType::Directory, 0o700, 0));
        }
        let file = self.get(inode)?;
        Ok(attributes(inode, FileType::RegularFile, file.permissions, file.content.len() as u64))
    }

    fn create(&mut self, name: &OsStr, permissions: u32) -> Result<FileAttr, Errno> {
        let name = name.to_str().unwrap().to_owned();
        let inode = INodeNo(self.by_index.len() as u64 + FIRST_INODE);
        self.by_name.insert(name.clone(), inode);
        let permissions = u16::try_from(permissions & 0o777).unwrap();
        self.by_index.push(File { name: Some(name), permissions, content: Vec::new() });
        self.change(inode, |_| {}, Change::Create)?;
        self.attributes(inode)
    }

    fn write(&mut self, inode: INodeNo, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        let write = |file: &mut File| {
            let from = usize::try_from(offset).unwrap();
            let end = from + bytes.len();
            file.content.resize(file.content.len().max(end), 0);
            file.content[from..end].copy_from_slice(bytes);
        };
        self.change(inode, write, |file| Change::Write { file, offset, bytes: bytes.to_vec() })
    }

    fn truncate(&mut self, inode: INodeNo, length: u64) -> Result<(), Errno> {
        let truncate = |file: &mut File| file.content.resize(usize::try_from(length).unwrap(), 0);
        self.change(inode, truncate, |file| Change::Truncate { file, length })
    }

    fn unlink(&mut self, name: &OsStr) -> Result<(), Errno> {
        let inode = self.find(name)?;
        self.change(inode, |_| {}, Change::Unlink)?;
        let name = self.by_index[Self::index(inode)?].name.take();
        name.map(|name| self.by_name.remove(&name));
        Ok(())
    }
}

fn attributes(ino: INodeNo, kind: FileType, perm: u16, size: u64) -> FileAttr {
    FileAttr {
        ino,
        size,
        blocks: size.div_ceil(u64::from(BLOCK)),
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind,
        perm,
        nlink: 1,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: BLOCK,
        flags: 0,
    }
}

/// The operations of the file system. A change is recorded before the kernel gets the reply.
struct Mounted(Arc<Mutex<Files>>);

fn reply_empty(reply: ReplyEmpty, result: Result<(), Errno>) {
    match result {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

impl Filesystem for Mounted {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let files = lock(&self.0);
        match files.find(name).and_then(|inode| files.attributes(inode)) {
            Ok(attributes) => reply.entry(&KEPT, &attributes, GENERATION),
            Err(error) => reply.error(error),
        }
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match lock(&self.0).attributes(inode) {
            Ok(attributes) => reply.attr(&KEPT, &attributes),
            Err(error) => reply.error(error),
        }
    }

    /// Changes the size of a file. Ignores other attributes.
    fn setattr(
        &self,
        _: &Request,
        inode: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut files = lock(&self.0);
        let truncated = size.map_or(Ok(()), |length| files.truncate(inode, length));
        match truncated.and_then(|()| files.attributes(inode)) {
            Ok(attributes) => reply.attr(&KEPT, &attributes),
            Err(error) => reply.error(error),
        }
    }

    fn create(
        &self,
        _: &Request,
        _: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        match lock(&self.0).create(name, mode & !umask) {
            Ok(attributes) => {
                reply.created(&KEPT, &attributes, GENERATION, FileHandle(0), FopenFlags::FOPEN_KEEP_CACHE);
            }
            Err(error) => reply.error(error),
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::FOPEN_KEEP_CACHE);
    }

    fn read(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match lock(&self.0).get(inode) {
            Ok(File { content, .. }) => {
                let from = usize::try_from(offset).unwrap().min(content.len());
                let end = content.len().min(from + size as usize);
                reply.data(&content[from..end]);
            }
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        bytes: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match lock(&self.0).write(inode, offset, bytes) {
            Ok(()) => reply.written(u32::try_from(bytes.len()).unwrap()),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, inode: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply_empty(reply, lock(&self.0).change(inode, |_| {}, Change::Sync));
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        lock(&self.0).changes.push(Change::SyncFolder);
        reply.ok();
    }

    fn unlink(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        reply_empty(reply, lock(&self.0).unlink(name));
    }

    fn readdir(&self, _: &Request, _: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let files = lock(&self.0);
        let entries = files.by_name.iter().enumerate().skip(usize::try_from(offset).unwrap());
        for (index, (name, inode)) in entries {
            if reply.add(*inode, index as u64 + 1, FileType::RegularFile, name) {
                break;
            }
        }
        reply.ok();
    }
}
