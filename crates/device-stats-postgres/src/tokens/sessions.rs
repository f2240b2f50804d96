//! Statements about sessions.

use deadpool_postgres::Client;
use device_stats_domain::{AuditEvent, Author, Session, SessionHash, Timestamp, TokenId};
use device_stats_store::StoreError;
use device_stats_store::limits::SESSIONS_MAX;

use super::token;
use crate::audit;
use crate::database::columns::{column, time};
use crate::database::errors::{Failure, is_missing_parent};
use crate::database::transactions::begin;

pub(super) async fn create(
    client: &mut Client,
    author: &Author,
    hash: &SessionHash,
    token: TokenId,
    created_at: Timestamp,
    ended_before: Timestamp,
) -> Result<(), Failure> {
    let transaction = begin(client).await?;
    let insert = "INSERT INTO session (hash, token, created_at, last_used_at) VALUES ($1, $2, $3, $3)";
    let insert = transaction.prepare_cached(insert).await?;
    let inserted = transaction.execute(&insert, &[&hash.0.as_slice(), &token.0, &created_at.micros()]).await;
    inserted.map_err(|error| {
        if is_missing_parent(&error) { StoreError::TokenMissing.into() } else { Failure::Before(error) }
    })?;
    // Deletes in the order of the hashes, and leaves out sessions that another call is deleting.
    let delete = "DELETE FROM session WHERE hash IN (
        SELECT hash FROM session WHERE created_at < $1 OR (token = $2 AND hash NOT IN (
            SELECT hash FROM session WHERE token = $2 ORDER BY created_at DESC, hash DESC LIMIT $3))
        ORDER BY hash FOR UPDATE SKIP LOCKED)";
    let delete = transaction.prepare_cached(delete).await?;
    transaction.execute(&delete, &[&ended_before.micros(), &token.0, &i64::from(SESSIONS_MAX)]).await?;
    audit::note(&transaction, author, &[AuditEvent::create_session(token)]).await?;
    transaction.commit().await.map_err(Failure::Committing)
}

pub(super) async fn find(client: &Client, hash: &SessionHash) -> Result<Option<Session>, Failure> {
    let select = "SELECT token.id, prefix, holder, token.user_id, device, device_id, scopes, token.name,
        token.created_at, expires_at, token.last_used_at, session.created_at, session.last_used_at
        FROM session JOIN token ON token.id = session.token LEFT JOIN devices ON devices.id = device
        WHERE session.hash = $1";
    let select = client.prepare_cached(select).await?;
    let found = client.query(&select, &[&hash.0.as_slice()]).await?;
    let Some(row) = found.first() else { return Ok(None) };
    Ok(Some(Session { token: token(row)?, created_at: time(row, 11)?, last_used_at: time(row, 12)? }))
}

pub(super) async fn delete(client: &mut Client, author: &Author, hash: &SessionHash) -> Result<(), Failure> {
    let transaction = begin(client).await?;
    let delete = transaction.prepare_cached("DELETE FROM session WHERE hash = $1 RETURNING token").await?;
    let deleted = transaction.query(&delete, &[&hash.0.as_slice()]).await?;
    let token = deleted.first().map(|row| column(row, 0).map(TokenId)).transpose()?;
    audit::note(&transaction, author, &token.map(AuditEvent::delete_session)).await?;
    transaction.commit().await.map_err(Failure::Committing)
}

/// Updates in the order of the hashes, to avoid a deadlock of two nodes that note uses of the same sessions.
pub(super) async fn note_uses(client: &Client, uses: &[(SessionHash, Timestamp)]) -> Result<(), Failure> {
    let update = "WITH used AS (
        SELECT session.hash, uses.time FROM session
        JOIN (SELECT hash, max(time) AS time FROM unnest($1::bytea[], $2::bigint[]) AS pairs (hash, time)
            GROUP BY hash) AS uses ON uses.hash = session.hash
        ORDER BY session.hash FOR NO KEY UPDATE OF session
    )
    UPDATE session SET last_used_at = greatest(last_used_at, used.time) FROM used WHERE session.hash = used.hash";
    let update = client.prepare_cached(update).await?;
    let hashes: Vec<&[u8]> = uses.iter().map(|(hash, _)| hash.0.as_slice()).collect();
    let times: Vec<i64> = uses.iter().map(|(_, time)| time.micros()).collect();
    client.execute(&update, &[&hashes, &times]).await.map_err(Failure::Committing)?;
    Ok(())
}
