//! Losses of power under the real binary. Clients post numbered readings, send keyed requests, and delete
//! readings and devices, while the server seals, merges and runs checkpoints. The database is on a file
//! system that records all writes and syncs. Then a server is started on many images of a disk that has lost
//! unsynced data at a random point. On each of them, every reading acknowledged before this point is stored
//! exactly once, no other reading is stored, and each deletion is whole.
//!
//! `CRASH_POINTS=all`, as in `make torture`, tries 1,000 images; the default is fewer.

#![expect(
    clippy::disallowed_methods,
    reason = "the caller chooses the number of images; polls the file system"
)]

mod recording_disk;
mod writers;

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::numbered_readings::Api;
use crate::random::Random;
use crate::server::{Server, run, serve};
use crate::unsynced_disk::{self, Change, write_image};
use recording_disk::RecordingDisk;
use writers::Writers;

/// Number of images of a recording.
const IMAGES: u64 = 40;
/// Number of recordings in `make test` and in `make torture`.
const RECORDINGS: [u64; 2] = [1, 25];
/// Number of images of the negative control.
const CONTROL_IMAGES: u64 = 12;
/// Number of threads that check images.
const CHECKERS: usize = 2;
const DATABASE: &str = "test.db";
const LOG: &str = "test.db-wal";
/// Minimum number of changes after a checkpoint, in which the log starts again from its beginning.
const CHANGES_AFTER_CHECKPOINT: usize = 400;
/// Time limit for events that must happen eventually.
const EVENT_TIMEOUT: Duration = Duration::from_mins(1);

fn recordings() -> u64 {
    let [some, all] = RECORDINGS;
    if std::env::var("CRASH_POINTS").is_ok_and(|points| points == "all") { all } else { some }
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
    writers: Writers,
}

impl Recording {
    /// Puts load on servers, one after the other, and records the changes of their files. Returns `None` if
    /// no file system can be mounted.
    fn new(seed: u64, ends: &[End]) -> Option<Self> {
        let disk = RecordingDisk::mount()?;
        let mut writers = Writers::with_seed(seed);
        let client = Api::at("");
        for end in ends {
            let mut serve = serve(&database_url(disk.folder()), &["--seal-after-seconds", "0"]);
            serve.env("RUST_LOG", "info,device_stats_service=debug");
            let server = Server::spawn(serve).unwrap_or_else(|(_, log)| panic!("the server ended:\n{log}"));
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
        Some(Self { changes: disk.into_changes(), writers })
    }

    /// Writes the images of random points of the recording into new folders, and checks them on several
    /// threads. `is_recorded` says whether the disk has noticed a change. An image whose check fails is kept.
    fn try_images(
        &self,
        seeds: std::ops::Range<u64>,
        is_recorded: impl Fn(&Change) -> bool + Sync,
        check: impl Fn(&Path, usize) + Sync,
    ) {
        let (next, end) = (AtomicU64::new(seeds.start), seeds.end);
        let check_next = || {
            while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < end) {
                let mut random = unsynced_disk::Random(seed);
                let changes = random.below(self.changes.len() + 1);
                let folder = tempfile::tempdir().unwrap();
                let kept = self.changes[..changes].iter().filter(|change| is_recorded(change));
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

/// Asserts that SQLite and the service find no fault in an image.
fn assert_sound(folder: &Path) {
    let verify = run(&["verify", "--database-url", &database_url(folder)]);
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
    let connection = rusqlite::Connection::open(folder.join(DATABASE)).unwrap();
    let check = connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
    assert_eq!(check.unwrap(), "ok");
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
        recording.try_images(
            seeds,
            |_| true,
            |folder, changes| {
                let server = Server::start_with(&database_url(folder), &["--seal-after-seconds", "600"]);
                let api = Api::at(&server.url);
                let mut random = Random::with_seed(changes as u64 + 1);
                let kept = recording.writers.assert_kept(changes, &api, &mut random);
                acknowledged.fetch_add(kept, Ordering::Relaxed);
                server.kill();
                assert_sound(folder);
            },
        );
    }
    let acknowledged = acknowledged.into_inner();
    println!(
        "{images} images of {changes} changes, with {acknowledged} acknowledged requests in total: 0 lost, 0 \
         doubled, 0 invented"
    );
    assert!(acknowledged > 0, "no image has acknowledged readings");
}

/// If the disk acknowledges the syncs of the log without carrying them out, the images must show lost
/// readings. Otherwise they would prove nothing.
#[test]
fn a_disk_that_ignores_syncs_loses_acknowledged_readings() {
    let Some(recording) = Recording::new(0, &[End::Kill]) else { return };
    let is_noticed = |change: &Change| !matches!(change, Change::Sync(file) if file == LOG);
    let with_losses = AtomicU64::new(0);
    recording.try_images(0..CONTROL_IMAGES, is_noticed, |folder, changes| {
        let serve = serve(&database_url(folder), &["--seal-after-seconds", "600"]);
        let has_lost = match Server::spawn(serve) {
            Ok(server) => recording.writers.have_lost(changes, &Api::at(&server.url)),
            // The main file has pages that the lost log does not have.
            Err(_) => true,
        };
        with_losses.fetch_add(u64::from(has_lost), Ordering::Relaxed);
    });
    let with_losses = with_losses.into_inner();
    assert!(with_losses > CONTROL_IMAGES / 4, "only {with_losses} images have lost readings");
}
