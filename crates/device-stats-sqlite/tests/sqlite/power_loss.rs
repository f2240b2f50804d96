//! Losses of power. A process carries out the script, and its changes of files are recorded. Then the
//! database is opened on many images of a disk that has lost unsynced data at a random point. On each of
//! them, every acknowledged reading is stored exactly once, and the store works.
//!
//! `CRASH_POINTS=all`, as in `make torture`, tries 1,000 images; the default is fewer.

#![expect(clippy::disallowed_methods, reason = "the caller chooses the number of images")]

use std::panic::AssertUnwindSafe;
use std::path::Path;

use rusqlite::Connection;

use crate::crash_points::{Run, assert_kept};
use crate::process::{self, Role, say};
use crate::recorded_calls::{Recording, record};
use crate::unsynced_disk::{Random, write_image};
use crate::{Folder, script};

/// Number of images in `make test` and in `make torture`.
const IMAGES: [u64; 2] = [60, 1_000];
/// Number of rows that a process of the negative control inserts.
const ROWS: u32 = 60;

fn images() -> u64 {
    let [some, all] = IMAGES;
    if std::env::var("CRASH_POINTS").is_ok_and(|points| points == "all") { all } else { some }
}

/// Checks images of a disk: each is written into a new folder, after a random number of changes. `check` also
/// gets the output before this point. The seed of a failed image is in the message of the panic.
fn try_images(recording: &Recording, images: u64, mut check: impl FnMut(&Folder, Vec<String>)) {
    for seed in 0..images {
        let mut random = Random(seed);
        let changes = random.below(recording.changes.len() + 1);
        let said = recording.said_after(changes);
        let folder = Folder::new();
        write_image(&recording.changes[..changes], &mut random, folder.folder.path());
        let checked = std::panic::catch_unwind(AssertUnwindSafe(|| check(&folder, said.clone())));
        assert!(checked.is_ok(), "image {seed}, after {changes} changes: {said:?}");
    }
}

#[test]
fn a_loss_of_power_at_any_point_loses_and_doubles_nothing() {
    let recorded = Folder::new();
    let recording = record(&process::with(Role::Script, &recorded.database()), recorded.folder.path());
    let changes = recording.changes.len();
    assert_eq!(recording.said_after(changes).last().map(String::as_str), Some(script::DONE));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut acknowledged = 0;
    try_images(&recording, images(), |folder, said| {
        let run = Run::of_lines(said);
        runtime.block_on(assert_kept(&folder.database(), &run));
        acknowledged += usize::from(run.acknowledged() > 0);
    });
    println!("{} images of {changes} changes: 0 lost, 0 doubled, 0 invented", images());
    assert!(acknowledged > 10, "only {acknowledged} images have acknowledged readings");
}

/// Inserts rows, each in a transaction of its own, and writes their number after each commit.
pub(crate) fn insert_rows(path: &Path, synchronous: &str) {
    let connection = Connection::open(path).unwrap();
    let settings = format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA wal_autocheckpoint = 20;
         CREATE TABLE numbers (n INTEGER PRIMARY KEY)"
    );
    connection.execute_batch(&settings).unwrap();
    for n in 1..=ROWS {
        connection.execute("INSERT INTO numbers VALUES (?1)", [n]).unwrap();
        say(&n.to_string());
    }
}

/// Returns the number of images of which SQLite has lost committed rows. Each image must be a sound database.
fn images_with_losses(role: Role) -> u32 {
    let recorded = Folder::new();
    let recording = record(&process::with(role, &recorded.database()), recorded.folder.path());
    let mut with_losses = 0;
    try_images(&recording, IMAGES[0], |folder, said| {
        let connection = Connection::open(folder.database()).unwrap();
        let exists = connection.table_exists(None, "numbers").unwrap();
        let count = "SELECT count(*) FROM numbers";
        let found: u32 = if exists { connection.query_row(count, [], |row| row.get(0)).unwrap() } else { 0 };
        let acknowledged: u32 = said.last().map_or(0, |line| line.parse().unwrap());
        with_losses += u32::from(found < acknowledged);
    });
    with_losses
}

/// With `synchronous=NORMAL`, a commit is not synced. The images must show that, or they would prove nothing
/// about `synchronous=FULL`.
#[test]
fn commits_that_are_not_synced_are_lost() {
    assert_eq!(images_with_losses(Role::InsertRowsSynced), 0);
    let with_losses = images_with_losses(Role::InsertRowsUnsynced);
    assert!(with_losses > 5, "only {with_losses} images have lost rows");
}
