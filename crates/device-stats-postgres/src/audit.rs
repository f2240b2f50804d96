//! The audit log: each call has a connection and a time limit.

use async_trait::async_trait;
use deadpool_postgres::{Client, Transaction};
use device_stats_domain::{AuditEntry, AuditEvent, AuditFilter, AuditId, AuditOrder, Author, Timestamp};
use device_stats_store::{AuditRow, AuditSelection, AuditStore, SqlConditions, StoreError};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::database::columns::{column, each};
use crate::database::connections::{TimeLimit, call};
use crate::database::errors::Failure;
use crate::database::transactions::begin;
use crate::store::PostgresStore;

#[async_trait]
impl AuditStore for PostgresStore {
    async fn append_audit(&self, events: &[(Author, AuditEvent)]) -> Result<(), StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| append(client, events))
    }

    async fn list_audit(
        &self,
        order: AuditOrder,
        after: Option<AuditId>,
        filter: &AuditFilter,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let selection = AuditSelection::new(order, after, filter, limit);
        call!(self.connections, TimeLimit::Reads, |client| list(client, &selection))
    }

    async fn delete_audit(&self, until: Timestamp, limit: u32) -> Result<u32, StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| delete(client, until, limit))
    }
}

/// Writes entries about events in the transaction of the caller.
pub(crate) async fn note(
    transaction: &Transaction<'_>,
    author: &Author,
    events: impl IntoIterator<Item = &AuditEvent>,
) -> Result<(), Failure> {
    let rows = events.into_iter().map(|event| AuditRow::new(author, event)).collect::<Result<_, _>>()?;
    insert(transaction, rows).await
}

async fn append(client: &mut Client, events: &[(Author, AuditEvent)]) -> Result<(), Failure> {
    let rows = events.iter().map(|(author, event)| AuditRow::new(author, event)).collect::<Result<_, _>>()?;
    let transaction = begin(client).await?;
    insert(&transaction, rows).await?;
    transaction.commit().await.map_err(Failure::Committing)
}

async fn insert(transaction: &Transaction<'_>, rows: Vec<AuditRow>) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    // `OFFSET 0` leaves the planner only a lookup in the index for each entry.
    let insert = "INSERT INTO audit (actor, actor_id, actor_token, request_id, address, action, user_id, username, device,
            device_id, token, details)
        SELECT actor, actor_id, actor_token, request_id, address, action, coalesce(new.user_id, found.user_id), username,
            device, coalesce(new.device_id, found.device_id), token, details
        FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[],
            $9::bigint[], $10::text[], $11::bigint[], $12::text[]) WITH ORDINALITY AS new (actor, actor_id, actor_token,
            request_id, address, action, user_id, username, device, device_id, token, details, position)
        LEFT JOIN LATERAL (
            SELECT devices.user_id, devices.device_id FROM devices
            WHERE new.device_id IS NULL AND devices.id = new.device OFFSET 0) AS found ON true ORDER BY position";
    let insert = transaction.prepare_cached(insert).await?;
    let actors: Vec<&str> = rows.iter().map(|row| row.actor.as_str()).collect();
    let actions: Vec<&str> = rows.iter().map(|row| row.action.as_str()).collect();
    let details: Vec<&str> = rows.iter().map(|row| row.details.as_str()).collect();
    let values: &[&(dyn ToSql + Sync)] = &[
        &actors,
        &integers(&rows, |row| row.actor_id),
        &integers(&rows, |row| row.actor_token),
        &texts(&rows, |row| &row.request_id),
        &texts(&rows, |row| &row.address),
        &actions,
        &integers(&rows, |row| row.user_id),
        &texts(&rows, |row| &row.username),
        &integers(&rows, |row| row.device),
        &texts(&rows, |row| &row.device_id),
        &integers(&rows, |row| row.token),
        &details,
    ];
    transaction.execute(&insert, values).await?;
    Ok(())
}

fn texts<'r>(
    rows: &'r [AuditRow],
    text: impl Fn(&'r AuditRow) -> &'r Option<String>,
) -> Vec<Option<&'r str>> {
    rows.iter().map(|row| text(row).as_deref()).collect()
}

fn integers(rows: &[AuditRow], integer: impl Fn(&AuditRow) -> Option<i64>) -> Vec<Option<i64>> {
    rows.iter().map(integer).collect()
}

fn entry(row: &Row) -> Result<AuditEntry, StoreError> {
    let columns = AuditRow {
        actor: column(row, 2)?,
        actor_id: column(row, 3)?,
        actor_token: column(row, 4)?,
        request_id: column(row, 5)?,
        address: column(row, 6)?,
        action: column(row, 7)?,
        user_id: column(row, 8)?,
        username: column(row, 9)?,
        device: column(row, 10)?,
        device_id: column(row, 11)?,
        token: column(row, 12)?,
        details: column(row, 13)?,
    };
    columns.into_entry(column(row, 0)?, column(row, 1)?)
}

async fn list(client: &Client, selection: &AuditSelection) -> Result<Vec<AuditEntry>, Failure> {
    let mut conditions: SqlConditions<'_, dyn ToSql + Sync> = SqlConditions::new('$');
    let select = selection.statement(&mut conditions, |value| value, |value| value);
    let select = client.prepare_cached(&select).await?;
    let rows = client.query(&select, conditions.values()).await?;
    Ok(each(&rows, entry)?)
}

async fn delete(client: &Client, until: Timestamp, limit: u32) -> Result<u32, Failure> {
    // Rows that another node is deleting are skipped.
    let delete = "DELETE FROM audit WHERE id IN (
        SELECT id FROM audit WHERE time < $1 ORDER BY time, id LIMIT $2 FOR UPDATE SKIP LOCKED)";
    let delete = client.prepare_cached(delete).await?;
    let deleted = client.execute(&delete, &[&until.micros(), &i64::from(limit)]).await;
    Ok(u32::try_from(deleted.map_err(Failure::Committing)?).unwrap_or(u32::MAX))
}
