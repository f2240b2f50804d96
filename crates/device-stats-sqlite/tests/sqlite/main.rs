//! Integration tests of the store in a file: the conformance suite, opening and migrating, killed processes
//! and failing disks.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod crash_points;
mod failing;
mod free_pages;
mod group_commit;
mod journal;
mod log_size;
mod migrating;
mod opening;
mod power_loss;
mod process;
mod recorded_calls;
mod script;
mod segments;
mod unsynced_disk;
mod unwritable_entries;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use device_stats_sqlite::SqliteStore;
use device_stats_store::Store;
use tempfile::TempDir;

/// The folder of a database. Dropping it asserts that the database is sound.
struct Folder {
    folder: TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("stats.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() && self.database().exists() {
            assert_sound(&self.database());
        }
    }
}

/// Asserts that SQLite finds no fault in a database, and that no row references a missing row.
fn assert_sound(path: &Path) {
    let connection = rusqlite::Connection::open(path).unwrap();
    let faults = |check: &str| -> Vec<String> {
        let mut check = connection.prepare(check).unwrap();
        // Both checks return the table or the fault in the first column.
        let faults = check.query_map([], |row| row.get(0)).unwrap();
        faults.collect::<Result<_, _>>().unwrap()
    };
    assert_eq!(faults("PRAGMA integrity_check"), ["ok"]);
    assert_eq!(faults("PRAGMA foreign_key_check"), [""; 0]);
    if !connection.table_exists(None, "segment_block").unwrap() {
        return;
    }
    let orphans = "SELECT 'block ' || id FROM segment_block WHERE id >> 16 NOT IN (SELECT id FROM segment)";
    assert_eq!(faults(orphans), [""; 0]);
    if !connection.table_exists(None, "deleted_device").unwrap() {
        return;
    }
    let orphans = "SELECT 'segment ' || id FROM segment
        WHERE device NOT IN (SELECT id FROM devices UNION ALL SELECT device FROM deleted_device)
        UNION ALL SELECT 'derived ' || segment FROM derived_segment WHERE segment NOT IN (SELECT id FROM segment)
        UNION ALL SELECT 'device ' || id FROM devices WHERE id IN (SELECT device FROM deleted_device)";
    assert_eq!(faults(orphans), [""; 0]);
}

async fn open() -> (Folder, Arc<dyn Store>) {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    (folder, Arc::new(store))
}

device_stats_store::conformance_tests!(open);
