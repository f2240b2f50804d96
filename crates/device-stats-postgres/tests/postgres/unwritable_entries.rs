//! The audit log: a change and its entry are one transaction.

use std::sync::Arc;

use device_stats_postgres::testing::fresh_database;
use device_stats_store::conformance::unwritable_entries::UnwritableEntries;

use crate::{connect, open_at};

#[tokio::test]
async fn a_change_without_its_entry_is_not_made() {
    let url = fresh_database();
    let changes = UnwritableEntries::prepare(Arc::new(open_at(&url).await)).await;
    let refuse = "ALTER TABLE audit ADD CONSTRAINT refuse CHECK (false) NOT VALID";
    connect(&url).await.batch_execute(refuse).await.unwrap();
    changes.assert_nothing_changes().await;
}
