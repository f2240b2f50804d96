//! The audit log: a change and its entry are one transaction, and an entry is never changed.

use std::sync::Arc;

use device_stats_domain::{AuditFilter, AuditOrder, Author, DeviceId, NewDevice};
use device_stats_sqlite::SqliteStore;
use device_stats_store::conformance::unwritable_entries::UnwritableEntries;
use device_stats_store::{AccountStore, AuditStore};

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

/// The store has no method that changes an entry. The database refuses changes by other programs.
#[tokio::test]
async fn an_entry_of_the_audit_log_cannot_be_changed() {
    let folder = Folder::new();
    let store = SqliteStore::open(&folder.database(), true).unwrap();
    let device = NewDevice::new(DeviceId::new("d").unwrap());
    store.create_device(&Author::SERVICE, device, None).await.unwrap();
    let (order, filter) = (AuditOrder::OldestFirst, AuditFilter::default());
    let before = store.list_audit(order, None, &filter, 10).await.unwrap();
    assert_eq!(before.len(), 1);
    let other = rusqlite::Connection::open(folder.database()).unwrap();
    let refused = other.execute("UPDATE audit SET actor = 'operator'", []).unwrap_err();
    assert!(refused.to_string().contains("rows of the audit log are not changed"), "{refused}");
    assert_eq!(store.list_audit(order, None, &filter, 10).await.unwrap(), before);
}
