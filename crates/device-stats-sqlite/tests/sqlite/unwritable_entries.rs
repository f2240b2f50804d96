//! The audit log: a change and its entry are one transaction.

use std::sync::Arc;

use device_stats_sqlite::SqliteStore;
use device_stats_store::conformance::unwritable_entries::UnwritableEntries;

use crate::Folder;

#[tokio::test]
async fn a_change_without_its_entry_is_not_made() {
    let folder = Folder::new();
    let store = Arc::new(SqliteStore::open(&folder.database(), true).unwrap());
    let changes = UnwritableEntries::prepare(store).await;
    let other = rusqlite::Connection::open(folder.database()).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT raise(ABORT, 'refused'); END";
    other.execute_batch(refuse).unwrap();
    changes.assert_nothing_changes().await;
}
