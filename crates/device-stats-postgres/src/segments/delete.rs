//! The transaction that deletes the readings of a window.
//!
//! It locks the device: it waits for the appends, seals and merges in progress, and blocks further ones. So
//! no reading of the window moves from a row to a segment, or to another segment, while it is deleted.

use deadpool_postgres::Client;
use device_stats_domain::{AuditEvent, Author, DeviceKey, Window};
use device_stats_store::{CutSegment, Deleted, DeletionPlan, Visibility};

use crate::audit;
use crate::database::columns::each;
use crate::database::errors::Failure;
use crate::database::transactions::begin;
use crate::segments::catalogue::entry;
use crate::segments::pieces::insert;
use crate::segments::replace::{DELETE_BLOCKS, DELETE_LISTED, lock, new_id};

const TOUCHING: &str = "SELECT id, first_us, last_us, readings FROM segment
    WHERE device = $1 AND last_us >= $2 AND first_us < $3 AND $2::bigint < $3";
const DELETE_ROWS: &str = "DELETE FROM reading WHERE device = $1 AND time >= $2 AND time < $3";

pub(crate) async fn delete_readings(
    client: &mut Client,
    author: &Author,
    visible: Visibility,
    device: DeviceKey,
    window: Window,
    cut: &[CutSegment],
) -> Result<Deleted, Failure> {
    let transaction = begin(client).await?;
    if !lock(&transaction, visible, device).await? {
        return Ok(Deleted::Stale);
    }
    let select = transaction.prepare_cached(TOUCHING).await?;
    let touching = transaction.query(&select, &[&device.0, &window.from_us, &window.until_us]).await?;
    let touching = each(&touching, |row| entry(row, 0))?;
    let Some(plan) = DeletionPlan::new(&touching, window, cut)? else { return Ok(Deleted::Stale) };
    let delete = transaction.prepare_cached(DELETE_ROWS).await?;
    let rows = transaction.execute(&delete, &[&device.0, &window.from_us, &window.until_us]).await?;
    if !plan.deleted.is_empty() {
        let ids: Vec<i64> = plan.deleted.iter().map(|id| id.0).collect();
        for delete in [DELETE_LISTED, DELETE_BLOCKS] {
            let delete = transaction.prepare_cached(delete).await?;
            transaction.execute(&delete, &[&device.0, &ids]).await?;
        }
    }
    for (segment, head) in &plan.inserted {
        insert(&transaction, device, new_id(), segment, head).await?;
    }
    let readings = plan.readings + rows;
    if readings > 0 {
        let event = AuditEvent::delete_readings(device, window, readings);
        audit::note(&transaction, author, &[event]).await?;
    }
    transaction.commit().await.map_err(Failure::Committing)?;
    Ok(Deleted::Done(readings))
}
