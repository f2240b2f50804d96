//! The audit log.

use async_trait::async_trait;
use device_stats_domain::{AuditEntry, AuditEvent, AuditFilter, AuditId, AuditOrder, Author, Timestamp};
use device_stats_store::{AuditRow, AuditSelection, AuditStore, SqlConditions, StoreError};
use rusqlite::{Connection, Row, ToSql};

use crate::accounts::now_us;
use crate::database::errors::store_error;
use crate::store::SqliteStore;

#[async_trait]
impl AuditStore for SqliteStore {
    async fn append_audit(&self, events: &[(Author, AuditEvent)]) -> Result<(), StoreError> {
        let events = events.to_vec();
        let append = move |connection: &Connection| {
            events.iter().try_for_each(|(author, event)| note(connection, author, [event]))
        };
        self.connections.write(append).await
    }

    async fn list_audit(
        &self,
        order: AuditOrder,
        after: Option<AuditId>,
        filter: &AuditFilter,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let selection = AuditSelection::new(order, after, filter, limit);
        self.connections.read(move |connection| list(connection, &selection)).await
    }

    async fn delete_audit(&self, until: Timestamp, limit: u32) -> Result<u32, StoreError> {
        self.connections.write(move |connection| delete(connection, until, limit)).await
    }
}

/// Writes entries about events in the transaction of the caller.
pub(crate) fn note<'e>(
    connection: &Connection,
    author: &Author,
    events: impl IntoIterator<Item = &'e AuditEvent>,
) -> Result<(), StoreError> {
    let insert = "INSERT INTO audit (time, actor, actor_id, actor_token, request_id, address, action, user_id, username,
                      device, device_id, token, details)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,
                      iif(?11 IS NULL, coalesce(?8, (SELECT user_id FROM devices WHERE id = ?10)), ?8), ?9, ?10,
                      coalesce(?11, (SELECT device_id FROM devices WHERE id = ?10)), ?12, ?13)";
    let mut insert = connection.prepare_cached(insert).map_err(store_error)?;
    let time = now_us();
    for event in events {
        let row = AuditRow::new(author, event)?;
        let values = (
            time,
            row.actor,
            row.actor_id,
            row.actor_token,
            row.request_id,
            row.address,
            row.action,
            row.user_id,
            row.username,
            row.device,
            row.device_id,
            row.token,
            row.details,
        );
        insert.execute(values).map_err(store_error)?;
    }
    Ok(())
}

fn entry(row: &Row<'_>) -> rusqlite::Result<(i64, i64, AuditRow)> {
    let columns = AuditRow {
        actor: row.get(2)?,
        actor_id: row.get(3)?,
        actor_token: row.get(4)?,
        request_id: row.get(5)?,
        address: row.get(6)?,
        action: row.get(7)?,
        user_id: row.get(8)?,
        username: row.get(9)?,
        device: row.get(10)?,
        device_id: row.get(11)?,
        token: row.get(12)?,
        details: row.get(13)?,
    };
    Ok((row.get(0)?, row.get(1)?, columns))
}

fn list(connection: &Connection, selection: &AuditSelection) -> Result<Vec<AuditEntry>, StoreError> {
    let mut conditions: SqlConditions<'_, dyn ToSql> = SqlConditions::new('?');
    let select = selection.statement(&mut conditions, |value| value, |value| value);
    let mut select = connection.prepare_cached(&select).map_err(store_error)?;
    let rows = select.query_map(conditions.values(), entry).map_err(store_error)?;
    rows.map(|row| row.map_err(store_error).and_then(|(id, time, row)| row.into_entry(id, time))).collect()
}

fn delete(connection: &Connection, until: Timestamp, limit: u32) -> Result<u32, StoreError> {
    let delete =
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE time < ?1 ORDER BY time, id LIMIT ?2)";
    let mut delete = connection.prepare_cached(delete).map_err(store_error)?;
    let deleted = delete.execute((until.micros(), limit)).map_err(store_error)?;
    Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
}
