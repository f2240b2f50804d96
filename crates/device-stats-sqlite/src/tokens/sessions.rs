//! Statements about sessions.

use device_stats_domain::{Session, SessionHash, Timestamp, TokenId};
use device_stats_store::StoreError;
use device_stats_store::limits::SESSIONS_MAX;
use rusqlite::{Connection, OptionalExtension};

use super::token;
use crate::database::columns::time;
use crate::database::errors::{is_missing_parent, store_error};

pub(super) fn create(
    connection: &Connection,
    hash: &SessionHash,
    token: TokenId,
    created_at: Timestamp,
    ended_before: Timestamp,
) -> Result<(), StoreError> {
    let delete_ended = "DELETE FROM session WHERE created_at < ?1";
    let mut delete_ended = connection.prepare_cached(delete_ended).map_err(store_error)?;
    delete_ended.execute([ended_before.micros()]).map_err(store_error)?;
    let insert = "INSERT INTO session (hash, token, created_at, last_used_at) VALUES (?1, ?2, ?3, ?3)";
    let mut insert = connection.prepare_cached(insert).map_err(store_error)?;
    insert.execute((hash.0, token.0, created_at.micros())).map_err(|error| {
        if is_missing_parent(&error) { StoreError::TokenMissing } else { store_error(error) }
    })?;
    let delete_oldest = "DELETE FROM session WHERE token = ?1 AND hash NOT IN (
        SELECT hash FROM session WHERE token = ?1 ORDER BY created_at DESC, hash DESC LIMIT ?2)";
    let mut delete_oldest = connection.prepare_cached(delete_oldest).map_err(store_error)?;
    delete_oldest.execute((token.0, SESSIONS_MAX)).map_err(store_error)?;
    Ok(())
}

pub(super) fn find(connection: &Connection, hash: &SessionHash) -> Result<Option<Session>, StoreError> {
    let select = "SELECT token.id, prefix, holder, token.user_id, device, device_id, scopes, token.name,
        token.created_at, expires_at, token.last_used_at, session.created_at, session.last_used_at
        FROM session JOIN token ON token.id = session.token LEFT JOIN devices ON devices.id = device
        WHERE session.hash = ?1";
    let mut select = connection.prepare_cached(select).map_err(store_error)?;
    let found = select.query_row([hash.0], |row| {
        Ok(Session { token: token(row)?, created_at: time(row, 11)?, last_used_at: time(row, 12)? })
    });
    found.optional().map_err(store_error)
}

/// Deletes a session, if it exists, and returns its token.
pub(super) fn delete(connection: &Connection, hash: &SessionHash) -> Result<Option<TokenId>, StoreError> {
    let delete = "DELETE FROM session WHERE hash = ?1 RETURNING token";
    let mut delete = connection.prepare_cached(delete).map_err(store_error)?;
    delete.query_row([hash.0], |row| row.get(0).map(TokenId)).optional().map_err(store_error)
}

pub(super) fn note_uses(
    connection: &Connection,
    uses: &[(SessionHash, Timestamp)],
) -> Result<(), StoreError> {
    let update = "UPDATE session SET last_used_at = max(last_used_at, ?2) WHERE hash = ?1";
    let mut update = connection.prepare_cached(update).map_err(store_error)?;
    for (hash, time) in uses {
        update.execute((hash.0, time.micros())).map_err(store_error)?;
    }
    Ok(())
}
