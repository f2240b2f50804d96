//! Losses of power under the real binary. Clients post numbered readings, send keyed requests, and delete
//! readings and devices, while the server seals, merges and runs checkpoints. The database is on a file
//! system that records all writes and syncs. Then a server is started on many images of a disk that has lost
//! unsynced data at a random point. On each of them, every reading acknowledged before this point is stored
//! exactly once, no other reading is stored, and each deletion is whole.
//!
//! In the negative controls, the disk ignores the syncs of one file. Their images must have lost readings, or
//! be damaged. Otherwise the other images would prove nothing.
//!
//! `CRASH_POINTS=all`, as in `make torture`, tries 1,000 images; the default is fewer.

#![expect(clippy::disallowed_methods, reason = "polls the file system")]

mod recording_disk;
mod writers;

use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rusqlite::ErrorCode;

use crate::numbered_readings::Api;
use crate::random::Random;
use crate::server::{Server, run, serve};
use crate::torture::is_torture;
use crate::unsynced_disk::{self, Change, write_image};
use recording_disk::RecordingDisk;
use writers::{Kept, Writers};

/// Number of images of a recording.
const IMAGES: u64 = 40;
/// Minimum number of images that must have lost readings, or be damaged, if the disk ignores syncs.
const HARMED_MIN: u64 = IMAGES / 4;
/// Number of recordings in `make test` and in `make torture`.
const RECORDINGS: [u64; 2] = [1, 25];
/// Number of threads that check images.
const CHECKERS: usize = 2;
const DATABASE: &str = "test.db";
const LOG: &str = "test.db-wal";
/// Minimum number of changes after a checkpoint, in which the log starts again from its beginning.
const CHANGES_AFTER_CHECKPOINT: usize = 400;
/// Number of changes after a checkpoint in which the log gets only some of the pages again.
const SHORTLY_AFTER_CHECKPOINT: usize = 100;
/// Text of SQLite for a database that it finds damaged.
const MALFORMED: &str = "database disk image is malformed";
/// Time limit for events that must happen eventually.
const EVENT_TIMEOUT: Duration = Duration::from_mins(1);

fn recordings() -> u64 {
    let [some, all] = RECORDINGS;
    if is_torture() { all } else { some }
}

fn database_url(folder: &Path) -> String {
    format!("sqlite:{}", folder.join(DATABASE).display())
}

/// The end of a server.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The server is stopped. Its last connection runs a checkpoint.
    Stop,
    /// The server is killed. The next one begins with a checkpoint.
    Kill,
}

/// The changes of the files during a load, and the clients.
struct Recording {
    changes: Vec<Change>,
    /// Number of changes before the first request.
    begin: usize,
    writers: Writers,
}

impl Recording {
    /// Puts load on servers, one after the other, and records the changes of their files. Returns `None` if
    /// no file system can be mounted.
    fn new(seed: u64, ends: &[End]) -> Option<Self> {
        let disk = RecordingDisk::mount()?;
        let mut writers = Writers::with_seed(seed);
        let client = Api::at("");
        let mut begin = usize::MAX;
        for end in ends {
            let mut serve = serve(&database_url(disk.folder()), &["--seal-after-seconds", "0"]);
            serve.env("RUST_LOG", "info,device_stats_service=debug");
            let server = Server::spawn(serve).unwrap_or_else(|(_, log)| panic!("the server ended:\n{log}"));
            begin = begin.min(disk.count_changes());
            let (api, is_over) = (client.with_url(&server.url), AtomicBool::new(false));
            writers.write(&api, &disk, &is_over, || {
                await_work(&disk, &server);
                is_over.store(matches!(end, End::Stop), Ordering::Relaxed);
                match end {
                    End::Stop => assert!(server.terminate()),
                    End::Kill => server.kill(),
                }
            });
        }
        Some(Self { changes: disk.into_changes(), begin, writers })
    }

    /// Returns whether a change is a sync of a file after the first request.
    fn is_later_sync(&self, index: usize, file: &str) -> bool {
        index >= self.begin && matches!(&self.changes[index], Change::Sync(synced) if synced == file)
    }

    /// Returns all points, as numbers of changes.
    fn all_points(&self) -> Range<usize> {
        0..self.changes.len() + 1
    }

    /// Returns the points shortly after a checkpoint, at which the log has started again from its beginning,
    /// and has few pages.
    fn points_after_checkpoint(&self) -> Range<usize> {
        let checkpoint = (0..self.changes.len()).find(|index| self.is_later_sync(*index, DATABASE)).unwrap();
        checkpoint + 1..checkpoint + 1 + SHORTLY_AFTER_CHECKPOINT
    }

    /// Writes the images of random points into new folders, and checks them on several threads. If `ignored`
    /// names a file, the disk ignores its syncs after the first request. An image whose check fails is kept.
    fn try_images(
        &self,
        seeds: Range<u64>,
        points: &Range<usize>,
        ignored: Option<&str>,
        check: impl Fn(&Path, usize) + Sync,
    ) {
        let is_carried_out = |index: &usize| !ignored.is_some_and(|file| self.is_later_sync(*index, file));
        let (next, end) = (AtomicU64::new(seeds.start), seeds.end);
        let check_next = || {
            while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < end) {
                let mut random = unsynced_disk::Random(seed);
                let changes = points.start + random.below(points.len());
                let folder = tempfile::tempdir().unwrap();
                let kept = (0..changes).filter(is_carried_out).map(|index| &self.changes[index]);
                write_image(kept, &mut random, folder.path());
                let checked = std::panic::catch_unwind(AssertUnwindSafe(|| check(folder.path(), changes)));
                if checked.is_err() {
                    let of = self.changes.len();
                    panic!("image {seed}, after {changes} of {of} changes: {}", folder.keep().display());
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..CHECKERS {
                scope.spawn(check_next);
            }
        });
    }
}

/// Waits until a server has sealed readings, merged segments and run a checkpoint, and for some changes after
/// the checkpoint.
fn await_work(disk: &RecordingDisk, server: &Server) {
    let (begun, before) = (Instant::now(), disk.count_changes());
    let await_event = |event: &str, has_happened: &dyn Fn() -> bool| {
        while !has_happened() {
            assert!(begun.elapsed() < EVENT_TIMEOUT, "{event}: not in time");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    for message in ["sealed", "merged"] {
        let line = format!("\"message\":\"{message}\"");
        await_event(message, &|| server.log().contains(&line));
    }
    await_event("checkpoint", &|| disk.count_syncs(DATABASE, before) > 0);
    let after = disk.count_changes() + CHANGES_AFTER_CHECKPOINT;
    await_event("changes", &|| disk.count_changes() >= after);
}

/// Returns the faults that SQLite finds in an image; "ok" if there is none.
fn check_integrity(folder: &Path) -> String {
    let connection = rusqlite::Connection::open(folder.join(DATABASE)).unwrap();
    match connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)) {
        Ok(faults) => faults,
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => error.to_string(),
        Err(error) => panic!("{error}"),
    }
}

/// Returns the report of `verify` about an image, and whether the service finds no fault.
fn verify(folder: &Path) -> (bool, String) {
    let verify = run(&["verify", "--database-url", &database_url(folder)]);
    (verify.status.success(), String::from_utf8(verify.stdout).unwrap())
}

/// Asserts that SQLite and the service find no fault in an image.
fn assert_sound(folder: &Path) {
    let (is_sound, report) = verify(folder);
    assert!(is_sound, "{report}");
    assert_eq!(check_integrity(folder), "ok");
}

/// Asserts that SQLite or the service finds a fault in an image. Otherwise an error has another cause.
fn assert_damaged(folder: &Path) {
    let (is_sound, report) = verify(folder);
    let has_faults = !is_sound && report.ends_with(" faults\n");
    assert!(has_faults || check_integrity(folder) != "ok", "no fault is found: {report}");
}

#[test]
fn a_loss_of_power_under_the_service_loses_and_doubles_nothing() {
    let acknowledged = AtomicUsize::new(0);
    let (mut images, mut changes) = (0, 0);
    for seed in 0..recordings() {
        let Some(recording) = Recording::new(seed, &[End::Kill, End::Stop, End::Kill]) else { return };
        let seeds = seed * IMAGES..(seed + 1) * IMAGES;
        images += IMAGES;
        changes += recording.changes.len();
        recording.try_images(seeds, &recording.all_points(), None, |folder, changes| {
            let server = Server::start_with(&database_url(folder), &["--seal-after-seconds", "600"]);
            let api = Api::at(&server.url);
            let mut random = Random::with_seed(changes as u64 + 1);
            let kept = recording.writers.assert_kept(changes, &api, &mut random);
            acknowledged.fetch_add(kept, Ordering::Relaxed);
            server.kill();
            assert_sound(folder);
        });
    }
    let acknowledged = acknowledged.into_inner();
    println!(
        "{images} images of {changes} changes, with {acknowledged} acknowledged requests in total: 0 lost, 0 \
         doubled, 0 invented"
    );
    assert!(acknowledged > 0, "no image has acknowledged readings");
}

/// Makes images of a disk that ignores the syncs of a file. Returns the number of images that have lost
/// acknowledged readings although no request fails, and the number of images that the service finds damaged.
/// Returns `None` if no file system can be mounted.
#[expect(clippy::print_stdout, reason = "a test says how many images it has found")]
fn count_harmed_images(file: &str, points: impl Fn(&Recording) -> Range<usize>) -> Option<[u64; 2]> {
    let recording = Recording::new(0, &[End::Kill])?;
    let (with_losses, damaged) = (AtomicU64::new(0), AtomicU64::new(0));
    recording.try_images(0..IMAGES, &points(&recording), Some(file), |folder, changes| {
        let serve = serve(&database_url(folder), &["--seal-after-seconds", "600"]);
        let count = match Server::spawn(serve).map(|server| recording.writers.compare(changes, &server)) {
            Ok(Kept::All) => return,
            Ok(Kept::NotAll) => &with_losses,
            Ok(Kept::Unknown) => {
                assert_damaged(folder);
                &damaged
            }
            Err((_, log)) => {
                assert!(log.contains(MALFORMED), "{log}");
                &damaged
            }
        };
        count.fetch_add(1, Ordering::Relaxed);
    });
    let [with_losses, damaged] = [with_losses, damaged].map(AtomicU64::into_inner);
    println!(
        "{IMAGES} images without syncs of {file}: {with_losses} have lost readings, {damaged} are damaged"
    );
    Some([with_losses, damaged])
}

#[test]
fn a_disk_that_ignores_syncs_of_the_log_loses_acknowledged_readings() {
    let Some([with_losses, _]) = count_harmed_images(LOG, Recording::all_points) else { return };
    assert!(with_losses >= HARMED_MIN, "only {with_losses} images have lost readings");
}

/// After a checkpoint, the log starts again from its beginning. Then only the main file has the pages that
/// the checkpoint has moved. Without some of these pages, the database is usually damaged.
#[test]
fn a_disk_that_ignores_syncs_of_the_main_file_loses_or_damages_acknowledged_readings() {
    let harmed = count_harmed_images(DATABASE, Recording::points_after_checkpoint);
    let Some([with_losses, damaged]) = harmed else { return };
    assert!(
        with_losses + damaged >= HARMED_MIN,
        "only {with_losses} images have lost readings, and {damaged} are damaged"
    );
}
