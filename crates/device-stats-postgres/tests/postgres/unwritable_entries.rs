//! The audit log: a change and its entry are one transaction, and an entry is never changed.

use std::sync::Arc;

use device_stats_domain::{AuditFilter, AuditOrder};
use device_stats_postgres::testing::fresh_database;
use device_stats_store::AuditStore;
use device_stats_store::conformance::unwritable_entries::UnwritableEntries;

use crate::{connect, device, open_at};

#[tokio::test]
async fn a_change_without_its_entry_is_not_made() {
    let url = fresh_database();
    let changes = UnwritableEntries::prepare(Arc::new(open_at(&url).await)).await;
    let refuse = "ALTER TABLE audit ADD CONSTRAINT refuse CHECK (false) NOT VALID";
    connect(&url).await.batch_execute(refuse).await.unwrap();
    changes.assert_nothing_changes().await;
}

/// The store has no method that changes an entry. The database refuses changes by other programs.
#[tokio::test]
async fn an_entry_of_the_audit_log_cannot_be_changed() {
    let url = fresh_database();
    let store = open_at(&url).await;
    device(&store, "d").await;
    let (order, filter) = (AuditOrder::OldestFirst, AuditFilter::default());
    let before = store.list_audit(order, None, &filter, 10).await.unwrap();
    assert_eq!(before.len(), 1);
    let refused = connect(&url).await.batch_execute("UPDATE audit SET actor = 'operator'").await.unwrap_err();
    let message = refused.as_db_error().unwrap().message();
    assert_eq!(message, "rows of the audit log are not changed");
    assert_eq!(store.list_audit(order, None, &filter, 10).await.unwrap(), before);
}
